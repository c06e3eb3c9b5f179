//! Writes for a terminal what groups give to the accounts in them.

use super::{
    super::{Given, Gives, Matrix, Reach},
    counted, short,
    text::{asked, left_out},
};
use crate::types::escape;

/// What each group of a type gives. `paint` puts a text in an ANSI colour, or leaves it as it is.
#[must_use]
pub fn gives_text(matrix: &Matrix, kind: &str, gives: &[Gives], paint: &dyn Fn(u8, &str) -> String) -> String {
    let mut lines = vec![format!(
        "What each {} gives on {}: what the accounts that are in it itself could not do without it; not what an attribute gives \
         that names it, such as the account's unit",
        short(kind),
        matrix.day
    )];
    lines.extend(asked(matrix));
    lines.extend(left_out(matrix));
    let width = matrix.records.iter().map(|record| short(record).chars().count()).max().unwrap_or(0);
    for Gives { group, accounts, rights, named_by } in gives {
        lines.push(String::new());
        let name = group.name.as_deref().map(|name| format!("  {name}")).unwrap_or_default();
        let heading = format!("{} {}{name}  ({})", short(kind), group.id, counted(accounts.len(), "account"));
        lines.push(paint(1, &escape::line(&heading)));
        lines.push(escape::line(&format!("  held by {}", accounts.join(", "))).into_owned());
        if rights.is_empty() {
            let policies: Vec<_> = named_by.iter().map(|policy| policy.id.as_str()).collect();
            let named = if policies.is_empty() {
                "no policy has it in its text".into()
            } else {
                format!("named by {}", policies.join(", "))
            };
            let nothing = matrix.filter.nothing();
            lines.push(escape::line(&format!("  gives {nothing} to them; {named}")).into_owned());
        }
        for ((record, action), given) in rights {
            lines.push(
                escape::line(&format!("  {:width$}  {action}{}", short(record), words(given, accounts.len())))
                    .into_owned(),
            );
            for (word, ids) in reasons(given) {
                lines.push(escape::line(&format!("      {word} {}", ids.join(", "))).into_owned());
            }
        }
    }
    lines.join("\n")
}

/// For how many of the accounts, and how far it reaches.
pub(super) fn words(given: &Given, accounts: usize) -> String {
    let reach = match given.reach {
        Some(reach) if reach != Reach::All => format!(" ({})", reach.word()),
        _ => String::new(),
    };
    let of = |number: usize| if number == accounts { String::new() } else { format!(", {number} of {accounts}") };
    match (given.more.len(), given.less.len(), given.other.len()) {
        (more, 0, 0) => format!("{reach}{}", of(more)),
        (0, less, 0) => format!("{reach}: less than without it{}", of(less)),
        (0, 0, other) => format!("{reach}: under other conditions than without it{}", of(other)),
        (more, less, other) => {
            let each = [("more", more), ("less", less), ("other conditions", other)].into_iter();
            let each = each.filter(|(_, number)| *number > 0).map(|(word, number)| format!("{word} for {number}"));
            format!("{reach}: {}", each.collect::<Vec<_>>().join(", "))
        }
    }
}

/// The policies by which it is given or taken.
pub(super) fn reasons(given: &Given) -> Vec<(&'static str, Vec<&str>)> {
    let all: [(_, Vec<&str>); 6] = [
        ("by", given.permits.keys().map(String::as_str).collect()),
        ("its records by", given.of_its_records.keys().map(String::as_str).collect()),
        ("lifts", given.lifts.keys().map(String::as_str).collect()),
        ("limited by", given.forbids.keys().map(String::as_str).collect()),
        ("not by", given.ends.keys().map(String::as_str).collect()),
        ("other conditions by", given.others.keys().map(String::as_str).collect()),
    ];
    all.into_iter().filter(|(_, ids)| !ids.is_empty()).collect()
}
