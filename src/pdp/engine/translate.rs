//! From AuthZEN's words to Cedar's: subject to principal, wire values to Cedar values. Nowhere else do the two meet.
//!
//! The rules:
//! - Types and actions are found under their schema name, or an alias that is unambiguous ([`Model`](crate::sources::policy::Model)).
//! - The schema says who may speak for an entity. Properties of a directory-held entity are not even looked at.
//! - `context.pdp` is poort's own and `context.action` is made of the action's properties: a caller that sets either in the
//!   context gets an error, so that nobody believes it had an effect.
//! - What the schema declares and does not fit is an [`Invalid`] with its path. What it does not declare is left out, or is
//!   an [`Invalid`] too ([`UndeclaredMembers`](super::UndeclaredMembers)).

use super::{
    Config,
    key::{Key, Watch},
    mistakes::Mistakes,
    obligations, token,
    values::{self as made, Make},
};
use crate::{
    sources::{
        policy::{
            ActionModel, Attributes, EntityModel, Extension, Held, Invalid, PdpReads, Reading, Shape, Slice, Types,
            value_visitor::{self, EMPTY_ID, Terms},
        },
        snapshot::{Revisions, Snapshot},
    },
    types::{
        decision::{self, Cause, Decision, Evaluated, Named, Undeclared, UnknownReference, Verdict},
        escape,
        evaluation::{Map, Parts, Path, Value},
        moment::{Moment, PolicyAge},
    },
};
use cedar_policy_core::ast;
use smol_str::SmolStr;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

/// A question whose form fits the schema of one snapshot: all names are known and all values have their declared kinds.
///
/// It has a key, under which its verdict may be found; if it is not, [`CheckedQuestion::question`] makes what the engine decides.
#[derive(Debug)]
pub struct CheckedQuestion<'a> {
    snapshot: &'a Snapshot,
    evaluation: Parts<'a>,
    moment: &'a Moment,
    config: Config,
    subject: &'a EntityModel,
    action: &'a ActionModel,
    resource: &'a EntityModel,
    slice: &'a Slice,
    key: Option<Arc<[u8]>>,
    undeclared: Undeclared,
    unknown: Vec<UnknownReference>,
}

/// A question that the engine can decide: valid against the schema of one snapshot.
#[derive(Debug)]
pub struct CedarRequest<'a> {
    /// The policies that can matter to it.
    pub(super) slice: &'a Slice,
    pub(super) principal: Party,
    pub(super) action: ast::EntityUID,
    pub(super) resource: Party,
    pub(super) context: Arc<BTreeMap<SmolStr, ast::Value>>,
}

/// A principal or a resource.
#[derive(Debug)]
pub(super) struct Party {
    pub(super) uid: ast::EntityUID,
    pub(super) entity: Source,
}

/// Where the engine has an entity from.
#[derive(Debug)]
pub(super) enum Source {
    /// From the directory, which knows it.
    Directory,
    /// From the question.
    Request(Arc<ast::Entity>),
    /// From the schema: an `enum` lists it.
    Schema,
    /// The directory should know it and does not.
    Unknown,
    /// The directory should know it and does not, and configuration asks for Cedar's meaning: no attributes.
    Bare,
}

impl CedarRequest<'_> {
    /// The party that the directory does not know, if the question is denied for that without an evaluation.
    pub(super) fn unknown_party(&self) -> Option<(decision::Party, &ast::EntityUID)> {
        [(decision::Party::Subject, &self.principal), (decision::Party::Resource, &self.resource)]
            .into_iter()
            .find(|(_, named)| matches!(named.entity, Source::Unknown))
            .map(|(party, named)| (party, &named.uid))
    }

    /// The parties that the directory should know and does not, as `Type::"id"`: the subject first.
    #[must_use]
    pub fn not_in_directory(&self) -> Vec<(&'static str, String)> {
        [("subject", &self.principal), ("resource", &self.resource)]
            .into_iter()
            .filter(|(_, party)| matches!(party.entity, Source::Unknown | Source::Bare))
            .map(|(role, party)| (role, party.uid.to_string()))
            .collect()
    }
}

