//! Receivers that refuse: halving, isolating, quarantine, holding.

use super::{
    super::{
        reply::{Reason, Reply, SendOutcome, Trouble},
        waiting,
    },
    support::{Place, Reaction, Receiver, check_taken, record},
};
use std::{io, time::Duration};
use tokio::time::{Instant, timeout};

fn says(verdict: Reply) -> Reaction {
    Reaction::Answer(SendOutcome::none(Trouble::new(verdict, "no")))
}

/// Takes all batches but those that hold one of these.
fn all_but(place: &Place, bad: &'static [u64], verdict: Reply) -> Receiver {
    Receiver::new(place, move |batch| match batch.iter().any(|seq| bad.contains(seq)) {
        true => says(verdict),
        false => Reaction::Answer(SendOutcome::all(batch.len())),
    })
}

#[tokio::test(start_paused = true)]
async fn one_bad_record_goes_to_quarantine_and_all_others_arrive() {
    for verdict in [Reply::Refused, Reply::TooLarge, Reply::PerhapsTooLarge, Reply::Exhausted] {
        let place = Place::with(100);
        let mut delivery = place.delivery(all_but(&place, &[0, 37, 38, 99], verdict));
        delivery.run().await;
        check_taken(&delivery.sink.taken, (1..37).chain(39..99));
        assert_eq!(place.quarantined(), [0, 37, 38, 99], "{verdict:?}");
        assert_eq!(place.metric("poort_ship_quarantined_total"), 4.0);
        assert_eq!(place.cursor().position(), 100);
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_takes_fewer_at_once_gets_all_without_quarantine() {
    let place = Place::with(100);
    let receiver = Receiver::new(&place, |batch| match batch.len() {
        0..=3 => Reaction::Answer(SendOutcome::all(batch.len())),
        _ => says(Reply::TooLarge),
    });
    let mut delivery = place.delivery(receiver);
    delivery.run().await;
    check_taken(&delivery.sink.taken, 0..100);
    assert_eq!(place.quarantined(), [0_u64; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_doubtful_answer_is_tried_three_times_before_it_is_believed() {
    for verdict in [Reply::PerhapsTooLarge, Reply::Exhausted] {
        let place = Place::with(1);
        let mut delivery = place.delivery(Receiver::in_turn(&place, [says(verdict), says(verdict)]));
        delivery.run().await;
        check_taken(&delivery.sink.taken, 0..1);
        assert_eq!(place.quarantined(), [0_u64; 0], "{verdict:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_was_taken_in_part_is_kept_whole_and_not_sent_again() {
    let place = Place::with(40);
    let mut delivery = place.delivery(Receiver::in_turn(&place, [says(Reply::TakenInPart)]));
    delivery.run().await;
    check_taken(&delivery.sink.taken, 16..40);
    assert_eq!(place.quarantined(), (0..16).collect::<Vec<_>>());
    assert_eq!(delivery.sink.sends.lock().unwrap().concat(), (0..40).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_refuses_poort_itself_costs_no_record() {
    let place = Place::with(20);
    let mut delivery = place.delivery(Receiver::new(&place, |_| says(Reply::Hold)));
    timeout(Duration::from_secs(3600), delivery.run()).await.unwrap_err();
    assert_eq!(place.cursor().position(), 0);
    assert_eq!(place.metric("poort_ship_held"), 1.0);
    let said = || waiting::read(place.data(), &"test".parse().unwrap()).unwrap();
    let waits = said().unwrap();
    assert!(waits.reason == "refused" && waits.why == "no" && waits.attempts > 100, "{waits:?}");
    assert!(delivery.sink.sends.lock().unwrap().len() < 150, "it tries slowly");
    let mut delivery = place.delivery(Receiver::in_turn(&place, [says(Reply::Hold)]));
    delivery.run().await;
    check_taken(&delivery.sink.taken, 0..20);
    assert!(!delivery.meters.wait(None) && said().is_none(), "it is over");
    assert_eq!(place.quarantined(), [0_u64; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_has_what_was_never_sent_holds_its_sink() {
    let place = Place::with(20);
    let mut delivery = place.delivery(Receiver::new(&place, |_| says(Reply::Duplicate)));
    timeout(Duration::from_secs(3600), delivery.run()).await.unwrap_err();
    assert_eq!((place.cursor().position(), place.metric("poort_ship_held")), (0, 1.0));
    assert!(place.metric("poort_ship_duplicates_total") > 1.0);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_refuses_everything_does_not_empty_the_log_into_quarantine() {
    let place = Place::with(100);
    let mut delivery = place.delivery(Receiver::new(&place, |_| says(Reply::Refused)));
    timeout(Duration::from_secs(60), delivery.run()).await.unwrap_err();
    let kept = place.quarantined().len();
    assert!((3..20).contains(&kept), "{kept} in a minute");
}

#[tokio::test(start_paused = true)]
async fn no_record_is_passed_before_its_quarantine_is_on_disk() {
    let place = Place::with(5);
    let mut delivery = place.delivery(all_but(&place, &[2], Reply::Refused));
    delivery.quarantine = delivery.quarantine.with_sync(|_| Err(io::Error::other("the disk is gone")));
    timeout(Duration::from_secs(600), delivery.run()).await.unwrap_err();
    assert_eq!(place.cursor().position(), 2);
    assert_eq!(place.quarantined(), [0_u64; 0]);
    delivery.quarantine = delivery.quarantine.with_sync(std::fs::File::sync_data);
    delivery.run().await;
    check_taken(&delivery.sink.taken, [0, 1, 3, 4]);
    assert_eq!(place.quarantined(), [2]);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_sent_at_all_goes_to_quarantine_in_its_turn() {
    let broken = ["{\"event_name\":5}".to_owned(), "no JSON \"at\" all".to_owned()];
    let place = Place::holding((0..3).map(record).chain(broken).chain((5..8).map(record)));
    let mut delivery = place.delivery(Receiver::in_turn(&place, []));
    delivery.run().await;
    check_taken(&delivery.sink.taken, [0, 1, 2, 5, 6, 7]);
    assert_eq!(place.quarantined(), [3, 4]);
    assert_eq!(place.cursor().position(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_says_how_long_to_wait() {
    let place = Place::with(1);
    let wait = Duration::from_secs(42);
    let later = says(Reply::Retry { reason: Reason::Unavailable, wait: Some(wait) });
    let mut delivery = place.delivery(Receiver::in_turn(&place, [later]));
    let start = Instant::now();
    delivery.run().await;
    assert_eq!(start.elapsed(), wait);
}
