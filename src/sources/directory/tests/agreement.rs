//! Entities that are read without Cedar are those that Cedar reads from the same text.

use super::{Tape, schema};
use crate::sources::{
    directory::{Directory, Sources, entity_shapes::EntityShapes, fast_reader, pool::Gathering},
    policy::{Held, Schema, cedar_core::ast},
};
use cedar_policy as cedar;
use proptest::prelude::*;
use std::{cell::Cell, collections::HashSet};

const SCHEMA: &str = r#"
    namespace N {
        entity Colour enum ["red", "green"];
        entity Unit in [Unit] { name?: String };
        entity Role;
        @source("request") entity Case in [Unit] { name?: String };
        entity Account in [Unit, Colour, Case] {
            name: String, number?: Long, truth?: Bool, unit?: Unit, colour?: Colour, case?: Case,
            day?: datetime, address?: ipaddr, amount?: decimal, span?: duration,
            numbers?: Set<Long>, units?: Set<Unit>, days?: Set<datetime>,
            nested?: { a: Long, b?: String, deep?: { c: Unit } }, records?: Set<{ x: Long, day?: datetime }>,
            escape?: { "__extn"?: { fn: String, arg: String }, "__entity"?: { type: String, id: String } },
        } tags Set<Long>;
        entity Odd;
        action see appliesTo { principal: Account, resource: Case };
    }
"#;

