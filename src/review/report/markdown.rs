//! Escapes text for Markdown on GitHub and GitLab: nothing from a file becomes a link, a mention, markup or HTML.

use crate::types::escape;
use std::fmt::Write as _;

/// Text without markup. A word that would become a link, a mention or a reference is written as code, in which nothing
/// is markup.
#[must_use]
pub fn escaped(text: &str) -> String {
    let text = escape::line(&text.replace(['\n', '\r', '\t'], " ")).into_owned();
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn word(word: &str) -> String {
    let is_linked = word.contains("://") || word.contains("www.") || word.contains('@');
    let pairs = word.chars().zip(word.chars().skip(1));
    let is_reference =
        pairs.into_iter().any(|(sign, next)| matches!(sign, '#' | '!' | '%' | '&') && next.is_alphanumeric());
    if is_linked || is_reference {
        return code(word);
    }
    let mut escaped = String::with_capacity(word.len());
    for character in word.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '~' | '[' | ']' | '!' | '|' | '$' | '#' => {
                escaped.push('\\');
                escaped.push(character);
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

/// Text that is shown as it is.
#[must_use]
pub fn code(text: &str) -> String {
    let text = escape::line(&text.replace(['\n', '\r'], " ")).into_owned();
    let mut fence = "`".to_owned();
    while text.contains(&fence) {
        fence.push('`');
    }
    if text.starts_with('`') || text.ends_with('`') {
        format!("{fence} {text} {fence}")
    } else {
        format!("{fence}{text}{fence}")
    }
}

/// A block whose fence is longer than any in it.
pub fn fenced(language: &str, content: &str, text: &mut String) {
    let mut fence = "```".to_owned();
    while content.contains(&fence) {
        fence.push('`');
    }
    let _ = writeln!(text, "{fence}{language}\n{}\n{fence}\n", escape::lines(content.trim_end()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_becomes_markup() {
        assert_eq!(escaped("~~gone~~ *loud* _a_ `b` $x$ a|b"), r"\~\~gone\~\~ \*loud\* \_a\_ \`b\` \$x\$ a\|b");
        assert_eq!(escaped("[a](b) ![c](d)"), r"\[a\](b) \!\[c\](d)");
        assert_eq!(escaped("<img src=x> &lt;"), "&lt;img src=x&gt; `&lt;`");
        assert_eq!(escaped("a\u{1b}[31m\n\n# b\u{202e}"), r"a\\u{1b}\[31m  \# b\\u{202e}");
    }

    #[test]
    fn what_would_be_a_link_or_a_mention_is_code() {
        for word in ["https://evil.example/x", "www.evil.example", "@everyone", "a@b.example", "#1", "!2", "group&3"] {
            assert_eq!(escaped(&format!("see {word} now")), format!("see `{word}` now"));
        }
        assert_eq!(escaped("(done!) 100% of A & B"), r"(done\!) 100% of A &amp; B");
    }

    #[test]
    fn code_and_blocks_end_where_they_should() {
        assert_eq!(code("a`b``"), "``` a`b`` ```");
        assert_eq!(code("a\u{1b}\nb"), "`a\\u{1b} b`");
        let mut text = String::new();
        fenced("diff", "```\n\u{202e}x", &mut text);
        assert_eq!(text, "````diff\n```\n\\u{202e}x\n````\n\n");
    }
}
