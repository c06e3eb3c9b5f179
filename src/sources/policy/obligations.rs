//! Obligations that the schema declares: common types with `@obligation`. The name of the type is the key, its `@doc` says
//! what it asks of an application, and the type is that of its parameters.
//!
//! | type | in a policy | in an answer |
//! |---|---|---|
//! | `{}` | `@obligation("check_by_hand")` | its `@doc`, for the user of the application |
//! | `String` | `@obligation("hit_visibility: match")` | the text |
//! | `Set<String>` | `@obligation("hide: reporter, address")` | the list |
//! | a record of these | `@obligation("notification: to = desk, body = An account was suspended.")` | the object |
//!
//! Several obligations have semicolons between them. `@values` on the type lists what a parameter may be.
//!
//! A key that AuthZEN's obligations profile registers is an obligation of that type, whose properties are the parameters.
//! All others are in one obligation of the type `custom`, with the keys as properties. A schema that declares none leaves
//! `@obligation` to `facts`.

use super::{
    limit::Limit,
    written::{self, Types, value},
};
use crate::types::{
    decision::SESSION_TERMINATION,
    evaluation::{Map, Value},
    problem::{Problem, SourceFile},
    suggest::nearest,
};
use cedar_policy_core::{
    ast::InternalName,
    validator::json_schema::{CommonType, Fragment, RecordType, Type, TypeVariant},
};
use std::collections::BTreeMap;

/// The types that AuthZEN's obligations profile registers, with the parameters that each must have. poort itself says whose
/// sessions end.
const REGISTERED: [(&str, &str, &[&str]); 3] = [
    ("step_up", "step-up", &["acr_value"]),
    ("notification", "notification", &["to", "body"]),
    ("session_termination", SESSION_TERMINATION, &[]),
];

/// The obligations of a schema, by their keys.
pub type Obligations = BTreeMap<String, Declared>;

/// An obligation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// AuthZEN's type of it: a registered one, or `custom`.
    pub kind: &'static str,
    /// What it asks of an application, in a sentence.
    pub meaning: String,
    /// What a policy says with it.
    pub parameters: Parameters,
}

impl Declared {
    /// The key in an answer: AuthZEN's type, where it registers one, or the schema's key.
    #[must_use]
    pub fn wire_key<'a>(&self, key: &'a str) -> &'a str {
        if self.kind == "custom" { key } else { self.kind }
    }
}

/// The parameters of an obligation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parameters {
    /// It has none.
    None,
    /// A text, or several.
    Text(Text),
    /// Texts with names.
    Named(BTreeMap<String, Named>),
}

/// A text, or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Whether it is a list.
    pub is_list: bool,
    /// What it, or each of them, may be.
    pub limit: Option<Limit>,
}

/// A parameter with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Whether a policy must say it.
    pub required: bool,
    /// Its type.
    pub text: Text,
}

/// Reads the obligations of a schema.
pub(super) fn read(file: &SourceFile, fragment: &Fragment<InternalName>, problems: &mut Vec<Problem>) -> Obligations {
    let types = Types::of(fragment);
    let mut found = Obligations::new();
    for definition in fragment.0.values() {
        for (key, declared) in &definition.common_types {
            let key = key.to_string();
            let Some(text) = value(&declared.annotations, "obligation") else { continue };
            let read = if text.is_empty() {
                one(&types, &key, declared)
            } else {
                Err("@obligation on a type has no text; @doc says what it asks".to_owned())
            };
            let read = read.and_then(|read| match found.insert(key.clone(), read) {
                Some(_) => Err("two namespaces declare it".to_owned()),
                None => Ok(()),
            });
            if let Err(message) = read {
                let place = declared.loc.as_ref().map_or(0..0, |place| place.start()..place.end());
                let place = if place.is_empty() {
                    written::place(file, &declared.annotations, "obligation")
                } else {
                    let start = place.start;
                    let line = file.text.get(place.clone()).and_then(|text| text.find('\n'));
                    start..line.map_or(place.end, |length| start + length)
                };
                let help = "write @obligation @doc(\"What it asks.\") type key = {}; or = String; or = Set<String>; or a \
                            record of these";
                let problem = Problem::error("schema::obligation", file, format!("the obligation `{key}`: {message}"));
                problems.push(problem.at(place, "declared here").help(help));
            }
        }
    }
    found
}

fn one(types: &Types<'_>, key: &str, declared: &CommonType<InternalName>) -> Result<Declared, String> {
    let meaning = value(&declared.annotations, "doc").map(str::trim).filter(|doc| !doc.is_empty());
    let meaning = meaning.ok_or("it has no @doc, which says what it asks of an application")?.to_owned();
    let limit = match value(&declared.annotations, "values") {
        Some(text) => Some(Limit::read("values", text)?),
        None => None,
    };
    let parameters = match record(types, &declared.ty) {
        Some(record) if record.attributes.is_empty() => Parameters::None,
        Some(record) => {
            let named = record.attributes.iter().map(|(name, attribute)| {
                let limit = match value(&attribute.annotations, "values") {
                    Some(text) => Some(Limit::read("values", text)?),
                    None => None,
                };
                let text =
                    text(types, &attribute.ty, limit).ok_or(format!("`{name}` is no text and no set of texts"))?;
                Ok((name.to_string(), Named { required: attribute.required, text }))
            });
            Parameters::Named(named.collect::<Result<_, String>>()?)
        }
        None => Parameters::Text(text(types, &declared.ty, limit.clone()).ok_or("its type is none of parameters")?),
    };
    if limit.is_some() && !matches!(parameters, Parameters::Text(_)) {
        return Err("@values has no effect on it".to_owned());
    }
    let Some((_, kind, needed)) = REGISTERED.iter().find(|(registered, ..)| *registered == key) else {
        return Ok(Declared { kind: "custom", meaning, parameters });
    };
    let has =
        |name: &&str| matches!(&parameters, Parameters::Named(named) if named.get(*name).is_some_and(|it| it.required));
    match needed.iter().find(|name| !has(name)) {
        Some(name) => Err(format!("AuthZEN's type `{kind}` has the parameter `{name}`, a string")),
        None if needed.is_empty() && parameters != Parameters::None => {
            Err(format!("AuthZEN's type `{kind}` takes no parameters from a policy"))
        }
        None => Ok(Declared { kind, meaning, parameters }),
    }
}

