//! The words of rights for people: in a language. Programs read the names of the types themselves.

use super::super::{Filter, Presence, Reach, RightChange};
use crate::types::{language::Language, texts::matrix as texts};

pub(super) const fn reach(reach: Reach, language: Language) -> &'static str {
    match reach {
        Reach::Own => texts::own(language),
        Reach::Unit => texts::unit(language),
        Reach::All => texts::all(language),
    }
}

/// How far a right reaches, where that is not to all records: ` (unit)`.
pub(super) fn narrowed(reached: Option<Reach>, language: Language) -> String {
    match reached {
        Some(narrow) if narrow != Reach::All => format!(" ({})", reach(narrow, language)),
        _ => String::new(),
    }
}

/// Whose records a right reaches.
pub(super) const fn records(reach: Reach, language: Language) -> &'static str {
    match reach {
        Reach::Own => texts::own_records(language),
        Reach::Unit => texts::unit_records(language),
        Reach::All => texts::all_records(language),
    }
}

pub(super) const fn presence(presence: Presence, language: Language) -> &'static str {
    match presence {
        Presence::New => texts::new(language),
        Presence::Gone => texts::gone(language),
        Presence::Both => texts::changed(language),
    }
}

pub(super) const fn change(change: RightChange, language: Language) -> &'static str {
    match change {
        RightChange::Gained => texts::gained(language),
        RightChange::Wider => texts::wider(language),
        RightChange::Further => texts::may_reach_further(language),
        RightChange::Conditions => texts::other_conditions(language),
        RightChange::Narrower => texts::narrower(language),
        RightChange::Lost => texts::lost(language),
    }
}

/// What is asked; `None` if that is all.
pub(super) fn part(filter: &Filter, language: Language) -> Option<String> {
    let asked = [
        (&filter.account, texts::part_account as fn(_, _) -> _),
        (&filter.record, texts::part_record),
        (&filter.action, texts::part_action),
    ];
    let asked = asked.into_iter().filter(|(text, _)| !text.is_empty());
    let words: Vec<String> = asked.map(|(text, words)| words(language, text)).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// What an account may that may nothing of what is asked.
pub(super) const fn nothing(filter: &Filter, language: Language) -> &'static str {
    if filter.record.is_empty() && filter.action.is_empty() {
        texts::nothing(language)
    } else {
        texts::nothing_of_it(language)
    }
}

pub(super) fn accounts(number: usize, language: Language) -> String {
    if number == 1 { texts::one_account(language).to_owned() } else { texts::many_accounts(language, number) }
}

pub(super) fn test_accounts(number: usize, language: Language) -> String {
    if number == 1 { texts::one_test_account(language).to_owned() } else { texts::many_test_accounts(language, number) }
}

pub(super) fn operations(number: usize, language: Language) -> String {
    if number == 1 { texts::one_operation(language).to_owned() } else { texts::many_operations(language, number) }
}

pub(super) fn types(number: usize, language: Language) -> String {
    if number == 1 { texts::one_type(language).to_owned() } else { texts::many_types(language, number) }
}
