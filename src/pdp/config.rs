//! Configuration of the decision point.

use super::{callers, engine};

/// What it takes, and what questions mean to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// What questions mean that name what is not known.
    pub engine: engine::Config,
    /// By what each application is recognised.
    pub callers: callers::Config,
    /// How many questions may be under way at once. A batch counts as many as it has items.
    pub concurrent: usize,
    /// How many items a batch may have.
    pub batch: usize,
    /// The share of `concurrent` that the questions of one connection may have.
    pub share: f64,
}

impl Default for Config {
    /// 10 000 questions at once: with a commit of 2 ms that is five million a second, more than a machine decides, so
    /// only a stalled disk meets it; of usual size they take some tens of megabytes meanwhile. Batches of 1 000: some ten
    /// milliseconds of work, which is as long as one call should keep a thread.
    /// Half for one connection: an application that multiplexes all its calls over one connection meets no limit in
    /// practice, and a caller that goes astray leaves the other half to others.
    fn default() -> Self {
        Self {
            engine: engine::Config::default(),
            callers: callers::Config::default(),
            concurrent: 10_000,
            batch: 1_000,
            share: 0.5,
        }
    }
}

impl Config {
    /// How many questions of one connection may be under way at once; one full batch always.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a ratio from 0 to 1 of a number below 2^24"
    )]
    pub fn of_one_connection(&self) -> usize {
        ((self.concurrent as f64 * self.share) as usize).max(self.batch)
    }
}
