//! Writes an explanation for a terminal: which policies decide, what each condition made of the question, and what would
//! allow it.

use crate::{
    review::remedies::{Change, Held, MOST_CHANGES, Remedies},
    types::{
        decision::{
            ClauseKind, Decision, Effect, Evaluated, ExplainedClause, ExplainedPart, ExplainedPolicy, Explanation,
            Outcome, PartForm,
        },
        escape,
        language::Language,
        texts::explain,
    },
};

/// How many permits are told with what would make them allow the question.
const PERMITS: usize = 6;

/// Writes lines, with colours if there are any.
pub(super) struct Lines<'a> {
    lines: Vec<String>,
    paint: &'a dyn Fn(u8, &str) -> String,
    language: Language,
}

impl<'a> Lines<'a> {
    pub(super) fn new(paint: &'a dyn Fn(u8, &str) -> String, language: Language) -> Self {
        Self { lines: Vec::new(), paint, language }
    }

    pub(super) fn finish(self) -> Vec<String> {
        self.lines
    }

    /// What was decided.
    pub(super) fn decision(&mut self, decision: Decision, evaluated: &Evaluated) {
        let reason = evaluated.reason(self.language);
        let colour = if decision.is_allow() { 32 } else { 31 };
        self.lines.push(format!("{}  {}", (self.paint)(colour, decision.name()), escape::line(&reason)));
    }

    pub(super) fn explanation(&mut self, explanation: &Explanation) {
        explanation.policies.iter().for_each(|policy| self.policy(policy));
        match explanation.others {
            0 => {}
            1 => self.plain(2, explain::other_policy(self.language)),
            others => self.plain(2, &explain::other_policies(self.language, others)),
        }
    }

    fn policy(&mut self, policy: &ExplainedPolicy) {
        let ExplainedPolicy { facts, effect, place, outcome, clauses } = policy;
        let applies = match outcome {
            Outcome::Met => explain::applies(self.language).to_owned(),
            Outcome::Failed(message) => explain::policy_failed(self.language, message),
            Outcome::NotMet | Outcome::NotReached => explain::applies_not(self.language).to_owned(),
        };
        let line = format!("  {} {} {applies}   {place}", effect.name(), facts.id);
        let line = if outcome.is_met() { (self.paint)(1, &line) } else { escape::line(&line).into_owned() };
        self.lines.push(line);
        if !facts.title.is_empty() {
            self.plain(6, facts.title.in_language(self.language));
        }
        let unreached = clauses.iter().filter(|clause| clause.part.outcome == Outcome::NotReached).count();
        clauses
            .iter()
            .filter(|clause| clause.part.outcome != Outcome::NotReached)
            .for_each(|it| self.clause(*effect, it));
        match unreached {
            0 => {}
            1 => self.plain(6, explain::clause_unreached(self.language)),
            several => self.plain(6, &explain::clauses_unreached(self.language, several)),
        }
    }

    fn clause(&mut self, effect: Effect, clause: &ExplainedClause) {
        let outcome = &clause.part.outcome;
        let language = self.language;
        let then = match (clause.kind, outcome, effect) {
            (ClauseKind::Unless, Outcome::NotMet, Effect::Forbid) => Some(explain::exception_leaves_forbid(language)),
            (ClauseKind::Unless, Outcome::NotMet, Effect::Permit) => Some(explain::exception_leaves_permit(language)),
            (ClauseKind::Unless, Outcome::Met, Effect::Forbid) => Some(explain::exception_lifts_forbid(language)),
            (ClauseKind::Unless, Outcome::Met, Effect::Permit) => Some(explain::exception_stops_permit(language)),
            (ClauseKind::Scope, ..) => Some(explain::scope_differs(language)),
            _ => None,
        };
        let then = then.map(|then| format!(": {then}")).unwrap_or_default();
        self.plain(6, &format!("{} — {}{then}", clause.kind.name(), outcome.words(language)));
        match &clause.part.form {
            PartForm::All(parts) => self.several(8, parts),
            _ => self.part(8, &clause.part),
        }
    }

    /// Parts one after the other; those that Cedar did not come to in one line.
    fn several(&mut self, indent: usize, parts: &[ExplainedPart]) {
        parts.iter().filter(|part| part.outcome != Outcome::NotReached).for_each(|part| self.part(indent, part));
        let unreached = parts.iter().filter(|part| part.outcome == Outcome::NotReached).count();
        match unreached {
            0 => {}
            1 => self.plain(indent, explain::condition_unreached(self.language)),
            several => self.plain(indent, &explain::conditions_unreached(self.language, several)),
        }
    }

