//! `poort signals`: what a log has of atypical use is found from the records alone, in the order of the log.

use crate::support::{
    Sidecar, allowed, check, copied_policies, copy_folder, folder, installed, policies, repository, run, run_with_input,
};
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

const SCHEMA: &str = r#"entity Team;
entity Person in [Team] { station: String };
@source("request") entity File { team: Team };
action open appliesTo { principal: Person, resource: File, context: { purpose?: String, pdp: {} } };
"#;
pub(super) const REASONS: &str = r#"@id("own-team")
@title("The account is in the team of the file.")
permit (principal, action, resource)
when { principal in resource.team };

@id("decoy")
@title("The file exists for nobody.")
@score("8")
forbid (principal, action, resource == File::"decoy");
"#;
pub(super) const SETTINGS: &str = r#"[budget]
per_thousand = 0.3
baseline_days = 28
least_score = 2.0
half_life_days = 56.0
quiet_days = 14
[peers]
same = ["station"]
accounts = 10
active_days = 5
[accesses]
days = 30
most = 100000
[unexplained]
weight = 1.0
"#;

/// A policy folder with accounts in two teams, and the log of `days` days in which one of them opens foreign files on day 30.
pub(super) struct Place {
    pub(super) policies: PathBuf,
    pub(super) log: PathBuf,
}

