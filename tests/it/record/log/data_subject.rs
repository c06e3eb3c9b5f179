//! `poort log cat --data-subject`: finds all records about a data subject, or says why it cannot.

use super::{log, log_well};
use crate::support::{Sidecar, allowed, check_accessible, check_page, copied_policies, folder};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

const TYPE: &str = "https://politie.example/id-types/person-entry";
const OLD: &str = "2025 AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const NEW: &str = "2026 AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

/// A data folder, and the keys of its pseudonyms.
struct Place {
    data: PathBuf,
    keys: PathBuf,
}

impl Place {
    fn new(folder: &Path) -> Self {
        let data = folder.join("data");
        fs::create_dir(&data).unwrap();
        Self { keys: data.join("pseudonym-keys"), data }
    }

    fn write_keys(&self, lines: &[&str]) {
        fs::write(&self.keys, lines.join("\n")).unwrap();
        fs::set_permissions(&self.keys, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// The seqs of the records that are found, in order.
    #[track_caller]
    fn find(&self, flags: &[&str]) -> Vec<u64> {
        seqs(&log_well("cat", &self.data, flags))
    }
}

fn seqs(out: &str) -> Vec<u64> {
    let record = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    out.lines().map(|line| record(line)["attributes"]["poort.log.seq"].as_u64().unwrap()).collect()
}

fn person(id: &str) -> Value {
    json!({"type": "PersonEntry", "id": id, "properties":
        {"unit": "station-north-1", "level": 1, "subjects_are_staff": false, "secret_address": false}})
}

fn about(id: &str) -> Value {
    let mut question = allowed();
    question["resource"] = person(id);
    question
}

fn about_several(resources: &[Value]) -> Value {
    let mut batch = allowed();
    batch["evaluations"] = resources.iter().map(|resource| json!({"resource": resource})).collect();
    batch
}

/// Asks about somebody by themselves, about somebody else, about both and a file in one batch, and about a file.
async fn ask(place: &Place) {
    let sidecar = Sidecar::builder().data(&place.data).start();
    sidecar.evaluate(&about("person-884411")).await;
    sidecar.evaluate(&about("person-2")).await;
    let file = allowed()["resource"].clone();
    let batch = about_several(&[person("person-2"), file, person("person-884411")]);
    assert_eq!(sidecar.post("/access/v1/evaluations", &batch).await.status, 200);
    sidecar.evaluate(&allowed()).await;
    assert_eq!(sidecar.stop().code, Some(0));
}

#[tokio::test]
async fn a_rotation_hides_no_record_about_somebody() {
    let folder = folder();
    let place = Place::new(folder.path());
    place.write_keys(&[OLD]);
    ask(&place).await;
    place.write_keys(&[NEW, OLD]);
    ask(&place).await;
    let all = place.find(&[]);
    assert_eq!(all.len(), 8);
    let expected = [all[0], all[2], all[4], all[6]];
    let whole = format!("{TYPE}::person-884411");
    for named in ["person-884411", "person-entry::person-884411", "person-entry::\"person-884411\"", &whole] {
        assert_eq!(place.find(&["--data-subject", named]), expected, "{named}");
    }
    assert_eq!(place.find(&["--data-subject", "person-2"]), [all[1], all[2], all[5], all[6]]);
    assert_eq!(place.find(&["--data-subject", "person-3"]), [0; 0]);
    assert_eq!(place.find(&["--data-subject", "inv-0042"]), [0; 0], "a file is no data subject");

    // Of a batch, what was asked about others is not shown.
    let csv = log_well("cat", &place.data, &["--data-subject", "person-884411", "--format", "csv"]);
    let rows: Vec<_> = csv::Reader::from_reader(csv.as_bytes()).records().map(Result::unwrap).collect();
    let items: Vec<_> = rows.iter().map(|row| (row[1].parse().unwrap(), row[4].to_owned())).collect();
    assert_eq!(items, expected.map(|seq| (seq, if seq == all[2] || seq == all[6] { "2" } else { "" }.to_owned())));
    let both = ["--data-subject", "person-884411", "--resource", "inv-0042"];
    assert_eq!(place.find(&both), [0; 0], "no question is about both");
    assert!(!csv.contains("884411"), "{csv}");
}

#[tokio::test]
async fn what_cannot_be_found_any_more_is_reported() {
    let folder = folder();
    let place = Place::new(folder.path());
    place.write_keys(&[OLD]);
    ask(&place).await;
    place.write_keys(&[NEW]);
    // A key that records name goes only on purpose.
    let ended = Sidecar::builder().data(&place.data).fail();
    assert!(ended.log.contains("the key of pseudonyms `2025`"), "{}", ended.log);
    log_well("key", &place.data, &["--pseudonyms"]);
    ask(&place).await;
    let refused = |named: &str, expected: &[&str]| {
        let (code, out, told) = log("cat", &place.data, &["--data-subject", named]);
        assert_eq!(code, 1, "{told}");
        assert!(expected.iter().all(|expected| told.contains(expected)), "{told}");
        seqs(&out).len()
    };
    assert_eq!(refused("person-884411", &["`2025`", "log.pseudonyms.keys"]), 2, "what is found is printed");
    place.write_keys(&[NEW, OLD]);
    assert_eq!(refused("Plate::person-884411", &["--data-subject", TYPE]), 0);
    fs::remove_file(&place.keys).unwrap();
    assert_eq!(refused("person-884411", &["cannot read the keys of pseudonyms", "pseudonym-keys"]), 0);
    assert!(!place.keys.exists(), "a key that nothing was recorded under is not made");
}

/// A question of a patrol officer about somebody, that the policies allow.
fn patrol(id: &str) -> Value {
    let mut question = about(id);
    question["subject"]["id"] = "officer-0021".into();
    question["context"] = json!({"purpose": "8", "location": "10.1.2.3"});
    question
}

#[tokio::test]
async fn a_report_says_who_asked_about_a_person() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    let place = Place::new(folder.path());
    place.write_keys(&[OLD]);
    let accounts = policies.join("directory/accounts.json");
    let renamed = fs::read_to_string(&accounts).unwrap().replace("\"U. Voorbeeld\"", "\"<i>U. V.\"");
    assert!(renamed.contains("<i>U. V."));
    for (number, name) in [fs::read_to_string(&accounts).unwrap(), renamed].iter().enumerate() {
        fs::write(&accounts, name).unwrap();
        let sidecar = Sidecar::builder().policies(&policies).data(&place.data).start();
        assert_eq!(sidecar.evaluate(&patrol("person-884411")).await["decision"], true);
        if number == 0 {
            sidecar.evaluate(&patrol("person-2")).await;
            let mut hidden = patrol("person-884411");
            hidden["resource"]["properties"]["secret_address"] = true.into();
            let file = allowed()["resource"].clone();
            let batch = json!({"subject": hidden["subject"], "action": hidden["action"], "context": hidden["context"],
                "evaluations": [{"resource": file}, {"resource": hidden["resource"],
                "context": {"purpose": "8", "recipient": {"organisation": "om", "id": "desk-1"}}}]});
            assert_eq!(sidecar.post("/access/v1/evaluations", &batch).await.status, 200);
        }
        assert_eq!(sidecar.stop().code, Some(0));
    }
    let flags = ["--data-subject", "person-entry::person-884411", "--policies", policies.to_str().unwrap()];
    let csv = log_well("report", &place.data, &[&flags[..], &["--format", "csv"]].concat());
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let columns = reader.headers().unwrap().clone();
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    let column = |name: &str| -> Vec<String> {
        let at = columns.iter().position(|column| column == name).unwrap();
        rows.iter().map(|row| row[at].to_owned()).collect()
    };
    // Names are those of the directory that decided.
    assert_eq!(column("name"), ["U. Voorbeeld", "U. Voorbeeld", "<i>U. V."]);
    assert_eq!(column("account"), ["Officer::officer-0021"; 3]);
    assert_eq!(column("within"), ["station-north-1"; 3]);
    assert_eq!(column("decision"), ["allow", "deny", "allow"]);
    assert_eq!(column("purpose"), ["8"; 3]);
    assert_eq!(column("to"), ["", "recipient.id: desk-1; recipient.organisation: om", ""]);
    assert_eq!(column("rules")[0], "registers.consult");
    assert!(column("basis")[0].contains("wpg:8"), "{csv}");
    assert!(column("from")[0].contains("10.1.2.3"), "{csv}");
    assert!(!csv.contains("884411"), "{csv}");

    let page = folder.path().join("report.html");
    fs::write(&page, log_well("report", &place.data, &flags)).unwrap();
    let shown = check_page(&page).html;
    check_accessible(&page);
    for part in [
        "3</dd>",
        "&lt;i&gt;U. V.",
        "U. Voorbeeld",
        "What this report does not cover",
        "wpg:8",
        "+01:00",
        "person-884411",
    ] {
        assert!(shown.contains(part), "no {part} in {shown}");
    }
    // What other flags leave out is not taken for nothing.
    assert!(!shown.contains("It is not complete"), "{shown}");
    let denied =
        log_well("report", &place.data, &[&flags[..], &["--decision", "deny", "--action", "consult"]].concat());
    assert!(denied.contains("It is not complete") && denied.contains("--action consult --decision deny"), "{denied}");
    let in_dutch = [&flags[..], &["--lang", "nl"]].concat();
    fs::write(&page, log_well("report", &place.data, &in_dutch)).unwrap();
    let shown = check_page(&page).html;
    for part in [
        "lang=\"nl\"",
        "Wie vroeg om gegevens over",
        "geweigerd</span>",
        "Een geautoriseerde ambtenaar mag de kernregisters raadplegen",
        "Wat dit overzicht niet laat zien",
        "Gemaakt door poort",
    ] {
        assert!(shown.contains(part), "no {part} in {shown}");
    }
    for word in ["the", "and", "who", "what", "which", "with", "not", "allowed", "denied"] {
        let words = shown.split_once("<body>").unwrap().1.split(|it: char| !it.is_alphabetic());
        assert!(!words.map(str::to_lowercase).any(|it| it == word), "`{word}` in {shown}");
    }
    let empty = log_well("report", &place.data, &["--data-subject", "person-entry::nobody"]);
    assert!(empty.contains("no question about this data subject"), "{empty}");
    // Where the revisions are gone, the page says so.
    fs::rename(place.data.join("revisions"), folder.path().join("away")).unwrap();
    let without = log_well(
        "report",
        &place.data,
        &["--data-subject", "person-884411", "--policies", folder.path().to_str().unwrap()],
    );
    // The rules are in the record.
    assert!(without.contains("are missing for some records") && without.contains("wpg:8"), "{without}");
    let (code, _, told) = log("report", &place.data, &[]);
    assert!(code == 64 && told.contains("--data-subject TYPE::ID"), "{code} {told}");
}
