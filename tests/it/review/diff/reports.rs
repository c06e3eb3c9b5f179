//! What every form of a report of `poort diff` shows besides the differences.

use crate::review::diff::{POLICIES, SCHEMA, World, differences};
use serde_json::json;
use std::fs;

const FORMS: [&str; 6] = ["human", "json", "markdown", "sarif", "junit", "html"];

fn read(world: &World, format: &str, code: i32) -> String {
    world.run(&["diff", "base", "head", "--format", format], code).0
}

#[test]
fn what_a_result_rests_on_is_in_every_form() {
    let world = World::new();
    let secret =
        "@id(\"secret\") forbid (principal, action, resource) when { resource has secret && resource.secret };";
    let schema = SCHEMA.replace("level: Long };", "level: Long, secret?: Bool };");
    world.side_with("head", &format!("{POLICIES}\n{secret}"), &schema);
    let accounts = world.path("head/directory/accounts.json");
    let text = fs::read_to_string(&accounts).unwrap();
    fs::write(&accounts, text.replace("officer-2", "officer-3")).unwrap();
    for format in FORMS {
        let text = read(&world, format, 5);
        assert!(text.contains("compared under the new schema"), "{format}: {text}");
        assert!(text.contains("the directory changed") && text.contains("asks for acceptance"), "{format}: {text}");
    }
}

#[test]
fn reports_for_people_are_in_dutch_where_asked() {
    let world = World::new();
    let title = "@title(\"An officer may consult for purpose 8.\")";
    let titled = POLICIES.replace(title, &format!("{title}\n@title_nl(\"Agenten raadplegen.\")"));
    world.side("base", &titled);
    world.side("head", titled.split("@id(\"inactive\")").next().unwrap());
    let dutch = |format: &str| world.run(&["diff", "base", "head", "--lang", "nl", "--format", format], 5).0;
    // The second run takes what the first one proved.
    for format in ["human", "markdown", "human", "html"] {
        let told = dutch(format);
        for part in ["Nu toegestaan voor 1 officer (officer-2; ", "omdat forbid", "Agenten raadplegen.", "Toegestaan: "]
        {
            assert!(told.contains(part), "{format}: no {part} in\n{told}");
        }
        for left in ["can now", "because the", "not accepted", "Allowed: "] {
            assert!(!told.contains(left), "{format}: {left} in\n{told}");
        }
    }
    assert!(dutch("html").contains("<html lang=\"nl\">"));
    for format in ["json", "sarif", "junit"] {
        assert_eq!(dutch(format), read(&world, format, 5), "{format}");
    }
}

#[test]
fn what_was_not_compared_is_in_every_form() {
    let world = World::new();
    world.side("head", POLICIES);
    for format in FORMS {
        let (text, _) = world.run(&["diff", "base", "head", "--env", "erase", "--format", format], 5);
        assert!(text.contains("2 environments") && text.contains("not looked at"), "{format}: {text}");
        let passed = ["\"passed\": true", "✅", "[32mpassed", ">passed<", "failures=\"0\" errors=\"0\""];
        assert!(!passed.iter().any(|word| text.contains(word)), "{format}: {text}");
    }
}

#[test]
fn a_removed_or_narrower_forbid_is_named_as_the_cause() {
    let world = World::new();
    for (head, cause) in [
        (POLICIES.split("@id(\"inactive\")").next().unwrap().to_owned(), "because the forbid `inactive` is gone"),
        (
            POLICIES.replace("unless { principal.active }", "unless { principal.active || principal.level == 1 }"),
            "because the forbid `inactive` changed",
        ),
    ] {
        world.side("head", &head);
        for format in ["human", "markdown", "sarif"] {
            let text = read(&world, format, 5);
            assert!(text.contains(cause), "{format}: {text}");
        }
        for format in ["json", "junit"] {
            let text = read(&world, format, 5);
            assert!(text.contains(&cause.replace('`', "")), "{format}: {text}");
        }
        assert!(read(&world, "html", 5).contains("because the forbid <code>inactive</code>"));
    }
}

#[test]
fn a_narrower_permit_is_named_as_the_cause() {
    let world = World::new();
    world.side("head", &POLICIES.replace("purpose == \"8\"", "purpose == \"8\" && principal.level > 2"));
    let text = read(&world, "human", 0);
    assert!(text.contains("NEWLY DENIED  Officer × consult × Record, because the permit `consult` changed"), "{text}");
}

/// Officers with these levels, on both sides.
fn accounts(world: &World, levels: impl Iterator<Item = u8>) {
    let group = json!({"type": "Group", "id": "north"});
    let officer = |(index, level): (usize, u8)| {
        let attrs = json!({"level": level, "active": true, "home": group});
        json!({"uid": {"type": "Officer", "id": format!("officer-{index:02}")}, "attrs": attrs, "parents": []})
    };
    let mut entities: Vec<_> = levels.enumerate().map(officer).collect();
    entities.push(json!({"uid": group, "attrs": {}, "parents": []}));
    for side in ["base", "head"] {
        fs::write(world.path(side).join("directory/accounts.json"), json!(entities).to_string()).unwrap();
    }
}

#[test]
fn a_real_account_gets_a_question_that_fits() {
    let world = World::new();
    let more = "@id(\"more\") permit (principal, action == Action::\"consult\", resource)
        when { context.purpose == \"9\" && resource.level == principal.level && principal.level > 8 };";
    world.side("head", &format!("{POLICIES}\n{more}"));
    // After many equal ones, and after many different ones.
    let alike = std::iter::repeat_n(1, 20).chain([9]);
    for (levels, id) in [(alike.collect::<Vec<_>>(), "officer-20"), ((0..10).collect(), "officer-09")] {
        accounts(&world, levels.into_iter());
        let comparison = world.diff(&[], 5);
        let example = &differences(&comparison)[0]["example"];
        assert_eq!((&example["real"], &example["question"]["subject"]["id"]), (&json!(true), &json!(id)));
        assert_eq!(example["question"]["resource"]["properties"]["level"], 9);
    }
    // No account has such a level: then, and only then, one is made up, with readable numbers.
    accounts(&world, 0..5);
    let comparison = world.diff(&[], 5);
    let example = &differences(&comparison)[0]["example"];
    assert_eq!((&example["real"], &example["entities"][0]["attrs"]["level"]), (&json!(false), &json!(10)));
}
