//! Facts: what matters of a decision, read from its record and from the directory that decided.

use super::{
    disclosures,
    follow_up::{Act, FollowUp, last},
    reasons::{Reason, Reasons, World},
    retries::Stated,
    settings::{Disclosing, SettingsFiles, Shopping},
};
use crate::{
    oversight::replay::{Reason as Unjudged, Worlds, recorded_request},
    pdp::{
        engine::{self, Applying, Config, UndeclaredMembers, UnknownEntities},
        parts,
    },
    record::decision_log::{EntityName, RecordedRequest, StoredRecord, Unreadable},
    sources::{
        directory::{reference_of, text_of},
        policy::cedar_core::ast::{Eid, EntityUID},
        snapshot::Snapshot,
    },
    types::{
        decision::Decision,
        evaluation::{Entity, Map, Parts},
        moment::Moment,
        trace::{RecordIdentity, SpanId, TraceId},
    },
};
use jiff::civil;
use std::{collections::BTreeMap, sync::Arc};

/// What matters of one decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// When, in milliseconds since 1970.
    pub time: i64,
    /// The local day, counted from 1970.
    pub day: i64,
    /// The local hour.
    pub hour: u8,
    /// The place of its record in the log.
    pub seq: u64,
    /// The key of its record.
    pub record: RecordIdentity,
    /// Which item, if it is a batch.
    pub item: Option<usize>,
    /// Whether its call asked more for the account, as a page of several records does.
    pub listed: bool,
    /// The account, as `Type::"id"`; of those that the directory does not know, the type alone.
    pub account: String,
    /// Whether the directory knows it.
    pub known: bool,
    /// Groups of accounts that it belongs to, the finest first; or the account itself alone, if it is compared with its own earlier
    /// days. `None`: that is not known now.
    pub peers: Option<Arc<[String]>>,
    /// The record that it was about, as `Type::"id"`.
    pub resource: String,
    /// Whether it was allowed.
    pub allowed: bool,
    /// The policies that denied it.
    pub denied_by: Vec<String>,
    /// What its question said. `None`: that is not known, or not looked for.
    pub stated: Option<Stated>,
    /// The flow of records that it is of, where it discloses one and its account is compared with its own earlier days.
    pub flow: Option<u64>,
    /// The reasons that explain it.
    pub reasons: Vec<Arc<Reason>>,
    /// The rules that it matches.
    pub rules: Vec<Arc<Reason>>,
    /// The reasons that were looked for.
    pub tried: Arc<[Arc<Reason>]>,
    /// What it does with a signal, where it is allowed.
    pub act: Option<Act>,
    /// Whether its reasons could be looked for. If not, it counts neither as explained nor as unexplained.
    pub judged: bool,
}

/// Reads facts from records.
#[derive(Debug)]
pub struct Reader {
    worlds: Worlds,
    reasons: Reasons,
    /// The attributes that peers have in common.
    same: Vec<String>,
    /// The types of accounts that are compared with themselves.
    itself: Vec<String>,
    follow_up: Option<FollowUp>,
    shopping: Option<Shopping>,
    disclosure: Option<Disclosing>,
    /// Why reasons could not be looked for, and how often.
    unjudged: BTreeMap<String, u64>,
}

/// How many different reasons why something could not be judged are told.
const TOLD: usize = 20;

/// What the caller may not say is left out, and what the directory does not know has no attributes: nothing is decided here.
const CONFIG: Config = Config { unknown: UnknownEntities::Evaluate, undeclared: UndeclaredMembers::Ignore };

impl Reader {
    /// With the revisions that records name, under these settings.
    #[must_use]
    pub fn new(worlds: Worlds, files: &SettingsFiles) -> Self {
        let SettingsFiles { settings, reasons, .. } = files;
        Self {
            worlds,
            reasons: reasons.clone(),
            same: settings.peers.same.clone(),
            itself: settings.peers.itself.clone(),
            follow_up: settings.follow_up.clone(),
            shopping: settings.shopping.clone(),
            disclosure: settings.disclosure.clone(),
            unjudged: BTreeMap::new(),
        }
    }

    /// These snapshots are those that the next records name.
    pub fn hold(&mut self, active: impl IntoIterator<Item = Arc<Snapshot>>) {
        active.into_iter().for_each(|snapshot| self.worlds.hold(snapshot));
        self.reasons.let_go();
    }

