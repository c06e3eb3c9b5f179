//! Results of the tools for officers and CI, in the forms that people and CI systems read.
//!
//! - `findings`: problems in files for a terminal, a script (JSON), code scanning (SARIF), GitLab and GitHub
//! - `page`: self-contained HTML pages
//!
//! What holds here: a page asks for nothing from anywhere else, and what is written into it is escaped
//! (`tests/it/pages.rs`); a form loses no finding.

mod findings;
mod page;

pub use findings::{Format, findings};
pub use page::{Page, Tone, badge, facts};