fn record<'t>(types: &'t Types<'t>, ty: &'t Type<InternalName>) -> Option<&'t RecordType<InternalName>> {
    match types.resolved(ty) {
        Some(TypeVariant::Record(record)) => Some(record),
        _ => None,
    }
}

fn text(types: &Types<'_>, ty: &Type<InternalName>, limit: Option<Limit>) -> Option<Text> {
    let element = match types.resolved(ty) {
        Some(TypeVariant::Set { element }) => Some(element.as_ref()),
        _ => None,
    };
    is_string(element.unwrap_or(ty)).then_some(Text { is_list: element.is_some(), limit })
}

/// Whether this is Cedar's own type of texts, whose name no other type can have.
fn is_string(ty: &Type<InternalName>) -> bool {
    let name = match ty {
        Type::CommonTypeRef { type_name, .. } => type_name,
        Type::Type { ty: TypeVariant::EntityOrCommon { type_name }, .. } => type_name,
        Type::Type { ty, .. } => return matches!(ty, TypeVariant::String),
    };
    AsRef::<str>::as_ref(name.basename()) == "String"
}

/// What a policy asks of callers, by key; with AuthZEN's type of each.
///
/// # Errors
/// What is wrong with the text, and advice.
pub(super) fn asked(known: &Obligations, text: &str) -> Result<Vec<(String, Map)>, (String, String)> {
    let keys = || format!("the schema declares {}", known.keys().cloned().collect::<Vec<_>>().join(", "));
    if text.trim().is_empty() {
        return Err(("@obligation is empty".to_owned(), keys()));
    }
    let (mut registered, mut custom) = (Vec::new(), Map::new());
    for part in text.split(';') {
        let (key, said) = part.split_once(':').map_or((part, None), |(key, said)| (key, Some(said.trim())));
        let key = key.trim();
        let declared = known.get(key).ok_or_else(|| {
            let near = nearest(key, known.keys().map(String::as_str));
            let help = near.map_or_else(keys, |near| format!("did you mean `{near}`?"));
            (format!("the schema declares no obligation `{key}`"), help)
        })?;
        let parameters = declared.parameters(said.unwrap_or_default()).map_err(|message| {
            let help = format!("{} is declared in the schema: {}", key, declared.meaning);
            (format!("the obligation `{key}` {message}"), help)
        })?;
        let is_again = match (declared.kind, parameters) {
            ("custom", parameters) => custom.insert(key.to_owned(), parameters).is_some(),
            (kind, parameters) => {
                let is_again = registered.iter().any(|(other, _)| other == kind);
                let properties = if let Value::Map(properties) = parameters { properties } else { Map::new() };
                registered.push((kind.to_owned(), properties));
                is_again
            }
        };
        if is_again {
            return Err((format!("the obligation `{key}` is there twice"), "name it once".to_owned()));
        }
    }
    if !custom.is_empty() {
        registered.push(("custom".to_owned(), custom));
    }
    Ok(registered)
}

impl Declared {
    /// The parameters that a policy wrote. Without parameters: what the obligation means.
    fn parameters(&self, said: &str) -> Result<Value, String> {
        match &self.parameters {
            Parameters::None if said.is_empty() => Ok(Value::String(self.meaning.clone())),
            Parameters::None => Err(format!("takes no parameters, and has `{said}`")),
            Parameters::Text(text) => text.read(said, ','),
            Parameters::Named(declared) => {
                let mut named = Map::new();
                for part in said.split(',') {
                    let (name, said) = part.split_once('=').ok_or("takes parameters as `name = text, other = text`")?;
                    let (name, said) = (name.trim(), said.trim());
                    let parameter = declared.get(name).ok_or_else(|| {
                        let near = nearest(name, declared.keys().map(String::as_str));
                        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                        format!("has no parameter `{name}`{near}")
                    })?;
                    let value = parameter.text.read(said, ' ').map_err(|message| format!("{message} in `{name}`"))?;
                    if named.insert(name.to_owned(), value).is_some() {
                        return Err(format!("has the parameter `{name}` twice"));
                    }
                }
                match declared.iter().find(|(name, it)| it.required && !named.contains_key(*name)) {
                    Some((name, _)) => Err(format!("needs the parameter `{name}`")),
                    None => Ok(Value::Map(named)),
                }
            }
        }
    }
}

impl Text {
    fn read(&self, said: &str, between: char) -> Result<Value, String> {
        let one = |text: &str| {
            let text = text.trim();
            if text.is_empty() {
                return Err("has an empty parameter".to_owned());
            }
            if let Some(limit) = &self.limit {
                limit.text(text).map_err(|message| format!("has a parameter that {message}"))?;
            }
            Ok(Value::String(text.to_owned()))
        };
        if self.is_list { said.split(between).map(one).collect::<Result<_, _>>().map(Value::List) } else { one(said) }
    }
}
