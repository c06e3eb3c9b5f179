//! Comments of documentation, in which no text of a schema ends the comment or means something.

use std::fmt::Write as _;

/// A comment for Javadoc: no text of it ends it, is a tag of it, or is an escape, which Java reads in comments too.
pub(super) fn javadoc(text: &mut String, indent: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<_> =
        lines.map(|line| line.replace("*/", "*&#47;").replace('\\', "&#92;").replace('<', "&lt;")).collect();
    text.push('\n');
    if !lines.is_empty() {
        let _ = writeln!(text, "{indent}/**\n{indent} * {}\n{indent} */", lines.join(&format!("\n{indent} * <p>")));
    }
}

/// A comment of C#, whose text is XML.
pub(super) fn xml(text: &mut String, indent: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<_> = lines.map(|line| escaped(&line)).collect();
    text.push('\n');
    if !lines.is_empty() {
        let _ = writeln!(text, "{indent}/// <summary>{}</summary>", lines.join(&format!("\n{indent}/// <para/>")));
    }
}

/// Text of XML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