    /// Why reasons could not be looked for, and how often.
    pub fn unjudged(&self) -> impl Iterator<Item = (&str, u64)> {
        self.unjudged.iter().map(|(why, count)| (why.as_str(), *count))
    }

    /// The facts of a record: one for each decision.
    ///
    /// # Errors
    /// The record has not the form of a decision record.
    pub fn facts(&mut self, recorded: &StoredRecord<'_>) -> Result<Vec<Fact>, Unreadable> {
        let decisions = recorded.decisions()?;
        let asked = recorded_request(recorded).map_err(|reason| Unreadable(reason.to_string()))?;
        let world = self.world(recorded).map_err(|why| self.count(why)).ok();
        let moment = recorded.moment();
        let (day, record) = (day(&moment.today)?, identity(recorded)?);
        let mut items: BTreeMap<(&str, &str), u32> = BTreeMap::new();
        for EntityName { kind, id } in decisions.iter().filter_map(|one| one.subject.as_ref()) {
            *items.entry((kind, id)).or_default() += 1;
        }
        let mut facts = Vec::with_capacity(decisions.len());
        for (index, one) in decisions.iter().enumerate() {
            let (Some(subject), Some(resource)) = (&one.subject, &one.resource) else { continue };
            let allowed = one.decision == Some(Decision::Allow);
            let snapshot = world.as_ref().map(|world| &world.snapshot);
            let (account, known) = account(snapshot, subject);
            let is_alone = known && self.itself.iter().any(|kind| last(kind) == last(&subject.kind));
            let peers = snapshot.map(|snapshot| match is_alone {
                true => Arc::from([account.clone()]),
                false => self.peers(snapshot, subject),
            });
            let mut fact = Fact {
                time: recorded.timestamp,
                day,
                hour: moment.hour,
                seq: recorded.seq(),
                record,
                item: recorded.is_batch().then_some(index),
                listed: items.get(&(&*subject.kind, &*subject.id)).is_some_and(|items| *items > 1),
                account,
                known,
                peers,
                resource: named(snapshot, resource),
                allowed,
                denied_by: if allowed { Vec::new() } else { one.policies.clone() },
                stated: None,
                flow: None,
                reasons: Vec::new(),
                rules: Vec::new(),
                tried: Arc::from([]),
                act: None,
                judged: false,
            };
            if let Ok(question) = question(&asked, index) {
                fact.act = self.follow_up.as_ref().and_then(|follow_up| follow_up.act(&question));
                // What was left out could have been said otherwise.
                if !recorded.is_concealed_beyond_ids() {
                    let (shopping, disclosure) = (self.shopping.as_ref(), self.disclosure.as_ref());
                    fact.stated = shopping.map(|set| Stated::of(&question, moment.application.as_deref(), set));
                    let disclosure = disclosure.filter(|_| is_alone && allowed);
                    fact.flow = disclosure.and_then(|set| disclosures::flow(&question, set));
                }
            }
            if let Some(world) = &world {
                fact.tried = Arc::clone(&world.tried);
                match self.applying(recorded, world, &asked, index, &moment) {
                    Ok(found) => {
                        (fact.reasons, fact.rules) = (world.named(&found.permits), world.named(&found.forbids));
                        fact.judged = true;
                    }
                    Err(why) => self.count(why),
                }
            }
            facts.push(fact);
        }
        Ok(facts)
    }

    /// The reasons and rules that apply to a question of a record.
    fn applying(
        &mut self,
        recorded: &StoredRecord<'_>,
        world: &World,
        asked: &RecordedRequest<'_>,
        index: usize,
        moment: &Moment,
    ) -> Result<Applying, String> {
        // What was left out could have been a reason.
        if recorded.is_concealed_beyond_ids() {
            return Err(Unjudged::Concealed.to_string());
        }
        let found = applying(world, question(asked, index)?, moment)?;
        for error in &found.errors {
            self.count(format!("`{}` failed: {}", error.policy, error.message));
        }
        Ok(found)
    }

    /// The reasons that would explain a decision if another account had asked.
    ///
    /// # Errors
    /// They could not be looked for.
    pub fn reasons_of(
        &mut self,
        recorded: &StoredRecord<'_>,
        item: Option<usize>,
        account: &EntityName,
    ) -> Result<Vec<Arc<Reason>>, String> {
        let asked = recorded_request(recorded).map_err(|reason| reason.to_string())?;
        let world = self.world(recorded)?;
        let subject = Entity { kind: account.kind.clone(), id: account.id.clone(), properties: Map::new() };
        let question = Parts { subject: &subject, ..question(&asked, item.unwrap_or(0))? };
        let found = applying(&world, question, &recorded.moment())?;
        Ok(world.named(&found.permits))
    }

