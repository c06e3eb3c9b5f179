//! Writes a comparison as one HTML page, for an officer.

use super::{Report, Standing, guarantee_words};
use crate::{
    review::{
        diff::{
            Change, Comparison, Direction, EnvironmentChange, Group, PolicyChange, Question, Settled, SideAnswer,
            comparison::environments, groups,
        },
        report::{Page, Tone, badge, facts},
    },
    types::{
        language::Language,
        texts::{diff as texts, diff_reports as reports},
    },
};
use maud::{Markup, html};
use serde_json::Value;

/// The comparison as one self-contained page.
#[must_use]
pub fn html(report: &Report<'_>, language: Language) -> String {
    let comparison = report.comparison;
    let allowed = comparison.count(Direction::NewlyAllowed);
    let denied = comparison.count(Direction::NewlyDenied);
    let undecided = comparison.undecided();
    let obligations_changed = report.obligations().len();
    let tone = |count: usize, bad: Tone| if count == 0 { Tone::Good } else { bad };
    let short = |revision: &str| revision.get(7..19).unwrap_or(revision).to_owned();
    let groups = groups(comparison);
    let headline = report.headline(language);
    let body = html! {
        (facts([
            (texts::newly_allowed(language), allowed.to_string(), tone(allowed, Tone::Bad)),
            (texts::newly_denied(language), denied.to_string(), tone(denied, Tone::Warning)),
            (reports::undecided_figure(language), undecided.to_string(), tone(undecided, Tone::Bad)),
            (reports::guarantees_figure(language), comparison.guarantees.len().to_string(), tone(comparison.guarantees.len(), Tone::Warning)),
            (reports::obligations_figure(language), obligations_changed.to_string(), tone(obligations_changed, Tone::Warning)),
            (reports::applications_figure(language), comparison.applications.len().to_string(), tone(comparison.applications.len(), Tone::Bad)),
            (reports::directory_figure(language), comparison.directory.len().to_string(), tone(comparison.directory.len(), Tone::Bad)),
            (reports::equal_figure(language), comparison.equal().to_string(), Tone::Neutral),
            (reports::environments_figure(language), comparison.environments.len().to_string(), Tone::Neutral),
        ]))
        p { (reports::compared(language))
            strong { (comparison.base.name) } (reports::with_policies(language)) code { (short(&comparison.base.policies)) }
            (reports::and_directory(language)) code { (short(&comparison.base.directory)) } (reports::with_side(language))
            strong { (comparison.head.name) } (reports::with_policies(language)) code { (short(&comparison.head.policies)) }
            (reports::and_directory(language)) code { (short(&comparison.head.directory)) } ")." }
        p { (reports::what_environments_are(language)) }
        @for note in comparison.notes(language) { p { (badge(Tone::Warning, texts::note(language))) " " (note) } }
        p { label { (reports::show_only(language)) input type="search" id="filter" placeholder="Officer, consult, bvh…"; } }
        @for group in &groups { (one(report, group, language)) }
        (undecided_ones(report, language))
        (guarantees(report, language))
        (obligations(report, language))
        (applications(report, language))
        (accounts(report, language))
        (files(report, language))
        h2 { (reports::environments(language)) }
        p { (proven_equal(comparison, language)) }
        @let others: Vec<_> = comparison.environments.iter().filter(|it| !it.is_equal()).collect();
        @if !others.is_empty() { div.wide role="region" tabindex="0" aria-label=(reports::environments(language)) { table {
            thead { tr { @for head in [reports::account, reports::operation, reports::record, reports::result, reports::settled] { th scope="col" { (head(language)) } } } }
            tbody { @for outcome in others { (row(outcome, language)) } }
        } } }
    };
    let page = Page {
        title: texts::title(language),
        summary: html! {
            @for (index, line) in headline.lines().enumerate() {
                @if index == 0 { strong { (line) } } @else { br; (line) }
            }
            br;
            @if report.passes() { (badge(Tone::Good, texts::passed(language))) } @else { (badge(Tone::Bad, texts::not_passed(language))) }
            " " (report.verdict(language)) ". " (comparison.summary(language)) "."
        },
        body,
        style: STYLE,
        script: SCRIPT,
    };
    page.render_in(language)
}

