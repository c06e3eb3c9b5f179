//! Writes a comparison for a terminal.

use super::{Report, Standing, guarantee_words};
use crate::{
    review::diff::{
        AccountEffect, AccountGroup, Cause, Change, Difference, Direction, Group, PolicyChange, Question, SideAnswer,
        comparison::environments, groups,
    },
    types::{
        escape,
        language::Language,
        texts::{diff as texts, diff_reports as reports},
    },
};
use std::fmt::Write as _;

/// The comparison for a person. `colour` makes it coloured.
#[must_use]
pub fn terminal(report: &Report<'_>, language: Language, colour: bool) -> String {
    let mut writer = Writer { text: String::new(), language, colour };
    writer.write(report);
    writer.text
}

/// The note after a heading.
fn mark(standing: Standing, language: Language) -> String {
    match standing {
        Standing::Accepted => format!("  ({})", texts::accepted(language)),
        Standing::Open | Standing::Listed => String::new(),
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
    language: Language,
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
        let (comparison, language) = (report.comparison, self.language);
        let code = if report.passes() { 32 } else { 31 };
        let verdict = self.paint(code, &report.verdict(language));
        let headline = report.headline(language);
        for (index, line) in headline.lines().enumerate() {
            let line = if index == 0 { self.paint(1, line) } else { escape::line(line).into_owned() };
            self.line(&line);
        }
        self.line("");
        self.line(&verdict);
        self.line(&comparison.summary(language));
        let short = |revision: &str| revision.get(7..19).unwrap_or(revision).to_owned();
        self.line(&reports::sides(
            language,
            &comparison.base.name,
            short(&comparison.base.policies),
            short(&comparison.base.directory),
            &comparison.head.name,
            short(&comparison.head.policies),
            short(&comparison.head.directory),
        ));
        for note in comparison.notes(language) {
            self.line(&reports::note_line(language, note));
        }
        for group in groups(comparison) {
            self.group(report, &group);
        }
        for matter in report.undecided() {
            let Some(outcome) = matter.outcome() else { continue };
            let word = self.paint(33, reports::undecided_word(language));
            self.line(&format!("\n{word}  {}{}", outcome.name(), mark(report.standing(matter), language)));
            for reason in &outcome.undecided {
                self.line(&format!("  {reason}"));
            }
        }
        for (change, standing) in report.guarantees() {
            let word = self.paint(tone(standing), reports::guarantee_word(language));
            let words = reports::guarantee_line(language, &change.id, guarantee_words(change.change, language));
            self.line(&format!("\n{word}  {words}{}", mark(standing, language)));
            self.policy(change, true);
        }
        for (change, obligations, standing) in report.obligations() {
            let word = self.paint(tone(standing), reports::obligations_word(language));
            let words = reports::of_changed(language, &change.id);
            self.line(&format!("\n{word}  {words}{}", mark(standing, language)));
            self.policy(change, false);
            for (mark, what, text) in obligations.lines(language) {
                let text = self.paint(if mark == '+' { 32 } else { 31 }, &format!("    {mark} {what}: {text}"));
                self.line(&text);
            }
        }
        for (change, standing) in report.applications() {
            let word = self.paint(tone(standing), reports::application_word(language));
            let words = reports::may_ask(language, escape::line(&change.application));
            self.line(&format!("\n{word}  {words}{}", mark(standing, language)));
            for (mark, text) in change.lines(language) {
                let text = self.paint(if mark == '+' { 32 } else { 31 }, &format!("    {mark} {text}"));
                self.line(&text);
            }
        }
        for (change, standing, groups) in report.accounts() {
            let word = self.paint(tone(standing), reports::directory_word(language));
            let (id, mark) = (escape::line(&change.id), mark(standing, language));
            self.line(&format!("\n{word}  {id} {}{mark}", change.change.words(language)));
            for fact in &change.facts {
                self.line(&format!("    {}", escape::line(&fact.line(language))));
            }
            for group in groups {
                self.accounts(&group);
            }
        }
        self.files(report);
    }

    fn group(&mut self, report: &Report<'_>, group: &Group<'_>) {
        let language = self.language;
        let (word, code) = match group.change {
            Direction::NewlyAllowed => (reports::allowed_word(language), 31),
            Direction::NewlyDenied => (reports::denied_word(language), 33),
        };
        let (open, standing) = report.standing_of(group);
        let mark = match standing {
            Standing::Open if open < group.members.len() => {
                format!("  {}", reports::some_not_accepted(language, open, group.members.len()))
            }
            standing => mark(standing, language),
        };
        let word = self.paint(code, word);
        let causes = Cause::all(&group.causes, language, &|id| format!("`{id}`"));
        self.line(&format!("\n{word}  {}, {causes}{mark}", group.environments()));
        let Some((outcome, difference)) = group.members.first() else { return };
        if let Some(note) = outcome.note {
            self.line(&format!("  {}", reports::note_line(language, note.words(language))));
        }
        if group.members.len() > 1 {
            let all = environments(group.members.len(), language);
            self.line(&format!("  {}", reports::one_of(language, all, outcome.name())));
        }
        let Difference { example, base, head, .. } = difference;
        self.example(example, [base, head]);
        for change in report.comparison.policies.iter().filter(|change| group.policies.contains(&change.id)) {
            self.policy(change, true);
        }
    }

    fn accounts(&mut self, group: &AccountGroup<'_>) {
        let code = if group.change == Direction::NewlyAllowed { 31 } else { 33 };
        let line = self.paint(code, &group.line(self.language));
        self.line(&format!("  {line}"));
        if let Some(others) = group.others(self.language) {
            self.line(&format!("  {}", escape::line(&others)));
        }
        if let Some((_, AccountEffect { example, base, head, .. })) = group.members.first() {
            self.example(example, [base, head]);
        }
    }

    fn example(&mut self, example: &Question, [base, head]: [&SideAnswer; 2]) {
        let Question { question, real, entities, .. } = example;
        let language = self.language;
        let kind = if *real { reports::real_question } else { reports::made_up_question };
        self.line(&format!("  {}:", kind(language)));
        self.line(&format!("    {}", escape::line(&question.to_string())));
        if let Some(when) = example.when(language) {
            self.line(&format!("    {}", reports::asked_line(language, when)));
        }
        for entity in entities {
            self.line(&format!("    {}", reports::with_entity(language, entity)));
        }
        let sides = [(texts::before(language), base), (texts::after(language), head)];
        let width = sides.iter().map(|(side, _)| side.chars().count()).max().unwrap_or_default();
        for (side, SideAnswer { allowed, policies, reason }) in sides {
            let word =
                if *allowed { self.paint(32, texts::allow(language)) } else { self.paint(31, texts::deny(language)) };
            let by: Vec<_> = policies.iter().map(|policy| format!("`{}`", policy.id)).collect();
            let by = if by.is_empty() { String::new() } else { texts::by_policies(language, by.join(", ")) };
            self.line(&format!("  {side:width$} {word}{by}: {}", reason.in_language(language)));
        }
    }

    fn policy(&mut self, change: &PolicyChange, with_lines: bool) {
        let spot = change.head.as_ref().or(change.base.as_ref());
        let place = spot.map(|spot| format!("  {}:{}", spot.file, spot.line)).unwrap_or_default();
        let name = self.paint(1, &change.named());
        self.line(&format!("  {} {name}{place}", change.change.words(self.language)));
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
        let (comparison, language) = (report.comparison, self.language);
        let mut text = String::new();
        for change in &comparison.schema {
            let _ = writeln!(text, "  {} {} {}", change.change.words(language), change.kind(language), change.name);
            if change.change == Change::Changed {
                text.extend(change.removed.iter().map(|line| format!("    - {line}\n")));
                text.extend(change.added.iter().map(|line| format!("    + {line}\n")));
            }
        }
        if !text.is_empty() {
            self.line(&format!("\n{}", reports::schema_head(language)));
            self.text.push_str(&text);
        }
        if !comparison.policies.is_empty() {
            self.line(&format!("\n{}", reports::policies_head(language)));
            for change in &comparison.policies {
                self.policy(change, false);
                for annotation in &change.annotations {
                    let nothing = texts::nothing_said(language);
                    let shown =
                        |text: &Option<String>| text.as_deref().map_or(nothing.to_owned(), |text| format!("{text:?}"));
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
