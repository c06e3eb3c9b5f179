//! `poort signals evaluate`: how much of known misuse is found, at which number of false signals.

use super::{Exit, Output, facts::Facts};
use crate::{
    oversight::signals::{AccountDay, Detection},
    review::report::inert,
};
use clap::Args;
use jiff::civil::Date;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

pub(super) const EXAMPLES: &str = "Examples:
  poort signals evaluate --truth planted.csv --from 2012-05-05 --received log.jsonl --archive copy/revisions
  poort signals evaluate --truth planted.csv --from 2012-05-05 --false-signals 0.3,0.65,3.2 --data data

The truth is a CSV file with the columns `account` (as Type::\"id\") and `pattern`: the accounts whose use is known to be misuse,
and its kind. All others count as false signals. The result is CSV: for each number of false signals in 1 000 account-days, the
score that gives it, and the share of each kind that scores higher on any day.";

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    #[command(flatten)]
    facts: Facts,
    /// The accounts whose use is known to be misuse
    #[arg(long, value_name = "FILE")]
    truth: PathBuf,
    /// Count days from this one on; those before are the baseline
    #[arg(long, value_name = "DAY")]
    from: Date,
    /// Numbers of false signals in 1 000 account-days
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_values = ["0.3", "0.65", "3.2"])]
    false_signals: Vec<f64>,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Arguments { facts, truth, from, false_signals } = arguments;
    let truth = read(truth).map_err(|message| {
        output.error(&message);
        Exit::Usage
    })?;
    let mut walk = facts.open(output)?;
    let mut detection = Detection::new(&walk.files);
    let mut days = detection.ended_days();
    walk.each(output, |reader, recorded| {
        for fact in reader.facts(recorded)? {
            detection.step(&fact);
        }
        days.extend(detection.ended_days());
        Ok(())
    })?;
    detection.end();
    days.extend(detection.ended_days());
    let from = from.since(jiff::civil::date(1970, 1, 1)).map_or(0, |span| i64::from(span.get_days()));
    days.retain(|day| day.day >= from);
    output.conclude(&table(&days, &truth, false_signals))?;
    Ok(walk.ended(output))
}

/// A line of the truth.
#[derive(Debug, Deserialize)]
struct Row {
    account: String,
    pattern: String,
}

/// The kind of misuse of each account.
fn read(path: &Path) -> Result<HashMap<String, String>, String> {
    let in_file = |error: csv::Error| format!("--truth: `{}`: {error}", path.display());
    let mut reader = csv::Reader::from_path(path).map_err(in_file)?;
    let mut truth = HashMap::new();
    for row in reader.deserialize() {
        let Row { account, pattern } = row.map_err(in_file)?;
        truth.insert(account, pattern);
    }
    Ok(truth)
}

fn table(days: &[AccountDay], truth: &HashMap<String, String>, false_signals: &[f64]) -> String {
    let mut highest: BTreeMap<&str, f64> = BTreeMap::new();
    let mut benign_days = 0_u32;
    for AccountDay { account, score, .. } in days {
        let peak = highest.entry(&**account).or_default();
        *peak = peak.max(*score);
        benign_days += u32::from(!truth.contains_key(&**account));
    }
    let mut benign: Vec<_> =
        highest.iter().filter(|(account, _)| !truth.contains_key(**account)).map(|(_, score)| *score).collect();
    benign.sort_by(|one, other| other.total_cmp(one));
    let mut kinds: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (account, kind) in truth {
        let score = highest.get(account.as_str()).copied().unwrap_or_default();
        kinds.entry(kind).or_default().push(score);
    }
    let mut table = "false_signals,false_accounts,score".to_owned();
    kinds.keys().for_each(|kind| table.push_str(&format!(",{}", inert(kind).replace([',', '"', '\n'], " "))));
    table.push('\n');
    for wanted in false_signals {
        let allowed = (wanted * f64::from(benign_days) / 1_000.0).round() as usize;
        let threshold = benign.get(allowed).copied().unwrap_or_default();
        table.push_str(&format!("{wanted},{allowed},{threshold:.2}"));
        for scores in kinds.values() {
            let found = scores.iter().filter(|score| **score > threshold).count();
            table.push_str(&format!(",{:.3}", found as f64 / scores.len() as f64));
        }
        table.push('\n');
    }
    table
}
