//! For a terminal: an account a paragraph, a type of record a line.

use super::{
    super::{Access, Matrix},
    short,
};

/// The whole matrix. `paint` puts a text in an ANSI colour, or leaves it as it is.
#[must_use]
pub fn text(matrix: &Matrix, details: bool, paint: &dyn Fn(u8, &str) -> String) -> String {
    let width = matrix.records.iter().map(|record| short(record).chars().count()).max().unwrap_or(0);
    let mut lines =
        vec![format!("Rights on {}   ✓ always   ? under conditions   what is not shown: never", matrix.day)];
    for account in &matrix.accounts {
        lines.push(String::new());
        let name = account.name.as_deref().map(|name| format!("  {name}")).unwrap_or_default();
        lines.push(paint(1, &format!("{} {}{name}", short(&account.kind), account.id)));
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
                    Access::Always { .. } => paint(32, &format!("✓ {action}")),
                    _ => paint(33, &format!("? {action}")),
                })
                .collect();
            lines.push(format!("  {:width$}  {}", short(record), words.join("  ")));
            if details {
                cells.iter().for_each(|(action, access)| conditions(action, access, &mut lines));
            }
        }
        if nothing {
            lines.push("  nothing".to_owned());
        }
    }
    lines.join("\n")
}

fn conditions(action: &str, access: &Access, lines: &mut Vec<String>) {
    let Access::Under { permits, forbids } = access else { return };
    for (word, parts) in [("if", permits), ("unless", forbids)] {
        for part in parts {
            lines.push(format!("      {action} {word} {}: {}", part.policy.id, part.policy.title));
            lines.extend(part.conditions.iter().map(|condition| format!("          {condition}")));
        }
    }
}
