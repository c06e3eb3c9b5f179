//! A folder that was put back from a backup goes on under a new name, and everybody can tell the two apart.

use super::{log, log_well};
use crate::support::{Sidecar, allowed, copy_folder, folder, repository};
use serde_json::Value;
use std::{collections::HashMap, env, fs, path::Path, process::Command};

/// Asks so often, ships to a file, and ends in order.
async fn serve(data: &Path, lines: &Path, calls: usize) {
    let config = format!("[ship.lines]\nkind = \"json-lines\"\npath = \"{}\"\n", lines.display());
    let sidecar = Sidecar::builder().data(data).config(&config).start();
    for _ in 0..calls {
        sidecar.evaluate(&allowed()).await;
    }
    assert_eq!(sidecar.stop().code, Some(0));
}

#[tokio::test]
async fn a_restored_log_goes_on_under_a_new_name() {
    let folder = folder();
    let [data, backup, lines] = ["data", "backup", "lines.jsonl"].map(|name| folder.path().join(name));
    serve(&data, &lines, 20).await;
    copy_folder(&data, &backup);
    serve(&data, &lines, 10).await;
    let old = log_well("key", &data, &[]);
    let lost = log_well("cat", &data, &["--all"]).lines().count();
    let newest = poort::record::decision_log::newest_checkpoint(&data.join("records")).unwrap().unwrap().0;
    fs::remove_dir_all(&data).unwrap();
    fs::rename(&backup, &data).unwrap();
    let put_back = log_well("cat", &data, &["--all"]).lines().count();

    let (code, new, told) = log("restored", &data, &[]);
    assert!(code == 0 && told.contains("goes on as"), "{told}");
    assert_ne!(new, old);
    assert_eq!(log_well("key", &data, &[]), new);
    serve(&data, &lines, 15).await;
    serve(&data, &lines, 5).await;

    let keys = ["--key", old.trim(), "--key", new.trim()];
    let (code, said, _) = log("verify", &data, &keys);
    assert!(code == 0 && said.contains(&format!("0 to {} from a backup", put_back - 1)), "{said}");
    assert_eq!(log("verify", &data, &keys[..2]).0, 3, "the new name has its own line");
    assert_eq!(log("verify", &data, &[]).0, 0, "its own key has both names");
    // Who kept a checkpoint of what is lost sees that it is.
    let kept = folder.path().join("kept.note");
    fs::write(&kept, newest).unwrap();
    let (code, said, _) = log("verify", &data, &[&keys[..], &["--checkpoint", kept.to_str().unwrap()]].concat());
    assert!(code == 3 && said.contains(&format!("cut off: the log ends at record {put_back}")), "{said}");

    let told: Vec<Value> = log_well("cat", &data, &[])
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|record: &Value| record["event_name"] == "poort.log.restored")
        .collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["attributes"]["poort.restored.size"], put_back);
    assert_eq!(told[0]["attributes"]["poort.restored.origin"], old.split('+').next().unwrap());

    // A sink has all of both, and no two records of one name and number.
    let mut places = HashMap::new();
    for line in fs::read_to_string(&lines).unwrap().lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let place = |name: &str| record["attributes"][name].to_string();
        let place = (place("poort.log.origin"), place("poort.log.seq"));
        let before = places.entry(place).or_insert_with(|| line.to_owned());
        assert_eq!(before, line);
    }
    assert!(places.len() > lost + 20, "{} of {lost}", places.len());
    let received = [&keys[..], &["--received", lines.to_str().unwrap()]].concat();
    let elsewhere = folder.path().join("elsewhere");
    // With the log at hand too: what was lost is not compared with what has its numbers now.
    for beside in [&elsewhere, &data] {
        let (code, said, _) = log("verify", beside, &received);
        assert_eq!(code, 0, "{said}");
    }
    // Under the new name an altered record is named.
    let all = fs::read_to_string(&lines).unwrap();
    let is_new = |line: &&str| line.contains(new.split('+').next().unwrap()) && line.contains("officer-0007");
    let altered = all.lines().filter(is_new).nth(3).unwrap();
    fs::write(&lines, all.replace(altered, &altered.replace("officer-0007", "officer-0008"))).unwrap();
    let (code, said, _) = log("verify", &data, &received);
    let record: Value = serde_json::from_str(altered).unwrap();
    let named = format!("altered: record {}\n", record["attributes"]["poort.log.seq"]);
    assert!(code == 3 && said.contains(&named), "{named}: {said}");
}

