//! The legend: the letters of the operations, and the signs of how far and how surely something is allowed.

use super::words;
use crate::{
    review::matrix::{Matrix, Operation, Reach},
    types::{
        language::Language,
        texts::{matrix as texts, matrix_page as page},
    },
};
use maud::{Markup, html};

pub(super) fn legend(matrix: &Matrix, language: Language) -> Markup {
    let is_shown = |operation: &&Operation| matrix.actions.contains(&operation.name);
    let operations: Vec<_> = matrix.operations.iter().filter(is_shown).collect();
    html! {
        section {
            h2 id="legend" { (page::how_to_read(language)) }
            p { (page::how_cells_read(language)) }
            ul.legend {
                @for (reach, meaning) in [
                    (Reach::All, page::all_means(language)),
                    (Reach::Unit, page::unit_means(language)),
                    (Reach::Own, page::own_means(language)),
                ] { li { (sign(reach, "C", false, language)) " " strong { (words::reach(reach, language)) } ": " (meaning) } }
                li { (sign(Reach::All, "C", true, language)) " " strong { (texts::always(language)) } (page::always_means(language)) }
            }
            p { (page::how_letters_read(language)) }
            ul.letters { @for operation in operations { li title=[operation.doc.as_deref()] {
                b { (operation.letter) } " " (operation.name)
                @if let Some(whole) = whole(matrix, operation) { span.name { (page::within(language, whole)) } }
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
pub(super) fn sign(reach: Reach, letters: &str, is_always: bool, language: Language) -> Markup {
    html! {
        span class=(format!("sign {}", reach.word())) {
            span.hidden { @if is_always { (texts::always(language)) ", " } (words::reach(reach, language)) " " }
            (letters) @if is_always { (super::super::ALWAYS) }
        }
    }
}
