//! Writes the matrix as the page of the yearly review: how to read it, what changed, who may do what at a glance, what groups
//! give, and each account with its authorisations and conditions.
//!
//! - `legend`: how to read the page
//! - `changes`: what changed since an earlier side
//! - `overview`: a row for each account, a column for each type of record
//! - `groups`: what each group gives
//! - `accounts`: account by account; `authorisations`: what an account is authorised to do
//! - `limits`: the conditions under which something is still forbidden, each of them once
//! - `style`: how it looks, on a screen and on paper

mod accounts;
mod authorisations;
mod changes;
mod groups;
mod legend;
mod limits;
mod overview;
mod style;

use super::{Review, applications, short, words};
use crate::{
    review::{
        matrix::{Access, Account, Group, Matrix},
        report::{Page, Tone, facts},
    },
    types::{
        language::Language,
        texts::{matrix as texts, matrix_page as page_texts},
    },
};
use limits::Limits;
use maud::{Markup, html};

/// The page for the yearly review of rights.
#[must_use]
pub fn html(review: &Review<'_>, language: Language) -> String {
    let Review { matrix, changes, gives } = *review;
    let count = |wanted: &str| {
        let cells = matrix.accounts.iter().flat_map(|account| account.cells.values());
        cells.filter(|access| access.word() == wanted).count().to_string()
    };
    let limits = Limits::of(matrix);
    let is_one = matrix.records.len() == 1 && matrix.actions.len() == 1;
    let title = match (is_one, matrix.records.first(), matrix.actions.first()) {
        (true, Some(record), Some(action)) => page_texts::title_of_one(language, action, short(record), &matrix.day),
        _ => page_texts::title(language, &matrix.day),
    };
    let part = words::part(&matrix.filter, language);
    let title = part.as_ref().map_or(title.clone(), |part| page_texts::title_of_part(language, title, part));
    let counted = page_texts::of_directory(
        language,
        words::accounts(matrix.accounts.len(), language),
        words::operations(matrix.actions.len(), language),
        words::types(matrix.records.len(), language),
    );
    let script = style::script(language);
    let page = Page {
        title: &title,
        summary: html! {
            @if part.is_none() { (page_texts::whole_review(language)) } @else { (page_texts::part_of_review(language)) }
            (counted) code { (matrix.revision) } (page_texts::and_directory(language)) code { (matrix.directory_revision) } "."
        },
        body: html! {
            (facts([
                (page_texts::accounts(language), matrix.accounts.len().to_string(), Tone::Neutral),
                (page_texts::types_of_record(language), matrix.records.len().to_string(), Tone::Neutral),
                (texts::always(language), count("always"), Tone::Warning),
                (texts::under_conditions(language), count("conditions"), Tone::Neutral),
                (page_texts::never(language), count("never"), Tone::Good),
                (page_texts::test_accounts_left_out(language), matrix.left_out.len().to_string(), Tone::Neutral),
            ]))
            nav aria-label=(page_texts::contents(language)) { ul.contents {
                li { a href="#legend" { (page_texts::how_to_read(language)) } }
                @if changes.is_some() { li { a href="#changes" { (page_texts::what_changed(language)) } } }
                li { a href="#glance" { (page_texts::at_a_glance(language)) } }
                @if !gives.is_empty() { li { a href="#groups" { (page_texts::what_groups_give(language)) } } }
                li { a href="#accounts" { (page_texts::account_by_account(language)) } }
                @if matrix.applications.is_some() { li { a href="#applications" { (texts::applications(language)) } } }
                li { a href="#limits" { (page_texts::limits(language)) } }
                li { a href="#left-out" { (page_texts::left_out(language)) } }
            } }
            (legend::legend(matrix, language))
            @if let Some(changes) = changes { (changes::changes(matrix, changes, language)) }
            (overview::overview(matrix, language))
            @if !gives.is_empty() { (groups::groups(matrix, gives, language)) }
            (accounts::accounts(matrix, &limits, language))
            (applications::section(matrix, language))
            (limits.section(language))
            (left_out(matrix, language))
        },
        style: style::STYLE,
        script: &script,
    };
    page.render_in(language)
}

/// The test accounts, so that nobody is out of the review unseen.
fn left_out(matrix: &Matrix, language: Language) -> Markup {
    let part = words::part(&matrix.filter, language);
    let nobody = match &part {
        None => page_texts::nobody_left_out(language),
        Some(_) => page_texts::nobody_of_part_left_out(language),
    };
    let how: Vec<_> = matrix.test_marks.iter().map(|mark| short(&mark.words(language)).to_owned()).collect();
    let counted = words::test_accounts(matrix.left_out.len(), language);
    html! {
        section {
            h2 id="left-out" { (page_texts::left_out(language)) }
            @if let Some(part) = &part { p { (page_texts::about_a_part(language, part)) } }
            @if matrix.test_marks.is_empty() {
                p { (nobody) code { "@test_account" } ")." }
            } @else {
                p { (page_texts::left_out_by(language, counted, how.join(", "))) }
            }
            @if !matrix.left_out.is_empty() {
                div.wide role="region" tabindex="0" aria-label=(page_texts::accounts_left_out(language)) { table {
                    thead { tr { th scope="col" { (page_texts::account_head(language)) } th scope="col" { (page_texts::name_head(language)) } th scope="col" { (page_texts::in_head(language)) } th scope="col" { (page_texts::may_something(language)) } } }
                    tbody { @for account in &matrix.left_out { tr {
                        th scope="row" { (short(&account.kind)) " " (account.id) }
                        td { (account.name.as_deref().unwrap_or_default()) }
                        td { (account.groups.iter().map(shown).collect::<Vec<_>>().join(", ")) }
                        td { (reaches(matrix, account, language)) }
                    } } }
                } }
            }
        }
    }
}

/// How many types of record an account may do something with.
fn reaches(matrix: &Matrix, account: &Account, language: Language) -> String {
    let allowed = account.cells.iter().filter(|(_, access)| !matches!(access, Access::Never { .. }));
    let records: std::collections::BTreeSet<_> = allowed.map(|((record, _), _)| record).collect();
    if records.is_empty() {
        words::nothing(&matrix.filter, language).to_owned()
    } else {
        words::types(records.len(), language)
    }
}

/// A group with its type and name.
fn shown(group: &Group) -> String {
    let name = group.name.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
    format!("{} {}{name}", short(&group.kind), group.id)
}
