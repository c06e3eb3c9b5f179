//! Places: where a question of an environment names an entity of the directory.

use super::{bodies::Bodies, root::Root};
use crate::{
    review::proof::{Environment, KNOWN, quoted},
    sources::policy::{
        Attributes, Held, Model, Policies, Reading, Reads, Shape,
        cedar_core::ast::{EntityType, EntityUID},
    },
    types::evaluation::{Evaluation, Map, Value},
};
use cedar_policy::pst;
use smol_str::SmolStr;
use std::{collections::BTreeSet, fmt};

/// A place in a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) root: Root,
    /// The attributes on the way from the root, with whether each may be absent.
    path: Vec<(SmolStr, bool)>,
    /// The type of the entity that it names.
    pub(super) kind: EntityType,
    /// Whether what it names is a parent of the party (`@parents`).
    pub(super) is_parent: bool,
}

/// As policies write it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.root.name())?;
        self.path.iter().try_for_each(|(name, _)| write!(f, ".{name}"))
    }
}

impl Place {
    /// The place of a party.
    pub(super) fn party(root: Root, kind: &EntityType) -> Self {
        Self { root, path: Vec::new(), kind: kind.clone(), is_parent: false }
    }

    /// The places of an environment that its policies read, and those that hold several parents of a party.
    pub(super) fn all(model: &Model, environment: &Environment, bodies: &Bodies<'_>) -> (Vec<Self>, Vec<Self>) {
        let mut walk = Walk { bodies, places: Vec::new(), several: Vec::new() };
        for (root, kind) in [(Root::Principal, &environment.principal), (Root::Resource, &environment.resource)] {
            match model.entity_type(kind).map(|model| &model.held) {
                Some(Held::ByDirectory) => {
                    walk.places.push(Self::party(root, kind));
                }
                Some(Held::ByRequest { attributes, parents, tags: _ }) => {
                    walk.record(root, &[], attributes, parents);
                }
                Some(Held::BySchema(_)) | None => {}
            }
        }
        if let Some(action) = model.action_of(&environment.action) {
            walk.record(Root::Context, &[], &action.context, &[]);
            if let Some(properties) = &action.properties {
                let path = [(SmolStr::new_static("action"), !properties.required)];
                walk.record(Root::Context, &path, &properties.attributes, &[]);
            }
        }
        (walk.places, walk.several)
    }

    /// Whether this is the party itself, and not a value of the question.
    pub(super) fn is_party(&self) -> bool {
        self.path.is_empty()
    }

    /// Whether an expression reads it.
    pub(super) fn is(&self, expression: &pst::Expr) -> bool {
        let mut at = expression;
        for (name, _) in self.path.iter().rev() {
            match at {
                pst::Expr::GetAttr { expr, attr } if attr == name => at = expr,
                _ => return false,
            }
        }
        let pst::Expr::Var(var) = at else { return false };
        match self.root {
            Root::Principal => matches!(var, pst::Var::Principal),
            Root::Resource => matches!(var, pst::Var::Resource),
            Root::Context => matches!(var, pst::Var::Context),
        }
    }

    /// That the question names this entity here, in Cedar.
    pub(super) fn names(&self, uid: &EntityUID) -> String {
        let (guards, text) = self.text();
        format!("{guards}{text} == {uid}")
    }

    /// What must be there to read it, and how it is read, in Cedar.
    fn text(&self) -> (String, String) {
        let (mut text, mut guards) = (self.root.name().to_owned(), String::new());
        for (name, is_optional) in &self.path {
            if *is_optional {
                guards.push_str(&format!("{text} has {} && ", quoted(name)));
            }
            text.push_str(&format!("[{}]", quoted(name)));
        }
        (guards, text)
    }

    /// That what is named here does not lead to this entity, where policies look into that, in Cedar.
    pub(super) fn avoids(&self, uid: &EntityUID, policies: &Policies, environment: &Environment) -> Vec<String> {
        let Environment { principal, action, resource } = environment;
        let reads = policies.footprint(principal, action, resource).reads.as_ref();
        let mut avoiding = Avoiding { uid, model: &policies.model, reads, found: Vec::new() };
        let (guards, text) = self.text();
        avoiding.entity(&guards, &text, &self.kind, HOPS);
        avoiding.found
    }

    /// Whether a question names this entity here.
    pub(super) fn is_in(&self, question: &Evaluation, uid: &EntityUID) -> bool {
        let id: &str = uid.eid().as_ref();
        let Evaluation { subject, action, resource, context } = question;
        let (of, mut path) = match self.root {
            Root::Principal if self.is_party() => return subject.id == id,
            Root::Resource if self.is_party() => return resource.id == id,
            Root::Principal => (&subject.properties, self.path.as_slice()),
            Root::Resource => (&resource.properties, self.path.as_slice()),
            Root::Context => match self.path.split_first() {
                Some(((name, _), rest)) if name == "action" && !rest.is_empty() => (&action.properties, rest),
                _ => (context, self.path.as_slice()),
            },
        };
        let mut map: Option<&Map> = Some(of);
        while let Some(((name, _), rest)) = path.split_first() {
            let value = map.and_then(|map| map.get(name.as_str()));
            if rest.is_empty() {
                return matches!(value, Some(Value::String(text)) if text == id);
            }
            map = match value {
                Some(Value::Map(inner)) => Some(inner),
                _ => None,
            };
            path = rest;
        }
        false
    }
}

