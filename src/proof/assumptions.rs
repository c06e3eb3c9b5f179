//! What every question that reaches the engine has in common, because poort makes it so. Nothing that a caller or the
//! directory may choose is assumed.
//!
//! This is the whole list, each with its reason:
//! 1. `context.pdp.hour` is 0 to 23, `context.pdp.today` is a midnight between the years 0 and 9999, and
//!    `context.pdp.now` lies at most a day and a half from `today`: the clock makes them (`pdp::Clock`), and no place on
//!    earth is further from UTC than that. What of `context.pdp` the schema declares is there, but for `application`.
//! 2. A whole number that a caller gives lies within ±(2^53 − 1): the wire carries no others (`engine::translate`).
//! 3. A date that a caller gives can be written down: it lies between the years 0 and 9999.
//! 4. An entity that a question speaks for is in the entities of its `@parents` attributes, and in what lies above them,
//!    and in nothing else (`engine::translate`). "Nothing else" is not assumed where such an attribute is a set; what is
//!    then found may be refuted by the engine, and is reported as undecided.
//! 5. The principal and the resource are known: poort denies otherwise, whatever the policies say. (Not so with
//!    `directory.unknown = "evaluate"`.) Other entities may be nowhere: `known`.

use super::{Environment, Rule, known::KNOWN, meaning::all};
use crate::policy::{ActionModel, Attributes, EntityModel, Extension, Held, Policies, Reference, Shape};
use cedar_policy_core::ast::{self, Expr, ExprKind, Var};
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
}

/// What holds for every question that poort makes in an environment, for the policies that are asked about.
///
/// # Errors
/// A fault of poort: an assumption that is no Cedar.
pub(crate) fn assumptions(policies: &Policies, environment: &Environment, rules: &[&Rule]) -> Result<Assumed, String> {
    let model = &policies.model;
    let read = Read::of(rules);
    let mut texts = Vec::new();
    let mut heavy = Vec::new();
    if let Ok(action) = model.action(&environment.action.to_string()) {
        clock(action, &read, &mut texts, &mut heavy);
        texts.extend(within("context", &action.context, &read));
        if let Some(properties) = &action.properties {
            let within = within("context.action", &properties.attributes, &read);
            texts.extend(within.map(|within| format!("!(context has action) || ({within})")));
        }
    }
    for (variable, name, kind) in
        [(Var::Principal, "principal", &environment.principal), (Var::Resource, "resource", &environment.resource)]
    {
        if !matches!(model.entity_type(kind).map(|entity| &entity.held), None | Some(Held::BySchema(_))) {
            texts.push(format!("{name}[{}]", quoted(KNOWN)));
        }
        if let Some(entity) = model.entity_type(kind)
            && let Held::ByRequest { attributes, parents, .. } = &entity.held
        {
            texts.extend(within(name, attributes, &read));
            let parents = Parents { policies, environment, variable, name, entity, attributes, parents };
            parents.assume(rules, &mut texts);
        }
    }
    let parsed = |texts: &[String]| -> Result<Vec<Expr>, String> {
        let parsed = texts
            .iter()
            .map(|text| text.parse().map_err(|error| format!("the assumption `{text}` is not Cedar: {error}")));
        parsed.collect()
    };
    Ok(Assumed {
        light: all(parsed(&texts)?),
        heavy: (!heavy.is_empty()).then(|| parsed(&heavy).map(all)).transpose()?,
    })
}

/// The names of the attributes that policies read. What none of them reads needs no assumption.
struct Read(BTreeSet<SmolStr>);

impl Read {
    fn of(rules: &[&Rule]) -> Self {
        let parts = rules.iter().flat_map(|rule| rule.condition.subexpressions());
        Self(
            parts
                .filter_map(|part| match part.expr_kind() {
                    ExprKind::GetAttr { attr, .. } => Some(attr.clone()),
                    _ => None,
                })
                .collect(),
        )
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

fn clock(action: &ActionModel, read: &Read, texts: &mut Vec<String>, heavy: &mut Vec<String>) {
    let Some(pdp) = action.pdp else { return };
    texts.push("context has pdp".to_owned());
    for (declared, name) in [(pdp.hour, "hour"), (pdp.today, "today"), (pdp.now, "now")] {
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
            let path = format!("{base}[{name}]");
            let bounds = match &attribute.shape {
                Shape::Long => format!("{path} >= -{EXACT} && {path} <= {EXACT}"),
                Shape::Extension(Extension::Datetime) => {
                    format!("{path} >= datetime(\"{FIRST}\") && {path} <= datetime(\"{LAST}\")")
                }
                Shape::Record(inner) => within(&path, inner, read)?,
                _ => return None,
            };
            Some(if attribute.required {
                format!("({bounds})")
            } else {
                format!("(!({base} has {name}) || ({bounds}))")
            })
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join(" && "))
}

pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.escape_debug())
}

