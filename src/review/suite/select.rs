//! Selects cases by a text that is part of their whole name, or by a pattern for all of it.

use super::case::{Case, Suite};

/// Which cases to keep, by `suite / case / subject action resource`.
#[derive(Debug, Clone)]
pub struct Filter(String);

impl Filter {
    /// A text that must be part of the name, in any case; or a pattern for the whole name if it holds `*` or `?`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_lowercase())
    }

    /// Whether a case is wanted.
    #[must_use]
    pub fn wants(&self, suite: &Suite, case: &Case) -> bool {
        let name = name(suite, case).to_lowercase();
        if self.0.contains(['*', '?']) { matches(&self.0, &name) } else { name.contains(&self.0) }
    }

    /// Leaves in each suite the cases that are wanted, and leaves out the suites that then have none.
    #[must_use]
    pub fn select(&self, suites: Vec<Suite>) -> Vec<Suite> {
        suites
            .into_iter()
            .filter_map(|mut suite| {
                let cases = std::mem::take(&mut suite.cases);
                let wanted: Vec<_> = cases.into_iter().filter(|case| self.wants(&suite, case)).collect();
                suite.cases = wanted;
                (!suite.cases.is_empty()).then_some(suite)
            })
            .collect()
    }
}

/// The whole name of a case.
#[must_use]
pub(super) fn name(suite: &Suite, case: &Case) -> String {
    format!("{} / {} / {}", suite.name, case.name, case.parts)
}

/// Whether a pattern fits a text as a whole: `*` stands for any characters, `?` for one.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut place) = (0, 0);
    // Where to continue if the text after the last `*` does not match: after the star, one character later.
    let mut again: Option<(usize, usize)> = None;
    while place < text.len() {
        match (pattern.get(at), text.get(place)) {
            (Some('*'), _) => {
                again = Some((at, place));
                at += 1;
            }
            (Some(wanted), Some(given)) if *wanted == '?' || wanted == given => {
                at += 1;
                place += 1;
            }
            _ => {
                let Some((star, from)) = again else { return false };
                again = Some((star, from + 1));
                at = star + 1;
                place = from + 1;
            }
        }
    }
    pattern.iter().skip(at).all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_pattern_fits_the_whole_text() {
        for (pattern, text, expected) in [
            ("bvh*", "bvh / own unit", true),
            ("own*", "bvh / own unit", false),
            ("*own*unit", "bvh / own unit", true),
            ("*own*team", "bvh / own unit", false),
            ("b?h*", "bvh", true),
            ("*", "", true),
            ("?", "", false),
            ("a*b*c", "a-b-b-c", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
