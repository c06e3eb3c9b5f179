//! What groups give: what the accounts in them could not do without them.

use super::yearly::{matrix, page, this_year};
use crate::support::folder;
use serde_json::json;
use std::{fs, path::Path};

#[test]
fn a_group_gives_what_its_accounts_have_by_it_alone() {
    let folder = folder();
    let told = matrix(&this_year(&folder.path().join("p")), &["--by", "Role"]);
    // What both also have by their authorisation is not of the role.
    let expected = "Role desk  desk  (1 account)\n  held by a\n  File  read\n      by files.desk\n\nRole idle  idle  (1 account)\n  held by b\n  gives nothing to them; no policy has it in its text\n";
    assert!(told.ends_with(expected), "{told}");
}

/// What one team gives Ann, who is in it, where these policies are all.
fn of_team(folder: &Path, policies: &str) -> String {
    let uid = |kind: &str, id: &str| json!({"type": kind, "id": id});
    let directory = json!([
        {"uid": uid("Team", "heron"), "attrs": {}, "parents": []},
        {"uid": uid("User", "ann"), "attrs": {}, "parents": [uid("Team", "heron")]},
    ]);
    fs::create_dir_all(folder.join("directory")).unwrap();
    let schema =
        "entity Team; entity User in [Team]; @source(\"request\") entity Doc { team: Team, other: Team, open: Bool };
        action read appliesTo { principal: User, resource: Doc, context: {} };";
    fs::write(folder.join("schema.cedarschema"), schema).unwrap();
    fs::write(folder.join("a.cedar"), policies).unwrap();
    fs::write(folder.join("directory/all.json"), directory.to_string()).unwrap();
    let told = matrix(folder, &["--by", "Team"]);
    told.split_once("  held by ann\n").unwrap().1.to_owned()
}

#[test]
fn a_team_gives_what_records_that_name_it_ask() {
    let folder = folder();
    let (own, nothing) =
        ("  Doc  read\n      its records by team\n", "  gives nothing to them; no policy has it in its text\n");
    for (policies, expected) in [
        ("@id(\"team\") permit (principal, action, resource) when { principal in resource.team };", own),
        (
            "@id(\"team\") permit (principal, action, resource) when { principal in [resource.team, resource.other] };",
            own,
        ),
        (
            "@id(\"all\") permit (principal, action, resource);
             @id(\"team\") forbid (principal, action, resource) unless { principal in resource.team };",
            own,
        ),
        ("@id(\"team\") permit (principal, action, resource) unless { !(principal in resource.team) };", own),
        // Who is outside of it may.
        ("@id(\"team\") permit (principal, action, resource) when { !(principal in resource.team) };", nothing),
        ("@id(\"team\") permit (principal, action, resource) unless { principal in resource.team };", nothing),
        (
            "@id(\"all\") permit (principal, action, resource);
             @id(\"team\") forbid (principal, action, resource) when { principal in resource.team };",
            nothing,
        ),
        // Nothing permits it.
        ("@id(\"team\") forbid (principal, action, resource) unless { principal in resource.team };", nothing),
    ] {
        assert_eq!(of_team(folder.path(), policies), expected, "{policies}");
    }
}

#[test]
fn what_a_team_limits_is_no_gift() {
    let folder = folder();
    let heron = "principal in Team::\"heron\"";
    for (policies, expected) in [
        (
            format!(
                "@id(\"if\") permit (principal, action, resource) when {{ if {heron} then resource.open else resource.team == resource.other }};"
            ),
            "  Doc  read: under other conditions than without it\n      other conditions by if\n",
        ),
        (
            format!(
                "@id(\"if\") permit (principal, action, resource) when {{ resource.open && ({heron} || resource.team == resource.other) }};"
            ),
            "  Doc  read\n      other conditions by if\n",
        ),
        (
            format!(
                "@id(\"all\") permit (principal, action, resource); @id(\"not\") forbid ({heron}, action, resource) unless {{ resource.open }};"
            ),
            "  Doc  read: less than without it\n      limited by not\n",
        ),
        (
            format!(
                "@id(\"all\") permit (principal, action, resource) when {{ resource.open }}; @id(\"out\") permit (principal, action, resource) unless {{ {heron} }};"
            ),
            "  Doc  read: less than without it\n      not by out\n",
        ),
        (
            format!(
                "@id(\"all\") permit (principal, action, resource) when {{ resource.open }}; @id(\"not\") forbid ({heron}, action, resource);"
            ),
            "  Doc  read: less than without it\n      limited by not\n",
        ),
        (
            format!(
                "@id(\"all\") permit (principal, action, resource) when {{ resource.open }}; @id(\"in\") permit ({heron}, action, resource);"
            ),
            "  Doc  read\n      by in\n",
        ),
        // Whether it is in the team or not, it may nothing.
        (format!("@id(\"not\") forbid ({heron}, action, resource);"), "  gives nothing to them; named by not\n"),
        // Another policy gives the same.
        (
            format!(
                "@id(\"all\") permit (principal, action, resource); @id(\"in\") permit ({heron}, action, resource);"
            ),
            "  gives nothing to them; named by in\n",
        ),
    ] {
        assert_eq!(of_team(folder.path(), &policies), expected, "{policies}");
    }
    let page = page(folder.path(), &folder.path().join("review.html"), &[]);
    assert!(page.contains("nor what an attribute gives that names a group"), "{page}");
}
