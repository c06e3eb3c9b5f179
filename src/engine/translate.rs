//! From AuthZEN's words to Cedar's: subject to principal, wire values to Cedar values. Nowhere else do the two meet.
//!
//! The rules:
//! - Types and actions are found under their schema name, or an alias that is unambiguous ([`Model`](crate::policy::Model)).
//! - The schema says who may speak for an entity. Properties of a directory-held entity are not even looked at.
//! - `context.pdp` is poort's own and `context.action` is made of the action's properties: a caller who sets either in the
//!   context gets an error, so that nobody believes it had an effect.
//! - What the schema does not declare is left out; what it declares and does not fit is an [`Invalid`] with its path.

use super::terms::{self, Key, Path};
use crate::{
    evaluation::{Evaluation, Map, Value},
    moment::Moment,
    policy::{ActionModel, EntityModel, Extension, Held, Shape},
    snapshot::Snapshot,
};
use cedar_policy_core::ast;
use smol_str::SmolStr;
use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    sync::Arc,
};

/// A question that the engine can decide: valid against the schema of one snapshot.
#[derive(Debug)]
pub struct Question {
    pub(super) principal: Party,
    pub(super) action: ast::EntityUID,
    pub(super) resource: Party,
    pub(super) context: Arc<BTreeMap<SmolStr, ast::Value>>,
    /// Everything that the verdict depends on. `None`: it depends on the moment itself, and is never reused.
    key: Option<Arc<[u8]>>,
}

impl Question {
    /// Everything that the verdict depends on, the snapshot included: equal keys have equal verdicts. `None` if the
    /// policies can read the moment of the decision.
    #[must_use]
    pub const fn key(&self) -> Option<&Arc<[u8]>> {
        self.key.as_ref()
    }
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
    Directory(Arc<ast::Entity>),
    /// From the question.
    Request(Arc<ast::Entity>),
    /// From the schema: an `enum` lists it.
    Schema,
    /// The directory should know it and does not.
    Unknown,
    /// The directory should know it and does not, and configuration asks for Cedar's meaning: no attributes.
    Bare,
}

/// What becomes of a subject or resource that the directory should know and does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownEntities {
    /// It is denied: who has left can do nothing, whatever the policies say.
    #[default]
    Deny,
    /// Cedar's own meaning: an entity without attributes and parents.
    Evaluate,
}

/// A question that cannot be asked under this schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The field, such as `resource.properties.level`.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

