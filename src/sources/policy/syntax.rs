//! Mistakes of syntax in a file of policies: those of each policy by itself, and a bracket or a text that is not closed, at its
//! opening.
//!
//! Cedar names the place where it could not go on, which for an open bracket is far away, and often stops at the first mistake.

use super::{hints, tokens::tokens};
use crate::types::problem::{Problem, SourceFile};
use cedar_policy as cedar;
use miette::Diagnostic;
use std::ops::Range;

/// How many policies with mistakes are reported of a file.
const MOST: usize = 20;

/// A policy as it is written, or what was meant as one.
struct Written {
    place: Range<usize>,
    /// What is not closed in it.
    open: Option<Problem>,
}

/// What is wrong with a file that does not parse; `errors`: what Cedar says of all of it.
pub(super) fn mistakes(file: &SourceFile, errors: &cedar::ParseErrors) -> Vec<Problem> {
    let of_policies = written(file).into_iter().map(|written| of_policy(file, written));
    let found: Vec<_> = of_policies.filter(|of_policy| !of_policy.is_empty()).take(MOST).flatten().collect();
    // A mistake between policies is in none.
    if found.is_empty() { told(file, errors) } else { found }
}

fn of_policy(file: &SourceFile, Written { place, open }: Written) -> Vec<Problem> {
    if let Some(open) = open {
        return vec![open];
    }
    let text = file.text.get(place.clone()).unwrap_or_default();
    if text.parse::<cedar::PolicySet>().is_ok() {
        return Vec::new();
    }
    // Blanks before it keep the places.
    let errors = format!("{}{text}", " ".repeat(place.start)).parse::<cedar::PolicySet>().err();
    errors.map_or_else(Vec::new, |errors| told(file, &errors))
}

/// What Cedar says, with what to write instead.
fn told(file: &SourceFile, errors: &cedar::ParseErrors) -> Vec<Problem> {
    let problem = |error: &cedar::ParseError| {
        let problem = hints::settled(Problem::from_diagnostic("policy::syntax", file, error), None);
        let place = error.labels().and_then(|mut labels| labels.next()).map(|label| label.offset());
        match place.and_then(|place| instead(file.text.get(place..)?)) {
            Some(help) if problem.help_text().is_none() => problem.help(help),
            _ => problem,
        }
    };
    errors.iter().map(problem).collect()
}

/// What to write in the place of a token that Cedar does not have.
fn instead(rest: &str) -> Option<&'static str> {
    let token = tokens(rest.get(..rest.len().min(8)).unwrap_or(rest.lines().next()?)).first()?.text;
    Some(match token.to_ascii_lowercase().as_str() {
        "and" => "write `&&` for *and*",
        "or" => "write `||` for *or*",
        "not" => "write `!` for *not*",
        "=" => "write `==` to compare",
        "“" | "”" | "„" | "«" | "»" | "‘" | "’" | "'" | "`" => {
            "write texts between straight double quotation marks: \"…\"; word processors change them"
        }
        _ => return None,
    })
}

/// The policies of a file, as far as their ends can be told.
fn written(file: &SourceFile) -> Vec<Written> {
    let mut found = Vec::new();
    let mut open: Vec<(&str, Range<usize>)> = Vec::new();
    let mut start = 0;
    let mut problem = None;
    let all = tokens(&file.text);
    for token in &all {
        let text = token.text;
        match text {
            "(" | "[" | "{" => open.push((text, token.place.clone())),
            ")" | "]" | "}" => {
                // What is opened inside and not closed ends here.
                while let Some((opening, place)) = open.pop() {
                    if closing(opening) == text {
                        break;
                    }
                    problem.get_or_insert_with(|| unclosed(file, opening, place, &token.place));
                }
            }
            ";" => {
                if let Some((opening, place)) = open.pop() {
                    problem.get_or_insert_with(|| unclosed(file, opening, place, &token.place));
                }
                open.clear();
                found.push(Written { place: start..token.place.end, open: problem.take() });
                start = token.place.end;
            }
            _ if text.starts_with('"') && (text.contains('\n') || !is_closed(text)) => {
                let place = token.place.start..token.place.start + text.find('\n').unwrap_or(text.len());
                let message = "a text is opened and not closed on its line";
                let problem = Problem::error("policy::syntax", file, message).at(place, "opened here");
                found.push(Written {
                    place: start..file.text.len(),
                    open: Some(problem.help("write the `\"` that ends it; what follows was not looked at")),
                });
                return found;
            }
            _ => {}
        }
    }
    if let Some((opening, place)) = open.pop() {
        let end = file.text.trim_end().len();
        problem.get_or_insert_with(|| unclosed(file, opening, place, &(end..end)));
    }
    if all.last().is_some_and(|last| last.place.end > start) {
        found.push(Written { place: start..file.text.len(), open: problem });
    }
    found
}

