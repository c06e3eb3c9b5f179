//! Converts parsed policies to their syntax tree, which has no source locations.
//!
//! Cedar's validator skips what follows `false &&`, so a call with too many arguments can be valid there and have no
//! tree. Such a call is reported with its place, as any other mistake.

use super::parse::{Parsed, Place};
use crate::types::problem::Problem;
use cedar_policy as cedar;
use cedar_policy_core::{
    ast::{self, Expr},
    pst,
};

/// The tree of all policies. `None` if one of them has none; the problems then say which one, and why.
pub(super) fn tree(parsed: &Parsed, folder: &str, problems: &mut Vec<Problem>) -> Option<pst::PolicySet> {
    let error = match parsed.set.to_pst() {
        Ok(tree) => return Some(tree),
        Err(error) => error,
    };
    let statics = parsed.set.policies().filter(|policy| policy.template_id().is_none());
    let statics = statics.filter_map(|policy| Some((policy.id(), policy.to_pst().err()?, of_policy(policy))));
    let templates = parsed.set.templates();
    let templates = templates.filter_map(|it| Some((it.id(), it.to_pst().err()?, of_template(it))));
    let mut found: Vec<_> = statics
        .chain(templates)
        .filter_map(|(id, error, condition)| Some(problem(parsed.places.get(id)?, &error.to_string(), condition)))
        .collect();
    if found.is_empty() {
        // No single policy fails, so the set does.
        found.push(Problem::unreadable("policy::set", folder, error.to_string()));
    }
    found.sort_by_key(|problem| (problem.file().to_owned(), problem.position()));
    problems.extend(found);
    None
}

fn of_policy(policy: &cedar::Policy) -> Option<&Expr> {
    AsRef::<ast::Policy>::as_ref(policy).non_scope_constraints()
}

fn of_template(template: &cedar::Template) -> Option<&Expr> {
    AsRef::<ast::Template>::as_ref(template).non_scope_constraints()
}

fn problem(place: &Place, message: &str, condition: Option<&Expr>) -> Problem {
    let is_tree = |expression: &Expr| pst::Expr::try_from(expression.clone()).is_ok();
    // The innermost expression that fails: all its parts convert.
    let culprit = condition.into_iter().flat_map(Expr::subexpressions).find(|expression| {
        let mut parts = expression.subexpressions().skip(1);
        !is_tree(expression) && parts.all(is_tree)
    });
    let at = culprit.and_then(Expr::source_loc).map_or_else(|| place.first_line(), |loc| loc.start()..loc.end());
    Problem::error("policy::invalid", &place.file, message)
        .at(at, "here")
        .help("correct it, also where no question comes to it")
}
