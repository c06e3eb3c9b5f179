//! Formats policy text with `cedar-policy-formatter`: 80 columns, two spaces.
//!
//! A formatter that changes the meaning of a policy, or loses the comment that explains it, is worse than none. So the
//! result is parsed again: it must hold the same policies, templates and annotations, and the same comments in the same
//! order.
//!
//! The formatter searches all words of a text for each comment. So each policy is formatted by itself, with the
//! comments above and after it: the result is the same (`tests::policy_by_policy_comes_to_the_same`), in linear and not
//! quadratic time.

use super::bounds::{self, Language};
use crate::types::problem::{Problem, SourceFile};
use cedar_policy as cedar;
use cedar_policy_core::ast;
use cedar_policy_formatter::{Config, policies_str_to_pretty};
use std::{collections::HashSet, ops::Range};

const CONFIG: Config = Config { line_width: 80, indent_width: 2 };

/// The text of a policy file in the one form.
///
/// # Errors
/// What is wrong in the file, or that the formatter would have changed it.
pub fn pretty(file: &SourceFile) -> Result<String, Vec<Problem>> {
    let mut problems = Vec::new();
    if !bounds::check(file, Language::Policies, &mut problems) {
        return Err(problems);
    }
    let set = parsed(file)?;
    let before = meaning(file, &set)?;
    let refused = |message: String| {
        vec![
            Problem::error("fmt::refused", file, message)
                .help("the file is left as it is; move the comment or the part that is not kept, and report this"),
        ]
    };
    let plain = without_last_commas(&file.text);
    let plain_set = if plain == file.text.as_ref() { set } else { plain.parse().unwrap_or(set) };
    let text = formatted(&plain, &ends(&plain_set)).map_err(refused)?;
    let formatted = SourceFile { name: file.name.clone(), text: text.as_str().into() };
    let after = parsed(&formatted).and_then(|set| meaning(&formatted, &set));
    let after = after.map_err(|_| refused("the formatted text would not parse".to_owned()))?;
    if after != before {
        return Err(refused("formatting would change what a policy says".to_owned()));
    }
    let kept: HashSet<_> = comments(&text).collect();
    if let Some(lost) = comments(&file.text).find(|comment| !kept.contains(comment)) {
        return Err(refused(format!("formatting would lose the comment `{lost}`")));
    }
    if comments(&file.text).ne(comments(&text)) {
        return Err(refused("formatting would move a comment past another".to_owned()));
    }
    Ok(text)
}

/// The text policy by policy, with the places where they end. What follows the last one are comments.
fn formatted(text: &str, ends: &[usize]) -> Result<String, String> {
    let formatted: Vec<_> = parts(text, ends)
        .filter_map(|place| text.get(place))
        .map(|part| policies_str_to_pretty(part, &CONFIG).map_err(|error| format!("{error:#}")))
        .collect::<Result<_, _>>()?;
    // Each ends with the end of its line.
    Ok(formatted.join("\n"))
}

/// The parts of a text that belong together: a policy with the lines above it and the rest of its last line. The last
/// part reaches the end.
fn parts(text: &str, ends: &[usize]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    let last = ends.len().saturating_sub(1);
    ends.iter().enumerate().map(move |(index, end)| {
        let rest = text.get(*end..).unwrap_or_default();
        let line = rest.split_inclusive('\n').next().unwrap_or_default();
        // Another policy may begin on the same line.
        let is_rest = line.trim().is_empty() || line.trim_start().starts_with("//");
        let end = if index == last { text.len() } else { end + if is_rest { line.len() } else { 0 } };
        let part = start..end;
        start = end;
        part
    })
}

/// Where each policy and template ends, in order.
fn ends(set: &cedar::PolicySet) -> Vec<usize> {
    let policies = set.policies().filter_map(|policy| AsRef::<ast::Policy>::as_ref(policy).loc());
    let templates = set.templates().filter_map(|template| AsRef::<ast::Template>::as_ref(template).loc());
    let mut ends: Vec<_> = policies.chain(templates).map(|loc| loc.span.offset() + loc.span.len()).collect();
    ends.sort_unstable();
    ends
}

