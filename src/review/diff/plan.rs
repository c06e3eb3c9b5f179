//! Plans the comparison of each environment: none where nothing can differ, under the new schema where types changed,
//! against a refusal where one side does not have the environment.

use super::{
    EnvironmentChange, Note, SchemaChange, Settled, Side,
    pairing::{Pair, PartialDirectories},
    policies,
    read::Read,
    schema::{self, Declared},
};
use crate::{
    review::proof::{Environment, MissingEntities, Rule},
    sources::{
        policy::{self, APPLICATIONS_FILE, Policies, SCHEMA_FILE},
        snapshot::Snapshot,
    },
    types::{problem::has_errors, revision::Revision},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
};

/// Both sides, with all that the comparison of an environment may need of them.
pub(super) struct Plan<'a> {
    pub(super) base: Prepared<'a>,
    pub(super) head: Prepared<'a>,
    pub(super) schema: Vec<SchemaChange>,
    /// The base's policies with the head's directory, so that both sides decide about the same accounts.
    base_judge: Snapshot,
    /// The base's policies with the head's types, if the types changed: how such environments are compared.
    adapted: OnceLock<Result<Snapshot, String>>,
    /// The head's policies with the base's types, if the types changed: how questions are compared that the new schema asks
    /// less of.
    older: OnceLock<Result<Snapshot, String>>,
    directories: PartialDirectories,
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
        Ok(Self {
            base: before,
            head: after,
            schema,
            base_judge,
            adapted: OnceLock::new(),
            older: OnceLock::new(),
            directories: PartialDirectories::default(),
        })
    }

    /// The base's policies under the head's schema; `None`, if that is the same.
    fn adapted(&self) -> Option<&Result<Snapshot, String>> {
        (!self.schema.is_empty()).then(|| self.adapted.get_or_init(|| self.under(self.base.side, self.head.side)))
    }

    /// The head's policies under the base's schema; `None`, if that is the same.
    fn older(&self) -> Option<&Result<Snapshot, String>> {
        (!self.schema.is_empty()).then(|| self.older.get_or_init(|| self.under(self.head.side, self.base.side)))
    }

    fn under(&self, policies: &Side, schema_of: &Side) -> Result<Snapshot, String> {
        Ok(Snapshot::of(adapt(policies, schema_of)?, self.head.side.snapshot.directory.for_other_policies()))
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
            (false, _) => {
                Step::Prove(Pair { base: None, note: Some(Note::RefusedBefore), ..self.pair(&self.base_judge) })
            }
            (true, false) => Step::Prove(Pair {
                base: Some((&self.base.side.snapshot, &self.base.rules)),
                head: None,
                known: &self.base.known,
                note: Some(Note::RefusedNow),
                directories: &self.directories,
                only: None,
                also: None,
            }),
        }
    }

    fn both(&'a self, environment: &Environment) -> Step<'a> {
        let (base, head) = (&self.base, &self.head);
        let read = self.read(environment);
        if self.has_same_types(environment, &read) {
            return if base.texts(environment) == head.texts(environment) {
                Step::Settled(EnvironmentChange::equal(environment, Settled::Unchanged))
            } else {
                // What differs elsewhere does not matter here; the directory fits the new schema.
                let judge = self.adapted().and_then(|adapted| adapted.as_ref().ok());
                Step::Prove(self.pair(judge.unwrap_or(&self.base_judge)))
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
        if let Some(new) = schema::loosened((&base.declared, &head.declared), environment, &read)
            && let Some(Ok(older)) = self.older()
        {
            let also = Pair { base: None, only: Some(new), ..self.pair(&self.base_judge) };
            return Step::Prove(Pair {
                head: Some((older, &self.head.rules)),
                known: &self.base.known,
                note: Some(Note::OldQuestions),
                also: Some(Box::new(also)),
                ..self.pair(&self.base_judge)
            });
        }
        if let Some(line) = schema::changed_meaning((&base.declared, &head.declared), environment, &read) {
            return undecided(format!(
                "what these questions mean changed with the schema ({line}), so that the two sides cannot be compared \
                 question by question"
            ));
        }
        match self.adapted() {
            Some(Ok(judge)) => Step::Prove(Pair { note: Some(Note::NewSchema), ..self.pair(judge) }),
            Some(Err(reason)) => undecided(format!(
                "the types changed, and the old policies are not valid under the new schema: {reason}"
            )),
            None => undecided("the types changed, and it is not known how".to_owned()),
        }
    }

    /// What the policies of an environment read, on either side.
    fn read(&self, environment: &Environment) -> Read {
        let (base, head) = (self.base.applicable(environment), self.head.applicable(environment));
        Read::of(base.into_iter().chain(head))
    }

    fn has_same_types(&self, environment: &Environment, read: &Read) -> bool {
        self.base.declared.reachable(environment, read) == self.head.declared.reachable(environment, read)
    }

    /// Names exactly what is compared in an environment: the policies that can apply on both sides, and the schemas where
    /// what they declare for it differs.
    pub(super) fn digest(&self, environment: &Environment) -> String {
        let mut parts = Vec::new();
        let same_types = self.has_same_types(environment, &self.read(environment));
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
            directories: &self.directories,
            only: None,
            also: None,
        }
    }

    /// The policies whose texts differ between the sides, whatever they are called.
    pub(super) fn changed(&self) -> BTreeSet<String> {
        let texts = |side: &Prepared<'_>| -> BTreeMap<String, String> {
            side.rules.iter().map(|rule| (rule.id.clone(), rule.text.to_string())).collect()
        };
        let (before, after) = (texts(&self.base), texts(&self.head));
        let renamed = policies::renames(&before, &after);
        let differs = |id: &&String| before.get(*id) != after.get(*id);
        let is_renamed = |id: &&String| renamed.contains_key(*id) || renamed.values().any(|old| old == *id);
        before.keys().chain(after.keys()).filter(differs).filter(|id| !is_renamed(id)).cloned().collect()
    }
}

/// The policies of one side, checked against the schema of the other.
fn adapt(of: &Side, under: &Side) -> Result<Arc<Policies>, String> {
    let schema = under.sources.policies.files().filter(|(name, _)| *name == SCHEMA_FILE);
    let policies = of.sources.policies.files().filter(|(name, _)| ![SCHEMA_FILE, APPLICATIONS_FILE].contains(name));
    let texts: Vec<_> = policies.chain(schema).map(|(name, file)| (name, file.text.as_ref())).collect();
    let sources = policy::Sources::from_texts(of.sources.policies.folder(), texts);
    let (_, policies, problems) = Policies::from_sources(&sources);
    match policies {
        Some(policies) if !has_errors(&problems) => Ok(Arc::new(policies)),
        _ => Err(problems.iter().find(|problem| problem.is_error()).map_or_else(String::new, |it| it.one_line())),
    }
}
