//! The sentences that every page has.

use crate::types::language::Language;
use std::fmt::Display;

texts! {
    made_by(version) {
        en: "Made by poort {version}. This page is complete: it loads nothing.",
        nl: "Gemaakt door poort {version}. Deze pagina is volledig: zij laadt niets."
    }
}
