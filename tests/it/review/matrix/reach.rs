//! How far a right reaches: whose records its conditions leave.

use super::snapshot_of;
use poort::review::matrix::{Filter, Reach, matrix};

const SCHEMA: &str = r#"
    entity Group { chief: User };
    entity User in [Group] { group: Group };
    @source("request") @parents("group") entity Doc in [Group] { open: Bool, author: User, authors: Set<User>, group: Group };
    action read, write appliesTo { principal: User, resource: Doc, context: { why?: String } };
"#;

const ACCOUNTS: &str = r#"[
    {"uid": {"type": "Group", "id": "chiefs"}, "attrs": {"chief": {"type": "User", "id": "ann"}}, "parents": []},
    {"uid": {"type": "User", "id": "ann"}, "attrs": {"group": {"type": "Group", "id": "chiefs"}},
     "parents": [{"type": "Group", "id": "chiefs"}, {"type": "Group", "id": "everyone"}]},
    {"uid": {"type": "User", "id": "bob"}, "attrs": {"group": {"type": "Group", "id": "others"}},
     "parents": [{"type": "Group", "id": "everyone"}]}
]"#;

/// How far Ann's right to do this reaches.
fn reach(policies: &str, action: &str) -> Option<Reach> {
    let snapshot = snapshot_of(SCHEMA, ACCOUNTS, policies);
    let matrix = matrix(&snapshot, "2026-11-23", &Filter::default(), &|_, _| ()).unwrap();
    matrix.accounts[0].cells[&("Doc".to_owned(), action.to_owned())].reach()
}

#[test]
fn a_condition_that_ties_the_record_narrows_the_reach() {
    for (condition, expected) in [
        ("resource.open", Reach::All),
        ("resource.author == principal", Reach::Own),
        ("principal == resource.author && resource.open", Reach::Own),
        ("resource.authors.contains(principal)", Reach::Own),
        ("resource in Group::\"chiefs\"", Reach::Unit),
        ("[resource.group, Group::\"others\"].contains(Group::\"chiefs\")", Reach::All),
        ("resource.group in principal.group", Reach::Unit),
        ("principal in resource.group", Reach::Unit),
        ("resource.group.chief == principal", Reach::Unit),
        // The chief need not be in the group.
        ("resource.group.chief in principal", Reach::Unit),
        ("resource.author in principal", Reach::Unit),
        // A group of all accounts narrows nothing.
        ("resource in Group::\"everyone\"", Reach::All),
        ("resource.group in [Group::\"chiefs\", Group::\"everyone\"]", Reach::All),
        // The account is not in this one.
        ("resource in Group::\"others\"", Reach::All),
        ("resource.author == principal || resource in Group::\"chiefs\"", Reach::Unit),
        ("resource.author == principal || resource.open", Reach::All),
        ("!(resource.author != principal || resource.open)", Reach::Own),
        ("if resource.open then resource.author == principal else resource in Group::\"chiefs\"", Reach::Unit),
        ("if resource.open then resource.author == principal else false", Reach::Own),
        ("if resource.open then resource.author == principal else context has why", Reach::All),
    ] {
        let permit = format!("@id(\"a\") permit (principal, action, resource) when {{ {condition} }};");
        assert_eq!(reach(&permit, "read"), Some(expected), "{condition}");
        // A forbid leaves what it does not forbid.
        let forbid = format!(
            "@id(\"a\") permit (principal, action, resource); @id(\"b\") forbid (principal, action, resource) unless {{ {condition} }};"
        );
        assert_eq!(reach(&forbid, "read"), Some(expected), "unless {condition}");
    }
    let policies = "@id(\"all\") permit (principal, action == Action::\"read\", resource);";
    assert_eq!(reach(policies, "read"), Some(Reach::All));
    assert_eq!(reach(policies, "write"), None);
}
