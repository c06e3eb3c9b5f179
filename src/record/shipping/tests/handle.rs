//! The handle over all sinks: start, progress, stop, and what the files say afterwards.

use super::{
    super::{
        Shipping, Status,
        config::{Destination, Format, Records, Sink},
        status,
    },
    support::{Place, record},
};
use std::{fs, path::PathBuf, time::Duration};

fn lines(name: &str, path: PathBuf) -> Sink {
    Sink {
        name: name.parse().unwrap(),
        to: Destination::File(path),
        format: Format::Adl,
        records: Records::All,
        timeout: Sink::DEFAULT_TIMEOUT,
        batch: Sink::DEFAULT_BATCH,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_all_sinks_have_is_the_least_of_them_and_in_the_files() {
    let place = Place::with(40);
    let folder = tempfile::tempdir().unwrap();
    // The second can never be written.
    let sinks = vec![lines("good", folder.path().join("lines")), lines("bad", folder.path().join("missing/lines"))];
    let start = |sinks| Shipping::start(sinks, &place.source(), folder.path(), &place.meter()).unwrap();
    let none = start(Vec::new());
    assert_eq!((none.acknowledged(), none.cursors().sync().unwrap()), (None, None));
    none.stop(Duration::ZERO).await;
    let good = start(sinks[..1].to_vec());
    let cursors = good.cursors();
    good.stop(Duration::from_secs(60)).await;
    assert_eq!(cursors.sync().unwrap(), Some(40));
    let both = start(sinks.clone());
    assert_eq!((both.acknowledged(), both.cursors().sync().unwrap()), (Some(0), Some(0)));
    place.append((40..50).map(record));
    let written = || fs::read_to_string(folder.path().join("lines")).unwrap();
    while written().lines().count() < 50 {
        tokio::task::yield_now().await;
    }
    // Only the end of the grace period ends the sink that cannot.
    both.stop(Duration::ZERO).await;
    assert!(written().lines().eq((0..50).map(record)));
    let mut told = status(folder.path(), &place.records(), &sinks).unwrap();
    // What the process said last.
    let waiting = told[1].waiting.take().unwrap();
    assert!(waiting.reason == "io" && waiting.why.contains("missing/lines") && waiting.attempts > 0, "{waiting:?}");
    let expected = [("good", Some(50)), ("bad", None)].map(|(name, acknowledged)| Status {
        sink: name.parse().unwrap(),
        is_configured: true,
        acknowledged,
        quarantined: 0,
        waiting: None,
    });
    assert_eq!(told, expected);
    let told = status(folder.path(), &place.records(), &sinks[..1]).unwrap();
    assert_eq!(
        told.iter().map(|told| (told.sink.as_str(), told.is_configured)).collect::<Vec<_>>(),
        [(sinks[0].name.as_str(), true), (sinks[1].name.as_str(), false)]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sink_that_is_new_begins_at_the_oldest_record_and_misses_nothing() {
    let place = Place::with(60);
    let segments = place.segments();
    segments[..2].iter().for_each(|segment| fs::remove_file(segment).unwrap());
    let oldest = crate::record::spool::segments(&place.records()).unwrap()[0];
    let folder = tempfile::tempdir().unwrap();
    let sinks = vec![lines("new", folder.path().join("lines"))];
    let shipping = Shipping::start(sinks, &place.source(), folder.path(), &place.meter()).unwrap();
    shipping.stop(Duration::from_secs(60)).await;
    let written = fs::read_to_string(folder.path().join("lines")).unwrap();
    assert!(oldest > 0 && written.lines().eq((oldest..60).map(record)));
    assert_eq!(place.metric_of("poort_ship_lost_total", "sink=\"new\""), 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_of_another_log_does_not_hide_the_records_of_this_one() {
    let place = Place::with(5);
    place.cursor().advance(1000).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let sinks = vec![lines("test", folder.path().join("lines"))];
    let shipping = Shipping::start(sinks, &place.source(), folder.path(), &place.meter()).unwrap();
    shipping.stop(Duration::from_secs(60)).await;
    let written = fs::read_to_string(folder.path().join("lines")).unwrap();
    assert!(written.lines().eq((0..5).map(record)));
}
