//! What is built for use reads values as what is built for tests does. Cargo gives tests the features that their own
//! dependencies ask for too, so no test of behaviour sees that one is missing.

use crate::support::repository;
use std::fs;

#[test]
fn numbers_are_read_exactly_outside_tests_too() {
    let manifest = fs::read_to_string(repository().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let features = manifest["dependencies"]["serde_json"]["features"].as_array().unwrap();
    let has = |feature: &str| features.iter().any(|one| one.as_str() == Some(feature));
    assert!(has("float_roundtrip"), "without it a number is read up to two steps off: {features:?}");
    assert!(!has("arbitrary_precision"), "with it numbers come as text, which `authzen` does not read: {features:?}");
}