fn one(report: &Report<'_>, group: &Group<'_>, language: Language) -> Markup {
    let tone = match group.change {
        Direction::NewlyAllowed => Tone::Bad,
        Direction::NewlyDenied => Tone::Warning,
    };
    let Some((outcome, difference)) = group.members.first() else { return html! {} };
    html! {
        section.item data-text=(format!("{} {} {}", group.change.words(language), group.environments(), group.policies.join(" "))) {
            h2 {
                (badge(tone, group.change.words(language))) " "
                (mark(report.standing_of(group).1, language))
                (group.environments()) ", "
                @for (index, cause) in group.causes.iter().enumerate() {
                    @if index > 0 { ", " } (cause.lead(language)) " " code { (cause.id) } " " (cause.tail(language))
                }
            }
            @if let Some(note) = outcome.note { p { (badge(Tone::Warning, texts::note(language))) " " (note.words(language)) } }
            (example(outcome, &difference.example, [&difference.base, &difference.head], language))
            @for change in report.comparison.policies.iter().filter(|change| group.policies.contains(&change.id)) {
                (policy(change, language))
            }
            @if group.members.len() > 1 {
                details {
                    summary { (reports::each_with_question(language, environments(group.members.len(), language))) }
                    @for (outcome, difference) in group.members.iter().skip(1) {
                        h3 { (outcome.name()) }
                        (example(outcome, &difference.example, [&difference.base, &difference.head], language))
                    }
                }
            }
        }
    }
}

/// The state of the review, after a heading.
fn mark(standing: Standing, language: Language) -> Markup {
    match standing {
        Standing::Open => html! { (badge(Tone::Bad, texts::not_accepted(language))) " " },
        Standing::Accepted => html! { (badge(Tone::Good, texts::accepted(language))) " " },
        Standing::Listed => html! {},
    }
}

fn undecided_ones(report: &Report<'_>, language: Language) -> Markup {
    let matters = report.undecided();
    html! {
        @if !matters.is_empty() { h2 { (reports::undecided_head(language)) } }
        @for matter in matters {
            @if let Some(outcome) = matter.outcome() {
                section.item data-text=(outcome.name()) {
                    h3 { (badge(Tone::Bad, texts::undecided(language))) " " (mark(report.standing(matter), language)) (outcome.name()) }
                    ul { @for reason in &outcome.undecided { li { (reason) } } }
                }
            }
        }
    }
}

fn guarantees(report: &Report<'_>, language: Language) -> Markup {
    let changed = report.guarantees();
    html! {
        @if !changed.is_empty() {
            h2 { (reports::guarantees_head(language)) }
            p { (reports::what_guarantees_are(language)) }
        }
        @for (change, standing) in changed {
            section.item data-text=(format!("{} {}", reports::guarantees_head(language), change.id)) {
                p { (mark(standing, language)) (reports::the_guarantee(language)) code { (change.id) } (reports::is(language)) (guarantee_words(change.change, language)) "." }
                (policy(change, language))
            }
        }
    }
}

fn obligations(report: &Report<'_>, language: Language) -> Markup {
    let changed = report.obligations();
    html! {
        @if !changed.is_empty() {
            h2 { (reports::obligations_head(language)) }
            p { (reports::what_obligations_are(language)) }
        }
        @for (change, obligations, standing) in changed {
            section.item data-text=(format!("{} {}", reports::obligations_head(language), change.id)) {
                h3 { (mark(standing, language)) code { (change.id) } (reports::asks_something_else(language)) }
                @if !change.title.is_empty() { p { (change.title.in_language(language)) } }
                pre.change { @for (mark, what, text) in obligations.lines(language) {
                    span class=(if mark == '+' { "added" } else { "removed" }) { (mark) " " (what) ": " (text) "\n" }
                } }
            }
        }
    }
}

fn applications(report: &Report<'_>, language: Language) -> Markup {
    let changed = report.applications();
    html! {
        @if !changed.is_empty() {
            h2 { (reports::applications_head(language)) }
            p { (reports::what_applications_may(language)) }
        }
        @for (change, standing) in changed {
            section.item data-text=(format!("{} {}", reports::applications_head(language), change.application)) {
                h3 { (mark(standing, language)) code { (change.application) } (reports::may_ask_something_else(language)) }
                pre.change { @for (mark, text) in change.lines(language) {
                    span class=(if mark == '+' { "added" } else { "removed" }) { (mark) " " (text) "\n" }
                } }
            }
        }
    }
}

fn accounts(report: &Report<'_>, language: Language) -> Markup {
    let changed = report.accounts();
    html! {
        @if !changed.is_empty() {
            h2 { (reports::directory_head(language)) }
            p { (reports::what_directory_changed(language)) }
        }
        @for (change, standing, groups) in changed {
            section.item data-text=(format!("{} {}", reports::directory_head(language), change.id)) {
                h3 { (mark(standing, language)) code { (change.id) } " " (badge(Tone::Neutral, change.change.words(language))) }
                ul { @for fact in &change.facts {
                    @let [before, after] = fact.sides(language);
                    @let elements = fact.elements();
                    li { (fact.name) ":"
                        @if elements.is_empty() { " " code { (before) } " → " code { (after) } }
                        @for (mark, text) in elements { " " (mark) " " code { (text) } }
                    }
                } }
                @for group in groups {
                    h4 { (group.line(language)) }
                    @if let Some(others) = group.others(language) { p { (others) } }
                    @if let Some((outcome, effect)) = group.members.first() {
                        (example(outcome, &effect.example, [&effect.base, &effect.head], language))
                    }
                }
            }
        }
    }
}

