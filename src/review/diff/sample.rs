//! A comparison for tests.

use super::{
    Comparison, Difference, Direction, EnvironmentChange, Facts, Question, Settled, SideAnswer, SideName, Together,
    Whole,
};
use crate::types::{decision::Wording, revision::Revision};
use std::collections::BTreeMap;

/// An environment in which something is newly allowed by these policies.
pub(super) fn outcome(policies: &[&str]) -> EnvironmentChange {
    let said = |allowed| SideAnswer { allowed, policies: Vec::new(), reason: Wording::default() };
    let example = Question {
        question: serde_json::Value::Null,
        today: String::new(),
        hour: 0,
        now: String::new(),
        application: None,
        late: false,
        token: None,
        time_matters: false,
        real: true,
        entities: Vec::new(),
        facts: Facts::default(),
    };
    let policies = policies.iter().map(|id| (*id).to_owned()).collect();
    let change = Direction::NewlyAllowed;
    let digest = digest("as reviewed");
    EnvironmentChange {
        principal: "Officer".to_owned(),
        action: "consult".to_owned(),
        resource: "Record".to_owned(),
        whole: Whole {
            principal: "Police::Officer".to_owned(),
            action: "Police::Action::\"consult\"".to_owned(),
            resource: "Police::Record".to_owned(),
        },
        differences: vec![Difference { change, policies, digest, example, base: said(false), head: said(true) }],
        reached: Vec::new(),
        undecided: Vec::new(),
        undecided_digest: None,
        note: None,
        settled: Settled::Solver,
        accounts: Vec::new(),
        together: Together::Nothing,
    }
}

/// A comparison of these environments.
pub(super) fn comparison(environments: Vec<EnvironmentChange>) -> Comparison {
    let named = |name: &str| SideName { name: name.to_owned(), policies: String::new(), directory: String::new() };
    Comparison {
        base: named("base"),
        head: named("head"),
        environments,
        filtered: 0,
        policies: Vec::new(),
        guarantees: Vec::new(),
        applications: Vec::new(),
        schema: Vec::new(),
        directory: Vec::new(),
        untested: Vec::new(),
        people: BTreeMap::new(),
        not_worked_out: None,
    }
}

pub(super) fn digest(text: &str) -> String {
    Revision::of([("one", text.as_bytes())]).to_string()
}
