//! The one form of policy text: `cedar-policy-formatter`, 80 columns, two spaces.
//!
//! A formatter that changes what a policy means, or that loses the comment that says why, is worse than none. So the result
//! is read again: it must hold the same policies, templates and annotations, and the same comments in the same order.

use super::bounds::{self, Language};
use crate::problem::{Problem, SourceFile};
use cedar_policy as cedar;
use cedar_policy_formatter::{Config, policies_str_to_pretty};

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
    let before = meaning(file)?;
    let refused = |message: String| {
        vec![
            Problem::error("fmt::refused", file, message)
                .help("the file is left as it is; move the comment or the part that is not kept, and report this"),
        ]
    };
    let text = policies_str_to_pretty(&file.text, &CONFIG).map_err(|error| refused(format!("{error:#}")))?;
    let formatted = SourceFile { name: file.name.clone(), text: text.as_str().into() };
    let after = meaning(&formatted).map_err(|_| refused("the formatted text would not parse".to_owned()))?;
    if after != before {
        return Err(refused("formatting would change what a policy says".to_owned()));
    }
    if let Some(lost) = comments(&file.text).find(|comment| !comments(&text).any(|kept| kept == *comment)) {
        return Err(refused(format!("formatting would lose the comment `{lost}`")));
    }
    if comments(&file.text).ne(comments(&text)) {
        return Err(refused("formatting would move a comment past another".to_owned()));
    }
    Ok(text)
}

/// Policies, templates and annotations, without places.
fn meaning(file: &SourceFile) -> Result<serde_json::Value, Vec<Problem>> {
    let set: cedar::PolicySet = file.text.parse().map_err(|errors: cedar::ParseErrors| {
        errors.iter().map(|error| Problem::from_diagnostic("policy::syntax", file, error)).collect::<Vec<_>>()
    })?;
    set.to_json().map_err(|error| vec![Problem::error("fmt::refused", file, error.to_string())])
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

    #[test]
    fn a_file_that_does_not_parse_is_reported_with_its_place() {
        let problems = pretty(&file("permit (principal, action, resource\n;")).unwrap_err();
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].kind(), "policy::syntax");
        assert_eq!(problems[0].position(), Some((2, 1)));
    }
}
