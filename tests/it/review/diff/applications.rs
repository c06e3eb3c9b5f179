//! What applications may ask: compared by what it permits, accepted where it widens, in every form of report.

use super::{
    SCHEMA, World,
    acceptance::{ACCEPT, accept_all},
};
use serde_json::json;
use std::fs;

const DESK: &str = "[desk]\nsubjects = [\"Officer\"]\norganisations = [\"north\"]\nactions = [\"consult\"]\nresources = [\"Record\"]\n";

/// A world whose accounts have an organisation.
fn world(base: Option<&str>, head: Option<&str>) -> World {
    let world = World::new();
    let schema = SCHEMA.replace("home: Group }", "home: Group, organisation?: Group }");
    for (side, applications) in [("base", base), ("head", head)] {
        world.side_with(side, super::POLICIES, &schema);
        if let Some(text) = applications {
            fs::write(world.path(side).join("applications.toml"), text).unwrap();
        }
    }
    world
}

#[test]
fn what_an_application_may_ask_more_needs_acceptance() {
    for (from, to, widened) in [
        ("[\"consult\"]", "[\"consult\", \"erase\"]", "actions: Action::\"erase\""),
        ("[\"north\"]", "[\"north\", \"south\"]", "organisations: \"south\""),
        ("organisations = [\"north\"]", "organisations = [\"*\"]", "organisations: any"),
        ("[desk]", "[anpr]", "actions: Action::\"consult\""),
    ] {
        let world = world(Some(DESK), Some(&DESK.replace(from, to)));
        let found = world.diff(&[], 5);
        let widens = |change: &serde_json::Value| change["widened"].as_array().unwrap().contains(&json!(widened));
        assert!(found["applications"].as_array().unwrap().iter().any(widens), "{to}: {found:#}");
        assert_eq!((&found["not_accepted"][0]["change"], &found["passed"]), (&json!("application"), &json!(false)));
        accept_all(&world);
        assert_eq!(world.diff(&ACCEPT, 0)["passed"], true);
        // An entry is for what was reviewed.
        let more = DESK.replace(from, to).replace("\"consult\"", "\"consult\", \"combine\"");
        fs::write(world.path("head/applications.toml"), more).unwrap();
        world.diff(&ACCEPT, 5);
    }
    world(None, Some(DESK)).diff(&[], 5);
}

#[test]
fn a_token_that_is_not_needed_any_more_needs_acceptance() {
    let with = |need: &str, client: &str| format!("{DESK}token = \"{need}\"\nclient_id = \"{client}\"\n");
    let (required, given) = (with("required", "desk"), with("checked-if-given", "desk"));
    let without = "without the subject's own token";
    for (before, after, widened) in [
        (required.as_str(), DESK, without),
        (&required, &given, without),
        (&required, &with("required", "anpr"), "with a token that is given to the client \"anpr\""),
        // Policies can permit by what a token says.
        (DESK, &given, "with a token that is given to the client \"desk\""),
    ] {
        let found = world(Some(before), Some(after)).diff(&[], 5);
        assert_eq!(found["applications"][0]["widened"], json!([widened]), "{after}: {found:#}");
    }
    let found = world(Some(&given), Some(&required)).diff(&[], 0);
    assert_eq!(found["applications"][0]["narrowed"], json!([without]));
    let (text, _) = world(None, Some(&required)).run(&["matrix", "--policies", "head"], 0);
    assert!(text.contains("token          required, client desk"), "{text}");
}

#[test]
fn what_an_application_may_ask_less_needs_none() {
    for (before, after) in [
        (DESK.replace("[\"consult\"]", "[\"*\"]"), Some(DESK.to_owned())),
        (DESK.replace("[\"north\"]", "[\"*\"]"), Some(DESK.to_owned())),
        (DESK.to_owned(), None),
    ] {
        let world = world(Some(&before), after.as_deref());
        let found = world.diff(&[], 0);
        assert_eq!(found["applications"][0]["widened"], json!([]), "{found:#}");
        assert_ne!(found["applications"][0]["narrowed"], json!([]));
        world.diff(&["--strict"], 5);
    }
    // The same, in other words.
    let world = world(
        Some(DESK),
        Some(&DESK.replace("\"consult\"", "\"cons*\", \"consult\"").replace("[desk]", "# Of bvh.\n[desk]")),
    );
    assert_eq!(world.diff(&["--strict"], 0)["applications"], json!([]));
}

#[test]
fn a_schema_that_grows_under_a_star_widens() {
    let world = world(Some(&DESK.replace("[\"consult\"]", "[\"*\"]")), Some(&DESK.replace("[\"consult\"]", "[\"*\"]")));
    let file = world.path("head/schema.cedarschema");
    let schema = fs::read_to_string(&file).unwrap().replace("action consult,", "action export, consult,");
    fs::write(&file, schema).unwrap();
    assert_eq!(world.diff(&[], 5)["applications"][0]["widened"], json!(["actions: Action::\"export\""]));
}

#[test]
fn each_form_of_report_names_the_application() {
    let world = world(Some(DESK), Some(&DESK.replace("[\"consult\"]", "[\"consult\", \"erase\"]")));
    for form in ["human", "json", "markdown", "sarif", "junit", "html"] {
        let (report, _) = world.run(&["diff", "base", "head", "--format", form], 5);
        assert!(report.contains("desk") && report.contains("erase"), "{form}: {report}");
    }
}

#[test]
fn the_matrix_has_a_table_of_applications() {
    let world = world(None, Some(DESK));
    let (text, _) = world.run(&["matrix", "--policies", "head"], 0);
    let row = "What applications may ask\ndesk\n  subjects       Officer\n  organisations  north\n  actions        consult\n  resources      Record\n  token          none\n";
    assert!(text.ends_with(row), "{text}");
    let (found, _) = world.run(&["matrix", "--policies", "head", "--format", "json"], 0);
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    assert_eq!(found["applications"][0]["actions"], json!(["Action::\"consult\""]));
    let page = world.path("page.html");
    world.run(&["matrix", "--policies", "head", "--html", page.to_str().unwrap()], 0);
    assert!(fs::read_to_string(page).unwrap().contains("What applications may ask"));
}

#[test]
fn validate_warns_of_a_misnamed_file() {
    let world = world(None, Some(DESK));
    fs::rename(world.path("head/applications.toml"), world.path("head/aplications.toml")).unwrap();
    let (_, told) = world.run(&["validate", "head"], 0);
    assert!(told.contains("is not read: what applications may ask is in `applications.toml`"), "{told}");
    fs::write(world.path("head/applications.toml"), DESK.replace("consult", "consultt")).unwrap();
    let (_, told) = world.run(&["validate", "head"], 3);
    assert!(
        told.contains("unknown action `consultt`; did you mean `consult`?") && told.contains("applications.toml:4"),
        "{told}"
    );
}
