//! Ids on the command line: every flag that takes one takes the same forms, and refuses what is none in the same words.

use crate::support::{Sidecar, allowed, check, policies, run};
use serde_json::Value;
use std::path::Path;

const FORMS: [&str; 7] = [
    "officer-0007",
    "\"officer-0007\"",
    "Officer::officer-0007",
    "officer::officer-0007",
    "Politie::Officer::officer-0007",
    "Politie::Officer::\"officer-0007\"",
    "https://politie.example/id-types/officer::officer-0007",
];

const NO_IDS: [&str; 4] = ["", "Officer::", "::officer-0007", "Officer::\"officer-0007"];

/// The commands with a flag for an id; `ID` is in its place.
fn commands<'a>(policies: &'a str, data: &'a str) -> [Vec<&'a str>; 8] {
    let csv = "--format=csv";
    [
        vec!["account", "show", "ID", "--policies", policies, "--format=json"],
        vec!["matrix", policies, "--account", "ID", csv, "--resource=Investigation", "--action=consult"],
        vec![
            "explain",
            "--subject",
            "ID",
            "--action=consult",
            "--resource=Investigation::inv-0042",
            "--context=purpose=9",
            "--property=unit=detectives-north",
            "--property=team=heron",
            "--property=level=3",
            "--property=embargo=false",
            "--policies",
            policies,
            "--format=json",
        ],
        vec!["log", "cat", "--subject", "ID", "--data", data, csv],
        vec!["log", "replay", "--subject", "ID", "--data", data, "--policies", policies, "--limit=1"],
        vec!["log", "cat", "--resource", "ID", "--data", data, csv],
        vec!["log", "cat", "--data-subject", "ID", "--data", data, csv],
        vec!["log", "report", "--data-subject", "ID", "--data", data, csv],
    ]
}

fn with(command: &[&str], id: &str) -> Vec<String> {
    command.iter().map(|part| if *part == "ID" { id.to_owned() } else { (*part).to_owned() }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_flag_takes_the_same_forms_of_an_id() {
    let sidecar = Sidecar::builder().start();
    assert_eq!(sidecar.evaluate(&allowed()).await["decision"], true);
    let mut person = allowed();
    person["resource"] = serde_json::json!({"type": "PersonEntry", "id": "officer-0007", "properties":
        {"unit": "station-north-1", "level": 1, "subjects_are_staff": false, "secret_address": false}});
    sidecar.evaluate(&person).await;
    // A person's id is a pseudonym in the record, and that of an investigation is not.
    let mut investigation = allowed();
    investigation["resource"]["id"] = "officer-0007".into();
    sidecar.evaluate(&investigation).await;
    let policies = policies();
    let commands = commands(policies.to_str().unwrap(), sidecar.data.to_str().unwrap());
    let [account, matrix, explain, subject, replay, resource, data_subject, report] = &commands;
    let told = |command: &[&str], id: &str| check(&run(with(command, id)), 0).0;
    for form in FORMS {
        let shown: Value = serde_json::from_str(&told(account, form)).unwrap();
        assert_eq!((&shown["type"], &shown["id"]), (&"Politie::Officer".into(), &"officer-0007".into()), "{form}");
        let rows = told(matrix, form);
        let rows: Vec<_> = csv::Reader::from_reader(rows.as_bytes()).records().map(Result::unwrap).collect();
        assert_eq!((rows.len(), &rows[0][2]), (1, "officer-0007"), "{form}");
        let explained: Value = serde_json::from_str(&told(explain, form)).unwrap();
        assert_eq!(
            (&explained["question"]["subject"]["id"], &explained["decision"]),
            (&"officer-0007".into(), &true.into()),
            "{form}"
        );
        assert_eq!(told(subject, form).lines().count(), 4, "{form}");
        assert!(told(replay, form).starts_with("1 records: 1 the same"), "{form}");
        // The same forms about other types.
        let of_another = form.replace("officer::", "investigation::").replace("Officer::", "Investigation::");
        assert_eq!(told(resource, &of_another).lines().count(), 2, "{of_another}");
        let of_person = &form.replace("officer::", "person-entry::").replace("Officer::", "PersonEntry::");
        for command in [data_subject, report] {
            assert_eq!(told(command, of_person).lines().count(), 2, "{of_person} {command:?}");
        }
    }
}

#[test]
fn every_flag_refuses_what_is_no_id_in_the_same_words() {
    let policies = policies();
    let data = Path::new("/nowhere");
    for command in commands(policies.to_str().unwrap(), data.to_str().unwrap()) {
        for no_id in NO_IDS {
            // An empty text is no filter.
            if no_id.is_empty() && command[0] == "matrix" {
                continue;
            }
            let (_, told) = check(&run(with(&command, no_id)), 64);
            let expected = format!("`{no_id}` is no id; write ID, TYPE::ID or TYPE::\"ID\"");
            assert!(told.contains(&expected), "{command:?} with {no_id}: {told}");
        }
    }
}
