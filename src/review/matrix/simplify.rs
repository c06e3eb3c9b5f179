//! Simplifies a residual condition for readers without changing its meaning.
//!
//! Cedar's partial evaluation keeps `a && false`, because `a` could fail to evaluate. If it cannot, it is dropped.

use super::failing::Failing;
use crate::types::moment::moment_text;
use cedar_policy::pst::{BinaryOp, Expr, Literal, UnaryOp};
use std::sync::Arc;

/// An expression that means the same: the same value for every question, and failing for the same ones.
pub(super) fn simplify(expression: &Arc<Expr>, failing: &Failing<'_>) -> Arc<Expr> {
    let simplify = |expression: &Arc<Expr>| simplify(expression, failing);
    match expression.as_ref() {
        Expr::UnaryOp { op: UnaryOp::Not, expr } => not(&simplify(expr)),
        Expr::BinaryOp { op: BinaryOp::And, left, right } => both(&simplify(left), &simplify(right), true, failing),
        Expr::BinaryOp { op: BinaryOp::Or, left, right } => both(&simplify(left), &simplify(right), false, failing),
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            let (cond, then_expr, else_expr) = (simplify(cond), simplify(then_expr), simplify(else_expr));
            match truth(&cond) {
                Some(true) => then_expr,
                Some(false) => else_expr,
                None if then_expr == else_expr && !failing.can_fail(&cond) => then_expr,
                None => Arc::new(Expr::IfThenElse { cond, then_expr, else_expr }),
            }
        }
        Expr::BinaryOp { op, left, right } => {
            let sum = match (op, moment(left), milliseconds(right)) {
                (BinaryOp::Offset, Some(moment), Some(offset)) => written(moment, offset),
                _ => None,
            };
            sum.unwrap_or_else(|| Arc::new(Expr::BinaryOp { op: *op, left: simplify(left), right: simplify(right) }))
        }
        Expr::UnaryOp { op: UnaryOp::Duration, .. } => match milliseconds(expression) {
            Some(length) => Arc::new(Expr::UnaryOp { op: UnaryOp::Duration, expr: text(duration(length)) }),
            None => expression.clone(),
        },
        _ => expression.clone(),
    }
}

fn text(text: String) -> Arc<Expr> {
    Arc::new(Expr::Literal(Literal::String(text.into())))
}

/// The day that `datetime("2026-11-23")` names.
fn moment(expression: &Expr) -> Option<jiff::Timestamp> {
    let Expr::UnaryOp { op: UnaryOp::Datetime, expr } = expression else { return None };
    let Expr::Literal(Literal::String(text)) = expr.as_ref() else { return None };
    let day: jiff::civil::Date = text.parse().ok()?;
    jiff::tz::TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()
}

/// The length of `duration("…ms")`, which is how partial evaluation writes them all.
fn milliseconds(expression: &Expr) -> Option<i64> {
    let Expr::UnaryOp { op: UnaryOp::Duration, expr } = expression else { return None };
    let Expr::Literal(Literal::String(text)) = expr.as_ref() else { return None };
    text.strip_suffix("ms")?.parse().ok()
}

/// Partial evaluation writes a date as a day and an offset; a person reads the sum.
fn written(moment: jiff::Timestamp, offset: i64) -> Option<Arc<Expr>> {
    let moment = moment.checked_add(jiff::SignedDuration::from_millis(offset)).ok()?;
    let utc = moment.to_zoned_datetime(jiff::tz::TimeZone::UTC);
    // Cedar's dates have four digits for the year.
    let is_written = (0..=9999).contains(&utc.year());
    let is_day = utc.time() == jiff::civil::Time::midnight();
    let date = if is_day { utc.date().to_string() } else { moment_text(moment) };
    is_written.then(|| Arc::new(Expr::UnaryOp { op: UnaryOp::Datetime, expr: text(date) }))
}

/// In the largest unit that divides it.
fn duration(milliseconds: i64) -> String {
    for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)] {
        if milliseconds % length == 0 {
            return format!("{}{unit}", milliseconds / length);
        }
    }
    format!("{milliseconds}ms")
}

/// The parts that `&&` joins, in order.
pub(super) fn conjuncts(expression: &Arc<Expr>) -> Vec<Arc<Expr>> {
    match expression.as_ref() {
        Expr::BinaryOp { op: BinaryOp::And, left, right } => [conjuncts(left), conjuncts(right)].concat(),
        _ => vec![expression.clone()],
    }
}

/// `true` or `false`, if it is written so.
pub(super) fn truth(expression: &Expr) -> Option<bool> {
    match expression {
        Expr::Literal(Literal::Bool(value)) => Some(*value),
        _ => None,
    }
}

