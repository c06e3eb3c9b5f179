//! The access report about a data subject: every decision about a person, with who asked, when, what, why, on which articles of
//! law, from where and to whom. It serves a person's right of access (Wpg art. 25) and supervision of the log (Wpg art. 32a).
//!
//! Names of accounts are those of the directory that decided, and not those of today. The record has which rules
//! decided, on which articles; their words are those of the revision that decided.
//!
//! - `page`: as a page for a person

mod page;

pub use page::page;

use super::replay::Worlds;
use crate::{
    record::decision_log::{EntityName, OneDecision, Selection, StoredRecord, Unreadable},
    sources::{
        directory,
        policy::cedar_core::ast::{Eid, EntityUID},
        snapshot::Snapshot,
    },
    types::{
        decision::{Decision, Wording},
        language::Language,
    },
};
use cedar_policy as cedar;
use serde_json::Value;
use std::{collections::BTreeSet, sync::Arc};

/// One decision about the data subject.
#[derive(Debug)]
pub struct Access {
    /// When, in milliseconds since 1970.
    pub time: i64,
    /// The place of its record in the log.
    pub seq: u64,
    /// The trace, which finds the record.
    pub trace: String,
    /// The account that asked, as `Type::id`.
    pub account: String,
    /// Its attribute `name` in the directory that decided.
    pub name: Option<String>,
    /// What the schema says that it belongs to (`@parents`), such as its unit, ordered.
    pub within: Vec<String>,
    /// What it wanted to do.
    pub action: String,
    /// The record that it was about, as `Type::id`.
    pub resource: String,
    /// The decision; `None` if none left.
    pub decision: Option<Decision>,
    /// `context.purpose`.
    pub purpose: Option<String>,
    /// The rest of the context of the question, by name.
    pub reasons: Vec<(String, String)>,
    /// `context.recipient`: to whom.
    pub recipient: Vec<(String, String)>,
    /// Where the call came from.
    pub origin: Vec<(String, String)>,
    /// The policies that determined it.
    pub rules: Vec<Rule>,
}

/// A policy, as it was when it decided.
#[derive(Debug)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// Its title; empty if it has none.
    pub title: Wording,
    /// The articles of law that it rests on.
    pub basis: String,
}

/// What a report is about, and what it does not cover.
#[derive(Debug)]
pub struct Scope {
    /// The data subject, as it was asked for.
    pub data_subject: String,
    /// The time zone of all times.
    pub zone: jiff::tz::TimeZone,
    /// From this moment on, in milliseconds since 1970.
    pub since: Option<i64>,
    /// Until before this moment.
    pub until: Option<i64>,
    /// What else a decision must fit to be in the report, as it was asked for.
    pub narrowing: Vec<String>,
    /// When the report was made.
    pub made: i64,
    /// The language of its sentences.
    pub language: Language,
}

/// Reads accesses from records.
#[derive(Debug)]
pub struct Reader {
    worlds: Worlds,
    missing: BTreeSet<String>,
}

impl Reader {
    /// With the revisions that records name.
    #[must_use]
    pub fn new(worlds: Worlds) -> Self {
        Self { worlds, missing: BTreeSet::new() }
    }