impl CedarRequest<'_> {
    /// The entities that the question refers to in properties and context, that the directory should know and does not, as
    /// `Type::"id"`, ordered. Cedar sees them without attributes and parents.
    #[must_use]
    pub fn references_not_in_directory(&self, snapshot: &Snapshot) -> Vec<String> {
        let mut referred: BTreeSet<ast::EntityUID> =
            self.context.values().flat_map(|value| value.all_literal_uids()).collect();
        for party in [&self.principal, &self.resource] {
            let Source::Request(entity) = &party.entity else { continue };
            for (_, value) in entity.attrs().chain(entity.tags()) {
                if let ast::PartialValue::Value(value) = value {
                    referred.extend(value.all_literal_uids());
                }
            }
        }
        let is_held = |uid: &ast::EntityUID| {
            let model = snapshot.policies.model.entity_type(uid.entity_type());
            model.is_some_and(|model| model.held == Held::ByDirectory)
        };
        let missing = referred.iter().filter(|uid| is_held(uid) && snapshot.directory.get(uid).is_none());
        missing.map(ToString::to_string).collect()
    }
}

const SUBJECT: Path<'_> = Path::root("subject");
const ACTION: Path<'_> = Path::root("action");
const RESOURCE: Path<'_> = Path::root("resource");
const CONTEXT: Path<'_> = Path::root("context");

/// Checks the form of an evaluation and makes its key.
///
/// # Errors
/// The fields that do not fit the schema. Where types or action do not fit each other, other fields are not looked at.
pub fn check_question<'a>(
    snapshot: &'a Snapshot,
    evaluation: impl Into<Parts<'a>>,
    moment: &'a Moment,
    config: impl Into<Config>,
) -> Result<CheckedQuestion<'a>, Mistakes> {
    let (evaluation, config) = (evaluation.into(), config.into());
    let Parts { subject, action, resource, context: _ } = evaluation;
    let model = &snapshot.policies.model;
    let in_type = |path: Path<'_>, message| Invalid::new(path.field("type"), message);
    let subject = model.entity(&subject.kind).map_err(|message| in_type(SUBJECT, message));
    let resource = model.entity(&resource.kind).map_err(|message| in_type(RESOURCE, message));
    let action = model.action(&action.name).map_err(|message| Invalid::new(ACTION.field("name"), message));
    let (subject, action, resource) = match (subject, action, resource) {
        (Ok(subject), Ok(action), Ok(resource)) => (subject, action, resource),
        (subject, action, resource) => {
            let unknown = [subject.err(), action.err(), resource.err()].into_iter().flatten();
            return Err(Mistakes::new(unknown.collect()));
        }
    };
    check_applies(action, subject, resource)?;
    let slice = snapshot.policies.slice(&subject.name, &action.uid, &resource.name);
    // The thread's own, if there is one.
    let (subject, action, resource) = match &slice.types {
        Some(Types { principal, action, resource, action_entity: _ }) => (principal, action, resource),
        None => (subject.as_ref(), action.as_ref(), resource.as_ref()),
    };
    let mut checked = CheckedQuestion {
        snapshot,
        evaluation,
        moment,
        config,
        subject,
        action,
        resource,
        slice,
        key: None,
        undeclared: Undeclared::default(),
        unknown: Vec::new(),
    };
    let (mut ignored, mut unknown) = (Undeclared::default(), Vec::new());
    let watch = Watch { undeclared: config.undeclared, ignored: &mut ignored, unknown: &mut unknown, unfit: None };
    checked.key = checked.make_key(watch).map_err(|stopped| checked.mistakes(stopped))?;
    checked.undeclared = ignored;
    checked.unknown = unknown_references(snapshot, unknown);
    Ok(checked)
}

/// Makes a question of an evaluation: [`check_question`] and [`CheckedQuestion::question`] in one.
///
/// # Errors
/// As [`check_question`].
pub fn translate<'a>(
    snapshot: &'a Snapshot,
    evaluation: impl Into<Parts<'a>>,
    moment: &'a Moment,
    config: impl Into<Config>,
) -> Result<CedarRequest<'a>, Mistakes> {
    check_question(snapshot, evaluation, moment, config)?.question()
}

