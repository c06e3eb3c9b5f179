//! Turns a request that the solver found into an example: a question for poort. It has values that the wire carries,
//! the moment, and the entities that the directory would have to hold.
//!
//! The solver's word is not trusted: [`Example::decide`] asks the engine.

use super::{Environment, fitting, guard::KNOWN};
use crate::{
    pdp::engine::{self, UnknownEntities},
    sources::{
        directory::{self, Directory},
        policy::{Held, Policies, cedar_core::ast, id_of, value_json, wire_value},
        snapshot::Snapshot,
    },
    types::{
        authzen,
        decision::Verdict,
        evaluation::{Action, Entity, Evaluation, Map, Value},
        moment::{Moment, PolicyAge, TokenClaims},
    },
};
use cedar_policy_symcc::Env;
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc};

/// A question with all that its answer depends on, but for the policies.
#[derive(Debug, Clone)]
pub struct Example {
    /// The question.
    pub evaluation: Evaluation,
    /// The moment at which it is asked.
    pub moment: Moment,
    /// The entities of the directory that matter to it, in Cedar's entity JSON, ordered by id; empty if they are those of
    /// the real directory.
    pub entities: Vec<serde_json::Value>,
    /// Whether the accounts and whatever else the directory holds are real.
    pub real: bool,
}

impl Example {
    /// The solver's request, as a question. If the policies read `today`, it must be a day and not a moment of one.
    ///
    /// # Errors
    /// What cannot be said in a question, such as a date beyond the year 9999.
    pub(crate) fn of(
        found: &Env,
        environment: &Environment,
        policies: &Policies,
        reads_today: bool,
    ) -> Result<Self, String> {
        let request: &ast::Request = found.request.as_ref();
        let declared = policies.model.action(&environment.action.to_string()).ok();
        let entities: Vec<_> = found
            .entities
            .iter()
            .map(|entity| fitting::entity(AsRef::<ast::Entity>::as_ref(entity), policies))
            .collect();
        let entities: BTreeMap<String, &ast::Entity> =
            entities.iter().map(|entity| (entity.uid().to_string(), entity)).collect();
        let party = |entry: &ast::EntityUIDEntry| -> Result<Entity, String> {
            let uid = entry.uid().ok_or("the solver left a party open")?;
            let mut party = Entity {
                kind: uid.entity_type().name().basename().to_string(),
                id: id_of(uid).to_owned(),
                properties: Map::new(),
            };
            if policies.model.entity(&party.kind).map(|model| model.name != *uid.entity_type()).unwrap_or(true) {
                party.kind = uid.entity_type().to_string();
            }
            let held = policies.model.entity_type(uid.entity_type()).map(|model| &model.held);
            if let (Some(Held::ByRequest { attributes, .. }), Some(entity)) = (held, entities.get(&uid.to_string())) {
                for (name, given) in entity.attrs() {
                    if attributes.contains_key(name) {
                        party.properties.insert(name.to_string(), partial(given)?);
                    }
                }
                let tags = entity.tags().map(|(name, given)| Ok((name.to_string(), partial(given)?)));
                let tags = tags.collect::<Result<Map, String>>()?;
                if !tags.is_empty() && !attributes.contains_key("tags") {
                    party.properties.insert("tags".to_owned(), Value::Map(tags));
                }
            }
            Ok(party)
        };
        let mut context = match request.context() {
            Some(ast::Context::Value(fields)) => fields
                .iter()
                .map(|(name, given)| {
                    let fitted = declared.map(|action| fitting::field(name, given, &action.context));
                    Ok((name.to_string(), wire_value(fitted.as_ref().unwrap_or(given))?))
                })
                .collect::<Result<Map, String>>()?,
            _ => return Err("the solver left the context open".to_owned()),
        };
        let moment = moment(context.remove("pdp"), reads_today)?;
        let properties = match context.remove("action") {
            Some(Value::Map(properties)) if declared.is_some_and(|action| action.properties.is_some()) => properties,
            _ => Map::new(),
        };
        let name = environment.action_name().to_owned();
        let unique = policies.model.action(&name).is_ok_and(|action| action.uid == environment.action);
        let name = if unique { name } else { environment.action.to_string() };
        let by_directory = |entity: &&&ast::Entity| {
            let held = policies.model.entity_type(entity.uid().entity_type()).map(|model| &model.held);
            let is_known = !matches!(
                entity.get(KNOWN),
                Some(ast::PartialValue::Value(known)) if *known == ast::Value::from(false)
            );
            matches!(held, Some(Held::ByDirectory)) && is_known
        };
        Ok(Self {
            evaluation: Evaluation {
                subject: party(request.principal())?,
                action: Action { name, properties },
                resource: party(request.resource())?,
                context,
            },
            moment,
            entities: entities
                .values()
                .filter(by_directory)
                .map(|entity| entity_json(entity))
                .collect::<Result<_, _>>()?,
            real: false,
        })
    }

    /// What poort answers, under these policies and this directory.
    ///
    /// # Errors
    /// The question is not valid under the schema of these policies.
    pub fn decide(&self, snapshot: &Snapshot) -> Result<Verdict, String> {
        let question = engine::translate(snapshot, &self.evaluation, &self.moment, UnknownEntities::Deny)
            .map_err(|error| error.to_string())?;
        Ok(engine::decide(snapshot, &question))
    }

