//! Warns of vacuous guarantees: they hold whatever the policies say, and so guarantee nothing.
//!
//! A guarantee that forbids what no policy permits today is useful: it protects against a later policy.

use super::{annotations, entities, never, written};
use crate::{sources::policy::Policies, types::problem::Problem};
use cedar_policy as cedar;

/// Warns of guarantees that match no question under the schema, and of those that only forbid where nothing is
/// permitted. It also warns of templates among them, and of misspellings as in policies.
#[must_use]
pub fn guarantees(stated: &Policies, policies: &Policies) -> Vec<Problem> {
    let mut problems = Vec::new();
    entities::not_linked(stated, &mut problems);
    annotations::misspelt(stated, &mut problems);
    never::met(stated, &mut problems);
    let nothing_is_permitted = !policies.set.policies().any(|policy| policy.effect() == cedar::Effect::Permit);
    for (id, place) in written(stated) {
        let Some(guarantee) = stated.set.policy(id) else { continue };
        let vacuous = |message: String, help: &str| {
            let problem = Problem::warning("guarantee::vacuous", &place.file, message);
            problem.at(place.first_line(), "this guarantee").help(help)
        };
        if guarantee.get_valid_request_envs(&stated.schema).next().is_none() {
            let message = format!("the guarantee `{id}` is about nothing: no question fits its types and conditions");
            problems.push(vacuous(message, "mend the types, actions or conditions that exclude each other"));
        } else if guarantee.effect() == cedar::Effect::Forbid && nothing_is_permitted {
            let message = format!("the guarantee `{id}` holds for want of any policy: none permits anything");
            problems.push(vacuous(message, "check that the policies lie in this folder, in files that end in .cedar"));
        }
    }
    problems.sort_by_key(|problem| (problem.file().to_owned(), problem.position()));
    problems
}
