//! Delivery to a receiver that does anything, in any order.

use super::{
    super::reply::{Reason, Reply, SendOutcome, Trouble},
    support::{Place, Reaction, Receiver, record},
};
use proptest::prelude::*;
use std::{collections::BTreeSet, time::Duration};

#[derive(Debug, Clone, Copy)]
enum Act {
    TakeAll,
    TakeSome(usize),
    LoseTheAnswer(usize),
    Say(Reply),
    Silence,
    Panic,
}

fn act() -> impl Strategy<Value = Act> {
    let retry = Reply::Retry { reason: Reason::Unavailable, wait: Some(Duration::from_secs(1)) };
    let verdicts = vec![
        Reply::TakenInPart,
        retry,
        Reply::TooLarge,
        Reply::PerhapsTooLarge,
        Reply::Exhausted,
        Reply::Refused,
        Reply::Hold,
        Reply::Duplicate,
    ];
    prop_oneof![
        3 => Just(Act::TakeAll),
        2 => (0_usize..20).prop_map(Act::TakeSome),
        2 => (0_usize..20).prop_map(Act::LoseTheAnswer),
        4 => prop::sample::select(verdicts).prop_map(Act::Say),
        1 => Just(Act::Silence),
        1 => Just(Act::Panic),
    ]
}

fn react(act: Act, length: usize) -> Reaction {
    let broken = || Some(Trouble::retry(Reason::Transport, "broken"));
    match act {
        Act::TakeAll => Reaction::Answer(SendOutcome::all(length)),
        Act::TakeSome(count) => Reaction::Answer(SendOutcome { taken: count.min(length), trouble: broken() }),
        Act::LoseTheAnswer(count) => Reaction::TakeAndSaySo(count, SendOutcome { taken: 0, trouble: broken() }),
        Act::Say(verdict) => Reaction::Answer(SendOutcome::none(Trouble::new(verdict, "no"))),
        Act::Silence => Reaction::Silence,
        Act::Panic => Reaction::Panic,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// The receiver itself checks the cursor before each answer. Restarts come at any send.
    #[test]
    fn the_cursor_is_never_ahead_of_the_receiver(
        count in 0_u64..60,
        lives in prop::collection::vec(prop::collection::vec(act(), 0..12), 1..4),
    ) {
        let place = Place::with(count);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let taken = runtime.block_on(async {
            let mut taken = Vec::new();
            let last = lives.len() - 1;
            for (life, acts) in lives.into_iter().enumerate() {
                let mut acts = acts.into_iter();
                let is_last = life == last;
                let receiver = Receiver::new(&place, move |batch| match acts.next() {
                    Some(act) => react(act, batch.len()),
                    None if is_last => Reaction::Answer(SendOutcome::all(batch.len())),
                    // It hangs until the process is killed.
                    None => Reaction::Silence,
                });
                receiver.taken.lock().unwrap().append(&mut taken);
                let mut delivery = place.delivery(receiver);
                // Dropped at any await, as a kill would.
                let _killed = tokio::time::timeout(Duration::from_secs(2_000), delivery.run()).await;
                taken.append(&mut delivery.sink.taken.lock().unwrap());
            }
            taken
        });
        prop_assert!(taken.iter().all(|(seq, body)| *body == record(*seq)));
        let mut handled: BTreeSet<u64> = taken.iter().map(|(seq, _)| *seq).collect();
        handled.extend(place.quarantined());
        prop_assert_eq!(handled, (0..count).collect::<BTreeSet<_>>());
        prop_assert_eq!(place.cursor().position(), count);
    }
}
