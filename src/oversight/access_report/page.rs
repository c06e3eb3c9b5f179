//! The access report as a page for a person.

use super::{Access, Scope};
use crate::{
    review::report::{Page, Tone, badge, facts},
    types::{decision::Decision, language::Language, texts::access_report as texts},
};
use jiff::{Timestamp, tz::TimeZone};
use maud::{Markup, html};
use std::collections::BTreeSet;

/// The page. `missing`: why names and translations are missing.
#[must_use]
pub fn page(scope: &Scope, accesses: &[Access], missing: &[&str]) -> String {
    let accounts: BTreeSet<_> = accesses.iter().map(|access| &access.account).collect();
    let allowed = accesses.iter().filter(|access| access.decision == Some(Decision::Allow)).count();
    let language = scope.language;
    let figures = [
        (texts::questions(language), accesses.len().to_string(), Tone::Neutral),
        (texts::allowed_count(language), allowed.to_string(), Tone::Neutral),
        (texts::denied_count(language), (accesses.len() - allowed).to_string(), Tone::Neutral),
        (texts::accounts(language), accounts.len().to_string(), Tone::Neutral),
    ];
    let at = |millis| moment(millis, &scope.zone);
    let page = Page {
        title: texts::title(language),
        summary: html! {
            (texts::about(language)) " " strong { (scope.data_subject) } ", "
            @match (scope.since, scope.until) {
                (Some(since), Some(until)) => (texts::from_until(language, at(since), at(until))),
                (Some(since), None) => (texts::since_then(language, at(since))),
                (None, Some(until)) => (texts::until_then(language, at(until))),
                (None, None) => (texts::whole_log(language)),
            }
            ". " (texts::made_on(language, at(scope.made), zone(&scope.zone, language)))
        },
        body: html! {
            (facts(figures))
            @if accesses.is_empty() { p { (texts::no_question(language)) } }
            @else { (table(accesses, scope)) }
            (limits(&scope.narrowing, missing, language))
        },
        style: "td ul{margin:0;padding-left:1rem}td:first-child{white-space:nowrap}td .mono{overflow-wrap:anywhere}\
                td:nth-child(2),td:nth-child(3){min-width:9rem}td:nth-child(6){min-width:15rem}@media print{@page{size:A4 landscape}}",
        script: "",
    };
    page.render_in(language)
}

fn table(accesses: &[Access], Scope { zone, language, .. }: &Scope) -> Markup {
    let language = *language;
    let heads = [
        texts::when(language),
        texts::who(language),
        texts::what(language),
        texts::decision(language),
        texts::why(language),
        texts::rules(language),
        texts::from_where(language),
        texts::to_whom(language),
    ];
    let list = |members: &[(String, String)]| {
        html! { @if !members.is_empty() { ul { @for (name, value) in members { li { (name) ": " (value) } } } } }
    };
    html! {
        div.wide role="region" tabindex="0" aria-label=(texts::table(language)) { table {
            thead { tr { @for head in heads { th scope="col" { (head) } } } }
            tbody { @for access in accesses {
                tr {
                    td { (moment(access.time, zone)) div.mono { (texts::record(language, access.seq)) } }
                    td {
                        @if let Some(name) = &access.name { (name) br; }
                        span.mono { (access.account) }
                        @for within in &access.within { br; (within) }
                    }
                    td { (access.action) br; span.mono { (access.resource) } }
                    td { @match access.decision {
                        Some(Decision::Allow) => (badge(Tone::Neutral, texts::allowed(language))),
                        Some(Decision::Deny) => (badge(Tone::Neutral, texts::denied(language))),
                        None => (badge(Tone::Warning, texts::no_answer(language))),
                    } }
                    td {
                        @if let Some(purpose) = &access.purpose { (texts::purpose(language, purpose)) }
                        (list(&access.reasons))
                    }
                    td { ul { @for rule in &access.rules {
                        li {
                            @if rule.title.is_empty() { span.mono { (rule.id) } } @else { (rule.title.in_language(language)) }
                            @if !rule.basis.is_empty() { " (" (rule.basis) ")" }
                        }
                    } } }
                    td { (list(&access.origin)) }
                    td { (list(&access.recipient)) }
                }
            } }
        } }
    }
}

/// What a reader must not take the report for.
fn limits(narrowing: &[String], missing: &[&str], language: Language) -> Markup {
    html! {
        h2 { (texts::not_covered(language)) }
        ul {
            @if !narrowing.is_empty() {
                li { strong { (texts::incomplete(language)) } (texts::only_what_fits(language)) code { (narrowing.join(" ")) } "." }
            }
            li { (texts::decisions_alone(language)) }
            li { (texts::this_log_alone(language)) }
            li { (texts::not_removed(language)) }
            li { (texts::pseudonyms(language)) }
            @for why in missing { li { (texts::missing(language, why)) } }
        }
    }
}

/// A moment with the distance of its zone from UTC.
fn moment(millis: i64, zone: &TimeZone) -> String {
    match Timestamp::from_millisecond(millis) {
        Ok(moment) => moment.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string(),
        Err(_) => format!("{millis} ms"),
    }
}

fn zone(zone: &TimeZone, language: Language) -> &str {
    zone.iana_name().unwrap_or(texts::configured_zone(language))
}
