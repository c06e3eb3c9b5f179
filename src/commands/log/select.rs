//! The flags that select records, shared by the commands of `poort log`.

use super::{Exit, Output};
use crate::{
    config::Settings,
    record::decision_log::{DataSubjectFilter, Pseudonyms, Segments, Selection, Wanted},
    types::{decision::Decision, entity_id::EntityId, trace::TraceId},
};
use clap::{Args, ValueEnum};
use jiff::{Span, Timestamp, civil, tz::TimeZone};

/// Flags that combine: a record must fit all of them. A batch fits when one of its decisions does.
#[derive(Debug, Clone, Args)]
pub(in crate::commands) struct Select {
    /// From this moment on: 2026-11-23T14:00:00Z, 2026-11-23, 2026-11-23T14:00 (local), or "2h ago"
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Before this moment; a day is its first moment
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// About this subject, such as officer-0007, Officer::officer-0007 or Officer::"officer-0007"
    #[arg(long, value_name = "[TYPE::]ID")]
    subject: Option<EntityId>,
    /// About this resource
    #[arg(long, value_name = "[TYPE::]ID")]
    resource: Option<EntityId>,
    /// About this person or other data subject, whose id records have as a pseudonym. The type is that of @data_subject in
    /// the schema, whole or what follows its last `/`
    #[arg(long, value_name = "[TYPE::]ID")]
    data_subject: Option<EntityId>,
    /// About this action
    #[arg(long, value_name = "NAME")]
    action: Option<String>,
    /// Decided like this
    #[arg(long, value_enum)]
    decision: Option<Way>,
    /// Determined by this policy
    #[arg(long, value_name = "ID")]
    policy: Option<String>,
    /// Of this trace: 32 hexadecimal digits
    #[arg(long, value_name = "TRACE_ID", value_parser = trace_id)]
    trace: Option<TraceId>,
    /// Where a policy failed, an item of a batch had a fault, or no decision left in time
    #[arg(long)]
    errors: bool,
    /// Read every segment, also those whose dates or index say that they hold nothing: for a log whose clock was more than a
    /// day wrong
    #[arg(long)]
    every_segment: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Way {
    Allow,
    Deny,
}

impl Way {
    const fn decision(self) -> Decision {
        match self {
            Self::Allow => Decision::Allow,
            Self::Deny => Decision::Deny,
        }
    }
}

fn trace_id(text: &str) -> Result<TraceId, &'static str> {
    TraceId::parse(text).ok_or("a trace id has 32 hexadecimal digits, lowercase, not all zero")
}

impl Select {
    /// The selection of these flags. `all`: signed checkpoints and signals too.
    pub(in crate::commands) fn selection(
        &self,
        settings: &Settings,
        all: bool,
        output: &mut Output,
    ) -> Result<Selection, Exit> {
        let zone = &settings.time_zone;
        let now = Timestamp::now();
        let mut moment = |flag: &str, text: &Option<String>| match text.as_deref().map(|text| when(text, now, zone)) {
            None => Ok(None),
            Some(Some(moment)) => Ok(Some(moment.as_millisecond())),
            Some(None) => {
                output.error(&format!(
                    "{flag}: `{}` is no moment; write 2026-11-23T14:00:00Z, 2026-11-23, 2026-11-23T14:00 or \"2h ago\"",
                    text.as_deref().unwrap_or_default()
                ));
                Err(Exit::Usage)
            }
        };
        let (since, until) = (moment("--since", &self.since)?, moment("--until", &self.until)?);
        if let (Some(since), Some(until)) = (since, until)
            && since >= until
        {
            output.error("--since is not before --until, so no record can lie between them");
            return Err(Exit::Usage);
        }
        let data_subject = self.data_subject.as_ref().map(|named| {
            // No key is made here: no record was written under a new one.
            let pseudonyms = Pseudonyms::read(&settings.log.pseudonyms_path()).map_err(|error| {
                output.failure(&error);
                Exit::Failed
            })?;
            Ok(DataSubjectFilter::new(named.clone(), pseudonyms))
        });
        Ok(Selection::new(Wanted {
            since,
            until,
            trace: self.trace,
            subject: self.subject.clone(),
            resource: self.resource.clone(),
            data_subject: data_subject.transpose()?,
            action: self.action.clone(),
            decision: self.decision.map(Way::decision),
            policy: self.policy.clone(),
            errors: self.errors,
            all,
            signals: false,
        }))
    }

