//! Writes a comparison for a terminal.

use super::{Report, Standing, counted, guarantee_words};
use crate::{
    review::diff::{
        AccountEffect, AccountGroup, Cause, Change, Difference, Direction, Group, PolicyChange, Question, SideAnswer,
        groups,
    },
    types::escape,
};
use std::fmt::Write as _;

/// The comparison for a person. `colour` makes it coloured.
#[must_use]
pub fn terminal(report: &Report<'_>, colour: bool) -> String {
    let mut writer = Writer { text: String::new(), colour };
    writer.write(report);
    writer.text
}

/// The note after a heading.
const fn mark(standing: Standing) -> &'static str {
    match standing {
        Standing::Accepted => "  (accepted)",
        Standing::Open | Standing::Listed => "",
    }
}

const fn tone(standing: Standing) -> u8 {
    match standing {
        Standing::Open => 31,
        Standing::Accepted | Standing::Listed => 33,
    }
}

struct Writer {
    text: String,
    colour: bool,
}

impl Writer {
    fn line(&mut self, line: &str) {
        // Texts inside colours are escaped already.
        self.text.push_str(&if self.colour { line.into() } else { escape::lines(line) });
        self.text.push('\n');
    }

    fn paint(&self, code: u8, text: &str) -> String {
        let text = escape::line(text);
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.into_owned() }
    }

    fn write(&mut self, report: &Report<'_>) {
        let comparison = report.comparison;
        let code = if report.passes() { 32 } else { 31 };
        let verdict = self.paint(code, &report.verdict());
        let headline = report.headline();
        for (index, line) in headline.lines().enumerate() {
            let line = if index == 0 { self.paint(1, line) } else { escape::line(line).into_owned() };
            self.line(&line);
        }
        self.line("");
        self.line(&verdict);
        self.line(&comparison.summary());
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
        for note in comparison.notes() {
            self.line(&format!("note: {note}"));
        }
        for group in groups(comparison) {
            self.group(report, &group);
        }
        for matter in report.undecided() {
            let Some(outcome) = matter.outcome() else { continue };
            let word = self.paint(33, "UNDECIDED");
            self.line(&format!("\n{word}  {}{}", outcome.name(), mark(report.standing(matter))));
            for reason in &outcome.undecided {
                self.line(&format!("  {reason}"));
            }
        }
        for (change, standing) in report.guarantees() {
            let word = self.paint(tone(standing), "GUARANTEE");
            let words = guarantee_words(change.change);
            self.line(&format!("\n{word}  `{}` is {words}{}", change.id, mark(standing)));
            self.policy(change, true);
        }
        for (change, obligations, standing) in report.obligations() {
            let word = self.paint(tone(standing), "OBLIGATIONS");
            self.line(&format!("\n{word}  of `{}` changed{}", change.id, mark(standing)));
            self.policy(change, false);
            for (mark, what, text) in obligations.lines() {
                let text = self.paint(if mark == '+' { 32 } else { 31 }, &format!("    {mark} {what}: {text}"));
                self.line(&text);
            }
        }
        for (change, standing) in report.applications() {
            let word = self.paint(tone(standing), "APPLICATION");
            let name = escape::line(&change.application);
            self.line(&format!("\n{word}  `{name}` may ask something else{}", mark(standing)));
            for (mark, text) in change.lines() {
                let text = self.paint(if mark == '+' { 32 } else { 31 }, &format!("    {mark} {text}"));
                self.line(&text);
            }
        }
        for (change, standing, groups) in report.accounts() {
            let word = self.paint(tone(standing), "DIRECTORY");
            self.line(&format!("\n{word}  {} {}{}", escape::line(&change.id), change.change.name(), mark(standing)));
            for fact in &change.facts {
                self.line(&format!("    {}", escape::line(&fact.line())));
            }
            for group in groups {
                self.accounts(&group);
            }
        }
        self.files(report);
    }

    fn group(&mut self, report: &Report<'_>, group: &Group<'_>) {
        let (word, code) = match group.change {
            Direction::NewlyAllowed => ("NEWLY ALLOWED", 31),
            Direction::NewlyDenied => ("NEWLY DENIED", 33),
        };
        let (open, standing) = report.standing_of(group);
        let mark = match standing {
            Standing::Open if open < group.members.len() => {
                format!("  ({open} of {} not accepted)", group.members.len())
            }
            standing => mark(standing).to_owned(),
        };
        let word = self.paint(code, word);
        let causes = Cause::all(&group.causes, &|id| format!("`{id}`"));
        self.line(&format!("\n{word}  {}, {causes}{mark}", group.environments()));
        let Some((outcome, difference)) = group.members.first() else { return };
        if let Some(note) = &outcome.note {
            self.line(&format!("  note: {note}"));
        }
        if group.members.len() > 1 {
            self.line(&format!("  one of {}: {}", counted(group.members.len(), "environment"), outcome.name()));
        }
        let Difference { example, base, head, .. } = difference;
        self.example(example, [base, head]);
        for change in report.comparison.policies.iter().filter(|change| group.policies.contains(&change.id)) {
            self.policy(change, true);
        }
    }

    fn accounts(&mut self, group: &AccountGroup<'_>) {
        let code = if group.change == Direction::NewlyAllowed { 31 } else { 33 };
        let line = self.paint(code, &group.line());
        self.line(&format!("  {line}"));
        if let Some(others) = group.others() {
            self.line(&format!("  {}", escape::line(&others)));
        }
        if let Some((_, AccountEffect { example, base, head, .. })) = group.members.first() {
            self.example(example, [base, head]);
        }
    }

    fn example(&mut self, example: &Question, [base, head]: [&SideAnswer; 2]) {
        let Question { question, real, entities, .. } = example;
        let kind = if *real { "a question (accounts of the directory)" } else { "a question (made-up accounts)" };
        self.line(&format!("  {kind}:"));
        self.line(&format!("    {}", escape::line(&question.to_string())));
        if let Some(when) = example.when() {
            self.line(&format!("    asked {when}"));
        }
        for entity in entities {
            self.line(&format!("    with {entity}"));
        }
        for (side, SideAnswer { allowed, policies, reason }) in [("before", base), ("after ", head)] {
            let word = if *allowed { self.paint(32, "allow") } else { self.paint(31, "deny") };
            let by: Vec<_> = policies.iter().map(|policy| format!("`{}`", policy.id)).collect();
            let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) };
            self.line(&format!("  {side} {word}{by}: {reason}"));
        }
    }

    fn policy(&mut self, change: &PolicyChange, with_lines: bool) {
        let spot = change.head.as_ref().or(change.base.as_ref());
        let place = spot.map(|spot| format!("  {}:{}", spot.file, spot.line)).unwrap_or_default();
        let name = self.paint(1, &change.named());
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
    }
}
