//! Builds a text for a terminal, line by line.

use crate::types::escape;

/// Lines that hold no line break and no GitHub workflow command, whatever they were made from.
#[derive(Debug, Clone, Default)]
pub struct Lines(String);

impl Lines {
    /// Adds one line.
    pub fn push(&mut self, line: &str) {
        let line = escape::line(line);
        // Its workflow commands: `::name::`, also indented, and the older `##[name]` anywhere.
        match line.trim_start().strip_prefix("::") {
            Some(command) => self.0.extend(["\\u{3a}:", command]),
            None => self.0.push_str(&line.replace("##[", "#\\u{23}[")),
        }
        self.0.push('\n');
    }

    /// All lines, each with its end.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn no_line_is_two_or_a_command() {
        let mut lines = Lines::default();
        lines.push("a\n::error::b\u{1b}[2J");
        lines.push("  ::error::c");
        lines.push("d ##[error]e: f::g");
        let expected = "a\\u{a}::error::b\\u{1b}[2J\n\\u{3a}:error::c\nd #\\u{23}[error]e: f::g\n";
        assert_eq!(lines.into_text(), expected);
    }
}
