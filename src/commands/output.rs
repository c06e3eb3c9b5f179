//! Writes standard output and standard error. Results go to the first, messages about them to the second.

use super::Exit;
use crate::{
    review::report::{self, Format},
    types::{
        escape,
        problem::{self, Problem},
    },
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
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

    /// Writes a part of the result. An error means that the reader is gone, such as `head` after its lines.
    pub(super) fn result(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.write_all(b"\n")
    }

    /// Writes the whole result of a command. A reader that stops early is no failure; a failed write is.
    pub(super) fn conclude(&mut self, text: &str) -> Result<(), Exit> {
        match self.bytes(text.as_bytes()).and_then(|()| io::stdout().lock().flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                self.error(&format!("standard output cannot be written: {error}"));
                Err(Exit::Failed)
            }
            _ => Ok(()),
        }
    }

    /// A result that ends as it ends.
    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        io::stdout().lock().write_all(bytes)
    }

    /// A line for a person.
    pub(super) fn tell(&mut self, line: &str) {
        self.tell_painted(&escape::lines(line));
    }

    /// A line for a person with colours in it; its text must be escaped already.
    pub(super) fn tell_painted(&mut self, line: &str) {
        // Without standard error, the failure cannot be reported.
        let _ = writeln!(io::stderr().lock(), "{line}");
    }

    /// An error, on one line.
    pub(super) fn error(&mut self, message: &str) {
        self.tell(&format!("poort: {}", escape::line(message)));
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

    /// Problems in files, in a form: for a person to standard error, for a machine to standard output.
    pub(super) fn findings(&mut self, problems: &[Problem], format: Format) -> Result<(), Exit> {
        let report = report::findings(problems, format, self.colour);
        if format == Format::Human {
            let _ = io::stderr().lock().write_all(report.as_bytes());
            return Ok(());
        }
        self.conclude(&report)
    }

    /// A progress bar on standard error; without a terminal there is none.
    pub(super) fn progress(&self, what: &'static str) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
        let style = ProgressStyle::with_template("{bar:32} {pos}/{len} {msg} {elapsed}");
        bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_message(what)
    }

    /// Whether results may have colours.
    pub(super) fn result_is_coloured(&self) -> bool {
        io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
    }

    /// A text in a colour, if messages have colours.
    pub(super) fn paint(&self, code: u8, text: &str) -> String {
        painted(self.colour, code, text)
    }

    /// A text in a colour, if results have colours.
    pub(super) fn paint_result(&self, code: u8, text: &str) -> String {
        painted(self.result_is_coloured(), code, text)
    }
}

fn painted(is_coloured: bool, code: u8, text: &str) -> String {
    let text = escape::line(text);
    if is_coloured { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.into_owned() }
}
