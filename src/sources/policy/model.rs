//! The model: the schema as the translation of questions needs it. It holds names and aliases, where an entity's
//! attributes come from, and the shape of each action's context.
//!
//! It reads the annotations `@source`, `@parents` and `@uri` on entity types. `annotations` reads those about decision
//! records, and `limits` those about values.

use super::{
    Schema, Sources,
    annotations::{self, Marks},
    bounds::{self, Language},
    limits,
    listed::Listed,
    shape::{Attributes, Extension, Reference, Shape, attributes, attributes_per_thread},
    written,
};
use crate::{
    sources::per_thread,
    types::{
        escape,
        problem::{Problem, SourceFile},
        suggest::nearest,
    },
};
use cedar_policy as cedar;
use cedar_policy_core::{
    ast,
    validator::{ValidatorEntityType, ValidatorSchema},
};
use smol_str::SmolStr;
use std::{collections::BTreeMap, ops::Range, sync::Arc};

/// Everything that a question can name.
#[derive(Debug, Default)]
pub struct Model {
    entities: Names<EntityModel>,
    actions: Names<ActionModel>,
    /// What a decision record may hold of questions.
    pub marks: Marks,
}

/// An entity type.
#[derive(Debug, Clone, PartialEq)]
pub struct EntityModel {
    /// Its name in the schema.
    pub name: ast::EntityType,
    /// Where the attributes of its entities come from.
    pub held: Held,
    /// The declared attributes. `None` if one has a type that no value of a file or a question can have.
    pub attributes: Option<Arc<Attributes>>,
    /// The type of its tags; `None` if the schema declares no tags.
    pub tags: Option<Shape>,
    /// The attributes whose values should be among its parents in the directory (`@parents`); none for other types.
    pub parents: Vec<SmolStr>,
}

/// Where the attributes of a type's entities come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Held {
    /// The directory. What a caller claims about such an entity is never believed.
    ByDirectory,
    /// The question: attributes are its properties (`@source("request")`).
    ByRequest {
        /// The declared attributes.
        attributes: Arc<Attributes>,
        /// The attributes whose values are also its parents (`@parents`).
        parents: Vec<SmolStr>,
        /// The type of its tags, which are the property `tags`; `None` if the schema declares no tags.
        tags: Option<Shape>,
    },
    /// The schema: the type lists its entities (`enum`), and they have no attributes.
    BySchema(Arc<Listed>),
}

/// An action that questions can name.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionModel {
    /// Its name in the schema.
    pub uid: ast::EntityUID,
    /// The types of subjects that it applies to, ordered.
    pub subjects: Vec<ast::EntityType>,
    /// The types of resources that it applies to, ordered.
    pub resources: Vec<ast::EntityType>,
    /// What the caller's context may hold.
    pub context: Arc<Attributes>,
    /// What the action's properties may hold, where the schema declares `context.action`.
    pub properties: Option<ActionProperties>,
    /// What poort itself puts in the context, where the schema declares `context.pdp`.
    pub pdp: Option<PdpShape>,
}

/// The declaration of `context.action`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionProperties {
    /// The declared properties.
    pub attributes: Arc<Attributes>,
    /// Whether `context.action` is always there, with no properties if the caller gives none.
    pub required: bool,
}

/// Which parts of `context.pdp` an action's context declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PdpShape {
    /// `now`, a `datetime`: the moment of the decision.
    pub now: bool,
    /// `today`, a `datetime`: the local date, at 00:00Z, so that it compares with `datetime("2026-01-31")`.
    pub today: bool,
    /// `hour`, a `Long`: the local hour, 0 to 23.
    pub hour: bool,
    /// `application`, a `String`, optional: the calling application.
    pub application: bool,
}

impl EntityModel {
    /// The same type, for one thread.
    pub(super) fn per_thread(&self) -> Self {
        let held = match &self.held {
            Held::ByDirectory | Held::BySchema(_) => self.held.clone(),
            Held::ByRequest { attributes, parents, tags } => Held::ByRequest {
                attributes: attributes_per_thread(attributes),
                parents: parents.clone(),
                tags: tags.as_ref().map(Shape::per_thread),
            },
        };
        Self { name: per_thread::entity_type(&self.name), held, ..self.clone() }
    }
}

