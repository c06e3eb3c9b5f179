//! A sidecar takes the next trust file from the courier, and never goes back to an older one.

use super::{trust_attacks::Rotation, *};
use poort::sources::bundle::{NextTrust, Trust};
use rustix::process::Signal;

impl Rotation {
    pub fn bring(&self, next: &NextTrust) {
        let name = format!("voorbeeld-{}.trust", next.trust().file().version);
        self.place.bring_bytes(&name, &next.write().unwrap());
    }

    fn take_away(&self, version: u64) {
        fs::remove_file(self.place.path(&format!("courier/voorbeeld-{version}.trust"))).unwrap();
    }

    /// The second trust file: without Bram and Cora.
    pub fn second(&self) -> NextTrust {
        self.signed(&self.after(&self.pinned(), &["anna", "dirk", "emma"]), &["anna", "bram", "dirk"])
    }
}

pub async fn until_trust(sidecar: &Sidecar, version: u64) {
    let is_there = async || (status(sidecar).await["trust"]["version"] == version).then_some(());
    until("the trust file", is_there).await;
}

/// The versions of trust files that the log calls active.
fn trusted(data: &Path) -> Vec<Value> {
    let output = run(["log".as_ref(), "cat".as_ref(), "--data".as_ref(), data.as_os_str()]);
    let (text, _) = check(&output, 0);
    let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let taken = records.filter(|record| record["event_name"] == "poort.trust.activated");
    taken.map(|record| record["attributes"].clone()).collect()
}

