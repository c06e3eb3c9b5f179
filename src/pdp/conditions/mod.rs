//! The conditions of a policy: the smallest boolean parts that `&&`, `||`, `!` and `if` combine in its scope, `when`
//! and `unless`. Each has its place in the file.
//!
//! **Invariant:** a walk over the conditions gives Cedar's value of the whole policy, and evaluates each condition
//! exactly when Cedar does (`tests::a_walk_gives_cedars_value_of_the_policy`). The inside of a condition, such as an
//! `if` between numbers, is not split. The literals `true` and `false` are no conditions.
//!
//! Evaluated policies have no source locations (see `policy`), so their texts are parsed again here.
//!
//! - `scope`: the conditions on principal, action and resource
//! - `tree`: how conditions combine

mod scope;
mod tree;

pub use scope::Sides;
pub use tree::Tree;

use crate::sources::policy::{
    Place, Policies,
    cedar_core::{
        self,
        ast::{self, Expr},
    },
    tokens,
};
use cedar_policy as cedar;
use std::ops::Range;
use tree::Finder;

/// A policy or template with its conditions.
#[derive(Debug)]
pub struct Conditioned {
    /// Its id.
    pub id: cedar::PolicyId,
    /// Its place.
    pub place: Place,
    /// Whether it permits or forbids.
    pub effect: ast::Effect,
    /// Its conditions, in the order in which Cedar evaluates them.
    pub conditions: Vec<Condition>,
    /// The literals `true` and `false` in the place of conditions, with their places in the file.
    pub constants: Vec<(bool, Range<usize>)>,
    /// What is evaluated: the policy itself, or the links of the template, by id.
    pub deciding: Vec<ast::Policy>,
    /// Its clauses, in the order of the text. The policy applies where the scope fits, each `when` holds and no `unless`
    /// does.
    pub clauses: Vec<Clause>,
}

/// A `when` or an `unless`.
#[derive(Debug)]
pub struct Clause {
    /// Which of the two.
    pub kind: ClauseKind,
    /// The place of the word, in bytes of the file.
    pub place: Range<usize>,
    /// What is between its braces.
    pub tree: Tree,
}

/// The two kinds of clauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClauseKind {
    /// The policy applies only where it holds.
    When,
    /// The policy applies only where it does not hold.
    Unless,
}

/// A part of a policy that is true or false.
#[derive(Debug)]
pub struct Condition {
    /// Its place, in bytes of the file.
    pub place: Range<usize>,
    /// What it is a part of.
    pub part: Part,
    /// Which outcomes it can have under the schema.
    pub sides: Sides,
    expression: Expr,
}

/// The parts of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The scope's principal.
    Principal,
    /// The scope's action.
    Action,
    /// The scope's resource.
    Resource,
    /// `when` and `unless`.
    Body,
}

impl Part {
    /// Whether it is a part of the scope.
    #[must_use]
    pub const fn is_scope(self) -> bool {
        !matches!(self, Self::Body)
    }
}

impl Condition {
    /// Its expression.
    #[must_use]
    pub const fn expression(&self) -> &Expr {
        &self.expression
    }
}

impl Conditioned {
    /// The text of a condition.
    #[must_use]
    pub fn text(&self, condition: &Condition) -> &str {
        self.place.file.text.get(condition.place.clone()).unwrap_or_default()
    }

