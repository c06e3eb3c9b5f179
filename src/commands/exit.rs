//! The exit codes of commands, on which scripts and CI rely.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done. For `evaluate`: allow.
    Done,
    /// 1: failed.
    Failed,
    /// 2: denied.
    Denied,
    /// 3: policies, schema or directory are not valid.
    NotValid,
    /// 4: a test of the policies failed, or less is covered than asked.
    TestsFailed,
    /// 5: a change does more than was accepted, or what it does could not be decided.
    Differences,
    /// 64: wrong usage or configuration.
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Denied => 2,
            Exit::NotValid => 3,
            Exit::TestsFailed => 4,
            Exit::Differences => 5,
            Exit::Usage => 64,
        })
    }
}
