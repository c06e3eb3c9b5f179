//! `poort signals show`: one signal, with what became of it and the decisions that it rests on.

use super::{
    Exit, LanguageFlag, Output,
    recorded::{OfLog, minute, named},
};
use crate::types::escape;
use clap::Args;
use serde_json::Value;

pub(super) const EXAMPLES: &str = "Examples:
  poort signals show 5c9d                              the signal whose id begins so
  poort signals show 5c9d --lang nl

The decisions are named by the trace and span of their records. `poort log cat --trace TRACE` shows one, and so whose it is: that is
for who may know. `poort signals explain TRACE` says which reasons it had.";

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    /// The id of the signal, or its beginning
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    of: OfLog,
    #[command(flatten)]
    language: LanguageFlag,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Arguments { id, of, language } = arguments;
    let (settings, history) = of.history(output)?;
    let it = named(&history, id, output)?;
    let (zone, language) = (&settings.time_zone, language.chosen(&settings));
    let text = |value: Option<&Value>| {
        value.map_or_else(String::new, |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let member = |name: &str| text(it.signal.get(name));
    let peers = |name: &str| text(it.signal.get("peers").and_then(|peers| peers.get(name)));
    let peers_name = if peers("name").is_empty() { "all accounts".to_owned() } else { peers("name") };
    let (about, pseudonym) = it.about();
    let mut rows = vec![
        ("signal", it.id().to_owned()),
        ("status", it.status.name().to_owned()),
        (about, pseudonym.to_owned()),
        ("detector", format!("{} ({})", it.text("detector"), it.text("family"))),
        ("score", format!("{}, a signal needs {}", member("score"), member("threshold"))),
        ("peers", format!("{peers_name}, {} accounts", peers("accounts"))),
        ("observed", member("observed")),
        ("usual", member("expected")),
        ("settings", it.text("settings").to_owned()),
    ];
    if it.text("family") == "exact" {
        // A rule compares nothing.
        rows.retain(|(name, _)| !matches!(*name, "peers" | "observed" | "usual"));
    }
    let mut shown: String = rows.iter().map(|(name, value)| format!("{name:<10}{}\n", escape::line(value))).collect();
    shown.push_str(&format!("\n{}\n\n", escape::line(it.sentence(language.tag()))));
    for told in &it.changes {
        let verdict = told.verdict.as_deref().map(|verdict| format!("  {verdict}")).unwrap_or_default();
        let by = told.by.as_deref().map(|by| format!("  by the decision {by}")).unwrap_or_default();
        let line = format!("{}  {}  score {:.1}{verdict}{by}", minute(told.time, zone), told.change, told.score);
        shown.push_str(&format!("{}\n", escape::line(&line)));
    }
    shown.push_str("\nIt rests on the decisions\n");
    let evidence = it.signal.get("evidence").and_then(Value::as_array);
    for one in evidence.into_iter().flatten() {
        let of = |name: &str| text(one.get(name));
        let item = one.get("item").and_then(Value::as_u64).map(|item| format!("  item {item}")).unwrap_or_default();
        let line = format!("  {}:{}  record {}{item}", of("trace_id"), of("span_id"), of("seq"));
        shown.push_str(&format!("{}\n", escape::line(&line)));
    }
    output.conclude(&shown)?;
    Ok(Exit::Done)
}
