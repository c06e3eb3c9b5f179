//! Has expressions test whether the entities that they read are there.
//!
//! Each expression that reads an entity through a reference has a second one, which says whether what it reads is there.
//! They are apart, so that neither fails: a solver's terms for what can fail double with each step that can. The principal
//! and the resource always exist: poort denies otherwise. An entity of a type whose attributes come from questions exists
//! only if it is one of them: the directory holds none.

use super::joined::any;
use crate::sources::policy::cedar_core::{
    ast::{self, Expr, ExprBuilder, ExprKind, Var},
    validator::{EntityKind, Type, ValidatorSchema},
};
use cedar_policy as cedar;
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// The attribute that says whether the directory knows an entity. No policy reads it: its name is none that a person would
/// write.
pub(crate) const KNOWN: &str = "poort: in the directory";

/// Holds where the directory does not know an entity.
pub(crate) fn is_absent(uid: &ast::EntityUID) -> Expr {
    Expr::not(Expr::get_attr(Expr::val(uid.clone()), KNOWN.into()))
}

/// An expression with its types.
pub(super) type Typed = Expr<Option<Type>>;

/// The schema in one environment, in which every entity says whether the directory knows it.
pub(super) struct Guard<'a> {
    pub(super) schema: &'a ValidatorSchema,
    /// The types that questions speak for.
    pub(super) asked: &'a BTreeSet<ast::EntityType>,
    pub(super) environment: &'a cedar::RequestEnv,
}

