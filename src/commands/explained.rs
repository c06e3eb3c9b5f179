//! Writes an explanation for a terminal: which policies decide, what each condition made of the question, and what would
//! allow it.

use crate::{
    review::remedies::{Held, MOST_CHANGES, Remedies},
    types::{
        decision::{
            ClauseKind, Decision, Effect, ExplainedClause, ExplainedPart, ExplainedPolicy, Explanation, Outcome,
            PartForm,
        },
        escape,
    },
};

/// How many permits are told with what would make them allow the question.
const PERMITS: usize = 6;

/// Writes lines, with colours if there are any.
pub(super) struct Lines<'a> {
    lines: Vec<String>,
    paint: &'a dyn Fn(u8, &str) -> String,
}

impl<'a> Lines<'a> {
    pub(super) fn new(paint: &'a dyn Fn(u8, &str) -> String) -> Self {
        Self { lines: Vec::new(), paint }
    }

    pub(super) fn finish(self) -> Vec<String> {
        self.lines
    }

    /// What was decided.
    pub(super) fn decision(&mut self, decision: Decision, reason: &str) {
        let colour = if decision.is_allow() { 32 } else { 31 };
        self.lines.push(format!("{}  {}", (self.paint)(colour, decision.name()), escape::line(reason)));
    }

    pub(super) fn explanation(&mut self, explanation: &Explanation) {
        explanation.policies.iter().for_each(|policy| self.policy(policy));
        match explanation.others {
            0 => {}
            1 => self.plain(2, "1 other policy about such questions is not told: it does not decide"),
            others => {
                self.plain(
                    2,
                    &format!("{others} other policies about such questions are not told: they do not decide"),
                );
            }
        }
    }

    fn policy(&mut self, policy: &ExplainedPolicy) {
        let ExplainedPolicy { facts, effect, place, outcome, clauses } = policy;
        let applies = match outcome {
            Outcome::Met => "applies".to_owned(),
            Outcome::Failed(message) => format!("could not be evaluated, so nothing is allowed: {message}"),
            Outcome::NotMet | Outcome::NotReached => "does not apply".to_owned(),
        };
        let line = format!("  {} {} {applies}   {place}", effect.name(), facts.id);
        let line = if outcome.is_met() { (self.paint)(1, &line) } else { escape::line(&line).into_owned() };
        self.lines.push(line);
        if !facts.title.is_empty() {
            self.plain(6, &facts.title);
        }
        let unreached = clauses.iter().filter(|clause| clause.part.outcome == Outcome::NotReached).count();
        clauses
            .iter()
            .filter(|clause| clause.part.outcome != Outcome::NotReached)
            .for_each(|it| self.clause(*effect, it));
        if unreached > 0 {
            let clauses = if unreached == 1 { "clause is" } else { "clauses are" };
            self.plain(6, &format!("· {unreached} more {clauses} not looked at"));
        }
    }

    fn clause(&mut self, effect: Effect, clause: &ExplainedClause) {
        let outcome = &clause.part.outcome;
        let then = match (clause.kind, outcome, effect) {
            (ClauseKind::Unless, Outcome::NotMet, Effect::Forbid) => ": this exception does not lift the forbid",
            (ClauseKind::Unless, Outcome::NotMet, Effect::Permit) => ": nothing here stops the permit",
            (ClauseKind::Unless, Outcome::Met, Effect::Forbid) => ": this exception lifts the forbid",
            (ClauseKind::Unless, Outcome::Met, Effect::Permit) => ": this stops the permit",
            (ClauseKind::Scope, ..) => ": the policy is about others",
            _ => "",
        };
        self.plain(6, &format!("{} — {}{then}", clause.kind.name(), outcome.words()));
        match &clause.part.form {
            PartForm::All(parts) => self.several(8, parts),
            _ => self.part(8, &clause.part),
        }
    }

    /// Parts one after the other; those that Cedar did not come to in one line.
    fn several(&mut self, indent: usize, parts: &[ExplainedPart]) {
        parts.iter().filter(|part| part.outcome != Outcome::NotReached).for_each(|part| self.part(indent, part));
        let unreached = parts.iter().filter(|part| part.outcome == Outcome::NotReached).count();
        if unreached > 0 {
            let conditions = if unreached == 1 { "condition is" } else { "conditions are" };
            self.plain(indent, &format!("· {unreached} more {conditions} not looked at"));
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
            Outcome::Failed(message) => format!("could not be evaluated: {message}"),
            other => other.words().to_owned(),
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
                head(&format!("the opposite of this — {words}"));
                self.part(indent + 2, inner);
            }
            PartForm::All(parts) => {
                head(&format!("all of these — {words}"));
                self.several(indent + 2, parts);
            }
            PartForm::Any(parts) => {
                head(&format!("one of these — {words}"));
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
        let Remedies { policies, without, is_cut } = remedies;
        self.lines.push(String::new());
        if policies.is_empty() {
            let why = "no set of changes does for any permit";
            let why = if *without == 0 { "no permit is about such questions" } else { why };
            let most = format!("at most {MOST_CHANGES} changes of account, context or record were tried together");
            self.plain(0, &format!("Nothing small would allow it: {why}; {most}."));
        } else {
            self.lines.push((self.paint)(1, "What would allow it (the engine decided each of these):"));
        }
        for one in policies.iter().take(PERMITS) {
            self.plain(2, &format!("by {}: {}", one.policy.id, one.policy.title));
            for (place, remedy) in one.remedies.iter().enumerate() {
                let or = if place == 0 { "•" } else { "or" };
                for (index, change) in remedy.changes.iter().enumerate() {
                    let before = if index == 0 { format!("{or:<3}") } else { "   and ".to_owned() };
                    let what = match (change.held, &change.entity) {
                        (Held::Context, _) => "context: ".to_owned(),
                        (Held::Action, _) => "properties of the action: ".to_owned(),
                        (Held::Account, Some(entity)) => format!("account {entity}: "),
                        (Held::Record, Some(entity)) => format!("record {entity}: "),
                        (_, Some(entity)) => format!("{entity}, which others share: "),
                        (_, None) => String::new(),
                    };
                    self.plain(4, &format!("{before}{what}{}", change.words));
                }
            }
        }
        if policies.len() > PERMITS {
            self.plain(2, &format!("and by {} more permits, with larger changes", policies.len() - PERMITS));
        }
        if *without > 0 && !policies.is_empty() {
            let permits = if *without == 1 { "permit" } else { "permits" };
            self.plain(2, &format!("nothing small does for {without} more {permits} about such questions"));
        }
        if !policies.is_empty() {
            self.plain(2, "where any fitting value does, such as an approver or a day, the value shown is an example");
        }
        if *is_cut {
            self.plain(2, "not all was tried: the bound of the search was met");
        }
    }

    fn plain(&mut self, indent: usize, text: &str) {
        self.lines.push(format!("{:indent$}{}", "", escape::line(text)));
    }
}
