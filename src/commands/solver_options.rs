//! The flags of commands that prove: the solver's time limit, and the folder of proofs.

use super::{Exit, output::Output};
use crate::{
    config::Settings,
    pdp::engine::UnknownEntities,
    review::proof::{self, Cache, Effort},
};
use clap::Args;
use std::{env, path::PathBuf, time::Duration};

#[derive(Debug, Clone, Args)]
pub(super) struct SolverOptions {
    /// How long the solver may think about one question, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    timeout: f64,
    /// Where proofs are kept; what lies there is believed, so let nobody else write to it [default: poort in the user's
    /// cache folder]
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Keep no proofs, and use none
    #[arg(long, conflicts_with = "cache")]
    no_cache: bool,
}

impl SolverOptions {
    /// The folder of proofs; `None` if none are kept.
    pub(super) fn cache(&self) -> Option<Cache> {
        if self.no_cache {
            return None;
        }
        let named = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let of_user = || named("XDG_CACHE_HOME").or_else(|| named("HOME").map(|home| home.join(".cache")));
        Some(Cache::new(self.cache.clone().or_else(|| Some(of_user()?.join("poort")))?))
    }

    /// The effort that these flags set, if there is a solver.
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

/// Proofs are about `directory.unknown = "deny"`.
///
/// # Errors
/// The configuration says otherwise.
pub(super) fn check_meaning(settings: &Settings, output: &mut Output) -> Result<(), Exit> {
    let unknown = settings.pdp.engine.unknown;
    if unknown == UnknownEntities::Deny {
        return Ok(());
    }
    output.error(&format!(
        "proofs hold for directory.unknown = \"deny\", and the configuration says \"{}\": nothing is proven",
        unknown.name()
    ));
    Err(Exit::Usage)
}
