//! `poort log cat`: finds with each filter what a search through all records finds.

use super::{SMALL, ask, damage, log, log_well, one_of};
use crate::support::{Sidecar, copy_folder, folder, records};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::Path,
    time::{Duration, SystemTime},
};

/// A decision of a record, by plain JSON.
#[derive(Debug, Clone, PartialEq)]
struct Decision {
    parts: BTreeMap<&'static str, Value>,
    answer: Option<Value>,
}

/// The decisions of a record, found without any of poort's code.
fn decisions(record: &Value) -> Vec<Decision> {
    let (request, response) = (&record["body"]["adl.core.request"], &record["body"]["adl.core.response"]);
    let part = |item: &Value, name: &str| item.get(name).or(request.get(name)).cloned().unwrap_or_default();
    let decision = |item: &Value, answer: Option<&Value>| Decision {
        parts: ["subject", "action", "resource", "context"].map(|name| (name, part(item, name))).into(),
        answer: answer.cloned(),
    };
    match request["evaluations"].as_array() {
        None => vec![decision(request, Some(response).filter(|it| !it.is_null()))],
        Some(items) if response.is_null() => items.iter().map(|item| decision(item, None)).collect(),
        Some(items) => {
            let answers = response["evaluations"].as_array().unwrap();
            items.iter().zip(answers).map(|(item, answer)| decision(item, Some(answer))).collect()
        }
    }
}

/// Whether a decision fits a flag and its value.
fn fits(decision: &Decision, flag: &str, value: &str) -> bool {
    let answer = decision.answer.clone().unwrap_or_default();
    let named = |role| {
        let (kind, id) = (&decision.parts[role]["type"], &decision.parts[role]["id"]);
        let Some((kind, id)) = kind.as_str().zip(id.as_str()) else { return false };
        let short = kind.rsplit("::").next().unwrap();
        // Quotes are around the empty id alone here.
        let value = value.replace("\"\"", "");
        [id.to_owned(), format!("{kind}::{id}"), format!("{short}::{id}"), format!("Politie::{short}::{id}")]
            .contains(&value)
    };
    let context = &answer["context"];
    match flag {
        "--subject" => named("subject"),
        "--resource" => named("resource"),
        "--action" => decision.parts["action"]["name"] == value,
        "--decision" => answer["decision"] == (value == "allow") && decision.answer.is_some(),
        "--policy" => context["policies"].as_array().is_some_and(|found| found.iter().any(|it| it["id"] == value)),
        "--errors" => {
            let failed = context["errors"].as_array().is_some_and(|errors| !errors.is_empty());
            decision.answer.is_none() || failed || context.get("error").is_some()
        }
        other => panic!("{other}"),
    }
}

/// Flags with values at random, one of each kind at most.
fn flags() -> Vec<(&'static str, String)> {
    let values: &[(&str, &[&str])] = &[
        (
            "--subject",
            &[
                "officer-0007",
                "Officer::officer-0007",
                "Politie::Officer::officer-0008",
                "a\"b\\c::d",
                "é\n",
                "Unit::x",
            ],
        ),
        (
            "--resource",
            &["inv-0042", "Investigation::inv-0043", "officer-0007", "\"\"", "Investigation::\"\"", "Nothing::x"],
        ),
        ("--action", &["consult", "erase", "nothing"]),
        ("--decision", &["allow", "deny"]),
        ("--policy", &["summit.team", "never.embargo", "no.policy"]),
        ("--errors", &[""]),
    ];
    let chosen = values.iter().filter(|_| rand::random_range(0..3) == 0);
    let flags: Vec<_> = chosen.map(|(flag, values)| (*flag, one_of(values).to_owned())).collect();
    if flags.is_empty() { vec![("--subject", "officer-0007".to_owned())] } else { flags }
}

