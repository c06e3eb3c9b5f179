//! Parses YAML or JSON text into a tree in which every node has its place.
//!
//! What holds here:
//! - A text that is too large, too deep, or that grows through aliases is refused before it costs much.
//! - A duplicate name in one map is refused.
//! - No text can include another file.

use super::yaml_words;
use crate::types::{
    evaluation::{Map, Value},
    problem::{Problem, SourceFile},
};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Error, Location, Spanned, options::MergeKeyPolicy};
use std::{fmt, ops::Range};

/// The largest text that is read, in bytes. A suite of ten thousand cases is a tenth of it.
const BYTES: usize = 8 << 20;
/// How many nodes a text may have, those that aliases repeat included.
const NODES: usize = 300_000;
/// How deep lists and maps may nest. A value in the context of a row is about eight deep.
const DEPTH: usize = 32;

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) content: Content,
    /// Where it is used, in bytes. For an alias: the alias.
    pub(super) place: Range<usize>,
}

/// The content of a node.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// The name of a value in a map, with its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) place: Range<usize>,
}

impl Node {
    /// What to call it in a message to a person.
    pub(super) const fn kind(&self) -> &'static str {
        match self.content {
            Content::Null => "nothing",
            Content::Bool(_) => "a boolean",
            Content::Number(_) => "a number",
            Content::Text(_) => "a text",
            Content::List(_) => "a list",
            Content::Map(_) => "a map",
        }
    }

    /// The text, if it is one.
    pub(super) const fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// The same without places, as it would be on the wire.
    pub(super) fn value(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Number(value) => Value::Number(*value),
            Content::Text(value) => Value::String(value.clone()),
            Content::List(elements) => Value::List(elements.iter().map(Self::value).collect()),
            Content::Map(fields) => Value::Map(map(fields)),
        }
    }
}

/// Fields without places, as they would be on the wire.
pub(super) fn map(fields: &[(Key, Node)]) -> Map {
    fields.iter().map(|(key, node)| (key.name.clone(), node.value())).collect()
}

/// Reads a file.
///
/// # Errors
/// What keeps it from being a tree, with its place.
pub(super) fn read(file: &SourceFile) -> Result<Node, Box<Problem>> {
    if file.text.len() > BYTES {
        let message = format!("has {} bytes; a suite may have {BYTES}", file.text.len());
        return Err(Box::new(Problem::error("suite::too-large", file, message).help("split it into several files")));
    }
    let budget = serde_saphyr::budget! { max_depth: DEPTH, flow_nesting_limit: DEPTH, max_nodes: NODES };
    let alias_limits = serde_saphyr::alias_limits! { max_total_replayed_events: NODES, max_replay_stack_depth: DEPTH };
    let options = serde_saphyr::options! {
        budget: budget,
        alias_limits: alias_limits,
        // `[name, {…}]` is how a definition builds on another.
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options::<Node>(&file.text, options).map_err(|error| {
        let place = error.location().map_or(0..0, |location| bytes(&file.text, &location));
        let message = error.without_snippet().to_string();
        // The place is shown by the report.
        let message = message.split_once(" at line ").map_or(message.as_str(), |(message, _)| message).to_owned();
        // The limits on aliases come wrapped as texts.
        let is_limit = matches!(error.without_snippet(), Error::Budget { .. })
            || ["alias replay", "alias expansion", "nesting", "recursion limit"]
                .iter()
                .any(|limit| message.contains(limit));
        let (code, (message, help)) = if is_limit {
            let help = "write it in several files, or with fewer levels, and fewer names after `*`";
            ("suite::too-large", ("this is larger or deeper than a suite may be".to_owned(), help.to_owned()))
        } else {
            ("suite::syntax", yaml_words::explained(&message))
        };
        Box::new(Problem::error(code, file, message).at(widened(&file.text, place), "here").help(help))
    })
}

/// The bytes of a location. If the parser gives none, those of its line and column.
fn bytes(text: &str, location: &Location) -> Range<usize> {
    let span = location.span();
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    if let (Some(start), Some(length)) = (span.byte_offset(), span.byte_len()) {
        let within = |place: u64| number(place).min(text.len());
        return within(start)..within(start.saturating_add(length));
    }
    let line = number(location.line()).saturating_sub(1);
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let here = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
    let column = number(location.column()).saturating_sub(1);
    let start = start + here.char_indices().nth(column).map_or(here.len(), |(offset, _)| offset);
    start..start
}

/// A place that is a point becomes its line's rest, so that a report can underline it.
fn widened(text: &str, place: Range<usize>) -> Range<usize> {
    if !place.is_empty() {
        return place;
    }
    let rest = text.get(place.start..).unwrap_or_default();
    let line = rest.split(['\n', '\r']).next().unwrap_or_default();
    place.start..place.start + line.trim_end().len()
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, referenced, defined } = Spanned::<Content>::deserialize(deserializer)?;
        let location = if referenced == Location::UNKNOWN { defined } else { referenced };
        Ok(Self { content: value, place: offsets(&location) })
    }
}

