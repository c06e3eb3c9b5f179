//! The operators' log, on standard error: as text for people or as JSON for machines.
//!
//! It tells how the process fares. It is not the place for decisions, which have their own record.

use super::StartError;
use std::{
    env, fmt,
    io::{self, IsTerminal},
};
use tracing::Subscriber;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter, reload, util::SubscriberInitExt};

/// The configuration of the operators' log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Which events are logged, in the syntax of `tracing_subscriber`'s `EnvFilter`: a level
    /// (`info`), or directives per target (`info,poort::sources::policy=debug`). A word that is not a level
    /// is taken as a target. Libraries of clients are silent unless a directive names them: `info,async_nats=debug`.
    pub filter: String,
    /// How an event is written.
    pub format: Format,
}

impl Default for Config {
    /// Level `info`, at which nothing grows with the number of questions, as text.
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: Format::default() }
    }
}

/// How an event is written. Times are RFC 3339 in UTC in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// One line of text, in colour if standard error is a terminal and `NO_COLOR` is not set.
    #[default]
    Text,
    /// One JSON object a line: `timestamp`, `level`, `target`, `message` and the event's fields.
    Json,
}

/// Libraries that log each attempt of theirs. poort logs, in its own words, when a receiver does not take records any more
/// and when it does again.
const QUIET: &str = "async_nats=off,hyper=off,hyper_util=off,h2=off,rustls=off,tonic=off,tower=off,";

/// Makes standard error the process's log, also for crates that log through `log`.
///
/// # Errors
///
/// - [`StartError::InvalidFilter`] if the filter cannot be read.
/// - [`StartError::LogInstalled`] if the process already has a log.
pub fn init_logging(config: &Config) -> Result<Filter, StartError> {
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let color = if io::stderr().is_terminal() && !no_color { Color::Ansi } else { Color::None };
    let (subscriber, filter) = subscriber(config, color, io::stderr)?;
    subscriber.try_init().map_err(StartError::LogInstalled)?;
    Ok(filter)
}

/// The filter of the log, which can be replaced while it is written.
pub struct Filter(Box<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>);

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Filter")
    }
}

impl Filter {
    /// Takes another filter from now on.
    ///
    /// # Errors
    /// [`StartError::InvalidFilter`] if it cannot be read; the one before stays.
    pub fn replace(&self, filter: &str) -> Result<(), StartError> {
        // It fails only where the log is gone, and then nobody misses a line.
        let _ = (self.0)(parse(filter)?);
        Ok(())
    }
}

fn parse(filter: &str) -> Result<EnvFilter, StartError> {
    // What the operators ask for by name comes last, and wins.
    EnvFilter::try_new(format!("{QUIET}{filter}"))
        .map_err(|source| StartError::InvalidFilter { filter: filter.to_owned(), source })
}

/// Whether text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Color {
    Ansi,
    None,
}

/// The subscriber that writes to `writer` what `config` asks for, and its filter.
fn subscriber<W>(
    config: &Config,
    color: Color,
    writer: W,
) -> Result<(Box<dyn Subscriber + Send + Sync>, Filter), StartError>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let Config { filter, format } = config;
    let filter = parse(filter)?;
    let builder = tracing_subscriber::fmt()
        .with_writer(writer)
        .with_ansi(color == Color::Ansi)
        // A line that cannot be written would be reported with `eprintln!`, which panics when
        // standard error is the very thing that is gone.
        .log_internal_errors(false);
    Ok(match format {
        Format::Text => {
            let builder = builder.compact().with_env_filter(filter).with_filter_reloading();
            let handle = builder.reload_handle();
            (Box::new(builder.finish()), Filter(Box::new(move |filter| handle.reload(filter))))
        }
        Format::Json => {
            // The innermost span is kept; the list would repeat it.
            let builder = builder.json().flatten_event(true).with_span_list(false);
            let builder = builder.with_env_filter(filter).with_filter_reloading();
            let handle = builder.reload_handle();
            (Box::new(builder.finish()), Filter(Box::new(move |filter| handle.reload(filter))))
        }
    })
}

#[cfg(test)]
mod tests {
    //! The subscriber is tested with a buffer, because a process can install a log only once.

    use super::*;
    use std::{
        error::Error,
        sync::{Arc, Mutex, PoisonError},
    };

    /// A log in memory.
    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Buffer {
        fn text(&self) -> String {
            let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            String::from_utf8_lossy(&bytes).into_owned()
        }
    }

    /// What is written of an event at `info` and one at `debug`.
    fn written(filter: &str, format: Format, color: Color) -> Result<String, StartError> {
        let config = Config { filter: filter.to_owned(), format };
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let (subscriber, _) = subscriber(&config, color, move || writer.clone())?;
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(revision = 7, "Policies loaded.");
            tracing::debug!("Not at this level.");
        });
        Ok(buffer.text())
    }

    #[test]
    fn json_is_one_object_a_line_with_utc_times() -> Result<(), Box<dyn Error>> {
        let text = written("info", Format::Json, Color::None)?;
        assert_eq!(text.lines().count(), 1, "{text}");

        let event: serde_json::Value = serde_json::from_str(&text)?;
        let field = |name: &str| event.get(name).cloned().unwrap_or_default();
        assert_eq!(field("level"), "INFO");
        assert_eq!(field("message"), "Policies loaded.");
        assert_eq!(field("revision"), 7);
        let time = field("timestamp");
        let time = time.as_str().unwrap_or_default();
        assert!(time.contains('T') && time.ends_with('Z'), "{time}");
        Ok(())
    }

    #[test]
    fn text_has_colour_only_on_a_terminal() -> Result<(), Box<dyn Error>> {
        let plain = written("info", Format::Text, Color::None)?;
        assert!(plain.contains("Policies loaded."), "{plain}");
        assert!(plain.contains("revision=7"), "{plain}");
        assert!(!plain.contains('\u{1b}'), "{plain}");
        let colored = written("info", Format::Text, Color::Ansi)?;
        assert!(colored.contains('\u{1b}'), "{colored}");
        Ok(())
    }

    #[test]
    fn the_filter_decides_which_events_are_written() -> Result<(), Box<dyn Error>> {
        assert_eq!(written("debug", Format::Text, Color::None)?.lines().count(), 2);
        assert_eq!(written("error", Format::Text, Color::None)?, "");
        Ok(())
    }

    #[test]
    fn a_client_library_is_heard_only_by_its_name() -> Result<(), Box<dyn Error>> {
        let heard = |filter: &str| -> Result<usize, StartError> {
            let config = Config { filter: filter.to_owned(), format: Format::Text };
            let buffer = Buffer::default();
            let writer = buffer.clone();
            let (subscriber, _) = subscriber(&config, Color::None, move || writer.clone())?;
            tracing::subscriber::with_default(subscriber, || {
                tracing::error!(target: "async_nats::connector", "connection closed unexpectedly");
                tracing::warn!(target: "hyper_util::client", "connection closed unexpectedly");
            });
            Ok(buffer.text().lines().count())
        };
        assert_eq!((heard("debug")?, heard("info")?), (0, 0));
        assert_eq!((heard("info,async_nats=debug")?, heard("info,hyper_util::client=warn")?), (1, 1));
        Ok(())
    }

    #[test]
    fn an_invalid_filter_is_an_error_that_shows_it() {
        let error = written("poort=loud", Format::Text, Color::None).err();
        let message = error.map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(message, "telemetry.log: cannot read `poort=loud`");
    }
}
