//! The subject's own token of a question on the command line: what policies see of it, without a signature.

use crate::types::moment::{Moment, TokenClaims, moment_text};
use clap::Args;
use jiff::Timestamp;
use serde::Deserialize;
use std::{collections::BTreeSet, sync::Arc};

/// The flag of commands that ask.
#[derive(Debug, Args)]
pub(super) struct TokenFlag {
    /// What is known of the subject's own token: JSON with `acr`, `amr` and `auth_time` [default: there is no token]
    #[arg(long, value_name = "JSON", value_parser = claims)]
    token: Option<TokenClaims>,
}

impl TokenFlag {
    /// Whether there is one.
    pub(super) const fn is_given(&self) -> bool {
        self.token.is_some()
    }

    /// This moment, with the token.
    pub(super) fn at(&self, moment: Moment) -> Moment {
        Moment { token: self.token.clone().map(Arc::new), ..moment }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    acr: Option<String>,
    amr: Option<BTreeSet<String>>,
    auth_time: Option<Timestamp>,
}

fn claims(text: &str) -> Result<TokenClaims, String> {
    let read = serde_json::from_str(text).map_err(|error| {
        format!(r#"{error}; an example is {{"acr": "high", "amr": ["hwk"], "auth_time": "2026-11-30T08:00:00Z"}}"#)
    });
    read.map(|Given { acr, amr, auth_time }| TokenClaims { acr, amr, auth_time: auth_time.map(moment_text) })
}
