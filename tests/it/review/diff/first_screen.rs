//! The first screen of a report of `poort diff`: who can now do what, in one sentence, for the changes that a reviewer meets.

use crate::{
    review::diff::{
        World,
        acceptance::{ACCEPT, accept_all},
    },
    support::check,
};
use serde_json::{Value, json};
use std::fs;

const SCHEMA: &str = r#"
entity Organisation;
entity Unit in [Organisation];
entity Role;
entity Officer in [Unit, Role] { organisation: Organisation, unit: Unit, level: Long };
entity Partner in [Unit, Role] { organisation: Organisation, unit: Unit, level: Long };
@source("request")
@parents("unit")
entity Registration in [Unit] { unit: Unit, level: Long, shielded: Bool };
type Question = { purpose: String, pdp: { hour: Long, today: datetime, now: datetime } };
action consult, erase appliesTo { principal: [Officer, Partner], resource: [Registration], context: Question };
"#;

const POLICIES: &str = r#"@id("bvh.consult")
@title("An officer may consult a registration for the daily police task.")
@obligation("hide the reporter")
permit (principal is Officer, action == Action::"consult", resource)
when { context.purpose == "8" && resource.level <= principal.level };

@id("bvh.erase")
@title("Who keeps the archive may erase registrations of the own unit.")
permit (principal, action == Action::"erase", resource)
when { principal in Role::"archivist" && resource in principal.unit };

@id("never.shielded")
@title("A shielded registration is not touched.")
forbid (principal, action, resource)
when { resource.shielded };

@id("one")
@title("One account may consult what is shielded from nobody.")
permit (principal == ?principal, action == Action::"consult", resource);
"#;

/// Both sides, with other policies, another schema, other links or other accounts after the change.
struct After {
    policies: String,
    schema: String,
    links: Value,
    /// The roles of `officer-3`.
    roles: Vec<&'static str>,
}

impl After {
    fn same() -> Self {
        Self { policies: POLICIES.to_owned(), schema: SCHEMA.to_owned(), links: json!([]), roles: Vec::new() }
    }

    fn policies(from: &str, to: &str) -> Self {
        assert!(POLICIES.contains(from));
        Self { policies: POLICIES.replace(from, to), ..Self::same() }
    }

    fn write(&self, world: &World, side: &str) {
        world.side_with(side, &self.policies, &self.schema);
        fs::write(world.path(side).join("some.links.json"), self.links.to_string()).unwrap();
        let of = |kind: &str, id: &str| json!({"type": kind, "id": id});
        let entity = |uid: Value, parents: Vec<Value>| json!({"uid": uid, "attrs": {}, "parents": parents});
        let account = |kind: &str, id: &str, organisation: &str, unit: &str, level: u8, roles: &[&str]| {
            let parents: Vec<_> =
                [of("Unit", unit)].into_iter().chain(roles.iter().map(|role| of("Role", role))).collect();
            let attrs =
                json!({"organisation": of("Organisation", organisation), "unit": of("Unit", unit), "level": level});
            json!({"uid": of(kind, id), "attrs": attrs, "parents": parents})
        };
        let all = json!([
            entity(of("Organisation", "politie"), vec![]),
            entity(of("Organisation", "kmar"), vec![]),
            entity(of("Unit", "north"), vec![of("Organisation", "politie")]),
            entity(of("Unit", "south"), vec![of("Organisation", "politie")]),
            entity(of("Unit", "brigade"), vec![of("Organisation", "kmar")]),
            entity(of("Role", "archivist"), vec![]),
            account("Officer", "officer-1", "politie", "north", 2, &["archivist"]),
            account("Officer", "officer-2", "politie", "north", 1, &[]),
            account("Officer", "officer-3", "politie", "south", 3, &self.roles),
            account("Partner", "partner-1", "kmar", "brigade", 2, &[]),
        ]);
        fs::write(world.path(side).join("directory/accounts.json"), all.to_string()).unwrap();
    }
}

