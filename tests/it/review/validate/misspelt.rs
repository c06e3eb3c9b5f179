//! Misspellings in policies, directory, suites and schema are reported, since they can grant access.

use super::{finds, validate};
use crate::support::{check, folder, run};
use std::{fs, path::Path};
use tempfile::TempDir;

const SCHEMA: &str = r#"
type Purpose = String;
entity Unit in [Unit];
entity Team;
@parents("unit")
entity User in [Unit] {
    unit?: Unit,
    level?: Long,
    grade?: { @known by?: User, beside?: Set<User>, from?: datetime, @not_before("from") until?: datetime },
    @values("read, write") operations?: Set<String>,
};
entity Robot in [Unit] { speed?: Long } tags User;
@source("request")
entity Doc { @range("1..4") level: Long, kind?: String };
type Asked = { purpose?: Purpose, pdp?: { hour: Long } };
action read, write appliesTo { principal: [User, Robot], resource: Doc, context: Asked };
"#;

/// A folder with the schema and these files.
fn world(files: &[(&str, &str)]) -> TempDir {
    let folder = folder();
    let schema = SCHEMA.replace("type Purpose", "@values(\"8, 9, watch\")\ntype Purpose");
    write(folder.path(), "schema.cedarschema", &schema);
    write(folder.path(), "a.cedar", &rule("true"));
    fs::create_dir(folder.path().join("directory")).unwrap();
    files.iter().for_each(|(name, text)| write(folder.path(), name, text));
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    let file = folder.join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

fn rule(condition: &str) -> String {
    format!("@id(\"a\")\n@title(\"A.\")\npermit (principal, action, resource)\nwhen {{ {condition} }};\n")
}

/// The findings about a condition, and whether they are errors.
#[track_caller]
fn says(condition: &str, code: i32, expected: &[&str]) {
    let folder = world(&[("a.cedar", &rule(condition))]);
    finds(folder.path(), expected);
    assert_eq!(validate(folder.path(), &[]).status.code(), Some(code), "{condition}");
}

#[test]
fn has_of_an_unknown_attribute_is_an_error() {
    let unknown =
        |condition: &str, help: &str| says(condition, 3, &[&format!("policy::unknown-attribute a.cedar:4: {help}")]);
    unknown("resource.level > 3 || principal has levle", "did you mean `level`?");
    unknown("principal has grade && principal.grade has form || resource.level > 3", "did you mean `from`?");
    unknown("principal has grade.form || resource.level > 3", "did you mean `from`?");
    unknown("context has purpos || resource.level > 3", "did you mean `purpose`?");
    unknown("context has pdp && context.pdp has minute || resource.level > 3", "declare it in the schema");
    unknown("resource.hasTag(\"x\") || resource.level > 3", "declare `tags`");
    // One of the types in question has it.
    says("principal has speed && principal.hasTag(\"x\") || principal has level", 0, &[]);
    let users = rule("principal has speed || resource.level > 3").replace("principal,", "principal is User,");
    finds(world(&[("a.cedar", &users)]).path(), &["policy::unknown-attribute a.cedar:4: declare it"]);
}

#[test]
fn an_impossible_type_is_reported() {
    says("principal in Team::\"t\" || resource.level > 1", 0, &["policy::unknown-type a.cedar:4: correct the type"]);
    says("resource is User || resource.level > 1", 0, &["policy::unknown-type a.cedar:4: correct the type"]);
    says("principal is Robot || principal in [Unit::\"u\", Unit::\"v\"]", 0, &[]);
}

#[test]
fn an_impossible_literal_is_reported() {
    let unknown =
        |condition: &str, help: &str| says(condition, 0, &[&format!("policy::unknown-value a.cedar:4: {help}")]);
    let purposes = "what the schema allows: 8, 9, watch";
    unknown("context has purpose && context.purpose == \"wach\"", purposes);
    unknown("context has purpose && [\"8\", \"art9\"].contains(context.purpose)", purposes);
    unknown("context has purpose && context.purpose like \"art*\"", purposes);
    let operations = "what the schema allows: read, write";
    unknown("principal has operations && principal.operations.contains(\"raed\")", operations);
    unknown("principal has operations && principal.operations.containsAny([\"raed\"])", operations);
    unknown("resource.level == 9", "what the schema allows: 1 to 4");
    unknown("0 < resource.level", "what the schema allows: 1 to 4");
    let fits =
        "context has purpose && context.purpose == \"watch\" && resource.level <= 4 && context.purpose like \"w*\"";
    says(fits, 0, &[]);
}

#[test]
fn guarantees_are_looked_at_as_policies_are() {
    let guarantee = rule("resource has levle || resource.level == 9").replace("permit", "@titel(\"x\")\nforbid");
    let folder = world(&[("guarantees/g.cedar", &guarantee)]);
    finds(
        folder.path(),
        &[
            "policy::annotation guarantees/g.cedar:3: did you mean `@title`?",
            "policy::unknown-attribute guarantees/g.cedar:5: did you mean `level`?",
            "policy::unknown-value guarantees/g.cedar:5: what the schema allows",
        ],
    );
}

#[test]
fn an_annotation_similar_to_a_known_one_is_reported() {
    let policy = rule("true").replace("permit", "@obligaton(\"Hide it.\")\n@reviewed(\"yes\")\npermit");
    finds(world(&[("a.cedar", &policy)]).path(), &["policy::annotation a.cedar:3: did you mean `@obligation`?"]);
    let schema = SCHEMA
        .replacen("@source", "@sorce", 1)
        .replace("@known", "@knwon")
        .replace("type Asked", "@uir(\"urn:x\")\ntype Asked");
    let folder = world(&[("schema.cedarschema", &schema), ("a.cedar", &rule("resource.level > 1"))]);
    finds(
        folder.path(),
        &[
            "schema::annotation schema.cedarschema:9: did you mean `@known`?",
            "schema::annotation schema.cedarschema:13: did you mean `@source`?",
            "schema::annotation schema.cedarschema:15: did you mean `@uri`?",
        ],
    );
}

#[test]
fn a_limit_without_effect_is_an_error() {
    for (from, to, code, line) in [
        ("@range(\"1..4\")", "@range(\"4..1\")", "schema::range", 14),
        ("@range(\"1..4\")", "@values(\"1\")", "schema::values", 14),
        ("@range(\"1..4\")", "@known(\"x\")", "schema::known", 14),
        ("@source", "@range(\"1..4\")\n@source", "schema::range", 13),
        ("@not_before(\"from\")", "@not_before(\"form\")", "schema::not-before", 9),
        ("@range(\"1..4\")", "@recorded(\"x\")", "schema::recorded", 14),
        ("@known by?", "@recorded by?", "schema::recorded", 9),
        ("unit?: Unit", "unit?: Unit, @recorded units?: Set<Unit>", "schema::recorded", 7),
        ("unit?: Unit", "@test_account(\"tester\") unit?: Unit", "schema::test-account", 7),
        ("unit?: Unit", "unit?: Unit, @test_account(\" ,\") kind?: String", "schema::test-account", 7),
        ("@source", "@test_account(\"tester\")\n@source", "schema::test-account", 13),
        ("type Purpose = String", "@test_account(\"9\")\ntype Purpose = String", "schema::test-account", 2),
        ("type Purpose = String", "@range(\"1..2\")\ntype Purpose = String", "schema::range", 2),
    ] {
        let schema = SCHEMA.replacen(from, to, 1);
        assert_ne!(schema, SCHEMA);
        let folder = world(&[("schema.cedarschema", &schema)]);
        finds(folder.path(), &[&format!("{code} schema.cedarschema:{line}: ")]);
    }
}

const ACCOUNTS: &str = r#"[
{"uid": {"type": "Unit", "id": "north"}, "attrs": {}, "parents": []},
{"uid": {"type": "User", "id": "ann"}, "attrs": {"unit": {"type": "Unit", "id": "north"}, "level": 3,
 "grade": {"by": {"type": "User", "id": "bob"}, "from": "2026-01-01", "until": "2026-01-01"}, "operations": ["read"]},
 "parents": [{"type": "Unit", "id": "north"}]},
{"uid": {"type": "User", "id": "bob"}, "attrs": {}, "parents": []}
]"#;

