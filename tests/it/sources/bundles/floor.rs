//! What was active is never followed by something older, whatever is deleted or put back.

use super::*;

/// A place where version 2 is active and poort has ended.
async fn after_version_2() -> (Place, Bundle, Bundle) {
    let place = Place::new();
    let first = place.sign(bundle(&files(1), 1, None), &["anna", "bram"]);
    let second = place.sign(bundle(&files(2), 2, Some(&first)), &["anna", "bram"]);
    place.bring(&first);
    place.bring(&second);
    let sidecar = place.sidecar("").start();
    assert_eq!(level(&sidecar).await, 2);
    assert_eq!(sidecar.stop().code, Some(0));
    (place, first, second)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_bundle_is_refused_though_the_kept_file_is_gone() {
    let (place, first, second) = after_version_2().await;
    fs::remove_file(place.path("courier/voorbeeld-002.tar")).unwrap();
    let kept = place.path("data/bundle.tar");
    for put_back in [None, Some(first.write().unwrap())] {
        fs::remove_file(&kept).unwrap_or_default();
        put_back.iter().for_each(|bytes| fs::write(&kept, bytes).unwrap());
        let ended = place.sidecar("").fail();
        assert_eq!(ended.code, Some(3), "{}", ended.log);
        assert!(said(&ended).contains("older than the active version 2"), "{}", ended.log);
    }
    // The same version comes back from the courier.
    place.bring(&second);
    let sidecar = place.sidecar("").start();
    assert_eq!(level(&sidecar).await, 2);
    sidecar.stop();
    assert_eq!(history(&place.path("data")), ["activated 2", "active 2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_bundle_is_refused_though_the_log_is_gone() {
    let (place, ..) = after_version_2().await;
    fs::remove_file(place.path("courier/voorbeeld-002.tar")).unwrap();
    fs::remove_dir_all(place.path("data/records")).unwrap();
    let sidecar = place.sidecar("").start();
    assert_eq!(level(&sidecar).await, 2, "from the kept file");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_configuration_holds_a_floor_where_all_else_is_gone() {
    let (place, ..) = after_version_2().await;
    fs::remove_file(place.path("courier/voorbeeld-002.tar")).unwrap();
    fs::remove_dir_all(place.path("data")).unwrap();
    let ended = place.sidecar("at_least = 2").fail();
    assert_eq!(ended.code, Some(3));
    assert!(said(&ended).contains("`bundle.at_least` is 2"), "{}", ended.log);
}

/// Who can write to the data folder alone makes nothing active that a key signs whose time is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ended_key_makes_no_kept_bundle_active() {
    let place = Place::new();
    let first = place.sign(bundle(&files(1), 1, None), &["anna", "cora"]);
    place.bring(&first);
    let sidecar = place.sidecar("").start();
    sidecar.stop();
    // It was built an hour ago, when Bram's key was valid.
    let text = fs::read_to_string(place.path("trust.json")).unwrap();
    let mut file = poort::sources::bundle::Trust::read(&text).unwrap().file().clone();
    let bram = file.persons.iter_mut().find(|person| person.name == "bram Voorbeeld").unwrap();
    bram.keys[0].until = Some(Timestamp::now() - SignedDuration::from_mins(30));
    fs::write(place.path("trust.json"), file.write()).unwrap();
    let second = place.sign(bundle(&files(2), 2, Some(&first)), &["anna", "bram"]);
    fs::write(place.path("data/bundle.tar"), second.write().unwrap()).unwrap();
    place.bring(&second);
    let ended = place.sidecar("").fail();
    assert_eq!(ended.code, Some(3), "{}", ended.log);
    assert!(said(&ended).contains("not valid at this time"), "{}", ended.log);
    place.bring(&place.sign(second, &["cora"]));
    assert_eq!(level(&place.sidecar("").start()).await, 2);
}

/// The steps of an activation, and what is on disk if it ends there: the old or the new bundle answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_at_each_step_leaves_the_old_or_the_new_bundle() {
    let (place, first, second) = after_version_2().await;
    let third = place.sign(bundle(&files(3), 3, Some(&second)), &["anna", "bram"]);
    let (kept, unfinished) = (place.path("data/bundle.tar"), place.path("data/bundle.tar.new"));
    let courier = place.path("courier");
    fs::remove_dir_all(&courier).unwrap();
    fs::create_dir(&courier).unwrap();
    let (old, new) = (second.write().unwrap(), third.write().unwrap());
    let halves = [&new[..0], &new[..700], &new[..]];
    for half in halves {
        fs::write(&unfinished, half).unwrap();
        fs::write(&kept, &old).unwrap();
        let sidecar = place.sidecar("").start();
        assert_eq!(level(&sidecar).await, 2);
        sidecar.kill();
    }
    // Kept, and not on record.
    fs::write(&kept, &new).unwrap();
    let sidecar = place.sidecar("").start();
    assert_eq!(level(&sidecar).await, 3);
    sidecar.kill();
    assert_eq!(history(&place.path("data")).last().unwrap(), "activated 3");
    // On record; another file was put back.
    for older in [&old, &first.write().unwrap()] {
        fs::write(&kept, older).unwrap();
        let ended = place.sidecar("").fail();
        assert!(said(&ended).contains("older than the active version 3"), "{}", ended.log);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_officer_takes_nothing_from_what_is_active() {
    let place = Place::new();
    let first = place.sign(bundle(&files(1), 1, None), &["anna", "bram"]);
    place.bring(&first);
    let sidecar = place.sidecar("").start();
    let second = place.sign(bundle(&files(2), 2, Some(&first)), &["anna", "bram"]);
    sidecar.stop();
    // Bram's signatures count no more: not for what is new, and what is active needs another one at the next start.
    place.trust(&["anna", "cora"]);
    place.bring(&second);
    let ended = place.sidecar("").fail();
    assert!(said(&ended).contains("missing 1 of: cora Voorbeeld"), "{}", ended.log);
    place.bring(&place.sign(first, &["cora"]));
    let sidecar = place.sidecar("").start();
    until_refused(&sidecar, "bundle-signatures").await;
    assert_eq!(level(&sidecar).await, 1);
}