impl<'a> CheckedQuestion<'a> {
    /// Everything that the verdict depends on: questions with equal keys have the same verdict, unless it has errors, which
    /// can quote more. `None` if the policies can read the moment of the decision.
    #[must_use]
    pub const fn key(&self) -> Option<&Arc<[u8]>> {
        self.key.as_ref()
    }

    /// What of the question is ignored, because the schema does not declare it and it cannot matter. No verdict depends on
    /// it.
    #[must_use]
    pub fn into_undeclared(self) -> Undeclared {
        self.undeclared
    }

    /// All that is wrong with its values, after one of them stopped it.
    fn mistakes(&self, stopped: Invalid) -> Mistakes {
        let (mut ignored, mut unknown, mut unfit) = (Undeclared::default(), Vec::new(), Vec::new());
        let undeclared = self.config.undeclared;
        let watch = Watch { undeclared, ignored: &mut ignored, unknown: &mut unknown, unfit: Some(&mut unfit) };
        let walked = self.make_key(watch);
        unfit.extend(walked.err());
        Mistakes::new(if unfit.is_empty() { vec![stopped] } else { unfit })
    }

    /// The answer that has this verdict, with what no verdict depends on: what of the question is ignored, what is named of
    /// the subject, whose sessions end, and what the application can do.
    #[must_use]
    pub fn answer(self, verdict: Arc<Verdict>, revisions: Revisions, cached: bool) -> Evaluated {
        let Revisions { policies: revision, directory: directory_revision } = revisions;
        let subject = self.snapshot.directory.recorded(self.subject, &self.evaluation.subject.id);
        // The list was read before, and fits.
        let supported = obligations::supported(self.evaluation.context, CONTEXT).ok().flatten();
        let verdict = match self.moment.policies {
            PolicyAge::Expired => Arc::new(Verdict {
                decision: Decision::Deny,
                policies: Vec::new(),
                errors: Vec::new(),
                cause: Cause::Expired,
            }),
            PolicyAge::Live | PolicyAge::Late => verdict,
        };
        Evaluated {
            verdict: obligations::about(verdict, &self.evaluation.subject.id, supported.as_ref()),
            revision,
            directory_revision,
            cached,
            undeclared: self.undeclared,
            subject,
            unknown: self.unknown,
        }
    }

    fn make_key(&self, watch: Watch<'_>) -> Result<Option<Arc<[u8]>>, Invalid> {
        let Self {
            snapshot,
            evaluation,
            moment,
            config,
            subject,
            action,
            resource,
            slice,
            key: _,
            undeclared: _,
            unknown: _,
        } = self;
        let unknown = config.unknown;
        let footprint = &slice.footprint;
        // What a question says twice of one entity must be the same, read or not.
        let is_about_itself = matches!(subject.held, Held::ByRequest { .. })
            && subject.name == resource.name
            && evaluation.subject.id == evaluation.resource.id;
        let reads = footprint.reads.as_ref().filter(|_| !is_about_itself);
        let mut key = Key::new(&snapshot.directory, reads, watch);
        key.tag(u8::from(reads.is_some()) | (unknown as u8) << 1);
        key.number(if reads.is_some() { footprint.number } else { snapshot.generation });
        if reads.is_none() {
            key.uid(&action.uid);
        }
        for (model, named, path) in [(subject, evaluation.subject, SUBJECT), (resource, evaluation.resource, RESOURCE)]
        {
            if let Err(invalid) = check_id(model, named, path) {
                key.unfit(invalid)?;
            }
            let reads = reads.map(|reads| reads.entity(&model.name));
            match (reads, &model.held) {
                // The contents have it, if it is read.
                (Some(_), Held::ByDirectory) if key.contents(&model.name, &named.id) => {}
                (Some(reads), _) => key.id(&model.name, &named.id, &reads.id),
                (None, _) => {
                    key.name(&model.name.to_string());
                    key.name(&named.id);
                }
            }
            let Held::ByRequest { attributes, tags, parents: _ } = &model.held else { continue };
            let properties = path.field("properties");
            let read = reads.map_or(Reading::ALL, |reads| Reading::of(&reads.attributes));
            let tags = tags.as_ref().filter(|_| !attributes.contains_key("tags"));
            let reads_tags = reads.is_none_or(|reads| reads.tags.is_some());
            key.within_entity(read, tags.map(|_| reads_tags), |key| {
                value_visitor::record(key, attributes, &named.properties, properties)
            })?;
            if let Some(shape) = tags {
                let read = if reads_tags { Reading::ALL } else { Reading::NOTHING };
                let given = named.properties.get("tags");
                key.within(read, |key| tags_of(key, shape, given, properties.field("tags")))?;
            }
        }
        let read = reads.map_or(Reading::ALL, |reads| Reading::of(&reads.context));
        key.within(read, |key| self.context_of(key))?;
        // What policies name is in the directory as it was, or not; without a number, the generation says it.
        if let Some(reads) = reads {
            for uid in &footprint.named {
                if reads.profile(uid.entity_type()).is_some() {
                    key.contents(uid.entity_type(), uid.eid().as_ref());
                }
            }
        }
        let Some(declared) = action.pdp else { return Ok(Some(key.finish())) };
        let reads = footprint.pdp;
        if declared.now && reads.now {
            return Ok(None);
        }
        if declared.today && reads.today {
            key.name(&moment.today);
        }
        if declared.hour && reads.hour {
            key.tag(moment.hour);
        }
        if let (true, true, Some(application)) = (declared.application, reads.application, &moment.application) {
            key.name(application);
        }
        if declared.policies && reads.policies {
            key.name(moment.policies.seen());
        }
        if let (Some(declared), true) = (declared.token, reads.token) {
            token::add_to_key(&mut key, declared, moment.token.as_deref());
        }
        Ok(Some(key.finish()))
    }

