//! Writes the matrix as CSV and JSON: a line or an object for each account, type of record and action.

use super::{
    super::{Access, Account, Changes, Group, Matrix, Part, Reach},
    Review, applications,
};
use crate::{
    review::{
        account::{self, Authorisation},
        report::inert,
    },
    types::language::Language,
};
use serde_json::{Map, Value, json};

const COLUMNS: [&str; 11] = [
    "day",
    "account_type",
    "account",
    "name",
    "record",
    "action",
    "access",
    "permits",
    "forbids",
    "conditions",
    "reach",
];

/// CSV (RFC 4180) with a header. Several policies are separated by a space; conditions by a line break.
///
/// # Errors
/// None that can come from writing to memory.
pub fn csv(matrix: &Matrix) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for (account, record, action, access) in cells(matrix) {
        let [permits, forbids] = access.parts();
        let ids = |parts: &[Part]| parts.iter().map(|part| part.policy.id.as_str()).collect::<Vec<_>>().join(" ");
        let conditions = |word: &str, parts: &[Part]| -> Vec<String> {
            parts
                .iter()
                .filter(|part| !part.conditions.is_empty())
                .map(|part| format!("{word} {}: {}", part.policy.id, conjunction(&part.conditions, " && ")))
                .collect()
        };
        let conditions = [conditions("if", permits), conditions("unless", forbids)].concat().join("\n");
        let name = account.name.as_deref().unwrap_or_default();
        let reach = access.reach().map_or("", Reach::word);
        let row = [
            &matrix.day,
            account.kind.as_str(),
            &account.id,
            name,
            record,
            action,
            access.word(),
            &ids(permits),
            &ids(forbids),
            &conditions,
            reach,
        ];
        writer.write_record(row.map(inert))?;
    }
    let bytes = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The header alone: the whole result if there is no matrix.
#[must_use]
pub fn csv_header() -> String {
    COLUMNS.join(",") + "\n"
}

/// Conditions that all must hold, as one: an `||` in one of them needs brackets.
pub(super) fn conjunction(conditions: &[String], and: &str) -> String {
    let one = |condition: &String| {
        let needs_brackets = conditions.len() > 1 && (condition.contains("||") || condition.contains("if "));
        if needs_brackets { format!("({condition})") } else { condition.clone() }
    };
    conditions.iter().map(one).collect::<Vec<_>>().join(and)
}

/// One object: the day, the revisions, a list of cells, the accounts with their authorisations, and what changed.
#[must_use]
pub fn json(review: &Review<'_>) -> String {
    let matrix = review.matrix;
    let cells: Vec<_> = cells(matrix)
        .map(|(account, record, action, access)| {
            let mut cell = access_json(access, true);
            let account = json!({ "type": account.kind, "id": account.id, "name": account.name });
            let about = [("account", account), ("record", record.into()), ("action", action.into())];
            cell.extend(about.map(|(name, value)| (name.to_owned(), value)));
            cell
        })
        .collect();
    let accounts: Vec<_> = matrix.accounts.iter().map(account_json).collect();
    let left_out: Vec<_> = matrix.left_out.iter().map(account_json).collect();
    let marks: Vec<_> = matrix.test_marks.iter().map(|mark| mark.words(Language::English)).collect();
    let (filter, text) = (&matrix.filter, |text: &String| (!text.is_empty()).then(|| text.clone()));
    let mut whole = json!({
        "day": matrix.day, "revision": matrix.revision, "directory_revision": matrix.directory_revision, "cells": cells,
        "asked": { "account": text(&filter.account), "record": text(&filter.record), "action": text(&filter.action) },
        "accounts": accounts, "test_accounts": { "left_out": left_out, "recognised_by": marks },
    });
    if let (Some(_), Some(members)) = (&matrix.applications, whole.as_object_mut()) {
        members.insert("applications".to_owned(), applications::json(matrix));
    }
    if let (Some(changes), Some(members)) = (review.changes, whole.as_object_mut()) {
        members.insert("changes".to_owned(), changes_json(changes));
    }
    format!("{whole:#}\n")
}

/// An access as programs read it, with its policies and conditions if these are wanted.
#[must_use]
pub fn access_json(access: &Access, with_conditions: bool) -> Map<String, Value> {
    let list = |parts: &[Part]| -> Value {
        let one = |part: &Part| json!({ "id": part.policy.id, "title": part.policy.title.base(), "conditions": part.conditions });
        parts.iter().map(one).collect()
    };
    let mut members = vec![("access", access.word().into()), ("reach", access.reach().map(Reach::word).into())];
    if with_conditions {
        let [permits, forbids] = access.parts();
        members.extend([("permits", list(permits)), ("forbids", list(forbids))]);
    }
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn account_json(account: &Account) -> Value {
    json!({
        "type": account.kind, "id": account.id, "name": account.name,
        "groups": groups_json(&account.groups),
        "authorisations": account.authorisations.iter().map(account::authorisation_json).collect::<Vec<_>>(),
    })
}

fn groups_json(groups: &[Group]) -> Vec<Value> {
    groups.iter().map(|group| json!({ "type": group.kind, "id": group.id, "name": group.name })).collect()
}

fn changes_json(changes: &Changes) -> Value {
    let authorisation = |one: &Option<Authorisation>| one.as_ref().map(account::authorisation_json);
    let accounts = changes.accounts.iter().map(|account| {
        let rights = account.rights.iter();
        json!({
            "type": account.kind, "id": account.id, "name": account.name, "presence": account.presence.name(),
            "became_test_account": account.became_test,
            "joined": groups_json(&account.joined), "left": groups_json(&account.left),
            "authorisations": account.authorisations.iter().map(|(before, after)| json!({
                "before": authorisation(before), "after": authorisation(after),
            })).collect::<Vec<_>>(),
            "rights": rights.map(|((record, action), change)| json!({
                "record": record, "action": action, "change": change.name(),
            })).collect::<Vec<_>>(),
        })
    });
    json!({
        "since": changes.since, "day": changes.day, "revision": changes.revision,
        "directory_revision": changes.directory_revision, "accounts": accounts.collect::<Vec<_>>(),
    })
}

fn cells(matrix: &Matrix) -> impl Iterator<Item = (&Account, &str, &str, &Access)> {
    matrix.accounts.iter().flat_map(|account| {
        account.cells.iter().map(move |((record, action), access)| (account, record.as_str(), action.as_str(), access))
    })
}