impl Guard<'_> {
    /// Holds where an expression is true, and does not where it is false or reads what is missing.
    pub(super) fn guard(&self, typed: &Typed) -> Expr {
        let truth = self.value(typed, &mut None);
        match self.read(typed, &mut Vec::new()) {
            Some(read) => Expr::and(read, truth),
            None => truth,
        }
    }

    /// Holds where what an expression of truth reads is there. `None` if that is always so where all that was `seen`
    /// holds.
    pub(super) fn read(&self, typed: &Typed, seen: &mut Vec<Expr>) -> Option<Expr> {
        let (first, second, goes_on_if) = match typed.expr_kind() {
            ExprKind::And { left, right } => (left, right, true),
            ExprKind::Or { left, right } => (left, right, false),
            ExprKind::UnaryApp { op: ast::UnaryOp::Not, arg } => return self.read(arg, seen),
            ExprKind::If { test_expr, then_expr, else_expr } if is_truth(typed) => {
                let test = self.read(test_expr, seen);
                let then_read = self.read(then_expr, &mut seen.clone());
                let else_read = self.read(else_expr, &mut seen.clone());
                return both(test, self.chosen(test_expr, then_read, else_read));
            }
            _ => {
                let mut needed = Some(Vec::new());
                self.value(typed, &mut needed);
                let needed: Vec<_> = needed.into_iter().flatten().filter(|one| !seen.contains(one)).collect();
                seen.extend(needed.iter().cloned());
                return needed.into_iter().reduce(Expr::and);
            }
        };
        let whole = typed.clone().into_expr::<ExprBuilder<()>>();
        if seen.contains(&whole) {
            return None;
        }
        let before = self.read(first, seen);
        let after = self.read(second, &mut seen.clone());
        seen.push(whole);
        both(before, if goes_on_if { self.chosen(first, after, None) } else { self.chosen(first, None, after) })
    }

    fn chosen(&self, test: &Typed, then_read: Option<Expr>, else_read: Option<Expr>) -> Option<Expr> {
        if then_read.is_none() && else_read.is_none() {
            return None;
        }
        let test = self.value(test, &mut None);
        if let ExprKind::Lit(ast::Literal::Bool(holds)) = test.expr_kind() {
            return if *holds { then_read } else { else_read };
        }
        let or_true = |read: Option<Expr>| read.unwrap_or_else(|| Expr::val(true));
        Some(Expr::ite(test, or_true(then_read), or_true(else_read)))
    }

    /// An expression, whose value matters only where what it reads is there. What has to hold for that is added to
    /// `needed`, if it is asked for: the later may read entities that the earlier say are there.
    fn value(&self, typed: &Typed, needed: &mut Option<Vec<Expr>>) -> Expr {
        match typed.expr_kind() {
            ExprKind::If { test_expr, then_expr, else_expr } => {
                let test = self.truth(test_expr, needed);
                let branch = |expression: &Typed| {
                    let mut own = needed.is_some().then(Vec::new);
                    let value = self.value(expression, &mut own);
                    (value, own.into_iter().flatten().reduce(Expr::and))
                };
                let ((then_value, then_read), (else_value, else_read)) = (branch(then_expr), branch(else_expr));
                let read = self.chosen(test_expr, then_read, else_read);
                if let Some(needed) = needed {
                    needed.extend(read);
                }
                Expr::ite(test, then_value, else_value)
            }
            ExprKind::And { left, right } => match needed {
                Some(_) => self.truth(typed, needed),
                None => Expr::and(self.value(left, needed), self.value(right, needed)),
            },
            ExprKind::Or { left, right } => match needed {
                Some(_) => self.truth(typed, needed),
                None => Expr::or(self.value(left, needed), self.value(right, needed)),
            },
            ExprKind::UnaryApp { op, arg } => Expr::unary_app(*op, self.value(arg, needed)),
            ExprKind::BinaryApp { op, arg1, arg2 } => {
                let (left, right) = (self.value(arg1, needed), self.value(arg2, needed));
                let asked = Expr::binary_app(*op, left.clone(), right.clone());
                match op {
                    ast::BinaryOp::HasTag if self.is_led_to(arg1) => Expr::and(self.known(arg1, left), asked),
                    // A missing entity is in itself and in nothing else.
                    ast::BinaryOp::In if self.is_led_to(arg1) => match (entity_type(arg1), arg2.data()) {
                        (Some(kind), _) if entity_type(arg2) == Some(kind) => {
                            Expr::ite(self.known(arg1, left.clone()), asked, Expr::is_eq(left, right))
                        }
                        (Some(kind), Some(Type::Set { element_type: Some(element) }))
                            if single(element) == Some(kind) =>
                        {
                            let among = Expr::binary_app(ast::BinaryOp::Contains, right, left.clone());
                            Expr::ite(self.known(arg1, left), asked, among)
                        }
                        _ => Expr::and(self.known(arg1, left), asked),
                    },
                    _ => asked,
                }
            }
            ExprKind::ExtensionFunctionApp { fn_name, args } => {
                let args = args.iter().map(|arg| self.value(arg, needed)).collect();
                Expr::call_extension_fn(fn_name.clone(), args)
            }
            ExprKind::GetAttr { expr, attr } => {
                let from = self.value(expr, needed);
                // An optional attribute is read only where `has` said that it is there.
                if let Some(needed) = needed
                    && attr != KNOWN
                    && self.is_led_to(expr)
                    && self.requires(expr, attr)
                {
                    needed.push(self.known(expr, from.clone()));
                }
                Expr::get_attr(from, attr.clone())
            }
            ExprKind::HasAttr { expr, attr } => {
                let from = self.value(expr, needed);
                let asked = Expr::has_attr(from.clone(), attr.clone());
                if self.is_led_to(expr) { Expr::and(self.known(expr, from), asked) } else { asked }
            }
            ExprKind::ExtHasAttr { expr, attrs } => {
                let from = self.value(expr, needed);
                self.has_all(expr, from, attrs.iter())
            }
            ExprKind::Like { expr, pattern } => Expr::like(self.value(expr, needed), pattern.clone()),
            ExprKind::Is { expr, entity_type } => Expr::is_entity_type(self.value(expr, needed), entity_type.clone()),
            ExprKind::Set(elements) => Expr::set(elements.iter().map(|element| self.value(element, needed))),
            ExprKind::Record(fields) => {
                let fields = fields.iter().map(|(name, field)| (name.clone(), self.value(field, needed)));
                Expr::record_arc(std::sync::Arc::new(fields.collect()))
            }
            _ => typed.clone().into_expr::<ExprBuilder<()>>(),
        }
    }

    /// An expression of truth within another.
    fn truth(&self, typed: &Typed, needed: &mut Option<Vec<Expr>>) -> Expr {
        if let Some(needed) = needed {
            let read = self.read(typed, &mut needed.clone());
            needed.extend(read);
        }
        self.value(typed, &mut None)
    }

    /// `from has a.b.c` as separate steps: each may lead to a missing entity.
    fn has_all<'a>(&self, typed: &Typed, mut from: Expr, attributes: impl Iterator<Item = &'a SmolStr>) -> Expr {
        let mut kind = typed.data().clone();
        let mut may_be_nowhere = self.is_led_to(typed);
        let mut steps = Vec::new();
        for attribute in attributes {
            let asked = Expr::has_attr(from.clone(), attribute.clone());
            steps.push(match kind.as_ref().and_then(single).filter(|_| may_be_nowhere) {
                Some(kind) => Expr::and(self.known_as(from.clone(), kind), asked),
                None => asked,
            });
            from = Expr::get_attr(from, attribute.clone());
            kind = kind.and_then(|kind| self.attribute_type(&kind, attribute));
            may_be_nowhere = kind.as_ref().and_then(single).is_some_and(|kind| self.is_extended(kind));
        }
        steps.into_iter().reduce(Expr::and).unwrap_or_else(|| Expr::val(true))
    }

    fn attribute_type(&self, kind: &Type, attribute: &str) -> Option<Type> {
        let found = match kind {
            Type::Record { attrs, .. } => attrs.get_attr(attribute)?,
            kind => self.schema.get_entity_type(single(kind)?)?.attr(attribute)?,
        };
        Some(found.attr_type.as_ref().clone())
    }

    /// Holds where the entity that is the value of an expression exists.
    fn known(&self, typed: &Typed, entity: Expr) -> Expr {
        match entity_type(typed) {
            Some(kind) => self.known_as(entity, kind),
            None => Expr::get_attr(entity, KNOWN.into()),
        }
    }

    fn known_as(&self, entity: Expr, kind: &ast::EntityType) -> Expr {
        if !self.asked.contains(kind) {
            return Expr::get_attr(entity, KNOWN.into());
        }
        let parties = [(Var::Principal, self.environment.principal()), (Var::Resource, self.environment.resource())];
        let is_it = |(party, of): (Var, &cedar::EntityTypeName)| {
            (AsRef::<ast::EntityType>::as_ref(of) == kind).then(|| Expr::is_eq(entity.clone(), Expr::var(party)))
        };
        any(parties.into_iter().filter_map(is_it))
    }

    /// Whether entities of this type say whether they are known.
    fn is_extended(&self, kind: &ast::EntityType) -> bool {
        self.schema.get_entity_type(kind).is_some_and(|declared| declared.attr(KNOWN).is_some())
    }

    /// Whether an expression is an entity that may be missing.
    fn is_led_to(&self, typed: &Typed) -> bool {
        !matches!(typed.expr_kind(), ExprKind::Var(Var::Principal | Var::Resource | Var::Action))
            && self.declares(typed, KNOWN).is_some()
    }

    fn requires(&self, typed: &Typed, attribute: &str) -> bool {
        self.declares(typed, attribute).unwrap_or(true)
    }

    /// Whether the entity type of an expression requires an attribute; `None` if it is no entity or has none such.
    fn declares(&self, typed: &Typed, attribute: &str) -> Option<bool> {
        Some(self.schema.get_entity_type(entity_type(typed)?)?.attr(attribute)?.is_required)
    }
}

