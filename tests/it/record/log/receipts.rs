//! Receipts: made from a log, checked by poort and by the program of the page, which shares nothing with it.

use super::{SMALL, log, log_well};
use crate::support::{Sidecar, allowed, folder, repository, run};
use poort::record::decision_log::newest_checkpoint;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The program of `docs/decision-log.md`, with the Python that `tests/run` installs. `None` where it refuses.
pub(in crate::record) fn python(receipt: &Path, key: &str, quorum: usize, witnesses: &[&str]) -> Option<String> {
    let page = fs::read_to_string(repository().join("docs/decision-log.md")).unwrap();
    let program = page.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(program.lines().count() <= 60, "{}", program.lines().count());
    let python = repository().join("target/tests/python/bin/python");
    assert!(python.exists(), "tests/run installs it");
    let mut command = Command::new(python);
    command.args(["-c", program]).arg(receipt).args([key.trim(), &quorum.to_string()]).args(witnesses);
    let output = command.output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

/// What `poort log check` prints of a record. `None` where it refuses.
fn check(receipt: &Path, more: &[&str]) -> Option<String> {
    let mut arguments = vec!["log", "check", receipt.to_str().unwrap(), "--record"];
    arguments.extend(more);
    let output = run(arguments);
    let out = String::from_utf8(output.stdout).unwrap();
    match output.status.code() {
        Some(0) => Some(out),
        code => {
            assert_eq!((code, out.as_str()), (Some(3), ""), "{}", String::from_utf8_lossy(&output.stderr));
            None
        }
    }
}

/// Asks so often, and ends in order. Returns the identities of the records.
async fn serve(data: &Path, calls: usize) -> Vec<String> {
    let sidecar = Sidecar::builder().data(data).config(SMALL).start();
    for _ in 0..calls {
        sidecar.evaluate(&allowed()).await;
    }
    let text = |record: &Value, name: &str| record[name].as_str().unwrap().to_owned();
    let named = sidecar
        .records()
        .iter()
        .map(|record| format!("{}:{}", text(record, "trace_id"), text(record, "span_id")))
        .collect();
    assert_eq!(sidecar.stop().code, Some(0));
    named
}

#[tokio::test]
async fn a_receipt_proves_its_record_with_public_keys_alone() {
    let folder = folder();
    let data = folder.path().join("data");
    let named = serve(&data, 300).await;
    let key = log_well("key", &data, &[]);
    let lines = log_well("cat", &data, &[]);
    let receipt = folder.path().join("one.tlog-proof");
    for at in [0, 150, 299] {
        let text = log_well("prove", &data, &[&named[at]]);
        fs::write(&receipt, &text).unwrap();
        let record = lines.lines().nth(at).unwrap();
        assert_eq!(check(&receipt, &["--key", &key]).unwrap().trim_end(), record);
        assert_eq!(python(&receipt, &key, 0, &[]).unwrap().trim_end(), record);
        let beside = text.len() - text.lines().nth(1).unwrap().len();
        assert!(beside < 1200, "{beside} bytes beside the record");
    }
    let human = run(["log", "check", receipt.to_str().unwrap(), "--key", key.trim()]);
    assert!(String::from_utf8(human.stdout).unwrap().contains("this record is in the log"));
}

#[tokio::test]
async fn a_receipt_that_was_changed_proves_nothing() {
    let folder = folder();
    let data = folder.path().join("data");
    let named = serve(&data, 20).await;
    let key = log_well("key", &data, &[]);
    let (one, other) = (log_well("prove", &data, &[&named[7]]), log_well("prove", &data, &[&named[8]]));
    let line = |text: &str, number: usize| text.lines().nth(number).unwrap().to_owned();
    let receipt = folder.path().join("changed.tlog-proof");
    let changes = [
        one.replace(&line(&one, 1), &line(&other, 1)),
        one.replace(&line(&one, 2), "index 9"),
        one.replace(&line(&one, 3), &line(&one, 4)),
        one.replace(&format!("{}\n", line(&one, 3)), ""),
        one.replacen("poort/", "poort-/", 1),
        one.replace("\u{2014} poort/", "\u{2014} poor/"),
    ];
    for changed in changes {
        assert_ne!(changed, one);
        fs::write(&receipt, &changed).unwrap();
        assert_eq!(check(&receipt, &["--key", &key]), None, "{changed}");
        assert_eq!(python(&receipt, &key, 0, &[]), None, "{changed}");
    }
    // The key of another log.
    let elsewhere = folder.path().join("elsewhere");
    serve(&elsewhere, 1).await;
    fs::write(&receipt, &one).unwrap();
    let key = log_well("key", &elsewhere, &[]);
    assert_eq!((check(&receipt, &["--key", &key]), python(&receipt, &key, 0, &[])), (None, None));
}

#[tokio::test]
async fn an_unusable_cosigned_checkpoint_hinders_no_receipt() {
    let folder = folder();
    let [data, elsewhere, receipt] = ["data", "elsewhere", "one.tlog-proof"].map(|name| folder.path().join(name));
    let named = serve(&data, 5).await;
    serve(&elsewhere, 20).await;
    let key = log_well("key", &data, &[]);
    let newest = |data: &Path| newest_checkpoint(&data.join("records")).unwrap().unwrap().0;
    let own = newest(&data);
    for cosigned in ["", "\0\0\0\0", &own[..own.len() - 9], &newest(&elsewhere)] {
        fs::write(data.join("cosigned"), cosigned).unwrap();
        fs::write(&receipt, log_well("prove", &data, &[&named[3]])).unwrap();
        assert!(check(&receipt, &["--key", &key]).is_some(), "{cosigned}");
    }
}

#[tokio::test]
async fn each_record_that_is_selected_gets_a_receipt() {
    let folder = folder();
    let (data, out) = (folder.path().join("data"), folder.path().join("receipts"));
    let named = serve(&data, 12).await;
    let key = log_well("key", &data, &[]);
    let (code, _, told) = log("prove", &data, &["--subject", "officer-0007", "--out", out.to_str().unwrap()]);
    assert!(code == 0 && told.starts_with("12 in "), "{told}");
    for name in &named {
        let receipt: PathBuf = out.join(name.replace(':', "-")).with_extension("tlog-proof");
        assert!(check(&receipt, &["--key", &key]).unwrap().contains(&name[..32]));
    }
    let (code, _, told) = log("prove", &data, &["--subject", "nobody", "--out", out.to_str().unwrap()]);
    assert!(code == 1 && told.contains("no record was found"), "{told}");
    let unknown = format!("{}:{}", "1".repeat(32), "1".repeat(16));
    assert_eq!(log("prove", &data, &[&unknown]).0, 1);
}
