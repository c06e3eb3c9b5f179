use super::*;
use crate::{
    policy::Sources,
    snapshot::{Snapshot, Sources as AllSources},
};

const SCHEMA: &str = r#"
entity Group;
entity User in [Group] { level: Long, active: Bool, tags: Set<String>, chief?: User, note?: { text: String } };
@source("request") entity Doc { level: Long, open: Bool, kind?: String };
@source("request") entity Pic { level: Long };
action use;
action view in [use] appliesTo { principal: [User], resource: [Doc, Pic], context: { purpose: String } };
action edit in [use] appliesTo { principal: [User], resource: [Doc], context: { purpose: String } };
"#;

pub(crate) fn snapshot(policies: &str) -> Snapshot {
    let sources = AllSources {
        policies: Sources::from_texts("policies", [("schema.cedarschema", SCHEMA), ("p.cedar", policies)]),
        directory: crate::directory::Sources::from_texts("directory", []),
    };
    let (snapshot, problems) = Snapshot::from_sources(&sources);
    snapshot.unwrap_or_else(|| panic!("{}", crate::problem::report(&problems, false)))
}

#[track_caller]
fn check(policy: &str, expected: &[&str]) {
    let snapshot = snapshot(&format!("// é, first line\n@id(\"p\") // permit (\n{policy}"));
    let found = of(&snapshot.policies);
    let texts: Vec<_> = found[0].conditions.iter().map(|condition| found[0].text(condition)).collect();
    assert_eq!(texts, expected);
}

#[test]
fn the_scope_is_taken_apart() {
    check("permit (principal, action, resource);", &[]);
    check(
        "permit (principal is User in Group::\"a,b\", action in [Action::\"view\", Action::\"edit\"], resource == Doc::\"(\");",
        &[
            "principal is User in Group::\"a,b\"",
            "action in [Action::\"view\", Action::\"edit\"]",
            "resource == Doc::\"(\"",
        ],
    );
}

#[test]
fn bodies_are_taken_apart_where_and_or_not_and_if_combine() {
    let scope = "permit (principal, action == Action::\"edit\", resource)";
    let all = |body: &str, expected: &[&str]| {
        let expected: Vec<_> = ["action == Action::\"edit\""].iter().chain(expected).copied().collect();
        check(&format!("{scope} {body};"), &expected);
    };
    all(
        "when { principal.active && (resource.level < 3 || !resource.open) } unless { context.purpose == \"8\" }",
        &["principal.active", "resource.level < 3", "resource.open", "context.purpose == \"8\""],
    );
    all(
        "when { principal.level > 1 && principal.level >= 2 && context.purpose != \"8\" && !(principal.level > 3) }",
        &["principal.level > 1", "principal.level >= 2", "context.purpose != \"8\"", "principal.level > 3"],
    );
    all(
        "unless { principal.level > 1 } unless { context.purpose == \"8\" } unless { !(context.purpose == \"9\") }",
        &["principal.level > 1", "context.purpose == \"8\"", "context.purpose == \"9\""],
    );
    all(
        "when { principal has note.text && principal is User && [\"8\", \"9\"].contains(context.purpose) }",
        &["principal has note.text", "principal is User", "[\"8\", \"9\"].contains(context.purpose)"],
    );
    all(
        "when { if resource has kind then resource.kind like \"a*\" else true }",
        &["resource has kind", "resource.kind like \"a*\""],
    );
    all(
        "when { (if principal.active then 1 else 2) == principal.level && principal in Group::\"a\" }",
        &["(if principal.active then 1 else 2) == principal.level", "principal in Group::\"a\""],
    );
    all(
        "when { principal.active } when { resource.open } unless { resource.open && principal.active }",
        &["principal.active", "resource.open", "resource.open", "principal.active"],
    );
    all("when { (principal.level + 1) * 2 > 3 }", &["(principal.level + 1) * 2 > 3"]);
}

#[test]
fn the_schema_limits_what_a_scope_can_come_to() {
    let sides = |policy: &str| {
        let snapshot = snapshot(&format!("@id(\"p\") {policy};"));
        let found = of(&snapshot.policies);
        found[0].conditions.iter().map(|one| (one.sides.holds, one.sides.fails)).collect::<Vec<_>>()
    };
    let (both, always) = ((true, true), (true, false));
    assert_eq!(sides("permit (principal is User, action, resource is Doc)"), [always, both]);
    assert_eq!(sides("permit (principal, action == Action::\"edit\", resource is Doc)"), [both, always]);
    assert_eq!(sides("permit (principal, action in Action::\"use\", resource == Pic::\"a\")"), [always, both]);
    assert_eq!(sides("permit (principal in Group::\"g\", action == Action::\"view\", resource)"), [both, both]);
}
