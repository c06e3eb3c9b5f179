//! Writes a comparison as one HTML page, for an officer.

use super::{Report, Standing, counted, guarantee_words};
use crate::review::{
    diff::{
        Change, Comparison, Direction, EnvironmentChange, Group, PolicyChange, Question, Settled, SideAnswer, groups,
    },
    report::{Page, Tone, badge, facts},
};
use maud::{Markup, html};
use serde_json::Value;

/// The comparison as one self-contained page.
#[must_use]
pub fn html(report: &Report<'_>) -> String {
    let comparison = report.comparison;
    let allowed = comparison.count(Direction::NewlyAllowed);
    let denied = comparison.count(Direction::NewlyDenied);
    let undecided = comparison.undecided();
    let obligations_changed = report.obligations().len();
    let tone = |count: usize, bad: Tone| if count == 0 { Tone::Good } else { bad };
    let short = |revision: &str| revision.get(7..19).unwrap_or(revision).to_owned();
    let groups = groups(comparison);
    let headline = report.headline();
    let body = html! {
        (facts([
            ("newly allowed", allowed.to_string(), tone(allowed, Tone::Bad)),
            ("newly denied", denied.to_string(), tone(denied, Tone::Warning)),
            ("undecided", undecided.to_string(), tone(undecided, Tone::Bad)),
            ("guarantees", comparison.guarantees.len().to_string(), tone(comparison.guarantees.len(), Tone::Warning)),
            ("obligations", obligations_changed.to_string(), tone(obligations_changed, Tone::Warning)),
            ("applications", comparison.applications.len().to_string(), tone(comparison.applications.len(), Tone::Bad)),
            ("directory", comparison.directory.len().to_string(), tone(comparison.directory.len(), Tone::Bad)),
            ("proven equal", comparison.equal().to_string(), Tone::Neutral),
            ("environments", comparison.environments.len().to_string(), Tone::Neutral),
        ]))
        p { "Compared: " strong { (comparison.base.name) } " (policies " code { (short(&comparison.base.policies)) }
            ", directory " code { (short(&comparison.base.directory)) } ") with "
            strong { (comparison.head.name) } " (policies " code { (short(&comparison.head.policies)) }
            ", directory " code { (short(&comparison.head.directory)) } ")." }
        p { "An environment is a type of account, an operation and a type of record. Proven equal: for every question, at "
            "every moment, both sides decide alike." }
        @for note in comparison.notes() { p { (badge(Tone::Warning, "note")) " " (note) } }
        p { label { "Show only what holds this text: " input type="search" id="filter" placeholder="Officer, consult, bvh…"; } }
        @for group in &groups { (one(report, group)) }
        (undecided_ones(report))
        (guarantees(report))
        (obligations(report))
        (applications(report))
        (accounts(report))
        (files(report))
        h2 { "Environments" }
        p { (proven_equal(comparison)) }
        @let others: Vec<_> = comparison.environments.iter().filter(|it| !it.is_equal()).collect();
        @if !others.is_empty() { div.wide role="region" tabindex="0" aria-label="Environments" { table {
            thead { tr { th scope="col" { "account" } th scope="col" { "operation" } th scope="col" { "record" } th scope="col" { "result" } th scope="col" { "settled" } } }
            tbody { @for outcome in others { (row(outcome)) } }
        } } }
    };
    let page = Page {
        title: "What a policy change would do",
        summary: html! {
            @for (index, line) in headline.lines().enumerate() {
                @if index == 0 { strong { (line) } } @else { br; (line) }
            }
            br;
            @if report.passes() { (badge(Tone::Good, "passed")) } @else { (badge(Tone::Bad, "not passed")) }
            " " (report.verdict()) ". " (comparison.summary()) "."
        },
        body,
        style: STYLE,
        script: SCRIPT,
    };
    page.render()
}

