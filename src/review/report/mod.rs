//! Writes the results of review in the forms that people and CI systems read.
//!
//! - `findings`: problems in files for a terminal, a script (JSON), code scanning (SARIF), GitLab and GitHub
//! - `lines`: a text for a terminal, line by line
//! - `markdown`: text in Markdown
//! - `repository`: paths from the root of the repository
//! - `page`: self-contained HTML pages
//! - `spreadsheet`: fields that no spreadsheet program runs
//!
//! What holds here:
//! - A page loads nothing from elsewhere, and all text in it is escaped (`tests/it/review/pages.rs`).
//! - No form loses a finding.
//! - Text from files controls no terminal and is no command to a CI system (`tests/it/review/hostile.rs`).

mod findings;
mod lines;
pub mod markdown;
mod page;
mod repository;
mod spreadsheet;

pub use findings::{Format, findings};
pub use lines::Lines;
pub use page::{Page, Tone, badge, facts};
pub use spreadsheet::inert;
