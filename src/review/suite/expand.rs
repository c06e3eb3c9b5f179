//! Expands a suite into single questions: replaces names by their definitions, tables by their rows, and rows by all
//! their combinations.

use super::{
    case::{Case, Expected, ExpectedDecision, Names, PlacedName, Question, Suite, When, line_of},
    node::{Content, Key, Node, map},
    read::{Parts, Written},
};
use crate::types::{
    evaluation::{Action, Entity, Evaluation, Map, Value},
    problem::{Problem, SourceFile},
    suggest::nearest,
};
use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

/// How many questions one suite may expand to.
const CASES: usize = 50_000;
/// How many definitions may build on each other in a row.
const CHAIN: usize = 16;

/// Expands a suite. A case with a mistake is left out, and the mistake is among the problems.
pub(super) fn expand(file: &SourceFile, written: Written, problems: &mut Vec<Problem>) -> Suite {
    let stem = file.name.rsplit('/').next().unwrap_or(&file.name);
    let stem = stem.strip_suffix(".yaml").or_else(|| stem.strip_suffix(".yml")).unwrap_or(stem);
    let Written { name, note, when, subjects, resources, contexts, cases } = written;
    let mut expander = Expander {
        file,
        subjects: Definitions::new("subject", &subjects),
        resources: Definitions::new("resource", &resources),
        contexts: Definitions::new("context", &contexts),
        when: when.unwrap_or_default(),
        cases: Vec::new(),
        in_faulty: false,
        problems,
    };
    let mut names: HashMap<&str, usize> = HashMap::new();
    for case in &cases {
        if let Some(line) = names.insert(&case.name.name, line_of(&file.text, case.name.place.start)) {
            let message = format!("the name `{}` is taken by the case in line {line}", case.name.name);
            expander.complain(&case.name.place, message, "give each case a name of its own");
        }
        match &case.table {
            None => expander.rows(&case.name, &case.name.place, &Parts::default(), &case.parts),
            Some(rows) => {
                for row in rows {
                    expander.rows(&case.name, &row.place, &row.parts, &case.parts);
                }
            }
        }
    }
    expander.warn_of_unused();
    let cases = expander.cases;
    Suite { name: name.unwrap_or_else(|| stem.to_owned()), note, file: file.clone(), cases }
}

/// The definitions of one kind, and which of them were used.
struct Definitions<'a> {
    what: &'static str,
    known: HashMap<&'a str, &'a (Key, Node)>,
    used: HashSet<&'a str>,
}

impl<'a> Definitions<'a> {
    fn new(what: &'static str, definitions: &'a [(Key, Node)]) -> Self {
        let known = definitions.iter().map(|definition| (definition.0.name.as_str(), definition)).collect();
        Self { what, known, used: HashSet::new() }
    }

    /// What a name stands for.
    fn find(&mut self, name: &str) -> Option<&'a Node> {
        let (name, (_, node)) = self.known.get_key_value(name)?;
        self.used.insert(name);
        Some(node)
    }
}

/// A mistake in the middle of a definition.
struct Mistake {
    place: Range<usize>,
    message: String,
    help: String,
}

fn mistake(place: &Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Mistake {
    Mistake { place: place.clone(), message: message.into(), help: help.into() }
}

/// Something with what to call it.
type Labelled<T> = (String, T);

struct Expander<'a> {
    file: &'a SourceFile,
    subjects: Definitions<'a>,
    resources: Definitions<'a>,
    contexts: Definitions<'a>,
    when: When,
    cases: Vec<Case>,
    /// Whether a part of this row could not be read.
    in_faulty: bool,
    problems: &'a mut Vec<Problem>,
}

