//! For a terminal.

use super::{Report, counted};
use crate::{
    diff::{Change, Difference, Direction, Group, PolicyChange, Question, Said, groups},
    shown,
};
use std::fmt::Write as _;

/// The comparison for a person. `colour` makes it coloured.
#[must_use]
pub fn terminal(report: &Report<'_>, colour: bool) -> String {
    let mut writer = Writer { text: String::new(), colour };
    writer.write(report);
    writer.text
}

struct Writer {
    text: String,
    colour: bool,
}

impl Writer {
    fn line(&mut self, line: &str) {
        // With colours, what is shown in them has been made harmless.
        self.text.push_str(&if self.colour { line.into() } else { shown::lines(line) });
        self.text.push('\n');
    }

    fn paint(&self, code: u8, text: &str) -> String {
        let text = shown::line(text);
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.into_owned() }
    }

    fn write(&mut self, report: &Report<'_>) {
        let comparison = report.comparison;
        let code = if report.passes() { 32 } else { 31 };
        let verdict = self.paint(code, &report.verdict());
        self.line(&comparison.summary());
        self.line(&verdict);
        let short = |revision: &str| revision.get(7..19).unwrap_or(revision).to_owned();
        self.line(&format!(
            "compared: {} (policies {}, directory {}) with {} (policies {}, directory {})",
            comparison.base.name,
            short(&comparison.base.policies),
            short(&comparison.base.directory),
            comparison.head.name,
            short(&comparison.head.policies),
            short(&comparison.head.directory),
        ));
        if comparison.filtered > 0 {
            self.line(&format!("{} left out by --env", counted(comparison.filtered, "environment")));
        }
        let notes: std::collections::BTreeMap<_, usize> = comparison
            .environments
            .iter()
            .filter_map(|outcome| outcome.note.as_deref())
            .fold(std::collections::BTreeMap::new(), |mut notes, note| {
                *notes.entry(note).or_default() += 1;
                notes
            });
        for (note, count) in notes {
            self.line(&format!("note on {}: {note}", counted(count, "environment")));
        }
        let directory = &comparison.directory;
        if !(directory.added.is_empty() && directory.removed.is_empty() && directory.changed.is_empty()) {
            self.line("note: the directory changed; what that changes in decisions is not proven");
        }
        for group in groups(comparison) {
            self.group(report, &group);
        }
        for outcome in comparison.environments.iter().filter(|outcome| !outcome.undecided.is_empty()) {
            let word = self.paint(33, "UNDECIDED");
            self.line(&format!("\n{word}  {}", outcome.name()));
            for reason in &outcome.undecided {
                self.line(&format!("  {reason}"));
            }
        }
        self.files(report);
    }

    fn group(&mut self, report: &Report<'_>, group: &Group<'_>) {
        let (word, code) = match group.change {
            Direction::NewlyAllowed => ("NEWLY ALLOWED", 31),
            Direction::NewlyDenied => ("NEWLY DENIED", 33),
        };
        let open = group.members.iter().filter(|(_, difference)| report.is_open(difference)).count();
        let accepted = match open {
            0 if group.change == Direction::NewlyDenied && !report.strict => String::new(),
            0 => "  (accepted)".to_owned(),
            open if open < group.members.len() => format!("  ({open} of {} not accepted)", group.members.len()),
            _ => String::new(),
        };
        let word = self.paint(code, word);
        self.line(&format!("\n{word}  {}, by {}{accepted}", group.environments(), group.causes()));
        let Some((outcome, difference)) = group.members.first() else { return };
        if let Some(note) = &outcome.note {
            self.line(&format!("  note: {note}"));
        }
        if group.members.len() > 1 {
            self.line(&format!("  one of {}: {}", counted(group.members.len(), "environment"), outcome.name()));
        }
        self.example(difference);
        for change in report.comparison.policies.iter().filter(|change| group.policies.contains(&change.id)) {
            self.policy(change, true);
        }
    }

    fn example(&mut self, difference: &Difference) {
        let Question { question, real, entities, .. } = &difference.example;
        let kind = if *real { "a question (accounts of the directory)" } else { "a question (made-up accounts)" };
        self.line(&format!("  {kind}:"));
        self.line(&format!("    {}", shown::line(&question.to_string())));
        if let Some(when) = difference.example.when() {
            self.line(&format!("    asked {when}"));
        }
        for entity in entities {
            self.line(&format!("    with {entity}"));
        }
        let Difference { base, head, .. } = difference;
        for (side, Said { allowed, policies, reason }) in [("before", base), ("after ", head)] {
            let word = if *allowed { self.paint(32, "allow") } else { self.paint(31, "deny") };
            let by: Vec<_> = policies.iter().map(|policy| format!("`{}`", policy.id)).collect();
            let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) };
            self.line(&format!("  {side} {word}{by}: {reason}"));
        }
    }

    fn policy(&mut self, change: &PolicyChange, with_lines: bool) {
        let spot = change.head.as_ref().or(change.base.as_ref());
        let place = spot.map(|spot| format!("  {}:{}", spot.file, spot.line)).unwrap_or_default();
        let name = self.paint(1, &change.id);
        self.line(&format!("  {} {name}{place}", change.change.name()));
        if !with_lines {
            return;
        }
        for line in change.lines.iter().filter(|line| line.mark != ' ') {
            let number = line.head.or(line.base).map(|number| number.to_string()).unwrap_or_default();
            let text = format!("    {number:>5} {} {}", line.mark, line.text);
            let text = self.paint(if line.mark == '+' { 32 } else { 31 }, &text);
            self.line(&text);
        }
    }

    fn files(&mut self, report: &Report<'_>) {
        let comparison = report.comparison;
        let mut text = String::new();
        for change in &comparison.schema {
            let _ = writeln!(text, "  {} {} {}", change.change.name(), change.what, change.name);
            if change.change == Change::Changed {
                text.extend(change.removed.iter().map(|line| format!("    - {line}\n")));
                text.extend(change.added.iter().map(|line| format!("    + {line}\n")));
            }
        }
        if !text.is_empty() {
            self.line("\nschema:");
            self.text.push_str(&text);
        }
        if !comparison.policies.is_empty() {
            self.line("\npolicies:");
            for change in &comparison.policies {
                self.policy(change, false);
                for annotation in &change.annotations {
                    let shown =
                        |text: &Option<String>| text.as_deref().map_or("none".to_owned(), |text| format!("{text:?}"));
                    self.line(&format!(
                        "    @{}: {} → {}",
                        annotation.name,
                        shown(&annotation.before),
                        shown(&annotation.after)
                    ));
                }
            }
        }
        let directory = &comparison.directory;
        for (word, ids) in
            [("added", &directory.added), ("removed", &directory.removed), ("changed", &directory.changed)]
        {
            if !ids.is_empty() {
                let first: Vec<_> = ids.iter().take(5).map(String::as_str).collect();
                let more = if ids.len() > 5 { format!(" and {} more", ids.len() - 5) } else { String::new() };
                self.line(&format!("\ndirectory: {} {word}: {}{more}", ids.len(), first.join(", ")));
            }
        }
    }
}