/// Values of attributes, by name: usual ones first, then those that only some types take, or none.
const VALUES: &[(&str, &[&str])] = &[
    ("name", &[r#""A""#, r#""B\u00e9""#, r#""""#]),
    ("number", &["1", "-7", "9007199254740991", "0"]),
    ("truth", &["true", "false"]),
    ("unit", &[r#"{"type": "N::Unit", "id": "u"}"#, r#"{"__entity": {"type": "N::Unit", "id": "v"}}"#]),
    ("colour", &[r#"{"type": "N::Colour", "id": "red"}"#, r#"{"type": "N::Colour", "id": "blue"}"#]),
    ("case", &[r#"{"type": "N::Case", "id": "c"}"#]),
    ("day", &[r#""2024-01-01""#, r#"{"__extn": {"fn": "datetime", "arg": "2024-01-01"}}"#, r#""2024-13-01""#]),
    ("address", &[r#""10.0.0.7""#, r#""10.0.0.0/8""#, r#""10.0.0.0/99""#]),
    ("amount", &[r#""1.5""#, r#""1.50""#, r#""1.55555""#]),
    ("span", &[r#""1d12h""#, r#""36h""#, r#""36""#]),
    ("numbers", &["[1, 2]", "[2, 1, 1]", "[]"]),
    ("units", &[r#"[{"type": "N::Unit", "id": "u"}, {"type": "N::Unit", "id": "v"}]"#, "[]"]),
    ("days", &[r#"["2024-01-01", "2024-01-01T00:00:00Z"]"#]),
    ("nested", &[r#"{"a": 1}"#, r#"{"b": "x", "a": 1, "deep": {"c": {"type": "N::Unit", "id": "u"}}}"#]),
    ("records", &[r#"[{"x": 1}, {"x": 1, "day": "2024-01-01"}]"#, r#"[{"x": 1}, {"x": 1}]"#]),
    (
        "escape",
        &["{}", r#"{"__extn": {"fn": "unknown", "arg": "x"}}"#, r#"{"__entity": {"type": "N::Unit", "id": "u"}}"#],
    ),
];

const UNUSUAL: &[&str] = &[
    "null",
    "1.0",
    "1e2",
    "-0",
    "9007199254740993",
    "9223372036854775807",
    "18446744073709551615",
    r#""u""#,
    "[null]",
    "[1, \"x\"]",
    "{}",
    r#"{"a": 1, "a": 1}"#,
    r#"{"a": 1, "b": null}"#,
    r#"{"a": 1, "undeclared": 2}"#,
    r#"{"x": 1, "b": "y"}"#,
    r#"{"type": "Unit", "id": "u"}"#,
    r#"{"type": "N::Role", "id": "u"}"#,
    r#"{"type": "N::Unit", "id": "u", "more": 1}"#,
    r#"{"__entity": {"type": "Unit", "id": "u"}}"#,
    r#"{"__entity": {"type": "N::Unit", "id": "u"}, "more": 1}"#,
    r#"{"__extn": {"fn": "unknown", "arg": "x"}}"#,
    r#"{"__extn": {"fn": "decimal", "arg": "1.5"}}"#,
    r#"{"__extn": {"fn": "datetime", "arg": "2024-01-01"}, "more": 1}"#,
    r#"{"__expr": "1"}"#,
    r#"[{"x": 1, "undeclared": 2}]"#,
    r#"[{"type": "Unit", "id": "u"}]"#,
    r#""\ud800""#,
];

const UIDS: &[&str] = &[
    r#"{"type": "N::Account", "id": "a"}"#,
    r#"{"__entity": {"type": "N::Account", "id": "b"}}"#,
    r#"{"type": "N::Account", "id": ""}"#,
    r#"{"type": "Account", "id": "a"}"#,
    r#"{"type": "N::Unit", "id": "w"}"#,
    r#"{"type": "N::Colour", "id": "red"}"#,
    r#"{"type": "N::Colour", "id": "blue"}"#,
    r#"{"type": "N::Case", "id": "c"}"#,
    r#"{"type": "N::Action", "id": "see"}"#,
    r#"{"type": "N::Nothing", "id": "x"}"#,
    r#""N::Account::\"a\"""#,
];

const PARENTS: &[&str] = &[
    r#"{"type": "N::Unit", "id": "u"}"#,
    r#"{"__entity": {"type": "N::Unit", "id": "v"}}"#,
    r#"{"type": "N::Unit", "id": "u"}"#,
    r#"{"type": "N::Case", "id": "c"}"#,
    r#"{"type": "N::Colour", "id": "red"}"#,
    r#"{"type": "N::Colour", "id": "blue"}"#,
    r#"{"type": "N::Role", "id": "r"}"#,
    r#"{"type": "Unit", "id": "u"}"#,
    r#"{"type": "N::Action", "id": "see"}"#,
    r#""u""#,
];

/// An entity, written as JSON, most of the time in the usual form.
fn entity(tape: &mut Tape<'_>) -> String {
    let usual = |tape: &mut Tape<'_>, of: &'static [&'static str], usual: usize| {
        if tape.one_in(12) { tape.one_of(of) } else { tape.one_of(&of[..usual]) }
    };
    let mut attrs = Vec::new();
    for (index, (name, values)) in VALUES.iter().enumerate() {
        let is_there = if index == 0 { !tape.one_in(40) } else { tape.one_in(4) };
        if is_there {
            let value = if tape.one_in(24) { tape.one_of(UNUSUAL) } else { tape.one_of(values) };
            attrs.push(format!(r#""{name}": {value}"#));
        }
    }
    if tape.one_in(24) {
        attrs.push(tape.one_of(&[r#""name": "C""#, r#""undeclared": 1"#, r#""__extn": 1"#]).to_owned());
    }
    let parents: Vec<_> = (0..tape.below(3)).map(|_| usual(tape, PARENTS, 3)).collect();
    let mut fields = vec![
        format!(r#""uid": {}"#, usual(tape, UIDS, 3)),
        format!(r#""attrs": {{{}}}"#, attrs.join(", ")),
        format!(r#""parents": [{}]"#, parents.join(", ")),
    ];
    match tape.below(24) {
        0..8 => fields.push(r#""tags": {"a": [1], "b": []}"#.to_owned()),
        8 => fields.push(r#""tags": {"a": [1], "a": [1]}"#.to_owned()),
        9 => fields.push(r#""tags": {"a": 1}"#.to_owned()),
        10 => fields.push(r#""tags": null"#.to_owned()),
        11 => fields.push(r#""more": 1"#.to_owned()),
        12 => drop(fields.pop()),
        13 => fields.push(r#""parents": []"#.to_owned()),
        14 => fields.reverse(),
        _ => {}
    }
    format!("{{{}}}", fields.join(", "))
}

fn by_cedar(json: &str, schema: &Schema) -> Option<ast::Entity> {
    let entity = cedar::Entity::from_json_str(json, Some(&schema.cedar)).ok()?;
    Some(AsRef::<ast::Entity>::as_ref(&entity).clone())
}

/// Whether it was read without Cedar, and if so, as Cedar reads it.
fn is_read(json: &str, schema: &Schema) -> Result<bool, TestCaseError> {
    let forms = EntityShapes::of(schema);
    let mut gathering = Gathering::new(&forms);
    if fast_reader::read(json, &mut gathering).is_none() {
        return Ok(false);
    }
    let Some(expected) = by_cedar(json, schema) else {
        return Err(TestCaseError::fail(format!("Cedar refuses {json}")));
    };
    let held = schema.model.entity_type(expected.uid().entity_type()).map(|model| &model.held);
    prop_assert_eq!(held, Some(&Held::ByDirectory), "{}", json);
    let text = format!("[{json}]");
    let (directory, problems) = Directory::from_sources(&Sources::from_texts("d", [("d.json", &*text)]), schema);
    let Some(directory) = directory else { return Err(TestCaseError::fail(format!("{problems:#?} in {json}"))) };
    let Some(read) = directory.get(expected.uid()) else {
        return Err(TestCaseError::fail(format!("not under its id: {json}")));
    };
    prop_assert!(read.deep_eq(&expected), "{}\n{:#?}\n{:#?}", json, read, expected);
    let parents = |entity: &ast::Entity| entity.parents().cloned().collect::<HashSet<_>>();
    prop_assert_eq!(parents(read), parents(&expected));
    Ok(true)
}

#[test]
fn what_is_read_without_cedar_is_what_cedar_reads() {
    let schema = schema(SCHEMA);
    let (read, all) = (Cell::new(0), Cell::new(0));
    let config = ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(bytes in proptest::collection::vec(any::<u8>(), 64))| {
        all.set(all.get() + 1);
        read.set(read.get() + usize::from(is_read(&entity(&mut Tape::new(&bytes)), &schema)?));
    });
    assert!(read.get() * 8 > all.get(), "{} of {}", read.get(), all.get());
}

/// One deviation at a time, so that each check is met by itself.
#[test]
fn an_unusual_form_is_read_as_cedar_reads_it() {
    let schema = schema(SCHEMA);
    let account = |attrs: &str, rest: &str| {
        format!(r#"{{"uid": {{"type": "N::Account", "id": "a"}}, "attrs": {{{attrs}}}, {rest}}}"#)
    };
    assert!(is_read(&account(r#""name": "A""#, r#""parents": []"#), &schema).unwrap());
    for (name, values) in VALUES {
        for value in values.iter().chain(UNUSUAL) {
            let name = if *name == "name" { String::new() } else { format!(r#", "{name}": {value}"#) };
            is_read(&account(&format!(r#""name": "A"{name}"#), r#""parents": []"#), &schema).unwrap();
        }
    }
    for value in UNUSUAL {
        is_read(&account(&format!(r#""name": {value}"#), r#""parents": []"#), &schema).unwrap();
        is_read(&account(r#""name": "A""#, &format!(r#""parents": [], "tags": {{"t": {value}}}"#)), &schema).unwrap();
    }
    for parent in PARENTS {
        is_read(&account(r#""name": "A""#, &format!(r#""parents": [{parent}]"#)), &schema).unwrap();
    }
    for uid in UIDS {
        for attrs in ["", r#""name": "A""#] {
            for tags in ["", r#", "tags": {"t": [1]}"#] {
                let json = format!(r#"{{"uid": {uid}, "attrs": {{{attrs}}}, "parents": []{tags}}}"#);
                is_read(&json, &schema).unwrap();
            }
        }
    }
}
