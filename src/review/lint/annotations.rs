//! Annotations that are read by nothing, and are like one that is.

use super::written;
use crate::{
    sources::policy::Policies,
    types::{problem::Problem, suggest::nearest},
};

/// What poort reads, and what people do.
const READ: [&str; 5] = ["id", "title", "basis", "obligation", "advice"];

/// Warns of each: what a misspelt `@obligation` asks for, no caller is asked.
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