impl Place {
    pub(super) fn new(folder: &Path, days: u32) -> Self {
        let place = Self { policies: folder.join("policies"), log: folder.join("log.jsonl") };
        for (name, text) in [
            ("schema.cedarschema", SCHEMA),
            ("all.cedar", "@id(\"all\")\n@title(\"Everybody.\")\npermit (principal, action, resource);\n"),
            ("signals/detectors.toml", SETTINGS),
            ("signals/reasons.cedar", REASONS),
        ] {
            place.write(name, text);
        }
        let team = |account: u32| format!("team-{}", account % 2);
        let uid = |kind: &str, id: &str| json!({"type": kind, "id": id});
        let teams = (0..2).map(|number| json!({"uid": uid("Team", &team(number)), "attrs": {}, "parents": []}));
        let people = (0..20).map(|account| {
            json!({"uid": uid("Person", &format!("p{account}")), "attrs": {"station": "north"},
                "parents": [uid("Team", &team(account))]})
        });
        place.write("directory/people.json", &Value::Array(teams.chain(people).collect()).to_string());
        let asked = json!({"subject": uid("Person", "p0"), "action": {"name": "open"},
            "resource": {"type": "File", "id": "f", "properties": {"team": "team-0"}}});
        let arguments = ["evaluate".as_ref(), "--policies".as_ref(), place.policies.as_os_str()];
        let (answer, _) = check(&run_with_input(arguments, asked.to_string().as_bytes()), 0);
        let named: Value = serde_json::from_str(&answer).unwrap();
        let mut log = String::new();
        let mut seq = 0;
        for day in 1..=days {
            for account in 0..20 {
                let foreign = if account == 7 && day == 30 { 6 } else { 0 };
                for number in 0..3 + foreign {
                    let of_team = team(if number < 3 { account } else { account + 1 });
                    let record =
                        record(seq, day, account, &format!("{day}-{account}-{number}"), &of_team, &named["context"]);
                    writeln!(log, "{record}").unwrap();
                    seq += 1;
                }
            }
        }
        fs::create_dir_all(folder).unwrap();
        fs::write(&place.log, log).unwrap();
        place
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.policies.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn signals(&self, command: &str, more: &[&str]) -> Output {
        let places = ["--policies", self.policies.to_str().unwrap(), "--received", self.log.to_str().unwrap()];
        run(["signals", command].iter().chain(&places).chain(more))
    }

    /// The signals as findings of OCSF.
    fn findings(&self) -> Vec<Value> {
        let (findings, _) = check(&self.signals("replay", &["--format", "ocsf"]), 0);
        valid_findings(&findings)
    }

    fn replayed(&self, more: &[&str]) -> Vec<Value> {
        let (out, _) = check(&self.signals("replay", &[&["--format", "json"], more].concat()), 0);
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Findings of OCSF, a line each, which are valid against its published schema.
pub(super) fn valid_findings(lines: &str) -> Vec<Value> {
    let mut validator = Command::new(installed("target/tests/python/bin/python"))
        .arg(repository().join("tests/clients/python/ocsf.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    validator.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let (counted, _) = check(&validator.wait_with_output().unwrap(), 0);
    let findings: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(counted.trim(), format!("{} findings of class 2004 are valid", findings.len()));
    findings
}

fn record(seq: u64, day: u32, account: u32, file: &str, team: &str, named: &Value) -> Value {
    let time: jiff::Timestamp = "2026-01-01T09:00:00Z".parse().unwrap();
    let time = time + jiff::SignedDuration::from_secs(i64::from(day) * 86_400 + (seq % 3_600) as i64);
    json!({
        "event_name": "adl.access_evaluation",
        "trace_id": format!("{:032x}", seq + 1), "span_id": format!("{:016x}", seq + 1),
        "status": "Unset", "timestamp": time.as_millisecond(),
        "attributes": {
            "adl.core.configuration": {"poort": {"version": "0", "digest": ""}},
            "adl.core.policies": {"policies": {"revision": named["revision"]}},
            "adl.core.information": {"directory": {"revision": named["directory_revision"]}},
            "poort.log.seq": seq,
            "poort.pdp": {"hour": 9, "now": time.to_string(), "today": time.to_string()[..10]}},
        "body": {
            "adl.core.request": {"subject": {"type": "Person", "id": format!("p{account}")}, "action": {"name": "open"},
                "resource": {"type": "File", "id": file, "properties": {"team": team}}},
            "adl.core.response": {"decision": true, "context": {"policies": [{"id": "all"}]}}}})
}

#[test]
fn foreign_files_are_a_signal_with_the_decisions_it_rests_on() {
    let folder = folder();
    let place = Place::new(folder.path(), 32);
    let signals = place.replayed(&[]);
    let first = &signals[0];
    assert_eq!((&first["account"], &first["detector"]), (&json!("Person::\"p7\""), &json!("unexplained")), "{first}");
    assert!(signals.iter().all(|signal| signal["account"] == first["account"]), "{signals:?}");
    assert_eq!(first["peers"], json!({"name": "Person · north", "accounts": 20}));
    // Each decision that it rests on is one of the foreign ones.
    let log = fs::read_to_string(&place.log).unwrap();
    let lines: Vec<_> = log.lines().collect();
    let evidence = signals.last().unwrap()["evidence"].as_array().unwrap().clone();
    assert!(!evidence.is_empty());
    for one in evidence {
        let record = lines[one["seq"].as_u64().unwrap() as usize];
        assert!(record.contains(one["trace_id"].as_str().unwrap()) && record.contains("\"id\":\"30-7-"), "{record}");
        assert!(record.contains("\"team\":\"team-0\""), "{record}");
    }
    assert_eq!(signals, place.replayed(&[]), "the same log gives the same signals");
    let (shown, told) = check(&place.signals("replay", &["--lang", "nl"]), 0);
    assert!(
        shown.contains("zonder bekende reden") && shown.contains("Dit zegt niet dat het gebruik onjuist was."),
        "{shown}"
    );
    assert!(told.contains("decisions of 20 accounts"), "{told}");
    assert_eq!(place.findings().len(), signals.len());
    // Nobody is signalled by a budget of nearly nothing and a threshold that nothing reaches.
    let other = folder.path().join("other");
    copy_folder(&place.policies, &other);
    fs::write(other.join("signals/detectors.toml"), SETTINGS.replace("least_score = 2.0", "least_score = 30.0"))
        .unwrap();
    assert_eq!(place.replayed(&["--against", other.to_str().unwrap()]), Vec::<Value>::new());
}

#[test]
fn a_rule_is_a_finding_that_names_the_account_and_closes() {
    let folder = folder();
    let place = Place::new(folder.path(), 20);
    let log = fs::read_to_string(&place.log).unwrap();
    let mut lines: Vec<_> = log.lines().map(str::to_owned).collect();
    let named: Value = serde_json::from_str(&lines[0]).unwrap();
    let revisions = json!({
        "revision": named["attributes"]["adl.core.policies"]["policies"]["revision"],
        "directory_revision": named["attributes"]["adl.core.information"]["directory"]["revision"],
    });
    let mut of_another = record(100_000, 2, 3, "decoy", "team-1", &revisions);
    of_another["attributes"]["poort.log.origin"] = "another log".into();
    // What ships records may send one again.
    lines.splice(70..70, [of_another.to_string(), of_another.to_string()]);
    fs::write(&place.log, lines.join("\n")).unwrap();
    let findings = place.findings();
    let [opened, closed] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((&opened["activity_id"], &closed["activity_id"]), (&json!(1), &json!(3)));
    assert_eq!((&opened["is_alert"], &closed["is_alert"]), (&json!(true), &json!(false)));
    assert_eq!(opened["finding_info"]["analytic"], closed["finding_info"]["analytic"]);
    assert_eq!(opened["evidences"][0]["user"]["uid"], "Person::\"p3\"");
    assert_eq!(opened["evidences"][0]["data"]["seq"], 100_000);
    assert_eq!(opened["evidences"].as_array().unwrap().len(), 1);
    let (_, told) = check(&place.signals("replay", &[]), 0);
    assert!(told.contains("1 records are left out: each comes a second time"), "{told}");
    assert!(opened["message"].as_str().unwrap().starts_with("A rule was met: The file exists for nobody."), "{opened}");
}

#[test]
fn a_crowd_is_a_finding_about_the_record() {
    let folder = folder();
    let place = Place::new(folder.path(), 3);
    place.write("signals/detectors.toml", &format!("{SETTINGS}[crowd]\naccounts = 5\ndays = 2\n"));
    let mut log = fs::read_to_string(&place.log).unwrap();
    let named: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    let revisions = json!({
        "revision": named["attributes"]["adl.core.policies"]["policies"]["revision"],
        "directory_revision": named["attributes"]["adl.core.information"]["directory"]["revision"],
    });
    // Accounts of one team open a file of the other one.
    for number in 0..5 {
        let look = record(10_000 + number, 3, 2 * number as u32, "notable", "team-1", &revisions);
        writeln!(log, "{look}").unwrap();
    }
    fs::write(&place.log, log).unwrap();
    let findings = place.findings();
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!(finding["finding_info"]["analytic"]["name"], "crowd");
    let evidences = finding["evidences"].as_array().unwrap();
    assert_eq!(evidences.len(), 5);
    for one in evidences {
        assert_eq!((&one["resources"][0]["uid"], &one["user"]), (&json!("File::\"notable\""), &Value::Null));
    }
    let signals = place.replayed(&[]);
    assert_eq!((&signals[0]["account"], &signals[0]["record"]), (&Value::Null, &json!("File::\"notable\"")));
}

#[test]
fn a_batch_is_one_call_and_opens_nothing_for_later() {
    let folder = folder();
    let place = Place::new(folder.path(), 32);
    let log = fs::read_to_string(&place.log).unwrap();
    let mut records: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let is_foreign = |record: &Value| {
        record["body"]["adl.core.request"]["subject"]["id"] == "p7" && {
            let id = record["body"]["adl.core.request"]["resource"]["id"].as_str().unwrap();
            id.starts_with("30-7-") && id.as_bytes()[5] >= b'3'
        }
    };
    // A page with the six foreign files, a day before they are opened; and accounts that nobody knows.
    let items: Vec<_> = records.iter().filter(|record| is_foreign(record)).collect();
    let items: Vec<_> =
        items.iter().map(|it| json!({"resource": it["body"]["adl.core.request"]["resource"]})).collect();
    assert_eq!(items.len(), 6);
    let day_29 = records.iter().position(|it| it["attributes"]["poort.pdp"]["today"] == "2026-01-30").unwrap();
    let mut page = records[day_29].clone();
    page["event_name"] = "adl.access_evaluations".into();
    page["trace_id"] = "f".repeat(32).into();
    page["attributes"]["poort.log.seq"] = 200_000.into();
    page["attributes"]["poort.log.origin"] = "another log".into();
    let answers: Vec<_> = items.iter().map(|_| json!({"decision": true})).collect();
    page["body"]["adl.core.request"] =
        json!({"subject": {"type": "Person", "id": "p7"}, "action": {"name": "open"}, "evaluations": items});
    page["body"]["adl.core.response"] = json!({"evaluations": answers});
    let ghosts: Vec<_> = (0..30)
        .map(|number| {
            let mut ghost = records[day_29].clone();
            ghost["trace_id"] = format!("{:032x}", 300_000 + number).into();
            ghost["attributes"]["poort.log.origin"] = "another log".into();
            ghost["attributes"]["poort.log.seq"] = (100_000 + number).into();
            ghost["body"]["adl.core.request"]["subject"]["id"] = format!("ghost-{number}").into();
            ghost["body"]["adl.core.response"]["decision"] = false.into();
            ghost
        })
        .collect();
    records.splice(day_29..day_29, ghosts.into_iter().chain([page]));
    fs::write(&place.log, records.iter().map(|record| format!("{record}\n")).collect::<String>()).unwrap();
    let signals = place.replayed(&[]);
    let last = signals.last().expect("what was on a page is counted when it is opened");
    assert_eq!(
        (&last["account"], &last["observed"]),
        (&json!("Person::\"p7\""), &json!(5)),
        "one page and four files, when the score rose last"
    );
    assert!(
        signals.iter().any(|it| it["evidence"].as_array().unwrap().iter().any(|one| one["item"] == 5)),
        "{signals:?}"
    );
    let (_, told) = check(&place.signals("replay", &[]), 0);
    assert!(told.contains("decisions of 21 accounts"), "accounts that the directory does not know are one: {told}");
}

#[test]
fn known_misuse_is_counted_and_reasons_show_their_power() {
    let folder = folder();
    let place = Place::new(folder.path(), 32);
    let truth = folder.path().join("truth.csv");
    fs::write(&truth, "account,pattern\n\"Person::\"\"p7\"\"\",foreign\n").unwrap();
    let flags = ["--truth", truth.to_str().unwrap(), "--from", "2026-01-20", "--false-signals", "0.65"];
    let (table, _) = check(&place.signals("evaluate", &flags), 0);
    let row = table.lines().nth(1).unwrap();
    assert!(
        table.starts_with("false_signals,false_accounts,score,foreign\n0.65,0,") && row.ends_with(",1.000"),
        "{table}"
    );

    place.write("signals/all.cedar", "@id(\"all\")\n@title(\"All.\")\npermit (principal, action, resource);\n");
    let (table, _) = check(&place.signals("power", &[]), 0);
    let row = |reason: &str| table.lines().find(|line| line.starts_with(reason)).unwrap_or_else(|| panic!("{table}"));
    assert!(row("all").contains("100.0 %   100.0 %  says nothing: leave it out"), "{table}");
    assert!(row("own-team").contains("99.7 %"), "{table}");
    assert!(row("own-team").ends_with("give it @weight(\"0.5\")"), "half of the others are in the team: {table}");
}

#[test]
fn mistakes_in_settings_are_told_with_their_place() {
    let folder = folder();
    let place = Place::new(folder.path(), 1);
    let of_settings = |wrong: &str, right: &str| ("signals/detectors.toml", SETTINGS.replace(right, wrong));
    let of_reasons = |text: &str| ("signals/reasons.cedar", format!("@id(\"r\")\n@title(\"T.\")\n{text}"));
    for ((name, text), wanted) in [
        (of_settings("per_thousnd", "per_thousand"), "per_thousnd"),
        (of_settings("per_thousand = -1", "per_thousand = 0.3"), "`per_thousand` is above 0"),
        (of_settings("weight = 0", "weight = 1.0"), "`weight` is above 0"),
        (of_settings("active_days = 0", "active_days = 5"), "`active_days` is 1 or more"),
        (of_reasons("@explains(\"all\")\npermit (principal, action, resource);"), "@explains can only be \"itself\""),
        (of_settings("days = 0", "days = 30"), "`days` is 1 or more"),
        (of_reasons("permit (principal, action, resource) when { resource.tem == resource.team };"), "tem"),
        (of_reasons("@score(\"5\")\npermit (principal, action, resource);"), "@score is for a `forbid`"),
        (of_reasons("@weight(\"0.5\")\nforbid (principal, action, resource);"), "@weight is for a `permit`"),
        (of_reasons("@weight(\"2\")\npermit (principal, action, resource);"), "@weight is above 0 and at most 1"),
        (of_reasons("@unless(\"later\")\nforbid (principal, action, resource);"), "@unless can only be \"explained\""),
    ] {
        let right = fs::read_to_string(place.policies.join(name)).unwrap();
        place.write(name, &text);
        let validated = check(&run(["validate".as_ref(), place.policies.as_os_str()]), 3).1;
        let file = name.rsplit('/').next().unwrap();
        assert!(validated.contains(wanted) && validated.contains(file), "{wanted}: {validated}");
        let replayed = place.signals("replay", &[]);
        if file == "detectors.toml" {
            assert!(check(&replayed, 3).1.contains(wanted));
        } else {
            // A log can name a schema under which a reason is not valid: then its decisions are not judged, and counted.
            assert!(check(&replayed, 0).1.contains("could not be judged"), "{wanted}");
        }
        place.write(name, &right);
    }
    fs::remove_file(place.policies.join("signals/detectors.toml")).unwrap();
    let (_, told) = check(&place.signals("replay", &[]), 3);
    assert!(told.contains("detectors.toml"), "{told}");
}

#[test]
fn a_lower_budget_needs_a_higher_score() {
    let folder = folder();
    let place = Place::new(folder.path(), 32);
    let (table, told) = check(&place.signals("tune", &["--budget", "0.3,500"]), 0);
    let rows: Vec<Vec<f64>> =
        table.lines().skip(1).map(|row| row.split_whitespace().map(|it| it.parse().unwrap()).collect()).collect();
    let [few, many] = rows.as_slice() else { panic!("{table}") };
    assert_eq!((few[0], many[0]), (0.3, 500.0));
    assert!(few[1] >= many[1] && few[2] >= 1.0 && many[2] >= few[2], "{table}");
    assert!(told.contains("20 accounts; rules opened 0 signals"), "{told}");
    let short = Place::new(&folder.path().join("short"), 3);
    assert!(check(&short.signals("tune", &[]), 0).1.contains("shorter than the baseline"));
    assert!(check(&place.signals("tune", &["--budget", "0"]), 64).1.contains("`0` is not above 0"));
}

#[test]
fn what_settings_name_has_to_be_in_the_schema() {
    let folder = folder();
    let place = Place::new(folder.path(), 1);
    let of = |follow_up: &str| format!("{SETTINGS}[follow_up]\n{follow_up}\n");
    let disclosure = |action: &str, flow: &str| {
        let numbers = "score = 3.0\nweight = 1.0\nleast = 9";
        let settings = SETTINGS.replace("active_days = 5", "active_days = 5\nitself = [\"Person\"]");
        format!("{settings}[disclosure]\naction = \"{action}\"\nflow = [\"{flow}\"]\n{numbers}\n")
    };
    for (text, wanted) in [
        (SETTINGS.replace("\"station\"", "\"statoin\""), "no type of account has the attribute `statoin`"),
        (SETTINGS.replace("active_days = 5", "active_days = 5\nitself = [\"Persno\"]"), "`Persno`"),
        (of("resource = \"Fiel\"\nchange = \"open\"\nreveal = \"open\""), "`Fiel`"),
        (format!("{SETTINGS}[shopping]\nscore = 3\nminutes = 9\ncontext = [\"porpose\"]\n"), "`porpose`"),
        (disclosure("opne", "purpose"), "`opne`"),
        (disclosure("open", "porpose.id"), "`porpose.id`"),
        (of("resource = \"File\"\nchange = \"opne\"\nreveal = \"open\""), "`opne`"),
        (of("resource = \"File\"\nchange = \"open\"\nreveal = \"shut\""), "`shut`"),
    ] {
        place.write("signals/detectors.toml", &text);
        let told = check(&run(["validate".as_ref(), place.policies.as_os_str()]), 3).1;
        assert!(told.contains(wanted) && told.contains("detectors.toml"), "{wanted}: {told}");
    }
    place.write("signals/detectors.toml", &of("resource = \"File\"\nchange = \"open\"\nreveal = \"open\""));
    check(&run(["validate".as_ref(), place.policies.as_os_str()]), 0);
}

#[test]
fn accounts_of_some_types_are_compared_with_their_own_days() {
    let folder = folder();
    let place = Place::new(folder.path(), 32);
    for (itself, peers) in [
        ("System", json!({"name": "Person · north", "accounts": 20})),
        ("Person", json!({"name": "itself", "accounts": 1})),
    ] {
        // The schema is not asked: what is signalled are records.
        place.write(
            "signals/detectors.toml",
            &SETTINGS.replace("active_days = 5", &format!("active_days = 5\nitself = [\"{itself}\"]")),
        );
        let signals = place.replayed(&[]);
        assert_eq!((&signals[0]["account"], &signals[0]["peers"]), (&json!("Person::\"p7\""), &peers));
    }
}

#[tokio::test]
async fn signals_change_no_answer_and_a_rule_is_met_by_a_real_record() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    fs::write(
        policies.join("signals/rules.cedar"),
        "@id(\"rule.always\")\n@title(\"Every access.\")\n@score(\"5\")\nforbid (principal, action, resource);\n",
    )
    .unwrap();
    let sidecar = Sidecar::builder().policies(&policies).config("[signals]\nenabled = true\n").start();
    let plain = Sidecar::builder().start();
    let (answer, without) = (sidecar.evaluate(&allowed()).await, plain.evaluate(&allowed()).await);
    assert_eq!(answer["decision"], true);
    assert_eq!(answer["context"]["revision"], without["context"]["revision"], "a rule is no policy");
    let data = sidecar.data.to_str().unwrap();
    let (out, _) = check(
        &run(["signals", "replay", "--policies", policies.to_str().unwrap(), "--data", data, "--format", "json"]),
        0,
    );
    let signal: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(signal["detector"], "rule.always");
    assert_eq!(signal["account"], "Politie::Officer::\"officer-0007\"");
    assert_eq!(signal["evidence"][0]["trace_id"], answer["context"]["record"]["trace_id"]);
    assert_eq!(signal["evidence"][0]["seq"], sidecar.records()[0]["attributes"]["poort.log.seq"]);
}

#[test]
fn what_questions_say_is_read_from_their_records() {
    let folder = folder();
    let place = Place::new(folder.path(), 32);
    let mut log = fs::read_to_string(&place.log).unwrap();
    let named: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    let revisions = json!({
        "revision": named["attributes"]["adl.core.policies"]["policies"]["revision"],
        "directory_revision": named["attributes"]["adl.core.information"]["directory"]["revision"],
    });
    let first = log.lines().count() as u64;
    // At night, one file after the other is denied, and allowed for another purpose; another account says the same again.
    for seq in first..first + 16 {
        let account = if (seq - first) < 8 { 3 } else { 4 };
        let is_allowed = seq % 2 == 1;
        let mut asked = record(seq, 32, account, &format!("{}-file", seq / 2), "team-0", &revisions);
        let purpose = if account == 3 && is_allowed { "9" } else { "8" };
        asked["body"]["adl.core.request"]["context"] = json!({ "purpose": purpose });
        asked["body"]["adl.core.response"]["decision"] = is_allowed.into();
        asked["attributes"]["poort.pdp"]["hour"] = 3.into();
        writeln!(log, "{asked}").unwrap();
    }
    fs::write(&place.log, log).unwrap();
    let with = |parts: &str| {
        place.write("signals/detectors.toml", &SETTINGS.replace("[unexplained]\nweight = 1.0\n", parts));
        let signals: Vec<_> = place.replayed(&[]).into_iter().filter(|it| it["change"] == "opened").collect();
        signals
    };
    let circumstances = "[circumstances]\nmost = 1.5\nhour_share = 0.1\ndormant = 1.0\ndormant_days = 60\n";
    let shopping = "[shopping]\nscore = 3.0\nminutes = 10\ncontext = [\"purpose\"]\n";
    let found = with(&format!("{shopping}{circumstances}"));
    let [one] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((&one["account"], &one["detector"]), (&json!("Person::\"p3\""), &json!("shopping")));
    assert_eq!(one["circumstances"], json!(["hour"]), "{one}");
    let finding = &place.findings()[0];
    assert_eq!(finding["anomaly_analyses"][0]["anomalies"][1]["observed_pattern"], "OFF_HOURS", "{finding}");
    let late = with(&format!("{}{circumstances}", shopping.replace("\"purpose\"", "")));
    assert_eq!(late, Vec::<Value>::new(), "it is not said what is something else");
    // What is opened for a purpose is new for those that never had one, when they are compared with themselves.
    let itself = "[disclosure]\naction = \"open\"\nflow = [\"purpose\"]\nscore = 3.0\nweight = 1.0\nleast = 10\n";
    let text = SETTINGS.replace("active_days = 5", "active_days = 5\nitself = [\"Person\"]");
    place.write("signals/detectors.toml", &text.replace("[unexplained]\nweight = 1.0\n", itself));
    let found = place.replayed(&[]);
    let opened = found.iter().map(|it| (it["account"].as_str().unwrap(), it["detector"].as_str().unwrap()));
    let both = [("Person::\"p3\"", "new-disclosure"), ("Person::\"p4\"", "new-disclosure")];
    assert_eq!(opened.collect::<Vec<_>>(), both);
    place.findings();
}

#[tokio::test]
async fn a_task_of_the_account_or_its_team_is_a_reason() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    let subject = allowed()["subject"]["id"].as_str().unwrap().to_owned();
    let task = |id: &str, until: &str, doer: (&str, &str, String)| {
        let attrs =
            json!({"kind": "report", "from": "2026-01-01", "until": until, doer.0: {"type": doer.1, "id": doer.2}});
        json!({"uid": {"type": "Politie::Task", "id": id}, "parents": [], "attrs": attrs})
    };
    let of = |id: &str| ("account", "Politie::Officer", id.to_owned());
    let tasks = [
        task("own", "2999-12-31", of(&subject)),
        task("over", "2026-01-02", of(&subject)),
        task("of-another", "2999-12-31", of("officer-0008")),
        task("of-team", "2999-12-31", ("team", "Politie::Team", "heron".to_owned())),
        task("of-other-team", "2999-12-31", ("team", "Politie::Team", "kestrel".to_owned())),
    ];
    fs::write(policies.join("directory/tasks.json"), json!(tasks).to_string()).unwrap();
    let sidecar = Sidecar::builder().policies(&policies).start();
    for (task, is_reason) in [
        ("own", true),
        ("of-team", true),
        ("over", false),
        ("of-another", false),
        ("of-other-team", false),
        ("unknown", false),
    ] {
        let mut question = allowed();
        question["context"]["task"] = task.into();
        let answer = sidecar.evaluate(&question).await;
        assert_eq!(answer["decision"], true, "it opens and shuts nothing: {answer}");
        let trace = answer["context"]["record"]["trace_id"].as_str().unwrap();
        let (policies, data) = (policies.to_str().unwrap(), sidecar.data.to_str().unwrap());
        let (shown, _) = check(&run(["signals", "explain", trace, "--policies", policies, "--data", data]), 0);
        let line = if is_reason { "✓ explains it, reason.task" } else { "✗ does not apply, reason.task" };
        assert!(shown.contains(line), "{task}: {shown}");
    }
}

#[test]
fn what_the_log_leaves_out_counts_neither_way() {
    let folder = folder();
    let place = Place::new(folder.path(), 32);
    let conceal = |pointer: &str| {
        let log = fs::read_to_string(&place.log).unwrap();
        let lines = log.lines().map(|line| {
            let mut record: Value = serde_json::from_str(line).unwrap();
            record["attributes"]["poort.log.concealed"] = json!([pointer]);
            format!("{record}\n")
        });
        fs::write(&place.log, lines.collect::<String>()).unwrap();
    };
    conceal("/adl.core.request/resource/id");
    assert!(!place.replayed(&[]).is_empty(), "a pseudonym is as good as an id");
    conceal("/adl.core.request/resource/properties/team");
    let (out, told) = check(&place.signals("replay", &["--format", "json"]), 0);
    assert_eq!(out, "");
    assert!(told.contains("1926 decisions could not be judged: parts of the question were concealed"), "{told}");
    // One record that cannot be read hides nothing of the others.
    conceal("/adl.core.request/resource/id");
    let log = fs::read_to_string(&place.log).unwrap();
    fs::write(&place.log, log.replacen("\"span_id\":\"0000000000000001\"", "\"span_id\":\"none\"", 1)).unwrap();
    let (out, told) = check(&place.signals("replay", &["--format", "json"]), 1);
    assert!(
        out.contains("p7") && told.contains("1 records cannot be read; record 0: its trace_id or span_id is none"),
        "{told}"
    );
    let (_, told) = check(&place.signals("replay", &["--subject", "p7"]), 64);
    assert!(told.contains("--subject p7: a part of the records says nothing about what is usual"), "{told}");
}

#[test]
fn a_change_of_settings_is_told_in_words() {
    let folder = folder();
    let place = Place::new(folder.path(), 1);
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"];
        let output = Command::new("git").args(identity).args(arguments).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    git(&["init", "-q"]);
    git(&["add", "policies"]);
    git(&["commit", "-q", "-m", "before"]);
    let told = |base: &str, code| {
        let arguments = ["signals", "diff", base, "policies"];
        let mut poort = Command::new(env!("CARGO_BIN_EXE_poort"));
        check(&poort.args(arguments).current_dir(folder.path()).output().unwrap(), code).0
    };
    assert_eq!(told("git:HEAD", 0), "nothing differs in what is signalled\n");
    copy_folder(&place.policies, &folder.path().join("before"));
    place.write("signals/detectors.toml", &SETTINGS.replace("per_thousand = 0.3", "per_thousand = 0.6"));
    let decoy = REASONS.replace("decoy\");", "trap\");").replace("own-team", "team");
    place.write("signals/reasons.cedar", &decoy);
    let changed = told("git:HEAD", 5);
    for line in [
        "- signals for each 1 000 active accounts and workday: 0.6, before 0.3  [budget.per_thousand]",
        "- gone: The account is in the team of the file.  [own-team]",
        "- new: The account is in the team of the file.  [team]",
        "- other than before: The file exists for nobody.  [decoy]",
        "resource == File::\"trap\"",
    ] {
        assert!(changed.contains(line), "{line}: {changed}");
    }
    assert_eq!(changed, told("before", 5));
    let (_, told) = check(&run(["signals", "diff", "git:nothing"]), 64);
    assert!(told.contains("nothing"), "{told}");
}

#[test]
fn every_number_of_the_settings_has_a_meaning() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    let before = folder.path().join("before");
    copy_folder(&policies, &before);
    let settings = fs::read_to_string(policies.join("signals/detectors.toml")).unwrap();
    // Every number differs.
    let other: Vec<_> = settings
        .lines()
        .map(|line| match line.split_once(" = ") {
            Some((key, value)) if value.starts_with('[') => format!("{key} = [\"other\"] # {value}"),
            Some((key, value)) if value.starts_with('"') => {
                line.replace(&format!("{key} = \""), &format!("{key} = \"other-"))
            }
            Some((key, value)) => {
                let number = value.split_whitespace().next().unwrap();
                let is_part = ["weight", "score"].contains(&key);
                let other = if is_part { "0.35".to_owned() } else { format!("1{number}") };
                line.replace(&format!("{key} = {number}"), &format!("{key} = {other}"))
            }
            None => line.to_owned(),
        })
        .collect();
    fs::write(policies.join("signals/detectors.toml"), other.join("\n")).unwrap();
    let (changed, _) = check(&run(["signals".as_ref(), "diff".as_ref(), before.as_os_str(), policies.as_os_str()]), 5);
    let keys = settings.lines().filter(|line| line.contains(" = ")).count();
    assert_eq!(changed.lines().count(), keys, "{changed}");
    for line in changed.lines() {
        let (meaning, key) =
            line.split_once(": ").and_then(|(meaning, rest)| Some((meaning, rest.rsplit_once('[')?.1))).unwrap();
        assert!(!key.starts_with(meaning.trim_start_matches("- ")), "it has no words: {line}");
    }
}

#[test]
fn a_simulation_of_a_seed_is_the_same_again() {
    let place = folder();
    let settings = place.path().join("signals");
    fs::create_dir_all(&settings).unwrap();
    let short =
        SETTINGS.replace("baseline_days = 28", "baseline_days = 7").replace("\"station\"", "\"function\", \"post\"");
    fs::write(settings.join("detectors.toml"), short).unwrap();
    let simulate = |more: &[&str]| {
        let flags = ["signals", "simulate", "--accounts", "500", "--days", "14", "--against"];
        run(flags.into_iter().chain([place.path().to_str().unwrap()]).chain(more.iter().copied()))
    };
    let (json, told) = check(&simulate(&["--format", "json"]), 0);
    assert_eq!(check(&simulate(&["--format", "json"]), 0), (json.clone(), told));
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&report["budget"], &report["unknown"]), (&json!(0.3), &json!(["post"])));
    let (human, _) = check(&simulate(&["--quiet", "--seed", "8"]), 0);
    assert!(human.starts_with("A made-up force of ") && human.contains("\nfrom day 7 "), "{human}");
    assert!(!human.contains("large operation") && !human.contains("mole"), "{human}");
}

