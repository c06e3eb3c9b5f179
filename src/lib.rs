//! poort (Dutch: gate) is a policy decision point that runs as a sidecar beside an application. Before the application
//! touches police data it asks poort: may this account do this, to this record, for this purpose? poort answers from
//! versioned Cedar policies, and the record of the answer is on disk before the answer leaves.
//!
//! # Where a question goes
//!
//! ```text
//!  caller ── gRPC / HTTPS+JSON ──►  api           bytes → Evaluation; trace context, deadline, limits
//!                                    │
//!                                   pdp           one snapshot, one moment; the whole path in one place
//!                                    ├──►  engine        outline: fits the schema? and its key
//!                                    ├──►  cache         equal keys have equal verdicts
//!                                    ├──►  engine        question, decide: Cedar's words, Cedar's evaluation → verdict
//!                                    └──►  decision_log  verdict → record → fdatasync
//!                                    │
//!  caller ◄── decision ──────────────┘            api: Answer → bytes
//! ```
//!
//! What is in the log goes on by itself: `shipping` reads it from disk and sends it to every sink that is configured, and no
//! question waits for that.
//!
//! # Where an answer comes from
//!
//! ```text
//!  policies/*.cedar, schema ─►  policy     ─┐
//!  directory/*.json         ─►  directory  ─┴─►  snapshot  ─►  store        one atomic swap, seen by pdp
//!                                                               └──►  archive      the files, for as long as records name them
//! ```
//!
//! # Layers
//!
//! Imports run one way, down; a module uses what stands below it, never what stands above or beside
//! (`tests/it/layers.rs::imports_run_one_way` reads every `use`).
//!
//! ```text
//!  7  commands                                   the command line, one file a command
//!  6  config                                     composes every module's own Config
//!  5  api · admin · suite · diff · replay        the wire for callers and for operators; tests of policies, changes of them
//!  4  pdp · proof                                the path of a question; what holds for all questions
//!  3  engine · cache · store · decision_log · shipping · matrix     none imports another
//!  2  snapshot                                   policies, schema and directory, frozen together
//!  1  policy ◄─ directory · lint · conditions    sources; what is unwise in them; their smallest boolean parts
//!     spool · telemetry · report                 bytes to disk; what operators see; what officers and CI read
//!  0  evaluation · decision · revision · trace · moment · nearest · shown · problem · authzen · evidence · apart
//! ```
//!
//! - The wire's words (AuthZEN: *subject*, *evaluation*) and Cedar's (*principal*, *permit*) meet in
//!   [`engine::outline`] and nowhere else.
//! - `engine` is pure: the server, `poort evaluate`, the tests and the benches run the same function.
//! - `cache` does not know the engine; a miss is a closure. `spool` does not know what a record is.
//! - `authzen` makes and reads AuthZEN JSON for the HTTP binding, for `poort evaluate` and for the record, so these cannot
//!   differ in form.
//! - Errors, metrics and configuration live with their module.
//!
//! # In a few lines
//!
//! The engine needs no server:
//!
//! ```
//! use poort::{
//!     authzen::{Limits, read_evaluation},
//!     engine::{UnknownEntities, decide, translate},
//!     pdp::Clock,
//!     snapshot::{Snapshot, Sources},
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
//! 1. **No answer without a record** on durable storage: [`pdp::Pdp`] (`tests/it/durability.rs`).
//! 2. **Fail closed**: an error is never an allow: [`engine::decide`], [`pdp::Refusal`] (`tests/it/cedar.rs`,
//!    `tests/it/bad_input.rs`).
//! 3. **One world per decision**: [`snapshot::Snapshot`] (`tests/it/reload.rs`).
//! 4. **Cached = fresh**: [`cache::Cache`] (`tests/it/properties.rs`).
//! 5. **A bad change changes nothing**: [`store::Store`] (`tests/it/reload.rs`).
//! 6. **Nothing recorded goes missing unseen**: [`evidence`], [`decision_log::verify`], [`shipping`]
//!    (`tests/it/durability.rs`, `tests/it/shipping.rs`, `src/decision_log/verify/tests.rs`).
//! 7. **A proof means what it says**: [`proof`], [`matrix`], [`diff`] hold for every question that the engine can be asked
//!    (`tests/it/analyses.rs`, `tests/it/diff_brute_force.rs`).
//! 8. **One caller takes nothing that others need**: [`api`] (`tests/it/availability.rs`).
//! 9. **What was decided can be decided again**, bit by bit: [`replay::Replay`] (`tests/it/log/replay.rs`).
//!
//! # Absent on purpose
//!
//! No policy language of its own, no decision without a record, no default that allows, no queue without a bound, no
//! agent framework, no replication.

pub mod admin;
pub mod apart;
pub mod api;
pub mod authzen;
pub mod cache;
pub mod commands;
pub mod conditions;
pub mod config;
pub mod decision;
pub mod decision_log;
pub mod diff;
pub mod directory;
pub mod engine;
pub mod evaluation;
pub mod evidence;
pub mod lint;
pub mod matrix;
pub mod moment;
pub mod nearest;
pub mod pdp;
pub mod policy;
pub mod problem;
pub mod proof;
pub mod replay;
pub mod report;
pub mod revision;
pub mod shipping;
pub mod shown;
pub mod snapshot;
pub mod spool;
pub mod store;
pub mod suite;
pub mod telemetry;
pub mod trace;
