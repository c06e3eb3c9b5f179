//! Generates mutations of a policy's text. Each makes one condition weaker, stricter or the opposite, moves one limit
//! by a step, or removes one element of a list or the whole policy.

use crate::{
    pdp::conditions::{Conditioned, Part},
    sources::policy::{Token, cedar_core::ast::Effect, tokens},
    types::{language::Language, texts::suite as texts},
};
use jiff::{ToSpan as _, civil::Date};
use std::{collections::HashSet, ops::Range};

/// A change of a policy's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What is replaced, in bytes of the file.
    pub place: Range<usize>,
    /// The new text; empty if the policy is removed.
    pub with: String,
    /// What it does to the policy.
    pub kind: MutationKind,
    /// Which condition it is in.
    pub condition: Option<usize>,
}

/// What a change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MutationKind {
    /// A condition always holds.
    True,
    /// A condition never holds.
    False,
    /// A condition is the opposite.
    Negated,
    /// `<` and `<=`, `>` and `>=`.
    Limit,
    /// A number, a duration or a date is one step off.
    Step,
    /// An element of a set or of a list of actions is missing.
    Element,
    /// A part of the scope is wider.
    Wider,
    /// The policy is gone.
    Removed,
}

impl MutationKind {
    /// The kind of case that would notice.
    #[must_use]
    pub const fn hint(self, language: Language) -> &'static str {
        match self {
            Self::True => texts::missing_false(language),
            Self::False => texts::missing_true(language),
            Self::Negated => texts::missing_decisive(language),
            Self::Limit => texts::missing_limit(language),
            Self::Step => texts::missing_step(language),
            Self::Element => texts::missing_element(language),
            Self::Wider => texts::missing_kept_out(language),
            Self::Removed => texts::missing_decided(language),
        }
    }

    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::True => "always-true",
            Self::False => "always-false",
            Self::Negated => "negated",
            Self::Limit => "limit",
            Self::Step => "step",
            Self::Element => "element",
            Self::Wider => "wider",
            Self::Removed => "removed",
        }
    }
}

/// All changes of a policy; none twice.
pub(super) fn of(policy: &Conditioned) -> Vec<Change> {
    let mut changes = Changes { found: Vec::new() };
    let effect = match policy.effect {
        Effect::Permit => "permit",
        Effect::Forbid => "forbid",
    };
    // Shown at the effect, which is what is lost.
    let start = policy.place.span.start;
    let all = tokens(policy.place.text());
    let place = all.windows(2).find(|pair| matches!(pair, [before, at] if at.text == effect && before.text != "@"));
    let place = place.and_then(|pair| pair.last()).or(all.first()).map_or(0..0, |token| token.place.clone());
    changes.add(start + place.start..start + place.end, String::new(), MutationKind::Removed, None);
    for (index, condition) in policy.conditions.iter().enumerate() {
        let text = policy.text(condition);
        let at = condition.place.start;
        let inner = tokens(text);
        if condition.part == Part::Body {
            changes.add(condition.place.clone(), "true".to_owned(), MutationKind::True, Some(index));
            changes.add(condition.place.clone(), "false".to_owned(), MutationKind::False, Some(index));
            changes.add(condition.place.clone(), format!("!({text})"), MutationKind::Negated, Some(index));
            changes.inside(at, &inner, index);
        } else {
            changes.wider(at, text, &inner, index);
        }
        changes.elements(at, text, &inner, index);
    }
    for (truth, place) in &policy.constants {
        let kind = if *truth { MutationKind::False } else { MutationKind::True };
        changes.add(place.clone(), (!truth).to_string(), kind, None);
    }
    let mut seen = HashSet::new();
    changes.found.retain(|change| seen.insert((change.place.clone(), change.with.clone())));
    changes.found
}

struct Changes {
    found: Vec<Change>,
}

impl Changes {
    fn add(&mut self, place: Range<usize>, with: String, kind: MutationKind, condition: Option<usize>) {
        self.found.push(Change { place, with, kind, condition });
    }

