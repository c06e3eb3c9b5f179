//! Delivery: order, deadlines, the durable mark, records that are gone.

use super::{
    super::reply::{Reason, SendOutcome, Trouble},
    support::{Place, Reaction, Receiver, check_taken, record},
};
use crate::record::spool::Cursor;
use std::{fs, path::Path, sync::atomic::Ordering, time::Duration};
use tokio::time::Instant;

/// The number of the first record of a segment.
fn first_of(segment: &Path) -> u64 {
    u64::from_str_radix(segment.file_stem().unwrap().to_str().unwrap(), 16).unwrap()
}

fn unavailable() -> Reaction {
    Reaction::Answer(SendOutcome::none(Trouble::retry(Reason::Unavailable, "later")))
}

#[tokio::test(start_paused = true)]
async fn every_record_arrives_in_order_and_the_cursor_follows() {
    let place = Place::with(100);
    let mut delivery = place.delivery(Receiver::in_turn(&place, []));
    delivery.run().await;
    check_taken(&delivery.sink.taken, 0..100);
    assert!(delivery.sink.sends.lock().unwrap().iter().all(|batch| batch.len() <= 16));
    assert_eq!(place.cursor().position(), 100);
    assert_eq!(place.metric("poort_ship_records_total"), 100.0);
    assert_eq!(place.metric("poort_ship_acknowledged"), 100.0);
    assert_eq!(place.metric("poort_ship_backlog"), 0.0);
    assert_eq!(place.metric("poort_ship_lag_seconds"), 0.0);
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_delivery_continues_at_the_cursor() {
    let place = Place::with(20);
    place.delivery(Receiver::in_turn(&place, [])).run().await;
    place.append((20..30).map(record));
    let mut delivery = place.delivery(Receiver::in_turn(&place, []));
    // What its receiver has from before.
    delivery.sink.taken.lock().unwrap().extend((0..20).map(|seq| (seq, record(seq))));
    delivery.run().await;
    assert_eq!(delivery.sink.sends.lock().unwrap().concat(), (20..30).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_taken_comes_again_until_it_is() {
    let place = Place::with(40);
    let lost = Reaction::TakeAndSaySo(16, SendOutcome::none(Trouble::retry(Reason::Transport, "the answer was lost")));
    let half = Reaction::Answer(SendOutcome { taken: 5, trouble: Some(Trouble::retry(Reason::Unavailable, "later")) });
    let reactions = [unavailable(), lost, Reaction::Panic, half, unavailable()];
    let mut delivery = place.delivery(Receiver::in_turn(&place, reactions));
    let start = Instant::now();
    delivery.run().await;
    check_taken(&delivery.sink.taken, 0..40);
    assert_eq!(place.cursor().position(), 40);
    assert!(start.elapsed() > Duration::from_millis(300), "it waits between attempts");
    assert_eq!(place.metric_of("poort_ship_retries_total", "reason=\"unavailable\",sink=\"test\""), 3.0);
    assert_eq!(place.metric_of("poort_ship_retries_total", "reason=\"fault\",sink=\"test\""), 1.0);
}

#[tokio::test(start_paused = true)]
async fn a_send_without_an_answer_is_tried_again_after_its_deadline() {
    let place = Place::with(3);
    let mut delivery = place.delivery(Receiver::in_turn(&place, [Reaction::Silence, Reaction::Silence]));
    let (start, deadline) = (Instant::now(), delivery.settings.timeout);
    delivery.run().await;
    check_taken(&delivery.sink.taken, 0..3);
    assert!(start.elapsed() >= 2 * deadline && start.elapsed() < 3 * deadline, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_that_is_not_durable() {
    let place = Place::with(30);
    place.durable.store(7, Ordering::SeqCst);
    let mut delivery = place.delivery(Receiver::in_turn(&place, []));
    delivery.run().await;
    check_taken(&delivery.sink.taken, 0..7);
    assert_eq!(place.cursor().position(), 7);
    place.durable.store(u64::MAX, Ordering::SeqCst);
    delivery.run().await;
    check_taken(&delivery.sink.taken, 0..30);
}

#[tokio::test(start_paused = true)]
async fn records_that_are_gone_are_counted_and_the_rest_goes_on() {
    let place = Place::with(60);
    let segments = place.segments();
    let oldest = first_of(&segments[2]);
    segments[..2].iter().for_each(|segment| fs::remove_file(segment).unwrap());
    let mut delivery = place.delivery(Receiver::in_turn(&place, []));
    // The receiver looks for what the cursor passed; no receiver has these.
    delivery.sink.taken.lock().unwrap().extend((0..oldest).map(|seq| (seq, record(seq))));
    delivery.run().await;
    assert_eq!(delivery.sink.sends.lock().unwrap().concat(), (oldest..60).collect::<Vec<_>>());
    assert_eq!(place.metric("poort_ship_lost_total"), oldest as f64);
    assert_eq!(place.cursor().position(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_cannot_be_read_is_not_passed() {
    let place = Place::with(60);
    let second = &place.segments()[1];
    let mut bytes = fs::read(second).unwrap();
    bytes[100] ^= 1;
    fs::write(second, &bytes).unwrap();
    let mut delivery = place.delivery(Receiver::in_turn(&place, []));
    let told_to_stop = std::mem::take(&mut delivery.stopping);
    tokio::time::timeout(Duration::from_secs(600), delivery.run()).await.unwrap_err();
    assert_eq!(place.cursor().position(), first_of(second));
    assert!(place.metric_of("poort_ship_retries_total", "reason=\"io\",sink=\"test\"") > 10.0);
    bytes[100] ^= 1;
    fs::write(second, &bytes).unwrap();
    delivery.stopping = told_to_stop;
    delivery.run().await;
    check_taken(&delivery.sink.taken, 0..60);
}

#[tokio::test(start_paused = true)]
async fn the_cursor_is_on_disk_when_the_delivery_ends() {
    let place = Place::with(5);
    let mut delivery = place.delivery(Receiver::in_turn(&place, []));
    assert_eq!(delivery.meters.synced(), 0);
    delivery.run().await;
    assert_eq!(delivery.meters.synced(), 5);
    assert_eq!(Cursor::read(&place.records(), "test").unwrap(), Some(5));
}