    /// Why names of accounts, and rules in another language than the record's, are missing, if they are.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.missing.iter().map(String::as_str)
    }

    /// The decisions of a record that are selected.
    ///
    /// # Errors
    /// The record has not the form of a decision record.
    pub fn accesses(&mut self, record: &[u8], selection: &Selection) -> Result<Vec<Access>, Unreadable> {
        let Some(recorded) = StoredRecord::read(record)? else { return Ok(Vec::new()) };
        let whole: Value = serde_json::from_slice(record).map_err(|error| Unreadable(error.to_string()))?;
        let request = whole.pointer("/body/adl.core.request").unwrap_or(&Value::Null);
        let origin = whole.pointer("/attributes/poort.origin").map(members).unwrap_or_default();
        let snapshot = self.snapshot(&recorded);
        let decisions = recorded.decisions()?;
        let wanted = decisions.iter().enumerate().filter(|(_, one)| selection.takes_decision(one));
        let access = |(index, one): (usize, &OneDecision)| {
            let item = request.pointer(&format!("/evaluations/{index}/context"));
            let context = item.or_else(|| request.get("context")).unwrap_or(&Value::Null);
            let (recipient, reasons) = members(context)
                .into_iter()
                .filter(|(name, _)| name != "purpose")
                .partition::<Vec<_>, _>(|(name, _)| name == "recipient" || name.starts_with("recipient."));
            let (name, within) = person(snapshot.as_deref(), one.subject.as_ref());
            Access {
                time: recorded.timestamp,
                seq: recorded.seq(),
                trace: recorded.trace_id.to_string(),
                account: shown(one.subject.as_ref()),
                name,
                within,
                action: one.action.clone().unwrap_or_default(),
                resource: shown(one.resource.as_ref()),
                decision: one.decision,
                purpose: one.purpose.clone(),
                reasons,
                recipient,
                origin: origin.clone(),
                rules: rules(&whole, recorded.is_batch().then_some(index), snapshot.as_deref()),
            }
        };
        Ok(wanted.map(access).collect())
    }

    fn snapshot(&mut self, recorded: &StoredRecord<'_>) -> Option<Arc<Snapshot>> {
        let named = recorded.policies().zip(recorded.directory())?;
        match self.worlds.find(&named) {
            Ok(snapshot) => Some(snapshot),
            Err(why) => {
                self.missing.insert(why);
                None
            }
        }
    }
}

fn shown(named: Option<&EntityName>) -> String {
    named.map_or_else(|| "-".to_owned(), |EntityName { kind, id }| format!("{kind}::{id}"))
}

/// The name of an account and what it belongs to.
fn person(snapshot: Option<&Snapshot>, named: Option<&EntityName>) -> (Option<String>, Vec<String>) {
    let found = || {
        let (snapshot, EntityName { kind, id }) = snapshot.zip(named)?;
        let model = snapshot.policies.model.entity(kind).ok()?;
        let account = snapshot.directory.get(&EntityUID::from_components(model.name.clone(), Eid::new(id), None))?;
        let mut within: Vec<_> =
            model.parents.iter().filter_map(|name| directory::reference_of(account, name).map(str::to_owned)).collect();
        within.sort();
        Some((directory::name_of(account), within))
    };
    found().unwrap_or_default()
}

/// The policies that determined an answer of a record, that of this item if it is a batch. The record has a title in one language;
/// the others are those of the revision that decided.
fn rules(record: &Value, item: Option<usize>, snapshot: Option<&Snapshot>) -> Vec<Rule> {
    let answer = item.map(|index| format!("/evaluations/{index}")).unwrap_or_default();
    let list = |place: &str| record.pointer(place).and_then(Value::as_array).into_iter().flatten();
    let text = |object: &Value, name: &str| object[name].as_str().unwrap_or_default().to_owned();
    let rule = |policy: &Value| {
        let basis = list("/attributes/poort.basis").find(|basis| basis["policy"] == policy["id"]);
        let id = text(policy, "id");
        let known = snapshot.and_then(|snapshot| snapshot.policies.facts.get(&cedar::PolicyId::new(&id)));
        Rule {
            title: known.map_or_else(|| text(policy, "title").into(), |facts| facts.title.clone()),
            id,
            // An older record does not have it.
            basis: basis
                .map(|basis| text(basis, "basis"))
                .or_else(|| known.map(|facts| facts.basis.clone()))
                .unwrap_or_default(),
        }
    };
    list(&format!("/body/adl.core.response{answer}/context/policies")).map(rule).collect()
}

/// The values in an object, by their paths with dots.
fn members(value: &Value) -> Vec<(String, String)> {
    fn walk(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    walk(&path, value, found);
                }
            }
            Value::String(text) => found.push((path.to_owned(), text.clone())),
            other => found.push((path.to_owned(), other.to_string())),
        }
    }
    let mut found = Vec::new();
    walk("", value, &mut found);
    found
}