    /// What the engine decides.
    ///
    /// # Errors
    /// The values that have the declared kind but not a meaning, such as a date that is none.
    pub fn question(&self) -> Result<CedarRequest<'a>, Mistakes> {
        self.question_for(self.slice.footprint.pdp)
    }

    /// The same with all that the schema declares of `context.pdp`: for policies that are not those of the snapshot, and
    /// so may read what those do not.
    ///
    /// # Errors
    /// As [`CheckedQuestion::question`].
    pub fn whole_question(&self) -> Result<CedarRequest<'a>, Mistakes> {
        self.question_for(PdpReads::ALL)
    }

    fn question_for(&self, reads: PdpReads) -> Result<CedarRequest<'a>, Mistakes> {
        self.make(reads).map_err(|stopped| self.mistakes(stopped))
    }

    fn make(&self, reads: PdpReads) -> Result<CedarRequest<'a>, Invalid> {
        let principal = self.party(decision::Party::Subject, self.subject, self.evaluation.subject, SUBJECT)?;
        let resource = self.party(decision::Party::Resource, self.resource, self.evaluation.resource, RESOURCE)?;
        if principal.uid == resource.uid
            && let (Source::Request(one), Source::Request(other)) = (&principal.entity, &resource.entity)
            && !one.deep_eq(other)
        {
            return Err(Invalid::new(RESOURCE.field("properties"), "is the subject itself, with other properties"));
        }
        for (party, other, path) in [(&principal, &resource, SUBJECT), (&resource, &principal, RESOURCE)] {
            let below = |entity: &ast::Entity, uid| entity.is_descendant_of(uid);
            if let Source::Request(entity) = &party.entity
                && (below(entity, &party.uid)
                    || below(entity, &other.uid)
                        && matches!(&other.entity, Source::Request(other) if below(other, &party.uid)))
            {
                return Err(Invalid::new(path.field("properties"), "make it one of its own parents"));
            }
        }
        let mut context = self.context_of(&mut Make)?;
        context.extend(self.pdp(reads)?.map(|pdp| (SmolStr::new_static("pdp"), Make.record(pdp))));
        Ok(CedarRequest {
            slice: self.slice,
            principal,
            action: self.action.uid.clone(),
            resource,
            context: Arc::new(context),
        })
    }

    fn party(
        &self,
        party: decision::Party,
        model: &EntityModel,
        named: &crate::types::evaluation::Entity,
        path: Path<'_>,
    ) -> Result<Party, Invalid> {
        let directory = &self.snapshot.directory;
        let uid = ast::EntityUID::from_components(model.name.clone(), ast::Eid::new(named.id.as_str()), None);
        let entity = match &model.held {
            Held::ByDirectory if directory.get(&uid).is_some() => Source::Directory,
            Held::ByDirectory if self.config.unknown.denies(party) => Source::Unknown,
            Held::ByDirectory => Source::Bare,
            Held::BySchema(_) => Source::Schema,
            Held::ByRequest { attributes, parents, tags } => {
                let properties = path.field("properties");
                let attrs = value_visitor::record(&mut Make, attributes, &named.properties, properties)?;
                let tags = match tags {
                    Some(shape) if !attributes.contains_key("tags") => {
                        tags_of(&mut Make, shape, named.properties.get("tags"), properties.field("tags"))?
                    }
                    _ => BTreeMap::new(),
                };
                let parents = parents_of(&attrs, parents);
                // A parent brings its own ancestors from the directory, so that `in` sees the whole hierarchy.
                let ancestors = parents
                    .iter()
                    .filter_map(|parent| directory.get(parent))
                    .flat_map(|parent| parent.ancestors().cloned())
                    .filter(|ancestor| !parents.contains(ancestor))
                    .collect();
                let known = |(name, value): (SmolStr, ast::Value)| (name, ast::PartialValue::Value(value));
                Source::Request(Arc::new(ast::Entity::new_with_attr_partial_value(
                    uid.clone(),
                    attrs.into_iter().map(known),
                    ancestors,
                    parents,
                    tags.into_iter().map(known),
                )))
            }
        };
        Ok(Party { uid, entity })
    }

    /// The caller's part of the context, and the action's properties where the schema declares them.
    fn context_of<T: Terms>(&self, terms: &mut T) -> Result<T::Fields, Invalid> {
        let given = self.evaluation.context;
        if given.contains_key("pdp") {
            terms.unfit(Invalid::new(CONTEXT.field("pdp"), "is set by poort alone; leave it out"))?;
        }
        if self.action.properties.is_some() && given.contains_key("action") {
            let message = "is made of the properties of the action; give them in action.properties";
            terms.unfit(Invalid::new(CONTEXT.field("action"), message))?;
        }
        if let Err(invalid) = obligations::supported(given, CONTEXT) {
            terms.unfit(invalid)?;
        }
        let mut context = value_visitor::record(terms, &self.action.context, given, CONTEXT)?;
        let properties = &self.evaluation.action.properties;
        let Some(declared) = &self.action.properties else {
            terms.leave(&Attributes::new(), properties, 0, ACTION.field("properties"))?;
            return Ok(context);
        };
        let present = declared.required || !properties.is_empty();
        terms.attribute("action", present);
        if present {
            let fields = value_visitor::record(terms, &declared.attributes, properties, ACTION.field("properties"))?;
            let action = terms.record(fields);
            terms.field(&mut context, &SmolStr::new_static("action"), action);
        }
        Ok(context)
    }

    /// Poort's own part of the context: of what the schema declares, what policies can read. What none of them can read
    /// cannot change the answer, and is not made.
    fn pdp(&self, reads: PdpReads) -> Result<Option<BTreeMap<SmolStr, ast::Value>>, Invalid> {
        let Some(declared) = self.action.pdp else { return Ok(None) };
        let moment = self.moment;
        let mut pdp = BTreeMap::new();
        if declared.now && reads.now {
            let now = Make.extension(Extension::Datetime, &moment.now_text, CONTEXT)?;
            pdp.insert(SmolStr::new_static("now"), now);
        }
        if declared.today && reads.today {
            let today = made::day(&moment.today).map_err(|message| Invalid::new(CONTEXT.field("pdp"), message))?;
            pdp.insert(SmolStr::new_static("today"), today);
        }
        if declared.hour && reads.hour {
            pdp.insert(SmolStr::new_static("hour"), ast::Value::from(i64::from(moment.hour)));
        }
        if let (true, true, Some(application)) = (declared.application, reads.application, &moment.application) {
            pdp.insert(SmolStr::new_static("application"), ast::Value::from(application.as_ref()));
        }
        if declared.policies && reads.policies {
            pdp.insert(SmolStr::new_static("policies"), ast::Value::from(moment.policies.seen()));
        }
        if let (Some(declared), true, Some(claims)) = (declared.token, reads.token, &moment.token) {
            pdp.insert(SmolStr::new_static("token"), token::value(declared, claims, CONTEXT)?);
        }
        Ok(Some(pdp))
    }
}

