//! Implication by form: whether one of some conditions holds wherever another does, as far as their conjunctions, disjunctions,
//! comparisons with literals and `has` show.
//!
//! Most guarantees are kept by a forbid that says nearly the same, or since no permit is for what they speak of, and then no solver
//! is needed. `false` says nothing.
//!
//! **Why it is sure.** Where the premise is true, each part that is taken from it was evaluated and is true, or false where it
//! is negated. So the conclusion is true, or its evaluation fails, and a policy that fails denies as a forbid does.

use crate::sources::policy::cedar_core::ast::{BinaryOp, Expr, ExprKind, Literal, UnaryOp};

/// How many cases of a premise are looked at: disjunctions multiply.
const CASES: usize = 64;

/// A part of a condition, or that it does not hold.
#[derive(Debug, Clone, Copy)]
struct Part<'e> {
    expression: &'e Expr,
    holds: bool,
}

impl<'e> Part<'e> {
    const fn of(expression: &'e Expr, holds: bool) -> Self {
        Self { expression, holds }
    }

    /// The ways in which it can come about, each as parts that all hold. `None` for a part that is not taken apart.
    fn ways(self) -> Option<Vec<Vec<Self>>> {
        let Self { expression, holds } = self;
        Some(match expression.expr_kind() {
            ExprKind::UnaryApp { op: UnaryOp::Not, arg } => vec![vec![Self::of(arg, !holds)]],
            ExprKind::And { left, right } | ExprKind::Or { left, right } => {
                let (one, other) = (Self::of(left, holds), Self::of(right, holds));
                let needs_both = matches!(expression.expr_kind(), ExprKind::And { .. }) == holds;
                if needs_both { vec![vec![one, other]] } else { vec![vec![one], vec![other]] }
            }
            ExprKind::If { test_expr, then_expr, else_expr } => vec![
                vec![Self::of(test_expr, true), Self::of(then_expr, holds)],
                vec![Self::of(test_expr, false), Self::of(else_expr, holds)],
            ],
            ExprKind::Lit(Literal::Bool(truth)) if *truth == holds => vec![Vec::new()],
            ExprKind::Lit(Literal::Bool(_)) => Vec::new(),
            _ => return None,
        })
    }

    /// Whether it follows from parts that hold.
    fn follows(self, from: &[Self]) -> bool {
        match self.ways() {
            Some(ways) => ways.iter().any(|way| way.iter().all(|part| part.follows(from))),
            None => from.iter().any(|known| known.shows(self)),
        }
    }

    /// Whether this alone shows another part, both of which are not taken apart.
    fn shows(self, other: Self) -> bool {
        let is_same = self.holds == other.holds && self.expression == other.expression;
        is_same
            || is_swapped(self, other)
            || self.bounds(other)
            || self.limits(other)
            || (other.holds && self.reads(other.expression))
    }

    /// Whether it bounds a number so that another comparison of it is decided.
    fn bounds(self, other: Self) -> bool {
        let Some((number, low, high)) = self.range() else { return false };
        match (other.range(), other.excluded()) {
            (Some((same, least, most)), _) => number == same && least <= low && high <= most,
            (None, Some((same, value))) => number == same && !(low..=high).contains(&value),
            (None, None) => false,
        }
    }

    /// The number that it compares with literals, and the least and the most that it can be.
    fn range(self) -> Option<(&'e Expr, i64, i64)> {
        let ExprKind::BinaryApp { op, arg1, arg2 } = self.expression.expr_kind() else { return None };
        let (least, most) = (i64::MIN, i64::MAX);
        Some(match (op, long(arg1), long(arg2), self.holds) {
            (BinaryOp::Eq, None, Some(value), true) => (arg1, value, value),
            (BinaryOp::Less, None, Some(value), true) => (arg1, least, value.checked_sub(1)?),
            (BinaryOp::Less, None, Some(value), false) => (arg1, value, most),
            (BinaryOp::LessEq, None, Some(value), true) => (arg1, least, value),
            (BinaryOp::LessEq, None, Some(value), false) => (arg1, value.checked_add(1)?, most),
            (BinaryOp::Less, Some(value), None, true) => (arg2, value.checked_add(1)?, most),
            (BinaryOp::Less, Some(value), None, false) => (arg2, least, value),
            (BinaryOp::LessEq, Some(value), None, true) => (arg2, value, most),
            (BinaryOp::LessEq, Some(value), None, false) => (arg2, least, value.checked_sub(1)?),
            _ => return None,
        })
    }

