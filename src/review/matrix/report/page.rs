//! Writes the matrix as an HTML page: an overview first, then each account with its conditions.

use super::{
    super::{Access, Account, Group, Matrix, Part, Rights},
    ALWAYS, CONDITIONS, NEVER, short,
    table::conjunction,
};
use crate::review::report::{Page, Tone, badge, facts};
use maud::{Markup, html};

/// The page for the review of rights.
#[must_use]
pub fn html(matrix: &Matrix) -> String {
    let count = |wanted: &str| {
        let cells = matrix.accounts.iter().flat_map(|account| account.cells.values());
        cells.filter(|access| access.word() == wanted).count().to_string()
    };
    let title = format!("Who may do what on {}", matrix.day);
    let page = Page {
        title: &title,
        summary: html! {
            "Every account of the directory, every operation, every type of record. Policies "
            code { (matrix.revision) } ", directory " code { (matrix.directory_revision) } "."
        },
        body: html! {
            (facts([
                ("accounts", matrix.accounts.len().to_string(), Tone::Neutral),
                ("types of record", matrix.records.len().to_string(), Tone::Neutral),
                ("always", count("always"), Tone::Warning),
                ("under conditions", count("conditions"), Tone::Neutral),
                ("never", count("never"), Tone::Good),
            ]))
            p {
                label { "Show accounts with " input #find type="search" placeholder="name, id, unit, role, policy…"; }
                " " span #found {}
            }
            h2 { "At a glance" }
            p {
                (mark("always")) " always   " (mark("conditions")) " under conditions   " (mark("never"))
                " never. A number counts the operations. Choose a cell to read its conditions."
            }
            div.wide { (overview(matrix)) }
            @for kind in matrix.group_types() { (groups(matrix, kind)) }
            h2 { "Account by account" }
            @for (index, account) in matrix.accounts.iter().enumerate() { (section(matrix, account, index)) }
        },
        style: STYLE,
        script: SCRIPT,
    };
    page.render()
}

/// A sign that does not rely on its colour.
fn mark(word: &str) -> Markup {
    let sign = match word {
        "always" => ALWAYS,
        "conditions" => CONDITIONS,
        _ => NEVER,
    };
    html! { span class=(format!("mark {word}")) { (sign) } }
}

fn overview(matrix: &Matrix) -> Markup {
    html! {
        table.overview {
            thead { tr {
                th { "account" }
                @for record in &matrix.records { th.record { span { (short(record)) } } }
            } }
            tbody {
                @for (index, account) in matrix.accounts.iter().enumerate() {
                    tr data-account=(index) {
                        th { a href=(format!("#a{index}")) { (account.id) } @if let Some(name) = &account.name { " " span.name { (name) } } }
                        @for (column, record) in matrix.records.iter().enumerate() { (cell(matrix, account, record, index, column)) }
                    }
                }
            }
        }
    }
}

fn cell(matrix: &Matrix, account: &Account, record: &str, index: usize, column: usize) -> Markup {
    let having = |wanted: &str| -> Vec<&str> {
        let holds = |action: &&String| {
            account.cells.get(&(record.to_owned(), (*action).clone())).is_some_and(|access| access.word() == wanted)
        };
        matrix.actions.iter().filter(holds).map(String::as_str).collect()
    };
    let (always, conditions) = (having("always"), having("conditions"));
    if always.is_empty() && conditions.is_empty() {
        return html! { td { (mark("never")) } };
    }
    let hint = [("always", &always), ("under conditions", &conditions)]
        .iter()
        .filter(|(_, actions)| !actions.is_empty())
        .map(|(word, actions)| format!("{word}: {}", actions.join(", ")))
        .collect::<Vec<_>>()
        .join("; ");
    html! {
        td {
            a href=(format!("#a{index}-{column}")) title=(format!("{} {}: {hint}", account.id, short(record))) {
                @if !always.is_empty() { (mark("always")) (always.len()) " " }
                @if !conditions.is_empty() { (mark("conditions")) (conditions.len()) }
            }
        }
    }
}

/// A group with its type and name.
fn shown(group: &Group) -> String {
    let name = group.name.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
    format!("{} {}{name}", short(&group.kind), group.id)
}

/// The groups of a type, folded: how many of their accounts may do something with a type of record.
fn groups(matrix: &Matrix, kind: &str) -> Markup {
    let groups = matrix.groups(kind);
    html! {
        details {
            summary { "The same for each " (short(kind)) " (" (groups.len()) ")" }
            p { "A number counts operations that any account in it may do, always or under conditions; point at it to read which, and how many accounts may." }
            div.wide {
                table.overview {
                    thead { tr {
                        th { (short(kind)) }
                        th { "accounts" }
                        @for record in &matrix.records { th.record { span { (short(record)) } } }
                    } }
                    tbody {
                        @for (group, (members, rights)) in &groups {
                            tr {
                                th { (group.id) @if let Some(name) = &group.name { " " span.name { (name) } } }
                                td { (members) }
                                @for record in &matrix.records { (group_cell(matrix, rights, record)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn group_cell(matrix: &Matrix, rights: &Rights, record: &str) -> Markup {
    let having: Vec<_> = matrix
        .actions
        .iter()
        .filter_map(|action| Some((action, rights.get(&(record.to_owned(), action.clone()))?)))
        .filter(|(_, counts)| counts.always + counts.conditions > 0)
        .collect();
    if having.is_empty() {
        return html! { td { (mark("never")) } };
    }
    let hint: Vec<_> = having
        .iter()
        .map(|(action, counts)| format!("{action}: {} always, {} under conditions", counts.always, counts.conditions))
        .collect();
    let word = if having.iter().any(|(_, counts)| counts.always > 0) { "always" } else { "conditions" };
    html! { td title=(format!("{}: {}", short(record), hint.join("; "))) { (mark(word)) (having.len()) } }
}

fn section(matrix: &Matrix, account: &Account, index: usize) -> Markup {
    html! {
        details.account id=(format!("a{index}")) data-account=(index) {
            summary {
                (short(&account.kind)) " " (account.id) @if let Some(name) = &account.name { " · " (name) }
                @if !account.cells.values().any(|access| !matches!(access, Access::Never { .. })) { " " (badge(Tone::Neutral, "nothing")) }
            }
            @if !account.groups.is_empty() { p.groups { "in " (account.groups.iter().map(shown).collect::<Vec<_>>().join(", ")) } }
            @for (column, record) in matrix.records.iter().enumerate() {
                @let grouped = grouped(matrix, account, record);
                @if !grouped.is_empty() {
                    h3 id=(format!("a{index}-{column}")) { (short(record)) }
                    @for (access, actions) in grouped { (rights(access, &actions)) }
                }
            }
        }
    }
}

/// The operations that are not ruled out, those with the same conditions together.
fn grouped<'a>(matrix: &'a Matrix, account: &'a Account, record: &str) -> Vec<(&'a Access, Vec<&'a str>)> {
    let mut groups: Vec<(&Access, Vec<&str>)> = Vec::new();
    for action in &matrix.actions {
        let Some(access) = account.cells.get(&(record.to_owned(), action.clone())) else { continue };
        if matches!(access, Access::Never { .. }) {
            continue;
        }
        match groups.iter_mut().find(|(other, _)| *other == access) {
            Some((_, actions)) => actions.push(action),
            None => groups.push((access, vec![action])),
        }
    }
    groups
}

fn rights(access: &Access, actions: &[&str]) -> Markup {
    let parts = |word: &str, parts: &[Part]| {
        html! {
            @for part in parts {
                li {
                    b { (word) } " " code { (part.policy.id) } " " (part.policy.title)
                    @if !part.conditions.is_empty() { pre { (conjunction(&part.conditions, "\n&& ")) } }
                }
            }
        }
    };
    html! {
        div.rights {
            p { @for action in actions { (badge(if access.word() == "always" { Tone::Warning } else { Tone::Neutral }, action)) " " } (mark(access.word())) " " (match access { Access::Always { .. } => "always", _ => "under conditions" }) }
            @match access {
                Access::Always { permits } => ul { (parts("by", permits)) },
                Access::Under { permits, forbids } => {
                    ul { (parts("if", permits)) }
                    @if !forbids.is_empty() { details { summary { "and none of " (forbids.len()) " that can still forbid it" } ul { (parts("unless", forbids)) } } }
                },
                Access::Never { .. } => {},
            }
        }
    }
}

const STYLE: &str = r"
body { max-width: 120rem; } main > details.account { max-width: 78rem; }
.overview { width: auto; } .overview td { text-align: center; white-space: nowrap; padding: .15rem .35rem; }
.overview th { font-weight: 500; white-space: nowrap; padding: .15rem .5rem; } .overview tbody th { position: sticky; left: 0; background: var(--ground); }
.overview th.record { vertical-align: bottom; height: 9.5rem; padding: .3rem .1rem; }
.overview th.record span { writing-mode: vertical-rl; transform: rotate(180deg); }
.overview td a { text-decoration: none; color: inherit; } .overview tbody tr:hover > * { background: var(--panel); }
.name, .groups { color: var(--soft); font-size: .88em; }
.mark { display: inline-block; width: 1.2em; text-align: center; border-radius: 3px; font-weight: 700; }
.mark.always { background: var(--warning-ground); color: var(--warning); } .mark.conditions { color: var(--link); } .mark.never { color: var(--line); }
.rights { border-left: 3px solid var(--line); margin: .4rem 0 .8rem; padding-left: .8rem; } .rights p { margin: .2rem 0; }
.rights ul { margin: .2rem 0; padding-left: 1.1rem; } .rights pre { margin: .2rem 0 .4rem; padding: .4rem .7rem; white-space: pre-wrap; }
";

const SCRIPT: &str = r"
'use strict';
const find = document.getElementById('find'), found = document.getElementById('found');
const sections = [...document.querySelectorAll('details.account')];
const texts = sections.map(section => section.textContent.toLowerCase());
function show() {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  sections.forEach((section, index) => {
    const fits = words.every(word => texts[index].includes(word));
    section.hidden = !fits;
    document.querySelector(`tr[data-account='${section.dataset.account}']`).hidden = !fits;
    if (fits) count += 1;
  });
  found.textContent = words.length ? `${count} of ${sections.length} accounts` : '';
}
function open() {
  const target = document.getElementById(location.hash.slice(1));
  const section = target && target.closest('details.account');
  if (section) { section.open = true; target.scrollIntoView(); }
}
find.addEventListener('input', show);
addEventListener('hashchange', open);
open();
";
