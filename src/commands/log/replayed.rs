//! Reports the findings of a replay: each when it is found, and a summary at the end.

use super::line::{csv, local, utc};
use crate::{
    oversight::replay::{Difference, Reason, ReplayOutcome, ResponseSummary},
    record::decision_log::{EntityName, OneDecision, StoredRecord},
    review::report::inert,
    types::escape,
};
use clap::ValueEnum;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{self, Write},
};

const COLUMNS: [&str; 18] = [
    "kind",
    "time",
    "seq",
    "trace_id",
    "span_id",
    "item",
    "subject_type",
    "subject",
    "action",
    "resource_type",
    "resource",
    "purpose",
    "then",
    "then_policies",
    "now",
    "now_policies",
    "differs_in",
    "reason",
];

/// How many records are named for a reason, in the form for a person.
const EXAMPLES: usize = 3;

/// The form of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// For a person
    Human,
    /// For a script: a line of JSON for each finding, and a summary at the end
    Json,
    /// For a spreadsheet: a line for each finding
    Csv,
}

/// What was found so far.
pub(super) struct Tally {
    form: Form,
    zone: TimeZone,
    is_coloured: bool,
    is_begun: bool,
    records: u64,
    same: u64,
    differ: u64,
    /// Differences by what became of the decision.
    directions: BTreeMap<&'static str, u64>,
    /// For each policy: how often it determined the decision then and not now, and now and not then.
    policies: BTreeMap<String, (u64, u64)>,
    not_replayable: BTreeMap<String, NotReplayable>,
}

struct NotReplayable {
    code: &'static str,
    count: u64,
    seqs: Vec<u64>,
}

impl Tally {
    pub(super) const fn new(form: Form, zone: TimeZone, is_coloured: bool) -> Self {
        Self {
            form,
            zone,
            is_coloured,
            is_begun: false,
            records: 0,
            same: 0,
            differ: 0,
            directions: BTreeMap::new(),
            policies: BTreeMap::new(),
            not_replayable: BTreeMap::new(),
        }
    }

    /// Whether nothing differs, and every question that had an answer was decided again.
    pub(super) fn is_clean(&self) -> bool {
        let unanswered = Reason::Unanswered.code();
        self.differ == 0 && self.not_replayable.values().all(|found| found.code == unanswered)
    }

    pub(super) const fn same(&mut self) {
        self.records += 1;
        self.same += 1;
    }

