//! Writes the matrix for a terminal: a paragraph for each account, a line for each type of record.

use super::{
    super::{Access, Matrix},
    ALWAYS, CONDITIONS, applications, counted, narrowed, short,
};
use crate::types::escape;

/// The whole matrix. `paint` puts a text in an ANSI colour, or leaves it as it is.
#[must_use]
pub fn text(matrix: &Matrix, details: bool, paint: &dyn Fn(u8, &str) -> String) -> String {
    let width = matrix.records.iter().map(|record| short(record).chars().count()).max().unwrap_or(0);
    let mut lines = vec![format!(
        "Rights on {}   {ALWAYS} always   {CONDITIONS} under conditions   (own), (unit): only records that name the account, or of \
         groups that it is in or that name it   what is not shown: never",
        matrix.day
    )];
    lines.extend(asked(matrix));
    lines.extend(left_out(matrix));
    for account in &matrix.accounts {
        lines.push(String::new());
        let name = account.name.as_deref().map(|name| format!("  {name}")).unwrap_or_default();
        lines.push(paint(1, &escape::line(&format!("{} {}{name}", short(&account.kind), account.id))));
        let mut nothing = true;
        for record in &matrix.records {
            let cells: Vec<_> = matrix
                .actions
                .iter()
                .filter_map(|action| Some((action, account.cells.get(&(record.clone(), action.clone()))?)))
                .filter(|(_, access)| !matches!(access, Access::Never { .. }))
                .collect();
            if cells.is_empty() {
                continue;
            }
            nothing = false;
            let words: Vec<_> = cells
                .iter()
                .map(|(action, access)| match access {
                    Access::Always { .. } => paint(32, &escape::line(&format!("{ALWAYS} {action}"))),
                    _ => paint(33, &escape::line(&format!("{CONDITIONS} {action}{}", narrowed(access)))),
                })
                .collect();
            lines.push(format!("  {:width$}  {}", short(record), words.join("  ")));
            if details {
                cells.iter().for_each(|(action, access)| conditions(action, access, &mut lines));
            }
        }
        if nothing {
            lines.push(format!("  {}", matrix.filter.nothing()));
        }
    }
    lines.extend(applications::text(matrix, paint));
    lines.join("\n")
}

/// A line about what was asked, if that is not all.
pub(super) fn asked(matrix: &Matrix) -> Option<String> {
    matrix.filter.words().map(|words| escape::line(&format!("only {words}")).into_owned())
}

/// A line about the test accounts that are not shown.
#[must_use]
pub fn left_out(matrix: &Matrix) -> Option<String> {
    let number = matrix.left_out.len();
    let accounts = counted(number, "test account");
    let how = matrix.test_marks.join(", ");
    (number > 0).then(|| format!("{accounts} left out ({how}); --with-test-accounts shows them"))
}

/// The conditions of a right, under what it is about.
pub(super) fn conditions(action: &str, access: &Access, lines: &mut Vec<String>) {
    let Access::Under { permits, forbids } = access else { return };
    for (word, parts) in [("if", permits), ("unless", forbids)] {
        for part in parts {
            let policy = format!("{action} {word} {}: {}", part.policy.id, part.policy.title.base());
            lines.push(format!("      {}", escape::line(&policy)));
            lines.extend(part.conditions.iter().map(|condition| format!("          {}", escape::line(condition))));
        }
    }
}