fn parsed(file: &SourceFile) -> Result<cedar::PolicySet, Vec<Problem>> {
    file.text.parse().map_err(|errors: cedar::ParseErrors| {
        errors.iter().map(|error| Problem::from_diagnostic("policy::syntax", file, error)).collect::<Vec<_>>()
    })
}

/// The text without commas before a closing bracket: the formatter drops each with the comment after it.
fn without_last_commas(text: &str) -> String {
    let mut last = HashSet::new();
    let mut rest = text;
    // The place of a comma that only white space and comments have followed so far.
    let mut comma = None;
    while let Some(character) = rest.chars().next() {
        let length = match character {
            '"' => rest.len() - after_string(rest.get(1..).unwrap_or_default()).len(),
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            _ => character.len_utf8(),
        };
        let is_blank = character.is_whitespace() || rest.starts_with("//");
        match character {
            ',' => comma = Some(text.len() - rest.len()),
            ')' | ']' | '}' => last.extend(comma.take()),
            _ if is_blank => {}
            _ => comma = None,
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    text.char_indices().filter(|(place, _)| !last.contains(place)).map(|(_, character)| character).collect()
}

/// Policies, templates and annotations, without places.
fn meaning(file: &SourceFile, set: &cedar::PolicySet) -> Result<serde_json::Value, Vec<Problem>> {
    set.clone().to_json().map_err(|error| vec![Problem::error("fmt::refused", file, error.to_string())])
}

/// The texts of all comments, in order.
fn comments(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let place = rest.find(['"', '/'])?;
            let (_, found) = rest.split_at_checked(place)?;
            if let Some(comment) = found.strip_prefix("//") {
                let (comment, after) = comment.split_once('\n').unwrap_or((comment, ""));
                rest = after;
                return Some(comment.trim());
            }
            rest = match found.strip_prefix('"') {
                Some(string) => after_string(string),
                None => found.strip_prefix('/')?,
            };
        }
    })
}