/// Those that the directory should know, with what was probably meant.
fn unknown_references(snapshot: &Snapshot, found: Vec<(String, ast::EntityType, String)>) -> Vec<UnknownReference> {
    let is_held = |kind: &ast::EntityType| {
        let model = snapshot.policies.model.entity_type(kind);
        model.is_some_and(|model| model.held == Held::ByDirectory)
    };
    let unknown = found.into_iter().filter(|(_, kind, _)| is_held(kind)).take(decision::MOST);
    let unknown = unknown.map(|(path, kind, id)| {
        let nearest = snapshot.directory.nearest(&kind, &id).map(|nearest| nearest.as_ref().to_owned());
        let named = Some(Named { id: escape::cut(&id).into_owned(), nearest });
        UnknownReference { path, kind: kind.to_string(), named }
    });
    unknown.collect()
}

/// The schema says which types of subjects and resources an action is about.
fn check_applies(action: &ActionModel, subject: &EntityModel, resource: &EntityModel) -> Result<(), Mistakes> {
    let listed =
        |types: &[ast::EntityType]| types.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(", ");
    let id = AsRef::<str>::as_ref(action.uid.eid());
    if action.subjects.is_empty() {
        let message = format!("`{id}` is a group of actions; ask about one of its actions");
        return Err(Invalid::new(ACTION.field("name"), message).into());
    }
    let mut unfit = Vec::new();
    if !action.subjects.contains(&subject.name) {
        let message =
            format!("`{}` cannot `{id}`; the schema allows that for {}", subject.name, listed(&action.subjects));
        unfit.push(Invalid::new(SUBJECT.field("type"), message));
    }
    if !action.resources.contains(&resource.name) {
        let message =
            format!("`{id}` is not for `{}`; the schema has it for {}", resource.name, listed(&action.resources));
        unfit.push(Invalid::new(RESOURCE.field("type"), message));
    }
    if unfit.is_empty() { Ok(()) } else { Err(Mistakes::new(unfit)) }
}

