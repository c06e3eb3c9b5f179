//! `poort witness`: a small witness for the logs of others.

use super::{Exit, output::Output};
use crate::record::witness::{Store, StoreError, serve};
use clap::{Args, Subcommand};
use std::{io, net::SocketAddr, path::PathBuf, sync::Arc};
use tokio::{
    net::TcpListener,
    runtime,
    signal::unix::{SignalKind, signal},
};

pub(super) const EXAMPLES: &str = "Examples:
  poort witness key --name witness.example/one            make it, and print its public key: a line of a policy
  poort witness serve --name witness.example/one --logs logs.keys --listen 192.0.2.7:7380

A witness cosigns the checkpoints of the logs whose keys are in the file, and never two histories of one log (C2SP
tlog-witness, cosignature/v1). It belongs on another machine than the logs, in other hands. The file has a line for each log, as
`poort log key` prints it, and is read again for each checkpoint. Nothing that it receives or keeps is secret but its key: it
sees sizes and hashes, and no record. Behind a proxy that does TLS it is as good as with its own.

Its folder is its memory: keep it, and never put an older copy back. Where it is lost, begin another witness with another name.";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Cosign checkpoints over HTTP
    #[command(after_help = EXAMPLES)]
    Serve(Serve),
    /// Print the public key of this witness, and make it where there is none
    #[command(after_help = EXAMPLES)]
    Key(Memory),
}

#[derive(Debug, Args)]
pub(super) struct Memory {
    /// The name of the witness: an address without a scheme that is yours, such as witness.example/one
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Its folder: its key, and what it cosigned
    #[arg(long, value_name = "DIR", default_value = "witness")]
    data: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    memory: Memory,
    /// The public keys of the logs that it knows, a line each
    #[arg(long, value_name = "FILE")]
    logs: PathBuf,
    /// Where it listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7380")]
    listen: SocketAddr,
}

pub(super) fn run(command: &Command, output: &mut Output) -> Result<Exit, Exit> {
    match command {
        Command::Key(memory) => {
            let public = Store::public_of(&memory.data, &memory.name).map_err(|error| failed(&error, output))?;
            output.conclude(&format!("{public}\n"))?;
        }
        Command::Serve(Serve { memory, logs, listen }) => {
            let store = Store::open(&memory.data, &memory.name, logs).map_err(|error| failed(&error, output))?;
            output.tell(&format!("The key of this witness: {}", store.public()));
            listen_on(*listen, Arc::new(store), output).map_err(|error| {
                output.error(&format!("cannot listen on {listen}: {error}"));
                Exit::Failed
            })?;
        }
    }
    Ok(Exit::Done)
}

fn failed(error: &StoreError, output: &mut Output) -> Exit {
    output.failure(error);
    if matches!(error, StoreError::Name(_)) { Exit::Usage } else { Exit::Failed }
}

/// Answers until a signal comes. What was cosigned is on disk, so nothing has to be drained.
fn listen_on(address: SocketAddr, store: Arc<Store>, output: &mut Output) -> io::Result<()> {
    let _ = tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(false).try_init();
    runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?.block_on(async {
        let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let listener = TcpListener::bind(address).await?;
        output.tell(&format!("Listening on {}", listener.local_addr()?));
        tokio::select! {
            () = serve(listener, store) => {}
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        Ok(())
    })
}
