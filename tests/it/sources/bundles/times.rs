use super::*;

fn until_soon(seconds: i64) -> impl FnOnce(&mut Manifest) {
    move |manifest| manifest.expires = Timestamp::now() + SignedDuration::from_secs(seconds)
}

async fn until_status(sidecar: &Sidecar, wanted: &str) {
    until("the end of its time", async || (status(sidecar).await["status"] == wanted).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_policies_answer_and_see_it() {
    let place = Place::new();
    let mut files = files(2);
    let schema = SCHEMA.replace("[Doc] }", "[Doc], context: { pdp: { policies: String } } }");
    files.insert("schema.cedarschema".to_owned(), schema);
    let policy = "@id(\"late\")\n@title(\"Late policies are not for level 2.\")\nforbid (principal, action, resource)\n\
                  when { context.pdp.policies == \"late\" && resource.level >= 2 };\n";
    files.insert("late.cedar".to_owned(), policy.to_owned());
    place.bring(&place.sign(changed(&files, 1, None, until_soon(20)), &["anna", "bram"]));
    let sidecar = place.sidecar("late = \"1h\"").start();
    assert_eq!(level(&sidecar).await, 2);
    assert_eq!(level(&sidecar).await, 2);
    until_status(&sidecar, "late").await;
    // Also what is cached by then.
    assert_eq!(level(&sidecar).await, 1);
    let metrics = sidecar.operators("/metrics").await.text();
    assert!(metrics.contains("poort_bundle_late 1") || metrics.contains("poort_bundle_late{"), "{metrics}");
    let record = sidecar.records().pop().unwrap();
    assert_eq!(record["attributes"]["poort.pdp"]["policies"], "late");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expired_policies_deny_and_never_give_way_to_older_ones() {
    let place = Place::new();
    let sign = |bundle| place.sign(bundle, &["anna", "bram"]);
    let first = sign(bundle(&files(1), 1, None));
    let second = sign(changed(&files(2), 2, Some(&first), until_soon(20)));
    place.bring(&first);
    place.bring(&second);
    let sidecar = place.sidecar("late = \"0s\"").start();
    // Also what is cached by then.
    assert_eq!(level(&sidecar).await, 2);
    assert_eq!(level(&sidecar).await, 2);
    until_status(&sidecar, "expired").await;
    let answer = sidecar.evaluate(&question(1)).await;
    assert_eq!(answer["decision"], false);
    let reason = answer["context"]["reason"].as_str().unwrap();
    assert_eq!(reason, "Denied: the time of the active policies is over, and no newer ones are here.");
    assert_eq!(status(&sidecar).await["version"], 2);
    let data = sidecar.data.clone();
    assert_eq!(sidecar.stop().code, Some(0));
    // The records tell all that the decisions were made of.
    let replayed = run(["log".as_ref(), "replay".as_ref(), "--data".as_ref(), data.as_os_str()]);
    check(&replayed, 0);
    // A restart changes nothing of that, and a new version ends it.
    let sidecar = place.sidecar("late = \"0s\"").start();
    assert_eq!(level(&sidecar).await, 0);
    place.bring(&sign(bundle(&files(2), 3, Some(&second))));
    until_version(&sidecar, 3).await;
    assert_eq!(level(&sidecar).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_expired_or_has_not_begun_is_not_activated() {
    let place = Place::new();
    let sign = |bundle| place.sign(bundle, &["anna", "bram"]);
    let first = sign(bundle(&files(1), 1, None));
    place.bring(&first);
    let sidecar = place.sidecar("").start();
    place.bring(&sign(changed(&files(2), 2, Some(&first), until_soon(-1))));
    until_refused(&sidecar, "bundle-expired").await;
    let not_before = Timestamp::now() + SignedDuration::from_hours(1);
    place.bring(&sign(changed(&files(2), 2, Some(&first), |manifest| manifest.not_before = Some(not_before))));
    until_refused(&sidecar, "bundle-future").await;
    assert_eq!(level(&sidecar).await, 1);
    // It becomes active without anybody touching it again.
    let soon = Timestamp::now() + SignedDuration::from_secs(3);
    place.bring(&sign(changed(&files(2), 2, Some(&first), |manifest| manifest.not_before = Some(soon))));
    until_version(&sidecar, 2).await;
    assert!(Timestamp::now() >= soon);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_newest_is_over_nothing_older_begins() {
    let place = Place::new();
    let sign = |bundle| place.sign(bundle, &["anna", "bram"]);
    let first = sign(bundle(&files(1), 1, None));
    place.bring(&first);
    place.bring(&sign(changed(&files(2), 2, Some(&first), until_soon(-1))));
    let ended = place.sidecar("").fail();
    assert_eq!(ended.code, Some(3));
    assert!(said(&ended).contains("its time was over"), "{}", ended.log);
}
