//! Files with texts that would control a terminal or a CI system, if reports did not escape them.

use crate::support::{check, folder, run};
use std::{fs, path::Path};

const SCHEMA: &str = "entity User { level: Long }; entity Doc { level: Long };
    action read appliesTo { principal: User, resource: Doc };";

/// A permit with this id and title, as they are written in Cedar.
fn permit(id: &str, title: &str) -> String {
    format!(
        "@id(\"{id}\")\n@title(\"{title}\")\npermit (principal, action, resource)\nwhen {{ principal.level > resource.level }};\n"
    )
}

/// An account, a case and a file that are named to do harm.
fn hostile(policies: &str) -> tempfile::TempDir {
    let folder = folder();
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    write("schema.cedarschema", SCHEMA);
    write("a.cedar", policies);
    let id = "ann\\u001b[31m\\n::error::id\\u202e";
    write(
        "directory/a.json",
        &format!(
            "[{{\"uid\": {{\"type\": \"User\", \"id\": \"{id}\"}}, \"attrs\": {{\"level\": 2}}, \"parents\": []}}]"
        ),
    );
    let case = "{name: \"case\\e[31m\\n::error::case\", note: \"\\n::error::note\", subject: {type: User, id: \"ID\"}, action: read,
        resource: {type: Doc, id: \"d\\e]0;x\\a\", properties: {level: 3}}, decision: allow, unknown: true}";
    write(
        "tests/a.yaml",
        &format!(
            "name: \"::error::suite\\u202e\"\ncases: [{}]\n",
            case.replace("ID", "ann\\e[31m\\n::error::id\\u202e")
        ),
    );
    folder
}

/// Nothing in it acts on anything.
#[track_caller]
fn is_harmless(text: &str) {
    let acting =
        |character: char| character.is_control() && !matches!(character, '\n' | '\t') || character == '\u{202e}';
    assert!(!text.contains(acting), "{text:?}");
    assert!(!text.lines().any(|line| line.trim_start().starts_with("::error::")), "{text}");
}

#[track_caller]
fn poort(arguments: &[&str], folder: &Path, code: i32) -> (String, String) {
    let (out, told) = check(&run([arguments, &[folder.to_str().unwrap()]].concat()), code);
    is_harmless(&told);
    (out, told)
}

#[test]
fn ids_and_titles_with_hidden_characters_are_refused() {
    for (id, title, line, what) in [
        ("a", "x\\n::error::boo", 2, "a line break"),
        ("a", "x\\u{1b}[31m", 2, "U+001B"),
        ("a", "dere\\u{202e}x", 2, "U+202E"),
        ("a\\u{200b}", "x", 1, "U+200B"),
        ("a\\tb", "x", 1, "a tab"),
    ] {
        let folder = hostile(&permit(id, title));
        let (_, told) = poort(&["validate"], folder.path(), 3);
        assert!(told.contains("policy::hidden-character") && told.contains(&format!("a.cedar:{line}:1")), "{told}");
        assert!(told.contains(what) && told.contains("help: write the "), "{told}");
        let (github, _) = poort(&["validate", "--format", "github"], folder.path(), 3);
        assert_eq!(github.lines().count(), 1, "{github}");
        is_harmless(&github.replacen("::error file=", "", 1));
    }
}

#[test]
fn a_template_link_with_hidden_characters_is_refused() {
    let template = "@id(\"t\")\n@title(\"T.\")\npermit (principal == ?principal, action, resource);\n";
    let folder = hostile(template);
    let links = r#"[{"template_id": "t", "link_id": "l\n::error::l", "args": {"?principal": "User::\"u\""}}]"#;
    fs::write(folder.path().join("l.links.json"), links).unwrap();
    let (_, told) = poort(&["validate"], folder.path(), 3);
    assert!(told.contains("policy::hidden-character") && told.contains("l.links.json"), "{told}");
}

#[test]
fn hidden_characters_in_sources_are_shown_as_signs() {
    let folder = hostile(&permit("a", "A.").replace("when {", "when { // \u{1b}[31m\u{9b}31m\u{202e}\r\n"));
    let (_, told) = poort(&["validate"], folder.path(), 3);
    assert!(told.contains("// ?[31m¿31m\u{fffd}"), "{told}");
    assert!(told.contains("a.cedar:4:11"), "places count the characters of the file: {told}");
}

#[test]
fn results_of_tests_are_harmless_in_every_form() {
    let folder = hostile(&permit("a", "A."));
    let (human, _) = poort(&["test", "--coverage"], folder.path(), 4);
    is_harmless(&human);
    assert!(human.contains("case\\u{1b}[31m\\u{a}::error::case"), "{human}");
    is_harmless(&poort(&["test", "--format", "junit"], folder.path(), 4).0);
    is_harmless(&poort(&["test", "--list"], folder.path(), 0).0);
    let page = folder.path().join("page.html");
    poort(&["test", "--html", page.to_str().unwrap()], folder.path(), 4);
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("\\u{1b}[31m") && !page.contains(['\u{1b}', '\u{202e}']), "{page}");
}

#[test]
fn the_matrix_and_what_would_be_formatted_are_harmless() {
    let folder = hostile(&permit("a", "A.").replace("when", "when    //  \u{1b}[31m\n  "));
    let (matrix, _) = poort(&["matrix", "--details"], folder.path(), 0);
    is_harmless(&matrix);
    assert!(matrix.contains("User ann\\u{1b}[31m\\u{a}::error::id\\u{202e}"), "{matrix}");
    let (difference, _) = poort(&["fmt", "--check"], folder.path(), 1);
    is_harmless(&difference);
}