/// The type of the entity that an expression is.
fn entity_type(typed: &Typed) -> Option<&ast::EntityType> {
    single(typed.data().as_ref()?)
}

fn single(ty: &Type) -> Option<&ast::EntityType> {
    match ty {
        Type::Entity(EntityKind::Entity(types)) => types.get_single_entity(),
        _ => None,
    }
}

fn is_truth(typed: &Typed) -> bool {
    matches!(typed.data(), Some(Type::Bool(_)))
}

fn both(first: Option<Expr>, second: Option<Expr>) -> Option<Expr> {
    first.into_iter().chain(second).reduce(Expr::and)
}

#[cfg(test)]
mod tests {
    use super::super::{Environment, MissingEntities, joined::from_the_right};
    use crate::sources::policy::{Policies, Sources, cedar_core::ast::Expr};

    const SCHEMA: &str =
        "entity Unit { level: Long, above?: Unit }; entity User in [Unit] { unit: Unit, boss?: User, level: Long };
        @source(\"request\") entity Doc { owner: User };
        action read appliesTo { principal: [User], resource: [Doc], context: {} };";

    fn with<T>(use_it: impl FnOnce(&MissingEntities, &cedar_policy::RequestEnv) -> T) -> T {
        let (_, policies, problems) =
            Policies::from_sources(&Sources::from_texts("p", [("schema.cedarschema", SCHEMA)]));
        let policies = policies.unwrap_or_else(|| panic!("{problems:?}"));
        let environment = Environment::all(&policies.model)[0].cedar();
        use_it(&MissingEntities::of(&policies).unwrap(), &environment)
    }

    #[track_caller]
    fn check(expression: &str, read: Option<&str>) {
        let found = with(|known, environment| known.is_read(expression.parse().unwrap(), environment).unwrap());
        let found = found.map(|read| read.to_string().replace(r#"["poort: in the directory"]"#, "?"));
        assert_eq!(found.as_deref(), read, "{expression}");
    }

    #[test]
    fn what_reads_a_required_attribute_needs_its_entity() {
        check("principal.level > 2", None);
        check("principal.unit.level > 2", Some("principal.unit?"));
        check("principal.unit.level > principal.unit.level", Some("principal.unit? && principal.unit?"));
    }

    #[test]
    fn what_asks_for_the_entity_itself_needs_nothing() {
        for expression in [
            "principal in resource.owner.unit",
            "resource.owner == principal",
            "principal.unit has above",
            "principal.unit in principal.unit",
        ] {
            let is_read = with(|known, environment| known.is_read(expression.parse().unwrap(), environment).unwrap());
            assert_eq!(is_read.is_some(), expression.contains("owner.unit"), "{expression}: {is_read:?}");
        }
    }

    #[test]
    fn what_was_needed_before_is_not_needed_again() {
        check("principal.unit.level > 2 && principal.unit.level < 5", Some("principal.unit?"));
    }

    #[test]
    fn an_operand_that_is_not_reached_needs_nothing() {
        check(
            "principal.level > 2 && principal.unit.level > 2",
            Some("if !(principal.level <= 2) then principal.unit? else true"),
        );
        check(
            "principal.level > 2 || principal.unit.level > 2",
            Some("if !(principal.level <= 2) then true else principal.unit?"),
        );
    }

    /// The solver's terms grow as the expression does, however many steps may fail.
    #[test]
    fn a_guarded_condition_grows_with_its_length() {
        let size = |steps: usize| {
            let steps = vec!["(principal has boss && principal.boss.unit.level > 2)"; steps].join(" && ");
            let condition: Expr = from_the_right(&steps.parse().unwrap());
            with(|known, environment| known.guarded(condition, environment).unwrap().subexpressions().count())
        };
        assert!(size(40) < 3 * size(20), "{} {}", size(20), size(40));
    }
}
