//! Questions that the new schema accepts and the old one refused, because an attribute became optional.

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
        self.missing.iter().any(|(part, name)| {
            let map = match part {
                Part::Principal => &question.subject.properties,
                Part::Resource => &question.resource.properties,
                Part::Context => &question.context,
            };
            !map.contains_key(name.as_str())
        })
    }

    /// The cause of what is different, in place of a policy.
    pub(super) fn cause(&self) -> String {
        let names: Vec<_> = self.missing.iter().map(|(part, name)| format!("{}.{name}", part.name())).collect();
        format!("optional: {}", names.join(", "))
    }

    /// What they lack, as facts.
    pub(super) fn facts(&self) -> Vec<String> {
        self.missing.iter().map(|(_, name)| format!("no {name}")).collect()
    }
}