/// The findings about these accounts with one change, and the exit code.
#[track_caller]
fn accounts(from: &str, to: &str, code: i32, expected: &[&str]) {
    let changed = ACCOUNTS.replacen(from, to, 1);
    assert!(changed != ACCOUNTS || from == to, "{from}");
    let folder = world(&[("directory/a.json", &changed)]);
    finds(folder.path(), expected);
    assert_eq!(validate(folder.path(), &[]).status.code(), Some(code), "{to}");
}

#[test]
fn a_reference_to_a_missing_entity_is_reported_anywhere() {
    accounts("", "", 0, &[]);
    let warned = |from: &str, to: &str, line: usize, help: &str| {
        accounts(from, to, 0, &[&format!("directory::unknown-reference directory/a.json:{line}: {help}")]);
    };
    warned(
        "\"grade\": {",
        "\"grade\": {\"beside\": [{\"type\": \"User\", \"id\": \"bobb\"}], ",
        4,
        "did you mean User::\"bob\"?",
    );
    warned(
        "\"parents\": [{\"type\": \"Unit\", \"id\": \"north\"}",
        "\"parents\": [{\"type\": \"Unit\", \"id\": \"north\"}, {\"type\": \"Unit\", \"id\": \"zz\"}",
        5,
        "correct the id",
    );
    let robot = "]},\n{\"uid\": {\"type\": \"Robot\", \"id\": \"r\"}, \"attrs\": {}, \"parents\": [], \"tags\": {\"t\": {\"type\": \"User\", \"id\": \"bobb\"}}},";
    warned("]},", robot, 3, "did you mean User::\"bob\"?");
    // The approver must exist.
    let approver = ["directory::unknown-reference directory/a.json:4: did you mean User::\"bob\"?"];
    accounts("\"id\": \"bob\"}, \"from\"", "\"id\": \"bobb\"}, \"from\"", 3, &approver);
}

