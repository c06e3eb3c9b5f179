//! The tools for officers and CI, as whole processes: time and peak memory of `poort validate`, `poort test` and
//! `poort diff` on the repository's own policies and on generated ones.
//!
//! `cargo bench --bench policy_tools` runs it (`-- 50 500` for these sizes alone). Each answer is checked before its time
//! is taken: every generated case passes, and each diff finds the one policy that was changed and nothing else.
//!
//! Generated sets: two types of accounts, five actions and ten types of records (100 request environments); each policy
//! is about one type of account, one action and one type of record, with three conditions, and has a case of its own.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench: it prints, and stops where something is not as it should be"
)]

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use wait4::Wait4 as _;

const SIZES: [usize; 3] = [50, 500, 5_000];
/// Each command runs this often; the median is shown.
const ROUNDS: usize = 3;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    // `cargo test --benches` runs this without the flag: then once, and small.
    let short = !arguments.iter().any(|argument| argument == "--bench");
    let asked: Vec<usize> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = match (asked.is_empty(), short) {
        (false, _) => asked,
        (true, true) => vec![20],
        (true, false) => SIZES.to_vec(),
    };
    let rounds = if short { 1 } else { ROUNDS };
    println!("| policies | command | time | peak memory |\n|---|---|---|---|");
    let folder = tempfile::tempdir().unwrap();
    own(folder.path(), rounds);
    for size in sizes {
        generated(&folder.path().join(size.to_string()), size, rounds);
    }
}

/// The repository's own policies, with one permit that asks one thing less.
fn own(scratch: &Path, rounds: usize) {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let head = scratch.join("own");
    copy(&base, &head);
    let file = head.join("cas.cedar");
    let text = fs::read_to_string(&file).unwrap();
    let changed = text.replacen("context.purpose == \"8\"", "[\"8\", \"9\"].contains(context.purpose)", 1);
    assert_ne!(text, changed, "the policy that this changes is not there");
    fs::write(&file, changed).unwrap();
    let policies = fs::read_dir(&base).unwrap().filter(|entry| {
        let path = entry.as_ref().unwrap().path();
        path.extension().is_some_and(|extension| extension == "cedar")
    });
    let count: usize =
        policies.map(|file| fs::read_to_string(file.unwrap().path()).unwrap().matches("@id(").count()).sum();
    rows(&format!("{count} (this repository's)"), &base, &head, scratch, rounds, true);
}

fn generated(folder: &Path, size: usize, rounds: usize) {
    let (base, head) = (folder.join("base"), folder.join("head"));
    write_set(&base, size);
    copy(&base, &head);
    // One permit in the middle asks for a lower level.
    let file = head.join(format!("part{}.cedar", size / 2 / 100));
    let text = fs::read_to_string(&file).unwrap();
    let needle = format!("context.number == {}", size / 2);
    let changed = text.replacen(&needle, &format!("context.number >= {}", size / 2), 1);
    assert_ne!(text, changed);
    fs::write(&file, changed).unwrap();
    rows(&size.to_string(), &base, &head, folder, rounds, false);
}

fn rows(name: &str, base: &Path, head: &Path, scratch: &Path, rounds: usize, prove: bool) {
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let cache = scratch.join("cache");
    let row = |command: &str, arguments: &[&str], code: i32, fresh: bool| {
        let mut runs = Vec::new();
        for _ in 0..rounds {
            if fresh {
                let _ = fs::remove_dir_all(&cache);
            }
            runs.push(run(arguments, &cache, code));
        }
        runs.sort();
        let (time, memory) = runs[runs.len() / 2];
        println!("| {name} | {command} | {:.2} s | {} MiB |", time.as_secs_f64(), memory >> 20);
    };
    row("`validate`", &["validate", &text(base)], 0, true);
    if prove {
        row("`validate --prove`", &["validate", "--prove", &text(base)], 0, true);
        row("`validate --prove`, again", &["validate", "--prove", &text(base)], 0, false);
    }
    row("`test`", &["test", &text(base)], 0, true);
    if prove {
        row("`test --coverage`", &["test", "--coverage", &text(base)], 0, true);
        row("`test --mutate`", &["test", "--mutate", &text(base)], 0, true);
        row("`matrix --format csv`", &["matrix", "--format", "csv", &text(base)], 0, true);
    }
    // Exit code 5: the change grants something.
    row("`diff` of one changed policy", &["diff", &text(base), &text(head)], 5, true);
    row("`diff`, again", &["diff", &text(base), &text(head)], 5, false);
}

