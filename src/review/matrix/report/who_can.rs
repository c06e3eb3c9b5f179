//! Writes for a terminal who can do one thing: the accounts, those with the same conditions together.

use super::{
    super::{Access, Account, Matrix},
    short,
    text::{asked, conditions, left_out},
    words,
};
use crate::types::{escape, language::Language, texts::matrix as texts};

/// Who can do this action with records of this type. `paint` puts a text in an ANSI colour, or leaves it as it is.
#[must_use]
pub fn who_can_text(
    matrix: &Matrix,
    record: &str,
    action: &str,
    language: Language,
    paint: &dyn Fn(u8, &str) -> String,
) -> String {
    let mut groups: Vec<(&Access, Vec<&Account>)> = Vec::new();
    for account in &matrix.accounts {
        let access = account.cells.get(&(record.to_owned(), action.to_owned()));
        let Some(access) = access.filter(|access| access.reach().is_some()) else { continue };
        match groups.iter_mut().find(|(other, _)| *other == access) {
            Some((_, accounts)) => accounts.push(account),
            None => groups.push((access, vec![account])),
        }
    }
    // Those that always may, and most accounts, are first.
    groups
        .sort_by_key(|(access, accounts)| (matches!(access, Access::Under { .. }), std::cmp::Reverse(accounts.len())));
    let number: usize = groups.iter().map(|(_, accounts)| accounts.len()).sum();
    let of = words::accounts(matrix.accounts.len(), language);
    let heading = if matrix.filter.account.is_empty() {
        texts::who_can(language, action, short(record), &matrix.day, number, of)
    } else {
        texts::who_can_of_part(language, action, short(record), &matrix.day, number, of)
    };
    let mut lines = vec![paint(1, &escape::line(&heading))];
    lines.extend(asked(matrix, language));
    lines.extend(left_out(matrix, language));
    let width = matrix.accounts.iter().map(|account| label(account).chars().count()).max().unwrap_or(0);
    for (access, accounts) in &groups {
        lines.push(String::new());
        let records = access.reach().map_or("", |reach| words::records(reach, language));
        let how = match access {
            Access::Always { .. } => texts::always(language).to_owned(),
            _ => texts::these_conditions(language, records),
        };
        lines.push(paint(1, &format!("{}, {how}", words::accounts(accounts.len(), language))));
        lines.push(format!("  {:width$}  {}", texts::account(language), texts::name(language)));
        for account in accounts {
            let name = account.name.as_deref().unwrap_or_default();
            lines.push(escape::line(&format!("  {:width$}  {name}", label(account))).trim_end().to_owned());
        }
        match access {
            Access::Always { permits } => {
                let by = texts::by(language);
                let policies = permits.iter().map(|part| &part.policy);
                let ids =
                    policies.map(|policy| format!("      {by} {}: {}", policy.id, policy.title.in_language(language)));
                lines.extend(ids.map(|line| escape::line(&line).into_owned()));
            }
            _ => conditions(action, access, language, &mut lines),
        }
    }
    lines.join("\n")
}

fn label(account: &Account) -> String {
    format!("{} {}", short(&account.kind), account.id)
}
