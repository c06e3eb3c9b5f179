//! Tells whether one access allows all that another does, as far as their policies show it.

use super::{Access, Part};

impl Access {
    /// Whether every question that `other` allows is allowed by this one too. `false` if the policies do not show it: conditions
    /// are compared as they are written.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let (permits, forbids, other_permits, other_forbids) = match (self, other) {
            (Self::Always { .. }, _) | (_, Self::Never { .. }) => return true,
            (Self::Never { .. }, _) | (_, Self::Always { .. }) => return false,
            (Self::Under { permits, forbids }, Self::Under { permits: other_permits, forbids: other_forbids }) => {
                (permits, forbids, other_permits, other_forbids)
            }
        };
        // Where all conditions of a policy hold, a policy with some of them holds.
        let implies = |part: &Part, parts: &[Part]| {
            parts.iter().any(|other| other.conditions.iter().all(|condition| part.conditions.contains(condition)))
        };
        // The engine denies where any policy fails.
        let can_fail = |parts: &[Part], others: &[Part]| {
            parts.iter().any(|part| part.can_fail && others.iter().all(|other| other.conditions != part.conditions))
        };
        other_permits.iter().all(|part| implies(part, permits))
            && forbids.iter().all(|part| implies(part, other_forbids))
            && !can_fail(permits, other_permits)
            && !can_fail(forbids, other_forbids)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::matrix::Reach;
    use std::sync::Arc;

    fn parts(conditions: &[&str]) -> Vec<Part> {
        let part = |condition: &&str| Part {
            policy: Arc::default(),
            conditions: condition.split_terminator(", ").map(str::to_owned).collect(),
            reach: Reach::All,
            opened_by: Default::default(),
            can_fail: condition.contains('+'),
        };
        conditions.iter().map(part).collect()
    }

    fn under(permits: &[&str], forbids: &[&str]) -> Access {
        Access::Under { permits: parts(permits), forbids: parts(forbids) }
    }

    #[test]
    fn more_permits_and_fewer_forbids_cover_the_others() {
        let (always, never) = (Access::Always { permits: Vec::new() }, Access::Never { forbids: Vec::new() });
        for (one, other, covers, is_covered) in [
            (&always, &under(&["a"], &[]), true, false),
            (&under(&["a"], &[]), &never, true, false),
            (&under(&["a", "b"], &[]), &under(&["a"], &[]), true, false),
            (&under(&["a"], &[]), &under(&["a"], &["c"]), true, false),
            (&under(&["a"], &["c, d"]), &under(&["a, b"], &["c"]), true, false),
            (&under(&[""], &["c"]), &under(&["a"], &["c"]), true, false),
            (&under(&["a", "b"], &["c"]), &under(&["a"], &[]), false, false),
            (&under(&["a"], &[]), &under(&["b"], &[]), false, false),
            (&under(&["a"], &["c"]), &under(&["a"], &["d"]), false, false),
            // Where the sum overflows, nothing is allowed.
            (&under(&["a", "b + 1 > 0"], &[]), &under(&["a"], &[]), false, false),
            (&under(&["a"], &["b + 1 > 0, c"]), &under(&["a"], &["c"]), false, false),
        ] {
            assert_eq!((one.covers(other), other.covers(one)), (covers, is_covered), "{one:?} {other:?}");
        }
    }
}