/// A party of the question that the question speaks for: where it can lie.
struct Parents<'a> {
    policies: &'a Policies,
    environment: &'a Environment,
    variable: Var,
    name: &'a str,
    entity: &'a EntityModel,
    attributes: &'a Attributes,
    parents: &'a [SmolStr],
}

impl Parents<'_> {
    fn assume(&self, rules: &[&Rule], texts: &mut Vec<String>) {
        let Self { name, attributes, parents, .. } = self;
        // For each attribute: how to reach it, guarded if it is optional.
        let mut reached = Vec::new();
        let mut all_single = true;
        for parent in *parents {
            let Some(attribute) = attributes.get(parent) else { continue };
            let path = format!("{name}[{}]", quoted(parent));
            let guard = format!("{name} has {}", quoted(parent));
            match &attribute.shape {
                Shape::Entity(_) => {
                    texts.push(if attribute.required {
                        format!("{name} in {path}")
                    } else {
                        format!("!({guard}) || {name} in {path}")
                    });
                }
                // `in` a set asks for one of its elements. That it is in each of them cannot be said in general.
                _ => {
                    all_single = false;
                    continue;
                }
            }
            reached.push(if attribute.required { path } else { format!("{guard} && {path}") });
        }
        if !all_single {
            return;
        }
        let mut asked = BTreeSet::new();
        for rule in rules {
            for part in rule.condition.subexpressions() {
                if let ExprKind::BinaryApp { op: ast::BinaryOp::In, arg1, arg2 } = part.expr_kind()
                    && matches!(arg1.expr_kind(), ExprKind::Var(variable) if *variable == self.variable)
                {
                    self.targets(arg2, &mut asked);
                }
            }
        }
        for (target, guard, same_type) in asked {
            let mut ways: Vec<_> = reached.iter().map(|path| format!("({path} in {target})")).collect();
            if same_type {
                ways.push(format!("({name} == {target})"));
            }
            let ways = if ways.is_empty() { "false".to_owned() } else { ways.join(" || ") };
            texts.push(format!("!({guard}{name} in {target}) || {ways}"));
        }
    }

    /// What stands to the right of an `in`: entities, and paths to entities, with the conditions under which these exist
    /// and whether they are of the party's own type.
    fn targets(&self, expression: &Expr, found: &mut BTreeSet<(String, String, bool)>) {
        match expression.expr_kind() {
            ExprKind::Lit(ast::Literal::EntityUID(uid)) => {
                found.insert((uid.to_string(), String::new(), *uid.entity_type() == self.entity.name));
            }
            ExprKind::Set(elements) => elements.iter().for_each(|element| self.targets(element, found)),
            ExprKind::GetAttr { .. } => {
                if let Some((path, guard, Some(kind))) = self.path(expression) {
                    let same = kind == self.entity.name;
                    found.insert((path, guard, same));
                }
            }
            ExprKind::Var(other @ (Var::Principal | Var::Resource)) if *other != self.variable => {
                if let Some((path, guard, Some(kind))) = self.path(expression) {
                    found.insert((path, guard, kind == self.entity.name));
                }
            }
            _ => {}
        }
    }

    /// A path from a variable: its text, the guards of its steps, and the entity type at its end, if it is one.
    fn path(&self, expression: &Expr) -> Option<(String, String, Option<ast::EntityType>)> {
        let (path, guard, end) = self.walk(expression)?;
        let kind = match end {
            End::Entity(kind) => Some(kind),
            End::Record(_) => None,
        };
        Some((path, guard, kind))
    }

    fn walk(&self, expression: &Expr) -> Option<(String, String, End)> {
        match expression.expr_kind() {
            ExprKind::Var(Var::Principal) => {
                Some(("principal".to_owned(), String::new(), End::Entity(self.environment.principal.clone())))
            }
            ExprKind::Var(Var::Resource) => {
                Some(("resource".to_owned(), String::new(), End::Entity(self.environment.resource.clone())))
            }
            ExprKind::Var(Var::Context) => {
                let action = self.policies.model.action(&self.environment.action.to_string()).ok()?;
                let context = action.context.iter().map(|(name, attribute)| (name.clone(), attribute.shape.clone()));
                Some(("context".to_owned(), String::new(), End::Record(context.collect())))
            }
            ExprKind::GetAttr { expr, attr } => {
                let (path, guard, end) = self.walk(expr)?;
                // What lies behind another entity may be nowhere.
                if matches!(end, End::Entity(_)) && !matches!(expr.expr_kind(), ExprKind::Var(_)) {
                    return None;
                }
                let name = quoted(attr);
                let shape = match end {
                    End::Record(fields) => fields.into_iter().find(|(field, _)| field == attr)?.1,
                    End::Entity(kind) => {
                        let declared = self.policies.schema.as_ref().get_entity_type(&kind)?;
                        Shape::of(&declared.attr(attr)?.attr_type, self.policies.schema.as_ref())?
                    }
                };
                let end = match shape {
                    Shape::Entity(Reference { kind, .. }) => End::Entity(kind),
                    Shape::Record(fields) => {
                        End::Record(fields.iter().map(|(name, field)| (name.clone(), field.shape.clone())).collect())
                    }
                    _ => return None,
                };
                let guard = format!("{guard}{path} has {name} && ");
                Some((format!("{path}[{name}]"), guard, end))
            }
            _ => None,
        }
    }
}

