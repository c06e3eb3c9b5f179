//! The assumptions of proofs: what poort guarantees of every question that reaches the engine. Nothing that a caller or
//! the directory may choose is assumed.
//!
//! This is the whole list, each with its reason:
//! 1. `context.pdp.hour` is 0 to 23, `context.pdp.today` is a midnight between the years 0 and 9999, and
//!    `context.pdp.now` is at most a day and a half from `today`: the clock makes them (`pdp::Clock`), and no time zone is
//!    further from UTC. Of `context.pdp`, all that the schema declares is present, but for `application`.
//! 2. A whole number from a caller is within ±(2^53 − 1): the wire carries no others (`engine::translate`). Nothing is
//!    assumed of elements of sets, nor of tags whose name is computed.
//! 3. A date from a caller can be written: it is between the years 0 and 9999. The same exceptions hold.
//! 4. An entity whose attributes come from the question is in the entities of its `@parents` attributes, in their
//!    ancestors, and in nothing else (`engine::translate`). Where such an attribute is a set, the entity is assumed to be
//!    in each element that policies name, and in nothing if all are empty or absent. The engine may refute an example that
//!    is found beyond that; it is reported as undecided.
//! 5. The principal and the resource are known: poort denies otherwise, whatever the policies say. (Not so with
//!    `directory.unknown = "evaluate"`.) Other entities may be missing, but for those that the schema lists:
//!    `missing_entities`, `Model::may_be_nowhere`.
//! 6. An entity of a type that the schema lists is one of those (`policy::Listed`).
//! 7. The schema's limits on values (`@values`, `@range`) hold for the question and for both parties: `limits`.
//!
//! An assumption about an optional value tests for it first, in the form that tells Cedar's typechecker that it is there.

use super::{
    Environment, Rule,
    cedar_text::{guarded, quoted},
    guard::KNOWN,
    joined::all,
    limits,
    parents::Parents,
};
use crate::sources::policy::{
    ActionModel, Attributes, Extension, Held, Policies, Shape,
    cedar_core::ast::{BinaryOp, Expr, ExprKind, Literal, Var},
};
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// The largest whole number that the wire carries.
const EXACT: i64 = 9_007_199_254_740_991;
/// The first and the last moment that can be written down.
const FIRST: &str = "0000-01-01T00:00:00.000+2359";
const LAST: &str = "9999-12-31T23:59:59.999-2359";

/// What holds for every question that poort makes in an environment, as far as it matters to some policies.
#[derive(Debug, Clone)]
pub(crate) struct Assumed {
    /// What costs the solver little.
    pub(crate) light: Expr,
    /// What costs it much, and matters seldom. It is enough to assume it where a request was found without it: what is
    /// refuted without it is refuted.
    pub(crate) heavy: Option<Expr>,
    /// What does not hold of all questions, and narrows them to some of which more can be said: to look for an example where
    /// none was found otherwise.
    pub(crate) narrow: Option<Expr>,
}

/// What holds for every question that poort makes in an environment, for the policies that are asked about.
///
/// # Errors
/// A fault of poort: an assumption that is no Cedar.
pub(crate) fn assumptions(policies: &Policies, environment: &Environment, rules: &[&Rule]) -> Result<Assumed, String> {
    let model = &policies.model;
    let read = Read::of(rules);
    let mut texts = Vec::new();
    let (mut heavy, mut narrow) = (Vec::new(), Vec::new());
    if let Ok(action) = model.action(&environment.action.to_string()) {
        clock(action, &read, &mut texts, &mut heavy);
        texts.extend(within("context", &action.context, &read));
        heavy.extend(limits::assumed("context", &action.context, &|name| read.has(name)));
        if let Some(properties) = &action.properties {
            let within = within("context.action", &properties.attributes, &read);
            texts.extend(within.map(|within| guarded("context has action", &within)));
            let limits = limits::assumed("context.action", &properties.attributes, &|name| read.has(name));
            heavy.extend(limits.map(|limits| guarded("context has action", &limits)));
        }
    }
    for (variable, name, kind) in
        [(Var::Principal, "principal", &environment.principal), (Var::Resource, "resource", &environment.resource)]
    {
        if !matches!(model.entity_type(kind).map(|entity| &entity.held), None | Some(Held::BySchema(_))) {
            texts.push(format!("{name}[{}]", quoted(KNOWN)));
        }
        let declared = model.entity_type(kind).and_then(|entity| entity.attributes.as_deref());
        heavy.extend(declared.and_then(|declared| limits::assumed(name, declared, &|name| read.has(name))));
        if let Some(entity) = model.entity_type(kind)
            && let Held::ByRequest { attributes, parents, tags } = &entity.held
        {
            texts.extend(within(name, attributes, &read));
            texts.extend(tags.iter().flat_map(|shape| tags_within(name, shape, &read)));
            let parents = Parents { policies, environment, variable, name, entity, attributes, parents };
            parents.assume(rules, &mut texts, &mut narrow);
        }
    }
    let parsed = |texts: &[String]| -> Result<Vec<Expr>, String> {
        let parsed = texts
            .iter()
            .map(|text| text.parse().map_err(|error| format!("the assumption `{text}` is not Cedar: {error}")));
        parsed.collect()
    };
    let some = |texts: &[String]| (!texts.is_empty()).then(|| parsed(texts).map(all)).transpose();
    Ok(Assumed { light: all(parsed(&texts)?), heavy: some(&heavy)?, narrow: some(&narrow)? })
}

