//! Writes for a terminal what groups give to the accounts in them.

use super::{
    super::{Given, Gives, Matrix},
    short,
    text::{asked, left_out},
    words::{self, narrowed},
};
use crate::types::{escape, language::Language, texts::matrix as texts};

/// What each group of a type gives. `paint` puts a text in an ANSI colour, or leaves it as it is.
#[must_use]
pub fn gives_text(
    matrix: &Matrix,
    kind: &str,
    gives: &[Gives],
    language: Language,
    paint: &dyn Fn(u8, &str) -> String,
) -> String {
    let mut lines = vec![texts::what_gives(language, short(kind), &matrix.day)];
    lines.extend(asked(matrix, language));
    lines.extend(left_out(matrix, language));
    let width = matrix.records.iter().map(|record| short(record).chars().count()).max().unwrap_or(0);
    for Gives { group, accounts, rights, named_by } in gives {
        lines.push(String::new());
        let name = group.name.as_deref().map(|name| format!("  {name}")).unwrap_or_default();
        let heading = format!("{} {}{name}  ({})", short(kind), group.id, words::accounts(accounts.len(), language));
        lines.push(paint(1, &escape::line(&heading)));
        lines.push(escape::line(&format!("  {}", texts::held_by(language, accounts.join(", ")))).into_owned());
        if rights.is_empty() {
            let policies: Vec<_> = named_by.iter().map(|policy| policy.id.as_str()).collect();
            let named = if policies.is_empty() {
                texts::no_policy_names_it(language).to_owned()
            } else {
                texts::named_by(language, policies.join(", "))
            };
            let nothing = texts::gives_nothing(language, words::nothing(&matrix.filter, language), named);
            lines.push(escape::line(&format!("  {nothing}")).into_owned());
        }
        for ((record, action), given) in rights {
            let extent = extent(given, accounts.len(), language);
            lines.push(escape::line(&format!("  {:width$}  {action}{extent}", short(record))).into_owned());
            for (word, ids) in reasons(given, language) {
                lines.push(escape::line(&format!("      {word} {}", ids.join(", "))).into_owned());
            }
        }
    }
    lines.join("\n")
}

/// For how many of the accounts, and how far it reaches.
pub(super) fn extent(given: &Given, accounts: usize, language: Language) -> String {
    let reach = narrowed(given.reach, language);
    let of = |number: usize| {
        if number == accounts { String::new() } else { texts::for_some(language, number, accounts) }
    };
    match (given.more.len(), given.less.len(), given.other.len()) {
        (more, 0, 0) => format!("{reach}{}", of(more)),
        (0, less, 0) => format!("{reach}{}{}", texts::less_than_without(language), of(less)),
        (0, 0, other) => format!("{reach}{}{}", texts::other_than_without(language), of(other)),
        (more, less, other) => {
            let each =
                [(more, texts::more_for as fn(_, _) -> String), (less, texts::less_for), (other, texts::other_for)];
            let each =
                each.into_iter().filter(|(number, _)| *number > 0).map(|(number, words)| words(language, number));
            format!("{reach}: {}", each.collect::<Vec<_>>().join(", "))
        }
    }
}

/// The policies by which it is given or taken.
pub(super) fn reasons(given: &Given, language: Language) -> Vec<(&'static str, Vec<&str>)> {
    let all: [(_, Vec<&str>); 6] = [
        (texts::by(language), given.permits.keys().map(String::as_str).collect()),
        (texts::its_records_by(language), given.of_its_records.keys().map(String::as_str).collect()),
        (texts::lifts(language), given.lifts.keys().map(String::as_str).collect()),
        (texts::limited_by(language), given.forbids.keys().map(String::as_str).collect()),
        (texts::not_by(language), given.ends.keys().map(String::as_str).collect()),
        (texts::other_conditions_by(language), given.others.keys().map(String::as_str).collect()),
    ];
    all.into_iter().filter(|(_, ids)| !ids.is_empty()).collect()
}
