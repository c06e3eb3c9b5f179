//! The authorisations of an account: level, dates, approvers and whatever else the schema declares of them.

use crate::{
    review::{
        account::{self, Authorisation, Fact, State},
        matrix::Account,
        report::{Tone, badge},
    },
    types::{language::Language, texts::matrix_page as texts},
};
use maud::{Markup, html};
use std::collections::BTreeMap;

pub(super) fn authorisations(account: &Account, language: Language) -> Markup {
    let columns = columns(&account.authorisations);
    html! {
        @if account.authorisations.is_empty() { p.name { (texts::no_authorisation(language)) } }
        @else {
            div.wide role="region" tabindex="0" aria-label=(texts::authorisations_of(language, format!("{} {}", account.kind, account.id))) { table.authorisations {
                thead { tr {
                    th scope="col" { (texts::authorised_for(language)) } th scope="col" { (texts::by_head(language)) } th scope="col" { (texts::state_head(language)) }
                    @for name in &columns { th scope="col" { (name.replace('_', " ")) } }
                } }
                tbody { @for one in &account.authorisations { tr {
                    th scope="row" { (one.tag) }
                    td { @match &one.by { Some(by) => { (by) " " code { (id_of(&one.of)) } } None => (texts::itself(language)) } }
                    td { (state(one.state, language)) }
                    @for name in &columns { td { @if let Some(fact) = fact(one, name) { (value(account, fact, language)) } } }
                } } }
            } }
        }
    }
}

/// The parts of the authorisations as columns: numbers, texts and sets, dates, and whom they name last.
fn columns(all: &[Authorisation]) -> Vec<&str> {
    // What the entity behind a tag says counts where a tag of the account's own, or its approvers, say it too.
    let own = all.iter().flat_map(|one| &one.facts);
    let behind = all.iter().flat_map(|one| &one.of_facts).filter(|fact| is_date(fact) || is_person(fact));
    let found: BTreeMap<_, _> = behind.chain(own).map(|fact| (fact.name.as_str(), rank(fact))).collect();
    let mut columns: Vec<_> = found.into_iter().collect();
    columns.sort_by_key(|(name, rank)| (*rank, *name));
    columns.into_iter().map(|(name, _)| name).collect()
}

fn rank(fact: &Fact) -> usize {
    if is_person(fact) {
        3
    } else if is_date(fact) {
        2
    } else {
        usize::from(fact.value.parse::<i64>().is_err())
    }
}

const fn is_person(fact: &Fact) -> bool {
    fact.refers_to.is_some()
}

fn is_date(fact: &Fact) -> bool {
    fact.value.get(..10).is_some_and(|day| day.parse::<jiff::civil::Date>().is_ok())
}

fn fact<'a>(one: &'a Authorisation, name: &str) -> Option<&'a Fact> {
    one.facts.iter().find(|fact| fact.name == name).or_else(|| one.of_facts.iter().find(|fact| fact.name == name))
}

fn value(account: &Account, fact: &Fact, language: Language) -> Markup {
    let Some(reference) = &fact.refers_to else {
        let class = is_date(fact).then_some("date");
        return html! { span class=[class] { (plain(&fact.value)) } };
    };
    html! {
        (reference.id) @if let Some(name) = &fact.about { span.name { (name) } }
        @if !reference.is_known { " " (badge(Tone::Bad, texts::not_in_directory(language))) }
        @if reference.uid == account.uid.to_string() { " " (badge(Tone::Bad, texts::the_account_itself(language))) }
    }
}

/// A list without its brackets, and entities by their ids.
fn plain(value: &str) -> String {
    let inner = value.strip_prefix('[').and_then(|value| value.strip_suffix(']')).unwrap_or(value);
    inner.split(", ").map(|part| id_of(part).trim_matches('"')).collect::<Vec<_>>().join(", ")
}

/// The id in `Type::"id"`.
fn id_of(uid: &str) -> &str {
    uid.split_once("::\"").map_or(uid, |(_, id)| id.trim_end_matches('"'))
}

fn state(state: State, language: Language) -> Markup {
    let tone = match state {
        State::Current => Tone::Good,
        State::NotYet => Tone::Neutral,
        State::Ended => Tone::Warning,
    };
    badge(tone, account::state(state, language))
}