    pub(super) fn found(
        &mut self,
        recorded: &StoredRecord<'_>,
        found: ReplayOutcome,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        match found {
            ReplayOutcome::Same => self.same(),
            ReplayOutcome::NotReplayable(reason) => {
                let key = (recorded.trace_id.as_ref(), recorded.span_id.as_ref());
                self.not_replayable(recorded.seq(), Some((key, recorded.timestamp)), &reason, out)?;
            }
            ReplayOutcome::Differs(differences) => {
                self.records += 1;
                self.differ += 1;
                let decisions = recorded.decisions().unwrap_or_default();
                for difference in &differences {
                    let question = decisions.get(difference.item.unwrap_or(0)).cloned().unwrap_or_default();
                    self.count(difference);
                    self.difference(recorded, &question, difference, out)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn unreadable(&mut self, seq: u64, reason: &Reason, out: &mut dyn Write) -> io::Result<()> {
        self.not_replayable(seq, None, reason, out)
    }

    fn not_replayable(
        &mut self,
        seq: u64,
        known: Option<((&str, &str), i64)>,
        reason: &Reason,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        self.records += 1;
        let message = reason.to_string();
        let ((trace, span), at) = known.unwrap_or_default();
        match self.form {
            Form::Human => {}
            Form::Json => {
                let found = json!({
                    "kind": "not_replayable", "seq": seq, "trace_id": trace, "span_id": span,
                    "time": known.map(|_| utc(at)), "reason": reason.code(), "message": message,
                });
                writeln!(out, "{}", escape::json(&found.to_string()))?;
            }
            Form::Csv => {
                let mut row = COLUMNS.map(|_| String::new());
                let time = known.map(|_| utc(at)).unwrap_or_default();
                let filled =
                    [(0, "not_replayable"), (1, &time), (2, &seq.to_string()), (3, trace), (4, span), (17, &message)];
                for (column, value) in filled {
                    if let Some(field) = row.get_mut(column) {
                        *field = inert(&escape::lines(value));
                    }
                }
                self.row(&row, out)?;
            }
        }
        let entry = self.not_replayable.entry(message);
        let entry = entry.or_insert_with(|| NotReplayable { code: reason.code(), count: 0, seqs: Vec::new() });
        entry.count += 1;
        if entry.seqs.len() < EXAMPLES {
            entry.seqs.push(seq);
        }
        Ok(())
    }

    fn count(&mut self, Difference { then, now, .. }: &Difference) {
        *self.directions.entry(direction(then, now).0).or_default() += 1;
        for policy in then.policies.iter().filter(|policy| !now.policies.contains(policy)) {
            self.policies.entry(policy.clone()).or_default().0 += 1;
        }
        for policy in now.policies.iter().filter(|policy| !then.policies.contains(policy)) {
            self.policies.entry(policy.clone()).or_default().1 += 1;
        }
    }

    fn difference(
        &mut self,
        recorded: &StoredRecord<'_>,
        question: &OneDecision,
        difference: &Difference,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        match self.form {
            Form::Human => self.person(recorded, question, difference, out),
            Form::Json => writeln!(out, "{}", escape::json(&object(recorded, question, difference).to_string())),
            Form::Csv => self.row(&fields(recorded, question, difference), out),
        }
    }

    fn person(
        &self,
        recorded: &StoredRecord<'_>,
        question: &OneDecision,
        difference: &Difference,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let Difference { item, then, now, parts } = difference;
        let (word, code) = direction(then, now);
        let named = |named: &Option<EntityName>| match named {
            Some(EntityName { kind, id }) => escape::line(&format!("{kind}::{id}")).into_owned(),
            None => "-".to_owned(),
        };
        let (time, seq) = (local(recorded.timestamp, &self.zone), recorded.seq());
        let item = item.map(|item| format!(", item {item}")).unwrap_or_default();
        let word = self.paint(code, &word.to_uppercase());
        writeln!(out, "{word}  seq {seq}{item}  {time}  {}/{}", recorded.trace_id, recorded.span_id)?;
        let action = question.action.as_deref().map_or_else(|| "-".into(), escape::line);
        let purpose =
            question.purpose.as_deref().map(|it| format!("  purpose {}", escape::line(it))).unwrap_or_default();
        writeln!(out, "  {} {action} {}{purpose}", named(&question.subject), named(&question.resource))?;
        for (when, said) in [("then", then), ("now ", now)] {
            let policies = if said.policies.is_empty() {
                "-".to_owned()
            } else {
                escape::line(&said.policies.join(", ")).into_owned()
            };
            writeln!(out, "  {when}  {:<7} {policies}  {}", said.decision, escape::line(&said.reason))?;
        }
        writeln!(out, "  differs in {}\n", parts.join(", "))
    }

    fn row(&mut self, fields: &[String; 18], out: &mut dyn Write) -> io::Result<()> {
        self.begin(out)?;
        out.write_all(&csv(fields))?;
        out.write_all(b"\n")
    }

    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.form == Form::Csv && !std::mem::replace(&mut self.is_begun, true) {
            out.write_all(&csv(&COLUMNS))?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }

    /// The summary; in CSV the findings are all.
    pub(super) fn conclude(&mut self, out: &mut dyn Write) -> io::Result<()> {
        match self.form {
            Form::Human => self.summary(out),
            Form::Json => writeln!(out, "{}", escape::json(&self.summary_object().to_string())),
            Form::Csv => self.begin(out),
        }
    }

    fn summary(&self, out: &mut dyn Write) -> io::Result<()> {
        let missed: u64 = self.not_replayable.values().map(|found| found.count).sum();
        let code = if self.is_clean() { 32 } else { 31 };
        let line = format!(
            "{} records: {} the same, {} differ, {missed} not replayable",
            self.records, self.same, self.differ
        );
        writeln!(out, "{}", self.paint(code, &line))?;
        for (direction, count) in &self.directions {
            writeln!(out, "  {direction}: {count}")?;
        }
        for (policy, (then, now)) in &self.policies {
            writeln!(out, "  {}: determines {then} no longer, {now} newly", escape::line(policy))?;
        }
        for (reason, NotReplayable { count, seqs, .. }) in &self.not_replayable {
            let seqs = seqs.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
            let more = if *count > EXAMPLES as u64 { ", …" } else { "" };
            writeln!(out, "  not replayable: {count}: {} (seq {seqs}{more})", escape::line(reason))?;
        }
        Ok(())
    }

    fn summary_object(&self) -> Value {
        let policies: BTreeMap<_, _> = self
            .policies
            .iter()
            .map(|(policy, (then, now))| (policy, json!({"no_longer": then, "newly": now})))
            .collect();
        let reasons: Vec<_> = self
            .not_replayable
            .iter()
            .map(|(message, found)| json!({"reason": found.code, "message": message, "count": found.count}))
            .collect();
        json!({
            "kind": "summary", "records": self.records, "same": self.same, "differ": self.differ,
            "directions": self.directions, "policies": policies, "not_replayable": reasons,
        })
    }

    fn paint(&self, code: u8, text: &str) -> String {
        if self.is_coloured { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// What became of the decision, and the colour for it.
fn direction(then: &ResponseSummary, now: &ResponseSummary) -> (&'static str, u8) {
    match (then.decision, now.decision) {
        ("allow", "allow") | ("deny", "deny") => ("decided alike", 36),
        (_, "allow") => ("newly allowed", 31),
        (_, "deny") => ("newly denied", 33),
        _ => ("not decided any more", 33),
    }
}

fn object(recorded: &StoredRecord<'_>, question: &OneDecision, difference: &Difference) -> Value {
    let Difference { item, then, now, parts } = difference;
    let OneDecision { subject, action, resource, purpose, .. } = question;
    let named = |named: &Option<EntityName>| named.as_ref().map(|named| json!({"type": named.kind, "id": named.id}));
    let said =
        |said: &ResponseSummary| json!({"decision": said.decision, "policies": said.policies, "reason": said.reason});
    json!({
        "kind": "difference", "seq": recorded.seq(), "trace_id": recorded.trace_id, "span_id": recorded.span_id,
        "time": utc(recorded.timestamp), "item": item, "subject": named(subject), "action": action,
        "resource": named(resource), "purpose": purpose, "then": said(then), "now": said(now), "differs_in": parts,
        "recorded_by": recorded.poort().version,
    })
}

fn fields(recorded: &StoredRecord<'_>, question: &OneDecision, difference: &Difference) -> [String; 18] {
    let Difference { item, then, now, parts } = difference;
    let kind = |named: &Option<EntityName>| named.as_ref().map(|named| named.kind.clone()).unwrap_or_default();
    let id = |named: &Option<EntityName>| named.as_ref().map(|named| named.id.clone()).unwrap_or_default();
    [
        direction(then, now).0.to_owned(),
        utc(recorded.timestamp),
        recorded.seq().to_string(),
        recorded.trace_id.to_string(),
        recorded.span_id.to_string(),
        item.map(|item| item.to_string()).unwrap_or_default(),
        kind(&question.subject),
        id(&question.subject),
        question.action.clone().unwrap_or_default(),
        kind(&question.resource),
        id(&question.resource),
        question.purpose.clone().unwrap_or_default(),
        then.decision.to_owned(),
        then.policies.join(" "),
        now.decision.to_owned(),
        now.policies.join(" "),
        parts.join(" "),
        now.reason.clone(),
    ]
    .map(|field| inert(&escape::lines(&field)))
}