fn is_closed(text: &str) -> bool {
    let inner = text.strip_prefix('"').and_then(|inner| inner.strip_suffix('"'));
    inner.is_some_and(|inner| {
        let escapes = inner.len() - inner.trim_end_matches('\\').len();
        escapes % 2 == 0
    })
}

fn closing(opening: &str) -> &'static str {
    match opening {
        "(" => ")",
        "[" => "]",
        _ => "}",
    }
}

fn unclosed(file: &SourceFile, opening: &str, place: Range<usize>, end: &Range<usize>) -> Problem {
    let line = file.text.get(..end.start).unwrap_or_default().matches('\n').count() + 1;
    Problem::error("policy::syntax", file, format!("a `{opening}` is opened and not closed"))
        .at(place, "opened here")
        .help(format!("write the `{}` that ends it, before what is on line {line}", closing(opening)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Line, message and help of each mistake.
    fn found(text: &str) -> Vec<(usize, String, String)> {
        let file = SourceFile { name: "a.cedar".into(), text: text.into() };
        let errors = text.parse::<cedar::PolicySet>().unwrap_err();
        mistakes(&file, &errors)
            .iter()
            .map(|it| {
                (it.position().unwrap().0, it.message().to_owned(), it.help_text().unwrap_or_default().to_owned())
            })
            .collect()
    }

    #[test]
    fn each_policy_has_its_own_mistakes() {
        let text = "permit (principal, action, resource) when { principal.a and true };\n\
                    permit (principal, action, resource) when { true };\n\
                    permit (principal, action, resource) when { principal.a = 3 };\n\
                    permit (principal, action, resource) when { “x” == \"y\" };\n\
                    permitt (principal, action, resource);\n";
        let found = found(text);
        assert_eq!(found.iter().map(|(line, ..)| *line).collect::<Vec<_>>(), [1, 3, 4, 5], "{found:#?}");
        for (index, help) in [(0, "`&&`"), (1, "=="), (2, "straight double quotation marks")] {
            assert!(found[index].2.contains(help) || found[index].1.contains(help), "{found:#?}");
        }
    }

    #[test]
    fn what_is_not_closed_is_named_where_it_is_opened() {
        for (text, line, message) in [
            (
                "permit (principal, action, resource)\nwhen { true\n;\npermit (principal, action, resource);",
                2,
                "a `{` is",
            ),
            ("permit (principal, action, resource)\nwhen { (true && (false) };\n", 2, "a `(` is"),
            ("permit (principal, action,\nresource in [A::\"b\");", 2, "a `[` is"),
            ("permit (principal, action, resource)\nwhen {\n true", 2, "a `{` is"),
            (
                "// \" {\n@id(\"a)\npermit (principal, action, resource);\n@id(\"b\") permit (principal, action, resource);",
                2,
                "a text is",
            ),
            ("permit (principal, action, resource) when { \"a\\\" == b };", 1, "a text is"),
        ] {
            let found = found(text);
            assert!(found.len() == 1 && found[0].0 == line && found[0].1.starts_with(message), "{text}: {found:#?}");
        }
    }
}