impl ActionModel {
    /// The same action, for one thread.
    pub(super) fn per_thread(&self) -> Self {
        let properties = self.properties.as_ref().map(|properties| ActionProperties {
            attributes: attributes_per_thread(&properties.attributes),
            required: properties.required,
        });
        Self {
            uid: per_thread::uid(&self.uid),
            context: attributes_per_thread(&self.context),
            properties,
            ..self.clone()
        }
    }
}

impl Model {
    /// The entity type that a question names.
    ///
    /// # Errors
    /// A sentence that says why there is none, with the nearest name.
    pub fn entity(&self, name: &str) -> Result<&Arc<EntityModel>, String> {
        self.entities.find(name, "type")
    }

    /// The action that a question names.
    ///
    /// # Errors
    /// A sentence that says why there is none, with the nearest name.
    pub fn action(&self, name: &str) -> Result<&Arc<ActionModel>, String> {
        self.actions.find(name, "action")
    }

    /// The entity type with exactly this name.
    #[must_use]
    pub fn entity_type(&self, name: &ast::EntityType) -> Option<&Arc<EntityModel>> {
        self.entities.full.get(&name.to_string())
    }

    /// Whether an entity of this type can be referred to and not exist, and so have no attributes: the directory need
    /// not know it. What the schema lists always exists.
    #[must_use]
    pub fn may_be_nowhere(&self, kind: &ast::EntityType) -> bool {
        !kind.is_action() && !matches!(self.entity_type(kind).map(|model| &model.held), Some(Held::BySchema(_)))
    }

    /// The action with exactly this id.
    #[must_use]
    pub fn action_of(&self, uid: &ast::EntityUID) -> Option<&Arc<ActionModel>> {
        self.actions.full.get(&uid.to_string())
    }

    /// All actions.
    pub fn actions(&self) -> impl Iterator<Item = &Arc<ActionModel>> {
        self.actions.full.values()
    }
}

/// Things under their whole names, with their shorter names and aliases.
#[derive(Debug)]
struct Names<T> {
    full: BTreeMap<String, Arc<T>>,
    short: BTreeMap<String, Vec<String>>,
    /// All names that mean one thing. Ordered, so that a name is compared and not hashed: it can be as long as a message.
    clear: BTreeMap<String, Arc<T>>,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self { full: BTreeMap::new(), short: BTreeMap::new(), clear: BTreeMap::new() }
    }
}

impl<T> Names<T> {
    /// Builds the index of all unambiguous names, after the last insertion.
    fn settle(&mut self) {
        let short = self.short.iter().filter_map(|(short, full)| match full.as_slice() {
            [one] => Some((short, self.full.get(one)?)),
            _ => None,
        });
        // A whole name wins over another's short one.
        self.clear = short.chain(&self.full).map(|(name, thing)| (name.clone(), thing.clone())).collect();
    }

