//! The keys of the log: without its key a log does not continue, and a new key takes a command and is recorded.

use super::{log, log_well};
use crate::support::{Sidecar, allowed, folder};
use serde_json::Value;
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

/// Asks once, and ends in order.
async fn serve(data: &Path) {
    let sidecar = Sidecar::builder().data(data).start();
    sidecar.evaluate(&allowed()).await;
    assert_eq!(sidecar.stop().code, Some(0));
}

#[tokio::test]
async fn a_new_key_for_a_log_is_recorded() {
    let folder = folder();
    let data = folder.path();
    let (code, _, told) = log("key", data, &["--new"]);
    assert!(code == 1 && told.contains("holds no log yet"), "{told}");
    serve(data).await;
    let first = log_well("key", data, &[]);
    for (name, flag) in [("log-key.pem", "--new"), ("pseudonym-keys", "--pseudonyms")] {
        fs::rename(data.join(name), data.join("kept")).unwrap();
        let ended = Sidecar::builder().data(data).fail();
        assert_eq!(ended.code, Some(1), "{}", ended.log);
        assert!(ended.log.contains(name) && ended.log.contains(&format!("poort log key {flag}")), "{}", ended.log);
        assert!(!data.join(name).exists());
        fs::rename(data.join("kept"), data.join(name)).unwrap();
    }
    serve(data).await;

    let (code, second, told) = log("key", data, &["--new"]);
    assert!(code == 0 && told.contains("is kept as"), "{told}");
    assert_ne!(second, first);
    assert_eq!(log_well("key", data, &[]), second);
    serve(data).await;
    let keys = ["--key", first.trim(), "--key", second.trim()];
    let (code, said, _) = log("verify", data, &keys);
    assert_eq!(code, 0, "{said}");
    let all = log_well("cat", data, &["--all"]);
    let all = all.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told: Vec<_> = all.filter(|record| record["event_name"] == "poort.log.key").collect();
    // Under the old key, and again under the new one.
    assert_eq!(told.len(), 2);
    for record in told {
        assert_eq!(record["attributes"]["poort.key.before"], first.trim());
        assert_eq!(record["attributes"]["poort.key.public"], second.trim());
    }

    // The key is gone, and so are those of pseudonyms.
    fs::remove_file(data.join("log-key.pem")).unwrap();
    fs::remove_file(data.join("pseudonym-keys")).unwrap();
    let third = log_well("key", data, &["--new", "--pseudonyms"]);
    assert_eq!(log_well("key", data, &[]), third);
    serve(data).await;
    let mode = fs::metadata(data.join("log-key.pem")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
}

#[tokio::test]
async fn a_configured_key_changes_only_on_purpose() {
    let folder = folder();
    let data = folder.path().join("data");
    let config = folder.path().join("key.toml");
    let key = folder.path().join("key.pem");
    fs::write(&config, format!("[log]\nkey = \"{}\"\n", key.display())).unwrap();
    let named = format!("[log]\nkey = \"{}\"\n", key.display());
    let make = |name: &str| {
        let other = crate::support::folder();
        let sidecar = Sidecar::builder().data(other.path()).start();
        assert_eq!(sidecar.stop().code, Some(0), "{name}");
        fs::copy(other.path().join("log-key.pem"), &key).unwrap();
    };
    make("first");
    assert_eq!(Sidecar::builder().data(&data).config(&named).start().stop().code, Some(0));
    make("second");
    let ended = Sidecar::builder().data(&data).config(&named).fail();
    assert!(ended.log.contains("another key") && ended.log.contains("poort log key --new"), "{}", ended.log);
    log_well("key", &data, &["--new", "--config", config.to_str().unwrap()]);
    assert_eq!(Sidecar::builder().data(&data).config(&named).start().stop().code, Some(0));
    // poort does not write where the configuration points.
    let (code, _, told) = log("key", &data, &["--new", "--config", config.to_str().unwrap()]);
    assert!(code == 1 && told.contains("put the new key in"), "{told}");
}

#[test]
fn what_is_made_is_for_poort_alone_whatever_the_umask() {
    let folder = folder();
    let data = folder.path().join("made").join("data");
    let open = ["sh", "-c", "umask 000; exec \"$@\"", "sh"];
    let sidecar = Sidecar::builder().data(&data).wrapper(open).start();
    assert_eq!(sidecar.stop().code, Some(0));
    let mut seen = Vec::new();
    look(&data, &mut seen);
    assert!(seen.len() > 6, "{seen:?}");
    for (path, mode) in seen {
        assert_eq!(mode & 0o027, 0, "{path}: {mode:o}");
    }
}

/// The modes of a folder and all below it; `0o050` of a folder is for the group that ships records.
fn look(path: &Path, seen: &mut Vec<(String, u32)>) {
    let metadata = fs::symlink_metadata(path).unwrap();
    seen.push((path.display().to_string(), metadata.permissions().mode() & 0o777));
    if metadata.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| look(&entry.unwrap().path(), seen));
    }
}
