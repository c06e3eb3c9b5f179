//! `poort serve`: answers questions until SIGTERM or SIGINT.

use super::{Common, Exit, output::Output};
use crate::{
    config::{Ephemeral, Flags, Settings},
    oversight::signals::live,
    server::{self, Checked, Rereading, Server, Sockets, StartError},
    sources::directory::OF_TESTS,
    telemetry::init_logging,
    types::problem,
};
use clap::Args;
use jiff::civil::Date;
use std::{error::Error, io, path::PathBuf};
use tokio::runtime::{Builder, Runtime};
use tracing::warn;

pub(super) const EXAMPLES: &str = "Examples:
  poort serve                                       on 127.0.0.1:50051, with the policies in `policies`
  poort serve --listen unix:/run/poort/poort.sock   on a Unix socket
  poort serve --listen 127.0.0.1:0 --admin 127.0.0.1:0
                                                    on free ports, which are logged
  poort serve --check                               before a restart: would it start?
  poort serve --ephemeral --port-file port --today 2026-11-23
                                                    for the tests of an application

SIGTERM stops it in order: what was taken is answered, the decision log is synced. SIGHUP reads policies, directory,
certificates, limits.linger and telemetry.log again. Sockets that systemd passes are used:
FileDescriptorName=callers and FileDescriptorName=admin.";

/// The segments of a log that is thrown away: nothing of it is taken from the disk in advance but this.
const SEGMENT: &str = "1MiB";

/// The stack of the threads that answer questions, in bytes: the longest accepted policy fits several times. Only the
/// used part takes memory.
const STACK: usize = 16 << 20;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where callers are heard, gRPC and JSON: an address or unix:PATH; can be given several times
    /// [default: 127.0.0.1:50051]
    #[arg(long, value_name = "ADDR")]
    listen: Vec<String>,
    /// Where operators are heard: /healthz, /readyz, /metrics, gRPC health [default: 127.0.0.1:9464]
    #[arg(long, value_name = "ADDR")]
    admin: Option<String>,
    /// For the tests of an application: on free ports of this machine, with a log that is thrown away at the end, and with
    /// the accounts of tests/directory too
    #[arg(long, conflicts_with_all = ["check", "data"])]
    ephemeral: bool,
    /// Write the callers' port into this file once questions are answered
    #[arg(long, value_name = "FILE", requires = "ephemeral")]
    port_file: Option<PathBuf>,
    /// The day that policies see, such as 2026-11-23
    #[arg(long, value_name = "DAY", requires = "ephemeral")]
    today: Option<Date>,
    /// Look for what would keep a start from succeeding, change nothing, and exit as a start would
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(arguments: Arguments, output: &mut Output) -> Result<Exit, Exit> {
    start(arguments, |_| Ok(()), output)
}

/// Runs `poort signals serve`.
pub(super) fn run_over_streams(arguments: Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let has_streams = |settings: &Settings| match &settings.signals {
        Some(live::Config { streams: Some(_), .. }) => Ok(()),
        _ => Err(
            "signals.stream: is missing; it names the streams in which signals are looked for, and needs signals.enabled = true",
        ),
    };
    start(arguments, has_streams, output)
}

fn start(
    arguments: Arguments,
    fits: impl FnOnce(&Settings) -> Result<(), &'static str>,
    output: &mut Output,
) -> Result<Exit, Exit> {
    let Arguments { listen, admin, ephemeral, port_file, today, check, common } = arguments;
    let mut flags = Flags::new();
    // It goes when this function ends, however poort stops.
    let thrown_away = if ephemeral {
        let folder = tempfile::Builder::new().prefix("poort-").tempdir();
        Some(folder.map_err(|error| failed(output, &error, Exit::Failed))?)
    } else {
        None
    };
    if let Some(folder) = &thrown_away {
        let free = || vec!["127.0.0.1:0".to_owned()];
        flags.extend([("listen".to_owned(), free()), ("admin".to_owned(), free())]);
        flags.extend([
            ("data".to_owned(), vec![folder.path().display().to_string()]),
            ("log.segment".to_owned(), vec![SEGMENT.to_owned()]),
        ]);
    }
    if !listen.is_empty() {
        flags.insert("listen".to_owned(), listen);
    }
    flags.extend(admin.map(|admin| ("admin".to_owned(), vec![admin])));
    let (mut settings, warnings) = common.settings(flags.clone(), output)?;
    fits(&settings).map_err(|mistake| {
        output.error(mistake);
        Exit::Usage
    })?;
    let log = init_logging(&settings.telemetry.log).map_err(|error| failed(output, &error, Exit::Usage))?;
    for warning in warnings {
        warn!("{warning}");
    }
    if ephemeral {
        settings.ephemeral = Ephemeral { today, port_file };
        settings.store.within.push(OF_TESTS);
        warn!(
            "Ephemeral: records are thrown away at the end. It is for the tests of an application, and for nothing else."
        );
    }
    if check {
        return self::check(&settings, output);
    }
    let rereading = Rereading::new(move || common.read_settings(flags.clone()).map(|(settings, _)| settings), log);
    let sockets = Sockets::take().map_err(|error| failed(output, &error, Exit::Usage))?;
    let runtimes = runtimes();
    let (callers, operators) = runtimes.map_err(|error| failed(output, &error, Exit::Failed))?;
    let served = callers.block_on(serve(settings, rereading, sockets, &operators));
    // What is durable is closed, or is being opened, which a crash may cut off anywhere. What still runs would hold up the end:
    // a look-up of a name, or a file system that hangs.
    callers.shutdown_background();
    operators.shutdown_background();
    served.map_err(|error| told(error, output))
}

fn check(settings: &Settings, output: &mut Output) -> Result<Exit, Exit> {
    let (callers, _) = runtimes().map_err(|error| failed(output, &error, Exit::Failed))?;
    let _within = callers.enter();
    let Checked { warnings, in_use } = server::check(settings).map_err(|error| told(error, output))?;
    output.problems(&warnings);
    for address in in_use {
        output.tell(&format!("note: {address}; a start fails while it is"));
    }
    output.conclude("poort can start with this configuration\n")?;
    Ok(Exit::Done)
}

/// Tells why a start fails.
fn told(error: StartError, output: &mut Output) -> Exit {
    match error {
        StartError::Configuration(error) => failed(output, error.as_ref(), Exit::Usage),
        StartError::System(error) => failed(output, error.as_ref(), Exit::Failed),
        StartError::Policies(problems) => {
            output.problems(&problems);
            let errors = problems.iter().filter(|problem| problem.is_error()).count();
            let s = if errors == 1 { "" } else { "s" };
            output.error(&format!("the policies cannot be used: {errors} problem{s}"));
            if problem::has_errors(&problems) { Exit::NotValid } else { Exit::Failed }
        }
    }
}

async fn serve(
    settings: Settings,
    rereading: Rereading,
    sockets: Sockets,
    operators: &Runtime,
) -> Result<Exit, StartError> {
    if let Some(server) = Server::build(settings, rereading, sockets, operators).await? {
        server.run().await;
    }
    Ok(Exit::Done)
}

/// The runtime of callers, and one thread for operators, which answers however busy the others are.
fn runtimes() -> io::Result<(Runtime, Runtime)> {
    let callers = Builder::new_multi_thread().enable_all().thread_name("poort").thread_stack_size(STACK).build()?;
    let operators =
        Builder::new_multi_thread().worker_threads(1).enable_all().thread_name("poort-operators").build()?;
    Ok((callers, operators))
}

fn failed(output: &mut Output, error: &dyn Error, exit: Exit) -> Exit {
    output.failure(error);
    exit
}
