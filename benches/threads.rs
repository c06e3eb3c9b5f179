//! What a second thread adds inside the process: the same path on one thread and on two, in turns.
//!
//! `cargo bench --bench threads` prints the table. What is included: the clock, the key of a question, the cache or the
//! evaluation, and the bytes of the record; no wire and no disk, which have their own limits. Before anything is timed the
//! answers are checked. Reference counts and locks that threads share show here. What a machine gives to a second thread that
//! shares nothing is the limit: beside each row, two threads with policies, directory and cache of their own.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench: it prints, and stops where something is not as it should be"
)]

mod inside;

use inside::{Desk, question, question_with};
use poort::types::evaluation::Evaluation;
use std::{
    sync::{
        Barrier,
        atomic::{AtomicI64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The questions of a row.
#[derive(Clone, Copy)]
enum Mix {
    /// From the cache.
    Repeating,
    /// Each evaluated.
    Fresh,
}

static NEXT: AtomicI64 = AtomicI64::new(1_000);

impl Mix {
    /// So many questions, each thread's its own.
    fn questions(self, count: usize) -> Vec<Evaluation> {
        let fresh = || question_with(NEXT.fetch_add(1, Ordering::Relaxed));
        match self {
            Self::Repeating => (0..count).map(|number| question_with(number as i64 % 64)).collect(),
            Self::Fresh => (0..count).map(|_| fresh()).collect(),
        }
    }
}

/// Questions a second, of a thread at each of these desks together.
fn measure(desks: &[&Desk], mix: Mix, count: usize) -> f64 {
    let barrier = Barrier::new(desks.len() + 1);
    let took = thread::scope(|scope| {
        let workers: Vec<_> = desks
            .iter()
            .map(|desk| {
                let barrier = &barrier;
                scope.spawn(move || {
                    let questions = mix.questions(count);
                    barrier.wait();
                    let started = Instant::now();
                    for question in questions {
                        let (cached, bytes) = desk.decide(&question);
                        assert!(bytes > 1_000 && cached == matches!(mix, Mix::Repeating));
                    }
                    started.elapsed()
                })
            })
            .collect();
        barrier.wait();
        workers.into_iter().map(|worker| worker.join().unwrap()).max().unwrap_or(Duration::ZERO)
    });
    #[expect(clippy::cast_precision_loss, reason = "a figure to show")]
    let all = (desks.len() * count) as f64;
    all / took.as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    // `cargo test --benches` shows that it works, and no figure worth showing.
    let short = !std::env::args().any(|argument| argument == "--bench");
    let (rounds, count) = if short { (1, 200) } else { (9, 20_000) };
    let [desk, other] = [Desk::shipped(), Desk::shipped()];
    let moment = desk.clock.now();
    for (level, allowed) in [(3, true), (4, false)] {
        assert_eq!(desk.fresh(&question(level), &moment).decision.is_allow(), allowed);
    }
    for question in Mix::Repeating.questions(64) {
        desk.decide(&question);
        other.decide(&question);
    }
    println!("{} cores, median of {rounds} rounds of {count} questions a thread\n", inside::cores());
    println!("| questions | one thread | two threads | ratio | sharing nothing |\n|---|---:|---:|---:|---:|");
    for (mix, name) in [(Mix::Repeating, "from the cache"), (Mix::Fresh, "evaluated")] {
        let rows: Vec<_> = (0..rounds)
            .map(|_| [&[&desk][..], &[&desk, &desk], &[&desk, &other]].map(|desks| measure(desks, mix, count)))
            .collect();
        let of = |index: usize| median(rows.iter().map(|row| row[index]).collect());
        let ratio = |index: usize| median(rows.iter().map(|row| row[index] / row[0]).collect());
        println!("| {name} | {:.0}/s | {:.0}/s | {:.2} | {:.2} |", of(0), of(1), ratio(1), ratio(2));
    }
}
