//! Account by account: what it is in, its authorisations, and what it may do under which conditions.

use super::{
    authorisations::authorisations,
    legend::sign,
    limits::{Limits, conditions},
    short, shown,
};
use crate::review::{
    matrix::{Access, Account, Matrix, Part},
    report::{Tone, badge},
};
use maud::{Markup, html};

pub(super) fn accounts(matrix: &Matrix, limits: &Limits<'_>) -> Markup {
    html! {
        section {
            h2 id="accounts" { "Account by account" }
            @for (index, account) in matrix.accounts.iter().enumerate() { (section(matrix, account, index, limits)) }
        }
    }
}

fn section(matrix: &Matrix, account: &Account, index: usize, limits: &Limits<'_>) -> Markup {
    html! {
        details.account id=(format!("a{index}")) data-account=(index) {
            summary {
                h3 { (short(&account.kind)) " " (account.id) @if let Some(name) = &account.name { " · " (name) } }
                @if account.cells.values().all(|access| access.reach().is_none()) { " " (badge(Tone::Neutral, matrix.filter.nothing())) }
            }
            @if !account.groups.is_empty() { p.groups { "in " (account.groups.iter().map(shown).collect::<Vec<_>>().join(", ")) } }
            (authorisations(account))
            div.cells {
                @for (column, record) in matrix.records.iter().enumerate() {
                    @let grouped = grouped(matrix, account, record);
                    @if !grouped.is_empty() {
                        h4 id=(format!("a{index}-{column}")) { (short(record)) }
                        @for (access, actions) in grouped { (rights(matrix, access, &actions, limits)) }
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

fn rights(matrix: &Matrix, access: &Access, actions: &[&str], limits: &Limits<'_>) -> Markup {
    let [permits, forbids] = access.parts();
    let is_always = matches!(access, Access::Always { .. });
    html! {
        div.rights {
            p {
                @for action in actions {
                    @if let Some(reach) = access.reach() { (sign(reach, matrix.letter(action), is_always)) } " " (action) " "
                }
                span.name { @if is_always { "always" } @else { "under conditions" } @if let Some(reach) = access.reach() { ", " (reach.word()) " records" } }
            }
            ul { @for part in permits { (permit(if is_always { "by" } else { "if" }, part)) } }
            @if !forbids.is_empty() { (limits.links(forbids)) }
        }
    }
}

fn permit(word: &str, part: &Part) -> Markup {
    html! {
        li {
            b { (word) } " " code { (part.policy.id) } " " (part.policy.title.base())
            (conditions(part))
        }
    }
}
