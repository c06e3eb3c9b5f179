//! Writes the rules that rest on an article, and how many rest on each, for a terminal and as JSON.

use super::{
    laws::{FILE, Laws, Read},
    reference::{LawId, Reference},
    rules::{Bases, Kind, Rule},
};
use crate::{review::report::Lines, types::suggest::nearest};
use serde_json::{Value, json};
use std::fmt;

/// What rules are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Those that rest on any article of a law.
    Law(LawId),
    /// Those that rest on an article, on a part of it, or on what it is a part of.
    Place(Reference),
}

impl Asked {
    /// Reads what was asked for: a law of the list, or what a `@basis` can hold.
    ///
    /// # Errors
    /// What the list does not have, and what was probably meant.
    pub fn read(text: &str, laws: &Laws) -> Result<Self, (String, String)> {
        if let Ok(law) = LawId::try_from(text.to_owned()) {
            if laws.laws.contains_key(&law) {
                return Ok(Self::Law(law));
            }
            let known: Vec<_> = laws.laws.keys().map(ToString::to_string).collect();
            let near = nearest(text, known.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
            let help = near.unwrap_or_else(|| format!("the laws are {}", laws.names()));
            return Err((format!("{FILE} has no law `{text}`"), help));
        }
        laws.find(text).map(Self::Place)
    }

    fn matches(&self, reference: &Reference) -> bool {
        match self {
            Self::Law(law) => reference.law == *law,
            Self::Place(place) => reference.touches(place),
        }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Law(law) => law.fmt(f),
            Self::Place(place) => place.fmt(f),
        }
    }
}

impl Bases {
    /// The rules that rest on it, each with the references that say so.
    fn resting<'a>(&'a self, asked: &'a Asked) -> impl Iterator<Item = (&'a Rule, Vec<String>)> {
        self.rules.iter().filter_map(|rule| {
            let cited = rule.references.iter().filter(|reference| asked.matches(reference));
            let cited: Vec<_> = cited.map(ToString::to_string).collect();
            (!cited.is_empty()).then_some((rule, cited))
        })
    }

    fn count(&self, is_meant: impl Fn(&Reference) -> bool) -> usize {
        self.rules.iter().filter(|rule| rule.references.iter().any(&is_meant)).count()
    }
}

/// The rules that rest on it, for a terminal: two lines each.
#[must_use]
pub fn resting(bases: &Bases, asked: &Asked) -> String {
    let mut lines = Lines::default();
    lines.push(&match asked {
        Asked::Law(law) => law_line(&bases.laws, law),
        Asked::Place(place) => article_line(&bases.laws, place),
    });
    let mut counts = [0_usize; 2];
    for (rule, cited) in bases.resting(asked) {
        let [policies, guarantees] = &mut counts;
        *(if rule.kind == Kind::Policy { policies } else { guarantees }) += 1;
        lines.push("");
        lines.push(&format!("{}:{}  {}  ({})", rule.file, rule.line, rule.id, cited.join(", ")));
        lines.push(&format!("  {}", rule.title));
    }
    let [policies, guarantees] = counts;
    lines.push("");
    lines.push(&format!(
        "{} and {}",
        counted(policies, "polic", "y", "ies"),
        counted(guarantees, "guarantee", "", "s")
    ));
    lines.into_text()
}

/// The same as JSON.
#[must_use]
pub fn resting_json(bases: &Bases, asked: &Asked) -> String {
    let rules: Vec<_> = bases
        .resting(asked)
        .map(|(rule, cited)| {
            json!({ "kind": rule.kind.name(), "id": rule.id, "title": rule.title, "file": rule.file, "line": rule.line,
                "references": cited })
        })
        .collect();
    let read = match asked {
        Asked::Law(law) => bases.laws.laws.get(law).and_then(|law| law.read.as_ref()),
        Asked::Place(place) => bases.laws.reading(&place.law, &place.article),
    };
    let whole = json!({ "asked": asked.to_string(), "read": read_json(read), "rules": rules });
    format!("{whole:#}\n")
}

/// The laws with their articles and the number of rules that rest on each, for a terminal.
#[must_use]
pub fn overview(bases: &Bases) -> String {
    let mut lines = Lines::default();
    for (law, known) in &bases.laws.laws {
        lines.push(&format!("{}: {}", law_line(&bases.laws, law), rules(bases.count(|it| it.law == *law))));
        let names: Vec<_> = known.articles.keys().map(|article| format!("{law}:{article}")).collect();
        let width = names.iter().map(String::len).max().unwrap_or(0);
        for (name, (article, about)) in names.iter().zip(&known.articles) {
            let count = rules(bases.count(|reference| reference.is_of(law, article)));
            // What holds for the whole law is said once.
            let own = bases.laws.reading(law, article);
            let is_said = own.is_some() && own == known.read.as_ref();
            let reading = if is_said { String::new() } else { format!("  {}", reading(own)) };
            let title = about.title.as_deref().unwrap_or_default();
            lines.push(format!("  {name:width$}  {count:>9}{reading}  {title}").trim_end());
        }
        lines.push("");
    }
    let (cited, from_memory) = bases.cited();
    lines.push(&summary(cited, from_memory));
    lines.into_text()
}

/// The same as JSON.
#[must_use]
pub fn overview_json(bases: &Bases) -> String {
    let laws: Vec<_> = bases
        .laws
        .laws
        .iter()
        .map(|(law, known)| {
            let articles: Vec<_> = known
                .articles
                .iter()
                .map(|(article, about)| {
                    json!({ "article": format!("{law}:{article}"), "title": about.title,
                        "read": read_json(bases.laws.reading(law, article)),
                        "rules": bases.count(|reference| reference.is_of(law, article)) })
                })
                .collect();
            json!({ "law": law.to_string(), "title": known.title, "id": known.id,
                "rules": bases.count(|reference| reference.law == *law), "articles": articles })
        })
        .collect();
    format!("{:#}\n", json!({ "laws": laws }))
}

/// How many articles are cited, and how many of them nobody read.
#[must_use]
pub fn summary(cited: usize, from_memory: usize) -> String {
    format!("rules rest on {}, {from_memory} of them from memory", counted(cited, "article", "", "s"))
}

fn law_line(laws: &Laws, law: &LawId) -> String {
    let Some(known) = laws.laws.get(law) else { return law.to_string() };
    let id = known.id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
    let read = known.read.as_ref().map(|read| format!(", {}", reading(Some(read)))).unwrap_or_default();
    format!("{law}  {}{id}{read}", known.title)
}

fn article_line(laws: &Laws, place: &Reference) -> String {
    let Some(law) = laws.laws.get(&place.law) else { return place.to_string() };
    let title = law.articles.get(&place.article).and_then(|article| article.title.as_ref());
    let title = title.map(|title| format!(": {title}")).unwrap_or_default();
    format!("{place}  {}{title}, {}", law.title, reading(laws.reading(&place.law, &place.article)))
}

fn reading(read: Option<&Read>) -> String {
    read.map_or_else(|| "from memory".to_owned(), |Read { text, on }| format!("text of {text}, read on {on}"))
}

fn read_json(read: Option<&Read>) -> Value {
    read.map_or(Value::Null, |Read { text, on }| json!({ "text": text.to_string(), "on": on.to_string() }))
}

fn rules(count: usize) -> String {
    counted(count, "rule", "", "s")
}

fn counted(count: usize, what: &str, one: &str, several: &str) -> String {
    format!("{count} {what}{}", if count == 1 { one } else { several })
}