fn example(
    outcome: &EnvironmentChange,
    example: &Question,
    [base, head]: [&SideAnswer; 2],
    language: Language,
) -> Markup {
    let part = |pointer: &str| example.question.pointer(pointer).cloned().unwrap_or(Value::Null);
    let rows = [
        (reports::account(language), party(&part("/subject"))),
        (reports::operation(language), party_action(&part("/action"))),
        (reports::record(language), party(&part("/resource"))),
        (reports::circumstances(language), fields(&part("/context"))),
    ];
    html! {
        p { (reports::a_question_in(language, outcome.name()))
            @if example.real { (badge(Tone::Neutral, reports::real_accounts(language))) }
            @else { (badge(Tone::Neutral, reports::made_up_accounts(language))) } }
        table.question { tbody {
            @for (name, value) in rows { tr { th scope="row" { (name) } td { (value) } } }
            @if let Some(when) = example.when(language) { tr { th scope="row" { (reports::asked(language)) } td { (when) } } }
            (said(texts::before(language), base, language))
            (said(texts::after(language), head, language))
        } }
        details { summary { (reports::question_for_evaluate(language)) }
            pre { (format!("{:#}", example.question)) }
            @if !example.entities.is_empty() {
                p { (reports::would_have_to_hold(language)) }
                pre { (format!("{:#}", Value::from(example.entities.clone()))) }
            }
        }
    }
}

fn said(side: &str, said: &SideAnswer, language: Language) -> Markup {
    html! {
        tr {
            th scope="row" { (side) }
            td {
                @if said.allowed { (badge(Tone::Good, texts::allow(language))) } @else { (badge(Tone::Bad, texts::deny(language))) }
                " " (said.reason.in_language(language))
                @if !said.policies.is_empty() {
                    ul { @for policy in &said.policies { li { code { (policy.id) } " " (policy.title.in_language(language)) } } }
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

fn policy(change: &PolicyChange, language: Language) -> Markup {
    let spot = change.head.as_ref().or(change.base.as_ref());
    html! {
        h3 { code { (change.named()) } " " (badge(Tone::Neutral, change.change.words(language))) " "
            @if let Some(spot) = spot { span.mono { (spot.file) ":" (spot.line) } } }
        @if !change.title.is_empty() { p { (change.title.in_language(language)) } }
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

fn files(report: &Report<'_>, language: Language) -> Markup {
    let comparison = report.comparison;
    html! {
        @if !comparison.schema.is_empty() {
            h2 { (reports::schema(language)) }
            ul { @for change in &comparison.schema {
                li { (badge(Tone::Neutral, change.change.words(language))) " " (change.kind(language)) " " code { (change.name) }
                    @if change.change == Change::Changed {
                        ul {
                            @for line in &change.removed { li { (reports::no_longer(language)) code { (line) } } }
                            @for line in &change.added { li { (reports::now(language)) code { (line) } } }
                        }
                    }
                }
            } }
        }
        @if !comparison.policies.is_empty() {
            h2 { (reports::policies(language)) }
            ul { @for change in &comparison.policies {
                li { (badge(Tone::Neutral, change.change.words(language))) " " code { (change.named()) } " " (change.title.in_language(language))
                    @if !change.annotations.is_empty() { ul { @for annotation in &change.annotations {
                        li { "@" (annotation.name) ": "
                            (annotation.before.as_deref().unwrap_or(reports::nothing(language))) " → "
                            (annotation.after.as_deref().unwrap_or(reports::nothing(language))) }
                    } } }
                }
            } }
        }
    }
}

/// How many environments are proven equal, and how.
fn proven_equal(comparison: &Comparison, language: Language) -> String {
    let equal = |wanted: &[Settled]| {
        comparison.environments.iter().filter(|it| it.is_equal() && wanted.contains(&it.settled)).count()
    };
    let (unchanged, proven) = (equal(&[Settled::Unchanged]), equal(&[Settled::Solver, Settled::Cache]));
    reports::proven_equal(language, environments(comparison.equal(), language), unchanged, proven)
}

fn row(outcome: &EnvironmentChange, language: Language) -> Markup {
    let settled = match outcome.settled {
        Settled::Unchanged => reports::same_policies(language),
        Settled::Solver => reports::proof(language),
        Settled::Cache => reports::earlier_proof(language),
    };
    html! {
        tr.item data-text=(outcome.name()) {
            td { (outcome.principal) } td { (outcome.action) } td { (outcome.resource) }
            td {
                @for change in [Direction::NewlyAllowed, Direction::NewlyDenied] {
                    @if outcome.differences.iter().any(|difference| difference.change == change)
                        || outcome.accounts.iter().any(|effect| effect.change == change) {
                        (badge(if change == Direction::NewlyAllowed { Tone::Bad } else { Tone::Warning }, change.words(language))) " "
                    }
                }
                @if !outcome.undecided.is_empty() { (badge(Tone::Bad, texts::undecided(language))) }
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