fn one(report: &Report<'_>, group: &Group<'_>) -> Markup {
    let tone = match group.change {
        Direction::NewlyAllowed => Tone::Bad,
        Direction::NewlyDenied => Tone::Warning,
    };
    let Some((outcome, difference)) = group.members.first() else { return html! {} };
    html! {
        section.item data-text=(format!("{} {} {}", group.change.words(), group.environments(), group.policies.join(" "))) {
            h2 {
                (badge(tone, group.change.words())) " "
                (mark(report.standing_of(group).1))
                (group.environments()) ", "
                @for (index, cause) in group.causes.iter().enumerate() {
                    @if index > 0 { ", " } (cause.lead) " " code { (cause.id) } " " (cause.tail)
                }
            }
            @if let Some(note) = &outcome.note { p { (badge(Tone::Warning, "note")) " " (note) } }
            (example(outcome, &difference.example, [&difference.base, &difference.head]))
            @for change in report.comparison.policies.iter().filter(|change| group.policies.contains(&change.id)) {
                (policy(change))
            }
            @if group.members.len() > 1 {
                details {
                    summary { (counted(group.members.len(), "environment")) ", each with its question" }
                    @for (outcome, difference) in group.members.iter().skip(1) {
                        h3 { (outcome.name()) }
                        (example(outcome, &difference.example, [&difference.base, &difference.head]))
                    }
                }
            }
        }
    }
}

/// The state of the review, after a heading.
fn mark(standing: Standing) -> Markup {
    match standing {
        Standing::Open => html! { (badge(Tone::Bad, "not accepted")) " " },
        Standing::Accepted => html! { (badge(Tone::Good, "accepted")) " " },
        Standing::Listed => html! {},
    }
}

fn undecided_ones(report: &Report<'_>) -> Markup {
    let matters = report.undecided();
    html! {
        @if !matters.is_empty() { h2 { "Undecided" } }
        @for matter in matters {
            @if let Some(outcome) = matter.outcome() {
                section.item data-text=(outcome.name()) {
                    h3 { (badge(Tone::Bad, "undecided")) " " (mark(report.standing(matter))) (outcome.name()) }
                    ul { @for reason in &outcome.undecided { li { (reason) } } }
                }
            }
        }
    }
}

fn guarantees(report: &Report<'_>) -> Markup {
    let changed = report.guarantees();
    html! {
        @if !changed.is_empty() {
            h2 { "Guarantees" }
            p { "A guarantee says what must hold whatever the policies say. One that is gone keeps no later change from "
                "breaking it." }
        }
        @for (change, standing) in changed {
            section.item data-text=(format!("guarantee {}", change.id)) {
                p { (mark(standing)) "The guarantee " code { (change.id) } " is " (guarantee_words(change.change)) "." }
                (policy(change))
            }
        }
    }
}

fn obligations(report: &Report<'_>) -> Markup {
    let changed = report.obligations();
    html! {
        @if !changed.is_empty() {
            h2 { "Obligations" }
            p { "What the answer asks of the application: what to hide, to show or to record." }
        }
        @for (change, obligations, standing) in changed {
            section.item data-text=(format!("obligations {}", change.id)) {
                h3 { (mark(standing)) code { (change.id) } " asks something else of callers" }
                @if !change.title.is_empty() { p { (change.title) } }
                pre.change { @for (mark, what, text) in obligations.lines() {
                    span class=(if mark == '+' { "added" } else { "removed" }) { (mark) " " (what) ": " (text) "\n" }
                } }
            }
        }
    }
}

fn applications(report: &Report<'_>) -> Markup {
    let changed = report.applications();
    html! {
        @if !changed.is_empty() {
            h2 { "Applications" }
            p { "What an application may ask at all: for which subjects, about which actions and records." }
        }
        @for (change, standing) in changed {
            section.item data-text=(format!("application {}", change.application)) {
                h3 { (mark(standing)) code { (change.application) } " may ask something else" }
                pre.change { @for (mark, text) in change.lines() {
                    span class=(if mark == '+' { "added" } else { "removed" }) { (mark) " " (text) "\n" }
                } }
            }
        }
    }
}

