//! Writes an account for a terminal and as JSON.

use super::{AccountSheet, Authorisation, Fact, Named, State};
use crate::types::escape;
use serde_json::{Value as Json, json};

/// How many of the entities that name the account are listed for a person.
const LISTED: usize = 20;

/// For a terminal. `paint` puts a text in an ANSI colour, or leaves it as it is.
#[must_use]
pub fn text(sheet: &AccountSheet, paint: &dyn Fn(u8, &str) -> String) -> String {
    let mut lines = Vec::new();
    let name = sheet.name.as_deref().map(|name| format!("  {name}")).unwrap_or_default();
    lines.push(paint(1, &format!("{} {}{name}", sheet.kind, sheet.id)));
    lines.extend(sheet.doc.iter().map(|doc| plain(2, doc)));
    lines.push(plain(2, &format!("on {}", sheet.day)));
    let heading = |lines: &mut Vec<String>, text: &str| {
        lines.push(String::new());
        lines.push(paint(1, text));
    };
    heading(&mut lines, "Placement");
    facts(&mut lines, 2, &sheet.facts);
    heading(&mut lines, "In");
    if sheet.groups.is_empty() {
        lines.push(plain(2, "nothing"));
    }
    for group in &sheet.groups {
        let name = group.name.as_deref().map(|name| format!("  {name}")).unwrap_or_default();
        let through = if group.is_direct { "" } else { "  (through another)" };
        lines.push(plain(2, &format!("{} {}{name}{through}", group.kind, group.id)));
    }
    heading(&mut lines, "Authorisations");
    if sheet.authorisations.is_empty() {
        lines.push(plain(2, "none"));
    }
    let mut of = "";
    for one in &sheet.authorisations {
        if one.of != of {
            of = &one.of;
            let by = one.by.as_deref().map_or_else(|| "its own".to_owned(), |by| format!("by its {by}, {of}"));
            lines.push(plain(2, &by));
        }
        authorisation(&mut lines, one, paint);
    }
    heading(&mut lines, "What begins and ends");
    lines.push(if sheet.days.is_empty() {
        plain(2, "nothing, from this day on")
    } else {
        paint(2, &format!("  {:10}  {:9}   of what", "day", "which"))
    });
    for day in &sheet.days {
        let word = if day.begins { "first day" } else { "last day" };
        let what = if day.what.is_empty() { String::new() } else { format!("{}: ", day.what) };
        lines.push(plain(2, &format!("{}  {word:<9}   {what}{}", day.day, day.name)));
    }
    for (title, named, most) in [
        ("Who is named here, such as who approved it", &sheet.named, usize::MAX),
        ("What names this account, such as what it approved", &sheet.named_by, LISTED),
    ] {
        heading(&mut lines, title);
        let width = named.iter().map(|named| named.place.chars().count()).max().unwrap_or(0);
        lines.push(if named.is_empty() {
            plain(2, "nothing")
        } else {
            paint(2, &format!("  {:width$}   who or what", "where"))
        });
        for Named { place, entity, name, is_known } in named.iter().take(most) {
            let name = name.as_deref().map(|name| format!("  {name}")).unwrap_or_default();
            let unknown = if *is_known { "" } else { "  (the directory does not know it)" };
            lines.push(plain(2, &format!("{place:width$}   {entity}{name}{unknown}")));
        }
        let more = named.len().saturating_sub(most);
        lines.extend((more > 0).then(|| plain(2, &format!("and {more} more (--format json lists all)"))));
    }
    lines.join("\n") + "\n"
}

fn authorisation(lines: &mut Vec<String>, one: &Authorisation, paint: &dyn Fn(u8, &str) -> String) {
    let colour = match one.state {
        State::Current => 32,
        State::NotYet => 33,
        State::Ended => 31,
    };
    lines.push(format!("    {} {}", escape::line(&one.tag), paint(colour, one.state.name())));
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
