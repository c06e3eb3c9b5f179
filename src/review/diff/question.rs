//! The question that shows a difference, and what both sides say to it, as reports show them.

use super::Facts;
use crate::{
    review::proof::{Environment, Example},
    sources::policy::Policies,
    types::{
        decision::{Verdict, Wording},
        language::Language,
        moment::{PolicyAge, TokenClaims},
        texts::diff_headline as texts,
    },
};
use serde::{Deserialize, Serialize};

/// A question that shows a difference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// In AuthZEN JSON, as `poort evaluate` takes it.
    pub question: serde_json::Value,
    /// The local date on which it is asked.
    pub today: String,
    /// The local hour.
    pub hour: u8,
    /// The moment, in UTC.
    pub now: String,
    /// The calling application, if that matters.
    pub application: Option<String>,
    /// Whether the time of the policies is over.
    #[serde(default)]
    pub late: bool,
    /// What is known of the subject's own token, if that matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenClaims>,
    /// Whether the policies read the moment.
    pub time_matters: bool,
    /// Whether the accounts, units and so on are those of the directory.
    pub real: bool,
    /// If they are not: the entities that the directory would have to hold.
    pub entities: Vec<serde_json::Value>,
    /// The facts that matter to the changed policies.
    pub facts: Facts,
}

/// What one side says to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideAnswer {
    /// Whether it allows it.
    pub allowed: bool,
    /// The policies that decide it: id and title.
    pub policies: Vec<Policy>,
    /// In one sentence.
    pub reason: Wording,
}

/// A policy, as reports name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Its id.
    pub id: String,
    /// What it says, in one sentence.
    pub title: Wording,
}

impl Question {
    /// An example as reports show it, with what of the moment matters to these policies.
    pub(super) fn of(example: &Example, environment: &Environment, policies: &[&Policies]) -> Self {
        let Environment { principal, action, resource } = environment;
        let time_matters = policies.iter().any(|policies| {
            let reads = policies.footprint(principal, action, resource).pdp;
            reads.hour || reads.today || reads.now
        });
        Self {
            question: example.json(),
            today: example.moment.today.clone(),
            hour: example.moment.hour,
            now: example.moment.now_text.clone(),
            application: example.moment.application.as_ref().map(ToString::to_string),
            late: example.moment.policies != PolicyAge::Live,
            token: example.moment.token.as_deref().cloned(),
            time_matters,
            real: example.real,
            facts: Facts::default(),
            entities: if example.real { Vec::new() } else { example.entities.clone() },
        }
    }

    /// When it is asked, if the policies read the moment; by which application, with which token, and that policies are late, if they
    /// read that.
    #[must_use]
    pub fn when(&self, language: Language) -> Option<String> {
        let application = self.application.as_ref().map(|name| texts::asked_by(language, format!("{name:?}")));
        let time = self.time_matters.then(|| texts::asked_on(language, &self.today, self.hour, &self.now));
        let said = |claims: &TokenClaims| serde_json::to_string(claims).unwrap_or_default();
        let token = self.token.as_ref().map(|claims| texts::asked_with_token(language, said(claims)));
        let late = self.late.then(|| texts::asked_late(language).to_owned());
        let parts: Vec<_> = [time, application, token, late].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

impl SideAnswer {
    /// What a side says, as reports show it.
    pub(super) fn of(verdict: &Verdict) -> Self {
        Self {
            allowed: verdict.decision.is_allow(),
            policies: verdict
                .policies
                .iter()
                .map(|facts| Policy { id: facts.id.clone(), title: facts.title.clone() })
                .collect(),
            reason: worded(|language| verdict.reason(language)),
        }
    }
}

/// A sentence that is made in each language.
pub(super) fn worded(sentence: impl Fn(Language) -> String) -> Wording {
    let mut wording = Wording::from(sentence(Language::English));
    wording.translate(Language::Dutch, sentence(Language::Dutch));
    wording
}
