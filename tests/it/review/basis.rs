//! `@basis` as data: `poort validate` against the list of laws, and `poort basis`.

use crate::support::{check, copied_policies, folder, policies, repository, run};
use poort::{
    review::{
        basis::{self, Asked, Bases, Kind},
        proof::Guarantees,
    },
    sources::policy::{Policies, Sources},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, os::unix::fs::symlink, path::Path};

const SCHEMA: &str = "entity User { level: Long }; entity Doc { level: Long };
    action read appliesTo { principal: User, resource: Doc };";

const LAWS: &str = r#"{"laws": {
    "wpg": {"title": "Wet politiegegevens", "read": {"text": "2023-11-01", "on": "2026-11-28"}, "articles": {
        "8": {"title": "the daily police task", "parts": "(1) (3)"}, "16": {"parts": "(1)(a)"}}},
    "sv": {"title": "Wetboek van Strafvordering", "articles": {"126jj": {"parts": "(2)"},
        "94": {"read": {"text": "2017", "on": "2026-11-28"}}}}
}}"#;

/// A folder with one policy that rests on this, one guarantee that rests on `wpg:8`, and the list of laws.
fn small(basis: &str, laws: &str) -> tempfile::TempDir {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("directory")).unwrap();
    fs::create_dir(at("guarantees")).unwrap();
    fs::write(at("schema.cedarschema"), SCHEMA).unwrap();
    let policy = format!(
        "@id(\"a\")\n@title(\"Everyone reads.\")\n@basis(\"{basis}\")\npermit (principal, action, resource);\n"
    );
    fs::write(at("a.cedar"), policy).unwrap();
    let guarantee = "\n@id(\"g\")\n@title(\"Level 9 reads.\")\n@basis(\"wpg:8\")\npermit (principal, action, resource)\n\
                     when { principal.level == 9 };\n";
    fs::write(at("guarantees/g.cedar"), guarantee).unwrap();
    fs::write(at(basis::FILE), laws).unwrap();
    folder
}

fn validate(folder: &Path, code: i32) -> Vec<Value> {
    let (out, _) = check(&run(["validate", "--format", "json", folder.to_str().unwrap()]), code);
    serde_json::from_str::<Value>(&out).unwrap()["findings"].as_array().unwrap().clone()
}

#[test]
fn an_unknown_or_malformed_reference_fails_validate_at_its_place() {
    for (basis, column, message, help) in [
        ("wpg:8(1), wgp:8", 19, "`wgp:8`: laws.json has no law `wgp`", "did you mean `wpg:8`?"),
        ("wpg:9", 9, "`wpg:9`: laws.json has no article 9 of `wpg`", "did you mean `wpg:8`?"),
        ("sv:126ij(2)", 9, "`sv:126ij(2)`: laws.json has no article 126ij of `sv`", "did you mean `sv:126jj(2)`?"),
        ("wpg:8(1), wpg:8(2)", 19, "`wpg:8(2)`: laws.json has no such part of `wpg:8`", "did you mean `wpg:8(1)`?"),
        ("wpg:16(1)(b)", 9, "`wpg:16(1)(b)`: laws.json has no such part of `wpg:16`", "did you mean `wpg:16(1)(a)`?"),
        ("Wpg art. 8(1)", 9, "`Wpg art. 8(1)` is no reference to a law", "did you mean `wpg:8(1)`?"),
        ("wpg:8(1) wpg:8(3)", 9, "`wpg:8(1) wpg:8(3)` is no reference to a law", ""),
        ("wpg:8,", 1, "`` is no reference to a law", "the laws are sv, wpg"),
        ("", 1, "`` is no reference to a law", "the laws are sv, wpg"),
    ] {
        let folder = small(basis, LAWS);
        let findings = validate(folder.path(), 3);
        let [finding] = findings.as_slice() else { panic!("{basis}: {findings:?}") };
        assert_eq!((finding["code"].as_str(), finding["severity"].as_str()), (Some("policy::basis"), Some("error")));
        assert!(finding["file"].as_str().unwrap().ends_with("a.cedar"), "{finding}");
        assert_eq!(finding["place"]["line"], 3, "{finding}");
        assert_eq!(finding["place"]["column"], column, "{finding}");
        let told = finding["message"].as_str().unwrap();
        assert!(told.starts_with(&format!("@basis of `a`: {message}")), "{told}");
        assert!(finding["help"].as_str().unwrap().starts_with(help), "{finding}");
    }
}