/// Of some types there are only the entities that the schema lists. Of others an empty id names none: a record could not
/// say which one was touched.
fn check_id(model: &EntityModel, named: &crate::types::evaluation::Entity, path: Path<'_>) -> Result<(), Invalid> {
    let checked = match &model.held {
        Held::BySchema(listed) => listed.check(&named.id),
        _ if named.id.is_empty() => Err(EMPTY_ID.to_owned()),
        _ => Ok(()),
    };
    checked.map_err(|message| Invalid::new(path.field("id"), message))
}

/// Tags are the property `tags`: any names, values of one type.
fn tags_of<T: Terms>(
    terms: &mut T,
    shape: &Shape,
    given: Option<&Value>,
    path: Path<'_>,
) -> Result<T::Fields, Invalid> {
    let mut tags = T::Fields::default();
    let given = match given {
        None | Some(Value::Null) => &Map::new(),
        Some(Value::Map(given)) => given,
        Some(other) => {
            terms.unfit(Invalid::new(path, format!("is {}; the schema wants an object", other.kind())))?;
            return Ok(tags);
        }
    };
    terms.enter_set(given.len());
    for (name, value) in given {
        terms.text(name);
        terms.attribute(name, true);
        match value_visitor::term(terms, shape, value, path.field(name)) {
            Ok(term) => terms.field(&mut tags, &SmolStr::new(name), term),
            Err(invalid) => terms.unfit_field(invalid)?,
        }
    }
    Ok(tags)
}

/// The entities that the attributes named in `@parents` hold.
fn parents_of(attrs: &BTreeMap<SmolStr, ast::Value>, names: &[SmolStr]) -> HashSet<ast::EntityUID> {
    let mut parents = HashSet::new();
    for value in names.iter().filter_map(|name| attrs.get(name)) {
        parents.extend(value.all_literal_uids());
    }
    parents
}
