//! Suggests the known name that was probably meant.

/// How similar two names must be for one to be suggested for the other, from 0 to 1.
const LIKE: f64 = 0.6;

/// The known name that is most similar to this one, if one is similar enough.
///
/// An edit distance costs the product of two lengths. It is computed only if the lengths allow enough similarity, so
/// the work is linear in a name that a caller sends.
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let folded = name.to_lowercase();
    let length = folded.chars().count();
    known
        .into_iter()
        .filter_map(|known| {
            let other = known.to_lowercase();
            let likeness = (most_alike(length, other.chars().count()) >= LIKE)
                .then(|| strsim::normalized_damerau_levenshtein(&folded, &other))?;
            (likeness >= LIKE).then_some((likeness, known))
        })
        .max_by(|one, other| one.0.total_cmp(&other.0).then_with(|| other.1.cmp(one.1)))
        .map(|(_, known)| known)
}

/// Whether a name was probably meant to be this known one.
#[must_use]
pub fn is_like(name: &str, known: &str) -> bool {
    nearest(name, [known]).is_some()
}

/// How similar two names of these lengths can be: their distance is at least the difference of the lengths.
#[expect(clippy::cast_precision_loss, reason = "a name has fewer than 2^52 characters")]
fn most_alike(one: usize, other: usize) -> f64 {
    one.min(other) as f64 / one.max(other).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_most_like_name_is_offered_and_none_that_is_unlike() {
        assert_eq!(nearest("Oficer", ["Office", "Officer", "Unit"]), Some("Officer"));
        assert_eq!(nearest("officer-0070", ["officer-0071", "officer-0007"]), Some("officer-0007"));
        assert_eq!(nearest("spoon", ["Officer", "Unit"]), None);
    }

    #[test]
    fn a_long_name_is_compared_with_nothing_that_is_short() {
        // A product of lengths would take minutes here.
        let long = "a".repeat(4 << 20);
        assert_eq!(nearest(&long, ["Officer", "Investigation"]), None);
    }
}