impl Expander<'_> {
    fn complain(&mut self, place: &Range<usize>, message: impl Into<String>, help: &str) {
        let problem = Problem::error("suite::case", self.file, message).at(place.clone(), "here");
        self.problems.push(if help.is_empty() { problem } else { problem.help(help) });
    }

    /// Complains of what is missing, unless it is there and could not be read, which has been said.
    fn miss(&mut self, place: &Range<usize>, message: impl Into<String>, help: &str) {
        if !self.in_faulty {
            self.complain(place, message, help);
        }
    }

    /// All questions of a row, or of a case without a table (which is then both).
    fn rows(&mut self, name: &PlacedName, place: &Range<usize>, row: &Parts, case: &Parts) {
        let before = self.problems.len();
        self.in_faulty = row.is_faulty || case.is_faulty;
        let subjects = self.entities(place, row.subjects.as_ref().or(case.subjects.as_ref()), true);
        let resources = self.entities(place, row.resources.as_ref().or(case.resources.as_ref()), false);
        let actions = self.actions(place, row.actions.as_ref().or(case.actions.as_ref()));
        let contexts = self.context_list(row.contexts.as_ref().or(case.contexts.as_ref()));
        let Some(decision) = row.decision.or(case.decision) else {
            return self.miss(place, "no `decision` is expected", "write decision: allow, deny or invalid");
        };
        let exactly = |names: Option<&Vec<PlacedName>>| names.cloned().map(Names::Exactly);
        let expected = Expected {
            decision,
            policies: exactly(row.policies.as_ref().or(case.policies.as_ref())).unwrap_or_default(),
            obligations: row.obligations.as_ref().or(case.obligations.as_ref()).cloned(),
            advice: row.advice.as_ref().or(case.advice.as_ref()).cloned(),
            errors: exactly(row.errors.as_ref().or(case.errors.as_ref())).unwrap_or(Names::Exactly(Vec::new())),
        };
        if decision == ExpectedDecision::Invalid
            && !(expected.policies.named().is_empty()
                && expected.errors.named().is_empty()
                && expected.obligations.is_none()
                && expected.advice.is_none())
        {
            let help = "a question that does not fit the schema is not decided";
            return self.complain(
                place,
                "`decision: invalid` is given with policies, obligations, advice or errors",
                help,
            );
        }
        if self.problems.len() > before || self.in_faulty {
            return;
        }
        let more = [actions.len(), resources.len(), contexts.len()]
            .into_iter()
            .fold(subjects.len(), usize::saturating_mul)
            .saturating_add(self.cases.len());
        if more > CASES {
            return self.complain(place, format!("the suite comes to more than {CASES} questions"), "split it");
        }
        let when = row.when.or(case.when).unwrap_or(self.when);
        let late = row.late.or(case.late).unwrap_or_default();
        let token = row.token.as_ref().or(case.token.as_ref());
        let unknown = row.unknown.or(case.unknown).unwrap_or_default();
        let note = row.note.as_ref().or(case.note.as_ref());
        let line = line_of(&self.file.text, place.start);
        for (subject_name, subject) in &subjects {
            for (action_name, action) in &actions {
                for (resource_name, resource) in &resources {
                    for (context_name, context) in &contexts {
                        let mut parts = format!("{subject_name} {action_name} {resource_name}");
                        if contexts.len() > 1 {
                            parts.push_str(&format!(" {context_name}"));
                        }
                        let evaluation = Evaluation {
                            subject: subject.clone(),
                            action: action.clone(),
                            resource: resource.clone(),
                            context: context.clone(),
                        };
                        self.cases.push(Case {
                            name: name.name.clone(),
                            note: note.cloned(),
                            parts,
                            place: place.clone(),
                            line,
                            question: Question::Wire {
                                evaluation: Box::new(evaluation),
                                when,
                                unknown,
                                late,
                                token: token.cloned(),
                            },
                            expected: expected.clone(),
                        });
                    }
                }
            }
        }
    }

    fn entities(&mut self, place: &Range<usize>, nodes: Option<&Vec<Node>>, is_subject: bool) -> Vec<Labelled<Entity>> {
        let definitions = if is_subject { &mut self.subjects } else { &mut self.resources };
        let what = definitions.what;
        let Some(nodes) = nodes else {
            let message = format!("no `{what}` is named");
            self.miss(place, message, "name it here, or in the case if this is a row");
            return Vec::new();
        };
        let read: Vec<_> = nodes.iter().map(|node| entity(definitions, node, 0)).collect();
        read.into_iter().filter_map(|read| self.kept(read)).collect()
    }

    fn actions(&mut self, place: &Range<usize>, nodes: Option<&Vec<Node>>) -> Vec<Labelled<Action>> {
        let Some(nodes) = nodes else {
            self.miss(place, "no `action` is named", "name it here, or in the case if this is a row");
            return Vec::new();
        };
        nodes.iter().map(action).filter_map(|read| self.kept(read)).collect()
    }

    fn context_list(&mut self, nodes: Option<&Vec<Node>>) -> Vec<Labelled<Map>> {
        let Some(nodes) = nodes else { return vec![(String::new(), Map::new())] };
        let read: Vec<_> = nodes.iter().map(|node| context(&mut self.contexts, node, 0)).collect();
        read.into_iter().filter_map(|read| self.kept(read)).collect()
    }

    fn kept<T>(&mut self, read: Result<T, Mistake>) -> Option<T> {
        read.map_err(|Mistake { place, message, help }| {
            let problem = Problem::error("suite::case", self.file, message).at(place, "here");
            let problem = if help.is_empty() { problem } else { problem.help(help) };
            // A name that several rows use is wrong once.
            if !self.problems.iter().any(|known| known.one_line() == problem.one_line()) {
                self.problems.push(problem);
            }
        })
        .ok()
    }

    fn warn_of_unused(&mut self) {
        // A case that could not be read may have used any of them.
        if self.problems.iter().any(Problem::is_error) {
            return;
        }
        let mut unused: Vec<_> = [&self.subjects, &self.resources, &self.contexts]
            .into_iter()
            .flat_map(|definitions| {
                let unused = definitions.known.iter().filter(|(name, _)| !definitions.used.contains(*name));
                unused.map(|(name, (key, _))| (key.place.clone(), definitions.what, *name))
            })
            .collect();
        unused.sort_by_key(|(place, ..)| place.start);
        for (place, what, name) in unused {
            let problem = Problem::warning("suite::unused", self.file, format!("no case uses the {what} `{name}`"));
            self.problems.push(problem.at(place, "defined here").help("leave it out, or write a case for it"));
        }
    }
}

