//! Escapes CSV fields for spreadsheet programs.

/// A field that no program takes for a formula.
#[must_use]
pub fn inert(field: &str) -> String {
    if field.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{field}") } else { field.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::inert;

    #[test]
    fn what_begins_like_a_formula_is_none() {
        assert_eq!(inert("=1+1"), "'=1+1");
        assert_eq!(inert("a=1"), "a=1");
    }
}
