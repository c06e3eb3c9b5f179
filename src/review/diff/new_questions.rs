//! Questions that the new schema accepts and the old one refused, because an attribute became optional.

use super::Facts;
use crate::{
    review::proof::{Environment, Expr, joined, quoted},
    types::evaluation::Evaluation,
};

/// Questions without one of these attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NewQuestions {
    pub(super) missing: Vec<(Part, String)>,
}

/// A part of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Principal,
    Resource,
    Context,
}

impl Part {
    /// The parts whose attributes a declaration is about.
    pub(super) fn declared_by(name: &str, environment: &Environment) -> Vec<Self> {
        let Environment { principal, action, resource } = environment;
        let all = [
            (Self::Principal, principal.to_string()),
            (Self::Resource, resource.to_string()),
            (Self::Context, action.to_string()),
        ];
        all.into_iter().filter(|(_, of)| of == name).map(|(part, _)| part).collect()
    }

    /// As policies write it.
    const fn name(self) -> &'static str {
        match self {
            Self::Principal => "principal",
            Self::Resource => "resource",
            Self::Context => "context",
        }
    }
}

impl NewQuestions {
    /// That a question is one of them, in Cedar.
    ///
    /// # Errors
    /// A name that cannot be written.
    pub(super) fn expression(&self) -> Result<Expr, String> {
        let texts = self.missing.iter().map(|(part, name)| format!("!({} has {})", part.name(), quoted(name)));
        let parsed = texts.map(|text| text.parse().map_err(|error| format!("`{text}` is not Cedar: {error}")));
        Ok(joined::any(parsed.collect::<Result<Vec<Expr>, String>>()?))
    }

    /// Whether a question is one of them.
    pub(super) fn has(&self, question: &Evaluation) -> bool {
        self.missing_in(question).next().is_some()
    }

    /// What a question lacks.
    fn missing_in<'a>(&'a self, question: &'a Evaluation) -> impl Iterator<Item = (Part, &'a str)> {
        self.missing.iter().map(|(part, name)| (*part, name.as_str())).filter(|(part, name)| {
            let map = match part {
                Part::Principal => &question.subject.properties,
                Part::Resource => &question.resource.properties,
                Part::Context => &question.context,
            };
            !map.contains_key(*name)
        })
    }

    /// The cause of what is different, in place of a policy.
    pub(super) fn cause(&self) -> String {
        let names: Vec<_> = self.missing.iter().map(|(part, name)| format!("{}.{name}", part.name())).collect();
        format!("optional: {}", names.join(", "))
    }

    /// What one of them lacks, as facts.
    pub(super) fn facts(&self, question: &Evaluation) -> Facts {
        let mut facts = Facts { lacking: true, ..Facts::default() };
        for (part, name) in self.missing_in(question) {
            let of = match part {
                Part::Principal => &mut facts.account,
                Part::Resource => &mut facts.record,
                Part::Context => &mut facts.context,
            };
            of.push(format!("no {name}"));
        }
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::authzen::{Limits, read_evaluation};

    #[test]
    fn only_what_a_question_lacks_is_told() {
        let missing = [(Part::Context, "purpose"), (Part::Context, "case"), (Part::Resource, "level")];
        let new = NewQuestions { missing: missing.map(|(part, name)| (part, name.to_owned())).to_vec() };
        let question = r#"{"subject": {"type": "U", "id": "u"}, "action": {"name": "read"},
            "resource": {"type": "D", "id": "d"}, "context": {"case": "c"}}"#;
        let question = read_evaluation(question.as_bytes(), Limits { depth: 8, batch: 1 }).unwrap();
        let facts = new.facts(&question);
        assert_eq!(facts.context, ["no purpose"]);
        assert_eq!(facts.record, ["no level"]);
        assert!(facts.account.is_empty() && new.has(&question));
    }
}
