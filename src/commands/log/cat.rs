//! `poort log cat`: prints the records that its flags select.

use super::{
    Common, Exit, Output, line,
    select::{self, Select},
    source::{Found, Received, Records, Strays},
};
use crate::{
    config::Settings,
    record::{
        decision_log::{Scan, Selection, StoredRecord},
        spool::{reader::Frame, segment_files},
    },
    types::escape,
};
use clap::{Args, ValueEnum};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use std::{
    collections::VecDeque,
    error::Error,
    io::{self, BufWriter, StdoutLock, Write as _},
    num::NonZeroUsize,
};

pub(super) const EXAMPLES: &str = "Examples:
  poort log cat --last 20 --format table               what was decided just now
  poort log cat --follow --format table --decision deny    denies as they come, until Ctrl-C
  poort log cat --subject officer-0007 --since 2026-11-01 --until 2026-12-01
  poort log cat --policy summit.team --format csv > summit.csv
  poort log cat --data-subject person-entry::person-884411 --format csv > person.csv
                                                      whatever was asked about a person, by the id that is on record as
                                                      a pseudonym only, under any key in `data/pseudonym-keys`
  poort log cat --errors --since \"2h ago\"
  poort log cat --trace 41c36574039cef5168c2d8c396644242
  poort log cat --received stored.jsonl.zst --subject officer-0007 --format table
                                                      the same of what a pipeline stored, without the data folder
  poort log cat --all > received.jsonl                 with checkpoints and signals, so that it can be verified

Works beside a server that is writing. A batch is one record, and fits when one of its decisions does; a table and CSV show a
line for each of its decisions that fit. --since and --until pass over segments whose dates say that they hold nothing, with a
day to spare. Exits with 1 if a record is damaged, and what is before it is printed; and if whom records are about cannot be
told, since they were made under a key of pseudonyms that is not there any more.";

/// How long to wait between two looks for new records.
pub(in crate::commands) const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    #[command(flatten)]
    received: Received,
    #[command(flatten)]
    select: Select,
    /// No more than this many records
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// The last N records only
    #[arg(long, value_name = "N", conflicts_with = "limit")]
    last: Option<NonZeroUsize>,
    /// Go on with new records, until Ctrl-C
    #[arg(long, conflicts_with = "received")]
    follow: bool,
    /// Print the signed checkpoints and signals too
    #[arg(long)]
    all: bool,
    /// The form of the result
    #[arg(long, value_enum, default_value = "json", value_name = "FORM")]
    format: Form,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// The records themselves, a line each; hidden characters are written as \\u and four digits
    Json,
    /// A line for each decision, for a person
    Table,
    /// A line for each decision, for a spreadsheet
    Csv,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Arguments { received, select, limit, last, follow, all, format, common } = arguments;
    let (settings, _) = common.settings(Default::default(), output)?;
    let selection = select.selection(&settings, *all, output)?;
    let mut printer = Printer::new(*format, &settings, &selection, *limit, output.result_is_coloured());
    let printed = match last {
        last if received.received.is_some() => {
            print_export(&mut printer, received.records(&settings, select.segments(), &selection, output)?, *last)
        }
        Some(last) => print_last(&mut printer, &selection, arguments, *last, &settings),
        None => Scan::new(&settings.log.records(), &selection, select.segments())
            .map_err(|error| Stop::unlisted(&settings, &error))
            .and_then(|scan| go_on(&mut printer, if *follow { scan } else { scan.once() }, *follow)),
    };
    // Records are flushed before messages about the rest.
    let flushed = printer.out.flush();
    match (printed, flushed) {
        (Err(Stop::Failed(message)), _) => {
            output.error(&message);
            Err(Exit::Failed)
        }
        (Err(Stop::Output(error)), _) | (_, Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => {
            output.error(&format!("standard output cannot be written: {error}"));
            Err(Exit::Failed)
        }
        // The reader is gone, such as `head` after its lines.
        _ => select::doubt(&selection, output).map(|()| Exit::Done),
    }
}

/// Why no more is printed.
enum Stop {
    /// The limit is reached, or the reader is gone.
    Enough,
    /// Standard output cannot be written.
    Output(io::Error),
    /// The log cannot be read.
    Failed(String),
}

impl Stop {
    fn failed(error: &dyn Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message.push_str(&format!(": {error}"));
            cause = error.source();
        }
        Self::Failed(message)
    }

    fn unlisted(settings: &Settings, error: &io::Error) -> Self {
        Self::Failed(format!("cannot read `{}`: {error}", settings.log.records().display()))
    }
}

/// Prints the records that exist; with `follow`, new ones too.
fn go_on(printer: &mut Printer<'_>, mut scan: Scan<'_>, follow: bool) -> Result<(), Stop> {
    loop {
        for frame in &mut scan {
            printer.print(&frame.map_err(|error| Stop::failed(&error))?)?;
        }
        if !follow {
            return Ok(());
        }
        printer.out.flush().map_err(Stop::Output)?;
        if is_closed(PAUSE).map_err(Stop::Output)? {
            return Ok(());
        }
    }
}