#[test]
fn a_simulation_that_makes_no_sense_is_refused() {
    let place = folder();
    let file = place.path().join("mine.csv");
    let simulate = |more: &[&str]| {
        let policies = policies();
        let flags = ["signals", "simulate", "--policies", policies.to_str().unwrap()];
        check(&run(flags.into_iter().chain(more.iter().copied())), 64).1
    };
    fs::write(&file, "pattern,accounts,per_day,on_days,own\nslow,2,1,8,no\nfast,2,many,1,no\n").unwrap();
    let told = simulate(&["--plant", file.to_str().unwrap()]);
    assert!(told.contains("mine.csv`, line 3, column `per_day`: `many` is not a number from 1 to 1000"), "{told}");
    fs::write(&file, "pattern,accounts,per_day,on_days,own\nslow,200,1,8,no\n").unwrap();
    for (flags, why) in [
        (&["--accounts", "499"][..], "500..=1000000"),
        (&["--days", "30"], "--days: 30 is too few; a baseline of 28 days and a week after it are 35"),
        (&["--missing", "1.5"], "--missing: `1.5` is not from 0 to 1"),
        (&["--budget", "0"], "--budget: `0` is not above 0"),
        (&["--operation", "58"], "--operation: of 60 days, 57 is the last that it can begin on"),
        (&["--accounts", "500", "--plant", file.to_str().unwrap()], "more than a quarter"),
        (&["--plant", "nowhere.csv"], "--plant: `nowhere.csv`: "),
    ] {
        let told = simulate(flags);
        assert!(told.contains(why), "{told}");
    }
}
