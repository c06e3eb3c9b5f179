//! Makes a description of checked policies.

use super::{
    Action, ActionProperties, Branch, Context, Description, EntityType, Field, Holder, Kind, Record, Reference,
    branches::obligations,
    names::{Names, capitalised},
    openapi,
};
use crate::sources::policy::{
    self, ActionModel, Attribute, Attributes, EntityModel, Held, Policies, Shape, ShapeWords,
};
use std::collections::{BTreeMap, BTreeSet};

/// The most branches that are described. The largest schema that is known has some hundreds.
const BRANCHES: usize = 20_000;

/// The most obligations, each counted in each branch.
const OBLIGATIONS: usize = 100_000;

/// The policies have more branches or obligations than a description holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the schema has more than {BRANCHES} pairs of action and type of resource, or these have more than {OBLIGATIONS} \
     obligations together; that is too much for one description"
)]
pub struct TooLarge;

/// Describes the questions that these policies answer.
///
/// # Errors
/// There are too many branches or obligations.
pub fn describe(policies: &Policies) -> Result<Description, TooLarge> {
    let mut builder = Builder {
        policies,
        names: Names::without(openapi::OWN),
        parts: Parts::default(),
        unsaid: ShapeWords::default(),
    };
    let (types, places) = builder.types();
    let (mut actions, mut branches) = (Vec::new(), Vec::new());
    let mut n_obligations = 0_usize;
    for model in policies.model.actions().filter(|action| !action.subjects.is_empty()) {
        let place = |kind: &String| places.get(kind).copied();
        let action = builder.action(model, &places);
        for resource in &model.resources {
            let Some(at) = place(&resource.to_string()) else { continue };
            let named = types.get(at).map_or("", |it: &EntityType| it.name.as_str());
            let obligations = obligations(policies, model, resource);
            n_obligations = n_obligations.saturating_add(obligations.len());
            if branches.len() >= BRANCHES || n_obligations > OBLIGATIONS {
                return Err(TooLarge);
            }
            branches.push(Branch {
                name: builder.names.give(&format!("{}{named}", capitalised(action.wire_name()))),
                action: actions.len(),
                resource: at,
                obligations,
            });
        }
        actions.push(action);
    }
    let Parts { contexts, records, references, .. } = builder.parts;
    let (revision, obligations) = (policies.revision.clone(), policies.model.obligations.clone());
    Ok(Description { revision, types, contexts, records, references, actions, branches, obligations })
}

struct Builder<'a> {
    policies: &'a Policies,
    names: Names,
    parts: Parts,
    unsaid: ShapeWords,
}

/// What is shared between branches, so that each is described once.
#[derive(Default)]
struct Parts {
    contexts: Vec<Context>,
    records: Vec<Record>,
    references: Vec<Reference>,
    /// The places of those with the same name in the schema.
    context_places: BTreeMap<String, Vec<usize>>,
    record_places: BTreeMap<String, Vec<usize>>,
    reference_places: BTreeMap<String, usize>,
}