#[test]
fn guarantees_and_templates_have_a_basis_too() {
    let folder = small("wpg:8", LAWS);
    let guarantee = folder.path().join("guarantees/g.cedar");
    fs::write(&guarantee, fs::read_to_string(&guarantee).unwrap().replace("wpg:8", "wpg:7")).unwrap();
    let template =
        "@id(\"t\")\n@title(\"One reads.\")\n@basis(\"sv:95\")\npermit (principal == ?principal, action, resource);\n";
    fs::write(folder.path().join("t.cedar"), template).unwrap();
    let links = r#"[{"template_id": "t", "link_id": "l", "args": {"?principal": "User::\"a\""}}]"#;
    fs::write(folder.path().join("t.links.json"), links).unwrap();
    let findings = validate(folder.path(), 3);
    let errors: Vec<_> = findings.iter().filter(|finding| finding["severity"] == "error").collect();
    let told: Vec<_> =
        errors.iter().map(|finding| finding["message"].as_str().unwrap().split(": laws").next().unwrap()).collect();
    assert_eq!(told, ["@basis of `t`: `sv:95`", "@basis of `g`: `wpg:7`"]);
}

#[test]
fn validate_counts_what_is_from_memory_once() {
    let folder = small("wpg:8(1), wpg:16(1), sv:126jj(2), sv:94", LAWS);
    let (out, told) = check(&run(["validate", "--deny-warnings", folder.path().to_str().unwrap()]), 0);
    assert!(out.ends_with("\nlaws       rules rest on 4 articles, 1 of them from memory\n"), "{out}");
    assert_eq!(told, "");
}

#[test]
fn without_a_list_each_basis_is_free_text() {
    let folder = small("whatever the law says", LAWS);
    fs::remove_file(folder.path().join(basis::FILE)).unwrap();
    let path = folder.path().to_str().unwrap();
    let (out, told) = check(&run(["validate", "--deny-warnings", path]), 0);
    assert!(!out.contains("laws") && told.is_empty(), "{out}{told}");
    let (out, told) = check(&run(["basis", "wpg:8", path]), 1);
    assert!(out.is_empty() && told.contains("has no laws.json, so each @basis is free text"), "{told}");
    // Under another name it would not be read.
    fs::write(folder.path().join("law.json"), LAWS).unwrap();
    let findings = validate(folder.path(), 0);
    assert_eq!((findings.len(), findings[0]["code"].as_str()), (1, Some("folder::not-read")), "{findings:?}");
    assert_eq!(findings[0]["help"], "name it laws.json, or move it elsewhere");
    // A link to nothing is no folder without a list.
    symlink("nowhere.json", folder.path().join(basis::FILE)).unwrap();
    assert!(validate(folder.path(), 3).iter().any(|finding| finding["code"] == "laws::unreadable"));
}

#[test]
fn the_list_decides_nothing() {
    let folder = small("wpg:8", LAWS);
    let revision =
        || check(&run(["validate", folder.path().to_str().unwrap()]), 0).0.split("laws").next().unwrap().to_owned();
    let with = revision();
    fs::write(folder.path().join(basis::FILE), LAWS.replace("the daily police task", "another")).unwrap();
    assert_eq!(revision(), with);
    fs::remove_file(folder.path().join(basis::FILE)).unwrap();
    assert_eq!(revision(), with);
}

