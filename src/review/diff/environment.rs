//! Compares one environment in one direction, or takes the outcome of an earlier run if nothing that it depends on
//! changed.

use super::{
    Direction, EnvironmentChange, Reached, Settled, causes::OneWay, new_questions::NewQuestions, pairing::Pairing,
};
use crate::{
    review::proof::{Cache, Environment, Key, Solver},
    types::language::Language,
};

impl Pairing<'_> {
    /// The comparison, or that of an earlier run.
    pub(super) fn run_cached(&self, solver: &mut Solver, cache: Option<&Cache>) -> EnvironmentChange {
        let mut outcome = self.one_cached(solver, cache);
        if let Some(pair) = &self.pair.also {
            outcome.add(Pairing { pair, ..*self }.one_cached(solver, cache));
        }
        outcome
    }

    fn one_cached(&self, solver: &mut Solver, cache: Option<&Cache>) -> EnvironmentChange {
        let Some(cache) = cache else { return self.run(solver) };
        let key = self.key();
        if let Some(mut found) = cache.get::<EnvironmentChange>(&key) {
            found.settled = Settled::Cache;
            return found;
        }
        let outcome = self.run(solver);
        // What is open may be settled with more effort.
        if outcome.undecided.is_empty() && outcome.reached.iter().all(|reached| reached.open == 0) {
            cache.put(&key, &outcome);
        }
        outcome
    }

    /// Everything that the outcome depends on.
    fn key(&self) -> String {
        let mut key = Key::new();
        key.part(&format!("{:?}", self.environment));
        key.part(self.direction.name());
        key.part(self.pair.note.map_or("", |note| note.words(Language::English)));
        key.part(&self.pair.only.as_ref().map(NewQuestions::cause).unwrap_or_default());
        key.part(&format!("{}", self.apart.len()));
        self.apart.iter().for_each(|uid| key.part(&uid.to_string()));
        for side in [self.pair.base, self.pair.head] {
            let Some(half) = self.half(side) else {
                key.part("refused");
                continue;
            };
            let policies = &half.snapshot.policies;
            key.part(half.snapshot.directory.revision.as_str());
            key.part(&policies.schema_text);
            key.part(&format!("{}", half.rules.len()));
            for rule in &half.rules {
                key.part(&rule.id);
                key.part(&rule.text);
                key.part(if self.changed.contains(&rule.id) { "changed" } else { "same" });
                key.part(&format!("{:?}", policies.facts.get(&cedar_policy::PolicyId::new(&rule.id))));
            }
            // What the engine makes of the moment depends on all policies that a question can meet.
            let Environment { principal, action, resource } = self.environment;
            key.part(&format!("{:?}", policies.footprint(principal, action, resource).pdp));
        }
        key.finish()
    }

    fn run(&self, solver: &mut Solver) -> EnvironmentChange {
        let mut result = EnvironmentChange::equal(self.environment, Settled::Solver);
        result.note = self.pair.note;
        let (base, head) = (self.half(self.pair.base), self.half(self.pair.head));
        let (to, from) = match self.direction {
            Direction::NewlyAllowed => (&head, &base),
            Direction::NewlyDenied => (&base, &head),
        };
        // The schema and the directory that count are the head's, where it has the environment.
        let (Some(to), Some(world)) = (to, head.as_ref().or(base.as_ref())) else { return result };
        let one_way = OneWay { pairing: self, world: world.snapshot, to, from: from.as_ref() };
        if let Err(reason) = one_way.run(solver, &mut result.differences, &mut result.reached) {
            result.undecided.push(format!("{}: {reason}", self.direction.words(Language::English)));
        }
        // The solver finds causes in no order.
        result.differences.sort_by(|one, other| one.policies.cmp(&other.policies));
        result
    }
}

impl EnvironmentChange {
    /// What was found in the other direction, or of other questions.
    pub(super) fn add(&mut self, more: Self) {
        self.differences.extend(more.differences);
        self.reached = joined(std::mem::take(&mut self.reached), more.reached);
        self.undecided.extend(more.undecided);
        self.note = self.note.or(more.note);
        if more.settled == Settled::Solver {
            self.settled = Settled::Solver;
        }
    }
}

/// The accounts of both; of whom it is not known in one part may be known in the other.
fn joined(mut some: Vec<Reached>, more: Vec<Reached>) -> Vec<Reached> {
    for reached in more {
        match some.iter_mut().find(|it| it.change == reached.change) {
            Some(it) => {
                it.accounts.extend(reached.accounts);
                it.accounts.sort();
                it.accounts.dedup();
                it.open = it.open.max(reached.open);
            }
            None => some.push(reached),
        }
    }
    some
}

#[cfg(test)]
mod tests {
    use super::{super::Note, *};

    #[test]
    fn what_both_directions_say_is_in_the_whole() {
        let action = r#"Action::"read""#.parse().unwrap();
        let environment = Environment { principal: "A".parse().unwrap(), action, resource: "B".parse().unwrap() };
        let reached = |change, names: [&str; 2]| Reached {
            change,
            accounts: names.map(str::to_owned).to_vec(),
            open: 1,
            whoever: false,
        };
        let mut whole = EnvironmentChange::equal(&environment, Settled::Cache);
        whole.add(EnvironmentChange {
            reached: vec![reached(Direction::NewlyAllowed, ["a", "c"])],
            ..EnvironmentChange::equal(&environment, Settled::Cache)
        });
        assert_eq!((whole.settled, whole.note), (Settled::Cache, None));
        whole.add(EnvironmentChange {
            note: Some(Note::NewSchema),
            undecided: vec!["newly denied: it took too long".to_owned()],
            reached: vec![reached(Direction::NewlyDenied, ["a", "b"]), reached(Direction::NewlyAllowed, ["b", "c"])],
            ..EnvironmentChange::equal(&environment, Settled::Solver)
        });
        assert_eq!((whole.settled, whole.note, whole.undecided.len()), (Settled::Solver, Some(Note::NewSchema), 1));
        let accounts: Vec<_> = whole.reached.iter().map(|it| (it.change, it.accounts.concat(), it.open)).collect();
        let expected = [(Direction::NewlyAllowed, "abc".to_owned(), 1), (Direction::NewlyDenied, "ab".to_owned(), 1)];
        assert_eq!(accounts, expected);
    }
}