fn accounts(report: &Report<'_>) -> Markup {
    let changed = report.accounts();
    html! {
        @if !changed.is_empty() {
            h2 { "Directory" }
            p { "What the directory says of accounts, and of what they are in or refer to, changed. Below each change is what "
                "it allows and denies." }
        }
        @for (change, standing, groups) in changed {
            section.item data-text=(format!("directory {}", change.id)) {
                h3 { (mark(standing)) code { (change.id) } " " (badge(Tone::Neutral, change.change.name())) }
                ul { @for fact in &change.facts {
                    @let [before, after] = fact.sides();
                    @let elements = fact.elements();
                    li { (fact.name) ":"
                        @if elements.is_empty() { " " code { (before) } " → " code { (after) } }
                        @for (mark, text) in elements { " " (mark) " " code { (text) } }
                    }
                } }
                @for group in groups {
                    h4 { (group.line()) }
                    @if let Some(others) = group.others() { p { (others) } }
                    @if let Some((outcome, effect)) = group.members.first() {
                        (example(outcome, &effect.example, [&effect.base, &effect.head]))
                    }
                }
            }
        }
    }
}

fn example(outcome: &EnvironmentChange, example: &Question, [base, head]: [&SideAnswer; 2]) -> Markup {
    let part = |pointer: &str| example.question.pointer(pointer).cloned().unwrap_or(Value::Null);
    let rows = [
        ("account", party(&part("/subject"))),
        ("operation", party_action(&part("/action"))),
        ("record", party(&part("/resource"))),
        ("circumstances", fields(&part("/context"))),
    ];
    html! {
        p { "A question in " (outcome.name()) ": "
            @if example.real { (badge(Tone::Neutral, "accounts of the directory")) }
            @else { (badge(Tone::Neutral, "made-up accounts")) } }
        table.question { tbody {
            @for (name, value) in rows { tr { th scope="row" { (name) } td { (value) } } }
            @if let Some(when) = example.when() { tr { th scope="row" { "asked" } td { (when) } } }
            (said("before", base))
            (said("after", head))
        } }
        details { summary { "The question for poort evaluate" }
            pre { (format!("{:#}", example.question)) }
            @if !example.entities.is_empty() {
                p { "Its accounts are made up; the directory would have to hold:" }
                pre { (format!("{:#}", Value::from(example.entities.clone()))) }
            }
        }
    }
}