/// The place without the text at hand: bytes, which a text in memory always has.
fn offsets(location: &Location) -> Range<usize> {
    let span = location.span();
    let place = |offset: Option<u64>| offset.and_then(|offset| usize::try_from(offset).ok()).unwrap_or_default();
    let start = place(span.byte_offset());
    start..start + place(span.byte_len())
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Bool(value))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "numbers on the wire are doubles; the schema refuses what is inexact"
    )]
    fn visit_i64<E>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Number(value as f64))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "numbers on the wire are doubles; the schema refuses what is inexact"
    )]
    fn visit_u64<E>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Number(value as f64))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Content, E> {
        if value.is_finite() { Ok(Content::Number(value)) } else { Err(E::custom("this is not a finite number")) }
    }

    fn visit_str<E>(self, value: &str) -> Result<Content, E> {
        Ok(Content::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Content, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = access.next_element()? {
            elements.push(element);
        }
        Ok(Content::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Content, A::Error> {
        let mut fields: Vec<(Key, Node)> = Vec::new();
        while let Some(key) = access.next_key::<Spanned<String>>()? {
            let key = Key { place: offsets(&key.referenced), name: key.value };
            fields.push((key, access.next_value()?));
        }
        Ok(Content::Map(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> SourceFile {
        SourceFile { name: "tests/a.yaml".into(), text: text.into() }
    }

    #[track_caller]
    fn refused(text: &str, code: &str, line: usize) {
        let problem = read(&file(text)).unwrap_err();
        assert_eq!(
            (problem.kind(), problem.position().map(|place| place.0)),
            (code, Some(line)),
            "{}",
            problem.message()
        );
    }

    #[test]
    fn every_node_knows_its_place() {
        let text = "# é\nname: Eén\nlist: [a, {b: \"c\"}]\nblock:\n  key: 7\n";
        let node = read(&file(text)).unwrap();
        let Content::Map(fields) = &node.content else { panic!("{node:?}") };
        let at = |place: &Range<usize>| text.get(place.clone()).unwrap();
        assert_eq!(at(&fields[0].0.place), "name");
        assert_eq!(at(&fields[0].1.place), "Eén");
        let Content::List(list) = &fields[1].1.content else { panic!("{node:?}") };
        assert_eq!(at(&list[0].place), "a");
        let Content::Map(inner) = &list[1].content else { panic!("{node:?}") };
        assert_eq!(at(&inner[0].1.place), "\"c\"");
        let Content::Map(inner) = &fields[2].1.content else { panic!("{node:?}") };
        assert_eq!(at(&inner[0].0.place), "key");
        assert!(text.get(fields[2].1.place.start..).unwrap().starts_with("key: 7"));
    }

    #[test]
    fn scalars_are_read_as_yaml_1_2_has_them() {
        let text = "[2026-08-14, 2026-08-14T09:30:00Z, yes, true, 012, 1_000, 7, -1, 1.5, null, ~, \"8\", 12:30]";
        let Content::List(list) = read(&file(text)).unwrap().content else { panic!() };
        let kinds: Vec<_> = list.iter().map(Node::kind).collect();
        let (text, number, nothing) = ("a text", "a number", "nothing");
        assert_eq!(
            kinds,
            [text, text, text, "a boolean", text, text, number, number, number, nothing, nothing, text, text]
        );
    }

    #[test]
    fn json_is_read_too() {
        let text = "{\"a\": [1, \"\\ud83d\\ude00 \\u00e9 \\/\"],\n\t\"b\": null}";
        let Content::Map(fields) = read(&file(text)).unwrap().content else { panic!() };
        let Content::List(list) = &fields[0].1.content else { panic!() };
        assert_eq!(list[1].text(), Some("😀 é /"));
    }

    #[test]
    fn mistakes_have_their_place() {
        refused("name: a\ncases: [\n  x\n", "suite::syntax", 2);
        refused("name: a\nname: b\n", "suite::syntax", 2);
        refused("a: &x {b: 1}\nc: {<<: *x}\n", "suite::syntax", 2);
        refused("name: a\n---\nname: b\n", "suite::syntax", 3);
        refused("a: *nowhere\n", "suite::syntax", 1);
        let problem = read(&file("é: a\nb:\n  c: x: y\n")).unwrap_err();
        assert_eq!(problem.position(), Some((3, 7)), "{}", problem.message());
    }

    #[test]
    fn mistakes_are_said_in_words_of_their_own() {
        for (text, expected) in [
            ("name: a\nname: b\n", "`name` is given twice in one map"),
            ("a: *nowhere\n", "not defined above"),
            ("a: &x {b: 1}\nc: {<<: *x}\n", "`<<` is not read"),
            ("a: b\n---\nc: d\n", "second suite"),
            ("a:\n\t- b\n", "a tab is"),
            ("a: \"b\n", "not closed"),
            ("a: [b\n", "not closed"),
            ("a: }\n", "not opened"),
            ("a: b: c\n", "a second `:`"),
            ("a: - b\n", "a list begins behind its key"),
            ("a:\n  - b: c\n   d: e\n", "indented otherwise"),
            ("a: \"\\q\"\n", "in double quotes"),
            ("[x]: y\n", "a key must be a text"),
            ("a: @b\n", "cannot begin with this sign"),
            ("%YAML 9\n---\na\n", "cannot begin with `%`"),
            ("a: .inf\n", "cannot be read as YAML"),
        ] {
            let problem = read(&file(text)).unwrap_err();
            assert!(problem.message().contains(expected), "{text}: {}", problem.message());
            assert!(problem.help_text().is_some(), "{text}");
        }
    }

    #[test]
    fn a_text_that_grows_without_end_is_refused() {
        let bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned()
            + &('b'..='j')
                .map(|name| {
                    let before = char::from(name as u8 - 1);
                    format!("{name}: &{name} [{}]\n", vec![format!("*{before}"); 10].join(", "))
                })
                .collect::<String>();
        let problem = read(&file(&bomb)).unwrap_err();
        assert_eq!(problem.kind(), "suite::too-large", "{}", problem.message());
        let problem = read(&file(&"[".repeat(100))).unwrap_err();
        assert_eq!(problem.kind(), "suite::too-large", "{}", problem.message());
        let problem = read(&file(&" ".repeat(BYTES + 1))).unwrap_err();
        assert_eq!(problem.kind(), "suite::too-large", "{}", problem.message());
    }
}
