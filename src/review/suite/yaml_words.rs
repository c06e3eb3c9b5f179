//! Translates the YAML reader's errors into words that tell an officer what to write.

/// Words of the reader that a mistake is known by, what it is, and what to do.
const WORDS: [(&str, &str, &str); 15] = [
    ("unknown anchor", "the name after `*` is not defined above", "write & and the name before what it stands for"),
    ("merge keys", "`<<` is not read in a suite", "let a definition build on another: [name, {what: differs}]"),
    ("multiple YAML documents", "`---` starts a second suite", "write it in a file of its own"),
    ("tabs disallowed", "a tab is where spaces belong", "indent with spaces"),
    ("unclosed quote", "a quote is opened and not closed", "close it with the same sign"),
    ("unclosed bracket", "a bracket is opened and not closed", "close it, or take it away"),
    ("misplaced bracket", "a bracket is closed that was not opened", "take it away, or open it before"),
    (
        "mapping values are not allowed",
        "a second `:` is on this line",
        "put the text that holds it in quotes, or write each key on a line of its own",
    ),
    (
        "block sequence entries",
        "a list begins behind its key",
        "begin it on the next line, or write it in brackets: [one, two]",
    ),
    (
        "block collection",
        "this line is indented otherwise than those it belongs to",
        "let lines that belong together begin in the same column",
    ),
    (
        "block mapping",
        "this line is indented otherwise than those it belongs to",
        "let lines that belong together begin in the same column",
    ),
    ("escape character", "`\\` means something else in double quotes", "write \\\\, or put the text in single quotes"),
    ("expected string scalar", "a key must be a text", "write the name of a key before the `:`"),
    ("unexpected character", "a text cannot begin with this sign", "put it in quotes"),
    ("YAML directive", "a line cannot begin with `%`", "leave it out, or put the text in quotes"),
];

/// What is wrong and what to do.
pub(super) fn explained(said: &str) -> (String, String) {
    let twice = said.strip_prefix("duplicate mapping key: ").and_then(|rest| rest.split(", set ").next());
    if let Some(key) = twice {
        return (format!("`{key}` is given twice in one map"), "leave one of the two".to_owned());
    }
    let known = WORDS.iter().find(|(words, ..)| said.contains(words));
    known.map_or_else(
        || {
            let help = "put texts with special signs in quotes; the form of a suite: poort test --schema";
            (format!("this cannot be read as YAML: {said}"), help.to_owned())
        },
        |(_, what, help)| ((*what).to_owned(), (*help).to_owned()),
    )
}
