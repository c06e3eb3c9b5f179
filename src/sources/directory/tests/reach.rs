//! Where references lead.

use crate::sources::{
    directory::{Directory, Sources},
    policy::cedar_core::ast,
};

#[test]
fn every_referenced_entity_is_reached_once() {
    let schema = "entity Person { chief?: Person, friends?: Set<Person> };
        action meet appliesTo { principal: Person, resource: Person };";
    let person = |id: &str, attrs: &str| {
        format!(r#"{{"uid": {{"type": "Person", "id": "{id}"}}, "attrs": {{{attrs}}}, "parents": []}}"#)
    };
    let reference = |id: &str| format!(r#"{{"__entity": {{"type": "Person", "id": "{id}"}}}}"#);
    let people = [
        person("a", &format!(r#""chief": {}"#, reference("b"))),
        person("b", &format!(r#""chief": {}, "friends": [{}, {}]"#, reference("a"), reference("c"), reference("gone"))),
        person("c", &format!(r#""chief": {}"#, reference("d"))),
        person("d", ""),
    ];
    let text = format!("[{}]", people.join(","));
    let (directory, problems) =
        Directory::from_sources(&Sources::from_texts("d", [("people.json", &*text)]), &super::schema(schema));
    let directory = directory.unwrap_or_else(|| panic!("{problems:#?}"));
    let uid = |id: &str| ast::EntityUID::with_eid_and_type("Person", id).unwrap();
    let reach = |id: &str| {
        let reached = directory.reach(&uid(id));
        let mut ids: Vec<_> =
            reached.iter().map(|entity| AsRef::<str>::as_ref(entity.uid().eid()).to_owned()).collect();
        ids.sort();
        ids.concat()
    };
    assert_eq!(["a", "b", "c", "d", "gone"].map(reach), ["abcd", "abcd", "cd", "d", ""]);
}
