//! Reports coverage as a page: the text of the policies, each condition marked by what was seen of it. Gaps come first;
//! marks differ in sign and line, not in colour alone.

use super::{
    Results,
    coverage::{by_file, gaps},
};
use crate::{
    review::{
        report::{Page, Tone, badge, facts},
        suite::{
            coverage::{Coverage, Covered, Level, Seen},
            mutate::Mutation,
            run::{CaseOutcome, differences},
        },
    },
    types::{language::Language, texts::suite as words},
};
use maud::{Markup, html};
use std::collections::BTreeMap;

const STYLE: &str = r"
.code { border-collapse: collapse; font-family: var(--mono); font-size: .84rem; }
.code td { border: 0; padding: 0 .5rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.code .n { color: var(--soft); text-align: right; user-select: none; width: 3.5rem; }
.code .policy td { padding-top: .5rem; font-family: system-ui, sans-serif; }
mark { color: inherit; border-radius: 3px; padding: 0 .1em .15em; }
mark.both { background: var(--good-ground); border-bottom: 2px solid var(--good); }
mark.true { background: var(--warning-ground); border-bottom: 2px dashed var(--warning); }
mark.false { background: var(--warning-ground); border-bottom: 2px dotted var(--warning); }
mark.never { background: var(--bad-ground); border-bottom: 3px double var(--bad); }
sup { font-size: .7em; font-weight: 700; padding-right: .15em; user-select: none; }
.legend { display: flex; flex-wrap: wrap; gap: 1.2rem; margin: .6rem 0; }
";

/// The page.
#[must_use]
pub fn html(results: &Results, coverage: &Coverage<'_>, mutation: Option<&Mutation<'_>>, language: Language) -> String {
    let counts = results.counts();
    let (policies, conditions) = (coverage.of_policies(), coverage.of_conditions());
    let tone = |covered: usize, total: usize| if covered == total { Tone::Good } else { Tone::Warning };
    let bad = counts.failed + counts.mistaken;
    let figures = [
        (words::cases(language), counts.total().to_string(), Tone::Neutral),
        (words::failed_figure(language), bad.to_string(), if bad == 0 { Tone::Good } else { Tone::Bad }),
        (words::policies_applied(language), policies.words(language), tone(policies.covered, policies.total)),
        (words::conditions_seen(language), conditions.words(language), tone(conditions.covered, conditions.total)),
    ];
    let page = Page {
        title: words::title(language),
        summary: html! { (words::summary(language)) },
        body: html! {
            (facts(figures))
            (failures(results, language))
            (missing(coverage, language))
            @if let Some(mutation) = mutation { (changes(mutation, language)) }
            (texts(coverage, language))
            (suites(results, language))
        },
        style: STYLE,
        script: "",
    };
    page.render_in(language)
}

fn suites(results: &Results, language: Language) -> Markup {
    html! {
        h2 { (words::suites(language)) }
        div.wide role="region" tabindex="0" aria-label=(words::suites(language)) { table {
            thead { tr { @for head in [words::suite, words::file, words::passed_head, words::failed_head, words::not_asked] { th scope="col" { (head(language)) } } } }
            tbody { @for ran in &results.ran {
                @let counts = ran.counts();
                tr {
                    td { (ran.suite.name) @if let Some(note) = &ran.suite.note { br; small { (note) } } }
                    td.mono { (ran.suite.file.name) }
                    td { (counts.passed) }
                    td { @if counts.failed > 0 { (badge(Tone::Bad, &counts.failed.to_string())) } @else { "0" } }
                    td { @if counts.mistaken > 0 { (badge(Tone::Bad, &counts.mistaken.to_string())) } @else { "0" } }
                }
            } }
        } }
    }
}

fn failures(results: &Results, language: Language) -> Markup {
    let problems = results.all_problems();
    let failed = results.ran.iter().flat_map(|ran| {
        ran.suite.cases.iter().zip(&ran.outcomes).filter_map(move |(case, outcome)| match outcome {
            CaseOutcome::Failed(asked, failure) => Some((&ran.suite, case, asked, failure)),
            CaseOutcome::Passed(_) | CaseOutcome::Mistaken(_) => None,
        })
    });
    let failed: Vec<_> = failed.collect();
    html! {
        @if !failed.is_empty() {
            h2 { (words::failed_cases(language)) }
            @for (suite, case, asked, failure) in failed {
                details open {
                    summary { (badge(Tone::Bad, words::failed_figure(language))) " " (suite.name) ": " (case.title()) }
                    p.mono { (suite.file.name) ":" (case.line) }
                    @if let Some(note) = &case.note { p { (note) } }
                    ul { @for difference in differences(&case.expected, &asked.answer, language) { li { (difference) } } }
                    @if !failure.explanation.is_empty() { pre { (failure.explanation.iter().map(|line| line.words(language)).collect::<Vec<_>>().join("\n")) } }
                }
            }
        }
        @if !problems.is_empty() {
            h2 { (words::problems(language)) }
            ul { @for problem in &problems { li { (problem.one_line()) } } }
        }
    }
}

fn missing(coverage: &Coverage<'_>, language: Language) -> Markup {
    let mut gaps = gaps(coverage);
    // A condition that was never evaluated matters most.
    gaps.sort_by_key(|gap| gap.condition.map(|(_, level)| level));
    html! {
        h2 { (words::not_seen_head(language)) }
        @if gaps.is_empty() {
            p { (badge(Tone::Good, words::nothing(language))) (words::all_was_seen(language)) }
        } @else {
            div.wide role="region" tabindex="0" aria-label=(words::what_was_not_seen(language)) { table {
                thead { tr { @for head in [words::what, words::policy, words::condition, words::place] { th scope="col" { (head(language)) } } } }
                tbody { @for gap in &gaps {
                    @let id: &str = gap.covered.policy.id.as_ref();
                    @let tone = if gap.condition.is_none_or(|(_, level)| level == Level::Never) { Tone::Bad } else { Tone::Warning };
                    tr {
                        td { (badge(tone, gap.what(language))) }
                        td { a href=(format!("#policy-{id}")) { (id) } }
                        td.mono { (gap.text(language)) }
                        td.mono { (gap.covered.policy.place.file.name) ":" (gap.line()) }
                    }
                } }
            } }
        }
    }
}

fn changes(mutation: &Mutation<'_>, language: Language) -> Markup {
    let Mutation { unnoticed, noticed, .. } = mutation;
    html! {
        h2 { (words::unnoticed_head(language)) }
        p { (words::changes_tried(language, noticed + unnoticed.len(), noticed)) }
        @if !unnoticed.is_empty() {
            div.wide role="region" tabindex="0" aria-label=(words::unnoticed_head(language)) { table {
                thead { tr { @for head in [words::policy, words::change, words::missing_head, words::place] { th scope="col" { (head(language)) } } } }
                tbody { @for one in unnoticed {
                    @let id: &str = one.policy.id.as_ref();
                    tr {
                        td { a href=(format!("#policy-{id}")) { (id) } }
                        td.mono { (one.shown(language)) }
                        td { @match &one.explained {
                            Some(reason) => { (badge(Tone::Neutral, words::explained(language))) " " (words::because(language, reason)) },
                            None => (one.change.kind.hint(language)),
                        } }
                        td.mono { (one.policy.place.file.name) ":" (one.line) }
                    }
                } }
            } }
        }
        @if !mutation.guarantees.is_empty() {
            h2 { (words::guarantees_head(language)) }
            div.wide role="region" tabindex="0" aria-label=(words::guarantees_head(language)) { table {
                thead { tr { @for head in [words::guarantee, words::breaking_change, words::case] { th scope="col" { (head(language)) } } } }
                tbody { @for control in &mutation.guarantees {
                    tr {
                        td { (control.guarantee) " " (control.title.in_language(language)) }
                        @match &control.broken {
                            Some(broken) => { td.mono { (broken.shown(language)) } td { (broken.case) } },
                            None => { td { (badge(Tone::Warning, words::none(language))) } td { (words::missing(language, words::missing_control(language))) } },
                        }
                    }
                } }
            } }
        }
    }
}

fn texts(coverage: &Coverage<'_>, language: Language) -> Markup {
    let mut files: BTreeMap<&str, Vec<&Covered<'_>>> = BTreeMap::new();
    for covered in &coverage.policies {
        files.entry(&covered.policy.place.file.name).or_default().push(covered);
    }
    let shares = by_file(coverage);
    let missing = |file: &str| {
        shares.get(file).map_or(0, |(policies, conditions)| {
            policies.total - policies.covered + conditions.total - conditions.covered
        })
    };
    let mut files: Vec<_> = files.into_iter().collect();
    files.sort_by_key(|(file, _)| (std::cmp::Reverse(missing(file)), *file));
    html! {
        h2 { (words::policies(language)) }
        div.legend {
            @for level in [Level::Never, Level::OnlyTrue, Level::OnlyFalse, Level::Both] {
                span { (marked(level, words::a_condition(language), "")) " " (level.words(language)) }
            }
            span { (words::hover_shows(language)) }
        }
        @for (file, policies) in files {
            details open[missing(file) > 0] {
                summary {
                    span.mono { (file) } " "
                    @match missing(file) {
                        0 => (badge(Tone::Good, words::all_seen(language))),
                        missing => (badge(Tone::Warning, &words::so_many_unseen(language, missing))),
                    }
                }
                (text(&policies, language))
            }
        }
    }
}

/// A piece of a line, with the condition that it belongs to.
type Piece<'a> = (&'a str, Option<(&'a Seen, Level)>);

fn text(policies: &[&Covered<'_>], language: Language) -> Markup {
    let Some(first) = policies.first() else { return html! {} };
    let text = first.policy.place.file.text.as_ref();
    let mut starts: BTreeMap<usize, &Covered<'_>> = BTreeMap::new();
    let mut conditions = Vec::new();
    for covered in policies {
        starts.insert(covered.policy.place.line(), covered);
        conditions.extend(covered.levels().map(|(condition, seen, level)| (condition.place.clone(), seen, level)));
    }
    conditions.sort_by_key(|(place, ..)| place.start);
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    let mut at = 0;
    for (place, seen, level) in conditions {
        pieces.push((text.get(at..place.start).unwrap_or_default(), None));
        pieces.push((text.get(place.clone()).unwrap_or_default(), Some((seen, level))));
        at = place.end.max(at);
    }
    pieces.push((text.get(at..).unwrap_or_default(), None));
    let lines = lines(&pieces);
    html! {
        table.code { tbody { @for (index, line) in lines.iter().enumerate() {
            @if let Some(covered) = starts.get(&(index + 1)) { (heading(covered, language)) }
            tr {
                td.n { (index + 1) }
                td { @for (piece, seen) in line {
                    @match seen {
                        None => (piece),
                        Some((seen, level)) => (marked(*level, piece, &hover(seen, language))),
                    }
                } }
            }
        } } }
    }
}

/// The pieces, line by line.
fn lines<'a>(pieces: &[Piece<'a>]) -> Vec<Vec<Piece<'a>>> {
    let mut lines = vec![Vec::new()];
    for (piece, seen) in pieces {
        for (index, part) in piece.split('\n').enumerate() {
            if index > 0 {
                lines.push(Vec::new());
            }
            // Indentation belongs to the line, not to a condition that goes on there.
            let inner = part.trim_start();
            let indent = part.strip_suffix(inner).unwrap_or_default();
            if let Some(line) = lines.last_mut() {
                line.push((indent, None));
                if !inner.is_empty() {
                    line.push((inner, *seen));
                }
            }
        }
    }
    lines
}

