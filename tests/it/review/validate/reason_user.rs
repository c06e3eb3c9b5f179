//! `@reason_user`: a sentence for users that rests on what the schema marks as never told is an error, at its place.

use super::{finds, validate};
use crate::support::{check, folder};
use std::fs;
use tempfile::TempDir;

const SCHEMA: &str = r#"entity User;
entity Team;
@source("request")
entity Doc { kind?: String, @reason_user("never") embargo: Bool };
@reason_user("never") @source("request")
entity Source in [Team];
action read appliesTo { principal: User, resource: [Doc, Source] };
"#;

fn world(schema: &str, policy: &str) -> TempDir {
    let folder = folder();
    fs::write(folder.path().join("schema.cedarschema"), schema).unwrap();
    fs::write(folder.path().join("a.cedar"), format!("@id(\"p\")\n@title(\"Nobody reads.\")\n{policy}\n")).unwrap();
    fs::create_dir(folder.path().join("directory")).unwrap();
    folder
}

const LEAVE_OUT: &str = "policy::reason-user a.cedar:3: leave it out";

#[test]
fn a_sentence_that_rests_on_what_is_never_told_is_an_error() {
    for rest in [
        "(principal, action, resource is Doc) when { resource.embargo };",
        "(principal, action, resource) when { resource has embargo };",
        "(principal, action, resource is Source);",
        "(principal, action, resource) unless { resource is Source };",
        "(principal, action, resource == Source::\"s\");",
    ] {
        finds(world(SCHEMA, &format!("@reason_user forbid {rest}")).path(), &[LEAVE_OUT]);
        finds(world(SCHEMA, &format!("@reason_user(\"No.\") forbid {rest}")).path(), &[LEAVE_OUT]);
        check(&validate(world(SCHEMA, &format!("forbid {rest}")).path(), &[]), 0);
    }
    let rest = "forbid (principal, action, resource is Doc) when { resource has kind };";
    check(&validate(world(SCHEMA, &format!("@reason_user {rest}")).path(), &[]), 0);
}

#[test]
fn a_link_to_what_is_never_told_is_an_error() {
    let folder = world(SCHEMA, "@reason_user forbid (principal, action, resource == ?resource);");
    let link = r#"[{"template_id": "p", "link_id": "l", "args": {"?resource": "Source::\"s\""}}]"#;
    fs::write(folder.path().join("a.links.json"), link).unwrap();
    finds(folder.path(), &["policy::reason-user a.links.json:1: leave it out"]);
}

#[test]
fn a_sentence_that_nobody_gets_is_an_error() {
    let permit = "@reason_user permit (principal, action, resource);";
    finds(world(SCHEMA, permit).path(), &["policy::reason-user a.cedar:3: write it on a forbid"]);
    let folder = world(SCHEMA, "");
    fs::write(folder.path().join("a.cedar"), "@id(\"p\")\n@reason_user\nforbid (principal, action, resource);")
        .unwrap();
    let (told, _) = check(&validate(folder.path(), &["--format", "json"]), 3);
    assert!(told.contains("has no text, and there is no @title"), "{told}");
}

#[test]
fn a_mark_in_the_schema_that_means_nothing_is_an_error() {
    let help = "write @reason_user(\\\"never\\\") on the attribute";
    for (from, to) in [
        ("(\"never\") embargo", "(\"always\") embargo"),
        ("action read", "@reason_user(\"never\") action read"),
        ("entity Team", "@reason_user(\"never\") type Named = { a: String }; entity Team"),
    ] {
        let folder = world(&SCHEMA.replace(from, to), "permit (principal, action, resource);");
        let (told, _) = check(&validate(folder.path(), &["--format", "json"]), 3);
        assert!(told.contains("schema::reason-user") && told.contains(help), "{told}");
    }
}
