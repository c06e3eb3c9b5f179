//! A changed directory equals one that is read from the same files.

use super::Tape;
use crate::sources::{
    directory::{Directory, Sources, Unobserved},
    policy::{self, Policies, cedar_core::ast},
};
use proptest::prelude::*;
use std::{cell::Cell, collections::BTreeMap};

const SCHEMA: &str = "entity Unit in [Unit] { name: String, chief?: Account };
    entity Account in [Unit] { level: Long, unit: Unit, deputy?: Account } tags String;
    action see appliesTo { principal: Account, resource: Account };";

const POLICIES: &str = "permit (principal in Unit::\"u0\", action, resource)
    when { principal.level > 1 && principal.unit.name == resource.unit.name && principal has deputy &&
        principal.deputy.level > resource.level && principal.hasTag(\"a\") };
    permit (principal == Account::\"a1\", action, resource);";

/// The entities of a directory, as they are written, by id.
type Written = BTreeMap<String, String>;

fn unit(tape: &mut Tape<'_>, number: usize) -> (String, String) {
    let parents =
        if number > 0 { format!(r#"{{"type": "Unit", "id": "u{}"}}"#, tape.below(number)) } else { String::new() };
    let chief = if tape.one_in(3) {
        format!(r#", "chief": {{"__entity": {{"type": "Account", "id": "a{}"}}}}"#, tape.below(8))
    } else {
        String::new()
    };
    let id = format!("u{number}");
    let name = tape.one_of(&["North", "South"]);
    let text = format!(
        r#"{{"uid": {{"type": "Unit", "id": "{id}"}}, "attrs": {{"name": "{name}"{chief}}}, "parents": [{parents}]}}"#
    );
    (id, text)
}

fn account(tape: &mut Tape<'_>, number: usize) -> (String, String) {
    let unit = tape.below(4);
    let deputy = if tape.one_in(4) {
        format!(r#", "deputy": {{"__entity": {{"type": "Account", "id": "a{}"}}}}"#, tape.below(12))
    } else {
        String::new()
    };
    let tags = if tape.one_in(3) { r#", "tags": {"a": "b"}"# } else { "" };
    // What is not usual has Cedar read the entity.
    let level = tape.one_of(&["1", "2", "3", "9007199254740993"]);
    let id = format!("a{number}");
    let text = format!(
        r#"{{"uid": {{"type": "Account", "id": "{id}"}}, "attrs": {{"level": {level}, "unit":
        {{"__entity": {{"type": "Unit", "id": "u{unit}"}}}}{deputy}}}, "parents": [{{"type": "Unit", "id": "u{unit}"}}]{tags}}}"#
    );
    (id, text)
}

fn sources(written: &Written, tape: &mut Tape<'_>) -> Sources {
    // In two files, and not always in the same one.
    let mut files = [Vec::new(), Vec::new()];
    for text in written.values() {
        files[tape.below(2)].push(text.as_str());
    }
    let files = files.map(|texts| format!("[{}]", texts.join(",\n")));
    Sources::from_texts("d", [("1.json", files[0].as_str()), ("2.json", files[1].as_str())])
}

/// What there is to know of a directory.
fn whole(directory: &Directory, policies: &Policies) -> Vec<String> {
    let kind = |name: &str| ast::EntityUID::with_eid_and_type(name, "x").unwrap().entity_type().clone();
    let action = ast::EntityUID::with_eid_and_type("Action", "see").unwrap();
    let slice = policies.slice(&kind("Account"), &action, &kind("Account"));
    let reads = slice.footprint.reads.as_ref().unwrap();
    let mut found: Vec<_> = directory
        .iter()
        .map(|entity| {
            let uid = entity.uid();
            assert_eq!(directory.get(uid), Some(entity));
            let mut above: Vec<_> = entity.ancestors().map(ToString::to_string).collect();
            above.sort();
            let mut fields: Vec<_> =
                entity.attrs().chain(entity.tags()).map(|(name, value)| format!("{name}: {value}")).collect();
            fields.sort();
            let contents = reads
                .profile(uid.entity_type())
                .and_then(|profile| directory.contents(uid.entity_type(), AsRef::<str>::as_ref(uid.eid()), profile));
            let mut reached: Vec<_> = contents
                .iter()
                .flat_map(|contents| contents.entities.iter())
                .map(|entity| format!("{} {:?}", entity.uid(), entity.get("level").map(ToString::to_string)))
                .collect();
            reached.sort();
            let digest = contents.map(|contents| contents.digest);
            format!("{uid} {above:?} {fields:?} {digest:?} {reached:?}")
        })
        .collect();
    found.sort();
    let mut uids: Vec<_> = directory.uids().map(ToString::to_string).collect();
    uids.sort();
    assert_eq!(uids.len(), directory.len());
    assert_eq!(found.len(), directory.len());
    found.extend(uids);
    found.push(directory.revision.to_string());
    found
}

#[test]
fn a_changed_directory_equals_one_that_is_read_again() {
    let sources_of_policies =
        policy::Sources::from_texts("p", [("schema.cedarschema", SCHEMA), ("all.cedar", POLICIES)]);
    let (schema, policies, problems) = Policies::from_sources(&sources_of_policies);
    let (schema, policies) = (schema.unwrap(), policies.unwrap_or_else(|| panic!("{problems:#?}")));
    let [quick, whole_again, refused] = [const { Cell::new(0) }; 3];
    let count = |cell: &Cell<usize>| cell.set(cell.get() + 1);
    let config = ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() };
    proptest::test_runner::TestRunner::new(config)
        .run(&proptest::collection::vec(any::<u8>(), 400), |bytes| {
            let mut tape = Tape::new(&bytes);
            let mut written = Written::new();
            written.extend((0..3).map(|number| unit(&mut tape, number)));
            written.extend((0..6).map(|number| account(&mut tape, number)));
            let first = sources(&written, &mut tape);
            let mut directory = Directory::from_sources(&first, &schema).0.unwrap();
            for _ in 0..6 {
                // Contents of the old entities are not those of the new.
                whole(&directory, &policies);
                for _ in 0..1 + tape.below(2) {
                    let number = tape.below(9);
                    match tape.below(8) {
                        0 => drop(written.remove(&format!("a{number}"))),
                        1 => written.extend([unit(&mut tape, number % 4)]),
                        2 => drop(written.insert("z".to_owned(), account(&mut tape, number).1)),
                        3 => drop(written.remove("z")),
                        _ => written.extend([account(&mut tape, number)]),
                    }
                }
                let now = sources(&written, &mut tape);
                let anew = Directory::from_sources(&now, &schema).0;
                match (directory.after(&now, &schema, &mut Unobserved), anew) {
                    (Some(changed), Some(anew)) => {
                        count(&quick);
                        prop_assert_eq!(whole(&changed, &policies), whole(&anew, &policies));
                        directory = changed;
                    }
                    (None, Some(anew)) => {
                        count(&whole_again);
                        directory = anew;
                    }
                    (changed, None) => {
                        count(&refused);
                        prop_assert!(changed.is_none(), "what is refused as a whole is refused as a change");
                    }
                }
            }
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(
        quick.get() > 300 && whole_again.get() > 100 && refused.get() > 20,
        "{quick:?} {whole_again:?} {refused:?}"
    );
}

#[test]
fn a_change_leaves_what_was_found_of_the_others() {
    let schema = super::schema(SCHEMA);
    let account = |id: usize, level: usize| {
        format!(
            r#"{{"uid": {{"type": "Account", "id": "a{id}"}}, "attrs": {{"level": {level}, "unit":
            {{"type": "Unit", "id": "u"}}}}, "parents": []}}"#
        )
    };
    let text = |levels: &[usize]| {
        let all: Vec<_> = levels.iter().enumerate().map(|(id, level)| account(id, *level)).collect();
        format!("[{}]", all.join(","))
    };
    let sources = |levels: &[usize]| Sources::from_texts("d", [("d.json", text(levels).as_str())]);
    let before = Directory::from_sources(&sources(&[1, 1, 1]), &schema).0.unwrap();
    let uid = |id: usize| ast::EntityUID::with_eid_and_type("Account", &format!("a{id}")).unwrap();
    let entities = |directory: &Directory| [0, 1, 2].map(|id| directory.get(&uid(id)).cloned().unwrap());
    let (old, after) = (entities(&before), before.after(&sources(&[1, 2, 1]), &schema, &mut Unobserved).unwrap());
    let new = entities(&after);
    assert_eq!([0, 1, 2].map(|id| std::sync::Arc::ptr_eq(&old[id], &new[id])), [true, false, true]);
    // The old one is as it was.
    assert_eq!(entities(&before), old);
}
