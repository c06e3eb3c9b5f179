//! The command line: one file a command.
//!
//! - `serve`: answer questions
//! - `validate`: check the policy folder
//! - `fmt`: format policy files
//! - `evaluate`: answer AuthZEN JSON from a file
//! - `account`: show what the directory says of an account
//! - `explain`, `explained`: say why a question was decided as it was, and what would allow it
//! - `entity`: what an id on the command line names
//! - `question`: questions by flags or from a file
//! - `diff`, `side`, `git`: show what a change of policies would grant and take away
//! - `basis`: show which rules rest on an article of law
//! - `matrix`: show which account may do what
//! - `schema`: describe the questions, for who writes a client
//! - `codegen`: make typed builders of questions
//! - `new`: write the files of a new system
//! - `test`: run the suites of a policy folder
//! - `log`: the decision log on disk
//! - `signals`: atypical use, found in the decision log
//! - `bundle`: signed bundles of policies
//! - `trust`: who may sign them
//! - `witness`: cosign the checkpoints of the logs of others
//! - `exit`: exit codes
//! - `solver_options`, `prove`: prove properties of the policies
//! - `language_flag`: the language in which a command speaks to people
//! - `token_flag`: what policies see of the subject's own token
//! - `output`: the only writer of standard output and standard error

mod account;
mod active;
mod basis;
mod bundle;
mod codegen;
mod diff;
mod entity;
mod evaluate;
mod exit;
mod explain;
mod explained;
mod fmt;
mod git;
mod language_flag;
mod log;
mod matrix;
mod new;
mod output;
mod post;
mod prove;
mod question;
mod schema;
mod serve;
mod side;
mod signals;
mod solver_options;
mod test;
mod token_flag;
mod trust;
mod validate;
mod witness;

pub use exit::Exit;

use crate::{
    config::{self, Flags, Settings},
    types::build,
};
use clap::{Args, Parser, Subcommand};
use output::Output;
use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// A policy decision point: may this account do this to this record, for this purpose?
#[derive(Debug, Parser)]
#[command(name = "poort", version = build::LONG_VERSION, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done (evaluate: allow) · 1 failed · 2 denied · 3 not valid · 4 tests failed · 5 differences \
                          that were not accepted · 64 wrong usage or configuration\n\nConfiguration: every key, its default and the reason for it are in                           poort.example.toml.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer questions over gRPC and HTTP+JSON
    #[command(after_help = serve::EXAMPLES)]
    Serve(serve::Arguments),
    /// Check schema, policies and directory; every problem is shown with its place
    #[command(after_help = validate::EXAMPLES)]
    Validate(validate::Arguments),
    /// Put policy files in their one form
    #[command(after_help = fmt::EXAMPLES)]
    Fmt(fmt::Arguments),
    /// Answer AuthZEN JSON (one question or a batch) from a file or standard input
    #[command(after_help = evaluate::EXAMPLES)]
    Evaluate(evaluate::Arguments),
    /// Say why a question was decided as it was, and what would allow it
    #[command(after_help = explain::EXAMPLES)]
    Explain(Box<explain::Arguments>),
    /// Show what a policy change would grant and take away, for all questions
    #[command(after_help = diff::EXAMPLES)]
    Diff(Box<diff::Arguments>),
    /// Show who may do what: every account, operation and type of record
    #[command(after_help = matrix::EXAMPLES)]
    Matrix(matrix::Arguments),
    /// Show what the directory says of an account, and what it can do
    #[command(subcommand)]
    Account(account::Command),
    /// Show which rules rest on an article of law
    #[command(after_help = basis::EXAMPLES)]
    Basis(basis::Arguments),
    /// Write the files of something new
    #[command(subcommand)]
    New(new::Command),
    /// Describe what to ask and what can come of it: for developers of applications
    #[command(after_help = schema::EXAMPLES)]
    Schema(schema::Arguments),
    /// Make typed builders of questions for an application's language
    #[command(after_help = codegen::EXAMPLES)]
    Codegen(codegen::Arguments),
    /// Run the suites of a policy folder: what officers expect of their policies
    #[command(after_help = test::EXAMPLES)]
    Test(test::Arguments),
    /// Read the decision log on disk
    #[command(subcommand)]
    Log(log::Command),
    /// Find atypical use in the decision log
    #[command(subcommand)]
    Signals(signals::Command),
    /// Put policies live with the signatures of several persons
    #[command(subcommand)]
    Bundle(bundle::Command),
    /// Say who may sign bundles
    #[command(subcommand)]
    Trust(trust::Command),
    /// Be a witness: cosign the checkpoints of logs, and never two histories of one
    #[command(subcommand)]
    Witness(witness::Command),
}

