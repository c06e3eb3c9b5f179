//! What groups give: for each group of a type, what the accounts in it could not do without it.

use super::{
    super::groups::{extent, reasons},
    short, words,
};
use crate::{
    review::matrix::{Gives, Matrix},
    types::{
        language::Language,
        texts::{matrix as texts, matrix_page as page},
    },
};
use maud::{Markup, html};

pub(super) fn groups(matrix: &Matrix, gives: &[(String, Vec<Gives>)], language: Language) -> Markup {
    html! {
        section {
            h2 id="groups" { (page::what_groups_give(language)) }
            p { (page::how_groups_are_compared(language)) em { (page::its_records(language)) } (page::its_records_mean(language)) }
            @for (kind, gives) in gives {
                details {
                    summary { h3 { (short(kind)) " (" (gives.len()) ")" } }
                    div.wide role="region" tabindex="0" aria-label=(page::what_each_gives(language, short(kind))) { table {
                        thead { tr { th scope="col" { (short(kind)) } th scope="col" { (page::accounts_head(language)) } th scope="col" { (page::gives_head(language)) } } }
                        tbody { @for one in gives { (row(matrix, one, language)) } }
                    } }
                }
            }
        }
    }
}

fn row(matrix: &Matrix, Gives { group, accounts, rights, named_by }: &Gives, language: Language) -> Markup {
    html! {
        tr {
            th scope="row" { (group.id) @if let Some(name) = &group.name { span.name { (name) } } }
            td { (words::accounts(accounts.len(), language)) @if accounts.len() <= 12 { span.name { (accounts.join(", ")) } } }
            td {
                @if rights.is_empty() {
                    (words::nothing(&matrix.filter, language))
                    @if named_by.is_empty() { span.name { (texts::no_policy_names_it(language)) } }
                    @else { span.name { (texts::named_by(language, named_by.iter().map(|policy| policy.id.as_str()).collect::<Vec<_>>().join(", "))) } }
                } @else {
                    ul.gives { @for ((record, action), given) in rights { li {
                        b { (matrix.letter(action)) } " " (action) " " strong { (short(record)) } (extent(given, accounts.len(), language))
                        " " span.name { @for (word, ids) in reasons(given, language) { (word) " " (ids.join(", ")) " " } }
                    } } }
                }
            }
        }
    }
}
