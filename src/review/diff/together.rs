//! What policies and the directory change together for an account of which the policies read something else than before.
//!
//! The comparison of the policies rests on the directory after, and that of the directory on the policies after. So an account
//! that both concern is asked the questions of both, with the policies and the directory before, and with those after. Of
//! whom none is decided otherwise, it is not known.

use super::{Direction, EnvironmentChange, Question, Reached, Side};
use crate::{
    review::proof::Example,
    sources::policy::{cedar_core::ast::EntityUID, id_of},
    types::{
        authzen::{Limits, read_evaluation},
        moment::{Moment, PolicyAge},
    },
};
use std::{collections::BTreeSet, sync::Arc};

/// How deep values of an example are.
const DEPTH: usize = 64;

/// Adds these accounts to the outcome of an environment.
pub(super) fn add(outcome: &mut EnvironmentChange, accounts: &BTreeSet<EntityUID>, base: &Side, head: &Side) {
    let differences = outcome.differences.iter().map(|it| (it.change, &it.example));
    let effects = outcome.accounts.iter().map(|it| (it.change, &it.example));
    let all: Vec<_> = differences.chain(effects).collect();
    let examples: Vec<_> = all.iter().filter_map(|(_, question)| example(question)).collect();
    for change in [Direction::NewlyAllowed, Direction::NewlyDenied] {
        // What is allowed with the policies before is allowed with those after, unless that is a difference; and what is
        // allowed with the directory before, with the one after.
        let is_possible = !outcome.undecided.is_empty() || all.iter().any(|(of, _)| *of == change);
        if accounts.is_empty() || !is_possible {
            continue;
        }
        let concerned: Vec<_> = accounts
            .iter()
            .filter(|uid| examples.iter().any(|example| differs(example, uid, change, base, head)))
            .map(ToString::to_string)
            .collect();
        let open = accounts.len() - concerned.len();
        match outcome.reached.iter_mut().find(|it| it.change == change) {
            Some(reached) => {
                reached.accounts.extend(concerned);
                reached.accounts.sort();
                reached.open += open;
            }
            None => outcome.reached.push(Reached { change, accounts: concerned, open, whoever: false }),
        }
    }
}

/// Whether the sides decide the question of an example otherwise for an account.
fn differs(example: &Example, uid: &EntityUID, change: Direction, base: &Side, head: &Side) -> bool {
    let mut asked = example.clone();
    id_of(uid).clone_into(&mut asked.evaluation.subject.id);
    // A question that one side does not have is refused there.
    let [before, after] =
        [base, head].map(|side| asked.decide(&side.snapshot).is_ok_and(|verdict| verdict.decision.is_allow()));
    match change {
        Direction::NewlyAllowed => !before && after,
        Direction::NewlyDenied => before && !after,
    }
}

/// The question again, to the directory as it is.
fn example(question: &Question) -> Option<Example> {
    let Question { question, today, hour, now, application, late, token, .. } = question;
    let evaluation = read_evaluation(question.to_string().as_bytes(), Limits { depth: DEPTH, batch: 1 }).ok()?;
    let moment = Moment {
        now: now.parse::<jiff::Timestamp>().ok()?.as_millisecond(),
        now_text: now.clone(),
        today: today.clone(),
        hour: *hour,
        application: application.as_deref().map(Arc::from),
        token: token.clone().map(Arc::new),
        policies: if *late { PolicyAge::Late } else { PolicyAge::Live },
    };
    Some(Example { evaluation, moment, entities: Vec::new(), real: true })
}