/// What most commands share.
#[derive(Debug, Clone, Default, Args)]
struct Common {
    /// The policy folder [default: policies]
    #[arg(long, value_name = "DIR")]
    policies: Option<PathBuf>,
    /// The directory: a folder of JSON files, or one file [default: directory/ in the policy folder]
    #[arg(long, value_name = "PATH")]
    directory: Option<PathBuf>,
    /// Where the decision log lies [default: data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The configuration file [default: poort.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Common {
    /// The same, with the policy folder given as a positional argument.
    fn in_folder(&self, folder: Option<&Path>) -> Self {
        Self { policies: folder.map(Path::to_owned).or_else(|| self.policies.clone()), ..self.clone() }
    }

    /// The settings under these flags and more of the command's own. Mistakes are told.
    fn settings(&self, more: Flags, output: &mut Output) -> Result<(Settings, Vec<String>), Exit> {
        self.read_settings(more).map_err(|mistakes| {
            output.error("the configuration is not usable:");
            mistakes.iter().for_each(|mistake| output.tell(&format!("  {mistake}")));
            Exit::Usage
        })
    }

    fn read_settings(&self, more: Flags) -> Result<(Settings, Vec<String>), Vec<String>> {
        let Self { policies, directory, data, config } = self;
        let mut flags = more;
        for (key, path) in [("policies", policies), ("directory.path", directory), ("data", data)] {
            if let Some(path) = path {
                flags.insert(key.to_owned(), vec![path.display().to_string()]);
            }
        }
        // A variable that is not UTF-8 cannot be one of poort's.
        let environment =
            || env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let named = environment().find(|(name, _)| name == "POORT_CONFIG").map(|(_, path)| PathBuf::from(path));
        config::load(config.as_ref().or(named.as_ref()).map(PathBuf::as_path), environment(), flags)
    }
}

/// The stack of the thread that runs a command, in bytes. Policies are walked by recursion, and whatever
/// `policy::bounds` accepts must fit. Only the used part takes memory.
const STACK: usize = 64 << 20;

/// Runs the command that these arguments name.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let thread = std::thread::Builder::new().name("poort-main".to_owned()).stack_size(STACK);
    match thread.spawn(|| run_here(arguments)) {
        Ok(thread) => thread.join().unwrap_or(Exit::Failed),
        Err(error) => {
            Output::new().failure(&error);
            Exit::Failed
        }
    }
}

fn run_here(arguments: Vec<OsString>) -> Exit {
    let mut output = Output::new();
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, and go to standard output.
            let is_answer = !error.use_stderr();
            let _ = error.print();
            return if is_answer { Exit::Done } else { Exit::Usage };
        }
    };
    let ended = match cli.command {
        Command::Serve(arguments) => serve::run(arguments, &mut output),
        Command::Validate(arguments) => validate::run(&arguments, &mut output),
        Command::Fmt(arguments) => fmt::run(&arguments, &mut output),
        Command::Evaluate(arguments) => evaluate::run(&arguments, &mut output),
        Command::Explain(arguments) => explain::run(&arguments, &mut output),
        Command::Diff(arguments) => diff::run(&arguments, &mut output),
        Command::Matrix(arguments) => matrix::run(&arguments, &mut output),
        Command::Account(command) => account::run(&command, &mut output),
        Command::Basis(arguments) => basis::run(&arguments, &mut output),
        Command::New(command) => new::run(&command, &mut output),
        Command::Schema(arguments) => schema::run(&arguments, &mut output),
        Command::Codegen(arguments) => codegen::run(&arguments, &mut output),
        Command::Test(arguments) => test::run(&arguments, &mut output),
        Command::Log(command) => log::run(&command, &mut output),
        Command::Signals(command) => signals::run(command, &mut output),
        Command::Bundle(command) => bundle::run(&command, &mut output),
        Command::Trust(command) => trust::run(&command, &mut output),
        Command::Witness(command) => witness::run(&command, &mut output),
    };
    ended.unwrap_or_else(|exit| exit)
}