/// The names of the attributes and the tags that policies read. What none of them reads needs no assumption.
struct Read {
    attributes: BTreeSet<SmolStr>,
    tags: BTreeSet<SmolStr>,
}

impl Read {
    fn of(rules: &[&Rule]) -> Self {
        let (mut attributes, mut tags) = (BTreeSet::new(), BTreeSet::new());
        for part in rules.iter().flat_map(|rule| rule.condition.subexpressions()) {
            match part.expr_kind() {
                ExprKind::GetAttr { attr, .. } => drop(attributes.insert(attr.clone())),
                ExprKind::BinaryApp { op: BinaryOp::GetTag, arg2, .. } => {
                    if let ExprKind::Lit(Literal::String(name)) = arg2.expr_kind() {
                        tags.insert(name.clone());
                    }
                }
                _ => {}
            }
        }
        Self { attributes, tags }
    }

    fn has(&self, name: &str) -> bool {
        self.attributes.contains(name)
    }
}

fn clock(action: &ActionModel, read: &Read, texts: &mut Vec<String>, heavy: &mut Vec<String>) {
    let Some(pdp) = action.pdp else { return };
    texts.push("context has pdp".to_owned());
    for (declared, name) in [(pdp.hour, "hour"), (pdp.today, "today"), (pdp.now, "now"), (pdp.policies, "policies")] {
        if declared {
            texts.push(format!("context has pdp && context.pdp has {name}"));
        }
    }
    let assume = |names: &[(bool, &str)], what: &str, into: &mut Vec<String>| {
        if names.iter().all(|(declared, name)| *declared && read.has(name)) {
            let guard: String = names.iter().map(|(_, name)| format!("context.pdp has {name} && ")).collect();
            into.push(format!("context has pdp && {guard}{what}"));
        }
    };
    assume(&[(pdp.hour, "hour")], "context.pdp.hour >= 0 && context.pdp.hour <= 23", texts);
    let ages = "(context.pdp.policies == \"live\" || context.pdp.policies == \"late\")";
    assume(&[(pdp.policies, "policies")], ages, texts);
    for (declared, name) in [(pdp.today, "today"), (pdp.now, "now")] {
        let what = format!("context.pdp.{name} >= datetime(\"{FIRST}\") && context.pdp.{name} <= datetime(\"{LAST}\")");
        assume(&[(declared, name)], &what, texts);
    }
    assume(&[(pdp.today, "today")], "context.pdp.today == context.pdp.today.toDate()", heavy);
    assume(
        &[(pdp.now, "now"), (pdp.today, "today")],
        "context.pdp.now >= context.pdp.today.offset(duration(\"-1d12h\")) && \
         context.pdp.now <= context.pdp.today.offset(duration(\"1d12h\"))",
        texts,
    );
}

