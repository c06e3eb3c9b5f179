//! Warns of unknown annotations whose names are similar to known ones.

use super::written;
use crate::{
    sources::policy::Policies,
    types::{problem::Problem, suggest::nearest},
};

/// The annotations that poort reads, and those for people.
const READ: [&str; 5] = ["id", "title", "basis", "obligation", "advice"];

/// Warns of each: no caller learns of a misspelt `@obligation`.
pub(super) fn misspelt(policies: &Policies, problems: &mut Vec<Problem>) {
    for (id, place) in written(policies) {
        let policy = policies.set.policy(id).map(|policy| policy.annotations().map(|(name, _)| name).collect());
        let template =
            || policies.set.template(id).map(|template| template.annotations().map(|(name, _)| name).collect());
        let names: Vec<&str> = policy.or_else(template).unwrap_or_default();
        for name in names.into_iter().filter(|name| !READ.contains(name)) {
            if let Some(near) = nearest(name, READ) {
                let message = format!("nothing reads @{name} of `{id}`");
                let problem = Problem::warning("policy::annotation", &place.file, message);
                problems.push(problem.at(place.annotation(name), "here").help(format!("did you mean `@{near}`?")));
            }
        }
    }
}