/// Prints the records of an export, or the last of them, and then how many lines of it are none.
fn print_export(printer: &mut Printer<'_>, mut records: Records<'_>, last: Option<NonZeroUsize>) -> Result<(), Stop> {
    let (mut waiting, mut strays) = (VecDeque::new(), Strays::default());
    while let Some(found) = records.next().map_err(|error| Stop::failed(&*error))? {
        match (found, last) {
            (Found::Record(seq, payload), None) => printer.print(&Frame { seq, base: seq, payload })?,
            (Found::Record(seq, payload), Some(last)) => {
                waiting.push_back(Frame { seq, base: seq, payload });
                if waiting.len() > last.get() {
                    waiting.pop_front();
                }
            }
            (Found::Stray(line), _) => strays.add(line),
        }
    }
    waiting.iter().try_for_each(|frame| printer.print(frame))?;
    strays.message().map_or(Ok(()), |message| Err(Stop::Failed(message)))
}

/// Prints the last records, searched from the newest segment backwards.
fn print_last(
    printer: &mut Printer<'_>,
    selection: &Selection,
    arguments: &Arguments,
    last: NonZeroUsize,
    settings: &Settings,
) -> Result<(), Stop> {
    let dir = settings.log.records();
    let mut older = segment_files(&dir).map_err(|error| Stop::unlisted(settings, &error))?;
    let mut found = VecDeque::new();
    let mut newest: Option<Scan<'_>> = None;
    let mut end = None;
    while found.len() < last.get() {
        let Some(segment) = older.pop() else { break };
        let first = segment.first;
        let mut scan = Scan::over(&dir, vec![segment], end, selection, arguments.select.segments());
        let wanted = last.get() - found.len();
        let mut here = VecDeque::new();
        for frame in &mut scan {
            here.push_back(frame.map_err(|error| Stop::failed(&error))?);
            if here.len() > wanted {
                here.pop_front();
            }
        }
        here.append(&mut found);
        found = here;
        end = Some(first);
        newest.get_or_insert(scan);
    }
    found.iter().try_for_each(|frame| printer.print(frame))?;
    match newest {
        Some(scan) if arguments.follow => go_on(printer, scan, true),
        None if arguments.follow => {
            let scan = Scan::new(&dir, selection, arguments.select.segments());
            go_on(printer, scan.map_err(|error| Stop::unlisted(settings, &error))?, true)
        }
        _ => Ok(()),
    }
}

/// Waits for so long, or until the reader of standard output is gone.
pub(in crate::commands) fn is_closed(pause: Timespec) -> io::Result<bool> {
    let stdout = io::stdout();
    // No event is requested: `poll` reports the loss of the other end unasked.
    let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
    match poll(&mut watched, Some(&pause)) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(watched.iter().any(|watched| watched.revents().intersects(PollFlags::ERR | PollFlags::HUP)))
}

/// Writes records in their form.
struct Printer<'a> {
    form: Form,
    settings: &'a Settings,
    selection: &'a Selection,
    left: Option<u64>,
    is_coloured: bool,
    is_begun: bool,
    out: BufWriter<StdoutLock<'static>>,
}

impl<'a> Printer<'a> {
    fn new(
        form: Form,
        settings: &'a Settings,
        selection: &'a Selection,
        limit: Option<u64>,
        is_coloured: bool,
    ) -> Self {
        let out = BufWriter::with_capacity(64 << 10, io::stdout().lock());
        Self { form, settings, selection, left: limit, is_coloured, is_begun: false, out }
    }

    fn print(&mut self, frame: &Frame) -> Result<(), Stop> {
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(1).ok_or(Stop::Enough)?;
        }
        match self.form {
            Form::Json => self.write(escape::json(&String::from_utf8_lossy(&frame.payload)).as_bytes())?,
            Form::Table | Form::Csv => self.lines(frame)?,
        }
        if self.left == Some(0) { Err(Stop::Enough) } else { Ok(()) }
    }

    fn lines(&mut self, frame: &Frame) -> Result<(), Stop> {
        let is_coloured = self.is_coloured;
        let paint = |code: u8, text: &str| {
            if is_coloured { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
        };
        match self.form {
            _ if std::mem::replace(&mut self.is_begun, true) => {}
            Form::Csv => self.row(&line::COLUMNS)?,
            _ => self.write(line::heading(&paint).as_bytes())?,
        }
        let unreadable = |error| Stop::Failed(format!("record {} cannot be shown: {error}", frame.seq));
        let Some(recorded) = StoredRecord::read(&frame.payload).map_err(unreadable)? else {
            // A spreadsheet has one kind of rows.
            let note = format!("record {} is no decision; --format json shows it", frame.seq);
            return if self.form == Form::Table { self.write(note.as_bytes()) } else { Ok(()) };
        };
        let decisions = recorded.decisions().map_err(unreadable)?;
        for (item, one) in decisions.iter().enumerate().filter(|(_, one)| self.selection.takes_decision(one)) {
            if self.form == Form::Csv {
                self.row(&line::row(&recorded, item, one))?;
            } else {
                self.write(line::table(&recorded, one, &self.settings.time_zone, &paint).as_bytes())?;
            }
        }
        Ok(())
    }

    fn row<T: AsRef<[u8]>>(&mut self, fields: &[T]) -> Result<(), Stop> {
        self.write(&line::csv(fields))
    }

    fn write(&mut self, line: &[u8]) -> Result<(), Stop> {
        self.out.write_all(line).and_then(|()| self.out.write_all(b"\n")).map_err(Stop::Output)
    }
}
