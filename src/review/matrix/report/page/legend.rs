//! The legend: the letters of the operations, and the signs of how far and how surely something is allowed.

use crate::review::matrix::{Matrix, Operation, Reach};
use maud::{Markup, html};

pub(super) fn legend(matrix: &Matrix) -> Markup {
    let is_shown = |operation: &&Operation| matrix.actions.contains(&operation.name);
    let operations: Vec<_> = matrix.operations.iter().filter(is_shown).collect();
    html! {
        section {
            h2 id="legend" { "How to read it" }
            p { "A cell has a letter for each operation that the account, which is one of the directory, may do with records of that type. An empty cell: "
                "nothing, whatever is asked. The darker the letters, the further the right reaches:" }
            ul.legend {
                @for (reach, words) in [
                    (Reach::All, "records of everyone"),
                    (Reach::Unit, "only records of a unit, a team or another group that the account is in, or that names it, such as a team that it leads"),
                    (Reach::Own, "only records that name the account itself"),
                ] { li { (sign(reach, "C", false)) " " strong { (reach.word()) } ": " (words) } }
                li { (sign(Reach::All, "C", true)) " " strong { "always" } ": no condition is left. All others are allowed under conditions" }
            }
            p { "A capital is an operation. A small letter is a finer one, which is in the operation that is named after it." }
            ul.letters { @for operation in operations { li title=[operation.doc.as_deref()] {
                b { (operation.letter) } " " (operation.name)
                @if let Some(whole) = whole(matrix, operation) { span.name { " in " (whole) } }
            } } }
        }
    }
}

/// The operation that a finer one is in.
fn whole<'m>(matrix: &'m Matrix, operation: &'m Operation) -> Option<&'m str> {
    let is_whole =
        |name: &&String| matrix.operations.iter().any(|other| other.name == **name && other.within.is_empty());
    operation.within.iter().find(is_whole).map(String::as_str)
}

/// Letters in the shade of their reach, which a reader of a screen hears as a word.
pub(super) fn sign(reach: Reach, letters: &str, is_always: bool) -> Markup {
    html! {
        span class=(format!("sign {}", reach.word())) {
            span.hidden { @if is_always { "always, " } (reach.word()) " " }
            (letters) @if is_always { (super::super::ALWAYS) }
        }
    }
}