    /// A directory of the entities of this example alone.
    ///
    /// # Errors
    /// The entities do not fit the schema.
    pub fn directory(&self, policies: &Policies) -> Result<Directory, String> {
        let text = serde_json::Value::Array(self.entities.clone()).to_string();
        let sources = directory::Sources::from_texts("example", [("example.json", text.as_str())]);
        let schema = policies.checked_schema();
        let (directory, problems) = Directory::from_sources(&sources, &schema);
        directory.ok_or_else(|| {
            problems.first().map_or_else(|| "the entities of the example are not valid".to_owned(), ToString::to_string)
        })
    }

    /// The question in AuthZEN JSON, as `poort evaluate` takes it.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let mut bytes = Vec::new();
        authzen::write_evaluation(&mut bytes, &self.evaluation);
        serde_json::from_slice(&bytes).unwrap_or_default()
    }
}

fn moment(pdp: Option<Value>, reads_today: bool) -> Result<Moment, String> {
    let fields = match pdp {
        Some(Value::Map(fields)) => fields,
        _ => Map::new(),
    };
    let text = |name: &str| match fields.get(name) {
        Some(Value::String(text)) => Some(text.clone()),
        _ => None,
    };
    let is_day = |today: &String| today.len() == 10 || today.get(10..).is_some_and(|rest| rest == "T00:00:00.000Z");
    if reads_today && text("today").is_some_and(|today| !is_day(&today)) {
        return Err("its `today` is not a day".to_owned());
    }
    let today = text("today").and_then(|today| today.get(..10).map(str::to_owned));
    let now = text("now").or_else(|| today.as_ref().map(|today| format!("{today}T12:00:00.000Z")));
    let now = now.unwrap_or_else(|| format!("{TODAY}T12:00:00.000Z"));
    let today = today.or_else(|| now.get(..10).map(str::to_owned)).unwrap_or_else(|| TODAY.to_owned());
    let hour = match fields.get("hour") {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 23 by assumption")]
        Some(Value::Number(hour)) => *hour as u8,
        _ => now.get(11..13).and_then(|hour| hour.parse().ok()).unwrap_or(12),
    };
    let instant = now.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_millisecond).unwrap_or_default();
    Ok(Moment {
        now: instant,
        now_text: now,
        today,
        hour,
        application: text("application").map(Arc::from),
        token: token(fields.get("token")),
        policies: if text("policies").as_deref() == Some("late") { PolicyAge::Late } else { PolicyAge::Live },
    })
}

fn token(given: Option<&Value>) -> Option<Arc<TokenClaims>> {
    let Some(Value::Map(members)) = given else { return None };
    let text = |value: &Value| if let Value::String(text) = value { Some(text.clone()) } else { None };
    let amr = members.get("amr").and_then(|amr| match amr {
        Value::List(methods) => Some(methods.iter().filter_map(text).collect()),
        _ => None,
    });
    let [acr, auth_time] = ["acr", "auth_time"].map(|name| members.get(name).and_then(text));
    Some(Arc::new(TokenClaims { acr, amr, auth_time }))
}

/// The day of an example where no policy reads the day.
const TODAY: &str = "2026-01-05";

fn partial(given: &ast::PartialValue) -> Result<Value, String> {
    match given {
        ast::PartialValue::Value(given) => wire_value(given),
        ast::PartialValue::Residual(_) => Err("the solver left a value open".to_owned()),
    }
}

/// An entity in Cedar's entity JSON.
pub(crate) fn entity_json(entity: &ast::Entity) -> Result<serde_json::Value, String> {
    let uid = |uid: &ast::EntityUID| json!({ "type": uid.entity_type().to_string(), "id": id_of(uid) });
    let fields = |fields: &mut dyn Iterator<Item = (&smol_str::SmolStr, &ast::PartialValue)>| {
        fields
            .filter(|(name, _)| *name != KNOWN)
            .map(|(name, given)| match given {
                ast::PartialValue::Value(given) => Ok((name.to_string(), value_json(given)?)),
                ast::PartialValue::Residual(_) => Err("the solver left a value open".to_owned()),
            })
            .collect::<Result<serde_json::Map<_, _>, String>>()
    };
    let mut parents: Vec<_> = entity.ancestors().collect();
    parents.sort();
    let mut json = json!({
        "uid": uid(entity.uid()),
        "attrs": fields(&mut entity.attrs())?,
        "parents": parents.into_iter().map(uid).collect::<Vec<_>>(),
    });
    let tags = fields(&mut entity.tags())?;
    if let (false, Some(object)) = (tags.is_empty(), json.as_object_mut()) {
        object.insert("tags".to_owned(), tags.into());
    }
    Ok(json)
}

/// A question in one line, for a message.
pub(crate) fn describe(example: &Example) -> String {
    let Evaluation { subject, action, resource, context } = &example.evaluation;
    let with = |map: &Map| {
        if map.is_empty() {
            return String::new();
        }
        let mut bytes = Vec::new();
        authzen::write_map(&mut bytes, map);
        format!(" {}", String::from_utf8_lossy(&bytes))
    };
    format!(
        "{} \"{}\"{}, {}{}, {} \"{}\"{}{}{}",
        subject.kind,
        subject.id,
        with(&subject.properties),
        action.name,
        with(&action.properties),
        resource.kind,
        resource.id,
        with(&resource.properties),
        if context.is_empty() { "" } else { ", context" },
        with(context),
    )
}
