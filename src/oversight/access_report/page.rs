//! The access report as a page for a person.

use super::{Access, Scope};
use crate::{
    review::report::{Page, Tone, badge, facts},
    types::decision::Decision,
};
use jiff::{Timestamp, tz::TimeZone};
use maud::{Markup, html};
use std::collections::BTreeSet;

/// The page. `missing`: why names are missing.
#[must_use]
pub fn page(scope: &Scope, accesses: &[Access], missing: &[&str]) -> String {
    let accounts: BTreeSet<_> = accesses.iter().map(|access| &access.account).collect();
    let allowed = accesses.iter().filter(|access| access.decision == Some(Decision::Allow)).count();
    let figures = [
        ("questions", accesses.len().to_string(), Tone::Neutral),
        ("allowed", allowed.to_string(), Tone::Neutral),
        ("denied or not answered", (accesses.len() - allowed).to_string(), Tone::Neutral),
        ("accounts", accounts.len().to_string(), Tone::Neutral),
    ];
    let at = |millis| moment(millis, &scope.zone);
    let page = Page {
        title: "Access report",
        summary: html! {
            "Who asked for data about " strong { (scope.data_subject) } ", "
            @match (scope.since, scope.until) {
                (Some(since), Some(until)) => { "from " (at(since)) " until " (at(until)) },
                (Some(since), None) => { "since " (at(since)) },
                (None, Some(until)) => { "until " (at(until)) },
                (None, None) => "in the whole log",
            }
            ". Made on " (at(scope.made)) "; times are those of " (zone(&scope.zone)) "."
        },
        body: html! {
            (facts(figures))
            @if accesses.is_empty() { p { "The log has no question about this data subject." } }
            @else { (table(accesses, &scope.zone)) }
            (limits(&scope.narrowing, missing))
        },
        style: "td ul{margin:0;padding-left:1rem}td:first-child{white-space:nowrap}td .mono{overflow-wrap:anywhere}\
                td:nth-child(2),td:nth-child(3){min-width:9rem}td:nth-child(6){min-width:15rem}@media print{@page{size:A4 landscape}}",
        script: "",
    };
    page.render()
}

fn table(accesses: &[Access], zone: &TimeZone) -> Markup {
    let list = |members: &[(String, String)]| {
        html! { @if !members.is_empty() { ul { @for (name, value) in members { li { (name) ": " (value) } } } } }
    };
    html! {
        div.wide role="region" tabindex="0" aria-label="Questions about the data subject" { table {
            thead { tr {
                th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "What" } th scope="col" { "Decision" } th scope="col" { "Why" } th scope="col" { "Rules and articles" } th scope="col" { "From" } th scope="col" { "To" }
            } }
            tbody { @for access in accesses {
                tr {
                    td { (moment(access.time, zone)) div.mono { "record " (access.seq) } }
                    td {
                        @if let Some(name) = &access.name { (name) br; }
                        span.mono { (access.account) }
                        @for within in &access.within { br; (within) }
                    }
                    td { (access.action) br; span.mono { (access.resource) } }
                    td { @match access.decision {
                        Some(Decision::Allow) => (badge(Tone::Neutral, "allowed")),
                        Some(Decision::Deny) => (badge(Tone::Neutral, "denied")),
                        None => (badge(Tone::Warning, "no answer")),
                    } }
                    td {
                        @if let Some(purpose) = &access.purpose { "purpose " (purpose) }
                        (list(&access.reasons))
                    }
                    td { ul { @for rule in &access.rules {
                        li {
                            @if rule.title.is_empty() { span.mono { (rule.id) } } @else { (rule.title) }
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
fn limits(narrowing: &[String], missing: &[&str]) -> Markup {
    html! {
        h2 { "What this report does not cover" }
        ul {
            @if !narrowing.is_empty() { li { strong { "It is not complete" } ": it has only what fits " code { (narrowing.join(" ")) } "." } }
            li { "It lists decisions. That a question was allowed does not show that the record was opened." }
            li { "It has the questions of this log alone, and those in which the schema names the data subject (" code { "@data_subject" }
                "). What an application does without asking is in no log of poort." }
            li { "Records that were removed at the end of their term are not in it." }
            li { "Values that the schema conceals are pseudonyms here too." }
            @for why in missing {
                li { "Names of accounts are missing for some records: " (why) "." }
            }
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

fn zone(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("the configured time zone")
}
