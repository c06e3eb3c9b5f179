//! poort beside the limit (a server that does nothing) and its nearest peer (Cerbos), asked by `h2load` in turns.
//!
//! `cargo bench --bench compare` prints the tables of `docs/benchmarks.md` and draws its picture. It needs `h2load` (Debian:
//! `nghttp2-client`), and `npm`, which installs Cerbos into the target folder. `POORT_BENCH_SECONDS` sets the seconds of each
//! measurement (default 3), `POORT_BENCH_PICTURE` where the picture goes (default: into the target folder).
//!
//! Before anything is timed, an allow and a deny are checked of each server. Each run checks that every answer came and is as
//! long as the right one, and at the end poort has a record of each answer. h2load sends one question over and over: poort
//! answers it from its cache, or evaluates it each time where the cache is off. Questions that differ are asked by the
//! bench `whole_path`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench: it prints, and stops where something is not as it should be"
)]

mod served;

use poort::api::pb::{EvaluateRequest, EvaluateResponse, access_evaluation_client::AccessEvaluationClient};
use prost::Message as _;
use served::{
    Effort, Served, cerbos, connect, cores, count_records, h2load,
    h2load::Shape,
    median, nothing, on_disk,
    picture::{self, Point},
    sets, start_poort_with,
};
use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Instant,
};

const EVALUATE: &str = "/poort.v1.AccessEvaluation/Evaluate";
const SHAPES: [Shape; 3] = [(1, 1), (4, 16), (8, 32)];
/// Policies and accounts.
const SIZES: [(usize, usize); 7] =
    [(10, 100), (100, 100), (1_000, 100), (10_000, 100), (100, 1_000), (100, 10_000), (100, 100_000)];
/// What stays as it is while the other grows: accounts, and policies.
const BY: (usize, usize) = (100, 100);
const CACHE_OFF: &str = "[cache]\nmemory = \"0B\"\n";

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if std::env::args().any(|argument| argument == nothing::FLAG) {
        return runtime.block_on(nothing::serve());
    }
    runtime.block_on(Bench(Effort::asked()).run());
}

/// A server that is measured.
struct Row {
    name: &'static str,
    served: Served,
    question: Question,
    /// How long its answer is, in bytes.
    answer: u64,
    answered: u64,
}

enum Question {
    Poort(EvaluateRequest),
    Cerbos(cerbos::CheckResources),
}

/// The medians of a row at one shape.
struct Figures {
    per_second: f64,
    of_nothing: f64,
    percentiles: [f64; 3],
    memory: u64,
}

struct Bench(Effort);

impl Bench {
    async fn run(&self) {
        let Effort { span, rounds, short } = self.0;
        let program = cerbos::install();
        println!("one machine, {} cores shared by h2load and server, {rounds} × {span:?} a row, median shown", cores(),);
        let [at_once, paced] = fdatasync();
        println!(
            "one write of 2 KiB with fdatasync: p50 {at_once:.0} µs one behind the other, {paced:.0} µs when asked for it"
        );
        println!("by another thread each time, as a server is\n");
        println!("| connections × calls | server | calls/s | of doing nothing | p50 | p99 | p99.9 | memory |");
        println!("|---|---|---:|---:|---:|---:|---:|---:|");
        let sets = sets::write(10, 100);
        let mut rows = vec![
            nothing_row(),
            poort_row("poort", sets.path().into(), "").await,
            poort_row("poort, cache off", sets.path().into(), CACHE_OFF).await,
            cerbos_row("Cerbos", &program, 10, false).await,
            cerbos_row("Cerbos, log in a file", &program, 10, true).await,
        ];
        for shape in SHAPES {
            for (row, figures) in
                rows.iter().map(|row| row.name).collect::<Vec<_>>().iter().zip(self.measure(&mut rows, shape))
            {
                println!("| {} × {} | {row} | {} |", shape.0, shape.1, figures.columns());
            }
        }
        check_records(&rows);
        drop(rows);
        println!(
            "\n8 × 32:\n\n| policies | accounts | server | calls/s | of doing nothing | p50 | p99 | p99.9 | memory |"
        );
        println!("|---:|---:|---|---:|---:|---:|---:|---:|---:|");
        let mut points = Vec::new();
        let sizes = SIZES.into_iter().filter(|(policies, accounts)| !short || policies * accounts <= 10_000);
        for (policies, accounts) in sizes {
            let sets = sets::write(policies, accounts);
            let mut rows = vec![
                nothing_row(),
                poort_row("poort", sets.path().into(), "").await,
                poort_row("poort, cache off", sets.path().into(), CACHE_OFF).await,
            ];
            // Its accounts come with each question.
            if accounts == 100 {
                rows.push(cerbos_row("Cerbos", &program, policies, false).await);
            }
            let names: Vec<_> = rows.iter().map(|row| row.name).collect();
            for (name, figures) in names.iter().zip(self.measure(&mut rows, (8, 32))) {
                let (per_second, p99) = (figures.per_second, figures.percentiles[1]);
                points.push(Point { server: name, policies, accounts, per_second, p99 });
                if *name != "does nothing" {
                    println!("| {policies} | {accounts} | {name} | {} |", figures.columns());
                }
            }
            check_records(&rows);
        }
        let target = || Path::new(env!("CARGO_TARGET_TMPDIR")).join("compare.svg");
        let path = std::env::var_os("POORT_BENCH_PICTURE").map_or_else(target, PathBuf::from);
        let title = format!("8 connections × 32 calls, {} cores shared with h2load", cores());
        picture::draw(&points, BY, &path, &title).unwrap();
        println!("\n{}", path.display());
    }

