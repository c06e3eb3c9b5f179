//! Plans the comparison of each environment: none where nothing can differ, under the new schema where types changed,
//! against a refusal where one side does not have the environment.

use super::{
    EnvironmentChange, SchemaChange, Settled, Side,
    pairing::Pair,
    schema::{self, Declared},
};
use crate::{
    review::proof::{Environment, MissingEntities, Rule},
    sources::{
        policy::{
            self, Policies, SCHEMA_FILE,
            cedar_core::ast::{ExprKind, Literal},
        },
        snapshot::Snapshot,
    },
    types::{problem::has_errors, revision::Revision},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Both sides, with all that the comparison of an environment may need of them.
pub(super) struct Plan<'a> {
    pub(super) base: Prepared<'a>,
    pub(super) head: Prepared<'a>,
    pub(super) schema: Vec<SchemaChange>,
    /// The base's policies with the head's directory, so that both sides decide about the same accounts.
    base_judge: Snapshot,
    /// The base's policies with the head's types, if the types changed: how such environments are compared.
    adapted: Option<Result<Snapshot, String>>,
}

/// One side, with its policies as proofs need them.
pub(super) struct Prepared<'a> {
    side: &'a Side,
    rules: Vec<Rule>,
    pub(super) known: MissingEntities,
    declared: Declared,
    environments: BTreeSet<Environment>,
}

/// What is to be done about an environment.
pub(super) enum Step<'a> {
    /// Nothing: this is its outcome.
    Settled(EnvironmentChange),
    /// It takes a proof.
    Prove(Pair<'a>),
}

impl<'a> Prepared<'a> {
    fn of(side: &'a Side) -> Result<Self, String> {
        let policies = &side.snapshot.policies;
        Ok(Self {
            side,
            rules: Rule::all(&policies.set)?,
            known: MissingEntities::of(policies)?,
            declared: Declared::of(policies),
            environments: Environment::all(&policies.model).into_iter().collect(),
        })
    }

    fn policies(&self) -> &Policies {
        &self.side.snapshot.policies
    }

    /// Its policies with their conditions.
    pub(super) fn stating(&self) -> (&Policies, &[Rule]) {
        (self.policies(), &self.rules)
    }

    fn applicable(&self, environment: &Environment) -> Vec<&Rule> {
        Rule::applicable(&self.rules, environment, self.policies())
    }

    /// The texts of the policies that can apply, whatever their names and order.
    fn texts(&self, environment: &Environment) -> Vec<Arc<str>> {
        let mut texts: Vec<_> = self.applicable(environment).iter().map(|rule| rule.text.clone()).collect();
        texts.sort();
        texts
    }
}

impl<'a> Plan<'a> {
    pub(super) fn of(base: &'a Side, head: &'a Side) -> Result<Self, String> {
        let base_judge = Snapshot::of(base.snapshot.policies.clone(), head.snapshot.directory.clone());
        let (before, after) = (Prepared::of(base)?, Prepared::of(head)?);
        let schema = schema::changes(&before.declared, &after.declared);
        let adapted = (!schema.is_empty()).then(|| {
            let policies = adapt(base, head)?;
            Ok(Snapshot::of(policies, head.snapshot.directory.clone()))
        });
        Ok(Self { base: before, head: after, schema, base_judge, adapted })
    }

    /// Whether both sides have the environment.
    pub(super) fn is_on_both_sides(&self, environment: &Environment) -> bool {
        self.base.environments.contains(environment) && self.head.environments.contains(environment)
    }

    /// The environments of both sides, in the order of reports.
    pub(super) fn environments(&self) -> Vec<&Environment> {
        let mut all: Vec<_> = self.base.environments.union(&self.head.environments).collect();
        all.sort_by_cached_key(|it| (it.action.to_string(), it.principal.to_string(), it.resource.to_string()));
        all
    }