    fn part(&mut self, indent: usize, part: &ExplainedPart) {
        let (mark, colour) = match part.outcome {
            Outcome::Met => ("✓", 32),
            Outcome::NotMet => ("✗", 31),
            Outcome::Failed(_) => ("!", 33),
            Outcome::NotReached => ("·", 0),
        };
        let words = match &part.outcome {
            Outcome::Failed(message) => explain::failed_for(self.language, message),
            other => other.words(self.language).to_owned(),
        };
        let mut head = |text: &str| {
            let mark = if colour == 0 { mark.to_owned() } else { (self.paint)(colour, mark) };
            self.lines.push(format!("{:indent$}{mark} {}", "", escape::line(text)));
        };
        match &part.form {
            PartForm::Condition(condition) => {
                head(&format!("{} — {words}   {}", condition.text, condition.place));
                self.values(indent + 4, &condition.values);
            }
            PartForm::Constant => head(&words),
            PartForm::Not(inner) if matches!(&inner.form, PartForm::Condition(_)) => {
                let PartForm::Condition(condition) = &inner.form else { return };
                head(&format!("!({}) — {words}   {}", condition.text, condition.place));
                self.values(indent + 4, &condition.values);
            }
            PartForm::Not(inner) => {
                head(&format!("{} — {words}", explain::opposite(self.language)));
                self.part(indent + 2, inner);
            }
            PartForm::All(parts) => {
                head(&format!("{} — {words}", explain::all_of(self.language)));
                self.several(indent + 2, parts);
            }
            PartForm::Any(parts) => {
                head(&format!("{} — {words}", explain::one_of(self.language)));
                self.several(indent + 2, parts);
            }
            PartForm::If(parts) => {
                let [test, then, otherwise] = parts.as_ref();
                head(&format!("if … then … else — {words}"));
                self.plain(indent + 2, "if");
                self.part(indent + 4, test);
                for (word, part) in [("then", then), ("else", otherwise)] {
                    if part.outcome != Outcome::NotReached {
                        self.plain(indent + 2, word);
                        self.part(indent + 4, part);
                    }
                }
            }
        }
    }

    fn values(&mut self, indent: usize, values: &[(String, String)]) {
        for (expression, value) in values {
            let is = if expression.ends_with(" is in") { "" } else { " =" };
            self.plain(indent, &format!("{expression}{is} {value}"));
        }
    }

    /// What would allow a question that is denied.
    pub(super) fn remedies(&mut self, remedies: &Remedies) {
        let language = self.language;
        let Remedies { policies, without, is_cut } = remedies;
        self.lines.push(String::new());
        if policies.is_empty() {
            let nothing = match without {
                0 => explain::nothing_small_without_permit(language, MOST_CHANGES),
                _ => explain::nothing_small(language, MOST_CHANGES),
            };
            self.plain(0, &nothing);
        } else {
            self.lines.push((self.paint)(1, explain::what_would_allow(language)));
        }
        for one in policies.iter().take(PERMITS) {
            let title = one.policy.title.in_language(language);
            self.plain(2, &explain::by_policy(language, &one.policy.id, title));
            for (place, remedy) in one.remedies.iter().enumerate() {
                let or = if place == 0 { "•" } else { explain::or(language) };
                for (index, change) in remedy.changes.iter().enumerate() {
                    let and = explain::and(language);
                    let before = if index == 0 { format!("{or:<3}") } else { format!("   {and} ") };
                    let words = change.words.in_language(language);
                    self.plain(4, &format!("{before}{}{words}", whose(change, language)));
                }
            }
        }
        if policies.len() > PERMITS {
            self.plain(2, &explain::more_permits(language, policies.len() - PERMITS));
        }
        match without {
            _ if policies.is_empty() => {}
            0 => {}
            1 => self.plain(2, explain::permit_without(language)),
            several => self.plain(2, &explain::permits_without(language, several)),
        }
        if !policies.is_empty() {
            self.plain(2, explain::value_is_example(language));
        }
        if *is_cut {
            self.plain(2, explain::search_cut(language));
        }
    }

    fn plain(&mut self, indent: usize, text: &str) {
        self.lines.push(format!("{:indent$}{}", "", escape::line(text)));
    }
}

/// What a change is of.
fn whose(change: &Change, language: Language) -> String {
    match (change.held, &change.entity) {
        (Held::Context, _) => explain::in_context(language).to_owned(),
        (Held::Action, _) => explain::in_action(language).to_owned(),
        (Held::Account, Some(entity)) => explain::of_account(language, entity),
        (Held::Record, Some(entity)) => explain::of_record(language, entity),
        (_, Some(entity)) => explain::of_shared(language, entity),
        (_, None) => String::new(),
    }
}
