//! Values of a declared type, and how each of four places writes them: Cedar policies, Cedar's JSON, AuthZEN's properties.

use super::{
    schema::{Field, Ty, entity},
    tape::Tape,
};
use poort::types::evaluation::{Map, Value};
use serde_json::json;
use std::{collections::BTreeMap, sync::LazyLock};

/// The ids of entities. Each type uses them all, so that only the type tells many apart.
pub static IDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    vec![
        "anna".into(),
        " ".into(),
        "\"quoted\" \\ \n\t\u{0} '".into(),
        "e\u{301}\u{202e}שלום 👩‍👩‍👧".into(),
        "Account::\"anna\"".into(),
        "lang".repeat(300),
        "é".into(),
    ]
});

/// The ids of policies, which have no character that does not show.
pub static POLICY_IDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let hides = |character: char| character.is_control() || character == '\u{202e}';
    let mut ids: Vec<_> = IDS.iter().filter(|id| !id.contains(hides)).cloned().collect();
    ids.extend(["\"quoted\" \\ '".into(), "e\u{301}שלום 👩".into()]);
    ids
});

pub const KEYS: [&str; 4] = ["key", "", "é \"\\", "other"];
const TEXTS: [&str; 6] = ["red", "", "a*b", "é\"\\\n", "anna", "👩‍👩‍👧"];
const DECIMALS: [&str; 5] = ["1.5", "0.0", "-0.0001", "922337203685477.5807", "-922337203685477.5808"];
const DATETIMES: [&str; 6] = [
    "2026-01-31",
    "1970-01-01T00:00:00Z",
    "2026-01-31T12:30:00.123Z",
    "2026-01-31T12:30:00+0230",
    "0000-01-01",
    "9999-12-31T23:59:59.999Z",
];
const DURATIONS: [&str; 5] = ["1d12h", "0ms", "-1d", "9223372036854775807ms", "1h30m15s7ms"];
const ADDRESSES: [&str; 6] = ["10.0.0.7", "10.0.0.0/8", "::1", "127.0.0.1", "ff00::2/16", "224.0.0.5/32"];
/// The first seven lie within what a question can carry exactly.
pub const LONGS: [i64; 11] = [
    0,
    1,
    2,
    3,
    -1,
    9_007_199_254_740_991,
    -9_007_199_254_740_991,
    i64::MAX,
    i64::MIN,
    3_037_000_500,
    4_611_686_018_427_387_904,
];

