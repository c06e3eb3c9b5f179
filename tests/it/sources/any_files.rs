//! Any text in policy, schema and directory files is read, or refused with a place.

use crate::{
    pdp::{
        cedar::tape::{Tape, cases, numbers},
        small_world::{POLICIES, SCHEMA, directory_at},
    },
    support::{self, run},
};
use poort::{
    sources::{
        directory, policy,
        snapshot::{Snapshot, Sources},
    },
    types::problem::{Problem, has_errors, report},
};
use proptest::prelude::*;
use serde_json::json;

const TEMPLATE: &str = "@id(\"é👩‍👩‍👧\") @title(\"Eén.\") permit (principal in ?principal, action, resource == ?resource) when { resource.level > 1 };";
const LINKS: &str = r#"[{"template_id": "é👩‍👩‍👧", "link_id": "één", "args": {"?principal": "Unit::\"north\"", "?resource": "Case::\"1\""}}]"#;

/// Text near this one, or any text.
fn text_near(tape: &mut Tape<'_>, text: &str) -> String {
    const WORDS: [&str; 34] = [
        "",
        "é",
        "👩‍👩‍👧",
        "\u{feff}",
        "\u{0}",
        "\t",
        "\r\n",
        "\n",
        "\"",
        "\\",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        ";",
        "@id(\"p0\")",
        "@id",
        "principal",
        "?principal",
        "unless { ",
        "permit",
        "forbid (principal, action, resource);",
        "// é",
        "@parents(\"é\")",
        "@source(\"é\")",
        "@uri(\"x\")",
        "namespace É {",
        "entity Case;",
        "9223372036854775808",
        "like \"\\u{110000}\"",
        "has é",
        "@obligation(\"[{\\\"type\\\": \\\"é\\\"}]\")",
    ];
    if tape.one_in(12) {
        return String::new();
    }
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..[0, 1, 1, 2, 4, 12][tape.below(6)] {
        let start = tape.below(characters.len() + 1);
        let end = (start + [0, 1, 3, 40][tape.below(4)]).min(characters.len());
        match tape.below(5) {
            0 => drop(characters.drain(start..end)),
            1 => characters.truncate(start),
            2 => {
                let twice = characters[start..end].to_vec();
                characters.splice(end..end, twice);
            }
            _ => {
                let word = tape.pick(&WORDS);
                characters.splice(start..end, word.chars());
            }
        }
    }
    characters.into_iter().collect()
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn a_policy_file_of_any_text_never_panics(numbers in numbers(200), wild in any::<String>()) {
        let mut tape = numbers.tape();
        let policies = POLICIES.iter().enumerate().map(|(index, policy)| format!("@id(\"p{index}\") {policy}\n"));
        let policies: Vec<String> = policies.skip(tape.below(15)).take(1 + tape.below(5)).collect();
        let mut texts = [SCHEMA.to_owned(), policies.concat(), TEMPLATE.to_owned(), LINKS.to_owned(), directory_at(0)];
        // Mostly one file is odd, so that what comes after it is looked at too.
        let odd = tape.below(texts.len());
        let second = if tape.one_in(3) { tape.below(texts.len()) } else { odd };
        for index in [odd, second] {
            texts[index] = if tape.one_in(10) { wild.clone() } else { text_near(&mut tape, &texts[index]) };
        }
        let [schema, policies, template, links, directory] = &texts;
        let sources = Sources {
            policies: policy::Sources::from_texts("p", [
                (policy::SCHEMA_FILE, schema.as_str()), ("a.cedar", policies), ("é.cedar", template), ("l.links.json", links),
            ]),
            directory: directory::Sources::from_texts("d", [("é.json", directory.as_str())]),
        };
        let (snapshot, problems) = Snapshot::from_sources(&sources);
        prop_assert_eq!(snapshot.is_none(), has_errors(&problems), "{:?}", problems);
        for colour in [false, true] {
            let shown = report(&problems, colour);
            prop_assert_eq!(shown.is_empty(), problems.is_empty());
        }
        for problem in &problems {
            prop_assert!(!problem.one_line().is_empty());
            if let Some((line, column)) = problem.position() {
                prop_assert!(line > 0 && column > 0);
            }
        }
        prop_assert!(problems.iter().filter(|problem| Problem::is_error(problem)).all(|problem| !problem.file().is_empty()));
    }
}

/// In a process of its own, because a stack overflow ends the whole process.
#[test]
fn a_deeply_nested_file_does_not_end_the_process() {
    let nested = |open: &str, inner: &str, close: &str| format!("{}{inner}{}", open.repeat(3_000), close.repeat(3_000));
    let policy = |condition: String| {
        ("all.cedar", format!("@id(\"p\") permit (principal, action, resource) when {{ {condition} }};"))
    };
    let schema = |ty: String| ("schema.cedarschema", format!("{SCHEMA} entity Deep {{ a: {ty} }};"));
    let files = [
        policy(nested("(", "true", ")")),
        policy(nested("[", "1", "]") + " == [1]"),
        policy(nested("if true then true else ", "true", "")),
        policy(nested("true && ", "true", "")),
        policy(nested("principal.active || ", "true", "")),
        policy(nested("1 + ", "1", "") + " == 1"),
        policy(format!("principal{}.active", ".unit".repeat(3_000))),
        schema(nested("Set<", "Long", ">")),
        schema(nested("{ a: ", "Long", "}")),
        schema("Set\n< ".repeat(20_000) + "Long" + &">".repeat(20_000)),
        // Long, and within the bounds: what is taken must be explained too.
        policy(format!("{}1 == 280", "1 + ".repeat(279))),
        ("all.links.json", nested("[", "", "]")),
        ("directory/all.json", nested("[", "", "]")),
        ("directory/all.json", format!("[{{\"uid\": {}}}]", nested("[", "", "]"))),
    ];
    let mut ended = Vec::new();
    for (file, text) in files {
        let folder = support::folder();
        std::fs::create_dir(folder.path().join("directory")).unwrap();
        std::fs::write(folder.path().join("schema.cedarschema"), SCHEMA).unwrap();
        std::fs::write(folder.path().join("directory/known.json"), directory_at(0)).unwrap();
        std::fs::write(folder.path().join(file), &text).unwrap();
        let output = run(["validate".as_ref(), folder.path().as_os_str()]);
        let mut ends = vec![output.status];
        if output.status.success() {
            let question = json!({"subject": {"type": "Account", "id": "anna"}, "action": {"name": "quiet"},
                "resource": {"type": "Case", "id": "1", "properties": {"unit": "north", "level": 1}}});
            let explain = ["evaluate".as_ref(), "--explain".as_ref(), "--policies".as_ref(), folder.path().as_os_str()];
            ends.push(support::run_with_input(explain, question.to_string().as_bytes()).status);
        }
        // A signal has no code. Refused, or taken where it is long and no more.
        if ends.iter().any(|end| end.code().is_none()) {
            let middle = text.len() / 4;
            ended.push(format!("{file} …{}…: {ends:?}", &text[middle..middle + 30]));
        }
    }
    assert!(ended.is_empty(), "{ended:#?}");
}
