//! Writes the matrix for a terminal: a paragraph for each account, a line for each type of record.

use super::{
    super::{Access, Matrix},
    ALWAYS, CONDITIONS, applications, short,
    words::{self, narrowed},
};
use crate::types::{escape, language::Language, texts::matrix as texts};

/// The whole matrix. `paint` puts a text in an ANSI colour, or leaves it as it is.
#[must_use]
pub fn text(matrix: &Matrix, details: bool, language: Language, paint: &dyn Fn(u8, &str) -> String) -> String {
    let width = matrix.records.iter().map(|record| short(record).chars().count()).max().unwrap_or(0);
    let mut lines = vec![texts::rights_on(language, &matrix.day, ALWAYS, CONDITIONS)];
    lines.extend(asked(matrix, language));
    lines.extend(left_out(matrix, language));
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
                    _ => {
                        let reach = narrowed(access.reach(), language);
                        paint(33, &escape::line(&format!("{CONDITIONS} {action}{reach}")))
                    }
                })
                .collect();
            lines.push(format!("  {:width$}  {}", short(record), words.join("  ")));
            if details {
                cells.iter().for_each(|(action, access)| conditions(action, access, language, &mut lines));
            }
        }
        if nothing {
            lines.push(format!("  {}", words::nothing(&matrix.filter, language)));
        }
    }
    lines.extend(applications::text(matrix, language, paint));
    lines.join("\n")
}

/// A line about what was asked, if that is not all.
pub(super) fn asked(matrix: &Matrix, language: Language) -> Option<String> {
    let part = words::part(&matrix.filter, language)?;
    Some(escape::line(&texts::only(language, part)).into_owned())
}

/// A line about the test accounts that are not shown.
#[must_use]
pub fn left_out(matrix: &Matrix, language: Language) -> Option<String> {
    let number = matrix.left_out.len();
    let how: Vec<_> = matrix.test_marks.iter().map(|mark| mark.words(language)).collect();
    (number > 0).then(|| texts::left_out(language, words::test_accounts(number, language), how.join(", ")))
}

/// The conditions of a right, under what it is about.
pub(super) fn conditions(action: &str, access: &Access, language: Language, lines: &mut Vec<String>) {
    let Access::Under { permits, forbids } = access else { return };
    for (word, parts) in [(texts::condition_if(language), permits), (texts::condition_unless(language), forbids)] {
        for part in parts {
            let policy = format!("{action} {word} {}: {}", part.policy.id, part.policy.title.in_language(language));
            lines.push(format!("      {}", escape::line(&policy)));
            lines.extend(part.conditions.iter().map(|condition| format!("          {}", escape::line(condition))));
        }
    }
}
