//! Questions on the command line: by flags, or from a file.

use super::{Exit, entity, output::Output};
use crate::{
    config::Settings,
    pdp,
    sources::{
        policy::{ActionModel, Attributes, Held, Shape},
        snapshot::Snapshot,
    },
    types::{
        authzen::{self, EvaluationsBody, Limits},
        decision::{Answer, Fault},
        entity_id::EntityId,
        evaluation::{Action, Batch, Entity, Evaluation, Map, Value},
    },
};
use clap::Args;
use std::{
    cell::RefCell,
    fs,
    io::{self, Read as _},
    path::Path,
};

/// A question by its parts.
#[derive(Debug, Args)]
pub(super) struct By {
    /// Who asks: an id of the directory, or TYPE::ID
    #[arg(long, value_name = "[TYPE::]ID", requires = "action", requires = "resource")]
    subject: Option<EntityId>,
    /// What they want to do
    #[arg(long, value_name = "NAME", requires = "subject")]
    action: Option<String>,
    /// What they want to do it to, such as Registration::2026-000123
    #[arg(long, value_name = "TYPE::ID", requires = "subject")]
    resource: Option<EntityId>,
    /// A property of the resource; several are given one by one. A list or an object is JSON
    #[arg(long = "property", value_name = "NAME=VALUE", requires = "subject")]
    properties: Vec<String>,
    /// A member of the context, such as purpose=8
    #[arg(long = "context", value_name = "NAME=VALUE", requires = "subject")]
    context: Vec<String>,
    /// A property of the action
    #[arg(long = "action-property", value_name = "NAME=VALUE", requires = "subject")]
    action_properties: Vec<String>,
}

/// One question or several.
pub(super) enum Asked {
    One(Evaluation),
    Several(Batch),
}

/// The bytes of a file, or of standard input.
pub(super) fn read(file: &Path, output: &mut Output) -> Result<Vec<u8>, Exit> {
    let read = || -> io::Result<Vec<u8>> {
        if file.as_os_str() == "-" {
            let mut bytes = Vec::new();
            io::stdin().lock().read_to_end(&mut bytes)?;
            return Ok(bytes);
        }
        fs::read(file)
    };
    read().map_err(|error| {
        output.error(&format!("{}: {error}", file.display()));
        Exit::Failed
    })
}

impl Asked {
    /// From AuthZEN JSON.
    pub(super) fn read(bytes: &[u8], settings: &Settings) -> Result<Self, String> {
        let limits = Limits { depth: settings.api.depth, batch: settings.pdp.batch };
        match authzen::read_batch(bytes, limits).map_err(|error| error.to_string())? {
            EvaluationsBody::One(evaluation) => Ok(Self::One(evaluation)),
            EvaluationsBody::Several(batch) => Ok(Self::Several(batch)),
        }
    }

    /// Each question, with its place in a batch, or what is wrong with an item.
    pub(super) fn questions(&self) -> Vec<(Option<String>, Result<Evaluation, String>)> {
        match self {
            Self::One(evaluation) => vec![(None, Ok(evaluation.clone()))],
            Self::Several(batch) => {
                let whole = Batch { semantic: Default::default(), ..batch.clone() };
                let found = RefCell::new(Vec::new());
                let answers = pdp::answers(&whole, |parts, index| {
                    let evaluation = Evaluation {
                        subject: parts.subject.clone(),
                        action: parts.action.clone(),
                        resource: parts.resource.clone(),
                        context: parts.context.clone(),
                    };
                    found.borrow_mut().push((index, evaluation));
                    Ok(Answer::Fault(Fault { status: 0, message: String::new() }))
                });
                let found = found.into_inner();
                let place = |index| Some(format!("evaluations[{index}]"));
                let of = |(index, answer): (usize, Answer)| match (found.iter().find(|(it, _)| *it == index), answer) {
                    (Some((_, evaluation)), _) => (place(index), Ok(evaluation.clone())),
                    (None, Answer::Fault(fault)) => (place(index), Err(fault.message)),
                    (None, Answer::Evaluated(_)) => (place(index), Err("is no question".to_owned())),
                };
                answers.into_iter().enumerate().map(of).collect()
            }
        }
    }
}

