//! Reads a suite as it is written: known keys, each with a value of the right kind. `expand` resolves names.
//!
//! Every mistake becomes a problem with its place, and reading continues, so that all mistakes are found at once.

use super::{
    case::{ExpectedDecision, ExpectedObligation, PlacedName, When},
    node::{Content, Key, Node, map},
};
use crate::types::{
    evaluation::Map,
    moment::{TokenClaims, moment_text},
    problem::{Problem, SourceFile},
    suggest::nearest,
};
use jiff::{Timestamp, civil::Date};
use std::{ops::Range, sync::Arc};

/// A suite as it is written.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) name: Option<String>,
    pub(super) note: Option<String>,
    pub(super) when: Option<When>,
    pub(super) subjects: Vec<(Key, Node)>,
    pub(super) resources: Vec<(Key, Node)>,
    pub(super) contexts: Vec<(Key, Node)>,
    pub(super) cases: Vec<WrittenCase>,
}

/// A case as it is written.
#[derive(Debug)]
pub(super) struct WrittenCase {
    pub(super) name: PlacedName,
    pub(super) parts: Parts,
    /// Its rows, if it has a table.
    pub(super) table: Option<Vec<Row>>,
}

/// A row of a table.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) place: Range<usize>,
    pub(super) parts: Parts,
}

/// What both a case and a row can say. What a row leaves out is the case's.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) note: Option<String>,
    pub(super) subjects: Option<Vec<Node>>,
    pub(super) actions: Option<Vec<Node>>,
    pub(super) resources: Option<Vec<Node>>,
    pub(super) contexts: Option<Vec<Node>>,
    pub(super) when: Option<When>,
    pub(super) late: Option<bool>,
    pub(super) token: Option<Arc<TokenClaims>>,
    pub(super) unknown: Option<bool>,
    pub(super) decision: Option<ExpectedDecision>,
    pub(super) policies: Option<Vec<PlacedName>>,
    pub(super) obligations: Option<Vec<ExpectedObligation>>,
    pub(super) advice: Option<Vec<String>>,
    pub(super) errors: Option<Vec<PlacedName>>,
    /// Whether some of it could not be read, so that what seems to be missing may be there.
    pub(super) is_faulty: bool,
}

const SUITE: [&str; 8] = ["name", "note", "today", "now", "subjects", "resources", "contexts", "cases"];
const PARTS: [&str; 19] = [
    "note",
    "subject",
    "subjects",
    "action",
    "actions",
    "resource",
    "resources",
    "context",
    "contexts",
    "today",
    "now",
    "late",
    "token",
    "unknown",
    "decision",
    "policies",
    "obligations",
    "advice",
    "errors",
];

/// Reads the tree of a suite. What is wrong is left out and among the problems.
pub(super) fn read(file: &SourceFile, node: &Node, problems: &mut Vec<Problem>) -> Written {
    Reader { file, problems }.suite(node)
}

