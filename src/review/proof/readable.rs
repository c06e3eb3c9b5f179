//! Makes examples readable. The solver finds ids like "" and numbers like −9223372036854775808. Here accounts of the
//! directory replace made-up ones where one fits, and plain values replace others, as long as the engine confirms that
//! the question is still the same case.

use super::{
    Example,
    joined::all,
    real_accounts,
    search::Search,
    simplify,
    solver::{Compiled, Found, Solver},
};
use crate::{
    sources::policy::{
        Attributes, Held, Reference, Shape,
        cedar_core::ast::{self, Expr},
    },
    types::{
        evaluation::{Map, Value},
        moment::PolicyAge,
    },
};
use std::sync::Arc;

/// How many questions the engine may be asked to find real accounts.
const TRIES: usize = 3_000;
/// How many real accounts are tried.
const ACCOUNTS: usize = 200;
/// How many real entities are tried in one place.
const PLACES: usize = 8;

impl Search<'_> {
    /// The same case, readable. `same` asks the engine whether a question is still that case.
    pub(crate) fn readable(
        &self,
        solver: &mut Solver,
        holds: &[Expr],
        denied: Option<&Compiled>,
        example: Example,
        same: &dyn Fn(&Example) -> bool,
    ) -> Example {
        let tried = self.with_real_accounts(&example, same).map(|real| self.plain(real, same));
        if let Some(real) = tried {
            return real;
        }
        let plain = self.plain(example, same);
        // Real accounts have plain values: they may fit now where they did not fit the solver's. The solver is asked last.
        let real = self.with_real_accounts(&plain, same).or_else(|| self.find_real(solver, holds, denied, same));
        real.map_or(plain, |real| self.plain(real, same))
    }

    /// The same case with names and values that a person can read; made-up accounts stay made up.
    pub(crate) fn plain(&self, mut example: Example, same: &dyn Fn(&Example) -> bool) -> Example {
        if !example.real {
            self.rename(&mut example, same);
        }
        self.polish(&mut example, same);
        example
    }

    /// Puts real accounts and other entities of the directory where the solver made some up.
    pub(crate) fn with_real_accounts(&self, example: &Example, same: &dyn Fn(&Example) -> bool) -> Option<Example> {
        self.put_real(self.subjects()?, example, same)
    }

    /// The same for the account that an example is about.
    pub(crate) fn with_real_records(&self, example: &Example, same: &dyn Fn(&Example) -> bool) -> Option<Example> {
        let id = ast::Eid::new(example.evaluation.subject.id.as_str());
        let uid = ast::EntityUID::from_components(self.environment.principal.clone(), id, None);
        self.put_real(vec![Some(self.snapshot.directory.get(&uid)?.clone())], example, same)
    }

    fn put_real(
        &self,
        subjects: Vec<Option<Arc<ast::Entity>>>,
        example: &Example,
        same: &dyn Fn(&Example) -> bool,
    ) -> Option<Example> {
        let mut left = TRIES;
        let mut base = example.clone();
        (base.real, base.entities) = (true, Vec::new());
        for subject in subjects {
            for resource in self.real(&self.environment.resource, PLACES * 4, &[])? {
                let mut candidate = base.clone();
                let near: Vec<_> = subject.iter().chain(&resource).cloned().collect();
                if let Some(subject) = &subject {
                    candidate.evaluation.subject.id = AsRef::<str>::as_ref(subject.uid().eid()).to_owned();
                }
                if let Some(resource) = &resource {
                    candidate.evaluation.resource.id = AsRef::<str>::as_ref(resource.uid().eid()).to_owned();
                }
                for candidate in self.with_real_references(candidate, &near) {
                    left = left.checked_sub(1)?;
                    if same(&candidate) {
                        return Some(candidate);
                    }
                }
            }
        }
        None
    }

    /// The accounts that can ask.
    fn subjects(&self) -> Option<Vec<Option<Arc<ast::Entity>>>> {
        match self.account {
            Some(account) => Some(vec![Some(self.snapshot.directory.get(account)?.clone())]),
            None => self.real(&self.environment.principal, ACCOUNTS, &[]),
        }
    }

    /// The entities of a type in the directory, those that others refer to first. One `None` for a type that the
    /// directory does not hold; `None` at all if it should hold some and has none.
    fn real(
        &self,
        kind: &ast::EntityType,
        most: usize,
        near: &[Arc<ast::Entity>],
    ) -> Option<Vec<Option<Arc<ast::Entity>>>> {
        match self.snapshot.policies.model.entity_type(kind).map(|model| &model.held) {
            Some(Held::ByDirectory) => {}
            _ => return Some(vec![None]),
        }
        let refers = |entity: &ast::Entity, uid: &ast::EntityUID| {
            entity.is_descendant_of(uid)
                || entity.attrs().any(|(_, given)| match given {
                    ast::PartialValue::Value(value) => value.all_literal_uids().contains(uid),
                    ast::PartialValue::Residual(_) => false,
                })
        };
        let mut found: Vec<_> =
            self.snapshot.directory.iter().filter(|entity| entity.uid().entity_type() == kind).cloned().collect();
        found.sort_by_cached_key(|entity| {
            (!near.iter().any(|other| refers(other, entity.uid())), entity.uid().to_string())
        });
        found.truncate(most);
        (!found.is_empty()).then(|| found.into_iter().map(Some).collect())
    }

    /// All ways to put real entities into the properties and the context.
    fn with_real_references(&self, candidate: Example, near: &[Arc<ast::Entity>]) -> Vec<Example> {
        let mut all = vec![candidate];
        for (place, attributes) in self.declared() {
            for (name, attribute) in attributes.iter() {
                let Shape::Entity(Reference { kind, .. }) = &attribute.shape else { continue };
                let Some(real) = self.real(kind, PLACES, near) else { continue };
                all = all
                    .into_iter()
                    .flat_map(|candidate| {
                        if !place.of(&candidate).contains_key(name.as_str()) {
                            return vec![candidate];
                        }
                        real.iter()
                            .flatten()
                            .map(|entity| {
                                let mut candidate = candidate.clone();
                                let id = Value::String(AsRef::<str>::as_ref(entity.uid().eid()).to_owned());
                                place.of_mut(&mut candidate).insert(name.to_string(), id);
                                candidate
                            })
                            .collect()
                    })
                    .take(PLACES * PLACES)
                    .collect();
            }
        }
        all
    }

    /// What a question carries, with its declaration.
    pub(super) fn declared(&self) -> Vec<(Place, Arc<Attributes>)> {
        let model = &self.snapshot.policies.model;
        let mut declared = Vec::new();
        for (place, kind) in
            [(Place::Subject, &self.environment.principal), (Place::Resource, &self.environment.resource)]
        {
            if let Some(Held::ByRequest { attributes, .. }) = model.entity_type(kind).map(|model| &model.held) {
                declared.push((place, attributes.clone()));
            }
        }
        if let Ok(action) = model.action(&self.environment.action.to_string()) {
            declared.push((Place::Context, action.context.clone()));
            if let Some(properties) = &action.properties {
                declared.push((Place::Action, properties.attributes.clone()));
            }
        }
        declared
    }

    /// Asks the solver for a question about real accounts, all else of which it may choose.
    pub(crate) fn find_real(
        &self,
        solver: &mut Solver,
        holds: &[Expr],
        denied: Option<&Compiled>,
        same: &dyn Fn(&Example) -> bool,
    ) -> Option<Example> {
        let wanted: Vec<_> = holds.iter().cloned().chain(self.heavy.clone()).collect();
        for wish in real_accounts::pins(self.snapshot, self.environment, self.read, self.account) {
            let wanted = all(wanted.iter().cloned().chain([wish]));
            let request = match solver.find_where(&self.scene, wanted, denied) {
                Found::Request(request) => request,
                Found::None => continue,
                // A slow search would be slow again, and an example is not worth the wait.
                Found::Undecided(_) => return None,
            };
            let example = Example::of(&request, self.environment, &self.snapshot.policies, self.heavy.is_some());
            let Ok(mut example) = example else { continue };
            (example.real, example.entities) = (true, Vec::new());
            if same(&example) {
                return Some(example);
            }
        }
        None
    }

    /// Leaves out what can be left out and makes plain what can be plain.
    fn polish(&self, example: &mut Example, same: &dyn Fn(&Example) -> bool) {
        let mut try_one = |example: &mut Example, change: &dyn Fn(&mut Example)| {
            let mut changed = example.clone();
            change(&mut changed);
            let accepted = same(&changed);
            if accepted {
                *example = changed;
            }
            accepted
        };
        if !example.real {
            try_one(example, &|example| simplify::move_to(example, DAY));
            for number in simplify::numbers(example) {
                for to in [1, 0, 2, 3, 4, 5, 10, 100, 1000].into_iter().filter(|to| *to != number) {
                    if (0..=3).contains(&number) || try_one(example, &|example| simplify::replace(example, number, to))
                    {
                        break;
                    }
                }
            }
            simplify::leave_out(example, same);
        }
        let moments = [DAY, "2026-06-15"];
        for day in moments {
            let plain = |example: &mut Example| set_moment(example, day);
            let at_noon = |example: &mut Example| {
                example.moment.hour = 12;
                set_moment(example, day);
            };
            if try_one(example, &at_noon) || try_one(example, &plain) {
                break;
            }
        }
        try_one(example, &|example| example.moment.application = None);
        try_one(example, &|example| example.moment.policies = PolicyAge::Live);
        try_one(example, &|example| example.moment.token = None);
        if !self.holds_in_directory(&self.environment.resource) {
            let id = format!("{}-1", self.environment.resource_name().to_lowercase());
            try_one(example, &|example| example.evaluation.resource.id.clone_from(&id));
        }
        for (place, attributes) in self.declared() {
            self.polish_map(example, &[Step::Place(place)], &attributes, &mut try_one);
        }
        for index in (0..example.entities.len()).rev() {
            try_one(example, &|example| drop(example.entities.remove(index)));
        }
    }

    fn polish_map(&self, example: &mut Example, path: &[Step], attributes: &Attributes, try_one: &mut Try<'_>) {
        for (name, attribute) in attributes {
            let present = map_at(example, path).is_some_and(|map| map.contains_key(name.as_str()));
            if !present {
                continue;
            }
            let remove = |example: &mut Example| {
                if let Some(map) = map_at(example, path) {
                    map.remove(name.as_str());
                }
            };
            if !attribute.required && try_one(example, &remove) {
                continue;
            }
            for value in plain_forms(&attribute.shape) {
                let set = |example: &mut Example| {
                    if let Some(map) = map_at(example, path) {
                        map.insert(name.to_string(), value.clone());
                    }
                };
                if try_one(example, &set) {
                    break;
                }
            }
            if let Shape::Record(inner) = &attribute.shape {
                let path: Vec<_> = path.iter().cloned().chain([Step::Field(name.to_string())]).collect();
                self.polish_map(example, &path, inner, try_one);
            }
        }
    }

    fn holds_in_directory(&self, kind: &ast::EntityType) -> bool {
        matches!(self.snapshot.policies.model.entity_type(kind).map(|model| &model.held), Some(Held::ByDirectory))
    }
}