/// The first lines of the report for a person, and the same in each other form.
#[track_caller]
fn first_screen(after: &After, code: i32, expected: &[&str]) {
    let world = World::new();
    After::same().write(&world, "base");
    after.write(&world, "head");
    let (out, _) = world.run(&["diff", "base", "head"], code);
    let lines: Vec<_> = out.lines().take(expected.len() + 1).collect();
    assert_eq!(lines[..expected.len()], *expected, "{out}");
    assert_eq!(lines[expected.len()], "", "{out}");
    let comparison = world.diff(&[], code);
    let mut told: Vec<_> =
        comparison["headline"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    told.extend(comparison["headline_example"].as_str());
    assert_eq!(told, expected);
    let (markdown, _) = world.run(&["diff", "base", "head", "--format", "markdown"], code);
    let markdown = markdown.replace('\\', "");
    let (html, _) = world.run(&["diff", "base", "head", "--format", "html"], code);
    let (first_screen, _) = html.split_once("class=\"facts\"").unwrap();
    for (index, line) in expected.iter().enumerate() {
        let shown = markdown.lines().nth(2 * index).unwrap();
        assert!(shown.ends_with(line) && shown.starts_with("## ") == (index == 0), "{line}: {markdown}");
        let escaped = line.replace('"', "&quot;");
        let escaped = if index == 0 { format!("<strong>{escaped}</strong>") } else { escaped };
        assert!(first_screen.contains(&escaped), "{line}: {html}");
    }
}

#[test]
fn a_widening_inside_a_refactoring_says_who_gains() {
    let from = "context.purpose == \"8\" && resource.level <= principal.level";
    let to = "!(resource.level > principal.level) && [\"9\", \"8\"].contains(context.purpose)";
    first_screen(
        &After::policies(from, to),
        5,
        &[
            "3 officers can now consult Registration (organisation politie; unit north 2 and south 1; role archivist 1).",
            "For example officer-1 (level 2) can now consult Registration (level 1) with purpose \"9\": allowed by \
             `bvh.consult`, An officer may consult a registration for the daily police task.",
        ],
    );
}

#[test]
fn a_weakened_forbid_says_who_gains() {
    first_screen(
        &After::policies("when { resource.shielded }", "when { resource.shielded && principal.level < 3 }"),
        5,
        &[
            "1 officer can now consult Registration (officer-3; organisation politie; unit south).",
            "No officer or partner of the directory can now erase Registration; another could.",
            "For example officer-3 (level 3) can now consult Registration (shielded true): allowed by `bvh.consult`, An officer \
             may consult a registration for the daily police task.",
        ],
    );
}

#[test]
fn a_renamed_id_is_a_rename() {
    let after = After::policies("@id(\"bvh.erase\")", "@id(\"bvh.destroy\")");
    first_screen(&after, 0, &["No account can do more or less than before.", "Renamed: `bvh.erase → bvh.destroy`."]);
    let world = World::new();
    After::same().write(&world, "base");
    after.write(&world, "head");
    let comparison = world.diff(&[], 0);
    let [change] = comparison["policies"].as_array().unwrap().as_slice() else { panic!("{comparison}") };
    assert_eq!(
        (&change["change"], &change["id"], &change["renamed_from"]),
        (&json!("renamed"), &json!("bvh.destroy"), &json!("bvh.erase"))
    );
    assert_eq!((&comparison["counts"]["equal"], &change["obligations"]), (&json!(4), &Value::Null));
    // A rename hides no change: that of another policy is told, and the renamed one is no cause.
    let both = After { policies: after.policies.replace("context.purpose == \"8\" && ", ""), ..after };
    both.write(&world, "head");
    let comparison = world.diff(&[], 5);
    assert_eq!(comparison["groups"][0]["policies"], json!(["bvh.consult"]), "{comparison}");
    // Renamed and changed: it is another policy.
    let other = After { policies: both.policies.replace("resource in principal.unit", "true"), ..both };
    other.write(&world, "head");
    let comparison = world.diff(&[], 5);
    let changes: Vec<_> = comparison["policies"].as_array().unwrap().iter().map(|it| it["change"].clone()).collect();
    assert_eq!(changes, ["changed", "added", "removed"], "{comparison}");
}

#[test]
fn an_attribute_made_optional_is_shown_once() {
    let policies = POLICIES
        .replace("context.purpose == \"8\"", "(if context has purpose then context.purpose == \"8\" else true)");
    let after = After { policies, schema: SCHEMA.replace("purpose: String", "purpose?: String"), ..After::same() };
    first_screen(
        &after,
        5,
        &[
            "3 officers can now consult Registration (organisation politie; unit north 2 and south 1; role archivist 1).",
            "1 officer can now erase Registration (officer-1; organisation politie; role archivist; unit north).",
            "No partner of the directory can now erase Registration; another could.",
            "For example officer-1 can now consult Registration with no purpose: allowed by `bvh.consult`, An officer may \
             consult a registration for the daily police task.",
        ],
    );
    let world = World::new();
    After::same().write(&world, "base");
    after.write(&world, "head");
    let comparison = world.diff(&[], 5);
    // Once, and not for each environment; nothing is undecided.
    let [group] = comparison["groups"].as_array().unwrap().as_slice() else { panic!("{comparison}") };
    assert_eq!(group["policies"], json!(["optional: context.purpose"]));
    assert_eq!(comparison["counts"]["undecided"], 0, "{comparison}");
    // What the change also does to the old questions is told beside it.
    let wider = After { policies: after.policies.replace("resource.level <=", "resource.level - 1 <="), ..after };
    wider.write(&world, "head");
    let comparison = world.diff(&[], 5);
    let causes: Vec<_> = comparison["groups"].as_array().unwrap().iter().map(|it| it["policies"].clone()).collect();
    assert_eq!(causes, [json!(["bvh.consult"]), json!(["optional: context.purpose"])], "{comparison}");
    accept_all(&world);
    world.diff(&ACCEPT, 0);
}

#[test]
fn a_partner_permitted_says_which() {
    first_screen(
        &After::policies("permit (principal is Officer,", "permit (principal,"),
        5,
        &[
            "1 partner can now consult Registration (partner-1; organisation kmar; unit brigade).",
            "For example partner-1 (level 2) can now consult Registration (level 1) with purpose \"8\": allowed by \
             `bvh.consult`, An officer may consult a registration for the daily police task.",
        ],
    );
}

#[test]
fn a_template_link_says_for_whom() {
    let link =
        json!([{"template_id": "one", "link_id": "one.partner", "args": {"?principal": "Partner::\"partner-1\""}}]);
    first_screen(
        &After { links: link, ..After::same() },
        5,
        &[
            "1 partner can now consult Registration (partner-1; organisation kmar; unit brigade).",
            "For example partner-1 can now consult Registration: allowed by `one.partner`, One account may consult what is \
             shielded from nobody.",
        ],
    );
}

#[test]
fn a_role_given_to_an_account_says_what_it_allows() {
    first_screen(
        &After { roles: vec!["archivist"], ..After::same() },
        5,
        &[
            "1 officer can now erase Registration (officer-3; organisation politie; role archivist; unit south).",
            "For example officer-3 can now erase Registration, since role + archivist: allowed by \
             `bvh.erase`, Who keeps the archive may erase registrations of the own unit.",
        ],
    );
}

#[test]
fn a_changed_obligation_says_what_is_no_longer_asked() {
    first_screen(
        &After::policies("@obligation(\"hide the reporter\")", "@obligation(\"hide the address\")"),
        5,
        &[
            "No account can do more or less than before.",
            "Where `bvh.consult` decides, applications no longer have to: hide the reporter.",
            "Where `bvh.consult` decides, applications now have to: hide the address.",
        ],
    );
}

#[test]
fn an_obligation_of_a_policy_that_is_gone_is_said() {
    let (consult, _) = POLICIES.split_once("@id(\"bvh.erase\")").unwrap();
    let again = consult.replace("bvh.consult", "bvh.again").replace("@obligation(\"hide the reporter\")\n", "");
    // Written otherwise, so that it is another policy.
    let again = again.replace("context.purpose == \"8\"", "[\"8\"].contains(context.purpose)");
    first_screen(
        &After::policies(consult, &again),
        5,
        &["No account can do more or less than before.", "`bvh.consult` is gone, and with it: hide the reporter."],
    );
}

#[test]
fn an_example_that_depends_on_the_moment_says_it() {
    first_screen(
        &After::policies("context.purpose == \"8\" &&", "context.pdp.hour < 6 &&"),
        5,
        &[
            "3 officers can now consult Registration (organisation politie; unit north 2 and south 1; role archivist 1).",
            "3 officers can no longer consult Registration (organisation politie; unit north 2 and south 1; role archivist 1).",
            "For example officer-1 can now consult Registration with purpose \"example\", asked on 2026-01-05 in hour 5 (now: \
             2026-01-05T05:00:00.000Z): allowed by `bvh.consult`, An officer may consult a registration for the daily police \
             task.",
        ],
    );
}

#[test]
fn what_nobody_of_the_directory_can_do_is_told() {
    first_screen(
        &After::policies(
            "resource.level <= principal.level",
            "(resource.level <= principal.level || principal.level > 8)",
        ),
        5,
        &[
            "No officer of the directory can now consult Registration; another could.",
            "For example a made-up officer can now consult Registration (level 100): allowed by `bvh.consult`, An officer may consult a registration for the daily police task.",
        ],
    );
}

#[test]
fn what_is_undecided_is_never_told_as_no_change() {
    let world = World::new();
    After::same().write(&world, "base");
    After { schema: SCHEMA.replace("purpose: String", "purpose: String, case: String"), ..After::same() }
        .write(&world, "head");
    let (out, _) = world.run(&["diff", "base", "head"], 5);
    assert_eq!(
        out.lines().next().unwrap(),
        "It is undecided whether accounts can do more or less in 4 of 4 environments."
    );
    assert!(!out.contains("No account"), "{out}");
    After::policies("context.purpose == \"8\"", "[\"8\"].contains(context.purpose)").write(&world, "head");
    let mut command = world.command(&["diff", "base", "head", "--no-cache"]);
    let (out, _) = check(&command.env("CVC5", "/bin/false").output().unwrap(), 5);
    assert_eq!(
        out.lines().next().unwrap(),
        "It is undecided whether accounts can do more or less in 1 of 4 environments."
    );
    // A part of all is no proof of the rest.
    let (out, _) = world.run(&["diff", "base", "head", "--env", "erase"], 5);
    assert_eq!(out.lines().next().unwrap(), "No account can do more or less than before in what was looked at.");
}

#[test]
fn an_action_that_left_the_tests_is_said() {
    let world = World::new();
    let suite = |actions: &[&str]| {
        let case = |action: &&str| {
            format!(
                "  - {{name: {action}, subject: Officer::officer-2, action: {action}, resource: r, decision: deny}}\n"
            )
        };
        let resource = "{type: Registration, id: r, properties: {unit: north, level: 4, shielded: true}}";
        format!("resources: {{r: {resource}}}\ncases:\n{}", actions.iter().map(case).collect::<String>())
    };
    for (side, actions) in [("base", &["consult", "erase"][..]), ("head", &["consult"])] {
        After::same().write(&world, side);
        fs::create_dir_all(world.path(side).join("tests")).unwrap();
        fs::write(world.path(side).join("tests/some.yaml"), suite(actions)).unwrap();
    }
    for format in ["human", "json", "markdown", "sarif", "junit", "html"] {
        let (text, _) = world.run(&["diff", "base", "head", "--format", format], 0);
        assert!(text.contains("the tests no longer ask about: erase"), "{format}: {text}");
    }
}
