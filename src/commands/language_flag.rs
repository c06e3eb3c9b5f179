//! The language in which a command speaks to people.

use crate::{config::Settings, types::language::Language};
use clap::Args;

/// The flag of commands that speak several languages.
#[derive(Debug, Args)]
pub(super) struct LanguageFlag {
    /// The language of sentences: en or nl [default: `answers.language` of the configuration]
    #[arg(long, value_name = "LANGUAGE")]
    lang: Option<Language>,
}

impl LanguageFlag {
    /// The language that was asked for, else that of the configuration.
    pub(super) fn chosen(&self, settings: &Settings) -> Language {
        self.lang.unwrap_or(settings.api.language)
    }
}