enum End {
    Entity(ast::EntityType),
    Record(Vec<(SmolStr, Shape)>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Sources;

    const SCHEMA: &str = "entity Group in [Group]; entity Officer in [Group] { level: Long };
        @source(\"request\") @parents(\"unit\") entity Record in [Group] { unit: Group, level: Long, size?: Long };
        @source(\"request\") @parents(\"units\") entity File in [Group] { units: Set<Group> };
        action read appliesTo { principal: [Officer], resource: [Record, File],
            context: { pdp: { hour: Long, today: datetime, now: datetime } } };";

    /// What is assumed for a policy with this condition, in the environment of this type of resource.
    fn assumed(resource: &str, condition: &str) -> String {
        let policy = format!("permit (principal, action, resource is {resource}) when {{ {condition} }};");
        let texts = [("schema.cedarschema", SCHEMA), ("p.cedar", policy.as_str())];
        let (_, policies, problems) = Policies::from_sources(&Sources::from_texts("p", texts));
        let policies = policies.unwrap_or_else(|| panic!("{problems:?}"));
        let rules = Rule::all(&policies.set).unwrap();
        let environments = Environment::all(&policies.model);
        let environment = environments.iter().find(|it| it.resource_name() == resource).unwrap();
        let Assumed { light, heavy } = assumptions(&policies, environment, &rules.iter().collect::<Vec<_>>()).unwrap();
        format!("{light} {}", heavy.map(|heavy| heavy.to_string()).unwrap_or_default())
    }

    #[test]
    fn a_number_of_a_question_is_one_that_the_wire_carries() {
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
        assert!(text.contains("!(resource has size)"), "{text}");
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
    }

    #[test]
    fn a_record_lies_in_its_parents_and_in_nothing_else() {
        let text = assumed("Record", "resource in Group::\"north\"");
        assert!(text.contains("resource in resource.unit"), "{text}");
        assert!(text.contains("resource.unit in Group::\"north\""), "{text}");
    }

    #[test]
    fn where_a_record_lies_is_not_limited_if_its_parents_are_a_set() {
        let text = assumed("File", "resource in Group::\"north\"");
        assert!(!text.contains("in Group::"), "{text}");
    }

    #[test]
    fn both_parties_are_known() {
        let text = assumed("Record", "true");
        assert!(text.contains(&format!("principal[{}]", quoted(KNOWN))), "{text}");
    }
}