fn heading(covered: &Covered<'_>, language: Language) -> Markup {
    let id: &str = covered.policy.id.as_ref();
    let (tone, text) = match (covered.can_apply(), covered.applied.len()) {
        (false, _) => (Tone::Neutral, words::template_without_links(language).to_owned()),
        (true, 0) => (Tone::Bad, words::never_applied(language).to_owned()),
        (true, 1) => (Tone::Good, words::applied_in_one(language).to_owned()),
        (true, count) => (Tone::Good, words::applied_in(language, count)),
    };
    html! { tr.policy id=(format!("policy-{id}")) { td.n { "" } td { strong { (id) } " " (badge(tone, &text)) } } }
}

fn marked(level: Level, text: &str, hover: &str) -> Markup {
    let (class, sign) = match level {
        Level::Never => ("never", "0"),
        Level::OnlyTrue => ("true", "+"),
        Level::OnlyFalse => ("false", "−"),
        Level::Both => ("both", "±"),
    };
    html! { mark class=(class) title=(hover) { sup { (sign) } (text) } }
}

fn hover(seen: &Seen, language: Language) -> String {
    let errors = match seen.errors.len() {
        0 => String::new(),
        count => words::failed_in(language, count),
    };
    words::seen_in(language, seen.holds.len(), seen.fails.len()) + &errors
}