#[tokio::test]
async fn each_filter_finds_what_a_search_through_all_records_finds() {
    let sidecar = Sidecar::builder().config(SMALL).start();
    ask(&sidecar, 150).await;
    let all = sidecar.records();
    let mut found_any = 0;
    for _ in 0..30 {
        let flags = flags();
        let words: Vec<_> = flags
            .iter()
            .flat_map(
                |(flag, value)| {
                    if *flag == "--errors" { vec![(*flag).to_owned()] } else { vec![format!("{flag}={value}")] }
                },
            )
            .collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let fit = |decision: &Decision| flags.iter().all(|(flag, value)| fits(decision, flag, value));
        let expected: Vec<_> = all.iter().filter(|record| decisions(record).iter().any(fit)).cloned().collect();
        let found = lines(&log_well("cat", &sidecar.data, &words));
        assert_eq!(found, expected, "{words:?}");
        found_any += usize::from(!found.is_empty());

        let limited = lines(&log_well("cat", &sidecar.data, &[&words[..], &["--limit=3"]].concat()));
        assert_eq!(limited, expected[..expected.len().min(3)], "{words:?}");
        let last = lines(&log_well("cat", &sidecar.data, &[&words[..], &["--last=3"]].concat()));
        assert_eq!(last, expected[expected.len().saturating_sub(3)..], "{words:?}");

        let rows = rows(&log_well("cat", &sidecar.data, &[&words[..], &["--format=csv"]].concat()));
        let of = |record: &Value| (0..).zip(decisions(record)).filter(|(_, it)| fit(it)).collect::<Vec<_>>();
        let fitting =
            expected.iter().flat_map(|record| of(record).into_iter().map(move |(item, it)| (record, item, it)));
        let fitting: Vec<_> = fitting.map(|(record, item, decision)| row(record, item, &decision)).collect();
        assert_eq!(rows, fitting, "{words:?}");
        let table = log_well("cat", &sidecar.data, &[&words[..], &["--format=table"]].concat());
        let (heading, lines) = table.split_once('\n').unwrap_or_default();
        assert_eq!(lines.lines().count(), fitting.len(), "{words:?}\n{table}");
        assert!(fitting.is_empty() || heading.starts_with("when ") && heading.contains(" subject "), "{heading}");
        assert!(
            lines.lines().all(|line| line.get(23..31).is_some_and(|zone| [" +01:00 ", " +02:00 "].contains(&zone))),
            "{table}"
        );
    }
    assert!(found_any > 5, "{found_any} of 30 found anything");
}

fn lines(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The columns of the CSV form that say what was decided.
fn rows(out: &str) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(out.as_bytes());
    let wanted = ["seq", "item", "subject_type", "subject", "action", "resource", "decision", "policies", "purpose"];
    let headers = reader.headers().unwrap().clone();
    let at: Vec<_> = wanted.iter().map(|name| headers.iter().position(|it| it == *name)).collect();
    reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            at.iter().map(|at| record[at.unwrap()].to_owned()).collect()
        })
        .collect()
}

fn row(record: &Value, item: usize, decision: &Decision) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let answer = decision.answer.clone().unwrap_or_default();
    let policies = answer["context"]["policies"].as_array().cloned().unwrap_or_default();
    let is_batch = record["event_name"] == "adl.access_evaluations";
    let parts = &decision.parts;
    vec![
        record["attributes"]["poort.log.seq"].to_string(),
        if is_batch { item.to_string() } else { String::new() },
        text(&parts["subject"]["type"]),
        text(&parts["subject"]["id"]),
        text(&parts["action"]["name"]),
        text(&parts["resource"]["id"]),
        match answer["decision"].as_bool() {
            Some(true) => "allow".to_owned(),
            Some(false) => "deny".to_owned(),
            None => String::new(),
        },
        policies.iter().map(|policy| text(&policy["id"])).collect::<Vec<_>>().join(" "),
        text(&parts["context"]["purpose"]),
    ]
}

#[tokio::test]
async fn times_and_traces_find_their_records_over_all_segments() {
    let sidecar = Sidecar::builder().config(SMALL).start();
    ask(&sidecar, 120).await;
    let all = sidecar.records();
    let at = |record: &Value| record["timestamp"].as_i64().unwrap();
    let text = |millis: i64| jiff::Timestamp::from_millisecond(millis).unwrap().to_string();
    for _ in 0..20 {
        let (mut since, mut until) = (at(&one_of(&all)), at(&one_of(&all)));
        if since >= until {
            (since, until) = (until, since + 1);
        }
        let expected: Vec<_> = all.iter().filter(|it| (since..until).contains(&at(it))).cloned().collect();
        let (since, until) = (text(since), text(until));
        let found = lines(&log_well("cat", &sidecar.data, &["--since", &since, "--until", &until]));
        assert_eq!(found, expected, "{since} {until}");
    }
    assert_eq!(lines(&log_well("cat", &sidecar.data, &["--since", "1h ago"])), all);
    assert_eq!(log_well("cat", &sidecar.data, &["--until", "1h ago"]), "");
    let one = one_of(&all);
    let found = lines(&log_well("cat", &sidecar.data, &["--trace", one["trace_id"].as_str().unwrap()]));
    assert_eq!(found, [one]);
    // Checkpoints have a time too, and no subject.
    let everything = lines(&log_well("cat", &sidecar.data, &["--all"]));
    assert!(everything.len() > all.len());
    let some = lines(&log_well("cat", &sidecar.data, &["--all", "--subject", "nobody", "--since", "1h ago"]));
    assert!(!some.is_empty() && some.iter().all(|record| record["event_name"] == "poort.log.checkpoint"), "{some:?}");
}