    /// The number that it says is not this value.
    fn excluded(self) -> Option<(&'e Expr, i64)> {
        match self.expression.expr_kind() {
            ExprKind::BinaryApp { op: BinaryOp::Eq, arg1, arg2 } if !self.holds => Some((arg1, long(arg2)?)),
            _ => None,
        }
    }

    /// Whether it limits a value to some literals, or excludes some, so that another such comparison of it is decided.
    fn limits(self, other: Self) -> bool {
        let (Some((value, known)), Some((same, asked))) = (self.literals(), other.literals()) else { return false };
        let has = |list: &[&Literal], literal: &&Literal| list.contains(literal);
        value == same
            && match (self.holds, other.holds) {
                (true, true) => known.iter().all(|literal| has(&asked, literal)),
                (true, false) => !known.iter().any(|literal| has(&asked, literal)),
                (false, false) => asked.iter().all(|literal| has(&known, literal)),
                (false, true) => false,
            }
    }

    /// The value that it compares with literals, of which it is to be one.
    fn literals(self) -> Option<(&'e Expr, Vec<&'e Literal>)> {
        let ExprKind::BinaryApp { op, arg1, arg2 } = self.expression.expr_kind() else { return None };
        match (op, literal(arg1), literal(arg2), arg1.expr_kind()) {
            (BinaryOp::Eq, None, Some(one), _) => Some((arg1, vec![one])),
            (BinaryOp::Eq, Some(one), None, _) => Some((arg2, vec![one])),
            (BinaryOp::Contains, _, None, ExprKind::Set(elements)) => {
                Some((arg2, elements.iter().map(literal).collect::<Option<_>>()?))
            }
            _ => None,
        }
    }

    /// Whether its evaluation reads the attributes that a `has` asks for, which then are there.
    fn reads(self, has: &Expr) -> bool {
        let is_decided =
            |part: &Expr| matches!(part.expr_kind(), ExprKind::And { .. } | ExprKind::Or { .. } | ExprKind::If { .. });
        let (of, path): (_, Vec<_>) = match has.expr_kind() {
            ExprKind::HasAttr { expr, attr } => (expr, vec![attr]),
            ExprKind::ExtHasAttr { expr, attrs } => (expr, attrs.iter().collect()),
            _ => return false,
        };
        let is_read = |part: &Expr| {
            let mut at = part;
            for name in path.iter().rev() {
                match at.expr_kind() {
                    ExprKind::GetAttr { expr, attr } if attr == *name => at = expr,
                    _ => return false,
                }
            }
            at == of.as_ref()
        };
        // What decides whether the rest is evaluated is not looked behind.
        !self.expression.subexpressions().any(is_decided) && self.expression.subexpressions().any(is_read)
    }
}

fn literal(expression: &Expr) -> Option<&Literal> {
    match expression.expr_kind() {
        ExprKind::Lit(literal) => Some(literal),
        _ => None,
    }
}

fn long(expression: &Expr) -> Option<i64> {
    match expression.expr_kind() {
        ExprKind::Lit(Literal::Long(value)) => Some(*value),
        _ => None,
    }
}

/// Whether these are one comparison, whose sides are swapped: `a == b` and `b == a`, `a < b` and `!(b <= a)`.
fn is_swapped(one: Part<'_>, other: Part<'_>) -> bool {
    let sides = |part: Part<'_>| match part.expression.expr_kind() {
        ExprKind::BinaryApp { op, arg1, arg2 } => Some((*op, arg1.clone(), arg2.clone())),
        _ => None,
    };
    let Some(((op, left, right), (other_op, other_left, other_right))) = sides(one).zip(sides(other)) else {
        return false;
    };
    let fits = match (op, other_op) {
        (BinaryOp::Eq, BinaryOp::Eq) => one.holds == other.holds,
        (BinaryOp::Less, BinaryOp::LessEq) | (BinaryOp::LessEq, BinaryOp::Less) => one.holds != other.holds,
        _ => false,
    };
    fits && left == other_right && right == other_left
}

