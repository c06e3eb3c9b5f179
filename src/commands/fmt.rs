//! `poort fmt`: formats policy files, or shows what would change.

use super::{Common, Exit, output::Output};
use crate::{
    sources::policy,
    types::{escape, problem::SourceFile},
};
use clap::Args;
use similar::TextDiff;
use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

pub(super) const EXAMPLES: &str = "Examples:
  poort fmt                      *.cedar in the policy folder, its guarantees/ and its signals/
  poort fmt policies/bvh.cedar   one file
  poort fmt --check              change nothing; show what would change, and exit with 1 if anything would
  poort fmt - < bvh.cedar        standard input to standard output, for editors

The schema is left as it is. A file whose comments or policies the formatter would not keep is left as it is, and named.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Files or folders, or - for standard input [default: the policy folder]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Change nothing; show what would change
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Arguments { paths, check, common } = arguments;
    if paths.iter().any(|path| path.as_os_str() == "-") {
        if paths.len() > 1 {
            output.error("`-` must be the only path: standard input goes to standard output");
            return Err(Exit::Usage);
        }
        return standard_input(*check, output);
    }
    let paths = if paths.is_empty() {
        vec![common.settings(Default::default(), output)?.0.store.policies]
    } else {
        paths.clone()
    };
    let mut files = Vec::new();
    for path in &paths {
        if let Err(error) = list(path, &mut files) {
            output.error(&format!("{}: cannot be read: {error}", path.display()));
            output.tell("  help: name policy files, or the folder that holds them");
            return Ok(Exit::Failed);
        }
    }
    if let Some(schema) = files.iter().find(|file| file.extension().is_some_and(|it| it == "cedarschema")) {
        output.error(&format!("{}: this is a schema and no policy file", schema.display()));
        output.tell("  help: leave it out; only policy files, which end in .cedar, have one form");
        return Ok(Exit::Usage);
    }
    if files.is_empty() {
        output
            .error(&format!("no *.cedar file in {}", paths.first().map_or(Path::new(""), PathBuf::as_path).display()));
        return Ok(Exit::Usage);
    }
    let mut changed = 0;
    let mut problems = Vec::new();
    for path in &files {
        let file = match SourceFile::read(path, "policy::unreadable", "policy::not-utf8") {
            Ok(file) => file,
            Err(problem) => {
                problems.push(*problem);
                continue;
            }
        };
        match policy::pretty(&file) {
            Ok(text) if *text == *file.text => {}
            Ok(text) => {
                changed += 1;
                if *check {
                    output.conclude(&difference(&file.name, &file.text, &text))?;
                } else if let Err(error) = replace(path, &text) {
                    output.error(&format!("{}: cannot be written: {error}", path.display()));
                    return Ok(Exit::Failed);
                } else {
                    output.tell(&format!("formatted {}", path.display()));
                }
            }
            Err(more) => problems.extend(more),
        }
    }
    output.problems(&problems);
    if !problems.is_empty() {
        return Ok(Exit::NotValid);
    }
    output.tell(&match (changed, check) {
        (0, _) => format!("{} in form", counted(files.len())),
        (changed, true) => format!("{} of {} would change; run `poort fmt`", changed, counted(files.len())),
        (changed, false) => format!("{} of {} formatted", changed, counted(files.len())),
    });
    Ok(if changed > 0 && *check { Exit::Failed } else { Exit::Done })
}

fn counted(files: usize) -> String {
    format!("{files} file{}", if files == 1 { "" } else { "s" })
}

fn standard_input(check: bool, output: &mut Output) -> Result<Exit, Exit> {
    let mut text = String::new();
    if let Err(error) = io::stdin().lock().read_to_string(&mut text) {
        output.error(&format!("standard input: {error}"));
        return Ok(Exit::Failed);
    }
    let file = SourceFile { name: "standard input".into(), text: text.into() };
    match policy::pretty(&file) {
        Ok(text) if check => Ok(if *text == *file.text { Exit::Done } else { Exit::Failed }),
        Ok(text) => {
            output.conclude(&text)?;
            Ok(Exit::Done)
        }
        Err(problems) => {
            output.problems(&problems);
            Ok(Exit::NotValid)
        }
    }
}

/// The file itself, or the policy files of a folder, of its guarantees and of its reasons for signals.
fn list(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !fs::metadata(path)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut found = Vec::new();
    for folder in [path.to_owned(), path.join("guarantees"), path.join("signals")] {
        if folder.as_path() != path && !folder.is_dir() {
            continue;
        }
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if path.extension().is_some_and(|extension| extension == "cedar") && !hidden && !path.is_dir() {
                found.push(path);
            }
        }
    }
    found.sort();
    files.append(&mut found);
    Ok(())
}

/// Replaces a file atomically: a server that watches the folder never reads half of it.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    // The target of a symbolic link, not the link.
    let path = fs::canonicalize(path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.{}", std::process::id()));
    let written = fs::write(&beside, text)
        .and_then(|()| fs::set_permissions(&beside, fs::metadata(&path)?.permissions()))
        .and_then(|()| fs::rename(&beside, &path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn difference(name: &str, before: &str, after: &str) -> String {
    let difference = TextDiff::from_lines(before, after);
    let difference = difference.unified_diff().context_radius(2).header(name, "formatted").to_string();
    escape::lines(&difference).into_owned()
}
