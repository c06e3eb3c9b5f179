//! Signals of atypical use, found in the decision log: accesses without a known reason, and use unlike that of peers. A signal is
//! a question to answer. It does not say that use was wrong.
//!
//! [`Detection::step`] is a function of the settings and of the decisions before, in their order, and of nothing else. It has no
//! clock: time is that of records. So the same log gives the same signals again, byte for byte, and nothing here is on the path
//! of a question.
//!
//! What holds here:
//! - **Peers decide what is usual**, and never the account alone: misuse that goes on for years is usual for who does it.
//! - **An access without a reason explains nothing later.** Else a second look would excuse the first.
//! - **Shares count, and not amounts**, where reasons are concerned: who works more has no higher score.
//! - **The budget is first, the threshold second**: the threshold is the score that gives the number of signals that people can
//!   look at. Before there is a baseline, only rules signal.
//!
//! - `settings`: what is signalled, and when: a file that people agree on
//! - `reasons`: policies that say what explains an access, and what is always a signal
//! - `fact`: what matters of a decision, read from a record
//! - `last_read`: the last record of each log
//! - `open`: open signals, and what a score changes among them
//! - `peers`: groups of accounts with like work, and what is usual in them
//! - `tail`: how unlikely a number is among peers
//! - `touches`: which account had access to which record
//! - `profile`: what is kept of an account
//! - `accounts`: the pseudonyms of accounts
//! - `retries`: what was denied, and allowed after something else was said
//! - `circumstances`: what makes an act say more, such as the hour
//! - `disclosures`: what systems disclose to whom
//! - `runs`: records whose numbers follow each other
//! - `crowds`: records that many accounts had access to without a reason
//! - `follow_up`: what people do with a signal
//! - `calendar`: the day, where records agree on it
//! - `counting`: what a decision adds to the day of its account
//! - `scores`: what each detector finds
//! - `detection`: the step
//! - `signal`: a signal, and its sentence
//! - `history`: what the records of a log say became of each signal
//! - `recording`: which signals go on record
//! - `live`: a thread that puts them there while poort answers
//! - `json`: a signal in JSON
//! - `changes`: what a change of the settings changes, in words
//! - `simulation`: a made-up force, and what is signalled of it
//! - `power`: how much each reason explains of real accesses, and of random ones

mod accounts;
mod calendar;
mod changes;
mod circumstances;
mod counting;
mod crowds;
mod detection;
mod disclosures;
mod fact;
mod follow_up;
mod history;
mod json;
mod last_read;
pub mod live;
mod open;
mod peers;
mod power;
mod profile;
mod reasons;
mod recording;
mod retries;
mod runs;
mod scores;
mod settings;
mod signal;
pub mod simulation;
mod tail;
mod touches;

#[cfg(test)]
mod tests;

pub use accounts::account_of;
pub use changes::changes;
pub use detection::{AccountDay, Detection};
pub use fact::{Fact, Reader};
pub use follow_up::{FollowUp, VERDICT, Verdict};
pub use history::{Active, History, Recorded, Status};
pub use json::json;
pub use last_read::LastRead;
pub use power::{Power, Share};
pub use reasons::{Reason, Reasons};
pub use retries::Stated;
pub use settings::{FOLDER, SETTINGS_FILE, Settings, SettingsFiles};
pub use signal::{About, Change, Circumstance, Detector, Evidence, Family, Signal};