/// Whether one of the conclusions holds, or fails, wherever the premises hold, or they never hold together.
pub(super) fn implies(premises: &[&Expr], conclusions: &[Expr]) -> bool {
    let is_never = |holds: &[Part<'_>]| holds.iter().any(|part| Part::of(part.expression, !part.holds).follows(holds));
    let is_shown = |holds: &[Part<'_>]| {
        conclusions.iter().any(|conclusion| Part::of(conclusion, true).follows(holds)) || is_never(holds)
    };
    // In each case these parts hold, and these have to be taken apart.
    let mut cases = vec![(Vec::new(), premises.iter().map(|premise| Part::of(premise, true)).collect::<Vec<_>>())];
    let mut looked_at = 0;
    'cases: while let Some((mut holds, mut open)) = cases.pop() {
        looked_at += 1;
        if looked_at > CASES {
            return false;
        }
        while let Some(part) = open.pop() {
            match part.ways() {
                None => holds.push(part),
                Some(ways) => match <[_; 1]>::try_from(ways) {
                    Ok([only]) => open.extend(only),
                    Err(ways) => {
                        let case = |way: Vec<_>| (holds.clone(), open.iter().copied().chain(way).collect());
                        cases.extend(ways.into_iter().map(case));
                        continue 'cases;
                    }
                },
            }
        }
        if !is_shown(&holds) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{pdp::engine::World, sources::policy::cedar_core::ast::SlotEnv};
    use cedar_policy as cedar;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// Conditions over two truths, and over two numbers and a text of the context, which need not be there.
    fn condition() -> impl Strategy<Value = String> {
        let number = || {
            prop_oneof![
                Just("context.x".to_owned()),
                Just("context.y".to_owned()),
                (0..3_i64).prop_map(|it| it.to_string())
            ]
        };
        let operator = prop_oneof![Just("=="), Just("!="), Just("<"), Just("<="), Just(">"), Just(">=")];
        let compared =
            (number(), operator, number()).prop_map(|(one, operator, other)| format!("({one} {operator} {other})"));
        let text = prop_oneof![
            Just("(context.s == \"p\")"),
            Just("(\"q\" == context.s)"),
            Just("(context.s != \"r\")"),
            Just("[\"p\", \"q\"].contains(context.s)"),
            Just("[\"q\", \"r\", \"z\"].contains(context.s)"),
        ];
        let named = prop_oneof![
            Just("context.a"),
            Just("context.b"),
            Just("(context has x)"),
            Just("(context has y)"),
            Just("true"),
            Just("false")
        ];
        let leaf = prop_oneof![named.prop_map(str::to_owned), text.prop_map(str::to_owned), compared];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                inner.clone().prop_map(|one| format!("!{one}")),
                (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} && {other})")),
                (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} || {other})")),
                (inner.clone(), inner.clone(), inner)
                    .prop_map(|(test, one, other)| format!("(if {test} then {one} else {other})")),
            ]
        })
    }

    /// All contexts that matter to them.
    fn worlds() -> Vec<World> {
        let mut worlds = Vec::new();
        // Two bits, and two numbers and a text of which the last is not there.
        for state in 0..400 {
            let mut context = json!({"a": state % 2 == 0, "b": state / 2 % 2 == 0});
            for (name, number) in [("x", state / 4 % 5), ("y", state / 20 % 5)] {
                if number < 4 {
                    context[name] = Value::from(number);
                }
            }
            if let Some(text) = ["p", "q", "r"].get(state / 100) {
                context["s"] = Value::from(*text);
            }
            let uid = |text: &str| text.parse::<cedar::EntityUid>().unwrap();
            let (user, action, record) = (uid("U::\"u\""), uid("Action::\"a\""), uid("R::\"r\""));
            let context = cedar::Context::from_json_value(context, None).unwrap();
            let request = cedar::Request::new(user, action, record, context, None).unwrap();
            worlds.push(World::of_cedar(&request, &cedar::Entities::empty()));
        }
        worlds
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_implied_holds_or_fails_in_every_world(
            premise in condition(), second in condition(), conclusion in condition(),
        ) {
            thread_local!(static WORLDS: Vec<World> = worlds());
            let read = |text: &str| text.parse::<Expr>().unwrap();
            let (one, second, other) = (read(&premise), read(&second), read(&conclusion));
            for premises in [&[&one][..], &[&one, &second]] {
                if !implies(premises, std::slice::from_ref(&other)) {
                    continue;
                }
                WORLDS.with(|worlds| {
                    for world in worlds {
                        let evaluator = world.evaluator();
                        let slots = SlotEnv::default();
                        let holds = |premise: &&Expr| evaluator.holds(premise, &slots) == Ok(true);
                        let refutes = premises.iter().all(holds) && evaluator.holds(&other, &slots) == Ok(false);
                        prop_assert!(!refutes, "{premise} does not imply {conclusion}: {world:?}");
                    }
                    Ok(())
                })?;
            }
        }
    }

    fn implied(premise: &str, conclusions: &[&str]) -> bool {
        let read = |text: &str| text.parse::<Expr>().unwrap();
        implies(&[&read(premise)], &conclusions.iter().map(|text| read(text)).collect::<Vec<_>>())
    }

    #[test]
    fn what_the_parts_of_a_condition_show_is_seen() {
        for (premise, conclusions) in [
            ("context.a && !context.b", &["!(context.b || !context.a)"][..]),
            ("context.a || context.b", &["context.b || context.a"]),
            ("context.a || context.b", &["context.b", "context.a"]),
            ("context.a && (context.b || context.c)", &["(context.a && context.b) || (context.c && context.a)"]),
            ("!(context.a && context.b) && context.c", &["context.c && (!context.b || !context.a)"]),
            ("context.x == context.y", &["context.y == context.x"]),
            ("context.x < context.y", &["!(context.y <= context.x)"]),
            ("context.x >= context.y", &["context.y <= context.x"]),
            ("if context.a then context.b else context.c", &["context.a && context.b", "!context.a && context.c"]),
            ("context.x >= 3", &["context.x > 1"]),
            ("context.x >= 3", &["!(context.x == 1 || context.x <= 2)"]),
            ("context.x == 4", &["context.x != 3 && context.x > 3 && 5 > context.x"]),
            ("context.x.y", &["context has x.y && context has x"]),
            ("context.x.y < 3", &["context has x.y"]),
            ("false", &["context.a"]),
            ("context.a && !context.a", &["context.b"]),
            ("context.s == \"p\"", &["[\"p\", \"q\"].contains(context.s)"]),
            ("context.s == \"p\"", &["context.s != \"q\""]),
            ("[\"p\", \"q\"].contains(context.s)", &["!([\"r\"].contains(context.s))"]),
            ("!([\"p\", \"q\"].contains(context.s))", &["\"q\" != context.s"]),
            ("[\"p\"].contains(context.s) && !([\"q\", \"p\"].contains(context.s))", &["context.b"]),
        ] {
            assert!(implied(premise, conclusions), "{premise} implies {conclusions:?}");
        }
    }

    #[test]
    fn nothing_else_is_taken_as_implied() {
        for (premise, conclusion) in [
            ("context.a", "context.a && context.b"),
            ("context.a || context.b", "context.a"),
            ("!(context.a && context.b)", "!context.a"),
            ("context.a", "!context.a"),
            ("context.x == 1", "context.x == 2"),
            ("context.x < context.y", "context.y < context.x"),
            ("context.x <= context.y", "!(context.y <= context.x)"),
            ("context.x != context.y", "context.x == context.y"),
            ("true", "context.a"),
            ("!context.a || !context.b", "!context.a && !context.b"),
            ("if context.a then context.b else context.c", "context.b"),
            ("context.x >= 3", "context.x > 3"),
            ("context.x >= 3", "context.y > 1"),
            ("context.x != 3", "context.x > 3"),
            ("context.x > 9223372036854775807", "context.x == 1"),
            ("context.a || context.x.y", "context has x.y"),
            ("context has x", "context has x.y"),
            ("context.x", "context has y"),
            ("[\"p\", \"q\"].contains(context.s)", "context.s == \"p\""),
            ("!([\"p\"].contains(context.s))", "!([\"p\", \"q\"].contains(context.s))"),
            ("!([\"p\"].contains(context.s))", "context.s == \"q\""),
            ("context.s == \"p\"", "context.t == \"p\""),
            ("context.s.contains(\"p\")", "context.s == \"p\""),
        ] {
            assert!(!implied(premise, &[conclusion]), "{premise} does not imply {conclusion}");
        }
        // As many cases as there are subsets of twelve.
        let some = (0..12).map(|it| format!("(context.a{it} || context.b{it})")).collect::<Vec<_>>().join(" && ");
        assert!(!implied(&some, &["context.c"]));
    }
}
