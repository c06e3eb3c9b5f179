//! Writes parts of assumptions as Cedar text.

/// What is assumed where something is there. Cedar knows of a test that it holds in what follows `then`, and of no other form.
pub(super) fn guarded(guard: &str, assumed: &str) -> String {
    if guard.is_empty() { format!("({assumed})") } else { format!("(if {guard} then {assumed} else true)") }
}

/// A string literal.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.escape_debug())
}
