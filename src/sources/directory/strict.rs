//! Refuses parts of an entity's JSON that Cedar's reader ignores, or refuses without naming them: members that nothing
//! reads, and numbers that are not written as whole numbers.
//!
//! **Invariant:** an entry is refused if any member of it, at any depth, has no effect. A misspelt `tags` would remove
//! the tags, and with them the effect of the rules that read them. The walk follows the types of the schema, since a
//! record may declare any name: an attribute may be called `id`.

use crate::{
    sources::policy::{Attributes, Limit, Schema, Shape, cedar_core::ast},
    types::{
        problem::{Problem, SourceFile},
        suggest::nearest,
    },
};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{fmt, ops::Range};

/// The members of an entry.
const ENTRY: [&str; 4] = ["uid", "attrs", "parents", "tags"];
/// The members of a reference.
const REFERENCE: [&str; 2] = ["type", "id"];
/// The members of Cedar's escape for values of extension types. It reads a list of arguments too.
const CALL: [&str; 3] = ["fn", "arg", "args"];
/// How deep values are followed; no type of the schema is deeper.
const DEPTH: usize = 64;

/// Why an entry is refused.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) message: String,
    /// What to do, if that is more than what the message says.
    pub(super) help: Option<String>,
    /// The faulty part of the entry, in bytes; the whole, if `None`.
    pub(super) place: Option<Range<usize>>,
}

impl From<String> for Refused {
    fn from(message: String) -> Self {
        Self { message, ..Self::default() }
    }
}

impl Refused {
    /// The same for an entry at this offset in a file.
    pub(super) fn problem(self, file: &SourceFile, text: &str, entry: Range<usize>) -> Problem {
        let problem = Problem::error("directory::invalid", file, self.message);
        let problem = match self.place {
            Some(place) => problem.at(entry.start + place.start..entry.start + place.end, "here"),
            None => {
                let line = text.find('\n').map_or(entry.end, |length| entry.start + length);
                problem.at(entry.start..line, "this entity")
            }
        };
        match self.help {
            Some(help) => problem.help(help),
            None => problem,
        }
    }
}

/// Checks that every member of an entry in Cedar's JSON has an effect, and that every number can be read.
///
/// # Errors
/// What is wrong with it, and what to do.
pub fn check_entry(text: &str, schema: &Schema) -> Result<(), String> {
    check(text, schema).map_err(|Refused { message, help, .. }| match help {
        Some(help) => format!("{message}; {help}"),
        None => message,
    })
}

/// Refuses an entry for faults that Cedar does not report, or not in words that its author knows. Cedar refuses what is
/// no entry at all.
///
/// # Errors
/// The first such part of it.
pub(super) fn check(text: &str, schema: &Schema) -> Result<(), Refused> {
    let Ok(entry) = serde_json::from_str::<Members<'_>>(text) else { return Ok(()) };
    let uid = entry.get("uid").map(|uid| uid.get());
    let uid = uid.and_then(|uid| cedar_policy::EntityUid::from_json(serde_json::from_str(uid).ok()?).ok());
    let uid = uid.map(|uid| AsRef::<ast::EntityUID>::as_ref(&uid).clone());
    let walk = Walk { text, entity: uid.as_ref().map_or_else(|| "an entity".to_owned(), ToString::to_string) };
    walk.known(&entry, &ENTRY, "the entry")?;
    let declared = uid.as_ref().and_then(|uid| schema.model.entity_type(uid.entity_type()));
    if let Some(uid) = entry.get("uid") {
        walk.reference(uid, "uid", DEPTH)?;
    }
    if let Some(attributes) = entry.get("attrs") {
        walk.record(attributes, declared.and_then(|declared| declared.attributes.as_deref()), "", DEPTH)?;
    }
    for (index, parent) in entry.get("parents").into_iter().flat_map(|parents| elements(parents)).enumerate() {
        walk.reference(parent, &format!("parents[{index}]"), DEPTH)?;
    }
    let tags = entry.get("tags").and_then(members).unwrap_or_default();
    let shape = declared.and_then(|declared| declared.tags.as_ref());
    let names = declared.and_then(|declared| declared.tag_names.as_ref());
    tags.each().try_for_each(|(name, value)| {
        if let Some((names, what)) = names.and_then(|names| Some((names, names.text(name).err()?))) {
            let message = format!("the name of a tag of {} {what}", walk.entity);
            let refused = walk.refused(value, message, &format!("what the schema allows: {}", names.described()));
            return Err(Refused { place: refused.place.map(|place| walk.with_name(name, place)), ..refused });
        }
        walk.value(value, shape, &format!("tags.{name}"), DEPTH)
    })
}

