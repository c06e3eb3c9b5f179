//! A question together with the entities that its evaluation can touch.
//!
//! **Why a few are enough.** `in` looks at the ancestors of the entity on its left, which each entity carries. An attribute
//! or a tag is looked up on the entity itself. So an evaluation touches only what it looks into: entities reached from the
//! principal, the resource, the context or a policy's literal by the references that the policies follow
//! (`policy::footprint`). Those are taken; leaving out the others cannot change the decision, the determining policies or
//! the errors. (`tests/it/pdp/cedar.rs::verdicts_equal_those_of_the_authorizer_over_everything` holds this.)
//!
//! Explanations and tests of policies take all that references lead to, so that single policies, and parts of them, can be
//! evaluated as they are when the question is decided.

use super::translate::{CedarRequest, Party, Source};
use crate::sources::{
    directory::references,
    policy::{Reading, Reads, Slice},
    snapshot::Snapshot,
};
use cedar_policy as cedar;
use cedar_policy_core::{
    ast::{self, Literal, Value, ValueKind},
    entities::{Dereference, Entities, NoEntitiesSchema, TCComputation},
    evaluator::Evaluator,
    extensions::Extensions,
};
use std::sync::Arc;

/// What policies are evaluated on.
#[derive(Debug)]
pub struct World {
    pub(super) request: ast::Request,
    pub(super) entities: Entities,
}

impl World {
    /// The world of a question, with all that references lead to, so that any policy can be evaluated in it. `None` if it is
    /// denied before any policy is evaluated, because the directory does not know the subject or the resource.
    ///
    /// # Errors
    /// Entities that contradict each other.
    pub fn of(snapshot: &Snapshot, question: &CedarRequest<'_>) -> Result<Option<Self>, String> {
        if question.unknown_party().is_some() {
            return Ok(None);
        }
        Self::with(snapshot, question, snapshot.policies.whole()).map(Some)
    }

    /// The world of a question for the policies of its slice.
    pub(super) fn of_slice(snapshot: &Snapshot, question: &CedarRequest<'_>) -> Result<Self, String> {
        Self::with(snapshot, question, question.slice)
    }

    fn with(snapshot: &Snapshot, question: &CedarRequest<'_>, slice: &Slice) -> Result<Self, String> {
        let mut reach = Reach { snapshot, reads: slice.footprint.reads.as_ref(), found: Vec::with_capacity(16) };
        for party in [&question.principal, &question.resource] {
            reach.party(party);
        }
        reach.policies(question, slice);
        reach.context(question);
        Ok(Self { request: request(question), entities: reach.close(question)? })
    }

    /// The world of a question in Cedar's own words, with all entities that it needs.
    #[must_use]
    pub fn of_cedar(request: &cedar::Request, entities: &cedar::Entities) -> Self {
        Self {
            request: AsRef::<ast::Request>::as_ref(request).clone(),
            entities: AsRef::<Entities>::as_ref(entities).clone(),
        }
    }

    /// What the question is about: principal, action and resource. poort's own questions have all three.
    #[must_use]
    pub fn parties(&self) -> Option<(&ast::EntityUID, &ast::EntityUID, &ast::EntityUID)> {
        Some((self.request.principal().uid()?, self.request.action().uid()?, self.request.resource().uid()?))
    }

    /// An entity of it.
    #[must_use]
    pub fn entity(&self, uid: &ast::EntityUID) -> Option<&ast::Entity> {
        match self.entities.entity(uid) {
            Dereference::Data(entity) => Some(entity),
            Dereference::NoSuchEntity | Dereference::Residual(_) => None,
        }
    }

    /// What evaluates on it. Making one costs more than a small evaluation, so make one for many.
    #[must_use]
    pub fn evaluator(&self) -> WorldEvaluator<'_> {
        WorldEvaluator(Evaluator::new(self.request.clone(), &self.entities, Extensions::all_available()))
    }
}

/// Evaluates on one world.
pub struct WorldEvaluator<'w>(Evaluator<'w>);

impl std::fmt::Debug for WorldEvaluator<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WorldEvaluator")
    }
}

impl WorldEvaluator<'_> {
    /// Whether a policy applies.
    ///
    /// # Errors
    /// Why it could not be evaluated.
    pub fn applies(&self, policy: &ast::Policy) -> Result<bool, String> {
        self.0.evaluate(policy).map_err(|error| error.to_string())
    }

    /// The value of a part of a policy; the policy gives the values of slots.
    ///
    /// # Errors
    /// Why it could not be evaluated.
    pub fn value(&self, part: &ast::Expr, slots: &ast::SlotEnv) -> Result<Value, String> {
        self.0.interpret(part, slots).map_err(|error| error.to_string())
    }

    /// Whether a boolean part of a policy holds.
    ///
    /// # Errors
    /// Why it could not be evaluated.
    pub fn holds(&self, part: &ast::Expr, slots: &ast::SlotEnv) -> Result<bool, String> {
        match self.value(part, slots)?.value_kind() {
            ValueKind::Lit(Literal::Bool(truth)) => Ok(*truth),
            _ => Err("is not a boolean".to_owned()),
        }
    }
}