/// A subject or resource: a name, `Type::id`, a definition, or a list that begins with one of these.
fn entity(definitions: &mut Definitions<'_>, node: &Node, depth: usize) -> Result<Labelled<Entity>, Mistake> {
    let what = definitions.what;
    check_chain(node, depth)?;
    match &node.content {
        Content::Text(text) => {
            if let Some(definition) = definitions.find(text) {
                return entity(definitions, definition, depth + 1).map(|(_, entity)| (text.clone(), entity));
            }
            reference(text).map(|entity| (text.clone(), entity)).ok_or_else(|| {
                let help = match nearest(text, definitions.known.keys().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("define it under `{what}s`, or write Type::id"),
                };
                mistake(&node.place, format!("the {what} `{text}` is not defined"), help)
            })
        }
        Content::Map(fields) => {
            let mut read = Entity::default();
            for (key, value) in fields {
                let text = || {
                    let message = format!("`{}` is {}; it must be a text", key.name, value.kind());
                    value.text().map(str::to_owned).ok_or_else(|| mistake(&value.place, message, "put it in quotes"))
                };
                match key.name.as_str() {
                    "type" => read.kind = text()?,
                    "id" => read.id = text()?,
                    "properties" => read.properties = properties(value)?,
                    other => {
                        let help = match nearest(other, ["type", "id", "properties"]) {
                            Some(near) => format!("did you mean `{near}`?"),
                            None => "what the application says about it goes under `properties`".to_owned(),
                        };
                        return Err(mistake(&key.place, format!("a {what} has no key `{other}`"), help));
                    }
                }
            }
            if read.kind.is_empty() || !fields.iter().any(|(key, _)| key.name == "id") {
                let place = fields.first().map_or_else(|| node.place.clone(), |(key, _)| key.place.clone());
                return Err(mistake(&place, format!("a {what} needs `type` and `id`"), ""));
            }
            Ok((format!("{}::{}", read.kind, read.id), read))
        }
        Content::List(elements) => {
            let Some((first, more)) = elements.split_first() else {
                return Err(mistake(&node.place, format!("this {what} is an empty list"), ""));
            };
            let (mut label, mut read) = entity(definitions, first, depth + 1)?;
            for changed in more {
                let changes = properties(changed)?;
                label.push_str(&format!("+{}", shown(&changes)));
                read.properties.extend(changes);
            }
            Ok((label, read))
        }
        _ => Err(mistake(&node.place, format!("this {what} is {}", node.kind()), "write a name or Type::id")),
    }
}