/// A place where the second trust file was taken and poort has ended, and the active bundle, which Anna and Dirk signed.
async fn after_the_second() -> (Rotation, NextTrust, Bundle) {
    let rotation = Rotation::new();
    let first = rotation.place.sign(bundle(&files(1), 1, None), &["anna", "bram", "dirk"]);
    rotation.place.bring(&first);
    let sidecar = rotation.place.sidecar("").start();
    assert_eq!(status(&sidecar).await["trust"]["version"], 1);
    let second = rotation.second();
    rotation.bring(&second);
    until_trust(&sidecar, 2).await;
    assert_eq!(sidecar.stop().code, Some(0));
    (rotation, second, first)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_officer_counts_no_more_for_what_comes() {
    let rotation = Rotation::new();
    let place = &rotation.place;
    let first = place.sign(bundle(&files(1), 1, None), &["anna", "bram"]);
    place.bring(&first);
    let sidecar = place.sidecar("").start();
    rotation.bring(&rotation.second());
    until_trust(&sidecar, 2).await;
    sidecar.wait_for_line("A new trust file counts.");
    // Bram signed what is active. It stays, and operators are told.
    sidecar.wait_for_line("sign it once more");
    assert_eq!(level(&sidecar).await, 1);
    let second = bundle(&files(2), 2, Some(&first));
    place.bring(&place.sign(second.clone(), &["anna", "bram"]));
    let message = until_refused(&sidecar, "bundle-signatures").await;
    assert!(message.contains("missing 1 of: dirk Voorbeeld, emma Voorbeeld"), "{message}");
    assert_eq!(level(&sidecar).await, 1);
    place.bring(&rotation.place.sign(second, &["anna", "dirk"]));
    until_version(&sidecar, 2).await;
    assert_eq!(level(&sidecar).await, 2);
    let metrics = sidecar.operators("/metrics").await.text();
    assert!(metrics.lines().any(|line| line.starts_with("poort_bundle_trust") && line.ends_with(" 2")), "{metrics}");
    let data = sidecar.data.clone();
    assert_eq!(sidecar.stop().code, Some(0));
    assert_eq!(history(&data), ["activated 1", "active 1", "refused bundle-signatures", "activated 2"]);
    let taken = trusted(&data);
    assert_eq!((taken.len(), &taken[0]["poort.trust.version"]), (1, &json!(2)));
    let signers: Vec<_> = taken[0]["poort.trust.signers"].as_array().unwrap().iter().map(|signer| &signer[0]).collect();
    assert_eq!(signers, ["anna Voorbeeld", "bram Voorbeeld", "dirk Voorbeeld"]);
    assert_eq!(recorded(&data)[3]["attributes"]["poort.bundle.trust"][0], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_active_bundle_signed_once_more_starts_again() {
    let rotation = Rotation::new();
    let place = &rotation.place;
    let first = place.sign(bundle(&files(1), 1, None), &["anna", "bram"]);
    place.bring(&first);
    let sidecar = place.sidecar("").start();
    rotation.bring(&rotation.second());
    sidecar.wait_for_line("sign it once more");
    place.bring(&place.sign(first, &["dirk"]));
    sidecar.wait_for_line("has the signatures for the next start");
    assert!(status(&sidecar).await["refused"].is_null());
    assert_eq!(sidecar.stop().code, Some(0));
    // The courier's folder may be empty afterwards.
    fs::remove_file(place.path("courier/voorbeeld-001.tar")).unwrap();
    assert_eq!(level(&place.sidecar("").start()).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_older_bundle_replaces_one_of_a_removed_officer() {
    let rotation = Rotation::new();
    let place = &rotation.place;
    let first = place.sign(bundle(&files(1), 1, None), &["anna", "dirk"]);
    let second = place.sign(bundle(&files(2), 2, Some(&first)), &["anna", "bram"]);
    place.bring(&first);
    place.bring(&second);
    let sidecar = place.sidecar("").start();
    assert_eq!(level(&sidecar).await, 2);
    rotation.bring(&rotation.second());
    sidecar.wait_for_line("sign it once more");
    assert_eq!(sidecar.stop().code, Some(0));
    // The kept file is a floor by itself, and its signatures are too few now.
    fs::remove_dir_all(place.path("data/records")).unwrap();
    let refused = |code: &str| {
        let ended = place.sidecar("").fail();
        assert_eq!(ended.code, Some(3), "{}", ended.log);
        assert!(said(&ended).contains(code), "{}", ended.log);
    };
    refused("bundle-signatures");
    // Also where no trust file counts it any more that is here.
    fs::write(place.path("trust.json"), rotation.second().write().unwrap()).unwrap();
    fs::remove_dir_all(place.path("data/trust")).unwrap();
    refused("bundle-signatures");
    // What cannot be read may have been newer.
    let kept = place.path("data/bundle.tar");
    let good = fs::read(&kept).unwrap();
    fs::write(&kept, &good[..700]).unwrap();
    refused("bundle-archive");
    fs::write(&kept, good).unwrap();
    place.bring(&place.sign(second, &["dirk"]));
    assert_eq!(level(&place.sidecar("").start()).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_bundle_is_taken_before_the_trust_file_that_is_here() {
    let rotation = Rotation::new();
    let place = &rotation.place;
    let first = place.sign(bundle(&files(1), 1, None), &["anna", "bram"]);
    place.bring(&first);
    let sidecar = place.sidecar("").start();
    // The trust file that removes Bram cannot be kept.
    let blocked = place.path("data/trust");
    fs::write(&blocked, "").unwrap();
    rotation.bring(&rotation.second());
    let waits = "A new trust file does not count yet";
    sidecar.wait_for_line(waits);
    let message = until_refused(&sidecar, "trust-file").await;
    assert!(message.contains("version 2 is tried again, and no bundle is taken before it"), "{message}");
    place.bring(&place.sign(bundle(&files(2), 2, Some(&first)), &["anna", "bram"]));
    for _ in 0..2 {
        let before = sidecar.log().matches(waits).count();
        sidecar.signal(Signal::HUP);
        until("another look", async || (sidecar.log().matches(waits).count() > before).then_some(())).await;
    }
    assert_eq!(level(&sidecar).await, 1);
    fs::remove_file(&blocked).unwrap();
    until_trust(&sidecar, 2).await;
    until_refused(&sidecar, "bundle-signatures").await;
    assert_eq!(level(&sidecar).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_persons_are_replaced_in_two_steps() {
    let rotation = Rotation::new();
    let place = &rotation.place;
    place.bring(&place.sign(bundle(&files(1), 1, None), &["anna", "bram"]));
    let sidecar = place.sidecar("").start();
    let second = rotation.after(&rotation.pinned(), &["anna", "bram", "dirk", "emma"]);
    let second = rotation.signed(&second, &["anna", "bram"]);
    let third = rotation.after(second.trust(), &["dirk", "emma"]);
    let third = rotation.signed(&third, &["dirk", "emma"]);
    // The last one first: it waits for the link.
    rotation.bring(&third);
    let message = until_refused(&sidecar, "trust-version").await;
    assert!(message.contains("version 2 is missing after 1"), "{message}");
    rotation.bring(&second);
    until_trust(&sidecar, 3).await;
    until("no refusal", async || status(&sidecar).await["refused"].is_null().then_some(())).await;
    let next = bundle(&files(2), 2, Some(&bundle_of(&sidecar)));
    place.bring(&place.sign(next, &["dirk", "emma"]));
    until_version(&sidecar, 2).await;
    let data = sidecar.data.clone();
    assert_eq!(sidecar.stop().code, Some(0));
    assert_eq!(trusted(&data).len(), 2);
    assert!(history(&data).contains(&"refused trust-version".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trust_file_is_taken_once_its_keys_begin() {
    let rotation = Rotation::new();
    let place = &rotation.place;
    place.bring(&place.sign(bundle(&files(1), 1, None), &["anna", "bram"]));
    let sidecar = place.sidecar("").start();
    let mut file = rotation.after(&rotation.pinned(), &["anna", "bram", "dirk"]);
    let begins = Timestamp::now() + SignedDuration::from_secs(15);
    file.persons[2].keys[0].from = Some(begins);
    file.thresholds.trust = 3;
    rotation.bring(&rotation.signed(&file, &["anna", "bram", "dirk"]));
    let message = until_refused(&sidecar, "trust-signatures").await;
    assert!(message.contains("not valid at this time"), "{message}");
    // Nothing changes in the folder.
    until_trust(&sidecar, 2).await;
    assert!(Timestamp::now() >= begins);
}

/// The kept bundle.
fn bundle_of(sidecar: &Sidecar) -> Bundle {
    Bundle::read(&fs::read(sidecar.data.join("bundle.tar")).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_begins_at_the_newest_trust_file() {
    let (rotation, ..) = after_the_second().await;
    rotation.take_away(2);
    let sidecar = rotation.place.sidecar("").start();
    assert_eq!(status(&sidecar).await["trust"]["version"], 2, "from the kept file");
    // What the next step needs is there.
    let second = bundle(&files(2), 2, Some(&bundle_of(&sidecar)));
    rotation.place.bring(&rotation.place.sign(second, &["bram", "cora"]));
    until_refused(&sidecar, "bundle-signatures").await;
    sidecar.kill();
    // The log is gone: the kept file is a floor by itself.
    fs::remove_dir_all(rotation.place.path("data/records")).unwrap();
    fs::write(rotation.place.path("data/trust/3.trust.new"), "half").unwrap();
    let sidecar = rotation.place.sidecar("").start();
    assert_eq!(status(&sidecar).await["trust"]["version"], 2);
    let data = sidecar.data.clone();
    sidecar.stop();
    assert_eq!(trusted(&data).len(), 1, "it is on record again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_state_never_goes_back_in_silence() {
    let (rotation, second, _) = after_the_second().await;
    let place = &rotation.place;
    rotation.take_away(2);
    let kept = place.path("data/trust/2.trust");
    let good = fs::read(&kept).unwrap();
    let refused = |what: &str| {
        let ended = place.sidecar("").fail();
        assert_eq!(ended.code, Some(3), "{}", ended.log);
        assert!(said(&ended).contains(what), "{}", ended.log);
    };
    fs::remove_file(&kept).unwrap();
    refused("version 2 (");
    // Another one in its place, which enough signed.
    let other = rotation.signed(&rotation.after(&rotation.pinned(), &["anna", "bram"]), &["anna", "bram"]);
    fs::write(&kept, other.write().unwrap()).unwrap();
    refused("was taken here");
    fs::write(&kept, &good[..700]).unwrap();
    refused("trust-file");
    // Without the log, what is kept must lead somewhere.
    fs::rename(place.path("data/records"), place.path("records")).unwrap();
    fs::write(&kept, NextTrust::new(second.trust().file()).unwrap().write().unwrap()).unwrap();
    refused("trust-signatures");
    fs::remove_dir_all(place.path("data/records")).unwrap_or_default();
    fs::rename(place.path("records"), place.path("data/records")).unwrap();
    // The courier brings it again.
    fs::remove_file(&kept).unwrap();
    rotation.bring(&second);
    let sidecar = place.sidecar("").start();
    assert_eq!(status(&sidecar).await["trust"]["version"], 2);
    assert_eq!(fs::read(&kept).unwrap(), good);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_administrator_can_pin_a_newer_file_alone() {
    let (rotation, second, _) = after_the_second().await;
    let place = &rotation.place;
    let pinned = place.path("trust.json");
    let first = fs::read(&pinned).unwrap();
    // Another first file: what was taken does not follow it.
    place.trust(&["anna", "bram"]);
    let ended = place.sidecar("").fail();
    assert!(said(&ended).contains("pin a newer one"), "{}", ended.log);
    // The file that was taken, as officers have it.
    fs::write(&pinned, second.write().unwrap()).unwrap();
    fs::remove_dir_all(place.path("data/trust")).unwrap();
    let sidecar = place.sidecar("").start();
    assert_eq!(status(&sidecar).await["trust"]["version"], 2);
    sidecar.stop();
    let third = Trust::read(&rotation.after(second.trust(), &["anna", "dirk"]).write()).unwrap();
    fs::write(&pinned, third.file().write()).unwrap();
    let sidecar = place.sidecar("").start();
    assert_eq!(status(&sidecar).await["trust"]["version"], 3);
    sidecar.stop();
    // What was pinned counts as taken.
    fs::write(&pinned, first).unwrap();
    let ended = place.sidecar("").fail();
    assert!(said(&ended).contains("version 3 ("), "{}", ended.log);
}
