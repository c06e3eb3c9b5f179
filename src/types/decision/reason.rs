//! Why a verdict is what it is, as a sentence for a person, in the language of whom it is for.

use super::{Decision, Evaluated, Party, PolicyFacts, UnknownReference, Verdict};
use crate::types::{language::Language, texts::answers, trace::TraceId};
use std::{borrow::Cow, sync::Arc};

/// Why a verdict is what it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Cause {
    /// What the policies say, or that none permits.
    #[default]
    Policies,
    /// The directory does not know a party.
    Unknown {
        /// Which.
        party: Party,
        /// The entity; `None` in a record that conceals it.
        uid: Option<String>,
    },
    /// The entities of the question contradict each other.
    Contradiction,
    /// The time of the policies is over.
    Expired,
    /// The policies allow, and the application cannot do what the access asks for: these obligations, by key.
    Unsupported(Vec<String>),
}

impl Verdict {
    /// One sentence for a person who may know all that it says.
    #[must_use]
    pub fn reason(&self, language: Language) -> String {
        match (&self.cause, self.policies.as_slice()) {
            (Cause::Unknown { party, uid: Some(uid) }, _) => match party {
                Party::Subject => answers::unknown_subject(language, uid),
                Party::Resource => answers::unknown_resource(language, uid),
            },
            (Cause::Unknown { party: Party::Subject, uid: None }, _) => answers::concealed_subject(language).to_owned(),
            (Cause::Unknown { party: Party::Resource, uid: None }, _) => {
                answers::concealed_resource(language).to_owned()
            }
            (Cause::Contradiction, _) => answers::contradiction(language).to_owned(),
            (Cause::Expired, _) => answers::expired(language).to_owned(),
            (Cause::Unsupported(keys), _) => {
                let keys = keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
                answers::unsupported(language, keys)
            }
            (Cause::Policies, []) => match (self.decision, self.errors.first()) {
                (Decision::Deny, Some(first)) => answers::failed_policy(language, &first.policy),
                (Decision::Deny, None) => answers::no_permit(language).to_owned(),
                (Decision::Allow, _) => answers::allowed_by(language, ""),
            },
            (Cause::Policies, policies) => {
                let titles = titles(policies, language);
                match self.decision {
                    Decision::Allow => answers::allowed_by(language, titles),
                    Decision::Deny => answers::denied_by(language, titles),
                }
            }
        }
    }

    /// The party that the directory does not know, if the question was denied for that.
    #[must_use]
    pub const fn unknown(&self) -> Option<Party> {
        match self.cause {
            Cause::Unknown { party, uid: _ } => Some(party),
            Cause::Policies | Cause::Contradiction | Cause::Expired | Cause::Unsupported(_) => None,
        }
    }

    /// Whether something that anybody may be told is why this is a deny: the application cannot do what the access asks for, or the
    /// time of the policies is over.
    #[must_use]
    pub const fn is_told_to_anybody(&self) -> bool {
        matches!(self.cause, Cause::Unsupported(_) | Cause::Expired)
    }
}

fn titles(policies: &[Arc<PolicyFacts>], language: Language) -> Cow<'_, str> {
    match policies {
        [one] => title_of(one, language),
        several => several.iter().map(|facts| title_of(facts, language)).collect::<Vec<_>>().join("; ").into(),
    }
}

fn title_of(facts: &PolicyFacts, language: Language) -> Cow<'_, str> {
    match facts.title.in_language(language).trim_end_matches('.') {
        "" => answers::untitled(language, &facts.id).into(),
        title => title.into(),
    }
}

impl Evaluated {
    /// What the user of the application is told: nothing of an allow; of a deny what the policies that deny say to users
    /// (`@reason_user`), else a general sentence; and the number under which the log has it.
    #[must_use]
    pub fn reason_user(&self, language: Language, reference: Option<TraceId>) -> Option<String> {
        let Verdict { decision: Decision::Deny, policies, .. } = self.verdict.as_ref() else { return None };
        let told = policies.iter().filter_map(|policy| policy.reason_user.as_ref());
        let mut told = told.map(|said| said.in_language(language)).collect::<Vec<_>>().join(" ");
        if told.is_empty() {
            answers::not_allowed(language).clone_into(&mut told);
        }
        if let Some(reference) = reference {
            told.push(' ');
            told.push_str(&answers::reference(language, reference));
        }
        Some(told)
    }

    /// One sentence for a person; where the answer is a deny, also what the directory does not know.
    #[must_use]
    pub fn reason(&self, language: Language) -> String {
        let reason = self.verdict.reason(language);
        if self.unknown.is_empty() || self.verdict.decision.is_allow() {
            return reason;
        }
        let unknown = self.unknown.iter().map(|unknown: &UnknownReference| unknown.sentence(language));
        std::iter::once(reason).chain(unknown).collect::<Vec<_>>().join(" ")
    }
}
