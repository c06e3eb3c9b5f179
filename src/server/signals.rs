//! Signals: SIGTERM and SIGINT stop poort, SIGHUP reads again what may change, and those that mean nothing to it do nothing.
//!
//! SIGQUIT and the signals of faults end the process as they always do, with a core dump where that is allowed.

use rustix::process::Signal as Name;
use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals that would end the process, and mean nothing to poort. A file size limit is answered like a full disk.
const IGNORED: [Name; 9] =
    [Name::USR1, Name::USR2, Name::ALARM, Name::VTALARM, Name::PROF, Name::IO, Name::POWER, Name::STKFLT, Name::XFSZ];

/// The signals that a program may use as it likes (`signal(7)`); the C library has those below.
const REAL_TIME: std::ops::RangeInclusive<i32> = 34..=64;

/// The handlers of signals, as long as this is there.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    _ignored: Vec<Signal>,
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// To stop; by this signal.
    Stop(&'static str),
    /// To read again what may change.
    Reload,
}

impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        let ignored = IGNORED.map(Name::as_raw).into_iter().chain(REAL_TIME);
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            _ignored: ignored.map(|raw| signal(SignalKind::from_raw(raw))).collect::<io::Result<_>>()?,
        })
    }

    /// Waits for a signal to stop. Gives its name. A signal to read again is kept until [`Signals::next`].
    pub(super) async fn stop(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    /// Waits for a signal.
    pub(super) async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Asked::Stop("SIGINT"),
            _ = self.hang_up.recv() => Asked::Reload,
        }
    }
}
