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

use super::{Review, applications, counted, short};
use crate::review::{
    matrix::{Access, Account, Group, Matrix},
    report::{Page, Tone, facts},
};
use limits::Limits;
use maud::{Markup, html};

/// The page for the yearly review of rights.
#[must_use]
pub fn html(review: &Review<'_>) -> String {
    let Review { matrix, changes, gives } = *review;
    let count = |wanted: &str| {
        let cells = matrix.accounts.iter().flat_map(|account| account.cells.values());
        cells.filter(|access| access.word() == wanted).count().to_string()
    };
    let limits = Limits::of(matrix);
    let is_one = matrix.records.len() == 1 && matrix.actions.len() == 1;
    let title = match (is_one, matrix.records.first(), matrix.actions.first()) {
        (true, Some(record), Some(action)) => format!("Who may {action} {} on {}", short(record), matrix.day),
        _ => format!("Who may do what on {}", matrix.day),
    };
    let only = matrix.filter.words();
    let title = only.as_ref().map_or(title.clone(), |words| format!("{title}: only {words}"));
    let page = Page {
        title: &title,
        summary: html! {
            @if only.is_none() { "The review of rights: " } @else { "A part of the review of rights: " }
            (counted(matrix.accounts.len(), "account")) " of the directory, "
            (counted(matrix.actions.len(), "operation")) ", " (counted(matrix.records.len(), "type")) " of record. Policies "
            code { (matrix.revision) } ", directory " code { (matrix.directory_revision) } "."
        },
        body: html! {
            (facts([
                ("accounts", matrix.accounts.len().to_string(), Tone::Neutral),
                ("types of record", matrix.records.len().to_string(), Tone::Neutral),
                ("always", count("always"), Tone::Warning),
                ("under conditions", count("conditions"), Tone::Neutral),
                ("never", count("never"), Tone::Good),
                ("test accounts left out", matrix.left_out.len().to_string(), Tone::Neutral),
            ]))
            nav aria-label="Contents" { ul.contents {
                li { a href="#legend" { "How to read it" } }
                @if changes.is_some() { li { a href="#changes" { "What changed" } } }
                li { a href="#glance" { "At a glance" } }
                @if !gives.is_empty() { li { a href="#groups" { "What groups give" } } }
                li { a href="#accounts" { "Account by account" } }
                @if matrix.applications.is_some() { li { a href="#applications" { "What applications may ask" } } }
                li { a href="#limits" { "Limits" } }
                li { a href="#left-out" { "Left out" } }
            } }
            (legend::legend(matrix))
            @if let Some(changes) = changes { (changes::changes(matrix, changes)) }
            (overview::overview(matrix))
            @if !gives.is_empty() { (groups::groups(matrix, gives)) }
            (accounts::accounts(matrix, &limits))
            (applications::section(matrix))
            (limits.section())
            (left_out(review))
        },
        style: style::STYLE,
        script: style::SCRIPT,
    };
    page.render()
}

/// The test accounts, so that nobody is out of the review unseen.
fn left_out(review: &Review<'_>) -> Markup {
    let matrix = review.matrix;
    let asked = matrix.filter.words();
    html! {
        section {
            h2 id="left-out" { "Left out" }
            @if let Some(words) = &asked { p { "This page is about a part: only " (words) ". Whatever else there is, it leaves out." } }
            @if matrix.test_marks.is_empty() {
                p { "No " @if asked.is_none() { "account" } @else { "account of that part" }
                    " is left out: the schema marks no test accounts (" code { "@test_account" } ")." }
            } @else {
                p { (counted(matrix.left_out.len(), "test account")) " left out. A test account is one whose "
                    (matrix.test_marks.iter().map(|mark| short(mark)).collect::<Vec<_>>().join(", ")) "." }
            }
            @if !matrix.left_out.is_empty() {
                div.wide role="region" tabindex="0" aria-label="Test accounts that are left out" { table {
                    thead { tr { th scope="col" { "Account" } th scope="col" { "Name" } th scope="col" { "In" } th scope="col" { "May do something with" } } }
                    tbody { @for account in &matrix.left_out { tr {
                        th scope="row" { (short(&account.kind)) " " (account.id) }
                        td { (account.name.as_deref().unwrap_or_default()) }
                        td { (account.groups.iter().map(shown).collect::<Vec<_>>().join(", ")) }
                        td { (reaches(matrix, account)) }
                    } } }
                } }
            }
        }
    }
}

/// How many types of record an account may do something with.
fn reaches(matrix: &Matrix, account: &Account) -> String {
    let allowed = account.cells.iter().filter(|(_, access)| !matches!(access, Access::Never { .. }));
    let records: std::collections::BTreeSet<_> = allowed.map(|((record, _), _)| record).collect();
    if records.is_empty() { matrix.filter.nothing().to_owned() } else { counted(records.len(), "type") + " of record" }
}

/// A group with its type and name.
fn shown(group: &Group) -> String {
    let name = group.name.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
    format!("{} {}{name}", short(&group.kind), group.id)
}