struct Reader<'a> {
    file: &'a SourceFile,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    fn complain(&mut self, place: &Range<usize>, message: impl Into<String>, help: &str) {
        let problem = Problem::error("suite::form", self.file, message).at(place.clone(), "here");
        self.problems.push(if help.is_empty() { problem } else { problem.help(help) });
    }

    /// A map with known keys.
    fn fields<'n>(&mut self, node: &'n Node, what: &str, known: &[&str]) -> Option<&'n [(Key, Node)]> {
        let Content::Map(fields) = &node.content else {
            let message = format!("{what} is {}; it must be a map with the keys {}", node.kind(), known.join(", "));
            self.complain(&node.place, message, "");
            return None;
        };
        for (key, _) in fields.iter().filter(|(key, _)| !known.contains(&key.name.as_str())) {
            let help = match nearest(&key.name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the keys are {}", known.join(", ")),
            };
            self.complain(&key.place, format!("{what} has no key `{}`", key.name), &help);
        }
        Some(fields)
    }

    fn text(&mut self, key: &str, node: &Node) -> Option<String> {
        match &node.content {
            Content::Text(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            Content::Text(_) => {
                self.complain(&node.place, format!("`{key}` is empty"), "");
                None
            }
            _ => {
                let message = format!("`{key}` is {}; it must be a text", node.kind());
                self.complain(&node.place, message, "put it in quotes");
                None
            }
        }
    }

    fn list<'n>(&mut self, key: &str, node: &'n Node) -> Option<&'n [Node]> {
        match &node.content {
            Content::List(elements) => Some(elements),
            _ => {
                self.complain(&node.place, format!("`{key}` is {}; it must be a list", node.kind()), "");
                None
            }
        }
    }

    fn names(&mut self, key: &str, node: &Node) -> Option<Vec<PlacedName>> {
        let elements = self.list(key, node)?;
        Some(elements.iter().filter_map(|element| self.named(key, element)).collect())
    }

    fn named(&mut self, key: &str, node: &Node) -> Option<PlacedName> {
        Some(PlacedName { name: self.text(key, node)?, place: node.place.clone() })
    }

    fn suite(mut self, node: &Node) -> Written {
        let mut written = Written::default();
        if node.content == Content::Null {
            self.complain(&(0..0), "this file holds no suite", "delete it, or write cases into it");
            return written;
        }
        let Some(fields) = self.fields(node, "a suite", &SUITE) else { return written };
        let mut has_cases = false;
        for (key, value) in fields {
            match key.name.as_str() {
                "name" => written.name = self.text("name", value),
                "note" => written.note = self.text("note", value),
                "today" | "now" => self.when(&mut written.when, key, value),
                "subjects" => written.subjects = self.definitions(key, value),
                "resources" => written.resources = self.definitions(key, value),
                "contexts" => written.contexts = self.definitions(key, value),
                "cases" => {
                    has_cases = true;
                    let cases = self.list("cases", value).unwrap_or_default();
                    written.cases = cases.iter().filter_map(|case| self.case(case)).collect();
                    if matches!(&value.content, Content::List(cases) if cases.is_empty()) {
                        self.complain(&key.place, "`cases` is empty", "delete the file, or write cases into it");
                    }
                }
                _ => {}
            }
        }
        if !has_cases {
            self.complain(&(node.place.start..node.place.start), "this suite has no `cases`", "write a list of cases");
        }
        written
    }

    fn definitions(&mut self, key: &Key, node: &Node) -> Vec<(Key, Node)> {
        let Content::Map(fields) = &node.content else {
            let message = format!("`{}` is {}; it must be a map from names to definitions", key.name, node.kind());
            self.complain(&node.place, message, "");
            return Vec::new();
        };
        for (key, _) in fields.iter().filter(|(key, _)| key.name.contains("::") || key.name.trim().is_empty()) {
            let message = format!("`{}` cannot be a name", key.name);
            self.complain(&key.place, message, "a name is not empty and has no `::`, which separates type and id");
        }
        fields.clone()
    }

    fn token(&mut self, node: &Node) -> Option<TokenClaims> {
        let mut token = TokenClaims::default();
        for (key, value) in self.fields(node, "`token`", &["acr", "amr", "auth_time"])? {
            match key.name.as_str() {
                "acr" => token.acr = Some(self.text("acr", value)?),
                "amr" => token.amr = Some(self.texts("amr", value)?.into_iter().collect()),
                "auth_time" => token.auth_time = Some(moment_text(self.moment("auth_time", value)?)),
                _ => {}
            }
        }
        Some(token)
    }

    fn when(&mut self, when: &mut Option<When>, key: &Key, node: &Node) {
        if when.is_some() {
            self.complain(&key.place, "`today` and `now` exclude each other", "leave out one of the two");
            return;
        }
        *when = match key.name.as_str() {
            "today" => self.day(node).map(When::Day),
            name => self.moment(name, node).map(When::Moment),
        };
    }

    fn day(&mut self, node: &Node) -> Option<Date> {
        let text = node.text().unwrap_or_default();
        // Four digits for the year, as Cedar's dates have them.
        let day = text.parse::<Date>().ok().filter(|date| text.len() == 10 && date.year() >= 0);
        if day.is_none() {
            self.complain(&node.place, "`today` is not a date", "an example is 2026-11-23");
        }
        day
    }

    fn moment(&mut self, key: &str, node: &Node) -> Option<Timestamp> {
        let moment = node.text().unwrap_or_default().parse::<Timestamp>().ok();
        if moment.is_none() {
            let message = format!("`{key}` is not a moment with an offset (RFC 3339)");
            self.complain(&node.place, message, "an example is 2026-11-23T10:15:00+01:00");
        }
        moment
    }

    fn case(&mut self, node: &Node) -> Option<WrittenCase> {
        let before = self.problems.len();
        let known: Vec<_> = ["name", "table"].into_iter().chain(PARTS).collect();
        let fields = self.fields(node, "a case", &known)?;
        let is_faulty = self.problems.len() > before;
        let mut name = None;
        let mut table = None;
        for (key, value) in fields {
            match key.name.as_str() {
                "name" => name = self.named("name", value),
                "table" => {
                    let rows = self.list("table", value)?;
                    if rows.is_empty() {
                        self.complain(&key.place, "`table` is empty", "leave it out, or write rows into it");
                    }
                    table = Some(rows.iter().filter_map(|row| self.row(row)).collect());
                }
                _ => {}
            }
        }
        let parts = self.parts(fields, is_faulty);
        if name.is_none() && !fields.iter().any(|(key, _)| key.name == "name") {
            self.complain(&start(fields, node), "this case has no `name`", "give each case a name of its own");
        }
        Some(WrittenCase { name: name?, parts, table })
    }

    fn row(&mut self, node: &Node) -> Option<Row> {
        let before = self.problems.len();
        let fields = self.fields(node, "a row", &PARTS)?;
        let is_faulty = self.problems.len() > before;
        Some(Row { place: start(fields, node), parts: self.parts(fields, is_faulty) })
    }

    /// `is_faulty`: whether a key of this case or row is not known.
    fn parts(&mut self, fields: &[(Key, Node)], is_faulty: bool) -> Parts {
        let before = self.problems.len();
        let mut parts = Parts::default();
        for (key, value) in fields {
            let name = key.name.as_str();
            match name {
                "note" => parts.note = self.text(name, value),
                "subject" | "subjects" => self.things(&mut parts.subjects, key, value),
                "action" | "actions" => self.things(&mut parts.actions, key, value),
                "resource" | "resources" => self.things(&mut parts.resources, key, value),
                "context" | "contexts" => self.things(&mut parts.contexts, key, value),
                "today" | "now" => self.when(&mut parts.when, key, value),
                "late" => parts.late = self.flag(name, value),
                "token" => parts.token = self.token(value).map(Arc::new),
                "unknown" => parts.unknown = self.flag(name, value),
                "decision" => parts.decision = self.decision(value),
                "policies" => parts.policies = self.names(name, value),
                "errors" => parts.errors = self.names(name, value),
                "advice" => parts.advice = self.texts(name, value),
                "obligations" => parts.obligations = self.obligations(name, value),
                _ => {}
            }
        }
        parts.is_faulty = is_faulty || self.problems.len() > before;
        parts
    }

    fn flag(&mut self, name: &str, node: &Node) -> Option<bool> {
        let Content::Bool(flag) = node.content else {
            self.complain(&node.place, format!("`{name}` must be true or false"), "");
            return None;
        };
        Some(flag)
    }

    fn decision(&mut self, node: &Node) -> Option<ExpectedDecision> {
        match node.text() {
            Some("allow") => Some(ExpectedDecision::Allow),
            Some("deny") => Some(ExpectedDecision::Deny),
            Some("invalid") => Some(ExpectedDecision::Invalid),
            _ => {
                let help = "write decision: allow, decision: deny, or decision: invalid for a question that does not \
                            fit the schema";
                self.complain(&node.place, "`decision` must be allow, deny or invalid", help);
                None
            }
        }
    }

    fn texts(&mut self, key: &str, node: &Node) -> Option<Vec<String>> {
        Some(self.names(key, node)?.into_iter().map(|text| text.name).collect())
    }

    fn obligations(&mut self, key: &str, node: &Node) -> Option<Vec<ExpectedObligation>> {
        let items = self.list(key, node)?;
        Some(items.iter().filter_map(|item| self.obligation(item)).collect())
    }

    /// One thing, or the several of the plural.
    fn things(&mut self, things: &mut Option<Vec<Node>>, key: &Key, node: &Node) {
        let singular = key.name.trim_end_matches('s');
        if things.is_some() {
            let message = format!("`{singular}` and `{singular}s` exclude each other");
            return self.complain(&key.place, message, "leave out one of the two");
        }
        if !key.name.ends_with('s') {
            *things = Some(vec![node.clone()]);
            return;
        }
        let elements = self.list(&key.name, node).map(<[Node]>::to_vec);
        if elements.as_ref().is_some_and(Vec::is_empty) {
            self.complain(&node.place, format!("`{}` is empty, so nothing would be asked", key.name), "");
        }
        *things = elements;
    }

    fn obligation(&mut self, node: &Node) -> Option<ExpectedObligation> {
        if node.text().is_some() {
            return Some(ExpectedObligation { id: self.named("obligations", node)?, kind: None, properties: None });
        }
        let fields = self.fields(node, "an obligation", &["id", "type", "properties"])?;
        let (mut id, mut kind, mut properties) = (None, None, None);
        for (key, value) in fields {
            match key.name.as_str() {
                "id" => id = self.named("id", value),
                "type" => kind = self.text("type", value),
                "properties" => properties = self.properties("properties", value),
                _ => {}
            }
        }
        if id.is_none() && !fields.iter().any(|(key, _)| key.name == "id") {
            self.complain(&start(fields, node), "this obligation has no `id`", "");
        }
        Some(ExpectedObligation { id: id?, kind, properties })
    }

    fn properties(&mut self, key: &str, node: &Node) -> Option<Map> {
        match &node.content {
            Content::Map(fields) => Some(map(fields)),
            _ => {
                self.complain(&node.place, format!("`{key}` is {}; it must be a map", node.kind()), "");
                None
            }
        }
    }
}

/// Where a map begins: at its first key, or at itself if it has none.
fn start(fields: &[(Key, Node)], node: &Node) -> Range<usize> {
    fields.first().map_or_else(|| node.place.clone(), |(key, _)| key.place.clone())
}