impl Builder<'_> {
    /// The types that an action applies to, with their places by whole name.
    fn types(&mut self) -> (Vec<EntityType>, BTreeMap<String, usize>) {
        let model = &self.policies.model;
        let used: BTreeSet<String> = model
            .actions()
            .flat_map(|action| action.subjects.iter().chain(&action.resources))
            .map(ToString::to_string)
            .collect();
        let used = model.entity_types().filter(|entity| used.contains(&entity.name.to_string()));
        let used: Vec<_> = used.cloned().collect();
        let (mut types, mut places) = (Vec::new(), BTreeMap::new());
        // All have their names before their attributes, so that no attribute takes one.
        for entity in &used {
            let names: Vec<_> = model.entity_names(entity).into_iter().map(str::to_owned).collect();
            let base = names.first().map_or("", |name| name.rsplit("::").next().unwrap_or(name));
            places.insert(entity.name.to_string(), types.len());
            let doc = model.words.entity(&entity.name.to_string()).and_then(|words| words.doc.as_deref());
            types.push(EntityType {
                name: self.names.give(base),
                doc: doc.map(str::to_owned),
                names,
                held: Holder::Directory,
            });
        }
        for (described, entity) in types.iter_mut().zip(&used) {
            described.held = self.holder(entity, &described.name);
        }
        (types, places)
    }

    fn holder(&mut self, entity: &EntityModel, name: &str) -> Holder {
        let words = self.policies.model.words.entity(&entity.name.to_string());
        match &entity.held {
            Held::ByDirectory => Holder::Directory,
            Held::BySchema(listed) => Holder::Schema(listed.ids().map(str::to_owned).collect()),
            Held::ByRequest { attributes, tags, parents: _ } => {
                let unsaid = ShapeWords::default();
                let (shape, said) = words.map_or((&unsaid, &unsaid), |words| (&words.shape, &words.tags));
                let mut fields = self.fields(attributes, shape, name);
                if let Some(tags) = tags.as_ref().filter(|_| !attributes.contains_key("tags")) {
                    fields.push(Field {
                        name: "tags".to_owned(),
                        doc: said.doc.as_deref().map(str::to_owned),
                        required: false,
                        kind: Kind::Tags(Box::new(self.kind(tags, said, &format!("{name}Tag")))),
                        limit: None,
                        constant: None,
                    });
                }
                Holder::Question(fields)
            }
        }
    }

    fn action(&mut self, model: &ActionModel, places: &BTreeMap<String, usize>) -> Action {
        let known = &self.policies.model;
        let names: Vec<_> = known.action_names(model).into_iter().map(str::to_owned).collect();
        let id: &str = model.uid.eid().as_ref();
        let words = known.words.action(&model.uid.entity_type().to_string(), id);
        let said = words.map_or(&self.unsaid, |words| &words.context).name.clone();
        let context = self.context(model, id, said.as_deref());
        Action {
            names,
            doc: words.and_then(|words| words.doc.as_deref()).map(str::to_owned),
            subjects: model.subjects.iter().filter_map(|kind| places.get(&kind.to_string()).copied()).collect(),
            context,
        }
    }

    /// The place of the action's context.
    fn context(&mut self, model: &ActionModel, id: &str, said: Option<&str>) -> usize {
        let unsaid = ShapeWords::default();
        let words = self.policies.model.words.action(&model.uid.entity_type().to_string(), id);
        let words = words.map_or(&unsaid, |words| &words.context);
        let wanted = said.map_or_else(|| format!("{}Context", capitalised(id)), str::to_owned);
        let fields = self.fields(&model.context, words, &wanted);
        let action = model.properties.as_ref().map(|properties| ActionProperties {
            name: format!("{wanted}Action"),
            optional: !properties.required,
            fields: self.fields(
                &properties.attributes,
                words.fields.get("action").unwrap_or(&unsaid),
                &format!("{wanted}Action"),
            ),
        });
        let pdp = model.pdp.unwrap_or_default();
        let pdp = [
            ("now", pdp.now),
            ("today", pdp.today),
            ("hour", pdp.hour),
            ("application", pdp.application),
            ("policies", pdp.policies),
            ("token", pdp.token.is_some()),
        ];
        let pdp = pdp.into_iter().filter_map(|(name, is_declared)| is_declared.then_some(name)).collect();
        let doc = words.doc.as_deref().map(str::to_owned);
        let mut context = Context { name: wanted.clone(), doc, fields, action, pdp };
        // The name is given anew, so it does not count.
        let places = self.parts.context_places.entry(wanted.clone()).or_default();
        let same = |place: &&usize| {
            self.parts.contexts.get(**place).is_some_and(|known| {
                let (known_action, action) = (&known.action, &context.action);
                let same_action = match (known_action, action) {
                    (None, None) => true,
                    (Some(one), Some(other)) => one.optional == other.optional && one.fields == other.fields,
                    _ => false,
                };
                known.fields == context.fields && known.pdp == context.pdp && same_action
            })
        };
        if let Some(place) = places.iter().find(same) {
            return *place;
        }
        let place = self.parts.contexts.len();
        places.push(place);
        context.name = self.names.give(&wanted);
        if let Some(action) = &mut context.action {
            action.name = self.names.give(&action.name);
        }
        self.parts.contexts.push(context);
        place
    }

    fn fields(&mut self, attributes: &Attributes, words: &ShapeWords, within: &str) -> Vec<Field> {
        let unsaid = ShapeWords::default();
        let described = attributes.iter().map(|(name, attribute)| {
            let words = words.fields.get(name).unwrap_or(&unsaid);
            let Attribute { shape, required, limit, constant, .. } = attribute;
            Field {
                name: name.to_string(),
                doc: words.doc.as_deref().map(str::to_owned),
                required: *required && constant.is_none(),
                kind: self.kind(shape, words, &format!("{within}{}", capitalised(name))),
                limit: limit.clone(),
                constant: constant.as_deref().map(str::to_owned),
            }
        });
        let mut fields: Vec<_> = described.collect();
        // What must be there is read first.
        fields.sort_by_key(|field| !field.required);
        fields
    }

    /// A type, whose parts have names that begin with `within`, unless the schema names them.
    fn kind(&mut self, shape: &Shape, words: &ShapeWords, within: &str) -> Kind {
        match shape {
            Shape::Bool => Kind::Bool,
            Shape::Long => Kind::Long,
            Shape::String => Kind::Text,
            Shape::Extension(extension) => Kind::Extension(*extension),
            Shape::Entity(reference) => Kind::Entity(self.reference(reference)),
            Shape::Set(element) => {
                let unsaid = ShapeWords::default();
                let words = words.element.as_deref().unwrap_or(&unsaid);
                Kind::Set(Box::new(self.kind(element, words, within)))
            }
            Shape::Record(attributes) => Kind::Record(self.record(attributes, words, within)),
        }
    }

    fn record(&mut self, attributes: &Attributes, words: &ShapeWords, within: &str) -> usize {
        let wanted = words.name.as_deref().unwrap_or(within).to_owned();
        let fields = self.fields(attributes, words, &wanted);
        let places = self.parts.record_places.entry(wanted.clone()).or_default();
        let same = |place: &&usize| self.parts.records.get(**place).is_some_and(|known| known.fields == fields);
        if let Some(place) = places.iter().find(same) {
            return *place;
        }
        let place = self.parts.records.len();
        places.push(place);
        let doc = words.doc.as_deref().map(str::to_owned);
        self.parts.records.push(Record { name: self.names.give(&wanted), doc, fields });
        place
    }

    fn reference(&mut self, reference: &policy::Reference) -> usize {
        let policy::Reference { kind, listed } = reference;
        let full = kind.to_string();
        if let Some(place) = self.parts.reference_places.get(&full) {
            return *place;
        }
        let base = full.rsplit("::").next().unwrap_or(&full).to_owned();
        let name = self.names.give(&format!("{base}Reference"));
        let mut names = vec![base];
        if !names.contains(&full) {
            names.push(full.clone());
        }
        let listed = listed.as_ref().map(|listed| listed.ids().map(str::to_owned).collect());
        let place = self.parts.references.len();
        self.parts.reference_places.insert(full, place);
        self.parts.references.push(Reference { name, names, listed });
        place
    }
}