fn action(node: &Node) -> Result<Labelled<Action>, Mistake> {
    match &node.content {
        Content::Text(name) if !name.is_empty() => {
            Ok((name.clone(), Action { name: name.clone(), properties: Map::new() }))
        }
        Content::Map(fields) => {
            let mut read = Action::default();
            for (key, value) in fields {
                match (key.name.as_str(), value.text()) {
                    ("name", Some(name)) => read.name = name.to_owned(),
                    ("name", None) => {
                        return Err(mistake(&value.place, "the name of an action must be a text", "put it in quotes"));
                    }
                    ("properties", _) => read.properties = properties(value)?,
                    (other, _) => {
                        let help = "an action has a name and properties";
                        return Err(mistake(&key.place, format!("an action has no key `{other}`"), help));
                    }
                }
            }
            if read.name.is_empty() {
                return Err(mistake(&node.place, "an action needs a `name`", ""));
            }
            let shown = shown(&read.properties);
            Ok((format!("{}+{shown}", read.name), read))
        }
        _ => Err(mistake(&node.place, format!("this action is {}", node.kind()), "write its name")),
    }
}

/// A context: a name, a map, or a list of these, merged from left to right.
fn context(definitions: &mut Definitions<'_>, node: &Node, depth: usize) -> Result<Labelled<Map>, Mistake> {
    check_chain(node, depth)?;
    match &node.content {
        Content::Text(text) => {
            let Some(definition) = definitions.find(text) else {
                let help = match nearest(text, definitions.known.keys().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "define it under `contexts`".to_owned(),
                };
                return Err(mistake(&node.place, format!("the context `{text}` is not defined"), help));
            };
            context(definitions, definition, depth + 1).map(|(_, context)| (text.clone(), context))
        }
        Content::Map(fields) => {
            let fields = map(fields);
            Ok((shown(&fields), fields))
        }
        Content::List(elements) => {
            let mut labels = Vec::new();
            let mut merged = Map::new();
            for element in elements {
                let (label, more) = context(definitions, element, depth + 1)?;
                labels.push(label);
                merged.extend(more);
            }
            Ok((labels.join("+"), merged))
        }
        _ => Err(mistake(&node.place, format!("this context is {}", node.kind()), "write a name or a map")),
    }
}

fn check_chain(node: &Node, depth: usize) -> Result<(), Mistake> {
    if depth < CHAIN {
        return Ok(());
    }
    let message = "this definition builds on itself, or on too many others in a row";
    Err(mistake(&node.place, message, "let definitions build on those above them"))
}

fn properties(node: &Node) -> Result<Map, Mistake> {
    match &node.content {
        Content::Map(fields) => Ok(map(fields)),
        _ => Err(mistake(&node.place, format!("these properties are {}; they must be a map", node.kind()), "")),
    }
}

/// `Type::id`. An id that holds `::` or that would be read otherwise can be in quotes, as in Cedar.
fn reference(text: &str) -> Option<Entity> {
    let quoted = text.strip_suffix('"').and_then(|text| text.split_once("::\""));
    let (kind, id) = quoted.or_else(|| text.rsplit_once("::"))?;
    (!kind.is_empty()).then(|| Entity { kind: kind.to_owned(), id: id.to_owned(), properties: Map::new() })
}

/// Changes in few words, for a title.
fn shown(map: &Map) -> String {
    let one = |value: &Value| match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::String(value) => value.clone(),
        Value::List(_) => "[…]".to_owned(),
        Value::Map(_) => "{…}".to_owned(),
    };
    let fields: Vec<_> = map.iter().map(|(name, value)| format!("{name}: {}", one(value))).collect();
    format!("{{{}}}", fields.join(", "))
}
