//! Makes the hint for a mistake in a policy deterministic.
//!
//! Cedar searches for the most similar name in unordered sets, so among equally similar names its choice varies, and it
//! always offers one. Here names are compared in order, and a name is offered only if it is similar (`types::suggest`).

use crate::types::{problem::Problem, suggest::nearest};
use cedar_policy_core::{ast, validator::ValidatorSchema};

/// How Cedar's hints begin.
const HINT: &str = "did you mean ";

/// The methods of Cedar's values (Cedar policy language reference, "Operators and functions").
const METHODS: [&str; 24] = [
    "contains",
    "containsAll",
    "containsAny",
    "durationSince",
    "getTag",
    "greaterThan",
    "greaterThanOrEqual",
    "hasTag",
    "isEmpty",
    "isInRange",
    "isIpv4",
    "isIpv6",
    "isLoopback",
    "isMulticast",
    "lessThan",
    "lessThanOrEqual",
    "offset",
    "toDate",
    "toDays",
    "toHours",
    "toMilliseconds",
    "toMinutes",
    "toSeconds",
    "toTime",
];

/// The problem with poort's hint in the place of Cedar's.
pub(super) fn settled(problem: Problem, schema: Option<&ValidatorSchema>) -> Problem {
    if !problem.help_text().is_some_and(|help| help.starts_with(HINT)) {
        return problem;
    }
    let message = problem.message().to_owned();
    let named = |before: &str| {
        let (_, name) = message.split_once(before)?;
        Some(name.rsplit_once('`').map_or(name, |(name, _)| name))
    };
    let help = if let (Some(name), Some(schema)) = (named("unrecognized entity type `"), schema) {
        let known = schema.entity_type_names().map(ToString::to_string).collect();
        offered(name, known, "the schema declares no such type")
    } else if let (Some(name), Some(schema)) = (named("unrecognized action `"), schema) {
        action(name, schema)
    } else if let Some(name) = named("`").and_then(|name| name.split('`').next())
        && message.ends_with(" is not a valid method")
    {
        offered(name, METHODS.map(str::to_owned).to_vec(), "Cedar has no such method")
    } else {
        // Other hints rest on names in an order.
        return problem;
    };
    problem.help(help)
}

/// Only ids are compared: the type before them is the same, and would make any two actions similar.
fn action(name: &str, schema: &ValidatorSchema) -> String {
    let id =
        |name: &str| name.parse().map_or_else(|_| name.to_owned(), |uid: ast::EntityUID| uid.eid().escaped().into());
    let mut known: Vec<_> = schema.action_ids().map(|action| action.name().to_string()).collect();
    known.sort();
    let ids: Vec<String> = known.iter().map(|name| id(name)).collect();
    let near = nearest(&id(name), ids.iter().map(String::as_str));
    match known.iter().zip(&ids).find(|(_, id)| Some(id.as_str()) == near) {
        Some((known, _)) => format!("{HINT}`{known}`?"),
        None => format!("the schema declares no such action; it has {}", ids.join(", ")),
    }
}

fn offered(name: &str, mut known: Vec<String>, none: &str) -> String {
    known.sort();
    match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("{HINT}`{near}`?"),
        None => none.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::sources::policy::{Policies, Sources};

    /// The hints for the mistakes of a policy.
    fn hints(policy: &str) -> Vec<String> {
        let schema = "entity Officer; entity Officew; entity Doc; action vies, view, vied, erase \
                      appliesTo { principal: [Officer, Officew], resource: Doc, context: { from?: ipaddr } };";
        let sources = Sources::from_texts("p", [("schema.cedarschema", schema), ("a.cedar", policy)]);
        let problems = Policies::from_sources(&sources).2;
        problems.iter().filter(|it| it.is_error()).filter_map(|it| it.help_text().map(str::to_owned)).collect()
    }

    /// Each set of Cedar has another order, so that twenty tries would differ.
    #[track_caller]
    fn is_always(policy: &str, hint: &str) {
        for _ in 0..20 {
            assert_eq!(hints(policy), [hint], "{policy}");
        }
    }

    #[test]
    fn of_equally_similar_names_the_same_is_suggested() {
        is_always("permit (principal, action == Action::\"viex\", resource);", "did you mean `Action::\"vied\"`?");
        is_always("permit (principal is Officex, action, resource);", "did you mean `Officer`?");
        let address = "permit (principal, action, resource) when { context has from && context.from.isIpv5() };";
        is_always(address, "did you mean `isIpv4`?");
    }

    #[test]
    fn a_name_that_is_unlike_is_not_offered() {
        let has = "the schema declares no such action; it has erase, vied, vies, view";
        is_always("permit (principal, action == Action::\"copying\", resource);", has);
        is_always("permit (principal is Zebra, action, resource);", "the schema declares no such type");
    }
}