#[tokio::test]
async fn dates_skip_only_segments_without_doubt() {
    let sidecar = Sidecar::builder().config(SMALL).start();
    ask(&sidecar, 120).await;
    let data = sidecar.data.clone();
    let copy = folder();
    copy_folder(&data.join("records"), &copy.path().join("records"));
    let all = records(copy.path()).len();
    let count = |more: &[&str]| log_well("cat", copy.path(), more).lines().count();
    // Within the margin for clocks that jump, the date of a file says nothing.
    set_oldest(copy.path(), Duration::from_secs(20 * 3600));
    assert_eq!(count(&["--since", "1h ago"]), all);
    // Beyond it, it does, which shows that the file is not read.
    set_oldest(copy.path(), Duration::from_secs(72 * 3600));
    let found = count(&["--since", "1h ago"]);
    assert!(found < all && found > 0, "{found} of {all}");
    assert_eq!(count(&["--since", "1h ago", "--every-segment"]), all);
    assert_eq!(count(&["--last", "1000", "--since", "1h ago"]), found);
    // A file is not skipped for being younger than it should be.
    set_oldest(copy.path(), Duration::ZERO);
    assert_eq!(count(&["--until", "2100-01-01"]), all);
}

/// Dates the oldest segment back.
fn set_oldest(data: &Path, age: Duration) {
    let oldest = data.join("records/0000000000000000.seg");
    File::options().write(true).open(oldest).unwrap().set_modified(SystemTime::now() - age).unwrap();
}

#[tokio::test]
async fn a_callers_text_cannot_steer_a_terminal_or_spreadsheet() {
    let sidecar = Sidecar::builder().start();
    let mut question = crate::support::denied();
    question["subject"]["id"] = "=1+1\u{1b}[31m\nallow".into();
    sidecar.evaluate(&question).await;
    let table = log_well("cat", &sidecar.data, &["--format", "table"]);
    assert_eq!(table.lines().count(), 2, "{table:?}");
    assert!(table.contains("\\u{1b}[31m\\u{a}allow") && !table.contains('\u{1b}'), "{table:?}");
    let csv = log_well("cat", &sidecar.data, &["--format", "csv"]);
    assert!(csv.contains("'=1+1"), "{csv:?}");

    // In no form, and with no other value.
    let id = "\u{1b}[31m\u{9b}31m\u{202e}\u{7f}x\\u202e";
    question["subject"]["id"] = id.into();
    sidecar.evaluate(&question).await;
    let acts = |text: &str| text.contains(|it: char| it != '\n' && (it.is_control() || it == '\u{202e}'));
    for form in ["json", "table", "csv"] {
        let out = log_well("cat", &sidecar.data, &["--format", form]);
        assert!(!acts(&out) && out.contains("31mx") == out.is_empty(), "{form}: {out:?}");
    }
    let json = log_well("cat", &sidecar.data, &["--last", "1"]);
    let shown: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(shown["body"]["adl.core.request"]["subject"]["id"], id);

    // What was printed proves as much as what is on disk.
    let data = sidecar.data.clone();
    let ended = sidecar.stop();
    assert_eq!(ended.code, Some(0));
    let received = data.join("received.jsonl");
    fs::write(&received, log_well("cat", &data, &["--all"])).unwrap();
    let key = log_well("key", &data, &[]);
    let (code, said, _) = log("verify", &data, &["--key", key.trim(), "--received", received.to_str().unwrap()]);
    assert!(code == 0 && said.contains("nothing is missing or altered"), "{said}");
}

#[tokio::test]
async fn broken_input_is_told_and_never_an_empty_result() {
    for flags in [
        &["--since", "yesterday-ish"][..],
        &["--until", "2026-13-01"],
        &["--since", "2026-02-01", "--until", "2026-01-01"],
        &["--trace", "xyz"],
        &["--decision", "maybe"],
        &["--limit", "3", "--last", "3"],
        &["--last", "0"],
    ] {
        let (code, out, told) = log("cat", Path::new("/nowhere"), flags);
        assert_eq!((code, out.as_str()), (64, ""), "{flags:?}");
        assert!(told.contains(flags[0]), "{flags:?}: {told}");
    }
    for more in [&[][..], &["--last", "3"], &["--follow"], &["--subject", "x"]] {
        let (code, out, told) = log("cat", Path::new("/nowhere"), more);
        assert_eq!((code, out.as_str()), (1, ""), "{more:?}");
        assert!(told.contains("/nowhere/records"), "{told}");
    }
    let sidecar = Sidecar::builder().config(SMALL).start();
    ask(&sidecar, 100).await;
    let whole = log_well("cat", &sidecar.data, &[]);
    let copy = folder();
    copy_folder(&sidecar.data, copy.path());
    damage(copy.path());
    for more in [&[][..], &["--follow"], &["--last", "1000"]] {
        let (code, out, told) = log("cat", copy.path(), more);
        assert_eq!(code, 1, "{more:?}");
        assert!(
            told.contains("0000000000000000.seg") && told.contains("records that were on disk cannot be read")
                || told.contains("no record"),
            "{told}"
        );
        assert!(whole.starts_with(&out) && out.len() < whole.len(), "{more:?}");
    }
    fs::remove_dir_all(copy.path().join("records")).unwrap();
    assert_eq!(log("cat", copy.path(), &[]).0, 1);
}