impl Invalid {
    pub(super) fn new(path: Path<'_>, message: impl Into<String>) -> Self {
        Self { path: path.to_string(), message: message.into() }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl std::error::Error for Invalid {}

const SUBJECT: Path<'_> = Path::root("subject");
const ACTION: Path<'_> = Path::root("action");
const RESOURCE: Path<'_> = Path::root("resource");
const CONTEXT: Path<'_> = Path::root("context");

/// Makes a question of an evaluation.
///
/// # Errors
/// The first field that does not fit the schema.
pub fn translate(
    snapshot: &Snapshot,
    evaluation: &Evaluation,
    moment: &Moment,
    unknown: UnknownEntities,
) -> Result<Question, Invalid> {
    let Evaluation { subject, action, resource, context } = evaluation;
    let model = &snapshot.policies.model;
    let in_type = |path: Path<'_>, message| Invalid::new(path.field("type"), message);
    let subject_type = model.entity(&subject.kind).map_err(|message| in_type(SUBJECT, message))?;
    let resource_type = model.entity(&resource.kind).map_err(|message| in_type(RESOURCE, message))?;
    let action_model = model.action(&action.name).map_err(|message| Invalid::new(ACTION.field("name"), message))?;
    check_applies(action_model, subject_type, resource_type)?;

    let mut key = Key::with_capacity(256);
    key.number(snapshot.generation);
    key.uid(&action_model.uid);
    let principal = party(snapshot, subject_type, subject, SUBJECT, unknown, &mut key)?;
    let resource = party(snapshot, resource_type, resource, RESOURCE, unknown, &mut key)?;
    if principal.uid == resource.uid
        && let (Source::Request(one), Source::Request(other)) = (&principal.entity, &resource.entity)
        && !one.deep_eq(other)
    {
        return Err(Invalid::new(RESOURCE.field("properties"), "is the subject itself, with other properties"));
    }
    let (context, repeatable) = context_of(snapshot, action_model, &action.properties, context, moment, &mut key)?;
    let key = repeatable.then(|| key.finish());
    Ok(Question { principal, action: action_model.uid.clone(), resource, context: Arc::new(context), key })
}

/// The schema says which types of subjects and resources an action is about.
fn check_applies(action: &ActionModel, subject: &EntityModel, resource: &EntityModel) -> Result<(), Invalid> {
    let listed =
        |types: &[ast::EntityType]| types.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(", ");
    let id = AsRef::<str>::as_ref(action.uid.eid());
    if action.subjects.is_empty() {
        let message = format!("`{id}` is a group of actions; ask about one of its actions");
        return Err(Invalid::new(ACTION.field("name"), message));
    }
    if !action.subjects.contains(&subject.name) {
        let message =
            format!("`{}` cannot `{id}`; the schema allows that for {}", subject.name, listed(&action.subjects));
        return Err(Invalid::new(SUBJECT.field("type"), message));
    }
    if !action.resources.contains(&resource.name) {
        let message =
            format!("`{id}` is not for `{}`; the schema has it for {}", resource.name, listed(&action.resources));
        return Err(Invalid::new(RESOURCE.field("type"), message));
    }
    Ok(())
}

fn party(
    snapshot: &Snapshot,
    model: &EntityModel,
    named: &crate::evaluation::Entity,
    path: Path<'_>,
    unknown: UnknownEntities,
    key: &mut Key,
) -> Result<Party, Invalid> {
    let uid = ast::EntityUID::from_components(model.name.clone(), ast::Eid::new(named.id.as_str()), None);
    key.uid(&uid);
    let entity = match &model.held {
        // The snapshot's generation is in the key, and stands for everything that the directory holds.
        Held::ByDirectory => match (snapshot.directory.get(&uid), unknown) {
            (Some(entity), _) => Source::Directory(entity.clone()),
            (None, UnknownEntities::Deny) => Source::Unknown,
            (None, UnknownEntities::Evaluate) => Source::Bare,
        },
        Held::BySchema => Source::Schema,
        Held::ByRequest { attributes, parents, tags } => {
            let properties = path.field("properties");
            let attrs = terms::record(attributes, &named.properties, properties, key)?;
            let tags = match tags {
                Some(shape) if !attributes.contains_key("tags") => {
                    tags_of(shape, named.properties.get("tags"), properties.field("tags"), key)?
                }
                _ => BTreeMap::new(),
            };
            let parents = parents_of(&attrs, parents);
            // A parent brings its own ancestors from the directory, so that `in` sees the whole hierarchy.
            let ancestors = parents
                .iter()
                .filter_map(|parent| snapshot.directory.get(parent))
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

/// Tags are the property `tags`: any names, values of one type.
fn tags_of(
    shape: &Shape,
    given: Option<&Value>,
    path: Path<'_>,
    key: &mut Key,
) -> Result<BTreeMap<SmolStr, ast::Value>, Invalid> {
    let given = match given {
        None | Some(Value::Null) => &Map::new(),
        Some(Value::Map(given)) => given,
        Some(other) => return Err(Invalid::new(path, format!("is {}; the schema wants an object", other.kind()))),
    };
    key.number(given.len() as u64);
    given
        .iter()
        .map(|(name, value)| {
            key.text(name);
            Ok((SmolStr::new(name), terms::term(shape, value, path.field(name), key)?))
        })
        .collect()
}

/// The entities that the attributes named in `@parents` hold.
fn parents_of(attrs: &BTreeMap<SmolStr, ast::Value>, names: &[SmolStr]) -> HashSet<ast::EntityUID> {
    let mut parents = HashSet::new();
    for value in names.iter().filter_map(|name| attrs.get(name)) {
        parents.extend(value.all_literal_uids());
    }
    parents
}

/// The context: the caller's part, the action's properties, and poort's own. Also says whether the answer can be reused.
fn context_of(
    snapshot: &Snapshot,
    action: &ActionModel,
    properties: &Map,
    given: &Map,
    moment: &Moment,
    key: &mut Key,
) -> Result<(BTreeMap<SmolStr, ast::Value>, bool), Invalid> {
    if given.contains_key("pdp") {
        return Err(Invalid::new(CONTEXT.field("pdp"), "is set by poort alone; leave it out"));
    }
    let mut context = terms::record(&action.context, given, CONTEXT, key)?;
    if let Some(declared) = &action.properties {
        if given.contains_key("action") {
            let message = "is made of the properties of the action; give them in action.properties";
            return Err(Invalid::new(CONTEXT.field("action"), message));
        }
        let present = declared.required || !properties.is_empty();
        key.tag(u8::from(present));
        if present {
            let record = terms::record(&declared.attributes, properties, ACTION.field("properties"), key)?;
            context.insert(SmolStr::new_static("action"), ast::Value::record_arc(Arc::new(record), None));
        }
    }
    let Some(declared) = action.pdp else { return Ok((context, true)) };
    // Only what the policies of this action can read is in the key; the rest cannot change the answer.
    let reads = snapshot.policies.reads.pdp(&action.uid);
    let mut pdp = BTreeMap::new();
    let mut datetime = |name: &'static str, text: &str| {
        let value = terms::extension(Extension::Datetime, text)
            .map_err(|error| Invalid::new(CONTEXT.field("pdp"), format!("{name}: {error}")))?;
        pdp.insert(SmolStr::new_static(name), value);
        Ok(())
    };
    if declared.now {
        datetime("now", &moment.now_text)?;
    }
    if declared.today {
        datetime("today", &moment.today)?;
        if reads.today {
            key.text(&moment.today);
        }
    }
    if declared.hour {
        pdp.insert(SmolStr::new_static("hour"), ast::Value::from(i64::from(moment.hour)));
        if reads.hour {
            key.tag(moment.hour);
        }
    }
    if let (true, Some(application)) = (declared.application, &moment.application) {
        pdp.insert(SmolStr::new_static("application"), ast::Value::from(application.as_ref()));
        if reads.application {
            key.text(application);
        }
    }
    context.insert(SmolStr::new_static("pdp"), ast::Value::record_arc(Arc::new(pdp), None));
    Ok((context, !(declared.now && reads.now)))
}
