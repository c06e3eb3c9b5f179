//! Writes the matrix as CSV and JSON: a line or an object for each account, type of record and action.

use super::super::{Access, Account, Matrix, Part};
use crate::review::report::inert;
use serde_json::{Value, json};

const COLUMNS: [&str; 10] =
    ["day", "account_type", "account", "name", "record", "action", "access", "permits", "forbids", "conditions"];

/// CSV (RFC 4180) with a header. Several policies are separated by a space; conditions by a line break.
///
/// # Errors
/// None that can come from writing to memory.
pub fn csv(matrix: &Matrix) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for (account, record, action, access) in cells(matrix) {
        let (permits, forbids) = parts(access);
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

/// One object: the day, the revisions, and a list of cells.
#[must_use]
pub fn json(matrix: &Matrix) -> String {
    let list = |parts: &[Part]| -> Vec<Value> {
        parts
            .iter()
            .map(|part| json!({ "id": part.policy.id, "title": part.policy.title, "conditions": part.conditions }))
            .collect()
    };
    let cells: Vec<_> = cells(matrix)
        .map(|(account, record, action, access)| {
            let (permits, forbids) = parts(access);
            json!({
                "account": { "type": account.kind, "id": account.id, "name": account.name },
                "record": record, "action": action, "access": access.word(),
                "permits": list(permits), "forbids": list(forbids),
            })
        })
        .collect();
    let whole = json!({
        "day": matrix.day, "revision": matrix.revision, "directory_revision": matrix.directory_revision, "cells": cells,
    });
    format!("{whole:#}\n")
}

fn cells(matrix: &Matrix) -> impl Iterator<Item = (&Account, &str, &str, &Access)> {
    matrix.accounts.iter().flat_map(|account| {
        account.cells.iter().map(move |((record, action), access)| (account, record.as_str(), action.as_str(), access))
    })
}

fn parts(access: &Access) -> (&[Part], &[Part]) {
    match access {
        Access::Always { permits } => (permits, &[]),
        Access::Under { permits, forbids } => (permits, forbids),
        Access::Never { forbids } => (&[], forbids),
    }
}
