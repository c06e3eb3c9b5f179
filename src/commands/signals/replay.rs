//! `poort signals replay`: the signals of a log.

use super::{Exit, LanguageFlag, Output, facts::Facts};
use crate::{
    oversight::signals::{Detection, Signal, json},
    record::shipping::finding,
    types::{escape, language::Language},
};
use clap::{Args, ValueEnum};
use jiff::{Timestamp, tz::TimeZone};

pub(super) const EXAMPLES: &str = "Examples:
  poort signals replay                                 the signals of the log in the data folder
  poort signals replay --since \"60 days ago\" --lang nl
  poort signals replay --received stored.jsonl.zst --archive copy/revisions --format json
                                                       those of what a pipeline stored, of all sidecars
  poort signals replay --format ocsf > findings.jsonl  for a SIEM
  poort signals replay --against proposed              those that other settings give

What is signalled, and when, is in `signals/detectors.toml` of the policy folder; what explains an access, in
`signals/*.cedar`. The same log and settings give the same signals. A signal is a question to answer: it does not say that the
use was wrong. Only a folder with settings has signals, and nothing here changes an answer.

Exits with 0, with 3 if the settings are not valid, with 1 if the log cannot be read.";

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    #[command(flatten)]
    facts: Facts,
    /// The form of the result
    #[arg(long, value_enum, default_value = "human", value_name = "FORM")]
    format: Form,
    #[command(flatten)]
    language: LanguageFlag,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Sentences
    Human,
    /// A line for each signal, in JSON
    Json,
    /// The same as OCSF 1.8.0 Detection Findings (class 2004), for a SIEM
    Ocsf,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Arguments { facts, format, language } = arguments;
    let mut walk = facts.open(output)?;
    let language = language.chosen(&walk.settings);
    let mut detection = Detection::new(&walk.files);
    let mut signals = Vec::new();
    let mut decisions = 0_u64;
    walk.each(output, |reader, recorded| {
        for fact in reader.facts(recorded)? {
            decisions += 1;
            signals.extend(detection.step(&fact));
        }
        Ok(())
    })?;
    detection.end();
    let zone = &walk.settings.time_zone;
    let shown: String = match format {
        Form::Json => signals.iter().map(|signal| format!("{}\n", json(signal))).collect(),
        Form::Ocsf => signals.iter().map(|signal| format!("{}\n", finding(&json(signal)))).collect(),
        Form::Human => {
            signals.iter().map(|signal| escape::lines(&human(signal, zone, language)).into_owned()).collect()
        }
    };
    output.conclude(&shown)?;
    if *format == Form::Human {
        let threshold = detection.threshold().map_or_else(
            || "there is no baseline yet, so only rules signal".to_owned(),
            |threshold| format!("a signal needs a score of {threshold:.1}"),
        );
        let (accounts, signals) = (detection.accounts(), signals.len());
        output.tell(&format!("{decisions} decisions of {accounts} accounts, {signals} signals; {threshold}"));
    }
    Ok(walk.ended(output))
}

fn human(signal: &Signal, zone: &TimeZone, language: Language) -> String {
    let time = Timestamp::from_millisecond(signal.time).unwrap_or_default();
    let time = time.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M %Z");
    let Signal { id, change, about, detector, score, evidence, .. } = signal;
    let seqs: Vec<_> = evidence.iter().map(|one| one.seq.to_string()).collect();
    let (change, detector) = (change.name(), detector.name());
    let mut shown = format!("{time}  {id}  {change}  {}  {detector}  score {score:.1}\n", about.name());
    shown.push_str(&format!("  {}\n", signal.sentence(language)));
    if !seqs.is_empty() {
        shown.push_str(&format!("  records {}\n", seqs.join(", ")));
    }
    shown
}
