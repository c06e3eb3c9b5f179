//! The part of a delivery that sends again what `poort log ship` asks for.
//!
//! Records that are newer wait meanwhile, so that one send is under way at a time, and one order holds. At a stop they go
//! first: the request is there for the next process.

use super::{
    again::{Again, Pass},
    delivery::Delivery,
    sink::Sink,
    source::Next,
};
use std::time::Duration;
use tokio::time::Instant;
use tracing::{error, info};

/// How soon a request is noticed.
const LOOK: Duration = Duration::from_secs(1);

impl<S: Sink> Delivery<S> {
    /// Takes up a request, and ends the one whose records were all sent. To be called while no record is in the window.
    pub(super) fn turn_to_requests(&mut self) {
        let is_stopping = self.stopping.is_cancelled();
        if let Some(pass) = &self.state.pass {
            let is_over = match pass {
                Pass::Log { until, .. } => self.records.position() >= *until,
                Pass::Quarantine { is_read, .. } => *is_read,
            };
            if is_over {
                self.end(pass.request());
            } else if is_stopping && let Pass::Log { until, .. } = pass {
                self.records.skip_to(*until);
            }
            if is_over || is_stopping {
                self.state.pass = None;
            }
        } else if !is_stopping && self.state.looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
            self.state.looked = Some(Instant::now());
            self.state.pass = self.begin();
        }
    }

    fn begin(&mut self) -> Option<Pass> {
        let begun = self.requests.take().and_then(|again| {
            Ok(match again {
                None => None,
                Some(Again::From(seq)) => {
                    let until = self.cursor.position();
                    let from = seq.min(until);
                    self.records.skip_to(from);
                    Some(Pass::Log { from, until })
                }
                Some(Again::Quarantine) => {
                    Some(Pass::Quarantine { lines: self.requests.quarantined()?, is_read: false })
                }
            })
        });
        match begun {
            Ok(pass) => {
                if let Some(pass) = &pass {
                    info!(sink = %self.settings.name, request = ?pass.request(), "Records are sent again, as asked.");
                }
                self.state.is_unreadable = false;
                pass
            }
            Err(error) => {
                if !std::mem::replace(&mut self.state.is_unreadable, true) {
                    error!(sink = %self.settings.name, %error, "A request to send records again cannot be taken.");
                }
                None
            }
        }
    }

    fn end(&self, request: Again) {
        match self.requests.done(request) {
            Ok(()) => info!(sink = %self.settings.name, ?request, "All that was asked for was sent again."),
            Err(error) => {
                error!(sink = %self.settings.name, %error, "A request was served and cannot be removed: it is served again.");
            }
        }
    }

    /// The record that is sent next, of what is asked for or of the log.
    pub(super) fn next(&mut self) -> Result<Next, String> {
        if let Some(Pass::Quarantine { lines, is_read }) = &mut self.state.pass {
            let next = lines.next().map_err(|error| format!("the quarantine cannot be read: {error}"))?;
            *is_read = next.is_none();
            return Ok(next.map_or(Next::End, Next::Record));
        }
        self.records.next().map_err(|error| format!("the log cannot be read: {error}: {}", error.cause))
    }
}
