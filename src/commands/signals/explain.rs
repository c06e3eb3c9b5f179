//! `poort signals explain`: which reasons and rules a decision met, and which it did not.

use super::{Exit, LanguageFlag, Output, facts::Facts, recorded::minute};
use crate::{
    oversight::signals::{Fact, Reason},
    types::{
        escape,
        language::Language,
        trace::{RecordIdentity, TraceId},
    },
};
use clap::Args;
use std::{collections::HashMap, sync::Arc};

pub(super) const EXAMPLES: &str = "Examples:
  poort signals explain 41c36574039cef5168c2d8c396644242
  poort signals explain 41c36574039cef5168c2d8c396644242 --lang nl --received stored.jsonl.zst

For each decision of the trace: the reasons that explain it, those that were looked for and do not, the rules that it meets, and an
earlier access for a reason by the same account to the same record, which explains it too. Exits with 1 if the log has no record of
the trace.";

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    /// The trace of the decision: 32 hexadecimal digits
    #[arg(value_name = "TRACE_ID", value_parser = parsed)]
    of: TraceId,
    #[command(flatten)]
    facts: Facts,
    #[command(flatten)]
    language: LanguageFlag,
}

fn parsed(text: &str) -> Result<TraceId, &'static str> {
    TraceId::parse(text).ok_or("a trace id has 32 hexadecimal digits, lowercase, not all zero")
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Arguments { of, facts, language } = arguments;
    let mut walk = facts.open(output)?;
    let language = language.chosen(&walk.settings);
    let zone = walk.settings.time_zone.clone();
    let mut explained = HashMap::<(String, String), (i64, RecordIdentity)>::new();
    let mut shown = String::new();
    walk.each(output, |reader, recorded| {
        for fact in reader.facts(recorded)? {
            let pair = (fact.account.clone(), fact.resource.clone());
            if fact.record.trace_id == *of {
                shown.push_str(&of_fact(&fact, language, &minute(fact.time, &zone)));
                if let Some((time, RecordIdentity { trace_id, span_id })) = explained.get(&pair) {
                    let when = minute(*time, &zone);
                    shown.push_str(&format!("  explained by an earlier access: {trace_id}:{span_id}, {when}\n"));
                }
            }
            let explains = |reason: &Arc<Reason>| !reason.only_itself && reason.weight >= 1.0;
            if fact.allowed && fact.judged && !fact.listed && fact.reasons.iter().any(explains) {
                explained.insert(pair, (fact.time, fact.record));
            }
        }
        Ok(())
    })?;
    if shown.is_empty() {
        output.error(&format!("the log has no decision of the trace {of}"));
        return Err(Exit::Failed);
    }
    output.conclude(&shown)?;
    Ok(walk.ended(output))
}

fn of_fact(fact: &Fact, language: Language, when: &str) -> String {
    let Fact { account, resource, allowed, reasons, rules, tried, judged, .. } = fact;
    let decision = if *allowed { "allow" } else { "deny" };
    let mut shown = format!("{when}  {}  {}  {decision}\n", escape::line(account), escape::line(resource));
    if !judged {
        shown.push_str("  its reasons cannot be looked for: it counts neither as explained nor as unexplained\n");
        return shown;
    }
    let mut line = |sign: &str, what: &str, reason: &Reason| {
        let title = escape::line(reason.title.in_language(language)).into_owned();
        shown.push_str(&format!("  {sign} {what} {}: {title}\n", escape::line(&reason.id)));
    };
    for reason in reasons {
        let part =
            if reason.weight < 1.0 { format!("explains {} of it,", reason.weight) } else { "explains it,".to_owned() };
        line("✓", &part, reason);
    }
    for reason in tried.iter().filter(|reason| !reasons.iter().any(|met| met.id == reason.id)) {
        line("✗", "does not apply,", reason);
    }
    for rule in rules {
        line("!", "is met,", rule);
    }
    shown
}
