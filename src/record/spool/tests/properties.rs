//! Any order of records, restarts and power cuts.

use super::support::{Place, block_on, committed, payload};
use crate::record::spool::{AppendError, Commit, Entry, Ticket, reader::Reader};
use proptest::{collection::vec, prelude::*};

#[derive(Clone, Debug)]
enum Step {
    /// Entries of these sizes, submitted together.
    Record(Vec<usize>),
    Restart,
    /// The keeper packs what is complete.
    Pack,
    /// The power goes in one of the next calls, whichever it is.
    PowerCut {
        after: u32,
        chance: u64,
        sizes: Vec<usize>,
    },
}

enum Answer {
    Given(Result<Commit, AppendError>),
    Promised(Ticket),
}

impl Answer {
    fn wait(self) -> Result<Commit, AppendError> {
        match self {
            Self::Given(answer) => answer,
            Self::Promised(ticket) => committed(ticket),
        }
    }
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![8 => 1..700_usize, 1 => 3000..9000_usize], 1..12)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => sizes().prop_map(Step::Record),
        1 => Just(Step::Restart),
        1 => Just(Step::Pack),
        3 => (0..14_u32, any::<u64>(), sizes()).prop_map(|(after, chance, sizes)| Step::PowerCut { after, chance, sizes }),
    ];
    vec(step, 1..14)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_reader_gives_what_was_acknowledged_and_no_legal_state_is_refused(steps in steps()) {
        let mut place = Place::new();
        let (mut spool, _) = place.open();
        let mut records: Vec<Vec<u8>> = Vec::new();
        let mut n = 0;
        for step in steps {
            let sizes = match &step {
                Step::Record(sizes) | Step::PowerCut { sizes, .. } => sizes.clone(),
                Step::Restart | Step::Pack => Vec::new(),
            };
            if let Step::PowerCut { after, chance, .. } = step {
                place.files.cut_power_after(after, chance);
            }
            // One after the other, each written by its caller; or all at once.
            let come_alone = sizes.len().is_multiple_of(2);
            let submitted: Vec<(Vec<u8>, Option<Answer>)> = sizes.into_iter().map(|size| {
                n += 1;
                let payload = payload(n, size);
                let entry = Entry::new(payload.clone());
                let answer = if come_alone {
                    Some(Answer::Given(block_on(spool.append(entry))))
                } else {
                    spool.submit(entry).ok().map(Answer::Promised)
                };
                (payload, answer)
            }).collect();
            let mut unanswered = Vec::new();
            for (payload, answer) in submitted {
                match answer.map(Answer::wait) {
                    Some(Ok(commit)) => {
                        prop_assert!(unanswered.is_empty(), "nothing is acknowledged after a loss");
                        prop_assert_eq!(commit.seq, records.len() as u64);
                        records.push(payload);
                    }
                    Some(Err(_)) => unanswered.push(payload),
                    None => {}
                }
            }
            if matches!(step, Step::Pack | Step::PowerCut { .. }) {
                let (mut keeper, _going_on) = spool.keeper(&place.config, vec![]);
                while matches!(keeper.step(), Ok(true)) {}
            }
            if matches!(step, Step::Record(_) | Step::Pack) {
                prop_assert!(unanswered.is_empty());
                continue;
            }
            spool.close();
            place.repair();
            let read: Result<Vec<_>, _> = Reader::open(place.dir()).unwrap().collect();
            let opened = place.try_open();
            prop_assert!(opened.is_ok(), "refused: {:?}", opened.err());
            let recovery;
            (spool, recovery) = opened.unwrap();
            let read = read.unwrap();
            prop_assert_eq!(recovery.next_seq, read.len() as u64, "the reader and recovery agree");
            // What was not acknowledged may be there, from its beginning on.
            prop_assert!(read.len() >= records.len(), "an acknowledged record is lost");
            let left_over = read.len() - records.len();
            prop_assert!(left_over <= unanswered.len());
            records.extend(unanswered.into_iter().take(left_over));
            prop_assert!(read.iter().map(|frame| &frame.payload).eq(&records));
        }
        spool.close();
        place.check_payloads(&records);
    }

    #[test]
    fn any_bytes_can_be_read_without_a_panic(bytes in vec(any::<u8>(), 0..300), cut in any::<proptest::sample::Index>()) {
        let place = Place::new();
        let mut segment = super::support::commits(0, &[&[b"one", b"two"], &[b"three"]]).concat();
        let at = cut.index(segment.len());
        segment.splice(at..(at + bytes.len()).min(segment.len()), bytes);
        place.put(0, &segment);
        let n_read = Reader::open(place.dir()).unwrap().filter(Result::is_ok).count();
        prop_assert!(n_read <= 3);
        if let Ok((spool, recovery)) = place.try_open() {
            prop_assert_eq!(recovery.records, n_read as u64);
            spool.close();
        }
    }
}
