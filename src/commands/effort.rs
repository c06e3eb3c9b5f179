//! What the commands that prove share: how much time the solver gets.

use super::{Exit, output::Output};
use crate::proof::{self, Effort};
use clap::Args;
use std::time::Duration;

#[derive(Debug, Clone, Args)]
pub(super) struct Solving {
    /// How long the solver may think about one question, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    timeout: f64,
}

impl Solving {
    /// What these flags ask for, if there is a solver.
    pub(super) fn effort(&self, output: &mut Output) -> Result<Effort, Exit> {
        let limit =
            Duration::try_from_secs_f64(self.timeout).ok().filter(|limit| !limit.is_zero()).ok_or_else(|| {
                output.error("--timeout asks for a number of seconds above 0");
                Exit::Usage
            })?;
        proof::find_solver().map_err(|missing| {
            output.error(&missing.to_string());
            Exit::Usage
        })?;
        Ok(Effort { limit, ..Effort::default() })
    }
}
