//! The limits: what can still forbid something, each residual policy once, with a number by which the accounts refer to it.

use crate::review::matrix::{Access, Matrix, Part};
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
    pub(super) fn links(&self, forbids: &[Part]) -> Markup {
        let numbers: Vec<_> =
            forbids.iter().filter_map(|part| self.numbers.get(&key(part)).map(|number| (part, number))).collect();
        html! {
            p.limits { "unless a limit holds: "
                @for (part, number) in numbers {
                    a href=(format!("#l{number}")) title=(format!("{}: {}", part.policy.id, part.policy.title.base())) { "L" (number) } " "
                }
            }
        }
    }

    pub(super) fn section(&self) -> Markup {
        html! {
            section {
                h2 id="limits" { "Limits" }
                @if self.all.is_empty() { p { "Nothing that is allowed above has a limit." } }
                @else {
                    p { "What can still forbid something that is allowed above. The accounts refer to these numbers. A limit holds "
                        "where all of its conditions do." }
                    div.wide role="region" tabindex="0" aria-labelledby="limits" { table.limits {
                        thead { tr { th scope="col" { "Number" } th scope="col" { "Policy" } th scope="col" { "Conditions" } } }
                        tbody { @for (place, part) in self.all.iter().enumerate() {
                            tr id=(format!("l{}", place + 1)) {
                                th scope="row" { "L" (place + 1) }
                                td { code { (part.policy.id) } br; (part.policy.title.base()) }
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