/// What kind of JSON a value is that its type cannot be, and what to write; Cedar refuses it too.
fn misfit(value: &RawValue, shape: &Shape) -> Option<(&'static str, &'static str)> {
    let first = *value.get().as_bytes().first()?;
    let (fits, help) = match shape {
        Shape::Bool => (matches!(first, b't' | b'f'), "write true or false, without quotation marks"),
        Shape::Long => (matches!(first, b'-' | b'0'..=b'9'), "write a whole number, without quotation marks"),
        Shape::String => (first == b'"', "write a text, in quotation marks"),
        Shape::Set(_) => (first == b'[', "write a list, in square brackets"),
        Shape::Entity(_) => (first == b'{', "write {\"type\": \"…\", \"id\": \"…\"}"),
        Shape::Record(_) => (first == b'{', "write an object with its members, in braces"),
        Shape::Extension(_) => (matches!(first, b'"' | b'{'), "write a text, in quotation marks"),
    };
    let is = match first {
        b'"' => "a text",
        b't' | b'f' => "true or false",
        b'[' => "a list",
        b'{' => "an object",
        b'n' => "null",
        _ => "a number",
    };
    // Cedar's escape can stand for a value of any type.
    (!fits && first != b'{').then_some((is, help))
}

/// The value of the attribute that a message of Cedar names, in an entry.
pub(super) fn place(text: &str, message: &str) -> Option<Range<usize>> {
    let (_, named) = message.split_once("attribute `")?;
    let (name, _) = named.split_once('`')?;
    let attributes = serde_json::from_str::<Members<'_>>(text).ok()?.get("attrs").and_then(members)?;
    let value = attributes.get(name)?;
    let walk = Walk { text, entity: String::new() };
    walk.refused(value, String::new(), "").place.map(|place| walk.with_name(name, place))
}

struct Walk<'t> {
    text: &'t str,
    entity: String,
}

impl<'t> Walk<'t> {
    /// A value, by its type if that is known.
    fn value(&self, value: &'t RawValue, shape: Option<&Shape>, path: &str, left: usize) -> Result<(), Refused> {
        let Some(left) = left.checked_sub(1) else { return Ok(()) };
        if let Some((is, help)) = shape.and_then(|shape| misfit(value, shape)) {
            return Err(self.refused(value, format!("`{path}` of {} is {is}", self.entity), help));
        }
        match value.get().as_bytes().first() {
            Some(b'-' | b'0'..=b'9') => self.number(value, path),
            Some(b'[') => {
                let element = match shape {
                    Some(Shape::Set(element)) => Some(element.as_ref()),
                    _ => None,
                };
                let mut elements = elements(value).into_iter().enumerate();
                elements.try_for_each(|(index, value)| self.value(value, element, &format!("{path}[{index}]"), left))
            }
            Some(b'{') => match shape {
                Some(Shape::Record(attributes)) => self.record(value, Some(attributes), path, left),
                Some(Shape::Entity(_)) => self.reference(value, path, left),
                Some(Shape::Extension(_)) => self.escaped(value, "__extn", &CALL, path, left),
                Some(Shape::Bool | Shape::Long | Shape::String | Shape::Set(_)) | None => {
                    self.record(value, None, path, left)
                }
            },
            _ => Ok(()),
        }
    }

    /// Named values, by their declaration if there is one.
    fn record(
        &self,
        value: &'t RawValue,
        declared: Option<&Attributes>,
        path: &str,
        left: usize,
    ) -> Result<(), Refused> {
        let Some(fields) = members(value) else { return Ok(()) };
        if let Some(declared) = declared {
            let names: Vec<_> = declared.keys().map(smol_str::SmolStr::as_str).collect();
            let of = if path.is_empty() { "the attributes".to_owned() } else { format!("`{path}`") };
            self.known(&fields, &names, &of)?;
        }
        for (index, (name, value)) in fields.each().enumerate() {
            let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            if fields.each().take(index).any(|(other, _)| other == name) {
                return Err(self.refused(value, format!("`{path}` of {} is there twice", self.entity), "leave one"));
            }
            let attribute = declared.and_then(|declared| declared.get(name));
            self.value(value, attribute.map(|attribute| &attribute.shape), &path, left)?;
            if let Some(limit) = attribute.and_then(|attribute| attribute.limit.as_ref()) {
                self.limited(value, limit, &path)?;
            }
        }
        Ok(())
    }

    /// `{"type", "id"}`, with or without Cedar's escape.
    fn reference(&self, value: &'t RawValue, path: &str, left: usize) -> Result<(), Refused> {
        match members(value) {
            Some(fields) if fields.get("__entity").is_none() => {
                self.known(&fields, &REFERENCE, &format!("`{path}`"))?;
                fields.each().try_for_each(|(name, value)| self.value(value, None, &format!("{path}.{name}"), left))
            }
            _ => self.escaped(value, "__entity", &REFERENCE, path, left),
        }
    }

