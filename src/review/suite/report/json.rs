//! Reports results for scripts, as one JSON object. Fields are added, never renamed:
//!
//! ```text
//! outcome    passed | failed | invalid (files or cases that cannot be used as they are meant)
//! summary    {suites, cases, passed, failed, errors}
//! policies   revision of the policies      directory  revision of the directory      null if they are not valid
//! suites     [{name, note, file, cases}]
//!   cases    [{name, note, parts, line, outcome, expected, answer, differences, explanation, problem}]
//!     outcome      passed | failed | error
//!     expected     {decision, policies, errors}: what the case says of these, null where it says nothing
//!     answer       {decision, policies, obligations, advice, errors, reason}, null if there is none
//!     differences  sentences; explanation: lines; problem: a sentence, null if there is none
//! problems   [{code, severity, message, help, file, place}], as `findings` of `poort validate`
//! coverage   {policies, conditions, files, gaps}, null without --coverage; a share is {covered, total}, a gap is
//!            {file, line, policy, what, text}
//! mutation   {tried, noticed, invalid, same, unnoticed, guarantees}, null without --mutate; what is unnoticed is
//!            {file, line, policy, kind, change, missing, reached, explained}, a guarantee is {id, title, broken}, and what
//!            breaks it is {file, policy, change, case}, null if no change does
//! ```

use super::{More, Results, coverage::coverage_json, mutation::mutation_json};
use crate::{
    review::{
        report::{Format, findings},
        suite::{
            case::{Case, Names},
            run::{CaseOutcome, Ran, differences},
        },
    },
    sources::snapshot::Snapshot,
    types::{
        authzen,
        decision::{Verdict, Wording},
        language::Language,
    },
};
use serde_json::{Value, json};

/// The results as JSON.
#[must_use]
pub fn json(results: &Results, snapshot: Option<&Snapshot>, more: More<'_>) -> Value {
    let counts = results.counts();
    let problems: Value =
        serde_json::from_str(&findings(&results.all_problems(), Format::Json, false)).unwrap_or_default();
    json!({
        "outcome": if results.are_invalid() { "invalid" } else if counts.failed > 0 { "failed" } else { "passed" },
        "summary": {
            "suites": results.ran.len(),
            "cases": counts.total(),
            "passed": counts.passed,
            "failed": counts.failed,
            "errors": counts.mistaken,
        },
        "policies": snapshot.map(|snapshot| snapshot.policies.revision.to_string()),
        "directory": snapshot.map(|snapshot| snapshot.directory.revision.to_string()),
        "suites": results.ran.iter().map(suite).collect::<Vec<_>>(),
        "problems": problems.get("findings"),
        "coverage": more.coverage.map(coverage_json),
        "mutation": more.mutation.map(mutation_json),
    })
}

fn suite(ran: &Ran) -> Value {
    let Ran { suite, outcomes, .. } = ran;
    json!({
        "name": suite.name,
        "note": suite.note,
        "file": suite.file.name.as_ref(),
        "cases": suite.cases.iter().zip(outcomes).map(|(it, outcome)| case(it, outcome)).collect::<Vec<_>>(),
    })
}

fn case(case: &Case, outcome: &CaseOutcome) -> Value {
    let (differences, explanation): (_, Vec<_>) = match outcome {
        CaseOutcome::Failed(asked, failure) => (
            differences(&case.expected, &asked.answer, Language::English),
            failure.explanation.iter().map(|line| line.words(Language::English)).collect(),
        ),
        CaseOutcome::Passed(_) | CaseOutcome::Mistaken(_) => Default::default(),
    };
    let problem = match outcome {
        CaseOutcome::Mistaken(problem) => Some(problem.one_line()),
        CaseOutcome::Passed(_) | CaseOutcome::Failed(..) => None,
    };
    json!({
        "name": case.name,
        "note": case.note,
        "parts": case.parts,
        "line": case.line,
        "outcome": outcome.name(),
        "expected": {
            "decision": case.expected.decision.name(),
            "policies": names(&case.expected.policies),
            "errors": names(&case.expected.errors),
        },
        "answer": outcome.asked().and_then(|asked| asked.answer.as_ref().ok()).map(answer),
        "differences": differences,
        "explanation": explanation,
        "problem": problem,
    })
}

fn names(names: &Names) -> Value {
    match names {
        Names::Any => Value::Null,
        Names::Count(count) => json!(count),
        Names::Exactly(named) | Names::Including(named) => named.iter().map(|named| named.name.as_str()).collect(),
    }
}

fn answer(verdict: &Verdict) -> Value {
    let obligations: Vec<_> = verdict
        .policies
        .iter()
        .flat_map(|facts| &facts.obligations)
        .map(|obligation| {
            let mut properties = Vec::new();
            authzen::write_map(&mut properties, &obligation.properties);
            let properties: Value = serde_json::from_slice(&properties).unwrap_or_default();
            json!({ "id": obligation.id, "type": obligation.kind, "properties": properties })
        })
        .collect();
    json!({
        "decision": verdict.decision.name(),
        "policies": verdict.policies.iter().map(|facts| facts.id.as_str()).collect::<Vec<_>>(),
        "obligations": obligations,
        "advice": verdict.policies.iter().filter_map(|facts| facts.advice.as_ref()).map(Wording::base).collect::<Vec<_>>(),
        "errors": verdict.errors.iter().map(|error| json!({ "policy": error.policy, "message": error.message }))
            .collect::<Vec<_>>(),
        "reason": verdict.reason(Language::English),
    })
}
