//! Lints: findings of `poort validate` about policies that can be evaluated and are probably wrong. None of them needs
//! a proof.
//!
//! - `policy::none`: a folder without policies denies everything
//! - `policy::no-title`, `policy::duplicate-title`: reports and answers show titles to people
//! - `policy::level`: a policy that follows more references than [`LEVEL`] makes an answer depend on records far away
//! - `entities`: `policy::unknown-entity`, what the directory lacks; `policy::not-linked`, templates that nothing uses
//! - `annotations`: `policy::annotation`, unknown annotations that are similar to known ones;
//!   `schema::unused-obligation`, obligations that no policy names
//! - `never`: `policy::unknown-attribute` (an error), `policy::unknown-value`, `policy::unknown-type`: conditions that
//!   name what the schema does not have; `typed`: the types that an expression can have
//! - `guarantees`: `guarantee::vacuous`, guarantees that hold whatever the policies say
//! - `characters`: `text::invisible`, `text::confusable`, deceptive characters
//! - `unread`: `folder::not-read`, files that look like policies, tests or accounts and are not read
//!
//! Findings that need a proof (policies that never match, are redundant, or can fail) are in `proof`.

mod annotations;
mod characters;
mod entities;
mod guarantees;
mod never;
mod typed;
mod unread;

pub use characters::{invisible, invisible_in_directory};
pub use guarantees::guarantees;
pub use unread::unread;

use crate::{
    sources::policy::{Place, Policies, Sources, cedar_core::ast},
    types::problem::Problem,
};
use cedar_policy as cedar;
use miette::Diagnostic as _;
use std::collections::BTreeMap;

/// How many references in a row a policy may follow: `resource.team.leader` follows two. Each costs a lookup, and
/// readers of a policy do not expect an effect of more distant records.
pub const LEVEL: u32 = 3;

/// All findings in the policies, ordered by file and place. `directory`: the entities that it holds.
#[must_use]
pub fn lint<'a>(
    sources: &Sources,
    policies: &Policies,
    directory: impl Iterator<Item = &'a ast::EntityUID>,
) -> Vec<Problem> {
    let mut problems: Vec<_> = sources.files().flat_map(|(_, file)| invisible(file)).collect();
    if policies.facts.is_empty() {
        let problem = Problem::unreadable("policy::none", sources.folder(), "holds no policy, so everything is denied");
        problems.push(problem.as_warning().help("write policies in files that end in .cedar, or name another folder"));
    }
    titles(policies, &mut problems);
    levels(policies, &mut problems);
    annotations::misspelt(policies, &mut problems);
    annotations::unused(sources, policies, &mut problems);
    never::met(policies, &mut problems);
    characters::confusable_ids(policies, &mut problems);
    entities::unknown(policies, directory, &mut problems);
    entities::not_linked(policies, &mut problems);
    problems.sort_by_key(|problem| (problem.file().to_owned(), problem.position()));
    problems
}

/// The places of policies and templates, without those of links, which say what their templates say.
fn written(policies: &Policies) -> impl Iterator<Item = (&cedar::PolicyId, &Place)> {
    policies.places.iter().filter(|(_, place)| place.file.name.ends_with(".cedar"))
}

fn titles(policies: &Policies, problems: &mut Vec<Problem>) {
    let mut titles = BTreeMap::<&str, Vec<(&cedar::PolicyId, &Place)>>::new();
    for (id, place) in written(policies) {
        let title = policies.facts.get(id).map_or("", |facts| facts.title.base());
        if title.is_empty() {
            problems.push(
                Problem::warning("policy::no-title", &place.file, format!("`{id}` has no @title"))
                    .at(place.first_line(), "no @title")
                    .help("say in one sentence what it allows or forbids; answers, records and reports show it"),
            );
        } else {
            titles.entry(title).or_default().push((id, place));
        }
    }
    for (title, mut policies) in titles {
        policies.sort_by_key(|(_, place)| (place.file.name.clone(), place.span.start));
        let Some(((first, _), others)) = policies.split_first() else { continue };
        for (id, place) in others {
            problems.push(
                Problem::warning(
                    "policy::duplicate-title",
                    &place.file,
                    format!("`{id}` has the @title of `{first}`: {title}"),
                )
                .at(place.first_line(), "the same @title")
                .help("say what makes the two differ, or make them one policy"),
            );
        }
    }
}

fn levels(policies: &Policies, problems: &mut Vec<Problem>) {
    // Mostly nothing is found, and this is faster than Cedar's check.
    if policies.footprints().all(|footprint| footprint.hops() <= LEVEL as usize) {
        return;
    }
    let validator = cedar::Validator::new(policies.schema.clone());
    for (id, place) in written(policies) {
        let Ok(set) = place.text().parse::<cedar::PolicySet>() else { continue };
        let result = validator.validate_with_level(&set, cedar::ValidationMode::Strict, LEVEL);
        let level = |error: &&cedar::ValidationError| {
            matches!(error, cedar::ValidationError::EntityDerefLevelViolation(violation)
                // A named entity is one reference away, wherever it is named.
                if violation.to_string().contains("level ("))
        };
        for error in result.validation_errors().filter(level) {
            let mut problem =
                Problem::error("policy::level", &place.file, format!("`{id}` follows more than {LEVEL} references"));
            for label in error.labels().into_iter().flatten() {
                let start = place.span.start + label.offset();
                problem = problem.at(start..start + label.len(), "too far");
            }
            problems.push(problem.help("put what the policy needs to know on a nearer entity"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = "entity Group { chief: User }; entity User { group: Group, level: Long };
        action look appliesTo { principal: User, resource: User };";

    fn found(policies: &str) -> Vec<(&'static str, Option<(usize, usize)>)> {
        let sources = Sources::from_texts("p", [("schema.cedarschema", SCHEMA), ("a.cedar", policies)]);
        let (_, checked, problems) = Policies::from_sources(&sources);
        let checked = checked.unwrap_or_else(|| panic!("{problems:?}"));
        lint(&sources, &checked, std::iter::empty())
            .iter()
            .map(|problem| (problem.kind(), problem.position()))
            .collect()
    }

    #[test]
    fn titles_are_there_and_differ() {
        let text = "@id(\"a\") @title(\"One.\")\npermit (principal, action, resource);
@id(\"b\") @title(\"One.\")\nforbid (principal, action, resource);
@id(\"c\")\nforbid (principal, action, resource);\n";
        assert_eq!(found(text), [("policy::duplicate-title", Some((3, 1))), ("policy::no-title", Some((5, 1)))]);
    }

    #[test]
    fn three_references_are_followed_and_not_four() {
        let policy = |condition: &str| {
            format!("@id(\"a\") @title(\"One.\")\npermit (principal, action, resource)\nwhen {{ {condition} }};\n")
        };
        assert_eq!(found(&policy("principal.group.chief.level > 1")), []);
        assert_eq!(found(&policy("User::\"a\".group.chief.level > 1")), []);
        let far = found(&policy("principal.group.chief.group.chief.level > 1"));
        assert_eq!(far, [("policy::level", Some((3, 8)))]);
    }

    #[test]
    fn characters_that_do_not_show_are_named_also_in_comments() {
        let text = "// a\u{202e}b\n@id(\"a\") @title(\"One.\") // \u{200b}\npermit (principal, action, resource);\n";
        assert_eq!(found(text), [("text::invisible", Some((1, 5))), ("text::invisible", Some((2, 28)))]);
    }
}
