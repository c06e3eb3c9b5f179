//! Where references lead.

use crate::directory::{Directory, Sources};
use cedar_policy_core::ast;

#[test]
fn references_are_followed_as_many_steps_as_are_asked_for() {
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
    let reach = |id: &str, steps| {
        let reached = directory.reach(&uid(id), steps)?;
        Some(reached.iter().map(|entity| AsRef::<str>::as_ref(entity.uid().eid()).to_owned()).collect::<String>())
    };
    // The first is remembered; the others are found all the same.
    for _ in 0..2 {
        for (steps, expected) in [(2, "ab"), (0, "a"), (1, "a"), (3, "abc"), (4, "abcd"), (usize::MAX, "abcd")] {
            assert_eq!(reach("a", steps).as_deref(), Some(expected), "{steps}");
        }
    }
    assert_eq!(reach("gone", 3), None);
}
