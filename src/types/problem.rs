//! Problems: mistakes in files, each with its file, its place and what to do about it.
//!
//! Every reader of files that people write (policies, schema, directory) reports in this form, all problems at once.
//! [`Problem`] is a [`miette::Diagnostic`], so a terminal shows it with the source and a caret.
//!
//! **Invariant:** the text of a problem is safe wherever it is shown, whatever the files hold (see [`escape`]).

use crate::types::escape;
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, NamedSource,
    Severity, SourceCode, SourceSpan, SpanContents,
};
use rustix::fs::OFlags;
use std::{
    borrow::Cow,
    fmt, fs,
    io::{self, Read as _},
    ops::Range,
    os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _},
    path::Path,
    sync::Arc,
};

/// A text file, under the name by which its problems are reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// The path as a person would type it.
    pub name: Arc<str>,
    /// The content.
    pub text: Arc<str>,
}

impl SourceFile {
    /// Reads a file, under its path as the name. The codes say what kind of file it is.
    ///
    /// # Errors
    /// Why it cannot be read, or that it is not UTF-8.
    pub fn read(path: &Path, unreadable: &'static str, not_utf8: &'static str) -> Result<Self, Box<Problem>> {
        let name = path.display().to_string();
        let problem = |code, message: String| Problem::unreadable(code, &name, message);
        let bytes = read_regular(path).map_err(|error| {
            let help = "put a file there, and let the account that runs poort read it";
            Box::new(problem(unreadable, format!("cannot be read: {error}")).help(help))
        })?;
        // Editors on Windows begin a file with a byte order mark, which has no meaning in UTF-8.
        let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes);
        let text = std::str::from_utf8(bytes)
            .map_err(|error| Box::new(self::not_utf8(not_utf8, &name, bytes, error.valid_up_to() as u64)))?;
        Ok(Self { name: name.into(), text: text.into() })
    }
}

/// A file that is no UTF-8 text from this byte on. `start` are its first bytes.
#[must_use]
pub fn not_utf8(code: &'static str, name: &str, start: &[u8], place: u64) -> Problem {
    let message = match start {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "is UTF-16 text, by its byte order mark".to_owned(),
        _ => format!("is not UTF-8 text: the byte at offset {place} has no meaning there"),
    };
    Problem::unreadable(code, name, message).help("save it again as UTF-8, which every editor can")
}

/// U+FEFF as UTF-8 has it. Editors on Windows begin a file with it; it has no meaning there.
pub const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The largest file that is read, in bytes: several times a directory of a million accounts, and less than memory.
const LARGEST: u64 = 4 << 30;

/// Opens a regular file, and says how long it is in bytes. A named pipe would wait for its writer, and a device may never
/// end, so both are refused; opening does not wait either.
///
/// # Errors
/// It cannot be opened, is none, or is too large.
pub fn open_regular(path: &Path) -> io::Result<(fs::File, u64)> {
    let file = fs::OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other(format!("is {}, not a regular file", kind(metadata.file_type()))));
    }
    if metadata.len() > LARGEST { Err(too_large()) } else { Ok((file, metadata.len())) }
}

fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    let (file, length) = open_regular(path)?;
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST { Err(too_large()) } else { Ok(bytes) }
}

fn too_large() -> io::Error {
    io::Error::other(format!("is larger than {} GiB", LARGEST >> 30))
}

fn kind(of: fs::FileType) -> &'static str {
    if of.is_fifo() {
        "a named pipe"
    } else if of.is_char_device() || of.is_block_device() {
        "a device"
    } else if of.is_dir() {
        "a folder"
    } else {
        "something else"
    }
}

/// Something wrong in a file.
#[derive(Debug, Clone)]
pub struct Problem {
    severity: Severity,
    code: &'static str,
    message: String,
    help: Option<String>,
    file: Arc<str>,
    source: Option<NamedSource<Arc<str>>>,
    /// What of the file is before the source.
    first: Place,
    labels: Vec<LabeledSpan>,
}

