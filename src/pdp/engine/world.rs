//! A question together with the entities that its evaluation can touch, so that single policies, and parts of them, can be
//! evaluated as they are when the question is decided: for explanations, and for tests of policies.

use super::{
    decide::{entities, request, unknown},
    translate::CedarRequest,
};
use crate::sources::snapshot::Snapshot;
use cedar_policy as cedar;
use cedar_policy_core::{
    ast::{self, Literal, ValueKind},
    entities::Entities,
    evaluator::Evaluator,
    extensions::Extensions,
};

/// What policies are evaluated on.
#[derive(Debug)]
pub struct World {
    pub(super) request: ast::Request,
    pub(super) entities: Entities,
}

impl World {
    /// The world of a question, with all that references lead to, so that any policy can be evaluated in it. `None` if it is denied before any policy is evaluated, because the directory does not know
    /// the subject or the resource.
    ///
    /// # Errors
    /// Entities that contradict each other.
    pub fn of(snapshot: &Snapshot, question: &CedarRequest) -> Result<Option<Self>, String> {
        if unknown(question).is_some() {
            return Ok(None);
        }
        Ok(Some(Self {
            request: request(question),
            entities: entities(snapshot, question, snapshot.policies.whole())?,
        }))
    }

    /// The world of a question in Cedar's own words, with all entities that it needs.
    #[must_use]
    pub fn of_cedar(request: &cedar::Request, entities: &cedar::Entities) -> Self {
        Self {
            request: AsRef::<ast::Request>::as_ref(request).clone(),
            entities: AsRef::<Entities>::as_ref(entities).clone(),
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

    /// Whether a boolean part of a policy holds; the policy gives the values of slots.
    ///
    /// # Errors
    /// Why it could not be evaluated.
    pub fn holds(&self, part: &ast::Expr, slots: &ast::SlotEnv) -> Result<bool, String> {
        let value = self.0.interpret(part, slots).map_err(|error| error.to_string())?;
        match value.value_kind() {
            ValueKind::Lit(Literal::Bool(truth)) => Ok(*truth),
            _ => Err("is not a boolean".to_owned()),
        }
    }
}
