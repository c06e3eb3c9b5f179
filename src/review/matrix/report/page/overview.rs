//! The overview: a row for each account, a column for each type of record, and letters for the operations.

use super::{legend::sign, short};
use crate::{
    review::matrix::{Access, Account, Matrix, Reach},
    types::{language::Language, texts::matrix_page as texts},
};
use maud::{Markup, html};

pub(super) fn overview(matrix: &Matrix, language: Language) -> Markup {
    html! {
        section.glance {
            h2 id="glance" { (texts::at_a_glance(language)) }
            p.find {
                label for="find" { (texts::show_accounts(language)) }
                input #find type="search" placeholder=(texts::sought(language));
                " " span #found role="status" {}
            }
            div.wide.tall role="region" tabindex="0" aria-labelledby="glance" {
                table.overview {
                    thead { tr {
                        th.corner scope="col" { (texts::account_head(language)) }
                        @for record in &matrix.records { th.record scope="col" { span { (short(record)) } } }
                    } }
                    tbody { @for (index, account) in matrix.accounts.iter().enumerate() {
                        tr data-account=(index) {
                            th scope="row" {
                                a href=(format!("#a{index}")) { (account.id) }
                                @if let Some(name) = &account.name { span.name { (name) } }
                            }
                            @for (column, record) in matrix.records.iter().enumerate() { (cell(matrix, account, record, [index, column], language)) }
                        }
                    } }
                }
            }
        }
    }
}

fn cell(matrix: &Matrix, account: &Account, record: &str, [index, column]: [usize; 2], language: Language) -> Markup {
    let groups = letters(matrix, account, record);
    html! {
        td {
            @if !groups.is_empty() {
                a href=(format!("#a{index}-{column}")) {
                    @for (reach, is_always, letters) in groups { (sign(reach, &letters, is_always, language)) " " }
                }
            }
        }
    }
}

/// The letters of what an account may do with a type of record: those that reach furthest first.
fn letters(matrix: &Matrix, account: &Account, record: &str) -> Vec<(Reach, bool, String)> {
    let having = |reach: Reach, is_always: bool| {
        let holds =
            |access: &Access| access.reach() == Some(reach) && matches!(access, Access::Always { .. }) == is_always;
        let all = matrix
            .operations
            .iter()
            .filter(|operation| account.cells.get(&(record.to_owned(), operation.name.clone())).is_some_and(holds));
        all.map(|operation| operation.letter.as_str()).collect::<String>()
    };
    let each = Reach::EACH.into_iter().flat_map(|reach| [(reach, true), (reach, false)]);
    let each = each.map(|(reach, is_always)| (reach, is_always, having(reach, is_always)));
    each.filter(|(_, _, letters)| !letters.is_empty()).collect()
}