    /// Comparisons and numbers inside of a condition, which starts at this byte of the file.
    fn inside(&mut self, at: usize, inner: &[Token<'_>], condition: usize) {
        for (index, token) in inner.iter().enumerate() {
            let place = at + token.place.start..at + token.place.end;
            let before =
                |back: usize| index.checked_sub(back).and_then(|place| inner.get(place)).map(|token| token.text);
            let moved = match token.text {
                "<" => Some("<="),
                "<=" => Some("<"),
                ">" => Some(">="),
                ">=" => Some(">"),
                _ => None,
            };
            if let Some(moved) = moved {
                self.add(place.clone(), moved.to_owned(), MutationKind::Limit, Some(condition));
            }
            if token.text.bytes().all(|byte| byte.is_ascii_digit()) {
                for stepped in number_steps(token.text, before(1) == Some("-")) {
                    self.add(place.clone(), stepped, MutationKind::Step, Some(condition));
                }
            }
            let steps: fn(&str) -> Vec<String> = match (before(2), before(1)) {
                (Some("duration"), Some("(")) => duration_steps,
                (Some("datetime"), Some("(")) => date_steps,
                _ => continue,
            };
            let text = token.text.trim_matches('"');
            for stepped in steps(text) {
                self.add(place.clone(), format!("\"{stepped}\""), MutationKind::Step, Some(condition));
            }
        }
    }

    /// A part of the scope, without what limits it. It is `variable`, `variable == …`, `variable in …`, `variable is …` or
    /// `variable is … in …`.
    fn wider(&mut self, at: usize, text: &str, inner: &[Token<'_>], condition: usize) {
        let Some(variable) = inner.first().map(|token| token.text) else { return };
        let place = at..at + text.len();
        self.add(place.clone(), variable.to_owned(), MutationKind::Wider, Some(condition));
        let is_typed = inner.get(1).is_some_and(|token| token.text == "is");
        let group = inner.iter().skip(2).find(|token| token.text == "in").filter(|_| is_typed);
        if let Some(group) = group {
            let (typed, within) = (text.get(..group.place.start), text.get(group.place.start..));
            self.add(
                place.clone(),
                typed.unwrap_or_default().trim_end().to_owned(),
                MutationKind::Wider,
                Some(condition),
            );
            let within = format!("{variable} {}", within.unwrap_or_default());
            self.add(place, within, MutationKind::Wider, Some(condition));
        }
    }

    /// Lists with one element less. A list of one stays: an empty set has no type.
    fn elements(&mut self, at: usize, text: &str, inner: &[Token<'_>], condition: usize) {
        for (index, _) in inner.iter().enumerate().filter(|(_, token)| token.text == "[") {
            let elements = elements(inner.get(index..).unwrap_or_default());
            let element_text = |place: &Range<usize>| text.get(place.clone()).unwrap_or_default();
            if elements.len() < 2 {
                continue;
            }
            for (position, element) in elements.iter().enumerate() {
                let again = elements.iter().filter(|other| element_text(other) == element_text(element)).count();
                if again > 1 {
                    continue;
                }
                // With the comma after it, or before it if it is the last.
                let place = match (elements.get(position + 1), position.checked_sub(1).and_then(|it| elements.get(it)))
                {
                    (Some(next), _) => element.start..next.start,
                    (None, Some(previous)) => previous.end..element.end,
                    (None, None) => continue,
                };
                self.add(at + place.start..at + place.end, String::new(), MutationKind::Element, Some(condition));
            }
        }
    }
}

/// The places of the elements of the list that begins with these tokens.
fn elements(list: &[Token<'_>]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut element: Option<Range<usize>> = None;
    let mut depth = 0_usize;
    for token in list {
        match token.text {
            "[" | "(" | "{" => depth += 1,
            "]" | ")" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        match token.text {
            "[" if depth == 1 && element.is_none() && found.is_empty() => {}
            "," if depth == 1 => found.extend(element.take()),
            _ if depth == 0 => break,
            _ => element = Some(element.map_or(token.place.start, |element| element.start)..token.place.end),
        }
    }
    found.extend(element);
    found
}

fn number_steps(text: &str, is_negative: bool) -> Vec<String> {
    let Ok(number) = text.parse::<i64>() else { return Vec::new() };
    [number.checked_add(1), number.checked_sub(1)]
        .into_iter()
        .flatten()
        .filter(|stepped| *stepped >= 0 || !is_negative)
        .map(|stepped| stepped.to_string())
        .collect()
}

/// Each number in a duration such as `1d12h`, one unit more and one less.
fn duration_steps(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text.get(at..).and_then(|rest| rest.find(|it: char| it.is_ascii_digit())) {
        let start = at + start;
        let rest = text.get(start..).unwrap_or_default();
        let end = start + rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
        let (before, number, after) = (text.get(..start), text.get(start..end), text.get(end..));
        for stepped in number_steps(number.unwrap_or_default(), true) {
            found.push(format!("{}{stepped}{}", before.unwrap_or_default(), after.unwrap_or_default()));
        }
        at = end;
    }
    found
}

/// The days after and before that of a date or date-time.
fn date_steps(text: &str) -> Vec<String> {
    let (Some(date), Some(rest)) = (text.get(..10), text.get(10..)) else { return Vec::new() };
    let Ok(date) = date.parse::<Date>() else { return Vec::new() };
    [date.checked_add(1.day()), date.checked_sub(1.day())]
        .into_iter()
        .flatten()
        .map(|stepped| format!("{stepped}{rest}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_move_by_one_step() {
        assert_eq!(number_steps("4", false), ["5", "3"]);
        assert_eq!(number_steps("0", false), ["1", "-1"]);
        assert_eq!(number_steps("0", true), ["1"]);
        assert_eq!(number_steps("9223372036854775807", false), ["9223372036854775806"]);
        assert_eq!(duration_steps("365d"), ["366d", "364d"]);
        assert_eq!(duration_steps("1d12h"), ["2d12h", "0d12h", "1d13h", "1d11h"]);
        assert_eq!(date_steps("2026-02-28"), ["2026-03-01", "2026-02-27"]);
        assert_eq!(date_steps("2026-12-31T10:00:00Z"), ["2027-01-01T10:00:00Z", "2026-12-30T10:00:00Z"]);
    }

    #[test]
    fn the_elements_of_a_list_are_found() {
        let texts = |text: &str| {
            let all = tokens(text);
            elements(&all).into_iter().map(|place| text.get(place).unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(texts("[\"8\", \"9,\", A::\"x\"].contains(y)"), ["\"8\"", "\"9,\"", "A::\"x\""]);
        assert_eq!(texts("[[1, 2], [3], f(4, 5)]"), ["[1, 2]", "[3]", "f(4, 5)"]);
        assert_eq!(texts("[]"), [""; 0]);
    }
}