#[tokio::test]
async fn a_restored_log_is_proven_and_can_be_restored_again() {
    let folder = folder();
    let [data, lines] = ["data", "lines.jsonl"].map(|name| folder.path().join(name));
    serve(&data, &lines, 5).await;
    let mut keys = vec![log_well("key", &data, &[])];
    for _ in 0..2 {
        let (code, new, _) = log("restored", &data, &[]);
        assert_eq!(code, 0);
        keys.push(new);
        serve(&data, &lines, 5).await;
    }
    let given: Vec<_> = keys.iter().flat_map(|key| ["--key", key.trim()]).collect();
    for given in [&given[..], &[]] {
        let (code, said, _) = log("verify", &data, given);
        assert!(code == 0 && said.matches("from a backup").count() == 2, "{said}");
    }
    // A record of the first name has a receipt under the last.
    let out = folder.path().join("receipts");
    assert_eq!(log("prove", &data, &["--subject", "officer-0007", "--out", out.to_str().unwrap()]).0, 0);
    for receipt in fs::read_dir(&out).unwrap() {
        let output =
            crate::support::run(["log", "check", receipt.unwrap().path().to_str().unwrap(), "--key", keys[2].trim()]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let sidecar = Sidecar::builder().data(&data).start();
    let (code, _, told) = log("restored", &data, &[]);
    assert!(code == 1 && told.contains("stop it first"), "{told}");
    drop(sidecar);
}

/// Files that root leaves in the folder of another user stop the server of that user.
#[tokio::test]
async fn commands_that_write_refuse_another_users_folder() {
    let folder = folder();
    let [data, lines] = ["data", "lines.jsonl"].map(|name| folder.path().join(name));
    serve(&data, &lines, 1).await;
    let config = folder.path().join("poort.toml");
    fs::write(&config, format!("[ship.lines]\nkind = \"json-lines\"\npath = \"{}\"\n", lines.display())).unwrap();
    let records = data.join("records");
    let others = if rustix::process::geteuid().is_root() { 65_534 } else { 0 };
    let mut give = if others == 0 { Command::new("sudo") } else { Command::new("env") };
    assert!(give.arg("chown").arg(others.to_string()).arg(&records).status().unwrap().success());
    let before = fs::read_dir(&records).unwrap().count();
    for command in [&["restored"][..], &["key", "--new"], &["ship", "--sink", "lines", "--from", "0"]] {
        let (code, _, told) =
            log(command[0], &data, &[&command[1..], &["--config", config.to_str().unwrap()]].concat());
        assert!(code == 1 && told.contains(&format!("is of user {others}")), "{command:?}: {told}");
    }
    assert_eq!(fs::read_dir(&records).unwrap().count(), before);
}

#[tokio::test]
async fn the_page_for_operators_backs_up_and_restores() {
    let folder = folder();
    let [data, lines] = ["data", "lines.jsonl"].map(|name| folder.path().join(name));
    serve(&data, &lines, 10).await;
    let page = fs::read_to_string(repository().join("docs/operating.md")).unwrap();
    let script = |heading: &str| {
        let section = page.split(&format!("\n## {heading}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
        let script = section.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
        let binary = Path::new(env!("CARGO_BIN_EXE_poort")).parent().unwrap();
        let path = format!("{}:{}", binary.display(), env::var("PATH").unwrap());
        Command::new("sh").args(["-euc", script]).current_dir(folder.path()).env("PATH", path).status().unwrap()
    };
    let run = |heading: &str| assert!(script(heading).success(), "{heading}");
    run("Custody of keys");
    run("Back up");
    // What a backup copies holds no secret.
    let names: Vec<_> =
        fs::read_dir(folder.path().join("backup")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        names.iter().all(|name| ["records", "revisions", "quarantine"].contains(&name.to_str().unwrap())),
        "{names:?}"
    );
    serve(&data, &lines, 10).await;
    let before = fs::read(data.join("records/head")).unwrap();
    assert!(!script("Restore").success(), "a folder is there");
    assert_eq!(fs::read(data.join("records/head")).unwrap(), before);
    fs::remove_dir_all(&data).unwrap();
    run("Restore");
    serve(&data, &lines, 10).await;
    let key = folder.path().join("log.key");
    let (code, said, _) = log("verify", &data, &["--key", key.to_str().unwrap()]);
    assert!(code == 0 && said.contains("from a backup"), "{said}");
}
