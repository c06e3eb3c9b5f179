//! What changed since an earlier side: accounts with their authorisations, and rights.

use super::{super::changes::sentences, counted, short};
use crate::review::{
    matrix::{AccountChange, Changes, Matrix, Presence, RightChange},
    report::{Tone, badge},
};
use maud::{Markup, html};

pub(super) fn changes(matrix: &Matrix, changes: &Changes) -> Markup {
    html! {
        section {
            h2 id="changes" { "What changed since " (changes.since) }
            p { "The earlier side: policies " code { (changes.revision) } ", directory " code { (changes.directory_revision) }
                @if changes.day == matrix.day { ", on the same day" } @else { ", on " (changes.day) } ". "
                (counted(changes.accounts.len(), "account")) " changed. Conditions are compared as they are written; "
                code { "poort diff" } " proves what two versions decide otherwise." }
            @if !changes.accounts.is_empty() { (accounts(changes)) (rights(matrix, changes)) }
        }
    }
}

fn accounts(changes: &Changes) -> Markup {
    html! {
        h3 { "Accounts" }
        div.wide role="region" tabindex="0" aria-label="Accounts that changed" { table {
            thead { tr { th scope="col" { "Account" } th scope="col" { "Groups and authorisations" } th scope="col" { "Rights" } } }
            tbody { @for account in &changes.accounts { tr {
                th scope="row" {
                    (short(&account.kind)) " " (account.id)
                    @if let Some(name) = &account.name { span.name { (name) } }
                    @if account.presence != Presence::Both { (badge(tone(account.presence), account.presence.name())) }
                }
                td { ul.gives { @for sentence in sentences(account) { li { (sentence) } } } }
                td { (counts(account)) }
            } } }
        } }
    }
}

const fn tone(presence: Presence) -> Tone {
    match presence {
        Presence::New => Tone::Warning,
        Presence::Gone | Presence::Both => Tone::Neutral,
    }
}

fn counts(account: &AccountChange) -> String {
    let count = |wanted| account.rights.values().filter(|change| **change == wanted).count();
    let each = RightChange::EACH.into_iter().map(|change| (count(change), change.name()));
    each.filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
}

fn rights(matrix: &Matrix, changes: &Changes) -> Markup {
    let rights = changes.by_right();
    let named = |account: &&AccountChange| account.id.clone();
    html! {
        @if !rights.is_empty() {
            h3 { "Rights" }
            div.wide role="region" tabindex="0" aria-label="Rights that changed" { table {
                thead { tr { th scope="col" { "Record" } th scope="col" { "Operation" } th scope="col" { "Change" } th scope="col" { "Accounts" } } }
                tbody { @for ((record, action), by) in rights { @for (change, accounts) in by { tr {
                    th scope="row" { (short(record)) }
                    td { b { (matrix.letter(action)) } " " (action) }
                    td { (change_badge(change)) }
                    td { (counted(accounts.len(), "account")) span.name { (accounts.iter().map(named).collect::<Vec<_>>().join(", ")) } }
                } } } }
            } }
        }
    }
}

fn change_badge(change: RightChange) -> Markup {
    let tone = match change {
        RightChange::Gained | RightChange::Wider | RightChange::Further => Tone::Warning,
        RightChange::Conditions | RightChange::Narrower | RightChange::Lost => Tone::Neutral,
    };
    badge(tone, change.name())
}