/// `left && right` (`and`) or `left || right`.
fn both(left: &Arc<Expr>, right: &Arc<Expr>, and: bool, failing: &Failing<'_>) -> Arc<Expr> {
    // `&&` continues after `true`, and `||` after `false`; the other value ends it.
    match (truth(left), truth(right)) {
        (Some(value), _) if value == and => right.clone(),
        (Some(_), _) => left.clone(),
        (None, Some(value)) if value == and => left.clone(),
        (None, Some(_)) if !failing.can_fail(left) => right.clone(),
        _ => {
            let op = if and { BinaryOp::And } else { BinaryOp::Or };
            Arc::new(Expr::BinaryOp { op, left: left.clone(), right: right.clone() })
        }
    }
}

fn not(expression: &Arc<Expr>) -> Arc<Expr> {
    let with = |op, left: &Arc<Expr>, right: &Arc<Expr>| {
        Arc::new(Expr::BinaryOp { op, left: left.clone(), right: right.clone() })
    };
    match expression.as_ref() {
        Expr::Literal(Literal::Bool(value)) => Arc::new(Expr::Literal(Literal::Bool(!value))),
        Expr::UnaryOp { op: UnaryOp::Not, expr } => expr.clone(),
        Expr::BinaryOp { op, left, right } => match op {
            BinaryOp::Eq => with(BinaryOp::NotEq, left, right),
            BinaryOp::NotEq => with(BinaryOp::Eq, left, right),
            BinaryOp::Less => with(BinaryOp::GreaterEq, left, right),
            BinaryOp::LessEq => with(BinaryOp::Greater, left, right),
            BinaryOp::Greater => with(BinaryOp::LessEq, left, right),
            BinaryOp::GreaterEq => with(BinaryOp::Less, left, right),
            // De Morgan; the order of evaluation, and so what can fail, stays.
            BinaryOp::And => with(BinaryOp::Or, &not(left), &not(right)),
            BinaryOp::Or => with(BinaryOp::And, &not(left), &not(right)),
            _ => Arc::new(Expr::UnaryOp { op: UnaryOp::Not, expr: expression.clone() }),
        },
        _ => Arc::new(Expr::UnaryOp { op: UnaryOp::Not, expr: expression.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::matrix::failing::tests::failing;
    use cedar_policy::{Policy, pst};

    fn simplified(condition: &str) -> String {
        let policy = Policy::parse(None, format!("permit (principal, action, resource) when {{ {condition} }};"));
        let pst::Policy::Static(policy) = policy.unwrap().to_pst().unwrap() else { panic!("static") };
        let [pst::Clause::When(expression)] = policy.body().clauses().as_slice() else { panic!("one clause") };
        failing(|failing| simplify(expression, failing).to_string())
    }

    #[test]
    fn what_cannot_change_the_outcome_is_dropped() {
        for (condition, expected) in [
            ("context.a && false", "false"),
            ("context.a || true", "true"),
            ("true && context.a", "context.a"),
            ("context.a || false || context.b", "context.a || context.b"),
            ("!!context.a", "context.a"),
            ("!(context.a <= 3)", "context.a > 3"),
            ("!(context.a == 1 && context.b)", "(context.a != 1) || (!context.b)"),
            ("if true then context.a else context.b", "context.a"),
            ("if context.a then false else false", "false"),
        ] {
            let bare = |text: &str| text.replace(['(', ')'], "");
            assert_eq!(bare(&simplified(condition)), bare(expected), "{condition}");
        }
    }

    #[test]
    fn dates_and_durations_are_written_as_a_person_would() {
        let offset = |date: &str, length: &str| format!("datetime(\"{date}\").offset(duration(\"{length}\"))");
        for (condition, expected) in [
            (offset("1970-01-01", "1795392000000ms"), "datetime(\"2026-11-23\")"),
            (offset("1970-01-01", "1795392000001ms"), "datetime(\"2026-11-23T00:00:00.001Z\")"),
        ] {
            assert_eq!(simplified(&format!("{condition} == context.a")), format!("{expected} == context.a"));
        }
        let condition = "context.a.offset(duration(\"31536000000ms\")) > context.b";
        assert_eq!(simplified(condition), "context.a.offset(duration(\"365d\")) > context.b");
        let odd = "context.a.offset(duration(\"90061001ms\")) > context.b";
        assert_eq!(simplified(odd), odd);
    }

    #[test]
    fn what_can_fail_stays() {
        for condition in ["context.a + 1 > 2 && false", "ip(context.a).isLoopback() || true"] {
            assert_ne!(simplified(condition), "false", "{condition}");
            assert_ne!(simplified(condition), "true", "{condition}");
        }
    }
}
