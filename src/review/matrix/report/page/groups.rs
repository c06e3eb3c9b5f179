//! What groups give: for each group of a type, what the accounts in it could not do without it.

use super::{
    super::groups::{reasons, words},
    counted, short,
};
use crate::review::matrix::{Gives, Matrix};
use maud::{Markup, html};

pub(super) fn groups(matrix: &Matrix, gives: &[(String, Vec<Gives>)]) -> Markup {
    html! {
        section {
            h2 id="groups" { "What groups give" }
            p { "Each account's rights were computed with the group and without it. What is listed is the difference, for accounts "
                "that are in the group themselves. What they may do for other reasons is not; nor what an attribute gives that names "
                "a group, such as the account's unit. " em { "Its records" } ": records that name this group." }
            @for (kind, gives) in gives {
                details {
                    summary { h3 { (short(kind)) " (" (gives.len()) ")" } }
                    div.wide role="region" tabindex="0" aria-label=(format!("What each {} gives", short(kind))) { table {
                        thead { tr { th scope="col" { (short(kind)) } th scope="col" { "Accounts" } th scope="col" { "Gives" } } }
                        tbody { @for one in gives { (row(matrix, one)) } }
                    } }
                }
            }
        }
    }
}

fn row(matrix: &Matrix, Gives { group, accounts, rights, named_by }: &Gives) -> Markup {
    html! {
        tr {
            th scope="row" { (group.id) @if let Some(name) = &group.name { span.name { (name) } } }
            td { (counted(accounts.len(), "account")) @if accounts.len() <= 12 { span.name { (accounts.join(", ")) } } }
            td {
                @if rights.is_empty() {
                    (matrix.filter.nothing())
                    @if named_by.is_empty() { span.name { "no policy has it in its text" } }
                    @else { span.name { "named by " (named_by.iter().map(|policy| policy.id.as_str()).collect::<Vec<_>>().join(", ")) } }
                } @else {
                    ul.gives { @for ((record, action), given) in rights { li {
                        b { (matrix.letter(action)) } " " (action) " " strong { (short(record)) } (words(given, accounts.len()))
                        " " span.name { @for (word, ids) in reasons(given) { (word) " " (ids.join(", ")) " " } }
                    } } }
                }
            }
        }
    }
}