    fn find(&self, name: &str, what: &str) -> Result<&Arc<T>, String> {
        if let Some(found) = self.clear.get(name) {
            return Ok(found);
        }
        match self.short.get(name) {
            Some(several) => {
                Err(format!("{what} `{name}` is in several namespaces of the schema; write one of {}", quoted(several)))
            }
            None => {
                let name = escape::cut(name);
                Err(match nearest(&name, self.full.keys().chain(self.short.keys()).map(String::as_str)) {
                    Some(nearest) => format!("unknown {what} `{name}`; did you mean `{nearest}`?"),
                    None => format!("unknown {what} `{name}`; the policy schema declares none with this name"),
                })
            }
        }
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Reads the schema file. `None` if it has an error, which is then among the problems.
pub(super) fn read_schema(sources: &Sources, problems: &mut Vec<Problem>) -> Option<Schema> {
    let Some(file) = sources.schema() else {
        problems.push(
            Problem::unreadable("schema::missing", sources.folder(), format!("has no file `{}`", super::SCHEMA_FILE))
                .help("the schema declares the accounts, the records and the actions that questions are about"),
        );
        return None;
    };
    if !bounds::check(file, Language::Schema, problems) {
        return None;
    }
    let mut failed = |error: &cedar::CedarSchemaError| {
        problems.push(Problem::from_diagnostic("schema::invalid", file, error));
    };
    let (fragment, _) = match cedar::SchemaFragment::from_cedarschema_str(&file.text) {
        Ok((fragment, warnings)) => (fragment, warnings.count()),
        Err(error) => {
            failed(&error);
            return None;
        }
    };
    let (schema, warnings) = match cedar::Schema::from_cedarschema_str(&file.text) {
        Ok((schema, warnings)) => (schema, warnings.collect::<Vec<_>>()),
        Err(error) => {
            failed(&error);
            return None;
        }
    };
    problems
        .extend(warnings.iter().map(|warning| Problem::from_diagnostic("schema::warning", file, warning).as_warning()));
    let model = Reader { file, fragment: &fragment, schema: schema.as_ref(), problems }.read()?;
    Some(Schema { cedar: schema, model: Arc::new(model), text: file.text.clone() })
}

/// Makes the model, and collects the mistakes in annotations.
struct Reader<'a> {
    file: &'a SourceFile,
    fragment: &'a cedar::SchemaFragment,
    schema: &'a ValidatorSchema,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    fn read(mut self) -> Option<Model> {
        let before = self.problems.iter().filter(|problem| problem.is_error()).count();
        let entities = self.entities();
        let actions = self.actions();
        let mut model = Model { entities, actions, marks: Marks::default() };
        self.limits(&mut model);
        model.entities.settle();
        model.actions.settle();
        model.marks = annotations::read(self.file, &model, self.problems).unwrap_or_default();
        let after = self.problems.iter().filter(|problem| problem.is_error()).count();
        (before == after).then_some(model)
    }

    /// Attaches the limits that the schema sets to the attributes.
    fn limits(&mut self, model: &mut Model) {
        let fragment = match written::fragment(self.file) {
            Ok(fragment) => fragment,
            Err(message) => return self.problems.push(Problem::error("schema::invalid", self.file, message)),
        };
        let mut found = Vec::new();
        let mut reader = limits::Reader::new(self.file, &fragment, &mut found);
        reader.annotations();
        model.entities.full.values_mut().for_each(|entity| reader.entity(Arc::make_mut(entity)));
        model.actions.full.values_mut().for_each(|action| reader.action(Arc::make_mut(action)));
        found.sort_by_key(Problem::position);
        self.problems.extend(found);
    }

    fn entities(&mut self) -> Names<EntityModel> {
        let mut names = Names::default();
        let mut uris = BTreeMap::<String, String>::new();
        let mut types: Vec<_> = self.schema.entity_types().collect();
        types.sort_by_key(|declared| declared.name().to_string());
        for declared in types {
            let name = declared.name().clone();
            let full = name.to_string();
            let annotation = |key| self.annotation(&name, key);
            if let Some(uri) = annotation("uri")
                && let Some(other) = uris.insert(uri.clone(), full.clone())
            {
                let message = format!("`{other}` and `{full}` have the same @uri(\"{uri}\")");
                self.complain(&name, "schema::uri", message, "give each type a URI of its own");
            }
            let held = self.held(declared);
            let base = name.name().basename().to_string();
            if base != full {
                names.short.entry(base).or_default().push(full.clone());
            }
            let attributes = match &held {
                Held::ByRequest { attributes, .. } => Some(attributes.clone()),
                Held::ByDirectory | Held::BySchema(_) => {
                    attributes(declared.attributes().iter(), self.schema).map(Arc::new)
                }
            };
            let tags = declared.tag_type().and_then(|ty| Shape::of(ty, self.schema));
            let parents = match &attributes {
                Some(attributes) if held == Held::ByDirectory => self.parents(&name, attributes),
                _ => Vec::new(),
            };
            names.full.insert(full, Arc::new(EntityModel { name, held, attributes, tags, parents }));
        }
        for (uri, full) in uris {
            if names.full.contains_key(&uri) || names.short.contains_key(&uri) {
                let message = format!("@uri(\"{uri}\") on `{full}` is the name of a type");
                self.complain_word(&uri, "schema::uri", message, "give the type a URI that is no other type's name");
            }
            names.short.insert(uri, vec![full]);
        }
        names
    }