impl Problem {
    /// A mistake in a file that keeps it from being used. `code` is stable and names the kind of mistake.
    #[must_use]
    pub fn error(code: &'static str, file: &SourceFile, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: escape::lines(&message.into()).into_owned(),
            help: None,
            file: file.name.clone(),
            source: Some(NamedSource::new(escape::line(&file.name), file.text.clone())),
            first: Place::default(),
            labels: Vec::new(),
        }
    }

    /// Something in a file that is probably not meant, but can be used.
    #[must_use]
    pub fn warning(code: &'static str, file: &SourceFile, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, file, message) }
    }

    /// A file or folder that cannot be read.
    #[must_use]
    pub fn unreadable(code: &'static str, path: &str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: escape::lines(&message.into()).into_owned(),
            help: None,
            file: path.into(),
            source: None,
            first: Place::default(),
            labels: Vec::new(),
        }
    }

    /// A mistake that a library reports with places of its own in the same text.
    #[must_use]
    pub fn from_diagnostic(code: &'static str, file: &SourceFile, diagnostic: &dyn Diagnostic) -> Self {
        let mut problem = Self::error(code, file, diagnostic.to_string());
        if diagnostic.severity() == Some(Severity::Warning) {
            problem.severity = Severity::Warning;
        }
        problem.help = diagnostic.help().map(|help| escape::lines(&help.to_string()).into_owned());
        let end = file.text.len();
        problem.labels = diagnostic
            .labels()
            .into_iter()
            .flatten()
            .map(|label| {
                let start = label.offset().min(end);
                let span = SourceSpan::new(start.into(), label.len().min(end - start));
                LabeledSpan::new_with_span(label.label().map(|label| escape::line(label).into_owned()), span)
            })
            .collect();
        problem
    }

    /// The same, as a warning.
    #[must_use]
    pub fn as_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Points at a place in the file, in bytes.
    #[must_use]
    pub fn at(mut self, place: Range<usize>, label: impl Into<String>) -> Self {
        let span = SourceSpan::new(place.start.into(), place.end.saturating_sub(place.start));
        self.labels.push(LabeledSpan::new_with_span(Some(escape::line(&label.into()).into_owned()), span));
        self
    }

    /// The text that it has is a part of the file, and this is before it.
    #[must_use]
    pub fn first_at(mut self, before: Place) -> Self {
        self.first = before;
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(escape::lines(&help.into()).into_owned());
        self
    }

    /// Whether this keeps the file from being used.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The file's name.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The stable name of the kind of mistake.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.code
    }

    /// What is wrong, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do.
    #[must_use]
    pub fn help_text(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Line and column of the first place, counted from one; the column counts characters.
    #[must_use]
    pub fn position(&self) -> Option<(usize, usize)> {
        Some(self.region()?.start)
    }

    /// The first place, from its first character up to the one after its last: lines and columns, counted from one.
    #[must_use]
    pub fn region(&self) -> Option<Range<(usize, usize)>> {
        let label = self.labels.first()?;
        Some(self.position_of(label.offset())?..self.position_of(label.offset() + label.len())?)
    }

    /// The text of the first place.
    #[must_use]
    pub fn snippet(&self) -> &str {
        let place = self.labels.first().map(|label| label.offset()..label.offset() + label.len());
        place.and_then(|place| self.source.as_ref()?.inner().get(place)).unwrap_or_default()
    }

    fn position_of(&self, offset: usize) -> Option<(usize, usize)> {
        let place = self.first.behind(self.source.as_ref()?.inner().get(..offset)?.as_bytes());
        Some((place.lines + 1, place.characters + 1))
    }

    /// The same with a source that can be shown.
    fn legible(&self) -> Self {
        let source = self.source.as_ref().map(|source| {
            let text: Arc<str> = match escape::same_length(source.inner()) {
                Cow::Borrowed(_) => source.inner().clone(),
                Cow::Owned(text) => text.into(),
            };
            NamedSource::new(source.name(), text)
        });
        Self { source, ..self.clone() }
    }

    /// `file:line:column: message`, for one line of a log.
    #[must_use]
    pub fn one_line(&self) -> String {
        let message = self.message.replace('\n', " ");
        let file = escape::line(&self.file);
        match self.position() {
            Some((line, column)) => format!("{file}:{line}:{column}: {message}"),
            None => format!("{file}: {message}"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without a place in the text there is no snippet to name the file.
        if self.labels.is_empty() {
            write!(f, "{}: {}", escape::line(&self.file), self.message)
        } else {
            f.write_str(&self.message)
        }
    }
}

impl std::error::Error for Problem {}

/// What is before a place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// Whole lines.
    pub lines: usize,
    /// Bytes of the line that it is in.
    pub bytes: usize,
    /// Characters of the line that it is in.
    pub characters: usize,
}

impl Place {
    /// The place behind this text, which begins here.
    #[must_use]
    pub fn behind(self, text: &[u8]) -> Self {
        let last = memchr::memrchr(b'\n', text);
        let line = last.and_then(|last| text.get(last + 1..)).unwrap_or(text);
        let (bytes, characters) = if last.is_some() { (0, 0) } else { (self.bytes, self.characters) };
        Self {
            lines: self.lines + memchr::memchr_iter(b'\n', text).count(),
            bytes: bytes + line.len(),
            characters: characters + line.iter().filter(|byte| **byte & 0xc0 != 0x80).count(),
        }
    }
}

/// The text, with lines and columns as the whole file has them.
impl SourceCode for Problem {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let source = self.source.as_ref().ok_or(MietteError::OutOfBounds)?;
        let found = source.read_span(span, before, after)?;
        let column = if found.line() == 0 { self.first.characters + found.column() } else { found.column() };
        let line = self.first.lines + found.line();
        let (name, text, span) = (source.name().to_owned(), found.data(), *found.span());
        Ok(Box::new(MietteSpanContents::new_named(name, text, span, line, column, found.line_count())))
    }
}

impl Diagnostic for Problem {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|_| self as _)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty()).then(|| Box::new(self.labels.iter().cloned()) as _)
    }
}

/// Whether any of the problems keeps a file from being used.
#[must_use]
pub fn has_errors(problems: &[Problem]) -> bool {
    problems.iter().any(Problem::is_error)
}

/// An error with its causes, each once.
#[must_use]
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let part = error.to_string();
        if !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        cause = error.source();
    }
    text
}

/// The place of a JSON error.
#[must_use]
pub fn json_place(text: &str, error: &serde_json::Error) -> Range<usize> {
    let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let start = (before + error.column().saturating_sub(1)).min(text.len());
    let start = (0..=start).rev().find(|place| text.is_char_boundary(*place)).unwrap_or(0);
    let end = (start + 1..=text.len()).find(|place| text.is_char_boundary(*place)).unwrap_or(text.len());
    start..end
}

/// All problems as a person reads them: source, line, column and caret.
#[must_use]
pub fn report(problems: &[Problem], colour: bool) -> String {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(120).with_links(false);
    let mut text = String::new();
    for problem in problems.iter().map(Problem::legible) {
        if handler.render_report(&mut text, &problem).is_err() {
            text.push_str(&problem.one_line());
        }
        text.push('\n');
    }
    text
}
