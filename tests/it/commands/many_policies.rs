//! Ten thousand policies: every tool handles them, and finds the one planted fault.

use crate::support::{copy_folder, folder, run};
use std::{fmt::Write as _, fs, path::Path};

const POLICIES: usize = 10_000;
const ACTIONS: usize = 100;
/// How many policies a file holds.
const FILE: usize = 100;

/// Policies over many actions, so that each request environment has a hundred.
fn write(folder: &Path) {
    fs::create_dir_all(folder.join("directory")).unwrap();
    fs::create_dir_all(folder.join("tests")).unwrap();
    let actions: Vec<_> = (0..ACTIONS).map(|action| format!("a{action}")).collect();
    let schema = format!(
        "entity Group;\nentity User in [Group] {{ level: Long }};\n@source(\"request\") entity Doc {{ level: Long }};\n\
         action {} appliesTo {{ principal: User, resource: Doc }};\n",
        actions.join(", ")
    );
    fs::write(folder.join("schema.cedarschema"), schema).unwrap();
    for file in 0..POLICIES / FILE {
        let mut text = String::new();
        for index in file * FILE..(file + 1) * FILE {
            writeln!(
                text,
                "@id(\"p{index}\")\n@title(\"Policy {index}.\")\npermit (\n  principal in Group::\"g{index}\",\n  action == \
                 Action::\"a{}\",\n  resource\n)\nwhen {{ resource.level < {index} }};\n",
                index % ACTIONS
            )
            .unwrap();
        }
        fs::write(folder.join(format!("part{file}.cedar")), text.trim_end().to_owned() + "\n").unwrap();
    }
    let accounts = r#"[{"uid": {"type": "Group", "id": "g7777"}, "attrs": {}, "parents": []},
        {"uid": {"type": "User", "id": "u"}, "attrs": {"level": 1}, "parents": [{"type": "Group", "id": "g7777"}]}]"#;
    fs::write(folder.join("directory/accounts.json"), accounts).unwrap();
    let suite = "cases:
  - name: one of ten thousand
    subject: User::u
    action: a77
    table:
      - {resource: {type: Doc, id: d, properties: {level: 7776}}, decision: allow, policies: [p7777]}
      - {resource: {type: Doc, id: d, properties: {level: 7777}}, decision: deny, policies: []}
";
    fs::write(folder.join("tests/one.yaml"), suite).unwrap();
}

#[track_caller]
fn ends(arguments: &[&str], code: i32) -> String {
    let output = run(arguments);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{}\n{told}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stdout).unwrap() + &told
}

#[test]
fn every_tool_takes_ten_thousand_policies() {
    let folder = folder();
    let (base, head) = (folder.path().join("base"), folder.path().join("head"));
    write(&base);
    copy_folder(&base, &head);
    let (base_path, head_path) = (base.to_str().unwrap(), head.to_str().unwrap());
    assert!(ends(&["validate", base_path], 0).contains("valid: 10000 policies"));
    ends(&["fmt", "--check", base_path], 0);
    assert!(ends(&["test", base_path], 0).contains("2 passed"));
    let rights = ends(&["matrix", base_path, "--format", "csv"], 0);
    let having: Vec<_> = rights.lines().skip(1).filter(|line| line.contains(",conditions,")).collect();
    assert!(having.len() == 1 && having[0].contains("a77") && having[0].contains("p7777"), "{having:?}");

    let file = head.join("part77.cedar");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("resource.level < 7777 }", "resource.level <= 7777 }")).unwrap();
    let found = ends(&["diff", base_path, head_path, "--no-cache"], 5);
    assert!(found.contains("newly allowed in 1 of 100"), "{found}");
    assert!(found.contains("p7777") && found.contains("User"), "{found}");

    fs::write(&file, text.replace("resource.level < 7777 }", "resource.levle < 7777 }")).unwrap();
    assert!(ends(&["validate", head_path], 3).contains("p7777"));
}
