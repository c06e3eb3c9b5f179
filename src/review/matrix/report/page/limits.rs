//! The limits: what can still forbid something, each residual policy once, with a number by which the accounts refer to it.

use crate::{
    review::matrix::{Access, Matrix, Part},
    types::{language::Language, texts::matrix_page as texts},
};
use maud::{Markup, html};
use std::collections::{BTreeMap, HashMap};

pub(super) struct Limits<'m> {
    /// The limits, ordered by policy and conditions.
    all: Vec<&'m Part>,
    numbers: HashMap<(&'m str, &'m [String]), usize>,
}

impl<'m> Limits<'m> {
    pub(super) fn of(matrix: &'m Matrix) -> Self {
        let cells = matrix.accounts.iter().flat_map(|account| account.cells.values());
        let parts = cells.flat_map(|access| match access {
            Access::Under { forbids, .. } => forbids.as_slice(),
            _ => &[],
        });
        let all: BTreeMap<_, _> = parts.map(|part| (key(part), part)).collect();
        let numbers = all.keys().enumerate().map(|(place, key)| (*key, place + 1)).collect();
        Self { all: all.into_values().collect(), numbers }
    }

    /// The references to these limits.
    pub(super) fn links(&self, forbids: &[Part], language: Language) -> Markup {
        let numbers: Vec<_> =
            forbids.iter().filter_map(|part| self.numbers.get(&key(part)).map(|number| (part, number))).collect();
        html! {
            p.limits { (texts::unless_limit(language))
                @for (part, number) in numbers {
                    a href=(format!("#l{number}")) title=(format!("{}: {}", part.policy.id, part.policy.title.in_language(language))) { "L" (number) } " "
                }
            }
        }
    }

    pub(super) fn section(&self, language: Language) -> Markup {
        html! {
            section {
                h2 id="limits" { (texts::limits(language)) }
                @if self.all.is_empty() { p { (texts::no_limits(language)) } }
                @else {
                    p { (texts::how_limits_read(language)) }
                    div.wide role="region" tabindex="0" aria-labelledby="limits" { table.limits {
                        thead { tr { th scope="col" { (texts::number_head(language)) } th scope="col" { (texts::policy_head(language)) } th scope="col" { (texts::conditions_head(language)) } } }
                        tbody { @for (place, part) in self.all.iter().enumerate() {
                            tr id=(format!("l{}", place + 1)) {
                                th scope="row" { "L" (place + 1) }
                                td { code { (part.policy.id) } br; (part.policy.title.in_language(language)) }
                                td { (conditions(part)) }
                            }
                        } }
                    } }
                }
            }
        }
    }
}

fn key(part: &Part) -> (&str, &[String]) {
    (&part.policy.id, &part.conditions)
}

/// The conditions that are left of a policy.
pub(super) fn conditions(part: &Part) -> Markup {
    html! { @if !part.conditions.is_empty() { pre { (super::super::table::conjunction(&part.conditions, "\n&& ")) } } }
}