/// Makes a change if the question stays the same case, and says whether it did.
type Try<'a> = dyn FnMut(&mut Example, &dyn Fn(&mut Example)) -> bool + 'a;

/// The day of an example where the day does not matter.
const DAY: &str = "2026-01-05";

fn set_moment(example: &mut Example, day: &str) {
    let moment = &mut example.moment;
    moment.today = day.to_owned();
    moment.now_text = format!("{day}T{:02}:00:00.000Z", moment.hour);
    let now = moment.now_text.parse::<jiff::Timestamp>();
    moment.now = now.map(jiff::Timestamp::as_millisecond).unwrap_or_default();
}

/// Where a question carries named values.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    Subject,
    Resource,
    Context,
    Action,
}

impl Place {
    fn of(self, example: &Example) -> &Map {
        match self {
            Self::Subject => &example.evaluation.subject.properties,
            Self::Resource => &example.evaluation.resource.properties,
            Self::Context => &example.evaluation.context,
            Self::Action => &example.evaluation.action.properties,
        }
    }

    pub(super) fn of_mut(self, example: &mut Example) -> &mut Map {
        match self {
            Self::Subject => &mut example.evaluation.subject.properties,
            Self::Resource => &mut example.evaluation.resource.properties,
            Self::Context => &mut example.evaluation.context,
            Self::Action => &mut example.evaluation.action.properties,
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Place(Place),
    Field(String),
}

fn map_at<'e>(example: &'e mut Example, path: &[Step]) -> Option<&'e mut Map> {
    let (first, rest) = path.split_first()?;
    let Step::Place(place) = first else { return None };
    let mut map = place.of_mut(example);
    for step in rest {
        let Step::Field(name) = step else { return None };
        match map.get_mut(name) {
            Some(Value::Map(inner)) => map = inner,
            _ => return None,
        }
    }
    Some(map)
}

/// Plain values of a type, the plainest first.
fn plain_forms(shape: &Shape) -> Vec<Value> {
    let texts = |texts: &[&str]| texts.iter().map(|text| Value::String((*text).to_owned())).collect();
    match shape {
        Shape::Bool => vec![Value::Bool(false)],
        Shape::Long => [1.0, 0.0, 2.0, 3.0, 4.0, 5.0, 10.0, 100.0, 1000.0].into_iter().map(Value::Number).collect(),
        Shape::String => texts(&["example"]),
        Shape::Set(_) => vec![Value::List(Vec::new())],
        Shape::Extension(kind) => match kind.type_name() {
            "datetime" => texts(&[
                "2026-01-05",
                "2026-01-01",
                "2025-12-01",
                "2025-06-01",
                "2024-01-01",
                "2020-01-01",
                "2027-01-01",
            ]),
            "ipaddr" => texts(&["10.0.0.1"]),
            "decimal" => texts(&["1.0", "0.0"]),
            _ => texts(&["1d"]),
        },
        Shape::Entity(_) | Shape::Record(_) => Vec::new(),
    }
}