/// Time and peak memory of one run, which must end with this code.
fn run(arguments: &[&str], cache: &Path, code: i32) -> (Duration, u64) {
    let start = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_poort"))
        .args(arguments)
        .env("XDG_CACHE_HOME", cache)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let ended = child.wait4().unwrap();
    let time = start.elapsed();
    assert_eq!(ended.status.code(), Some(code), "poort {}", arguments.join(" "));
    (time, ended.rusage.maxrss)
}

fn write_set(folder: &Path, size: usize) {
    fs::create_dir_all(folder.join("tests")).unwrap();
    fs::create_dir_all(folder.join("directory")).unwrap();
    let records: Vec<_> = (0..10).map(|index| format!("Record{index}")).collect();
    let mut schema = String::from("entity Group;\n");
    for account in ["Person", "Machine"] {
        writeln!(schema, "entity {account} in [Group] {{ level: Long, tasks: Set<String> }};").unwrap();
    }
    for record in &records {
        writeln!(schema, "@source(\"request\") entity {record} {{ level: Long, owner?: String }};").unwrap();
    }
    writeln!(
        schema,
        "action a0, a1, a2, a3, a4 appliesTo {{ principal: [Person, Machine], resource: [{}],
            context: {{ purpose: String, number: Long }} }};",
        records.join(", ")
    )
    .unwrap();
    fs::write(folder.join("schema.cedarschema"), schema).unwrap();

    let mut accounts = Vec::new();
    let mut suite = String::from("today: 2026-11-23\ncases:\n");
    let mut parts: Vec<String> = vec![String::new(); size.div_ceil(100)];
    for index in 0..size {
        let account = if index % 2 == 0 { "Person" } else { "Machine" };
        let (action, record) = (index / 2 % 5, index / 10 % 10);
        writeln!(
            parts[index / 100],
            "@id(\"p{index}\")\n@title(\"Policy {index}.\")\npermit (\n  principal is {account} in Group::\"g{index}\",\n  \
             action == Action::\"a{action}\",\n  resource is Record{record}\n)\nwhen {{\n  \
             principal.tasks.contains(context.purpose) && resource.level <= principal.level && context.number == {index}\n}};\n",
        )
        .unwrap();
        accounts.push(format!(
            "{{\"uid\": {{\"type\": \"Group\", \"id\": \"g{index}\"}}, \"attrs\": {{}}, \"parents\": []}},
             {{\"uid\": {{\"type\": \"{account}\", \"id\": \"u{index}\"}}, \"attrs\": {{\"level\": 2, \"tasks\": [\"8\"]}},
               \"parents\": [{{\"type\": \"Group\", \"id\": \"g{index}\"}}]}}"
        ));
        writeln!(
            suite,
            "  - {{name: case {index}, subject: \"{account}::u{index}\", action: a{action}, resource: {{type: Record{record}, \
             id: r, properties: {{level: 1}}}}, context: {{purpose: \"8\", number: {index}}}, decision: allow, policies: [p{index}]}}"
        )
        .unwrap();
    }
    for (index, part) in parts.iter().enumerate() {
        fs::write(folder.join(format!("part{index}.cedar")), part).unwrap();
    }
    fs::write(folder.join("directory/accounts.json"), format!("[{}]", accounts.join(",\n"))).unwrap();
    fs::write(folder.join("tests/all.yaml"), suite).unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}