#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    Bool(bool),
    Long(i64),
    Text(String),
    /// Constructor and argument.
    Extension(&'static str, &'static str),
    Entity(&'static str, String),
    Set(Vec<Term>),
    Record(BTreeMap<&'static str, Term>),
}

/// Whose values are made: what only the directory can hold is left out of a question.
#[derive(Clone, Copy, PartialEq)]
pub enum From {
    Directory,
    Question,
}

pub fn term(tape: &mut Tape<'_>, ty: &Ty, from: From) -> Term {
    match ty {
        Ty::Bool => Term::Bool(tape.below(2) == 1),
        Ty::Long if from == From::Question => Term::Long(tape.pick(&LONGS[..7])),
        Ty::Long => Term::Long(tape.pick(&LONGS)),
        Ty::Text => Term::Text(tape.pick(&TEXTS).to_owned()),
        Ty::Decimal => Term::Extension("decimal", tape.pick(&DECIMALS)),
        Ty::Datetime => Term::Extension("datetime", tape.pick(&DATETIMES)),
        Ty::Duration => Term::Extension("duration", tape.pick(&DURATIONS)),
        Ty::Ip => Term::Extension("ip", tape.pick(&ADDRESSES)),
        Ty::Entity(kind) => Term::Entity(kind, id(tape, kind)),
        Ty::Set(element) => Term::Set((0..tape.below(4)).map(|_| term(tape, element, from)).collect()),
        Ty::Record(fields) => Term::Record(record(tape, fields, from)),
    }
}

pub fn record(tape: &mut Tape<'_>, fields: &[Field], from: From) -> BTreeMap<&'static str, Term> {
    let mut record = BTreeMap::new();
    for field in fields {
        if field.required || tape.below(3) > 0 {
            record.insert(field.name, term(tape, &field.ty, from));
        }
    }
    record
}

pub fn tags(tape: &mut Tape<'_>, ty: &Ty, from: From) -> BTreeMap<&'static str, Term> {
    tape.some(&KEYS).into_iter().map(|key| (key, term(tape, ty, from))).collect()
}

pub fn id(tape: &mut Tape<'_>, kind: &str) -> String {
    let declared = entity(kind);
    if declared.enumerated.is_empty() { tape.pick(&IDS) } else { tape.pick(&declared.enumerated).to_owned() }
}

/// Text as Cedar's policies write it.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => quoted.extend(control.escape_unicode()),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

pub fn uid(kind: &str, id: &str) -> String {
    format!("{kind}::{}", quoted(id))
}

impl Term {
    /// As an expression of a policy. There is none for the empty set.
    pub fn in_policy(&self) -> Option<String> {
        Some(match self {
            Self::Bool(truth) => truth.to_string(),
            Self::Long(long) => long.to_string(),
            Self::Text(text) => quoted(text),
            Self::Extension(constructor, argument) => format!("{constructor}({})", quoted(argument)),
            Self::Entity(kind, id) => uid(kind, id),
            Self::Set(elements) if elements.is_empty() => return None,
            Self::Set(elements) => {
                format!("[{}]", elements.iter().map(Self::in_policy).collect::<Option<Vec<_>>>()?.join(", "))
            }
            Self::Record(fields) => {
                let fields = fields.iter().map(|(name, term)| Some(format!("{}: {}", quoted(name), term.in_policy()?)));
                format!("{{{}}}", fields.collect::<Option<Vec<_>>>()?.join(", "))
            }
        })
    }

    /// As Cedar's JSON, with every escape written out.
    pub fn in_json(&self) -> serde_json::Value {
        match self {
            Self::Bool(truth) => json!(truth),
            Self::Long(long) => json!(long),
            Self::Text(text) => json!(text),
            Self::Extension(constructor, argument) => json!({"__extn": {"fn": constructor, "arg": argument}}),
            Self::Entity(kind, id) => json!({"__entity": {"type": kind, "id": id}}),
            Self::Set(elements) => elements.iter().map(Self::in_json).collect(),
            Self::Record(fields) => json_of(fields),
        }
    }

    /// As a property of a question, in any of the forms that poort reads.
    #[expect(clippy::cast_precision_loss, reason = "a question holds only what a double carries exactly")]
    pub fn in_question(&self, tape: &mut Tape<'_>) -> Value {
        let text = |text: &str| Value::String(text.to_owned());
        match self {
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Long(long) => Value::Number(*long as f64),
            Self::Text(own) => text(own),
            Self::Extension(constructor, argument) => match tape.below(3) {
                2 => {
                    let call = Map::from([("fn".to_owned(), text(constructor)), ("arg".to_owned(), text(argument))]);
                    Value::Map(Map::from([("__extn".to_owned(), Value::Map(call))]))
                }
                _ => text(argument),
            },
            Self::Entity(kind, id) => {
                let named = || Value::Map(Map::from([("type".to_owned(), text(kind)), ("id".to_owned(), text(id))]));
                match tape.below(4) {
                    2 => named(),
                    3 => Value::Map(Map::from([("__entity".to_owned(), named())])),
                    _ => text(id),
                }
            }
            Self::Set(elements) => Value::List(elements.iter().map(|element| element.in_question(tape)).collect()),
            Self::Record(fields) => Value::Map(map_of(fields, tape)),
        }
    }

    /// The entities in a value that can name parents.
    pub fn entities(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Entity(kind, id) => vec![(kind, id.clone())],
            Self::Set(elements) => elements.iter().flat_map(Self::entities).collect(),
            _ => Vec::new(),
        }
    }
}

pub fn json_of(fields: &BTreeMap<&'static str, Term>) -> serde_json::Value {
    fields.iter().map(|(name, term)| ((*name).to_owned(), term.in_json())).collect::<serde_json::Map<_, _>>().into()
}

/// As properties: with what the schema does not declare beside what it does.
pub fn map_of(fields: &BTreeMap<&'static str, Term>, tape: &mut Tape<'_>) -> Map {
    let mut map: Map = fields.iter().map(|(name, term)| ((*name).to_owned(), term.in_question(tape))).collect();
    if tape.one_in(4) {
        map.insert("undeclared 👻".to_owned(), Value::List(vec![Value::Null, Value::Map(Map::new())]));
    }
    map
}