    fn count(&mut self, why: String) {
        let is_new = !self.unjudged.contains_key(&why);
        let why = if is_new && self.unjudged.len() >= TOLD { "for other reasons".to_owned() } else { why };
        *self.unjudged.entry(why).or_default() += 1;
    }

    fn world(&mut self, recorded: &StoredRecord<'_>) -> Result<Arc<World>, String> {
        let named = recorded.policies().zip(recorded.directory());
        let snapshot = self.worlds.find(&named.ok_or("it names no revision")?)?;
        self.reasons.under(&snapshot)
    }

    /// The groups of an account: its type with the attributes that peers have in common, and with fewer and fewer of them.
    fn peers(&self, snapshot: &Snapshot, account: &EntityName) -> Arc<[String]> {
        let entity = uid(snapshot, account).and_then(|uid| snapshot.directory.get(&uid));
        let values = self.same.iter().map_while(|name| {
            let entity = entity?;
            text_of(entity, name).or_else(|| reference_of(entity, name))
        });
        let mut name = last(&account.kind).to_owned();
        let mut groups = vec![name.clone()];
        for value in values {
            name = format!("{name} · {value}");
            groups.push(name.clone());
        }
        groups.reverse();
        groups.into()
    }
}

/// A day of the calendar, counted from 1970.
fn day(text: &str) -> Result<i64, Unreadable> {
    const FIRST: civil::Date = civil::date(1970, 1, 1);
    let span = text.parse::<civil::Date>().and_then(|date| date.since(FIRST));
    span.map(|span| i64::from(span.get_days())).map_err(|error| Unreadable(format!("its day `{text}`: {error}")))
}

/// The name of an account, and whether the directory knows it. Ids that it does not know can be invented without end, so those of a
/// type are one.
fn account(snapshot: Option<&Snapshot>, account: &EntityName) -> (String, bool) {
    let Some(snapshot) = snapshot else { return (account.to_string(), true) };
    match uid(snapshot, account).filter(|uid| snapshot.directory.knows(uid.entity_type(), uid.eid().as_ref())) {
        Some(uid) => (uid.to_string(), true),
        None => (format!("{} that the directory does not know", account.kind), false),
    }
}

/// The whole name of a record.
fn named(snapshot: Option<&Snapshot>, resource: &EntityName) -> String {
    let uid = snapshot.and_then(|snapshot| uid(snapshot, resource));
    uid.map_or_else(|| resource.to_string(), |uid| uid.to_string())
}

fn identity(recorded: &StoredRecord<'_>) -> Result<RecordIdentity, Unreadable> {
    let (trace, span) = (TraceId::parse(&recorded.trace_id), SpanId::parse(&recorded.span_id));
    let (Some(trace_id), Some(span_id)) = (trace, span) else {
        return Err(Unreadable("its trace_id or span_id is none".to_owned()));
    };
    Ok(RecordIdentity { trace_id, span_id })
}

fn uid(snapshot: &Snapshot, EntityName { kind, id }: &EntityName) -> Option<EntityUID> {
    let model = snapshot.policies.model.entity(kind).ok()?;
    Some(EntityUID::from_components(model.name.clone(), Eid::new(id), None))
}

fn question<'a>(asked: &'a RecordedRequest<'_>, index: usize) -> Result<Parts<'a>, String> {
    match asked {
        RecordedRequest::One(evaluation) => Ok(evaluation.as_ref().into()),
        RecordedRequest::Several(batch) => {
            let item = batch.items.get(index).and_then(|item| parts(batch, item, index));
            item.ok_or_else(|| "an item of a batch has a fault".to_owned())
        }
    }
}

/// The reasons and rules that apply to a question.
fn applying(world: &World, question: Parts<'_>, moment: &Moment) -> Result<Applying, String> {
    let asked =
        engine::translate(&world.snapshot, question, moment, CONFIG).map_err(|mistakes| mistakes.to_string())?;
    engine::applying(&world.snapshot, &asked).ok_or_else(|| "the entities contradict each other".to_owned())
}
