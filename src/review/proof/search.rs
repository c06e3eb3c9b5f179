//! Searches with the solver for a question that the engine confirms.

use super::{
    Environment, Example, Rule,
    joined::all,
    solver::{Compiled, Found, Scene, Solver},
};
use crate::sources::{
    policy::cedar_core::ast::{EntityUID, Expr},
    snapshot::Snapshot,
};

/// The result of a search.
#[derive(Debug)]
pub(crate) enum Searched {
    /// Proven: there is no such request.
    None,
    /// The engine confirms this one.
    Example(Box<Example>),
    /// Neither was established.
    Undecided(String),
}

/// A search for a question in one environment.
pub(crate) struct Search<'a> {
    pub(crate) scene: Scene<'a>,
    pub(crate) environment: &'a Environment,
    /// The snapshot whose schema counts and whose accounts are the real ones.
    pub(crate) snapshot: &'a Snapshot,
    /// The policies that the question is about.
    pub(crate) read: &'a [&'a Rule],
    /// The account that asks, if there is only one: no other is tried.
    pub(crate) account: Option<&'a EntityUID>,
    /// What may be assumed if a request that was found without it is refuted by the engine.
    pub(crate) heavy: Option<Expr>,
    /// Where an example is looked for if none was found otherwise, and nothing was refuted.
    pub(crate) narrow: Option<Expr>,
    /// Asks the engine whether the question is what was searched for.
    pub(crate) confirm: &'a dyn Fn(&Example) -> Result<bool, String>,
}

impl Search<'_> {
    /// Looks for a question for which one expression holds and another does not, and has the engine confirm it.
    pub(crate) fn find(&self, solver: &mut Solver, holds: &Expr, fails: Option<&Compiled>) -> Searched {
        let mut wanted = vec![holds.clone()];
        let mut found = self.once(solver, holds.clone(), fails);
        if let (Searched::Undecided(_), Some(heavy)) = (&found, &self.heavy) {
            wanted.push(heavy.clone());
            found = self.once(solver, all(wanted.clone()), fails);
        }
        if let (Searched::Undecided(_), Some(narrow)) = (&found, &self.narrow) {
            wanted.push(narrow.clone());
            // That there is none among some says nothing about the others.
            if let example @ Searched::Example(_) = self.once(solver, all(wanted), fails) {
                return example;
            }
        }
        found
    }

    fn once(&self, solver: &mut Solver, holds: Expr, fails: Option<&Compiled>) -> Searched {
        let compiled = match self.scene.compile(holds) {
            Ok(compiled) => compiled,
            Err(message) => return Searched::Undecided(message),
        };
        match solver.find(&compiled, fails) {
            Found::None => Searched::None,
            Found::Undecided(reason) => Searched::Undecided(reason),
            Found::Request(found) => {
                let first = Example::of(&found, self.environment, &self.snapshot.policies, self.heavy.is_some());
                let confirmed = first.and_then(|example| Ok((self.confirm)(&example)?.then_some(example)));
                match confirmed {
                    Ok(Some(example)) => Searched::Example(Box::new(example)),
                    Ok(None) => Searched::Undecided(
                        "the solver found a request, but the engine does not decide it as the solver says".to_owned(),
                    ),
                    Err(message) => {
                        Searched::Undecided(format!("the solver found a request that cannot be asked: {message}"))
                    }
                }
            }
        }
    }
}
