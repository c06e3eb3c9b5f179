//! Finds conditions that no question meets, because they name an attribute, a value or a type that the schema rules out
//! there. Such a condition silently disables a part of a rule.
//!
//! Cedar evaluates each to false, and warns only if the whole policy is then false.

use super::{
    typed::{Questions, Typed},
    written,
};
use crate::{
    sources::policy::{
        Limit, Place, Policies, Reference, Shape,
        cedar_core::{
            self,
            ast::{self, BinaryOp, Expr, ExprKind, Literal},
        },
    },
    types::{problem::Problem, suggest::nearest},
};
use std::{collections::BTreeSet, ops::Range};

/// Finds them in all policies and templates.
pub(super) fn met(policies: &Policies, problems: &mut Vec<Problem>) {
    for (_, place) in written(policies) {
        // The checked policies have lost their places.
        let Some(template) = cedar_core::parse(None, place.text()) else { continue };
        let Some(condition) = template.non_scope_constraints() else { continue };
        let mut reader = Reader { policies, place, questions: Questions::of(policies, &template), problems };
        condition.subexpressions().for_each(|expression| reader.expression(expression));
    }
}

struct Reader<'a> {
    policies: &'a Policies,
    place: &'a Place,
    questions: Questions<'a>,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    fn expression(&mut self, expression: &Expr) {
        match expression.expr_kind() {
            ExprKind::HasAttr { expr, attr } => {
                let typed = self.questions.typed(expr);
                self.has(expression, &self.text(expr), &typed, attr);
            }
            ExprKind::ExtHasAttr { expr, attrs } => {
                let (mut typed, mut text) = (self.questions.typed(expr), self.text(expr));
                for attr in attrs {
                    self.has(expression, &text, &typed, attr);
                    typed = self.questions.attribute(typed, attr);
                    text = format!("{text}.{attr}");
                }
            }
            ExprKind::Is { expr, entity_type } => self.is(expression, expr, entity_type),
            ExprKind::Like { expr, pattern } => self.like(expression, expr, pattern),
            ExprKind::BinaryApp { op, arg1, arg2 } => match op {
                BinaryOp::Eq | BinaryOp::Less | BinaryOp::LessEq => {
                    self.literal(arg1, arg2);
                    self.literal(arg2, arg1);
                }
                BinaryOp::Contains | BinaryOp::ContainsAll | BinaryOp::ContainsAny => {
                    self.literals(arg1, arg2);
                    self.literals(arg2, arg1);
                }
                BinaryOp::In => self.below(expression, arg1, arg2),
                BinaryOp::HasTag => self.has_tag(expression, arg1, arg2),
                _ => {}
            },
            _ => {}
        }
    }

    fn like(&mut self, whole: &Expr, of: &Expr, pattern: &ast::Pattern) {
        let limits = self.limits(of);
        let fits =
            |limit: &Limit| limit.names().next().is_none() || limit.names().any(|name| pattern.wildcard_match(name));
        if !limits.is_empty() && !limits.iter().any(fits) {
            self.value(whole, format!("`{}` is never like that", self.text(of)), &limits);
        }
    }

    fn has(&mut self, whole: &Expr, of: &str, typed: &[Typed], name: &str) {
        let declared: Option<Vec<_>> = typed.iter().map(|of| self.questions.attributes(&of.shape)).collect();
        let Some(declared) = declared.filter(|declared| !declared.is_empty()) else { return };
        if declared.iter().any(|attributes| attributes.contains_key(name)) {
            return;
        }
        let known: BTreeSet<_> = declared.iter().flat_map(|attributes| attributes.keys()).collect();
        let help = match nearest(name, known.iter().map(|name| name.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "declare it in the schema, or take the condition out: it is never true".to_owned(),
        };
        let message = format!("no question has `{name}` in `{of}`");
        let problem = Problem::error("policy::unknown-attribute", &self.place.file, message);
        self.problems.push(problem.at(self.at(whole), "never true").help(help));
    }

    fn has_tag(&mut self, whole: &Expr, of: &Expr, name: &Expr) {
        let kinds = self.kinds(of);
        let has_tags =
            |kind: &ast::EntityType| self.policies.model.entity_type(kind).is_none_or(|it| it.tags.is_some());
        if !kinds.is_empty() && !kinds.iter().any(has_tags) {
            let message = format!("no question has tags in `{}`", self.text(of));
            let problem = Problem::error("policy::unknown-attribute", &self.place.file, message);
            let help = "declare `tags` in the schema, or take the condition out: it is never true";
            self.problems.push(problem.at(self.at(whole), "never true").help(help));
        }
        let ExprKind::Lit(Literal::String(text)) = name.expr_kind() else { return };
        let models = kinds.iter().filter_map(|kind| self.policies.model.entity_type(kind));
        let tagged = models.filter(|model| model.tags.is_some());
        let whys: Option<Vec<_>> = tagged.map(|model| model.tag_names.as_ref()?.text(text).err()).collect();
        if let Some(why) = whys.and_then(|whys| whys.into_iter().next()) {
            let message = format!("the name of a tag of `{}` {why}", self.text(of));
            let problem = Problem::error("policy::unknown-attribute", &self.place.file, message);
            let help = "write a name that @tags of the schema lists: the condition is never true";
            self.problems.push(problem.at(self.at(whole), "never true").help(help));
        }
    }

    fn is(&mut self, whole: &Expr, of: &Expr, named: &ast::EntityType) {
        let kinds = self.kinds(of);
        if !kinds.is_empty() && !kinds.contains(named) {
            self.kind(whole, format!("`{}` is never of type {named}", self.text(of)), &kinds);
        }
    }

    fn below(&mut self, whole: &Expr, of: &Expr, above: &Expr) {
        let (kinds, above_kinds) = (self.kinds(of), self.kinds(above));
        let can = |kind: &ast::EntityType, above: &ast::EntityType| self.policies.can_be_in(kind, above);
        let is_known = !kinds.is_empty() && !above_kinds.is_empty();
        if is_known && !kinds.iter().any(|kind| above_kinds.iter().any(|above| can(kind, above))) {
            let message =
                format!("`{}` is never in `{}`: the schema declares no such parents", self.text(of), self.text(above));
            self.kind(whole, message, &kinds);
        }
    }

    fn kind(&mut self, whole: &Expr, message: String, kinds: &[ast::EntityType]) {
        let kinds: Vec<_> = kinds.iter().map(ToString::to_string).collect();
        let problem = Problem::warning("policy::unknown-type", &self.place.file, message);
        let help = format!("correct the type, or take the condition out; here it is of type {}", kinds.join(", "));
        self.problems.push(problem.at(self.at(whole), "never true").help(help));
    }

    /// The types of entities that an expression, or its elements, can be.
    fn kinds(&self, expression: &Expr) -> Vec<ast::EntityType> {
        let typed = self.questions.typed(expression).into_iter();
        let kinds = typed.map(|it| match it.shape {
            Shape::Entity(Reference { kind, .. }) => Some(kind),
            Shape::Set(element) => match element.as_ref() {
                Shape::Entity(Reference { kind, .. }) => Some(kind.clone()),
                _ => None,
            },
            _ => None,
        });
        kinds.collect::<Option<_>>().unwrap_or_default()
    }

    /// Literals that are compared with an expression of limited values.
    fn literals(&mut self, of: &Expr, literals: &Expr) {
        match literals.expr_kind() {
            ExprKind::Set(elements) => elements.iter().for_each(|literal| self.literal(of, literal)),
            _ => self.literal(of, literals),
        }
    }

    fn literal(&mut self, of: &Expr, literal: &Expr) {
        let ExprKind::Lit(value) = literal.expr_kind() else { return };
        let limits = self.limits(of);
        let check = |limit: &Limit| match value {
            Literal::String(text) => limit.text(text),
            Literal::Long(long) => limit.long(*long),
            Literal::Bool(_) | Literal::EntityUID(_) => Ok(()),
        };
        let whys: Option<Vec<_>> = limits.iter().map(|limit| check(limit).err()).collect();
        if let Some(why) = whys.as_ref().and_then(|whys| whys.first()) {
            self.value(literal, format!("`{}` never {why}", self.text(of)), &limits);
        }
    }

    /// The limits of what an expression can be; none, if it can be anything.
    fn limits(&self, expression: &Expr) -> Vec<Limit> {
        let limits = self.questions.typed(expression).into_iter().map(|it| it.limit);
        limits.collect::<Option<_>>().unwrap_or_default()
    }

    fn value(&mut self, at: &Expr, message: String, limits: &[Limit]) {
        let allowed: BTreeSet<_> = limits.iter().map(Limit::described).collect();
        let allowed = allowed.into_iter().collect::<Vec<_>>().join("; ");
        let problem = Problem::warning("policy::unknown-value", &self.place.file, message);
        self.problems.push(problem.at(self.at(at), "never so").help(format!("what the schema allows: {allowed}")));
    }

    /// The place of an expression in the file.
    fn at(&self, expression: &Expr) -> Range<usize> {
        let start = self.place.span.start;
        expression.source_loc().map_or_else(|| self.place.first_line(), |loc| start + loc.start()..start + loc.end())
    }

    fn text(&self, expression: &Expr) -> String {
        let text = self.place.file.text.get(self.at(expression)).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ").replace(" .", ".")
    }
}