#[test]
fn probable_mistakes_in_dates_parents_and_ids_are_reported() {
    accounts(
        "\"until\": \"2026-01-01\"",
        "\"until\": \"2025-12-31\"",
        0,
        &["directory::dates directory/a.json:4: exchange"],
    );
    accounts(
        "\"parents\": [{\"type\": \"Unit\", \"id\": \"north\"}]",
        "\"parents\": []",
        0,
        &["directory::parents directory/a.json:3: add it to `parents`"],
    );
    // The Cyrillic letter, and the two forms of one letter.
    accounts(
        "\"id\": \"bob\"}, \"attrs\"",
        "\"id\": \"аnn\"}, \"attrs\"",
        3,
        &["directory::unknown-reference", "directory::alike directory/a.json:6: make the two"],
    );
    let pair = "[{\"uid\": {\"type\": \"User\", \"id\": \"Zo\u{eb}\"}, \"attrs\": {}, \"parents\": []}, {\"uid\": {\"type\": \"User\", \"id\": \"Zoe\u{308}\"}, \"attrs\": {}, \"parents\": []}]";
    finds(world(&[("directory/a.json", pair)]).path(), &["directory::alike directory/a.json:1: make the two"]);
}

#[test]
fn an_excluded_value_is_refused_in_directory_question_and_suite() {
    accounts(
        "[\"read\"]",
        "[\"raed\"]",
        3,
        &["directory::invalid directory/a.json:4: what the schema allows: read, write"],
    );
    let folder = world(&[("directory/a.json", ACCOUNTS)]);
    let suite = "name: a\ncases:\n  - name: one\n    subject: User::ann\n    action: read\n    resource: {type: Doc, id: d, properties: {level: 9}}\n    decision: allow\n";
    write(folder.path(), "tests/a.yaml", suite);
    let told = check(&validate(folder.path(), &[]), 3).1;
    assert!(told.contains("resource.properties.level: is 9; the schema"), "{told}");
    let question = folder.path().join("q.json");
    fs::write(&question, r#"{"subject": {"type": "User", "id": "ann"}, "action": {"name": "read"}, "resource": {"type": "Doc", "id": "d", "properties": {"level": 1}}, "context": {"purpose": "art8"}}"#).unwrap();
    let answer = run(["evaluate", "--policies", folder.path().to_str().unwrap(), question.to_str().unwrap()]);
    let told = format!("{}{}", String::from_utf8_lossy(&answer.stdout), String::from_utf8_lossy(&answer.stderr));
    assert!(told.contains("context.purpose: is `art8`; the schema lists 8, 9, watch"), "{told}");
}

#[test]
fn a_tag_that_the_schema_does_not_list_is_reported() {
    let schema = |on: &str| SCHEMA.replacen(on, &format!("@tags(\"north, south\")\n{on}"), 1);
    let listed = schema("entity Robot");
    let tagged = |condition: &str| rule(&format!("principal is Robot && principal.hasTag(\"{condition}\")"));
    let robot = |tag: &str| {
        format!(
            "[{{\"uid\": {{\"type\": \"Robot\", \"id\": \"r\"}}, \"attrs\": {{}}, \"parents\": [], \"tags\": {{\"{tag}\": {{\"type\": \"User\", \"id\": \"r\"}}}}}},\n{{\"uid\": {{\"type\": \"User\", \"id\": \"r\"}}, \"attrs\": {{}}, \"parents\": []}}]"
        )
    };
    let findings = |schema: &str, policy: &str, accounts: &str, expected: &[&str]| {
        let files = [("schema.cedarschema", schema), ("a.cedar", policy), ("directory/a.json", accounts)];
        finds(world(&files).path(), expected);
    };
    findings(&listed, &tagged("north"), &robot("south"), &[]);
    findings(&listed, &tagged("nort"), "[]", &["policy::unknown-attribute a.cedar:4: write a name that @tags"]);
    let allowed = "directory::invalid directory/a.json:1: what the schema allows: north, south";
    findings(&listed, &tagged("north"), &robot("east"), &[allowed]);
    let unused = "schema::tags schema.cedarschema:4: write it on a type that the directory holds and that has tags";
    findings(&schema("entity Team"), &rule("true"), "[]", &[unused]);
}

#[test]
fn an_attribute_with_one_value_can_be_left_out() {
    let schema = SCHEMA.replace("kind?: String", "@values(\"file\") kind: String");
    let policy = rule("resource.kind == \"file\"");
    let folder = world(&[("schema.cedarschema", &schema), ("a.cedar", &policy), ("directory/a.json", ACCOUNTS)]);
    let answer = |properties: &str| {
        let question = folder.path().join("q.json");
        let text = format!(
            r#"{{"subject": {{"type": "User", "id": "ann"}}, "action": {{"name": "read"}}, "resource": {{"type": "Doc", "id": "d", "properties": {{"level": 1{properties}}}}}}}"#
        );
        fs::write(&question, text).unwrap();
        let answer = run(["evaluate", "--policies", folder.path().to_str().unwrap(), question.to_str().unwrap()]);
        format!("{}{}", String::from_utf8_lossy(&answer.stdout), String::from_utf8_lossy(&answer.stderr))
    };
    assert!(answer("").contains("\"decision\":true"), "{}", answer(""));
    assert!(answer(", \"kind\": \"file\"").contains("\"decision\":true"));
    let told = answer(", \"kind\": \"flie\"");
    assert!(told.contains("resource.properties.kind: is `flie`") && !told.contains("\"decision\":true"), "{told}");
}

#[test]
fn an_undeclared_member_of_a_case_is_reported() {
    let folder = world(&[("directory/a.json", ACCOUNTS)]);
    let suite = "name: a\ncases:\n  - name: one\n    subject: {type: User, id: ann, properties: {levle: 2}}\n    action: {name: read, properties: {how: fast}}\n    resource: {type: Doc, id: d, properties: {level: 1, levell: 2}}\n    context: {purpos: \"8\"}\n    decision: allow\n";
    write(folder.path(), "tests/a.yaml", suite);
    let told = check(&validate(folder.path(), &[]), 0).1;
    for path in ["subject.properties.levle", "action.properties.how", "resource.properties.levell", "context.purpos"] {
        assert!(told.contains(&format!("the schema does not declare {path}, so")), "{path}: {told}");
    }
    assert!(told.contains("did you mean `level`?") && told.contains("did you mean `purpose`?"), "{told}");
}

#[test]
fn proofs_assume_the_schemas_limits_on_values() {
    let guarantee = |condition: &str| rule(condition).replace("permit", "forbid");
    let proven = |condition: &str, code| {
        let folder = world(&[("guarantees/g.cedar", &guarantee(condition))]);
        let (out, told) = check(&validate(folder.path(), &["--prove", "--no-cache"]), code);
        format!("{out}{told}")
    };
    // No question has such a value, whatever the policies say.
    proven("resource.level > 4 || resource.level < 1", 0);
    proven("context has purpose && ![\"8\", \"9\", \"watch\"].contains(context.purpose)", 0);
    // And what is found has values that a question can have.
    for condition in
        ["resource.level > 3", "context has purpose && context.purpose != \"8\"", "principal has operations"]
    {
        let told = proven(condition, 3);
        assert!(told.contains("guarantee::broken"), "{told}");
    }
}

#[test]
fn a_tag_elsewhere_gets_a_value_that_the_schema_allows() {
    let schema = SCHEMA
        .replacen("level?", "level", 1)
        .replace("speed?: Long } tags User", "owner: User } tags { @range(\"1..4\") level: Long }");
    let schema = schema.replace("entity Robot", "@tags(\"north, south\")\nentity Robot");
    let schema = schema.replace("kind?: String", "robot: Robot, @values(\"north, south\") kind: String");
    let condition = "resource.robot.hasTag(resource.kind) && resource.robot.getTag(resource.kind).level > 2 &&
        resource.robot.owner.level > 0";
    let folder = world(&[("schema.cedarschema", &schema), ("a.cedar", &rule(condition))]);
    let (out, _) = check(&validate(folder.path(), &["--prove", "--no-cache"]), 0);
    assert!(out.contains("0 undecided\n1 of them fail, and poort then denies"), "{out}");
}