    /// Measures all in turns, so that a slow moment of the machine meets all.
    fn measure(&self, rows: &mut [Row], shape: Shape) -> Vec<Figures> {
        let mut runs: Vec<Vec<h2load::Run>> = rows.iter().map(|_| Vec::new()).collect();
        let calls: Vec<u64> = rows
            .iter_mut()
            .map(|row| {
                let warm = row.ask(shape, 500 * shape.0 as u64);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of calls")]
                let calls = (warm.per_second * self.0.span.as_secs_f64()) as u64;
                calls.max(shape.0 as u64)
            })
            .collect();
        for _ in 0..self.0.rounds {
            for ((row, runs), calls) in rows.iter_mut().zip(&mut runs).zip(&calls) {
                runs.push(row.ask(shape, *calls));
            }
        }
        rows.iter()
            .zip(&runs)
            .map(|(row, own)| Figures {
                per_second: median(own.iter().map(|run| run.per_second)),
                of_nothing: median(own.iter().zip(&runs[0]).map(|(run, limit)| run.per_second / limit.per_second)),
                percentiles: [0.5, 0.99, 0.999]
                    .map(|share| median(own.iter().map(|run| run.percentile(share).as_secs_f64() * 1e3))),
                memory: row.served.memory(),
            })
            .collect()
    }
}

impl Figures {
    fn columns(&self) -> String {
        let [p50, p99, p999] = self.percentiles;
        format!(
            "{:.0} | {:.2} | {p50:.2} ms | {p99:.2} ms | {p999:.2} ms | {} MiB",
            self.per_second, self.of_nothing, self.memory
        )
    }
}

impl Row {
    fn ask(&mut self, shape: Shape, calls: u64) -> h2load::Run {
        let run = match &self.question {
            Question::Poort(question) => h2load::ask(self.served.address, EVALUATE, question, shape, calls),
            Question::Cerbos(question) => h2load::ask(self.served.address, cerbos::PATH, question, shape, calls),
        };
        assert_eq!(run.answer, self.answer, "{}: answers of another length than the right one", self.name);
        self.answered += run.calls;
        run
    }
}

fn nothing_row() -> Row {
    let answer = EvaluateResponse { decision: true, ..EvaluateResponse::default() }.encoded_len() as u64;
    let question = Question::Poort(sets::question(3.0));
    Row { name: "does nothing", served: nothing::start(), question, answer, answered: 0 }
}

async fn poort_row(name: &'static str, policies: PathBuf, config: &str) -> Row {
    let served = start_poort_with(&policies, config, &[]);
    let mut client = AccessEvaluationClient::new(connect(served.address).await);
    let denied = client.evaluate(sets::question(4.0)).await.unwrap().into_inner();
    assert!(!denied.decision && denied.policies.is_empty(), "{denied:?}");
    let allowed = client.evaluate(sets::question(3.0)).await.unwrap().into_inner();
    assert!(allowed.decision && allowed.policies[0].id == "p0", "{allowed:?}");
    let question = Question::Poort(sets::question(3.0));
    Row { name, served, question, answer: allowed.encoded_len() as u64, answered: 2 }
}

async fn cerbos_row(name: &'static str, program: &Path, policies: usize, log: bool) -> Row {
    let served = cerbos::start(program, policies, log).await;
    let channel = connect(served.address).await;
    assert!(cerbos::answer(channel.clone(), cerbos::question(4.0)).await.is_deny());
    let allowed = cerbos::answer(channel, cerbos::question(3.0)).await;
    assert!(allowed.is_allow());
    let question = cerbos::question(3.0);
    // It says more than is read here, but always as much.
    let answer = h2load::ask(served.address, cerbos::PATH, &question, (1, 1), 1).answer;
    Row { name, served, question: Question::Cerbos(question), answer, answered: 3 }
}

/// Every answer of poort has its record.
fn check_records(rows: &[Row]) {
    for row in rows.iter().filter(|row| row.name.starts_with("poort")) {
        assert_eq!(count_records(row.served.data.as_ref().unwrap().path()), row.answered, "{}", row.name);
    }
}

/// Microseconds for a small write that is on the disk, the median of many: one behind the other, and each when another thread
/// asks for it over a connection. A processor that slept in between takes longer for the same.
fn fdatasync() -> [f64; 2] {
    const TIMES: u64 = 500;
    let folder = on_disk();
    let file = |name: &str| {
        let mut file = File::create(folder.path().join(name)).unwrap();
        file.write_all(&vec![0; 2 << 20]).unwrap();
        file.sync_all().unwrap();
        file
    };
    let write = |file: &File, number: u64| {
        let started = Instant::now();
        std::os::unix::fs::FileExt::write_all_at(file, &[1; 2048], number * 2048).unwrap();
        file.sync_data().unwrap();
        started.elapsed().as_secs_f64() * 1e6
    };
    let at_once = file("at-once");
    let at_once = median((0..TIMES).map(|number| write(&at_once, number)));
    let paced = file("paced");
    let (mut asking, mut asked) = UnixStream::pair().unwrap();
    let asking = std::thread::spawn(move || {
        for _ in 0..TIMES {
            asking.write_all(b"?").unwrap();
            asking.read_exact(&mut [0]).unwrap();
        }
    });
    let paced = median((0..TIMES).map(|number| {
        asked.read_exact(&mut [0]).unwrap();
        let took = write(&paced, number);
        asked.write_all(b"!").unwrap();
        took
    }));
    asking.join().unwrap();
    [at_once, paced]
}
