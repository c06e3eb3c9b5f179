//! Writes an account for a terminal and as JSON.

use super::{AccountSheet, Authorisation, Fact, Named, State};
use crate::types::{escape, language::Language, texts::account as texts};
use serde_json::{Value as Json, json};

/// How many of the entities that name the account are listed for a person.
const LISTED: usize = 20;

/// For a terminal. `paint` puts a text in an ANSI colour, or leaves it as it is.
#[must_use]
pub fn text(sheet: &AccountSheet, language: Language, paint: &dyn Fn(u8, &str) -> String) -> String {
    let mut lines = Vec::new();
    let name = sheet.name.as_deref().map(|name| format!("  {name}")).unwrap_or_default();
    lines.push(paint(1, &format!("{} {}{name}", sheet.kind, sheet.id)));
    lines.extend(sheet.doc.iter().map(|doc| plain(2, doc)));
    lines.push(plain(2, &texts::on_day(language, &sheet.day)));
    let heading = |lines: &mut Vec<String>, text: &str| {
        lines.push(String::new());
        lines.push(paint(1, text));
    };
    heading(&mut lines, texts::placement(language));
    facts(&mut lines, 2, &sheet.facts);
    heading(&mut lines, texts::member_of(language));
    if sheet.groups.is_empty() {
        lines.push(plain(2, texts::nothing(language)));
    }
    for group in &sheet.groups {
        let name = group.name.as_deref().map(|name| format!("  {name}")).unwrap_or_default();
        let through = texts::through_another(language);
        let through = if group.is_direct { String::new() } else { format!("  {through}") };
        lines.push(plain(2, &format!("{} {}{name}{through}", group.kind, group.id)));
    }
    heading(&mut lines, texts::authorisations(language));
    if sheet.authorisations.is_empty() {
        lines.push(plain(2, texts::none(language)));
    }
    let mut of = "";
    for one in &sheet.authorisations {
        if one.of != of {
            of = &one.of;
            let by = one.by.as_deref().map(|by| texts::by_its(language, by, of));
            lines.push(plain(2, by.as_deref().unwrap_or(texts::its_own(language))));
        }
        authorisation(&mut lines, one, language, paint);
    }
    heading(&mut lines, texts::begins_and_ends(language));
    lines.push(if sheet.days.is_empty() {
        plain(2, texts::nothing_from_then(language))
    } else {
        let (day, which, what) = (texts::day(language), texts::which(language), texts::of_what(language));
        paint(2, &format!("  {day:10}  {which:11}   {what}"))
    });
    for day in &sheet.days {
        let word = if day.begins { texts::first_day(language) } else { texts::last_day(language) };
        let what = if day.what.is_empty() { String::new() } else { format!("{}: ", day.what) };
        lines.push(plain(2, &format!("{}  {word:<11}   {what}{}", day.day, day.name)));
    }
    for (title, named, most) in [
        (texts::named_here(language), &sheet.named, usize::MAX),
        (texts::names_account(language), &sheet.named_by, LISTED),
    ] {
        heading(&mut lines, title);
        let width = named.iter().map(|named| named.place.chars().count()).max().unwrap_or(0);
        lines.push(if named.is_empty() {
            plain(2, texts::nothing(language))
        } else {
            let (place, who) = (texts::place(language), texts::who_or_what(language));
            paint(2, &format!("  {place:width$}   {who}"))
        });
        for Named { place, entity, name, is_known } in named.iter().take(most) {
            let name = name.as_deref().map(|name| format!("  {name}")).unwrap_or_default();
            let unknown = texts::unknown_here(language);
            let unknown = if *is_known { String::new() } else { format!("  {unknown}") };
            lines.push(plain(2, &format!("{place:width$}   {entity}{name}{unknown}")));
        }
        let more = named.len().saturating_sub(most);
        lines.extend((more > 0).then(|| plain(2, &texts::and_more_in_json(language, more))));
    }
    lines.join("\n") + "\n"
}

/// The word of a state for a person.
#[must_use]
pub const fn state(state: State, language: Language) -> &'static str {
    match state {
        State::Current => texts::current(language),
        State::NotYet => texts::not_yet(language),
        State::Ended => texts::ended(language),
    }
}

fn authorisation(lines: &mut Vec<String>, one: &Authorisation, language: Language, paint: &dyn Fn(u8, &str) -> String) {
    let colour = match one.state {
        State::Current => 32,
        State::NotYet => 33,
        State::Ended => 31,
    };
    lines.push(format!("    {} {}", escape::line(&one.tag), paint(colour, state(one.state, language))));
    facts(lines, 6, &one.facts);
}

fn facts(lines: &mut Vec<String>, indent: usize, facts: &[Fact]) {
    let width = facts.iter().map(|fact| fact.name.chars().count()).max().unwrap_or(0);
    for Fact { name, value, about, .. } in facts {
        let about = about.as_deref().map(|about| format!("  {about}")).unwrap_or_default();
        lines.push(plain(indent, &format!("{name:width$}  {value}{about}")));
    }
}

fn plain(indent: usize, text: &str) -> String {
    format!("{:indent$}{}", "", escape::line(text))
}

fn facts_json(facts: &[Fact]) -> Vec<Json> {
    let fact =
        |Fact { name, value, about, doc, .. }: &Fact| json!({"name": name, "value": value, "about": about, "doc": doc});
    facts.iter().map(fact).collect()
}

/// An authorisation for a program.
#[must_use]
pub fn authorisation_json(one: &Authorisation) -> Json {
    json!({
        "of": one.of, "by": one.by, "tag": one.tag, "state": one.state.name(), "parts": facts_json(&one.facts),
        "of_parts": facts_json(&one.of_facts),
    })
}

/// For a program.
#[must_use]
pub fn json(sheet: &AccountSheet) -> Json {
    let named = |named: &[Named]| {
        let one = |Named { place, entity, name, is_known }: &Named| json!({"place": place, "entity": entity, "name": name, "known": is_known});
        named.iter().map(one).collect::<Vec<_>>()
    };
    json!({
        "type": sheet.kind,
        "id": sheet.id,
        "name": sheet.name,
        "doc": sheet.doc,
        "day": sheet.day,
        "attributes": facts_json(&sheet.facts),
        "groups": sheet.groups.iter().map(|group| json!({
            "type": group.kind, "id": group.id, "name": group.name, "direct": group.is_direct,
        })).collect::<Vec<_>>(),
        "authorisations": sheet.authorisations.iter().map(authorisation_json).collect::<Vec<_>>(),
        "days": sheet.days.iter().map(|day| json!({
            "day": day.day, "what": day.what, "name": day.name, "begins": day.begins,
        })).collect::<Vec<_>>(),
        "named": named(&sheet.named),
        "named_by": named(&sheet.named_by),
    })
}