/// That the numbers and dates of a record are such as the wire carries; `None` if it has neither.
fn within(base: &str, attributes: &Attributes, read: &Read) -> Option<String> {
    let parts: Vec<_> = attributes
        .iter()
        .filter(|(name, _)| read.has(name))
        .filter_map(|(name, attribute)| {
            let name = quoted(name);
            let bounds = bounds(&format!("{base}[{name}]"), &attribute.shape, read)?;
            let guard = if attribute.required { String::new() } else { format!("{base} has {name}") };
            Some(guarded(&guard, &bounds))
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join(" && "))
}

/// That a number or a date is such as the wire carries; `None` if it is neither, and holds none.
fn bounds(path: &str, shape: &Shape, read: &Read) -> Option<String> {
    match shape {
        Shape::Long => Some(format!("{path} >= -{EXACT} && {path} <= {EXACT}")),
        Shape::Extension(Extension::Datetime) => {
            Some(format!("{path} >= datetime(\"{FIRST}\") && {path} <= datetime(\"{LAST}\")"))
        }
        Shape::Record(inner) => within(path, inner, read),
        _ => None,
    }
}

/// The same for the tags that policies take by name.
fn tags_within(base: &str, shape: &Shape, read: &Read) -> Vec<String> {
    let tag = |name: &SmolStr| {
        let name = quoted(name);
        let bounds = bounds(&format!("{base}.getTag({name})"), shape, read)?;
        Some(guarded(&format!("{base}.hasTag({name})"), &bounds))
    };
    read.tags.iter().filter_map(tag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::policy::Sources;

    const SCHEMA: &str = "entity Group in [Group]; entity Officer in [Group] { level: Long };
        @source(\"request\") @parents(\"unit\") entity Record in [Group] { unit: Group, level: Long, size?: Long };
        @source(\"request\") @parents(\"units\") entity File in [Group] { units: Set<Group> };
        action read appliesTo { principal: [Officer], resource: [Record, File],
            context: { pdp: { hour: Long, today: datetime, now: datetime, policies: String } } };";

    /// What is assumed for a policy with this condition, in the environment of this type of resource.
    fn assumed(resource: &str, condition: &str) -> String {
        let policy = format!("permit (principal, action, resource is {resource}) when {{ {condition} }};");
        let texts = [("schema.cedarschema", SCHEMA), ("p.cedar", policy.as_str())];
        let (_, policies, problems) = Policies::from_sources(&Sources::from_texts("p", texts));
        let policies = policies.unwrap_or_else(|| panic!("{problems:?}"));
        let rules = Rule::all(&policies.set).unwrap();
        let environments = Environment::all(&policies.model);
        let environment = environments.iter().find(|it| it.resource_name() == resource).unwrap();
        let Assumed { light, heavy, .. } =
            assumptions(&policies, environment, &rules.iter().collect::<Vec<_>>()).unwrap();
        format!("{light} {}", heavy.map(|heavy| heavy.to_string()).unwrap_or_default())
    }

    #[test]
    fn a_questions_number_is_one_that_the_wire_carries() {
        let text = assumed("Record", "resource.level > 1");
        assert!(text.contains("!(resource.level < (-9007199254740991))"), "{text}");
        assert!(text.contains("resource.level <= 9007199254740991"), "{text}");
    }

    #[test]
    fn of_the_numbers_of_an_account_nothing_is_assumed() {
        let text = assumed("File", "principal.level > 1");
        assert!(!text.contains("9007199254740991"), "{text}");
    }

    #[test]
    fn an_optional_number_is_bounded_where_it_is_there() {
        let text = assumed("Record", "resource has size && resource.size > 1");
        let bounds = "(!(resource.size < (-9007199254740991))) && (resource.size <= 9007199254740991)";
        assert!(text.contains(&format!("if resource has size then {bounds} else true")), "{text}");
    }

    #[test]
    fn what_no_policy_reads_needs_no_assumption() {
        let text = assumed("Record", "true");
        assert!(!text.contains("9007199254740991") && !text.contains("hour <= 23"), "{text}");
    }

    #[test]
    fn the_clock_gives_hours_of_a_day_and_midnights() {
        assert!(assumed("Record", "context.pdp.hour < 6").contains("hour <= 23"));
        assert!(assumed("Record", "context.pdp.today == context.pdp.now").contains("today.toDate()"));
        assert!(assumed("Record", "context.pdp.policies == \"late\"").contains("context.pdp.policies == \"live\""));
    }

    #[test]
    fn a_record_is_in_its_parents_and_nothing_else() {
        let text = assumed("Record", "resource in Group::\"north\"");
        assert!(text.contains("resource in resource.unit"), "{text}");
        assert!(text.contains("resource.unit in Group::\"north\""), "{text}");
    }

    #[test]
    fn a_record_is_in_each_parent_of_a_set_and_no_other() {
        let text = assumed("File", "resource in Group::\"north\"");
        let each = "(!resource.units.contains(Group::\"north\")) || (resource in Group::\"north\")";
        assert!(text.contains(each), "{text}");
        let none = "if resource in Group::\"north\" then !resource.units.isEmpty() else true";
        assert!(text.contains(none), "{text}");
    }

    #[test]
    fn both_parties_are_known() {
        let text = assumed("Record", "true");
        assert!(text.contains(&format!("principal[{}]", quoted(KNOWN))), "{text}");
    }
}
