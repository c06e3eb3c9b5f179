//! poort (Dutch: gate) is a policy decision point that runs as a sidecar beside an application. Before the application
//! touches police data it asks poort: may this account do this, to this record, for this purpose? poort answers from
//! versioned Cedar policies, and the record of the answer is on disk before the answer leaves.
//!
//! # Where a question goes
//!
//! ```text
//!  caller ── gRPC / HTTPS+JSON ──►  api                 bytes → Evaluation; trace context, deadline, limits
//!                                    │
//!                                   pdp                 one snapshot, one moment; the whole path in one place
//!                                    ├──►  callers       may this application ask that?
//!                                    ├──►  engine        check_question: fits the schema? and its key
//!                                    ├──►  cache         equal keys have equal verdicts
//!                                    ├──►  engine        question, decide: Cedar's words, Cedar's evaluation → verdict
//!                                    └──►  decision_log  verdict → record → fdatasync
//!                                    │
//!  caller ◄── decision ──────────────┘                  api: Answer → bytes
//! ```
//!
//! `record::shipping` reads the log from disk and sends it to every configured sink. No question waits for that.
//!
//! # Where an answer comes from
//!
//! ```text
//!  policies/*.cedar, schema ─►  policy     ─┐
//!  signed bundle ─► bundle ─►  (the same)   ┤
//!  directory/*.json         ─►  directory  ─┴─►  snapshot  ─►  store        one atomic swap, seen by pdp
//!                                                               └──►  archive      the files, while records name them
//! ```
//!
//! # The wings
//!
//! A wing is a folder of rooms for which a person comes. Imports run down this list, and one way inside each wing
//! (`tests/it/house/layers.rs::imports_run_one_way` reads every `use`; `tests/it/house/circles.rs` those between files).
//!
//! ```text
//!  commands     the command line, one file a command
//!  server       build, run, drain: what `serve` is made of
//!  config       file, environment, flags → settings
//!  api          who listens: gRPC, HTTP, the operators' port
//!  oversight    after the decision: replay, access_report, signals
//!  review       before a change is live: suite, diff, proof, matrix, partial, basis, lint, report; what one account has
//!               and lacks: account, remedies; and for who asks: reference, codegen
//!  pdp          the path of a question: callers, engine, cache; why: conditions, explain; and what a question may hold:
//!               description
//!  record       what stays: decision_log, spool, evidence, shipping, witness
//!  sources      what an answer comes from: policy, directory, bundle, snapshot, store, per_thread
//!  telemetry    what operators see
//!  types        plain values that all share: evaluation, decision, revision, trace, moment, problem, authzen …
//! ```
//!
//! - The wire's words (AuthZEN: *subject*, *evaluation*) and Cedar's (*principal*, *permit*) meet in
//!   [`pdp::engine::check_question`] and nowhere else.
//! - `engine` is pure: the server, `poort evaluate`, the tests and the benches run the same function.
//! - `cache` does not know the engine; a miss is a closure. `spool` does not know what a record is.
//! - `authzen` reads and writes AuthZEN JSON for the HTTP binding, for `poort evaluate` and for the record, so these
//!   cannot differ in form.
//! - A room's errors, metrics and configuration live in it.
//!
//! # Where to change what
//!
//! | to change | go to |
//! |---|---|
//! | a metric of a room | `metrics.rs` of the room; the cache's are in `pdp/cache/mod.rs` |
//! | a configuration key | `Config` of the room that it configures, `config/mod.rs`, `poort.example.toml` |
//! | what a record holds | `record/decision_log/record.rs` |
//! | what a record leaves out | `record/decision_log/redact/` |
//! | what equal questions share | `pdp/engine/key.rs` |
//! | which policies are evaluated | `sources/policy/slices.rs` |
//! | a status of gRPC or HTTP | `api/status.rs` |
//! | by what an application is recognised | `pdp/callers/`, its keys in `config/callers.rs`, certificates in `api/transport/` |
//! | what makes a subject's token count | `pdp/callers/token/`; when issuers' keys are read: `server/issuers.rs` |
//! | what an application may ask | `sources/policy/applications.rs`, and `pdp/callers/permission.rs`, which holds it |
//! | who may put policies live | `sources/bundle/`; when it happens: `server/bundles/` |
//! | a sink | `record/shipping/sink/`, and its keys in `config/ship.rs` |
//! | a finding about a policy | `review/lint/`; what is not valid: `sources/policy/` |
//! | what a user is told of a deny | `Evaluated::reason_user`, and `sources/policy/reason_user.rs` for what may be told |
//! | the form of a report | `review/*/report/` |
//! | the yearly review of rights | `review/matrix/report/page/` |
//! | how an id is written on the command line | `types/entity_id.rs` |
//! | what a developer of an application reads | `pdp/description/`; the page: `review/reference/`; builders: `review/codegen/` |
//! | a part that starts and stops with the server | `server/mod.rs` |
//! | a command or a flag | `commands/`, one file a command |
//!
//! # Words
//!
//! | word | meaning |
//! |---|---|
//! | application | what asks poort; a caller is the other end of a connection |
//! | evaluation | a question, in AuthZEN's words: subject, action, resource, context |
//! | question | an evaluation that fits the schema, in Cedar's words |
//! | verdict | what the engine says of a question: decision, policies, errors, obligations |
//! | answer | what the caller gets: a verdict with its revisions, or the fault of an item |
//! | refusal | why no decision was made |
//! | record | what the decision log keeps of a call |
//! | snapshot | policies, schema and directory, frozen together |
//! | revision | the digest of policies or directory, by which a record names them |
//! | environment | one subject type, action and resource type that the schema allows together |
//! | bundle | a policy folder as one file, with a version, an end and signatures |
//! | trust file | who may sign bundles and the next trust file, and how many persons it takes |
//! | slice | the policies that can matter in one environment |
//! | footprint | what the policies of a slice can read of a question and of the directory |
//! | frame, segment | a record on disk with its checksum; a file of them |
//! | packed segment | a complete segment, compressed and with a footer |
//! | checkpoint | a signed head of the log's Merkle tree |
//! | witness | a party that cosigns checkpoints, and never two histories of a log |
//! | receipt | a record with the proof that it is in the log |
//! | sink, cursor | where records are shipped to; how far that came |
//! | gap | a time in which answers left without records, and the record that says so |
//!
//! # In a few lines
//!
//! The engine needs no server:
//!
//! ```
//! use poort::{
//!     pdp::{
//!         Clock,
//!         engine::{UnknownEntities, decide, translate},
//!     },
//!     sources::snapshot::{Snapshot, Sources},
//!     types::authzen::{Limits, read_evaluation},
//! };
//! use std::path::Path;
//!
//! let sources = Sources::read(Path::new("policies"), Path::new("policies/directory")).expect("readable files");
//! let (snapshot, _problems) = Snapshot::from_sources(&sources);
//! let snapshot = snapshot.expect("valid policies");
//! let question = br#"{"subject": {"type": "Officer", "id": "officer-0007"}, "action": {"name": "consult"},
//!     "resource": {"type": "Investigation", "id": "inv-0042", "properties":
//!         {"unit": "detectives-north", "team": "heron", "level": 3, "embargo": false}},
//!     "context": {"purpose": "9"}}"#;
//! let evaluation = read_evaluation(question, Limits { depth: 16, batch: 1 })?;
//! let moment = Clock::new(jiff::tz::TimeZone::UTC, None).now();
//! let verdict = decide(&snapshot, &translate(&snapshot, &evaluation, &moment, UnknownEntities::Deny)?);
//! assert!(verdict.decision.is_allow());
//! assert_eq!(verdict.policies[0].id, "summit.team");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Promises
//!
//! Each is held by a test that fails when it is broken.
//!
//! 1. **No answer without a record** on durable storage: [`pdp::Pdp`] (`tests/it/record/durability.rs`).
//! 2. **Fail closed**: an error is never an allow: [`pdp::engine::decide`], [`pdp::Refusal`] (`tests/it/pdp/cedar.rs`,
//!    `tests/it/api/bad_input.rs`).
//! 3. **One snapshot per decision**: [`sources::snapshot::Snapshot`] (`tests/it/sources/reload.rs`).
//! 4. **Cached = fresh**: [`pdp::cache::Cache`] (`tests/it/pdp/cached.rs`).
//! 5. **A bad change changes nothing**: [`sources::store::Store`] (`tests/it/sources/reload.rs`).
//!    With bundles, nothing that two persons did not sign is active: [`sources::bundle`] (`tests/it/sources/bundles/activation.rs`,
//!    `tests/it/sources/bundles/trust_attacks.rs`).
//! 6. **Nothing recorded goes missing unseen**: [`record::evidence`], [`record::decision_log::verify`],
//!    [`record::shipping`] (`tests/it/record/durability.rs`, `tests/it/record/shipping.rs`,
//!    `src/record/decision_log/verify/tests.rs`).
//! 7. **A proof means what it says**: [`review::proof`], [`review::matrix`], [`review::diff`] hold for every question that
//!    the engine can be asked (`tests/it/review/analyses.rs`, `tests/it/review/diff/brute_force.rs`).
//! 8. **One caller takes nothing that others need**: [`api`] (`tests/it/api/availability.rs`). An application asks only what it
//!    may: [`pdp::callers`] (`tests/it/api/callers.rs`), and only in the name of who logged on: [`pdp::callers::token`]
//!    (`tests/it/api/tokens.rs`).
//! 9. **What was decided can be decided again**, bit by bit: [`oversight::replay::Replay`]
//!    (`tests/it/record/log/replay.rs`).
//! 10. **A signal can be made again** from the log and the settings, byte for byte, and changes no answer:
//!     [`oversight::signals::Detection`] (`tests/it/record/signals.rs`, `src/oversight/signals/tests.rs`). Beside a sidecar it is on
//!     record once: [`oversight::signals::live`] (`tests/it/record/live_signals.rs`, `tests/it/record/stream_signals.rs`).
//!
//! # Absent on purpose
//!
//! No policy language of its own, no decision without a record, no default that allows, no queue without a bound, no
//! agent framework, no replication.

pub mod api;
pub mod commands;
pub mod config;
pub mod oversight;
pub mod pdp;
pub mod record;
pub mod review;
pub mod server;
pub mod sources;
pub mod telemetry;
pub mod types;
