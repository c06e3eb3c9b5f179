//! Records that are sent again because somebody asks for it.

use super::{
    super::{
        again::{Again, ask},
        config::Name,
        delivery::Delivery,
        reply::{Reply, SendOutcome, Trouble},
    },
    support::{Place, Reaction, Receiver, record},
};
use std::{collections::BTreeSet, time::Duration};
use tokio::time::{advance, timeout};
use tokio_util::sync::CancellationToken;

fn sink() -> Name {
    "test".parse().unwrap()
}

/// The numbers of all that was sent.
fn sent(delivery: &Delivery<Receiver>) -> Vec<u64> {
    delivery.sink.sends.lock().unwrap().concat()
}

/// Runs it for some seconds of its own time, and then to its end.
async fn run(delivery: &mut Delivery<Receiver>) {
    let stopping = CancellationToken::new();
    delivery.stopping = stopping.clone();
    timeout(Duration::from_secs(60), delivery.run()).await.unwrap_err();
    stopping.cancel();
    delivery.run().await;
}

/// A receiver that has all up to here.
fn knowing(place: &Place, count: u64) -> Receiver {
    let receiver = Receiver::in_turn(place, []);
    receiver.taken.lock().unwrap().extend((0..count).map(|seq| (seq, record(seq))));
    receiver
}

#[tokio::test(start_paused = true)]
async fn records_from_a_number_are_sent_again_and_newer_ones_after_them() {
    let place = Place::with(50);
    place.delivery(Receiver::in_turn(&place, [])).run().await;
    ask(place.data(), &sink(), Again::From(30)).unwrap();
    place.append((50..60).map(record));
    let mut delivery = place.delivery(knowing(&place, 50));
    run(&mut delivery).await;
    assert_eq!(sent(&delivery), (30..60).collect::<Vec<_>>());
    assert_eq!((place.cursor().position(), place.metric("poort_ship_lost_total")), (60, 0.0));
    // It is done once.
    let mut delivery = place.delivery(knowing(&place, 60));
    run(&mut delivery).await;
    assert_eq!(sent(&delivery), [0_u64; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_runs_takes_a_request_and_reads_back() {
    let place = Place::with(50);
    let mut delivery = place.delivery(Receiver::in_turn(&place, []));
    delivery.stopping = CancellationToken::new();
    timeout(Duration::from_secs(60), delivery.run()).await.unwrap_err();
    ask(place.data(), &sink(), Again::From(30)).unwrap();
    place.append((50..60).map(record));
    // So that the request is seen before the newer records.
    advance(Duration::from_secs(2)).await;
    timeout(Duration::from_secs(60), delivery.run()).await.unwrap_err();
    assert_eq!(sent(&delivery), (0..50).chain(30..60).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_cut_off_begins_anew() {
    let place = Place::with(50);
    place.delivery(Receiver::in_turn(&place, [])).run().await;
    ask(place.data(), &sink(), Again::From(10)).unwrap();
    let mut first = true;
    let receiver = Receiver::new(&place, move |batch| match std::mem::take(&mut first) {
        true => Reaction::Answer(SendOutcome::all(batch.len())),
        false => Reaction::Silence,
    });
    receiver.taken.lock().unwrap().extend((0..50).map(|seq| (seq, record(seq))));
    let mut delivery = place.delivery(receiver);
    delivery.stopping = CancellationToken::new();
    timeout(Duration::from_secs(60), delivery.run()).await.unwrap_err();
    assert_eq!(place.metric("poort_ship_acknowledged"), 50.0, "what is sent again was taken before");
    let mut delivery = place.delivery(knowing(&place, 50));
    run(&mut delivery).await;
    assert_eq!(sent(&delivery), (10..50).collect::<Vec<_>>());
    assert_eq!(place.cursor().position(), 50);
}

#[tokio::test(start_paused = true)]
async fn records_in_quarantine_are_sent_again_and_kept_anew_if_refused() {
    let place = Place::holding((0..20).map(record).chain(["no JSON \"at\" all".to_owned()]));
    let refusing = |bad: BTreeSet<u64>| {
        move |batch: &[u64]| match batch.iter().any(|seq| bad.contains(seq)) {
            true => Reaction::Answer(SendOutcome::none(Trouble::new(Reply::Refused, "no"))),
            false => Reaction::Answer(SendOutcome::all(batch.len())),
        }
    };
    place.delivery(Receiver::new(&place, refusing([3, 7].into()))).run().await;
    assert_eq!(place.quarantined(), [3, 7, 20]);
    assert_eq!(place.cursor().position(), 21);
    // And one of a log that was there before this one.
    let file = place.data().join("quarantine/test.jsonl");
    let kept = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{kept}{{\"seq\":100,\"record\":{}}}\n", record(100))).unwrap();
    ask(place.data(), &sink(), Again::Quarantine).unwrap();
    let receiver = Receiver::new(&place, refusing([7].into()));
    receiver.taken.lock().unwrap().extend((0..21).map(|seq| (seq, record(seq))));
    let mut delivery = place.delivery(receiver);
    let before = delivery.sink.taken.lock().unwrap().len();
    run(&mut delivery).await;
    let expected = [(3, record(3)), (100, record(100))];
    assert_eq!(delivery.sink.taken.lock().unwrap()[before..], expected, "byte by byte");
    assert_eq!(place.quarantined(), [7, 20]);
    assert_eq!(place.cursor().position(), 21);
    assert_eq!(super::super::quarantine::count(place.data(), &sink()).unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_cannot_be_read_is_replaced() {
    let place = Place::with(50);
    place.delivery(Receiver::in_turn(&place, [])).run().await;
    std::fs::create_dir_all(place.data().join("shipping")).unwrap();
    std::fs::write(place.data().join("shipping/test.again"), "of another user").unwrap();
    run(&mut place.delivery(knowing(&place, 50))).await;
    ask(place.data(), &sink(), Again::From(30)).unwrap();
    let mut delivery = place.delivery(knowing(&place, 50));
    run(&mut delivery).await;
    assert_eq!(sent(&delivery), (30..50).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn newer_records_have_an_age_while_a_request_is_stuck() {
    let place = Place::with(50);
    place.delivery(Receiver::in_turn(&place, [])).run().await;
    ask(place.data(), &sink(), Again::From(30)).unwrap();
    let receiver = Receiver::new(&place, |_| Reaction::Silence);
    receiver.taken.lock().unwrap().extend((0..50).map(|seq| (seq, record(seq))));
    let mut delivery = place.delivery(receiver);
    delivery.stopping = CancellationToken::new();
    timeout(Duration::from_secs(60), delivery.run()).await.unwrap_err();
    assert_eq!(place.metric("poort_ship_lag_seconds"), 0.0, "nothing waits");
    place.append([record(50).replace("1790000000123", "1000")]);
    timeout(Duration::from_secs(60), delivery.run()).await.unwrap_err();
    assert!(place.metric("poort_ship_lag_seconds") > 1e9);
}
