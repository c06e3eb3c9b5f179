//! The name that was probably meant.

/// How like two names must be for one to be offered in the place of the other, from 0 to 1.
const LIKE: f64 = 0.6;

/// The known name that is most like this one, if any is.
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let folded = name.to_lowercase();
    known
        .into_iter()
        .map(|known| (strsim::normalized_damerau_levenshtein(&folded, &known.to_lowercase()), known))
        .filter(|(likeness, _)| *likeness >= LIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0).then_with(|| other.1.cmp(one.1)))
        .map(|(_, known)| known)
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
}