    /// Cedar's escape with these members in it.
    fn escaped(
        &self,
        value: &'t RawValue,
        escape: &str,
        known: &[&str],
        path: &str,
        left: usize,
    ) -> Result<(), Refused> {
        let Some(fields) = members(value) else { return Ok(()) };
        self.known(&fields, &[escape], &format!("`{path}`"))?;
        let Some(inner) = fields.get(escape).and_then(members) else { return Ok(()) };
        self.known(&inner, known, &format!("`{path}.{escape}`"))?;
        inner.each().try_for_each(|(name, value)| self.value(value, None, &format!("{path}.{escape}.{name}"), left))
    }

    /// Refuses the first member that is not one of these.
    fn known(&self, fields: &Members<'t>, known: &[&str], of: &str) -> Result<(), Refused> {
        let Some((name, value)) = fields.each().find(|(name, _)| !known.contains(name)) else { return Ok(()) };
        let message = format!("unknown member `{name}` of {of} of {}", self.entity);
        let help = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "leave it out: the schema declares none here".to_owned(),
            None => format!("leave it out; what is read there: {}", known.join(", ")),
        };
        let mut refused = self.refused(value, message, &help);
        refused.place = refused.place.map(|place| self.with_name(name, place));
        Err(refused)
    }

    /// A number that Cedar reads: whole, and of 64 bits.
    fn number(&self, value: &'t RawValue, path: &str) -> Result<(), Refused> {
        let text = value.get();
        if text != "-0" && text.parse::<i64>().is_ok() {
            return Ok(());
        }
        let refused = |what: &str, help: &str| {
            Err(self.refused(value, format!("`{path}` of {} is {text}, which {what}", self.entity), help))
        };
        if !text.contains(['.', 'e', 'E']) && text != "-0" {
            let help = format!("a whole number lies between {} and {}", i64::MIN, i64::MAX);
            return refused("is out of range", &help);
        }
        let whole = text.split_once('.').filter(|(_, fraction)| fraction.bytes().all(|digit| digit == b'0'));
        let whole = if text == "-0" { Some("0") } else { whole.map(|(whole, _)| whole) };
        match whole.map(|whole| if whole == "-0" { "0" } else { whole }) {
            Some(whole) => refused("is not written as a whole number", &format!("write {whole}")),
            None => refused("is not written as a whole number", "write it without a point and without an exponent"),
        }
    }

    /// Refuses a value, or an element of it, that the schema excludes.
    fn limited(&self, value: &'t RawValue, limit: &Limit, path: &str) -> Result<(), Refused> {
        let text = value.get();
        if text.starts_with('[') {
            return elements(value).into_iter().try_for_each(|element| self.limited(element, limit, path));
        }
        let checked = match (serde_json::from_str::<String>(text), text.parse()) {
            (Ok(text), _) => limit.text(&text),
            (_, Ok(long)) => limit.long(long),
            _ => Ok(()),
        };
        let help = || format!("what the schema allows: {}", limit.described());
        checked.map_err(|what| self.refused(value, format!("`{path}` of {} {what}", self.entity), &help()))
    }

    fn refused(&self, value: &RawValue, message: String, help: &str) -> Refused {
        // Each value is a part of the text.
        let start = value.get().as_ptr().addr().saturating_sub(self.text.as_ptr().addr());
        Refused { message, help: Some(help.to_owned()), place: Some(start..start + value.get().len()) }
    }

    /// The place of a value with the name before it.
    fn with_name(&self, name: &str, place: Range<usize>) -> Range<usize> {
        let before = self.text.get(..place.start).unwrap_or_default().trim_end();
        let before = before.strip_suffix(':').unwrap_or(before).trim_end();
        let name = before.strip_suffix('"').and_then(|before| before.strip_suffix(name));
        match name.and_then(|before| before.strip_suffix('"')) {
            Some(before) => before.len()..place.end,
            // The name is written with escapes.
            None => place,
        }
    }
}

/// The members of an object, in the order of the text, with those that come twice.
#[derive(Default)]
struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'t> Members<'t> {
    fn get(&self, name: &str) -> Option<&'t RawValue> {
        self.each().find(|(it, _)| *it == name).map(|(_, value)| value)
    }

    fn each(&self) -> impl Iterator<Item = (&str, &'t RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

fn members(value: &RawValue) -> Option<Members<'_>> {
    serde_json::from_str(value.get()).ok()
}

fn elements(value: &RawValue) -> Vec<&RawValue> {
    serde_json::from_str(value.get()).unwrap_or_default()
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(entry) = entries.next_entry()? {
                    members.push(entry);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}