#[test]
fn a_list_with_a_mistake_is_refused_as_its_schema_does() {
    let schema = fs::read_to_string(repository().join("policies/poort-laws.schema.json")).unwrap();
    let schema = jsonschema::draft202012::new(&serde_json::from_str(&schema).unwrap()).unwrap();
    assert!(schema.is_valid(&serde_json::from_str(LAWS).unwrap()));
    let shipped = fs::read_to_string(policies().join(basis::FILE)).ok();
    assert!(shipped.is_none_or(|shipped| schema.is_valid(&serde_json::from_str(&shipped).unwrap())));
    for (from, to, line, message) in [
        ("\"wpg\": {", "\"Wpg\": {", 2, "`Wpg` is no short name of a law"),
        ("\"8\": {", "\"8(1)\": {", 3, "`8(1)` is no number of an article"),
        ("(1) (3)", "1 3", 3, "`1 3` are no parts of an article"),
        ("(1)(a)", "(1)(a", 3, "`(1)(a` are no parts of an article"),
        ("2023-11-01", "1 November 2023", 2, "`1 November 2023` is no day"),
        ("\"2017\"", "\"17\"", 5, "`17` is no day"),
        ("\"on\"", "\"at\"", 2, "unknown field `at`"),
        ("\"title\": \"Wet politiegegevens\", ", "", 3, "missing field `title`"),
        ("\"title\": \"the", "\"about\": \"the", 3, "unknown field `about`"),
    ] {
        let laws = LAWS.replacen(from, to, 1);
        assert!(!schema.is_valid(&serde_json::from_str(&laws).unwrap()), "the schema takes {laws}");
        refused(&laws, line, message);
    }
    // JSON Schema does not see these.
    refused(&LAWS.replace("\"16\"", "\"8\""), 3, "`8` is given twice");
    refused(&LAWS.replace("\"sv\"", "\"wpg\""), 4, "`wpg` is given twice");
    refused(&LAWS.replace("2023-11-01", "2023-11-31"), 2, "`2023-11-31` is no day");
    refused("{\"laws\": {", 1, "EOF");
}

#[track_caller]
fn refused(laws: &str, line: u64, message: &str) {
    let folder = small("wpg:8", laws);
    let findings = validate(folder.path(), 3);
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!(finding["code"], "laws::invalid", "{finding}");
    assert!(finding["message"].as_str().unwrap().contains(message), "{finding}");
    assert_eq!(finding["place"]["line"], line, "{finding}");
    let (out, told) = check(&run(["basis", "wpg:8", folder.path().to_str().unwrap()]), 3);
    assert!(out.is_empty() && told.contains("laws::invalid"), "{told}");
}

#[test]
fn rules_are_listed_by_article_part_and_law() {
    let folder = small("wpg:8(1), sv:94", LAWS);
    let path = folder.path().to_str().unwrap();
    let listed = |asked: &str| check(&run(["basis", asked, path]), 0).0;
    let (policy, guarantee) = (format!("{path}/a.cedar:1  a  "), format!("{path}/guarantees/g.cedar:2  g  "));
    let whole = listed("wpg:8");
    let expected = format!(
        "wpg:8  Wet politiegegevens: the daily police task, text of 2023-11-01, read on 2026-11-28\n\n\
         {policy}(wpg:8(1))\n  Everyone reads.\n\n{guarantee}(wpg:8)\n  Level 9 reads.\n\n1 policy and 1 guarantee\n"
    );
    assert_eq!(whole, expected);
    assert!(listed("wpg:8(1)").contains(&policy) && listed("wpg:8(1)").contains(&guarantee));
    assert!(!listed("wpg:8(3)").contains(&policy) && listed("wpg:8(3)").contains(&guarantee));
    assert!(listed("sv").contains(&format!("{policy}(sv:94)")) && !listed("sv").contains(&guarantee));
    assert!(listed("sv:126jj").contains("from memory\n\n0 policies and 0 guarantees\n"));
    let json: Value = serde_json::from_str(&check(&run(["basis", "sv:94", path, "--format", "json"]), 0).0).unwrap();
    let rule = json!({"kind": "policy", "id": "a", "title": "Everyone reads.", "file": format!("{path}/a.cedar"), "line": 1,
        "references": ["sv:94"]});
    assert_eq!(json, json!({"asked": "sv:94", "read": {"text": "2017", "on": "2026-11-28"}, "rules": [rule]}));
}

