//! Reads the schema file: makes the model, and collects the mistakes in annotations.
//!
//! It reads the annotations `@source`, `@parents` and `@uri` on entity types. `annotations` reads those about decision
//! records, and `limits` those about values.

use super::{
    Schema, Sources, annotations,
    bounds::{self, Language},
    limits,
    listed::Listed,
    model::{ActionModel, ActionProperties, EntityModel, Held, Model, PdpShape, TokenShape},
    names::Names,
    obligations, reason_user,
    shape::{Attributes, Extension, Reference, Shape, attributes},
    words::Words,
    written,
};
use crate::types::problem::{Problem, SourceFile};
use cedar_policy as cedar;
use cedar_policy_core::{
    ast,
    validator::{ValidatorEntityType, ValidatorSchema},
};
use smol_str::SmolStr;
use std::{collections::BTreeMap, ops::Range, sync::Arc};

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
        let mut model = Model { entities, actions, ..Model::default() };
        self.limits(&mut model);
        model.entities.settle();
        model.actions.settle();
        model.marks = annotations::read(self.file, &model, self.problems).unwrap_or_default();
        let after = self.problems.iter().filter(|problem| problem.is_error()).count();
        (before == after).then_some(model)
    }

    /// Attaches the limits that the schema sets to the attributes, and keeps its words.
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
        model.words = Words::of(&fragment);
        model.obligations = obligations::read(self.file, &fragment, &mut found);
        model.never_told = reason_user::read(self.file, &fragment, &mut found);
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
            let model = EntityModel { name, held, attributes, tags, tag_names: None, parents, recorded: Vec::new() };
            names.full.insert(full, Arc::new(model));
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
        let help = "poort provides: now: datetime, today: datetime, hour: Long, application?: String, policies: String, \
             token?: { acr?: String, amr?: Set<String>, auth_time?: datetime }";
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
                ("token", Shape::Record(declared)) if !attribute.required => {
                    pdp.token = Some(self.token(action, declared, help));
                }
                ("application", Shape::String) | ("token", Shape::Record(_)) => {
                    let message = format!("`pdp.{name}` in the context of {action} must be optional");
                    self.complain_word(name, "schema::pdp", message, help);
                }
                ("policies", Shape::String) => pdp.policies = true,
                _ => {
                    let message = format!("`pdp.{name}` in the context of {action} is not something poort provides");
                    self.complain_word(name, "schema::pdp", message, help);
                }
            }
        }
        Some(pdp)
    }

    /// The same for `context.pdp.token`: no identity provider gives all of it.
    fn token(&mut self, action: &str, declared: &Attributes, help: &str) -> TokenShape {
        let mut token = TokenShape::default();
        for (name, attribute) in declared {
            match (name.as_str(), &attribute.shape) {
                _ if attribute.required => {
                    let message = format!("`pdp.token.{name}` in the context of {action} must be optional");
                    self.complain_word(name, "schema::pdp", message, help);
                }
                ("acr", Shape::String) => token.acr = true,
                ("amr", Shape::Set(element)) if **element == Shape::String => token.amr = true,
                ("auth_time", Shape::Extension(Extension::Datetime)) => token.auth_time = true,
                _ => {
                    let message =
                        format!("`pdp.token.{name}` in the context of {action} is not something poort provides");
                    self.complain_word(name, "schema::pdp", message, help);
                }
            }
        }
        token
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