    fn annotation(&self, name: &ast::EntityType, key: &str) -> Option<String> {
        let full = name.to_string();
        let (namespace, base) = match full.rsplit_once("::") {
            Some((namespace, base)) => (Some(namespace.parse().ok()?), base),
            None => (None, full.as_str()),
        };
        self.fragment.entity_type_annotation(namespace, base, key).map(str::to_owned)
    }

    fn held(&mut self, declared: &ValidatorEntityType) -> Held {
        let name = declared.name();
        let source = self.annotation(name, "source");
        let by_request = match source.as_deref() {
            Some("request") => true,
            None | Some("directory") => false,
            Some(other) => {
                let message = format!("@source(\"{other}\") on `{name}` is not known");
                self.complain(name, "schema::source", message, "write @source(\"request\") or @source(\"directory\")");
                false
            }
        };
        if let Some(listed) = Listed::of(name, self.schema) {
            if by_request {
                let message =
                    format!("`{name}` is an enum: its entities have no attributes that a question could give");
                self.complain(name, "schema::source", message, "leave out @source");
            }
            return Held::BySchema(Arc::new(listed));
        }
        if !by_request {
            return Held::ByDirectory;
        }
        let Some(shapes) = attributes(declared.attributes().iter(), self.schema) else {
            let message = format!("an attribute of `{name}` has a type that a question cannot give");
            self.complain(name, "schema::type", message, "use types that the schema declares");
            return Held::ByDirectory;
        };
        let parents = self.parents(name, &shapes);
        let tags = declared.tag_type().and_then(|ty| Shape::of(ty, self.schema));
        Held::ByRequest { attributes: Arc::new(shapes), parents, tags }
    }

    /// The attributes that `@parents` names.
    fn parents(&mut self, name: &ast::EntityType, shapes: &Attributes) -> Vec<SmolStr> {
        let named = self.annotation(name, "parents").unwrap_or_default();
        let parents: Vec<_> = named.split([' ', ',']).filter(|part| !part.is_empty()).map(SmolStr::new).collect();
        for parent in &parents {
            self.check_parent(name, parent, shapes);
        }
        parents
    }

    fn check_parent(&mut self, name: &ast::EntityType, parent: &SmolStr, shapes: &Attributes) {
        let kind = match shapes.get(parent).map(|attribute| &attribute.shape) {
            None => {
                let message = format!("@parents of `{name}` names `{parent}`, which is not an attribute of it");
                return self.complain(name, "schema::parents", message, "name attributes of this type");
            }
            Some(Shape::Entity(Reference { kind, .. })) => Some(kind),
            Some(Shape::Set(element)) => match element.as_ref() {
                Shape::Entity(Reference { kind, .. }) => Some(kind),
                _ => None,
            },
            Some(_) => None,
        };
        let Some(kind) = kind else {
            let message = format!("@parents of `{name}` names `{parent}`, which is not an entity or a set of entities");
            return self.complain(name, "schema::parents", message, "name attributes whose type is an entity type");
        };
        if !self.schema.get_entity_type(kind).is_some_and(|parent| parent.has_descendant_entity_type(name)) {
            let message = format!("@parents of `{name}` names `{parent}`, but `{name}` is not declared `in [{kind}]`");
            self.complain(name, "schema::parents", message, &format!("declare `entity {name} in [{kind}]`"));
        }
    }