fn said(side: &str, said: &SideAnswer) -> Markup {
    html! {
        tr {
            th scope="row" { (side) }
            td {
                @if said.allowed { (badge(Tone::Good, "allow")) } @else { (badge(Tone::Bad, "deny")) }
                " " (said.reason)
                @if !said.policies.is_empty() {
                    ul { @for policy in &said.policies { li { code { (policy.id) } " " (policy.title) } } }
                }
            }
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn party(value: &Value) -> Markup {
    let get = |name: &str| value.get(name).map(text).unwrap_or_default();
    html! {
        strong { (get("type")) } " " code { (get("id")) }
        @if let Some(properties) = value.get("properties") { (fields(properties)) }
    }
}

fn party_action(value: &Value) -> Markup {
    html! {
        strong { (value.get("name").map(text).unwrap_or_default()) }
        @if let Some(properties) = value.get("properties") { (fields(properties)) }
    }
}

fn fields(value: &Value) -> Markup {
    let Some(fields) = value.as_object().filter(|fields| !fields.is_empty()) else { return html! {} };
    html! { ul.fields { @for (name, value) in fields { li { (name) ": " code { (text(value)) } } } } }
}

fn policy(change: &PolicyChange) -> Markup {
    let spot = change.head.as_ref().or(change.base.as_ref());
    html! {
        h3 { code { (change.named()) } " " (badge(Tone::Neutral, change.change.name())) " "
            @if let Some(spot) = spot { span.mono { (spot.file) ":" (spot.line) } } }
        @if !change.title.is_empty() { p { (change.title) } }
        pre.change {
            @for line in &change.lines {
                @let class = match line.mark { '+' => "added", '-' => "removed", _ => "kept" };
                span class=(class) {
                    (format!("{:>5} {} {}\n", line.head.or(line.base).unwrap_or_default(), line.mark, line.text))
                }
            }
        }
    }
}

fn files(report: &Report<'_>) -> Markup {
    let comparison = report.comparison;
    html! {
        @if !comparison.schema.is_empty() {
            h2 { "Schema" }
            ul { @for change in &comparison.schema {
                li { (badge(Tone::Neutral, change.change.name())) " " (change.what) " " code { (change.name) }
                    @if change.change == Change::Changed {
                        ul {
                            @for line in &change.removed { li { "no longer " code { (line) } } }
                            @for line in &change.added { li { "now " code { (line) } } }
                        }
                    }
                }
            } }
        }
        @if !comparison.policies.is_empty() {
            h2 { "Policies" }
            ul { @for change in &comparison.policies {
                li { (badge(Tone::Neutral, change.change.name())) " " code { (change.named()) } " " (change.title)
                    @if !change.annotations.is_empty() { ul { @for annotation in &change.annotations {
                        li { "@" (annotation.name) ": "
                            (annotation.before.as_deref().unwrap_or("nothing")) " → "
                            (annotation.after.as_deref().unwrap_or("nothing")) }
                    } } }
                }
            } }
        }
    }
}

/// How many environments are proven equal, and how.
fn proven_equal(comparison: &Comparison) -> String {
    let equal = |wanted: &[Settled]| {
        comparison.environments.iter().filter(|it| it.is_equal() && wanted.contains(&it.settled)).count()
    };
    let (unchanged, proven) = (equal(&[Settled::Unchanged]), equal(&[Settled::Solver, Settled::Cache]));
    format!(
        "{} proven equal: {unchanged} have the same policies on both sides, and {proven} were proven by the solver.",
        counted(comparison.equal(), "environment")
    )
}

fn row(outcome: &EnvironmentChange) -> Markup {
    let settled = match outcome.settled {
        Settled::Unchanged => "same policies",
        Settled::Solver => "proof",
        Settled::Cache => "earlier proof",
    };
    html! {
        tr.item data-text=(outcome.name()) {
            td { (outcome.principal) } td { (outcome.action) } td { (outcome.resource) }
            td {
                @for change in [Direction::NewlyAllowed, Direction::NewlyDenied] {
                    @if outcome.differences.iter().any(|difference| difference.change == change)
                        || outcome.accounts.iter().any(|effect| effect.change == change) {
                        (badge(if change == Direction::NewlyAllowed { Tone::Bad } else { Tone::Warning }, change.words())) " "
                    }
                }
                @if !outcome.undecided.is_empty() { (badge(Tone::Bad, "undecided")) }
            }
            td { (settled) @if outcome.note.is_some() { " *" } }
        }
    }
}

const STYLE: &str = r"
.question th { width: 9rem; } .fields { margin: .2rem 0 0; padding-left: 1.1rem; }
.change span { display: block; white-space: pre-wrap; }
.change .added { background: var(--good-ground); color: var(--good); }
.change .removed { background: var(--bad-ground); color: var(--bad); }
section.item { border-top: 1px solid var(--line); }
";

const SCRIPT: &str = r"
const filter = document.getElementById('filter');
filter.addEventListener('input', () => {
  const wanted = filter.value.toLowerCase();
  for (const item of document.querySelectorAll('.item'))
    item.hidden = !item.dataset.text.toLowerCase().includes(wanted);
});
";
