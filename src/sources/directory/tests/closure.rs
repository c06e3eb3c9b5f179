//! Ancestors are those that Cedar finds, and a hierarchy that Cedar refuses is refused.

use super::{Tape, schema};
use crate::sources::{
    directory::{Directory, Sources},
    policy::cedar_core::ast,
};
use cedar_policy as cedar;
use proptest::prelude::*;
use std::collections::HashSet;

const SCHEMA: &str = "entity Unit in [Unit] { number?: Long };
    action see appliesTo { principal: Unit, resource: Unit };";

#[test]
fn ancestors_are_those_that_cedar_finds() {
    let schema = schema(SCHEMA);
    let config = ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() };
    let (mut closed, mut refused) = (0, 0);
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let counts = std::cell::RefCell::new((&mut closed, &mut refused));
    runner
        .run(&proptest::collection::vec(any::<u8>(), 48), |bytes| {
            let mut tape = Tape::new(&bytes);
            let units = 1 + tape.below(8);
            let can_cycle = tape.one_in(3);
            let written: Vec<_> = (0..units)
                .map(|unit| {
                    let parents: Vec<_> = (0..tape.below(3))
                        .map(|_| {
                            // The last is not in the directory.
                            let parent =
                                if can_cycle { tape.below(units + 1) } else { unit + 1 + tape.below(units - unit) };
                            format!(r#"{{"type": "Unit", "id": "{}"}}"#, parent.min(units))
                        })
                        .collect();
                    // A number that a double does not hold has Cedar read the entity.
                    let attributes = if tape.one_in(3) { r#""number": 9007199254740993"# } else { "" };
                    let parents = parents.join(", ");
                    format!(
                        r#"{{"uid": {{"type": "Unit", "id": "{unit}"}}, "attrs": {{{attributes}}}, "parents": [{parents}]}}"#
                    )
                })
                .collect();
            let action = if tape.one_in(4) {
                r#", {"uid": {"type": "Action", "id": "see"}, "attrs": {}, "parents": []}"#
            } else {
                ""
            };
            let text = format!("[{}{action}]", written.join(", "));
            let (directory, problems) =
                Directory::from_sources(&Sources::from_texts("d", [("d.json", &*text)]), &schema);
            match cedar::Entities::from_json_str(&text, Some(&schema.cedar)) {
                Err(error) => {
                    prop_assert!(directory.is_none(), "Cedar refuses {text}");
                    prop_assert_eq!(problems.len(), 1);
                    let message = crate::types::problem::causes(&error);
                    let (kind, _) = message.split_once('`').unwrap_or((&message, ""));
                    prop_assert!(problems[0].message().starts_with(kind), "{} for {}", problems[0].message(), message);
                    prop_assert!(problems[0].position().is_some());
                    *counts.borrow_mut().1 += 1;
                }
                Ok(expected) => {
                    let Some(directory) = directory else {
                        return Err(TestCaseError::fail(format!("{problems:#?} in {text}")));
                    };
                    let expected: Vec<&ast::Entity> = expected
                        .iter()
                        .map(AsRef::as_ref)
                        .filter(|entity: &&ast::Entity| !entity.uid().is_action())
                        .collect();
                    prop_assert_eq!(directory.len(), expected.len());
                    prop_assert_eq!(directory.uids().count(), expected.len());
                    let parents = |entity: &ast::Entity| entity.parents().cloned().collect::<HashSet<_>>();
                    for expected in expected {
                        let entity = directory.get(expected.uid());
                        prop_assert!(entity.is_some_and(|it| it.deep_eq(expected) && parents(it) == parents(expected)));
                    }
                    *counts.borrow_mut().0 += 1;
                }
            }
            Ok(())
        })
        .unwrap();
    assert!(closed > 200 && refused > 50, "{closed} closed, {refused} refused");
}

#[test]
fn a_hierarchy_may_be_deep() {
    let schema = schema(SCHEMA);
    let units: Vec<_> = (0..20_000)
        .map(|unit| {
            let parent = unit + 1;
            format!(
                r#"{{"uid": {{"type": "Unit", "id": "{unit}"}}, "attrs": {{}}, "parents": [{{"type": "Unit", "id": "{parent}"}}]}}"#
            )
        })
        .collect();
    let text = format!("[{}]", units.join(","));
    let (directory, _) = Directory::from_sources(&Sources::from_texts("d", [("d.json", &*text)]), &schema);
    let lowest = ast::EntityUID::with_eid_and_type("Unit", "0").unwrap();
    assert_eq!(directory.unwrap().get(&lowest).unwrap().ancestors().count(), 20_000);
}

#[test]
fn of_several_cycles_the_same_entity_is_named_each_time() {
    let schema = schema(SCHEMA);
    let units = [("a", "b"), ("b", "a"), ("c", "d"), ("d", "c"), ("e", "e")].map(|(unit, parent)| {
        format!(r#"{{"uid": {{"type": "Unit", "id": "{unit}"}}, "attrs": {{}}, "parents": [{{"type": "Unit", "id": "{parent}"}}]}}"#)
    });
    let text = format!("[{}]", units.join(","));
    for _ in 0..20 {
        let (_, problems) = Directory::from_sources(&Sources::from_texts("d", [("d.json", &*text)]), &schema);
        assert!(problems[0].message().ends_with("vertex `Unit::\"b\"`"), "{}", problems[0].message());
    }
}
