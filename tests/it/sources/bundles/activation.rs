use super::*;
use rustix::process::Signal;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_officers_get_policies_live_and_one_does_not() {
    let place = Place::new();
    let first = place.sign(bundle(&files(1), 1, None), &["anna", "bram"]);
    place.bring(&first);
    let sidecar = place.sidecar("").start();
    assert_eq!(level(&sidecar).await, 1);
    let second = bundle(&files(2), 2, Some(&first));
    place.bring(&place.sign(second.clone(), &["anna", "anna-too"]));
    let message = until_refused(&sidecar, "bundle-signatures").await;
    assert_eq!(
        message,
        "`bundle` takes 2 persons; signed by anna Voorbeeld; missing 1 of: bram Voorbeeld, cora Voorbeeld"
    );
    assert_eq!(level(&sidecar).await, 1);
    place.bring(&place.sign(second, &["anna", "cora"]));
    until_version(&sidecar, 2).await;
    assert_eq!(level(&sidecar).await, 2);
    assert_eq!(status(&sidecar).await["refused"], Value::Null);
    let data = sidecar.data.clone();
    assert_eq!(sidecar.stop().code, Some(0));
    assert_eq!(history(&data), ["activated 1", "refused bundle-signatures", "activated 2"]);
    let activated = &recorded(&data)[2]["attributes"];
    assert_eq!(activated["poort.bundle.signers"][1][0], "cora Voorbeeld");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_unsigned_is_ever_read() {
    let place = Place::new();
    let first = place.sign(bundle(&files(1), 1, None), &["anna", "bram"]);
    place.bring(&first);
    // The policy folder, which allows all, beside it; and what was never signed, in every place.
    let sidecar = place.sidecar("").start();
    let unsigned = bundle(&files(1_000), 2, Some(&first));
    place.bring(&unsigned);
    until_refused(&sidecar, "bundle-signatures").await;
    sidecar.signal(Signal::HUP);
    sidecar.wait_for_line("The configuration was read again.");
    assert_eq!(level(&sidecar).await, 1);
    let data = sidecar.data.clone();
    sidecar.kill();
    // Also in the place of what was active: it may be a newer one whose signatures are gone, so nothing older answers either.
    fs::write(data.join("bundle.tar"), unsigned.write().unwrap()).unwrap();
    let ended = place.sidecar("").fail();
    assert_eq!(ended.code, Some(3), "{}", ended.log);
    assert!(said(&ended).contains("bundle-signatures"), "{}", ended.log);
    // Whoever looks at it and removes it goes on with what the log calls active.
    fs::remove_file(data.join("bundle.tar")).unwrap();
    assert_eq!(level(&place.sidecar("").start()).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fork_and_a_jump_change_nothing() {
    let place = Place::new();
    let sign = |bundle| place.sign(bundle, &["anna", "bram"]);
    let first = sign(bundle(&files(1), 1, None));
    place.bring(&first);
    let sidecar = place.sidecar("").start();
    let second = bundle(&files(2), 2, Some(&first));
    place.bring(&sign(bundle(&files(3), 3, Some(&second))));
    assert!(until_refused(&sidecar, "bundle-version").await.contains("version 2 is missing"));
    place.bring_bytes("fork.tar", &sign(bundle(&files(4), 1, None)).write().unwrap());
    until_refused(&sidecar, "bundle-fork").await;
    assert_eq!(level(&sidecar).await, 1);
    fs::remove_file(place.path("courier/fork.tar")).unwrap();
    // The missing link makes the newest one active.
    place.bring(&sign(second));
    until_version(&sidecar, 3).await;
    assert_eq!(level(&sidecar).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_this_poort_cannot_use_does_not_block_the_next_version() {
    let place = Place::new();
    let sign = |bundle| place.sign(bundle, &["anna", "bram"]);
    let first = sign(bundle(&files(1), 1, None));
    place.bring(&first);
    let sidecar = place.sidecar("").start();
    let mut broken = files(2);
    broken.insert(
        "more.cedar".to_owned(),
        "permit (principal, action, resource) when { resource.rank == 1 };".to_owned(),
    );
    let second = sign(bundle(&broken, 2, Some(&first)));
    place.bring(&second);
    let message = until_refused(&sidecar, "bundle-policies").await;
    assert!(message.contains("bundle 2/more.cedar:1:"), "{message}");
    assert_eq!(level(&sidecar).await, 1);
    place.bring(&sign(bundle(&files(3), 3, Some(&second))));
    until_version(&sidecar, 3).await;
    assert_eq!(level(&sidecar).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_of_signals_that_cannot_be_used_are_refused() {
    let place = Place::new();
    let sign = |bundle| place.sign(bundle, &["anna", "bram"]);
    let settings = "[budget]\nper_thousand = 0.3\nbaseline_days = 28\nleast_score = 2.0\nhalf_life_days = 56.0\nquiet_days = 14\n\
                    [peers]\nsame = []\naccounts = 10\nactive_days = 5\n[accesses]\ndays = 30\nmost = 1000\n";
    let with = |level: i64, settings: &str| {
        let mut files = files(level);
        files.insert("signals/detectors.toml".to_owned(), settings.to_owned());
        files
    };
    let first = sign(bundle(&with(1, settings), 1, None));
    place.bring(&first);
    let sidecar = place.sidecar("[signals]\nenabled = true").start();
    let second = sign(bundle(&with(2, &settings.replace("0.3", "-1.0")), 2, Some(&first)));
    place.bring(&second);
    let message = until_refused(&sidecar, "bundle-policies").await;
    assert!(message.contains("per_thousand"), "{message}");
    assert_eq!(level(&sidecar).await, 1);
    let data = sidecar.data.clone();
    // So the next start finds what it can use.
    assert_eq!(sidecar.stop().code, Some(0));
    // Commands read the same files, as docs/operating.md says.
    let files = place.path("active");
    fs::create_dir(&files).unwrap();
    let unpacked = Command::new("tar").arg("-xf").arg(data.join("bundle.tar")).arg("-C").arg(&files).status().unwrap();
    assert!(unpacked.success());
    let (data, files) = (data.display().to_string(), files.join("files").display().to_string());
    let (told, _) = check(&run(["signals", "status", "--data", &data, "--policies", &files]), 0);
    assert!(told.contains("budget    0.3 signals"), "{told}");
    let sidecar = place.sidecar("[signals]\nenabled = true").start();
    assert_eq!(level(&sidecar).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_bundle_beside_the_active_one_is_no_refusal() {
    let place = Place::new();
    let sign = |bundle| place.sign(bundle, &["anna", "bram"]);
    let first = sign(bundle(&files(1), 1, None));
    place.bring(&first);
    let sidecar = place.sidecar("").start();
    place.bring(&sign(bundle(&files(2), 2, Some(&first))));
    until_version(&sidecar, 2).await;
    // The folder is read again.
    place.bring_bytes("junk.tar", b"junk");
    until_refused(&sidecar, "bundle-archive").await;
    let data = sidecar.data.clone();
    assert_eq!(sidecar.stop().code, Some(0));
    assert_eq!(history(&data), ["activated 1", "activated 2", "refused bundle-archive"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn junk_of_a_courier_hides_no_fork() {
    let place = Place::new();
    let sign = |bundle| place.sign(bundle, &["anna", "bram"]);
    place.bring(&sign(bundle(&files(1), 1, None)));
    let sidecar = place.sidecar("").start();
    (0..150).for_each(|number| place.bring_bytes(&format!("junk-{number}.tar"), b"junk"));
    place.bring_bytes("fork.tar", &sign(bundle(&files(4), 1, None)).write().unwrap());
    until_refused(&sidecar, "bundle-fork").await;
    sidecar.wait_for_line("two histories");
    assert_eq!(level(&sidecar).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_is_a_new_version_with_a_reason() {
    let place = Place::new();
    let sign = |bundle| place.sign(bundle, &["anna", "bram"]);
    let first = sign(bundle(&files(1), 1, None));
    let second = sign(bundle(&files(2), 2, Some(&first)));
    place.bring(&first);
    place.bring(&second);
    let sidecar = place.sidecar("").start();
    let before = sidecar.evaluate(&question(2)).await["context"]["revision"].clone();
    assert_eq!(level(&sidecar).await, 2);
    place.bring(&sign(changed(&files(1), 3, Some(&second), rollback(1))));
    until_version(&sidecar, 3).await;
    assert_eq!(level(&sidecar).await, 1);
    assert_ne!(sidecar.evaluate(&question(2)).await["context"]["revision"], before);
    let data = sidecar.data.clone();
    sidecar.stop();
    let last = recorded(&data).pop().unwrap();
    assert_eq!(last["attributes"]["poort.bundle.rollback"], json!([1, "a unit could not work"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_change_without_a_signature_where_they_are_apart() {
    let place = Place::new();
    place.bring(&place.sign(bundle(&files(1), 1, None), &["anna", "bram"]));
    let accounts = place.path("accounts");
    fs::create_dir(&accounts).unwrap();
    fs::write(accounts.join("users.json"), USERS).unwrap();
    let sidecar = place.sidecar("").argument("--directory").argument(&accounts).start();
    assert_eq!(level(&sidecar).await, 1);
    fs::write(accounts.join("users.json"), "[]").unwrap();
    until("the leave", async || (level(&sidecar).await == 0).then_some(())).await;
    assert_eq!(status(&sidecar).await["version"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bundle_that_cannot_be_kept_is_told_and_tried_again() {
    let place = Place::new();
    let first = place.sign(bundle(&files(1), 1, None), &["anna", "bram"]);
    place.bring(&first);
    let sidecar = place.sidecar("").start();
    let blocked = place.path("data/bundle.tar.new");
    fs::create_dir(&blocked).unwrap();
    place.bring(&place.sign(bundle(&files(2), 2, Some(&first)), &["anna", "bram"]));
    let message = until_refused(&sidecar, "bundle-archive").await;
    assert!(message.contains("version 2 is tried again: it cannot be kept"), "{message}");
    assert_eq!(level(&sidecar).await, 1);
    fs::remove_dir(&blocked).unwrap();
    until_version(&sidecar, 2).await;
    until("no refusal", async || status(&sidecar).await["refused"].is_null().then_some(())).await;
}
