//! Writes for a terminal who can do one thing: the accounts, those with the same conditions together.

use super::{
    super::{Access, Account, Matrix},
    counted, short,
    text::{asked, conditions, left_out},
};
use crate::types::escape;

/// Who can do this action with records of this type. `paint` puts a text in an ANSI colour, or leaves it as it is.
#[must_use]
pub fn who_can_text(matrix: &Matrix, record: &str, action: &str, paint: &dyn Fn(u8, &str) -> String) -> String {
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
    let (of, who) = (counted(matrix.accounts.len(), "account"), format!("{action} {}", short(record)));
    let from = if matrix.filter.account.is_empty() { "of the directory" } else { "that were asked for" };
    let mut lines = vec![paint(1, &escape::line(&format!("Who can {who} on {}: {number} of {of} {from}", matrix.day)))];
    lines.extend(asked(matrix));
    lines.extend(left_out(matrix));
    let width = matrix.accounts.iter().map(|account| label(account).chars().count()).max().unwrap_or(0);
    for (access, accounts) in &groups {
        lines.push(String::new());
        let reach = access.reach().map_or("", super::Reach::word);
        let how = match access {
            Access::Always { .. } => "always".to_owned(),
            _ => format!("under these conditions, {reach} records"),
        };
        lines.push(paint(1, &format!("{}, {how}", counted(accounts.len(), "account"))));
        lines.push(format!("  {:width$}  name", "account"));
        for account in accounts {
            let name = account.name.as_deref().unwrap_or_default();
            lines.push(escape::line(&format!("  {:width$}  {name}", label(account))).trim_end().to_owned());
        }
        match access {
            Access::Always { permits } => {
                let ids =
                    permits.iter().map(|part| format!("      by {}: {}", part.policy.id, part.policy.title.base()));
                lines.extend(ids.map(|line| escape::line(&line).into_owned()));
            }
            _ => conditions(action, access, &mut lines),
        }
    }
    lines.join("\n")
}

fn label(account: &Account) -> String {
    format!("{} {}", short(&account.kind), account.id)
}
