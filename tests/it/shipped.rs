//! What is promised of the repository's own policies: valid without a warning, in form, every condition tested both ways, no
//! change that no test notices, and every guarantee proven.

use crate::support::{policies, run};

#[track_caller]
fn passes(arguments: &[&str]) {
    let folder = policies();
    let output = run([arguments, &[folder.to_str().unwrap()]].concat());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{}\n{told}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn the_policies_are_valid_without_a_warning() {
    passes(&["validate", "--deny-warnings"]);
}

#[test]
fn every_policy_and_condition_is_tested_both_ways_and_every_change_is_noticed() {
    passes(&["test", "--coverage-min", "100", "--mutate"]);
}

#[test]
fn every_guarantee_is_proven_and_no_policy_is_idle_or_can_fail() {
    passes(&["validate", "--prove", "--no-cache", "--deny-warnings"]);
}