impl By {
    /// The same as these flags.
    pub(super) fn of(
        subject: &str,
        action: &str,
        resource: &str,
        properties: Vec<String>,
        context: Vec<String>,
    ) -> Result<Self, String> {
        let id = |text: &str| text.parse::<EntityId>().map_err(|error| error.to_string());
        Ok(Self {
            subject: Some(id(subject)?),
            action: Some(action.to_owned()),
            resource: Some(id(resource)?),
            properties,
            context,
            action_properties: Vec::new(),
        })
    }

    /// The question that the flags name.
    pub(super) fn question(&self, snapshot: &Snapshot) -> Result<Asked, String> {
        let Self { subject, action, resource, properties, context, action_properties } = self;
        let (Some(subject), Some(action), Some(resource)) = (subject, action, resource) else {
            return Err("give a FILE, --trace, or --subject, --action and --resource".to_owned());
        };
        let model = &snapshot.policies.model;
        let asked = model.action(action).map_err(|message| format!("--action: {message}"))?;
        let subject = Self::subject_of(snapshot, asked, subject)?;
        let (resource_model, id) = entity::typed(snapshot, resource)
            .and_then(|typed| {
                typed.ok_or_else(|| format!("`{resource}` has no type; write TYPE::ID, such as Registration::1"))
            })
            .map_err(|message| format!("--resource: {message}"))?;
        let kind = resource_model.name.to_string();
        let declared = match &resource_model.held {
            Held::ByRequest { attributes, .. } => attributes.as_ref().clone(),
            _ => Attributes::new(),
        };
        let of_action = asked.properties.as_ref().map(|properties| properties.attributes.as_ref().clone());
        Ok(Asked::One(Evaluation {
            subject,
            action: Action {
                name: action.clone(),
                properties: values("--action-property", action_properties, &of_action.unwrap_or_default())?,
            },
            resource: Entity { kind, id, properties: values("--property", properties, &declared)? },
            context: values("--context", context, &asked.context)?,
        }))
    }

    /// The type of a subject need not be given where one type of account alone knows the id.
    fn subject_of(snapshot: &Snapshot, action: &ActionModel, subject: &EntityId) -> Result<Entity, String> {
        let entity = |kind: String, id: &str| Entity { kind, id: id.to_owned(), properties: Map::new() };
        let typed = entity::typed(snapshot, subject);
        if let Ok(Some((kind, id))) = &typed {
            return Ok(entity(kind.name.to_string(), id));
        }
        let known = entity::untyped(snapshot, subject, &action.subjects);
        match known.as_slice() {
            [uid] => Ok(entity(uid.entity_type().to_string(), uid.eid().as_ref())),
            [] => {
                typed.map_err(|message| format!("--subject: {message}"))?;
                Err(format!("--subject: the directory does not know `{subject}`; write TYPE::ID for another"))
            }
            several => Err(format!("--subject: {}", entity::several_accounts(subject, several))),
        }
    }
}

/// Values as a person types them. The schema says which are texts, so that `purpose=8` is one.
fn values(flag: &str, given: &[String], declared: &Attributes) -> Result<Map, String> {
    let value = |text: &str, shape: Option<&Shape>| -> Result<Value, String> {
        let is_text = matches!(shape, Some(Shape::String | Shape::Extension(_) | Shape::Entity(_)));
        if is_text && !text.starts_with(['{', '"']) {
            return Ok(Value::String(text.to_owned()));
        }
        match authzen::read_value(text.as_bytes()) {
            Ok(value) => Ok(value),
            Err(_) if shape.is_none() || !text.starts_with(['{', '[', '"']) => Ok(Value::String(text.to_owned())),
            Err(error) => Err(format!("{error}")),
        }
    };
    let mut values = Map::new();
    for given in given {
        let Some((name, text)) = given.split_once('=') else {
            return Err(format!("{flag}: `{given}` has no `=`; write NAME=VALUE"));
        };
        let shape = declared.get(name).map(|attribute| &attribute.shape);
        let value = value(text, shape).map_err(|error| format!("{flag} {name}: {error}"))?;
        values.insert(name.to_owned(), value);
    }
    Ok(values)
}