    /// The data subject, as it is asked for.
    pub(in crate::commands) fn data_subject(&self) -> Option<&EntityId> {
        self.data_subject.as_ref()
    }

    /// The flags that leave out decisions about a data subject, as they are written.
    pub(in crate::commands) fn narrowing(&self) -> Vec<String> {
        let Self {
            since: _,
            until: _,
            data_subject: _,
            every_segment: _,
            subject,
            resource,
            action,
            decision,
            policy,
            trace,
            errors,
        } = self;
        let given = [
            ("--subject", subject.as_ref().map(ToString::to_string)),
            ("--resource", resource.as_ref().map(ToString::to_string)),
            ("--action", action.clone()),
            ("--decision", decision.map(|way| way.decision().to_string())),
            ("--policy", policy.clone()),
            ("--trace", trace.map(|trace| trace.to_string())),
        ];
        let given = given.into_iter().filter_map(|(flag, value)| Some(format!("{flag} {}", value?)));
        given.chain(errors.then(|| "--errors".to_owned())).collect()
    }

    /// The same, of one trace.
    pub(in crate::commands) fn of_trace(&self, trace: TraceId) -> Self {
        Self { trace: Some(trace), ..self.clone() }
    }

    /// Which segments are read.
    pub(in crate::commands) const fn segments(&self) -> Segments {
        if self.every_segment { Segments::All } else { Segments::Likely }
    }
}

/// Warns if records that match may not have been found, with the reason.
pub(in crate::commands) fn doubt(selection: &Selection, output: &mut Output) -> Result<(), Exit> {
    match selection.wanted().data_subject.as_ref().and_then(DataSubjectFilter::doubt) {
        None => Ok(()),
        Some(doubt) => {
            output.error(&format!("--data-subject: {doubt}"));
            Err(Exit::Failed)
        }
    }
}

/// A moment as a person writes it; one without a zone is local.
fn when(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    // A text whose zone a civil time would ignore is refused.
    if let Ok(local) = text.parse::<civil::DateTime>() {
        return Some(local.to_zoned_datetime(zone.clone()).ok()?.timestamp());
    }
    let span: Span = text.parse().ok()?;
    // No record is from the future: `2h` can only mean two hours ago.
    let ago = if span.is_negative() { span } else { span.negate() };
    now.to_zoned_datetime(zone.clone()).checked_add(ago).ok().map(|then| then.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        let zone = TimeZone::get("Europe/Amsterdam").unwrap();
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"),
            ("2026-11-23T10:00:00.25+02:00", "2026-11-23T08:00:00.25Z"),
            ("2026-11-23", "2026-11-22T23:00:00Z"),
            ("2026-07-01T10:00", "2026-07-01T08:00:00Z"),
            ("2026-07-01 10:00:30", "2026-07-01T08:00:30Z"),
            ("2h ago", "2026-11-23T10:00:00Z"),
            ("90 minutes ago", "2026-11-23T10:30:00Z"),
            ("1 day 2h ago", "2026-11-22T10:00:00Z"),
            ("15m", "2026-11-23T11:45:00Z"),
        ] {
            assert_eq!(when(text, now, &zone), Some(expected.parse().unwrap()), "{text}");
        }
        for text in ["", "yesterday", "2026-13-01", "14:00", "1764000000", "2h ago or so", "99999 years ago"] {
            assert_eq!(when(text, now, &zone), None, "{text}");
        }
    }
}
