//! Account by account: what it is in, its authorisations, and what it may do under which conditions.

use super::{
    authorisations::authorisations,
    legend::sign,
    limits::{Limits, conditions},
    short, shown, words,
};
use crate::{
    review::{
        matrix::{Access, Account, Matrix, Part},
        report::{Tone, badge},
    },
    types::{
        language::Language,
        texts::{matrix as texts, matrix_page as page},
    },
};
use maud::{Markup, html};

pub(super) fn accounts(matrix: &Matrix, limits: &Limits<'_>, language: Language) -> Markup {
    html! {
        section {
            h2 id="accounts" { (page::account_by_account(language)) }
            @for (index, account) in matrix.accounts.iter().enumerate() { (section(matrix, account, index, limits, language)) }
        }
    }
}

fn section(matrix: &Matrix, account: &Account, index: usize, limits: &Limits<'_>, language: Language) -> Markup {
    html! {
        details.account id=(format!("a{index}")) data-account=(index) {
            summary {
                h3 { (short(&account.kind)) " " (account.id) @if let Some(name) = &account.name { " · " (name) } }
                @if account.cells.values().all(|access| access.reach().is_none()) { " " (badge(Tone::Neutral, words::nothing(&matrix.filter, language))) }
            }
            @if !account.groups.is_empty() { p.groups { (page::in_groups(language, account.groups.iter().map(shown).collect::<Vec<_>>().join(", "))) } }
            (authorisations(account, language))
            div.cells {
                @for (column, record) in matrix.records.iter().enumerate() {
                    @let grouped = grouped(matrix, account, record);
                    @if !grouped.is_empty() {
                        h4 id=(format!("a{index}-{column}")) { (short(record)) }
                        @for (access, actions) in grouped { (rights(matrix, access, &actions, limits, language)) }
                    }
                }
            }
        }
    }
}

/// The operations that are not ruled out, those with the same conditions together.
fn grouped<'a>(matrix: &'a Matrix, account: &'a Account, record: &str) -> Vec<(&'a Access, Vec<&'a str>)> {
    let mut groups: Vec<(&Access, Vec<&str>)> = Vec::new();
    for operation in &matrix.operations {
        let Some(access) = account.cells.get(&(record.to_owned(), operation.name.clone())) else { continue };
        if access.reach().is_none() {
            continue;
        }
        match groups.iter_mut().find(|(other, _)| *other == access) {
            Some((_, actions)) => actions.push(&operation.name),
            None => groups.push((access, vec![&operation.name])),
        }
    }
    groups
}

fn rights(matrix: &Matrix, access: &Access, actions: &[&str], limits: &Limits<'_>, language: Language) -> Markup {
    let [permits, forbids] = access.parts();
    let is_always = matches!(access, Access::Always { .. });
    let how = if is_always { texts::always } else { texts::under_conditions };
    let word = if is_always { texts::by } else { texts::condition_if };
    html! {
        div.rights {
            p {
                @for action in actions {
                    @if let Some(reach) = access.reach() { (sign(reach, matrix.letter(action), is_always, language)) } " " (action) " "
                }
                span.name { (how(language)) @if let Some(reach) = access.reach() { ", " (words::records(reach, language)) } }
            }
            ul { @for part in permits { (permit(word(language), part, language)) } }
            @if !forbids.is_empty() { (limits.links(forbids, language)) }
        }
    }
}

fn permit(word: &str, part: &Part, language: Language) -> Markup {
    html! {
        li {
            b { (word) } " " code { (part.policy.id) } " " (part.policy.title.in_language(language))
            (conditions(part))
        }
    }
}
