//! Standard output and standard error. Results go to the first, words about them to the second.

use crate::problem::{self, Problem};
use std::{
    error::Error,
    io::{self, IsTerminal as _, Write as _},
};

/// The two streams of a command.
#[derive(Debug)]
pub(super) struct Output {
    colour: bool,
}

impl Output {
    pub(super) fn new() -> Self {
        let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { colour }
    }

    /// A result. An error means that nobody reads on, such as `head` after its lines.
    pub(super) fn result(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.write_all(b"\n")
    }

    /// A line for a person.
    pub(super) fn tell(&mut self, line: &str) {
        // With standard error gone, there is nowhere to say so.
        let _ = writeln!(io::stderr().lock(), "{line}");
    }

    /// An error, on one line.
    pub(super) fn error(&mut self, message: &str) {
        self.tell(&format!("poort: {message}"));
    }

    /// An error with its causes, on one line.
    pub(super) fn failure(&mut self, error: &dyn Error) {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message.push_str(&format!(": {error}"));
            cause = error.source();
        }
        self.error(&message);
    }

    /// Problems in files, with source and caret.
    pub(super) fn problems(&mut self, problems: &[Problem]) {
        let report = problem::report(problems, self.colour);
        let _ = io::stderr().lock().write_all(report.as_bytes());
    }

    /// Whether results may have colours.
    pub(super) fn result_is_coloured(&self) -> bool {
        io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
    }

    /// A text in a colour, if there are colours.
    pub(super) fn paint(&self, code: u8, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
