//! Shipping through kills under load, to a receiver that fails, hangs, loses answers and is away. Afterwards no record
//! is lost, missing in between or altered; repetitions are counted.
//!
//! By default it is short. In full it takes some minutes:
//!
//! ```sh
//! POORT_KILL_ROUNDS=50 cargo test --release --test it shipping::kills
//! ```

use super::{Receiver, quarantined, receiver::Reaction, stopped};
use crate::support::{Exposition, Sidecar, allowed, denied, folder, key, message, until};
use poort::{api::pb::access_evaluation_client::AccessEvaluationClient, record::spool::reader::Reader};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::Value;
use std::{
    collections::HashMap,
    io::Write as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{sync::Notify, task::JoinSet, time::interval};
use tonic::{Code, transport::Channel};

/// How hard it is.
struct Course {
    rounds: usize,
    /// Answers in a round, before the kill.
    answers: usize,
    callers: usize,
    /// How often a caller asks; as fast as it is answered if this is zero.
    pace: Duration,
    /// How long the receiver is away in one of the rounds, beside the rounds in which it is away for all of it.
    away: Duration,
}

const SHORT: Course = Course { rounds: 5, answers: 400, callers: 16, pace: Duration::ZERO, away: Duration::ZERO };

/// 5 000 questions a second if the machine can, so a second a round, and a minute without the receiver.
const fn whole(rounds: usize) -> Course {
    Course { rounds, answers: 5_000, callers: 50, pace: Duration::from_millis(10), away: Duration::from_secs(60) }
}

/// The answers that callers got: the key of the record, and the decision.
type Heard = HashMap<(String, String), bool>;

/// Fails in three of ten requests, loses one of ten answers, and hangs now and then. The seed is fixed.
fn faulty() -> Receiver {
    let mut chance = StdRng::seed_from_u64(7);
    Receiver::new(move |_| match chance.random_range(0..100) {
        0..20 => Reaction::Refuse(Code::Unavailable),
        20..25 => Reaction::Refuse(Code::Aborted),
        25..30 => Reaction::Busy(Duration::from_millis(50)),
        30..40 => Reaction::TakeAndBreak,
        40..42 => Reaction::Stall,
        _ => Reaction::Take,
    })
}

/// Asks until it is not answered any more.
async fn caller(mut client: AccessEvaluationClient<Channel>, pace: Duration, first: usize, tally: Arc<Tally>) -> Heard {
    let mut heard = Heard::new();
    let mut ticks = (!pace.is_zero()).then(|| interval(pace));
    for number in first.. {
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        let mut question = if number.is_multiple_of(3) { denied() } else { allowed() };
        question["context"]["justification"] = format!("case {}", number % 97).into();
        let Ok(answer) = client.evaluate(message(&question)).await else { break };
        let answer = answer.into_inner();
        heard.insert(key(&answer), answer.decision);
        tally.count();
    }
    heard
}

/// Counts answers, and notifies when there are enough.
struct Tally {
    answers: AtomicUsize,
    enough: usize,
    reached: Notify,
}

impl Tally {
    fn count(&self) {
        if self.answers.fetch_add(1, Ordering::SeqCst) + 1 == self.enough {
            self.reached.notify_one();
        }
    }
}

/// Puts load on poort, kills it when enough was answered and `first` is over, and returns the answers.
async fn kill_under_load(sidecar: Sidecar, course: &Course, first: impl Future<Output = ()>) -> Heard {
    let tally = Arc::new(Tally { answers: AtomicUsize::new(0), enough: course.answers, reached: Notify::new() });
    let mut callers = JoinSet::new();
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(sidecar.grpc().await);
    }
    for number in 0..course.callers {
        callers.spawn(caller(clients[number % clients.len()].clone(), course.pace, number, tally.clone()));
    }
    tokio::join!(tally.reached.notified(), first);
    tokio::task::spawn_blocking(move || sidecar.kill()).await.unwrap();
    callers.join_all().await.into_iter().flatten().collect()
}

/// Waits until all is delivered, however long it takes, as long as it goes on.
async fn until_drained(sidecar: &Sidecar) {
    let mut before = -1.0;
    loop {
        let (taken, left) = until("more at the receiver", async || {
            let metrics = Exposition::of(sidecar).await;
            let of = |name: &str| metrics.value(name, "sink=\"test\"");
            let (taken, left) = (of("poort_ship_acknowledged"), of("poort_ship_backlog"));
            (taken > before || left == 0.0).then_some((taken, left))
        })
        .await;
        if left == 0.0 && taken > 0.0 {
            return;
        }
        before = taken;
    }
}

/// Checks that the answers agree with the log.
fn check_heard(data: &Path, heard: &Heard) {
    let mut recorded = Heard::new();
    for frame in Reader::open(data.join("records")).unwrap() {
        let record: Value = serde_json::from_slice(&frame.unwrap().payload).unwrap();
        let text = |name: &str| record[name].as_str().map(str::to_owned);
        let decision = record["body"]["adl.core.response"]["decision"].as_bool();
        if let (Some(trace), Some(span), Some(decision)) = (text("trace_id"), text("span_id"), decision) {
            recorded.insert((trace, span), decision);
        }
    }
    let lost = heard.iter().filter(|(key, decision)| recorded.get(key) != Some(decision)).count();
    assert_eq!(lost, 0, "of {} that were told to callers", heard.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_altered_however_often_poort_is_killed() {
    let rounds = std::env::var("POORT_KILL_ROUNDS").ok();
    let course = rounds.as_ref().map_or(SHORT, |rounds| whole(rounds.parse().unwrap()));
    let data = folder();
    let receiver = faulty();
    let mut listening = receiver.listen().await;
    let address = listening.address;
    let sink = format!("[ship.test]\nkind = \"otlp-grpc\"\nendpoint = \"http://{address}\"\ntimeout = \"300ms\"\n");
    let start = || Sidecar::builder().config(&sink).data(data.path()).start();
    let mut heard = Heard::new();
    let (begun, mut killing) = (Instant::now(), Duration::ZERO);
    for round in 0..course.rounds {
        let is_away = round % 5 == 2;
        if is_away {
            listening.stop().await;
        }
        let long = if round == 2 { course.away } else { Duration::ZERO };
        let sidecar = start();
        let under_load = Instant::now();
        heard.extend(kill_under_load(sidecar, &course, tokio::time::sleep(long)).await);
        killing += under_load.elapsed();
        if is_away {
            listening = receiver.listen_on(address, None).await;
        }
    }
    let sidecar = start();
    until_drained(&sidecar).await;
    // A stop sends its last records once.
    receiver.mend();
    let (_, _ended) = stopped(sidecar);
    let twice = receiver.check(data.path(), &[]);
    check_heard(data.path(), &heard);
    assert_eq!(quarantined(data.path(), "test"), [0_u64; 0]);
    assert!(heard.len() >= course.rounds * course.answers, "{}", heard.len());
    if rounds.is_some() {
        let (records, rate) = (receiver.count(), heard.len() as f64 / killing.as_secs_f64());
        writeln!(
            std::io::stderr(),
            "{} rounds in {:.0} s: {} answers heard ({rate:.0}/s under load), {records} records arrived, 0 lost, 0 missing, \
             0 altered, {twice} came twice",
            course.rounds,
            begun.elapsed().as_secs_f64(),
            heard.len(),
        )
        .unwrap();
    }
}