/// The types of all that questions of an environment can name beside the account that asks.
pub(super) fn kinds(model: &Model, environment: &Environment) -> BTreeSet<EntityType> {
    let mut found = BTreeSet::new();
    for kind in [&environment.principal, &environment.resource] {
        if let Some(Held::ByRequest { attributes, tags, .. }) = model.entity_type(kind).map(|model| &model.held) {
            attributes.values().for_each(|attribute| kinds_of(&attribute.shape, &mut found));
            tags.iter().for_each(|shape| kinds_of(shape, &mut found));
        }
    }
    if matches!(model.entity_type(&environment.resource).map(|model| &model.held), Some(Held::ByDirectory)) {
        found.insert(environment.resource.clone());
    }
    if let Some(action) = model.action_of(&environment.action) {
        action.context.values().for_each(|attribute| kinds_of(&attribute.shape, &mut found));
        let properties = action.properties.iter().flat_map(|properties| properties.attributes.values());
        properties.for_each(|attribute| kinds_of(&attribute.shape, &mut found));
    }
    found
}

fn kinds_of(shape: &Shape, found: &mut BTreeSet<EntityType>) {
    match shape {
        Shape::Entity(reference) => drop(found.insert(reference.kind.clone())),
        Shape::Record(attributes) => attributes.values().for_each(|attribute| kinds_of(&attribute.shape, found)),
        Shape::Set(element) => kinds_of(element, found),
        Shape::Bool | Shape::Long | Shape::String | Shape::Extension(_) => {}
    }
}

/// How far references are followed.
const HOPS: usize = 3;

struct Avoiding<'a> {
    uid: &'a EntityUID,
    model: &'a Model,
    /// `None`: all is read.
    reads: Option<&'a Reads>,
    found: Vec<String>,
}

impl Avoiding<'_> {
    fn entity(&mut self, guards: &str, text: &str, kind: &EntityType, left: usize) {
        let Some(left) = left.checked_sub(1) else { return };
        let held = self.model.entity_type(kind).filter(|model| model.held == Held::ByDirectory).cloned();
        let Some(attributes) = held.and_then(|model| model.attributes.clone()) else { return };
        let reading = self.reads.map(|reads| Reading::of(&reads.entity(kind).attributes));
        self.record(&format!("{guards}{text}[{}] && ", quoted(KNOWN)), text, &attributes, reading, left);
    }

    fn record(&mut self, guards: &str, text: &str, attributes: &Attributes, read: Option<Reading<'_>>, left: usize) {
        for (name, attribute) in attributes {
            let read = read.map(|read| read.field(name));
            let name = quoted(name);
            let has = if attribute.required { String::new() } else { format!("{text} has {name} && ") };
            let (guards, text) = (format!("{guards}{has}"), format!("{text}[{name}]"));
            match &attribute.shape {
                Shape::Entity(reference) if read.is_none_or(|read| read.followed().is_some()) => {
                    if reference.kind == *self.uid.entity_type() {
                        self.found.push(format!("if {guards}true then {text} != {} else true", self.uid));
                    }
                    self.entity(&guards, &text, &reference.kind, left);
                }
                Shape::Record(inner) => self.record(&guards, &text, inner, read, left),
                _ => {}
            }
        }
    }
}

struct Walk<'a> {
    bodies: &'a Bodies<'a>,
    places: Vec<Place>,
    several: Vec<Place>,
}

impl Walk<'_> {
    fn record(&mut self, root: Root, path: &[(SmolStr, bool)], attributes: &Attributes, parents: &[SmolStr]) {
        for (name, attribute) in attributes {
            let is_parent = parents.contains(name);
            if self.bodies.reads(name) || is_parent {
                let path: Vec<_> = path.iter().cloned().chain([(name.clone(), !attribute.required)]).collect();
                self.shape(root, &path, &attribute.shape, is_parent);
            }
        }
    }

    fn shape(&mut self, root: Root, path: &[(SmolStr, bool)], shape: &Shape, is_parent: bool) {
        let place = |path: &[(SmolStr, bool)], kind: &EntityType| Place {
            root,
            path: path.to_vec(),
            kind: kind.clone(),
            is_parent,
        };
        match shape {
            Shape::Entity(reference) => self.places.push(place(path, &reference.kind)),
            Shape::Record(inner) => self.record(root, path, inner, &[]),
            // No expression looks into an element of a set; only a parent of the party is looked at.
            Shape::Set(element) => {
                if let (Shape::Entity(reference), true) = (element.as_ref(), is_parent) {
                    self.several.push(place(path, &reference.kind));
                }
            }
            Shape::Bool | Shape::Long | Shape::String | Shape::Extension(_) => {}
        }
    }
}