#[test]
fn a_table_shows_each_article_with_its_rules() {
    let folder = small("wpg:8(1), wpg:8(3), sv:94", LAWS);
    let (out, _) = check(&run(["basis", "--policies", folder.path().to_str().unwrap()]), 0);
    let expected = "sv  Wetboek van Strafvordering: 1 rule
  sv:94        1 rule  text of 2017, read on 2026-11-28
  sv:126jj    0 rules  from memory

wpg  Wet politiegegevens, text of 2023-11-01, read on 2026-11-28: 2 rules
  wpg:8     2 rules  the daily police task
  wpg:16    0 rules

rules rest on 2 articles, 0 of them from memory
";
    assert_eq!(out, expected);
}

#[test]
fn what_the_list_lacks_is_refused_with_the_nearest() {
    let folder = small("wpg:8", LAWS);
    let path = folder.path().to_str().unwrap();
    for (asked, message, help) in [
        ("wgp", "laws.json has no law `wgp`", "did you mean `wpg`?"),
        ("gemeentewet", "laws.json has no law `gemeentewet`", "the laws are sv, wpg"),
        ("wpg:18", "`wpg:18`: laws.json has no article 18 of `wpg`", "did you mean `wpg:16`?"),
        ("wpg:8(2)", "`wpg:8(2)`: laws.json has no such part of `wpg:8`", "did you mean `wpg:8(1)`?"),
        ("Wpg art. 8", "`Wpg art. 8` is no reference to a law", "did you mean `wpg:8`?"),
        (path, "is no reference to a law", "a policy folder comes after the reference, or with --policies"),
    ] {
        let (out, told) = check(&run(["basis", asked, path]), 64);
        assert!(out.is_empty() && told.contains(message) && told.contains(help), "{told}");
    }
}

#[test]
fn with_a_mistake_in_a_basis_nothing_is_listed() {
    let folder = small("wpg:7", LAWS);
    let path = folder.path().to_str().unwrap();
    let (out, told) = check(&run(["basis", "wpg:8", path]), 3);
    assert!(out.is_empty() && told.contains("policy::basis"), "{told}");
    let (out, _) = check(&run(["basis", "wpg:8", path, "--format", "json"]), 3);
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["findings"][0]["code"], "policy::basis");
}

/// The shipped policies with their list.
fn shipped() -> Bases {
    let folder = policies();
    let sources = Sources::read(&folder).unwrap();
    let mut bases = Bases::read(&folder).unwrap().unwrap();
    let policies = Policies::from_sources(&sources).1.unwrap();
    let guarantees = Guarantees::read(&folder, &sources).unwrap();
    let problems =
        [bases.add(Kind::Policy, &policies), bases.add(Kind::Guarantee, guarantees.stated().unwrap())].concat();
    assert!(problems.is_empty(), "{problems:#?}");
    bases
}

/// Each rule of the shipped files with what is written in its `@basis`, found in the text alone.
fn written() -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for folder in [policies(), policies().join("guarantees")] {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|it| it != "cedar") {
                continue;
            }
            for rule in fs::read_to_string(path).unwrap().split("\n@id(\"").skip(1) {
                let id = rule.split('"').next().unwrap();
                let basis = rule.split_once("\n@basis(\"").map(|(_, rest)| rest.split('"').next().unwrap());
                let cited = basis.into_iter().flat_map(|basis| basis.split(", ")).map(str::to_owned).collect();
                assert!(found.insert(id.to_owned(), cited).is_none(), "{id}");
            }
        }
    }
    found
}

