//! `poort new`: writes the files of something new, for officers to start from.

use super::{Common, Exit, output::Output};
use crate::{
    review::{
        basis::Laws,
        scaffold::{self, NewSystem, Piece},
    },
    sources::{
        directory::{OF_TESTS, Sources as Directory},
        policy::Sources as Policies,
        snapshot::{Snapshot, Sources},
    },
    types::problem::has_errors,
};
use clap::{Args, Subcommand};
use jiff::{Timestamp, civil::Date};
use std::{fs, path::Path};

const SYSTEM_EXAMPLES: &str = "Examples:
  poort new system exhibits --type Exhibit --title 'Exhibits that a court asks for' --basis 'wpg:8(1)' \\
      --owner service-centre --assessment dpia-2026-exhibits --assessed-until 2028-12-31
  poort new system exhibits … --profile patrol        and the profile `patrol` gets an authorisation for it
  poort new system exhibits … --dry-run               only say which files would be written

It writes: the type of its records and its name in the schema; policies for the own unit; a guarantee; a suite with its accounts;
its entry in the register of systems; its row in the README of the folder. Nobody can do anything in the system until a profile or
an account has an authorisation for it. Then change the files to what is wanted, and look at `poort diff git:HEAD policies`.

It follows the model of the policies that come with poort. Where a folder has another, it says what is missing, and writes nothing.";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write what each system of the policies has: schema, policies, guarantee, suite, register, profiles, README
    #[command(after_help = SYSTEM_EXAMPLES)]
    System(Arguments),
}

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The name of the system: that of its files, its policies and its authorisations
    #[arg(value_name = "NAME")]
    name: String,
    /// The type of its records
    #[arg(long = "type", value_name = "TYPE")]
    kind: String,
    /// What it holds, in a few words
    #[arg(long, value_name = "TEXT")]
    title: String,
    /// The articles of law that it rests on, as `laws.json` names them
    #[arg(long, value_name = "ARTICLES")]
    basis: String,
    /// The unit that answers for it
    #[arg(long, value_name = "UNIT")]
    owner: String,
    /// The number of the assessment of its impact on data protection (Wpg art. 4c)
    #[arg(long, value_name = "NUMBER")]
    assessment: String,
    /// The last day of that assessment
    #[arg(long, value_name = "DATE")]
    assessed_until: Date,
    /// What its records are used for: a value of `context.purpose`
    #[arg(long, value_name = "PURPOSE", default_value = "8")]
    purpose: String,
    /// Give this profile an authorisation for it (repeat for more)
    #[arg(long = "profile", value_name = "PROFILE")]
    profiles: Vec<String>,
    /// Write nothing; say which files would be written
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(command: &Command, output: &mut Output) -> Result<Exit, Exit> {
    let Command::System(arguments) = command;
    let (settings, _) = arguments.common.settings(Default::default(), output)?;
    let (folder, directory) = (settings.store.policies.as_path(), settings.store.directory.as_path());
    let sources = Sources::read(folder, directory)
        .and_then(|Sources { policies, directory }| Ok((policies, directory.with(folder, OF_TESTS)?)));
    let (policies, directory) = sources.map_err(|problems| {
        output.problems(&problems);
        Exit::NotValid
    })?;
    let Arguments { name, kind, title, basis, owner, assessment, assessed_until, purpose, profiles, .. } = arguments;
    let system = NewSystem {
        name: name.clone(),
        kind: kind.clone(),
        title: title.clone(),
        basis: basis.clone(),
        purpose: purpose.clone(),
        owner: owner.clone(),
        assessment: assessment.clone(),
        assessed_until: *assessed_until,
        profiles: profiles.clone(),
        today: settings.time_zone.to_datetime(Timestamp::now()).date(),
    };
    let mut refuse = |message: String| {
        output.error(&message);
        Exit::Usage
    };
    known_basis(folder, basis).map_err(&mut refuse)?;
    let pieces = scaffold::pieces(folder, &system, &policies, &directory).map_err(&mut refuse)?;
    check(&pieces, &policies, &directory, output)?;
    let verb = if arguments.dry_run { "would write" } else { "wrote" };
    for Piece { path, what, text } in &pieces {
        if !arguments.dry_run {
            write(path, text).map_err(|error| {
                output.error(&format!("{}: cannot be written: {error}", path.display()));
                Exit::Failed
            })?;
        }
        output.tell(&format!("{verb} {}: {}", path.display(), what.join("; ")));
    }
    output.tell(&format!(
        "\nNext: write down what is special to it, then\n  poort validate {folder}\n  poort test {folder} --coverage-min 100 --mutate\n  poort diff git:HEAD {folder}",
        folder = folder.display()
    ));
    Ok(Exit::Done)
}

/// Refuses an article that the list of laws does not have.
fn known_basis(folder: &Path, basis: &str) -> Result<(), String> {
    let laws = Laws::read(folder).map_err(|problem| problem.message().to_owned())?;
    let find = |laws: &Laws, text: &str| match laws.find(text.trim()) {
        Ok(_) => Ok(()),
        Err((message, help)) => Err(format!("--basis: {message}; {help}")),
    };
    laws.iter().try_for_each(|laws| basis.split(',').try_for_each(|text| find(laws, text)))
}

/// Whether the folder would be valid with these files.
fn check(pieces: &[Piece], policies: &Policies, directory: &Directory, output: &mut Output) -> Result<(), Exit> {
    let text = |shown: &str, old: &str| {
        pieces.iter().find(|piece| piece.path == Path::new(shown)).map_or_else(|| old.to_owned(), |it| it.text.clone())
    };
    let folder = Path::new(policies.folder());
    let mut files: Vec<_> =
        policies.files().map(|(name, file)| (name.to_owned(), text(&file.name, &file.text))).collect();
    let mut entities: Vec<_> =
        directory.named_files().map(|(name, file)| (name.to_owned(), text(&file.name, &file.text))).collect();
    for Piece { path, text, .. } in pieces.iter().filter(|piece| !piece.path.exists()) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.extension().is_some_and(|it| it == "json") {
            entities.push((format!("{OF_TESTS}/{name}"), text.clone()));
        } else if path.parent() == Some(folder) {
            files.push((name, text.clone()));
        }
    }
    fn pairs(files: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
        files.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }
    let sources = Sources {
        policies: Policies::from_texts(policies.folder(), pairs(&files)),
        directory: Directory::from_texts(policies.folder(), pairs(&entities)),
    };
    let (_, problems) = Snapshot::from_sources(&sources);
    if has_errors(&problems) {
        output.problems(&problems);
        output.error("the folder would not be valid with the new system, so nothing was written");
        return Err(Exit::NotValid);
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}