    fn actions(&mut self) -> Names<ActionModel> {
        let mut names = Names::default();
        let mut declared: Vec<_> = self.schema.action_ids().collect();
        declared.sort_by_key(|action| action.name().to_string());
        for action in declared {
            let uid = action.name().clone();
            let full = uid.to_string();
            let mut context = match action.context().map(|ty| Shape::of(ty, self.schema)) {
                Some(Some(Shape::Record(attributes))) => attributes.as_ref().clone(),
                // A group of actions has no context.
                None => Attributes::new(),
                Some(_) => {
                    let message = format!("the context of {full} has a type that a question cannot give");
                    self.complain_at(0..0, "schema::type", message, "use types that the schema declares");
                    continue;
                }
            };
            let properties = match context.remove("action").map(|attribute| (attribute.shape, attribute.required)) {
                None => None,
                Some((Shape::Record(attributes), required)) => Some(ActionProperties { attributes, required }),
                Some(_) => {
                    let message = format!("`action` in the context of {full} is not a record");
                    self.complain_word("action", "schema::action", message, "it holds the action's properties");
                    None
                }
            };
            let pdp = context.remove("pdp").and_then(|attribute| self.pdp(&full, &attribute.shape));
            let mut subjects: Vec<_> = action.principals().cloned().collect();
            let mut resources: Vec<_> = action.resources().cloned().collect();
            subjects.sort();
            resources.sort();
            let short = AsRef::<str>::as_ref(uid.eid()).to_owned();
            names.short.entry(short).or_default().push(full.clone());
            let context = Arc::new(context);
            names.full.insert(full, Arc::new(ActionModel { uid, subjects, resources, context, properties, pdp }));
        }
        names
    }

    /// `context.pdp` may declare what poort provides, and nothing else.
    fn pdp(&mut self, action: &str, shape: &Shape) -> Option<PdpShape> {
        let help = "poort provides: now: datetime, today: datetime, hour: Long, application?: String";
        let Shape::Record(declared) = shape else {
            let message = format!("`pdp` in the context of {action} is not a record");
            self.complain_word("pdp", "schema::pdp", message, help);
            return None;
        };
        let mut pdp = PdpShape::default();
        for (name, attribute) in declared.iter() {
            match (name.as_str(), &attribute.shape) {
                ("now", Shape::Extension(Extension::Datetime)) => pdp.now = true,
                ("today", Shape::Extension(Extension::Datetime)) => pdp.today = true,
                ("hour", Shape::Long) => pdp.hour = true,
                ("application", Shape::String) if !attribute.required => pdp.application = true,
                ("application", Shape::String) => {
                    let message = format!("`pdp.application` in the context of {action} must be optional");
                    self.complain_word("application", "schema::pdp", message, help);
                }
                _ => {
                    let message = format!("`pdp.{name}` in the context of {action} is not something poort provides");
                    self.complain_word(name, "schema::pdp", message, help);
                }
            }
        }
        Some(pdp)
    }

    fn complain(&mut self, name: &ast::EntityType, code: &'static str, message: String, help: &str) {
        let place = declaration(&self.file.text, name.name().basename().as_ref());
        self.complain_at(place, code, message, help);
    }

    fn complain_word(&mut self, word: &str, code: &'static str, message: String, help: &str) {
        let place = self.file.text.find(word).map_or(0..0, |start| start..start + word.len());
        self.complain_at(place, code, message, help);
    }

    fn complain_at(&mut self, place: Range<usize>, code: &'static str, message: String, help: &str) {
        let problem = Problem::error(code, self.file, message).help(help);
        self.problems.push(if place.is_empty() { problem } else { problem.at(place, "declared here") });
    }
}

/// Where the schema's text declares the entity type with this name. Only for pointing at it: the schema fragment gives
/// annotations without their places.
fn declaration(text: &str, base: &str) -> Range<usize> {
    let is_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    text.match_indices(base)
        .find(|(start, _)| {
            let end = start + base.len();
            let before = text.get(..*start).unwrap_or_default();
            let line = before.rsplit(['\n', ';', ')']).next().unwrap_or_default().trim_start();
            !is_word(text.as_bytes().get(end))
                && !is_word(start.checked_sub(1).and_then(|before| text.as_bytes().get(before)))
                && line.starts_with("entity")
        })
        .map_or(0..0, |(start, _)| start..start + base.len())
}