#[test]
fn every_shipped_rule_is_found_under_what_it_cites() {
    let bases = shipped();
    let written = written();
    assert_eq!(bases.rules.len(), written.len());
    let laws: Value = serde_json::from_str(&fs::read_to_string(policies().join(basis::FILE)).unwrap()).unwrap();
    let mut asked = Vec::new();
    for (law, known) in laws["laws"].as_object().unwrap() {
        asked.push(law.clone());
        for (article, known) in known["articles"].as_object().unwrap() {
            asked.push(format!("{law}:{article}"));
            let parts = known["parts"].as_str().unwrap_or_default().split(' ').filter(|part| !part.is_empty());
            asked.extend(parts.map(|part| format!("{law}:{article}{part}")));
        }
    }
    let mut n_found = 0;
    for asked in &asked {
        let is_in = |whole: &str, part: &str| {
            part.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with('('))
        };
        let matches = |cited: &String| match asked.contains(':') {
            true => is_in(asked, cited) || is_in(cited, asked),
            false => cited.split(':').next() == Some(asked),
        };
        let expected: BTreeMap<&str, Vec<&String>> = written
            .iter()
            .map(|(id, cited)| (id.as_str(), cited.iter().filter(|cited| matches(cited)).collect::<Vec<_>>()))
            .filter(|(_, cited)| !cited.is_empty())
            .collect();
        let json = basis::resting_json(&bases, &Asked::read(asked, &bases.laws).unwrap());
        let json: Value = serde_json::from_str(&json).unwrap();
        let rules = json["rules"].as_array().unwrap();
        assert_eq!(rules.len(), expected.len(), "{asked}");
        for rule in rules {
            let mut cited: Vec<_> = expected[rule["id"].as_str().unwrap()].iter().map(|it| it.as_str()).collect();
            let mut told: Vec<_> =
                rule["references"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
            cited.sort_unstable();
            told.sort_unstable();
            assert_eq!(told, cited, "{asked}: {rule}");
            let text = fs::read_to_string(rule["file"].as_str().unwrap()).unwrap();
            let line = text.lines().nth(rule["line"].as_u64().unwrap() as usize - 1).unwrap();
            assert_eq!(line, format!("@id(\"{}\")", rule["id"].as_str().unwrap()));
            n_found += 1;
        }
    }
    assert!(n_found > 1000 && asked.len() > 300, "{n_found} under {}", asked.len());
}

#[test]
fn the_table_counts_what_the_lists_hold() {
    let bases = shipped();
    let table: Value = serde_json::from_str(&basis::overview_json(&bases)).unwrap();
    let written = written();
    for law in table["laws"].as_array().unwrap() {
        let name = law["law"].as_str().unwrap();
        let count = |is_meant: &dyn Fn(&str) -> bool| {
            written.values().filter(|cited| cited.iter().any(|it| is_meant(it))).count()
        };
        assert_eq!(law["rules"], count(&|cited| cited.starts_with(&format!("{name}:"))), "{name}");
        for article in law["articles"].as_array().unwrap() {
            let article_name = article["article"].as_str().unwrap();
            assert_eq!(
                article["rules"],
                count(&|cited| cited.split('(').next() == Some(article_name)),
                "{article_name}"
            );
        }
    }
    let out = check(&run(["basis", "--format", "json", "--policies", policies().to_str().unwrap()]), 0).0;
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), table);
}

/// A reference to an article that goes is found: this is what the list is for.
#[test]
fn an_article_that_goes_names_each_rule_that_rests_on_it() {
    let folder = folder();
    let copy = copied_policies(folder.path());
    let laws = copy.join(basis::FILE);
    let text = fs::read_to_string(&laws).unwrap();
    let kept: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with("\"126jj\"")).collect();
    fs::write(&laws, kept.join("\n")).unwrap();
    let cited = written().values().flatten().filter(|cited| cited.starts_with("sv:126jj")).count();
    let findings = validate(&copy, 3);
    assert!(cited > 3 && findings.iter().all(|finding| finding["code"] == "policy::basis"), "{findings:#?}");
    assert_eq!(findings.len(), cited);
}
