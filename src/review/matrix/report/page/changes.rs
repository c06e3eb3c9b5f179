//! What changed since an earlier side: accounts with their authorisations, and rights.

use super::{super::changes::sentences, short, words};
use crate::{
    review::{
        matrix::{AccountChange, Changes, Matrix, Presence, RightChange},
        report::{Tone, badge},
    },
    types::{language::Language, texts::matrix_page as texts},
};
use maud::{Markup, html};

pub(super) fn changes(matrix: &Matrix, changes: &Changes, language: Language) -> Markup {
    let day = if changes.day == matrix.day {
        texts::on_same_day(language).to_owned()
    } else {
        texts::on_day(language, &changes.day)
    };
    let changed = match changes.accounts.len() {
        1 => texts::one_changed(language).to_owned(),
        count => texts::many_changed(language, count),
    };
    html! {
        section {
            h2 id="changes" { (texts::changed_since(language, &changes.since)) }
            p { (texts::earlier_side(language)) code { (changes.revision) } (texts::and_directory(language))
                code { (changes.directory_revision) } (day) (changed) code { "poort diff" } (texts::diff_proves(language)) }
            @if !changes.accounts.is_empty() { (accounts(changes, language)) (rights(matrix, changes, language)) }
        }
    }
}

fn accounts(changes: &Changes, language: Language) -> Markup {
    html! {
        h3 { (texts::accounts_head(language)) }
        div.wide role="region" tabindex="0" aria-label=(texts::accounts_changed(language)) { table {
            thead { tr { th scope="col" { (texts::account_head(language)) } th scope="col" { (texts::groups_and_authorisations(language)) } th scope="col" { (texts::rights_head(language)) } } }
            tbody { @for account in &changes.accounts { tr {
                th scope="row" {
                    (short(&account.kind)) " " (account.id)
                    @if let Some(name) = &account.name { span.name { (name) } }
                    @if account.presence != Presence::Both { (badge(tone(account.presence), words::presence(account.presence, language))) }
                }
                td { ul.gives { @for sentence in sentences(account, language) { li { (sentence) } } } }
                td { (counts(account, language)) }
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

fn counts(account: &AccountChange, language: Language) -> String {
    let count = |wanted| account.rights.values().filter(|change| **change == wanted).count();
    let each = RightChange::EACH.into_iter().map(|change| (count(change), words::change(change, language)));
    each.filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
}

fn rights(matrix: &Matrix, changes: &Changes, language: Language) -> Markup {
    let rights = changes.by_right();
    let named = |account: &&AccountChange| account.id.clone();
    html! {
        @if !rights.is_empty() {
            h3 { (texts::rights_head(language)) }
            div.wide role="region" tabindex="0" aria-label=(texts::rights_changed(language)) { table {
                thead { tr { th scope="col" { (texts::record_head(language)) } th scope="col" { (texts::operation_head(language)) } th scope="col" { (texts::change_head(language)) } th scope="col" { (texts::accounts_head(language)) } } }
                tbody { @for ((record, action), by) in rights { @for (change, accounts) in by { tr {
                    th scope="row" { (short(record)) }
                    td { b { (matrix.letter(action)) } " " (action) }
                    td { (change_badge(change, language)) }
                    td { (words::accounts(accounts.len(), language)) span.name { (accounts.iter().map(named).collect::<Vec<_>>().join(", ")) } }
                } } } }
            } }
        }
    }
}

fn change_badge(change: RightChange, language: Language) -> Markup {
    let tone = match change {
        RightChange::Gained | RightChange::Wider | RightChange::Further => Tone::Warning,
        RightChange::Conditions | RightChange::Narrower | RightChange::Lost => Tone::Neutral,
    };
    badge(tone, words::change(change, language))
}