    /// The text of a part of a condition, on one line; of a scope, as Cedar writes it.
    #[must_use]
    pub fn part_text(&self, part: &Expr) -> String {
        let place =
            tree::extent(part).map(|place| place.start + self.place.span.start..place.end + self.place.span.start);
        let written = part.to_string();
        let text = place.and_then(|place| self.place.file.text.get(place)).unwrap_or(&written);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The line of a place in the file, counted from one.
    #[must_use]
    pub fn line(&self, place: &Range<usize>) -> usize {
        self.place.file.text.get(..place.start).unwrap_or_default().matches('\n').count() + 1
    }

    /// Walks the conditions as Cedar evaluates them: from left to right, no further than needed. `holds` evaluates one,
    /// by its index. Returns whether the policy applies.
    ///
    /// # Errors
    /// The first error of `holds`, as the policy then has it too.
    pub fn walk<'a, E>(&'a self, mut holds: impl FnMut(usize, &'a Condition) -> Result<bool, E>) -> Result<bool, E> {
        let mut at = |index: usize| match self.conditions.get(index) {
            Some(condition) => holds(index, condition),
            // The tree has no other conditions.
            None => Ok(false),
        };
        let in_scope = self.conditions.iter().enumerate().filter(|(_, condition)| condition.part.is_scope());
        for (index, _) in in_scope {
            if !at(index)? {
                return Ok(false);
            }
        }
        for clause in &self.clauses {
            if clause.tree.walk(&mut at)? != (clause.kind == ClauseKind::When) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The conditions of all policies and templates, by file and place.
#[must_use]
pub fn of(policies: &Policies) -> Vec<Conditioned> {
    let set: &ast::PolicySet = policies.set.as_ref();
    let mut found: Vec<_> = set
        .all_templates()
        .filter_map(|template| {
            let id = cedar::PolicyId::new(AsRef::<str>::as_ref(template.id()));
            let place = policies.places.get(&id)?;
            let mut deciding: Vec<_> =
                set.policies().filter(|policy| policy.template().id() == template.id()).cloned().collect();
            deciding.sort_by(|one, other| AsRef::<str>::as_ref(one.id()).cmp(other.id().as_ref()));
            conditioned(policies, id, place, deciding)
        })
        .collect();
    found.sort_by(|one, other| {
        (&one.place.file.name, one.place.span.start).cmp(&(&other.place.file.name, other.place.span.start))
    });
    found
}

/// The same on a stack of its own: whatever `policy::bounds` accepts fits in it, and it might not fit in the caller's.
#[must_use]
pub fn of_any_depth(policies: &Policies) -> Vec<Conditioned> {
    std::thread::scope(|scope| {
        let made = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || of(policies));
        made.ok().and_then(|thread| thread.join().ok()).unwrap_or_default()
    })
}

/// In bytes. Only the used part takes memory.
const STACK: usize = 64 << 20;

/// `None` only if the text does not parse, which it did when the policies were read.
fn conditioned(
    policies: &Policies,
    id: cedar::PolicyId,
    place: &Place,
    deciding: Vec<ast::Policy>,
) -> Option<Conditioned> {
    let text = place.text();
    let template = cedar_core::parse(None, text)?;
    let tokens = tokens(text);
    let offset = place.span.start;
    let in_file = |place: &Range<usize>| place.start + offset..place.end + offset;
    let places = scope::places(&tokens)?;
    let expressions = [
        template.principal_constraint().as_expr(),
        template.action_constraint().as_expr(),
        template.resource_constraint().as_expr(),
    ];
    let parts = [Part::Principal, Part::Action, Part::Resource];
    let mut conditions: Vec<_> = scope::sides(&template, policies)
        .into_iter()
        .zip(&places)
        .zip(expressions)
        .zip(parts)
        .filter_map(|(((sides, place), expression), part)| {
            Some(Condition { place: in_file(place), part, sides: sides?, expression })
        })
        .collect();
    let first = conditions.len();
    let mut finder = Finder { tokens: &tokens, found: Vec::new(), constants: Vec::new(), first };
    let clauses = template.non_scope_constraints().map(|body| finder.clauses(body)).unwrap_or_default();
    let clauses = clauses.into_iter().map(|clause| Clause { place: in_file(&clause.place), ..clause }).collect();
    let Finder { found, constants, .. } = finder;
    conditions.extend(found.into_iter().map(|(expression, place)| Condition {
        place: in_file(&place),
        part: Part::Body,
        sides: Sides::BOTH,
        expression,
    }));
    let constants = constants.iter().map(|(truth, place)| (*truth, in_file(place))).collect();
    Some(Conditioned { id, place: place.clone(), effect: template.effect(), conditions, constants, deciding, clauses })
}

#[cfg(test)]
mod tests;