fn request(question: &CedarRequest<'_>) -> ast::Request {
    let known = |uid: &ast::EntityUID| ast::EntityUIDEntry::known(uid.clone(), None);
    ast::Request::new_unchecked(
        known(&question.principal.uid),
        known(&question.action),
        known(&question.resource.uid),
        Some(ast::Context::Value(question.context.clone())),
    )
}

/// Gathers the entities that an evaluation can look into.
struct Reach<'a> {
    snapshot: &'a Snapshot,
    /// What the policies read; `None`: everything.
    reads: Option<&'a Reads>,
    found: Found,
}

type Found = Vec<Arc<ast::Entity>>;

impl Reach<'_> {
    /// An entity that the directory may hold, and what is reached from it.
    fn follow(&mut self, uid: &ast::EntityUID) {
        let directory = &self.snapshot.directory;
        match self.reads {
            Some(reads) => {
                let profile = reads.profile(uid.entity_type());
                let contents =
                    profile.and_then(|profile| directory.contents(uid.entity_type(), uid.eid().as_ref(), profile));
                self.found.extend(contents.iter().flat_map(|contents| contents.entities.iter()).cloned());
            }
            None => self.found.extend(directory.reach(uid)),
        }
    }

    fn party(&mut self, party: &Party) {
        match &party.entity {
            Source::Directory => self.follow(&party.uid),
            Source::Request(entity) => {
                self.found.push(entity.clone());
                match self.reads {
                    Some(reads) => {
                        let read = Reading::of(&reads.entity(party.uid.entity_type()).attributes);
                        for (name, value) in entity.attrs() {
                            if let ast::PartialValue::Value(value) = value {
                                followed(value, read.field(name), &mut |uid| self.follow(uid));
                            }
                        }
                    }
                    None => references(entity).for_each(|uid| self.follow(&uid)),
                }
            }
            Source::Schema | Source::Unknown | Source::Bare => {}
        }
    }

    /// What policies name, and the action that is asked about.
    fn policies(&mut self, question: &CedarRequest<'_>, slice: &Slice) {
        let actions = &self.snapshot.policies.action_entities;
        for uid in &slice.footprint.named {
            // A policy can also name another action, and look at its groups.
            match actions.get(uid) {
                Some(action) => self.found.push(action.clone()),
                None => self.follow(uid),
            }
        }
        match &slice.types {
            Some(types) => self.found.push(types.action_entity.clone()),
            None => self.found.extend(actions.get(&question.action).cloned()),
        }
    }

    fn context(&mut self, question: &CedarRequest<'_>) {
        match self.reads {
            Some(reads) => {
                let read = Reading::of(&reads.context);
                for (name, value) in question.context.iter() {
                    followed(value, read.field(name), &mut |uid| self.follow(uid));
                }
            }
            None => {
                for uid in question.context.values().flat_map(Value::all_literal_uids) {
                    self.follow(&uid);
                }
            }
        }
    }

    fn close(self, question: &CedarRequest<'_>) -> Result<Entities, String> {
        let mut found = self.found;
        // Most are found more than once, as one and the same.
        found.sort_unstable_by_key(Arc::as_ptr);
        found.dedup_by(|one, other| Arc::ptr_eq(one, other));
        // Every entity comes from the directory, which closed its ancestors, or was given those of its parents.
        Entities::new()
            .add_entities(
                with_ancestors_of_parties(question, found),
                None::<&NoEntitiesSchema>,
                TCComputation::AssumeAlreadyComputed,
                Extensions::all_available(),
            )
            .map_err(|error| error.to_string())
    }
}

/// The references in a value that are followed.
fn followed(value: &Value, read: Reading<'_>, follow: &mut impl FnMut(&ast::EntityUID)) {
    match value.value_kind() {
        ValueKind::Lit(Literal::EntityUID(uid)) if read.followed().is_some() => follow(uid),
        ValueKind::Set(elements) => elements.iter().for_each(|element| followed(element, read, follow)),
        ValueKind::Record(fields) => {
            fields.iter().for_each(|(name, value)| followed(value, read.field(name), follow));
        }
        ValueKind::Lit(_) | ValueKind::ExtensionValue(_) => {}
    }
}

/// An entity of the question can itself be the parent of another: of the other party, or of an entity in the directory,
/// which does not know what lies above it. Those get its ancestors too.
fn with_ancestors_of_parties(question: &CedarRequest<'_>, mut found: Found) -> Found {
    // Twice, since the one party may lie below the other, and a third entity below both.
    for _ in 0..2 {
        let mut is_done = true;
        for party in [&question.principal, &question.resource] {
            let Source::Request(_) = &party.entity else { continue };
            let Some(above) = found.iter().find(|entity| *entity.uid() == party.uid).cloned() else { continue };
            for entity in found.iter_mut().filter(|entity| entity.is_descendant_of(&party.uid)) {
                let missing: Vec<_> = above
                    .ancestors()
                    .filter(|ancestor| !entity.is_descendant_of(ancestor) && *ancestor != entity.uid())
                    .cloned()
                    .collect();
                if !missing.is_empty() {
                    is_done = false;
                    let entity = Arc::make_mut(entity);
                    missing.into_iter().for_each(|ancestor| entity.add_indirect_ancestor(ancestor));
                }
            }
        }
        if is_done {
            break;
        }
    }
    found
}