    /// How an environment is compared.
    pub(super) fn step(&'a self, environment: &Environment) -> Step<'a> {
        match (self.base.environments.contains(environment), self.head.environments.contains(environment)) {
            (true, true) => self.both(environment),
            (false, _) => Step::Prove(Pair {
                base: None,
                note: Some("the old schema does not have these questions: they were refused".to_owned()),
                ..self.pair(&self.base_judge)
            }),
            (true, false) => Step::Prove(Pair {
                base: Some((&self.base.side.snapshot, &self.base.rules)),
                head: None,
                known: &self.base.known,
                note: Some("the new schema does not have these questions: they are refused".to_owned()),
            }),
        }
    }

    fn both(&'a self, environment: &Environment) -> Step<'a> {
        let (base, head) = (&self.base, &self.head);
        let names = self.names(environment);
        if self.has_same_types(environment, &names) {
            return if base.texts(environment) == head.texts(environment) {
                Step::Settled(EnvironmentChange::equal(environment, Settled::Unchanged))
            } else {
                Step::Prove(self.pair(&self.base_judge))
            };
        }
        let undecided = |reason: String| {
            let undecided = vec![reason];
            let undecided_digest = Some(self.digest(environment));
            Step::Settled(EnvironmentChange {
                undecided,
                undecided_digest,
                ..EnvironmentChange::equal(environment, Settled::Solver)
            })
        };
        if let Some(line) = schema::changed_meaning((&base.declared, &head.declared), environment, &names) {
            return undecided(format!(
                "what these questions mean changed with the schema ({line}), so that the two sides cannot be compared \
                 question by question"
            ));
        }
        match &self.adapted {
            Some(Ok(judge)) => Step::Prove(Pair {
                note: Some(
                    "compared under the new schema: for questions as it has them, and not for those that only the old \
                     schema accepts"
                        .to_owned(),
                ),
                ..self.pair(judge)
            }),
            Some(Err(reason)) => undecided(format!(
                "the types changed, and the old policies are not valid under the new schema: {reason}"
            )),
            None => undecided("the types changed, and it is not known how".to_owned()),
        }
    }

    /// The types and actions that policies of an environment name.
    fn names(&self, environment: &Environment) -> BTreeSet<String> {
        let mut names = named_in(&self.base.applicable(environment));
        names.extend(named_in(&self.head.applicable(environment)));
        names
    }

    fn has_same_types(&self, environment: &Environment, names: &BTreeSet<String>) -> bool {
        self.base.declared.reachable(environment, names) == self.head.declared.reachable(environment, names)
    }

    /// Names exactly what is compared in an environment: the policies that can apply on both sides, and the schemas where
    /// what they declare for it differs.
    pub(super) fn digest(&self, environment: &Environment) -> String {
        let mut parts = Vec::new();
        let same_types = self.has_same_types(environment, &self.names(environment));
        for (side, of) in [("before", &self.base), ("after", &self.head)] {
            for rule in of.applicable(environment) {
                parts.push((format!("{side} policy {}", rule.id), rule.text.as_bytes()));
            }
            if !same_types {
                parts.push((format!("{side} schema"), of.policies().schema_text.as_bytes()));
            }
        }
        Revision::of(parts.iter().map(|(name, text)| (name.as_str(), *text))).to_string()
    }

    fn pair(&'a self, base: &'a Snapshot) -> Pair<'a> {
        Pair {
            base: Some((base, &self.base.rules)),
            head: Some((&self.head.side.snapshot, &self.head.rules)),
            known: &self.head.known,
            note: None,
        }
    }

    /// The policies whose texts differ between the sides.
    pub(super) fn changed(&self) -> BTreeSet<String> {
        let texts = |side: &Prepared<'_>| -> BTreeMap<String, Arc<str>> {
            side.rules.iter().map(|rule| (rule.id.clone(), rule.text.clone())).collect()
        };
        let (before, after) = (texts(&self.base), texts(&self.head));
        before.keys().chain(after.keys()).filter(|id| before.get(*id) != after.get(*id)).cloned().collect()
    }
}

/// The types and actions that policies name.
fn named_in(rules: &[&Rule]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for part in rules.iter().flat_map(|rule| rule.condition().subexpressions()) {
        match part.expr_kind() {
            ExprKind::Lit(Literal::EntityUID(uid)) if uid.is_action() => drop(names.insert(uid.to_string())),
            ExprKind::Lit(Literal::EntityUID(uid)) => drop(names.insert(uid.entity_type().to_string())),
            ExprKind::Is { entity_type, .. } => drop(names.insert(entity_type.to_string())),
            _ => {}
        }
    }
    names
}

/// The base's policies, checked against the head's schema.
fn adapt(base: &Side, head: &Side) -> Result<Arc<Policies>, String> {
    let schema = head.sources.policies.files().filter(|(name, _)| *name == SCHEMA_FILE);
    let policies = base.sources.policies.files().filter(|(name, _)| *name != SCHEMA_FILE);
    let texts: Vec<_> = policies.chain(schema).map(|(name, file)| (name, file.text.as_ref())).collect();
    let sources = policy::Sources::from_texts(base.sources.policies.folder(), texts);
    let (_, policies, problems) = Policies::from_sources(&sources);
    match policies {
        Some(policies) if !has_errors(&problems) => Ok(Arc::new(policies)),
        _ => Err(problems.iter().find(|problem| problem.is_error()).map_or_else(String::new, |it| it.one_line())),
    }
}