/// What follows a string, of which the first quote is gone.
fn after_string(text: &str) -> &str {
    let mut rest = text;
    while let Some(place) = rest.find(['"', '\\']) {
        let Some((_, found)) = rest.split_at_checked(place) else { break };
        if let Some(after) = found.strip_prefix('"') {
            return after;
        }
        let mut characters = found.chars();
        characters.by_ref().take(2).for_each(drop);
        rest = characters.as_str();
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> SourceFile {
        SourceFile { name: "a.cedar".into(), text: text.into() }
    }

    #[test]
    fn comments_are_found_outside_of_strings_only() {
        let text = r#"// one
            permit (principal, action, resource) when { context.a == "// no \" // no" }; // two
            @x("\\") // three //
            permit (principal, action, resource) when { 4 > 2 }; // four"#;
        assert_eq!(comments(text).collect::<Vec<_>>(), ["one", "two", "three //", "four"]);
        assert_eq!(comments("\"open // string").count(), 0);
    }

    #[test]
    fn what_is_formatted_stays_as_it_is() {
        let wild = "@id(\"a\")permit(principal==?principal,action,resource)when{context.x}; // end\n//last";
        let once = pretty(&file(wild)).unwrap();
        assert_ne!(once, wild);
        assert_eq!(pretty(&file(&once)).unwrap(), once);
    }

    /// What the formatter makes of a text as a whole, if it makes anything, is what it makes of the parts.
    #[track_caller]
    fn comes_to_the_same(text: &str) {
        let set = text.parse::<cedar::PolicySet>().unwrap();
        if let Ok(whole) = policies_str_to_pretty(text, &CONFIG) {
            assert_eq!(formatted(text, &ends(&set)).unwrap(), whole, "{text}");
        }
    }

    #[test]
    fn the_repositorys_policies_policy_by_policy_come_to_the_same() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
        let mut all = String::new();
        for folder in [root.clone(), root.join("guarantees")] {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|extension| extension == "cedar") {
                    let text = std::fs::read_to_string(path).unwrap();
                    comes_to_the_same(&text);
                    comes_to_the_same(&text.replace('\n', " \n\n\t"));
                    all.push_str(&text);
                }
            }
        }
        comes_to_the_same(&all);
    }

    /// The words of two policies and a template, which any white space can separate.
    const WORDS: &[&str] = &[
        "@id",
        "(",
        "\"a\"",
        ")",
        "permit",
        "(",
        "principal",
        "is",
        "User",
        "in",
        "Group::\"g\"",
        ",",
        "action",
        "in",
        "[",
        "Action::\"a\"",
        ",",
        "Action::\"b\"",
        "]",
        ",",
        "resource",
        ")",
        "when",
        "{",
        "principal",
        ".",
        "level",
        ">",
        "2",
        "&&",
        "[",
        "1",
        ",",
        "2",
        "]",
        ".",
        "contains",
        "(",
        "3",
        ")",
        "}",
        "unless",
        "{",
        "if",
        "true",
        "then",
        "context",
        "has",
        "x",
        "else",
        "!",
        "false",
        "}",
        ";",
        "forbid",
        "(",
        "principal",
        "==",
        "?principal",
        ",",
        "action",
        ",",
        "resource",
        ")",
        ";",
        "permit",
        "(",
        "principal",
        ",",
        "action",
        ",",
        "resource",
        ")",
        "when",
        "{",
        "\"// no;\"",
        "like",
        "\"*\"",
        "}",
        ";",
    ];

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(400))]

        #[test]
        fn policy_by_policy_comes_to_the_same(
            blanks in proptest::collection::vec(
                proptest::sample::select(vec![
                    " ", " ", " ", " ", " ", " ", "\n", "\n\n", "\r\n", "\t", " // a\n", "\n// b; permit\n", "\n\n// c\n\n  // d\n",
                    "//e\r\n", "// f \n// g\n",
                ]),
                WORDS.len() + 1,
            ),
            repeated in 1..3_usize,
        ) {
            let text: String = blanks.iter().zip(WORDS.iter().chain([&""])).flat_map(|(blank, word)| [*blank, *word]).collect();
            comes_to_the_same(&text.repeat(repeated));
            comes_to_the_same(text.trim_end());
        }
    }

    /// A text in which a list ends with a comma wherever it can, by its words.
    const COMMAS: &[&str] = &[
        "@id(\"a, ]\")",
        "permit",
        "(",
        "principal",
        ",",
        "action",
        "in",
        "[",
        "Action::\"a\"",
        ",",
        "Action::\"b\"",
        ",",
        "]",
        ",",
        "resource",
        ",",
        ")",
        "when",
        "{",
        "[",
        "\"a, )\"",
        ",",
        "\"b\"",
        ",",
        "]",
        ".",
        "contains",
        "(",
        "\"a\"",
        ",",
        ")",
        "&&",
        "{",
        "a",
        ":",
        "1",
        ",",
        "}",
        "has",
        "a",
        "}",
        ";",
    ];

    #[test]
    fn a_comment_behind_a_last_comma_is_kept() {
        let mut accepted = 0;
        for place in 0..COMMAS.len() {
            let words = COMMAS
                .iter()
                .enumerate()
                .map(|(at, word)| if at == place { format!("{word} // why, ]\n") } else { format!("{word} ") });
            let text: String = words.collect();
            let once = pretty(&file(&text)).unwrap_or_else(|problems| panic!("{text}: {problems:#?}"));
            assert_eq!(comments(&once).collect::<Vec<_>>(), ["why, ]"], "{text}");
            assert_eq!(pretty(&file(&once)).unwrap(), once);
            accepted += 1;
        }
        assert_eq!(accepted, COMMAS.len());
    }

    #[test]
    fn only_commas_before_a_closing_bracket_go() {
        let text = "[1, 2, // a, ]\n]; \", ]\" (3 , ) {4 // ,\n,}";
        assert_eq!(without_last_commas(text), "[1, 2 // a, ]\n]; \", ]\" (3  ) {4 // ,\n}");
    }

    #[test]
    fn a_file_that_does_not_parse_is_reported_with_its_place() {
        let problems = pretty(&file("permit (principal, action, resource\n;")).unwrap_err();
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].kind(), "policy::syntax");
        assert_eq!(problems[0].position(), Some((2, 1)));
    }
}
