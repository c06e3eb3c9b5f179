//! Reads suites in the JSON form of `cedar run-tests`: a list of tests, each with a request and all entities that it
//! needs. A test expects a decision, reasons that all must be among the determining policies, and a number of errors.
//!
//! poort differs from Cedar in two ways: an evaluation error makes the decision a deny, and the entities of a test
//! replace the directory.

use super::{
    case::{Case, CedarQuestion, Expected, ExpectedDecision, Names, PlacedName, Question, Suite, line_of},
    node::{Content, Key, Node},
};
use crate::types::{
    problem::{Problem, SourceFile},
    suggest::nearest,
};
use serde_json::Value;
use std::{ops::Range, path::Path};

/// Whether a JSON file holds entities that tests refer to, and no tests.
pub(super) fn holds_entities(node: &Node) -> bool {
    let is_entity = |node: &Node| matches!(&node.content, Content::Map(fields) if field(fields, "uid").is_some());
    matches!(&node.content, Content::List(elements) if !elements.is_empty() && elements.iter().all(is_entity))
}

/// Reads a file of tests. A test with a mistake is left out, and the mistake is among the problems.
pub(super) fn read(file: &SourceFile, node: &Node, problems: &mut Vec<Problem>) -> Suite {
    let stem = file.name.rsplit('/').next().unwrap_or(&file.name);
    let stem = stem.strip_suffix(".json").unwrap_or(stem);
    let mut suite = Suite { name: stem.to_owned(), note: None, file: file.clone(), cases: Vec::new() };
    let mut complain = |mistake: Mistake| {
        let Mistake { place, message } = mistake;
        let help = "a list of {\"name\", \"request\": {\"principal\", \"action\", \"resource\", \"context\"}, \"entities\", \
                    \"decision\", \"reason\", \"num_errors\"}";
        problems.push(Problem::error("suite::cedar", file, message).at(place, "here").help(help));
    };
    let Content::List(tests) = &node.content else {
        complain(Mistake::new(&(0..0), format!("is {}; Cedar's tests are a list", node.kind())));
        return suite;
    };
    for (index, test) in tests.iter().enumerate() {
        match case(file, test, index) {
            Ok(case) => suite.cases.push(case),
            Err(mistake) => complain(mistake),
        }
    }
    suite
}

struct Mistake {
    place: Range<usize>,
    message: String,
}

impl Mistake {
    fn new(place: &Range<usize>, message: impl Into<String>) -> Self {
        Self { place: place.clone(), message: message.into() }
    }
}

/// The members of a test, and those of its request.
const TEST: [&str; 6] = ["name", "request", "entities", "decision", "reason", "num_errors"];
const REQUEST: [&str; 4] = ["principal", "action", "resource", "context"];

/// Refuses an unknown member: its meaning would not be tested.
fn known(fields: &[(Key, Node)], known: &[&str]) -> Result<(), Mistake> {
    let Some((key, _)) = fields.iter().find(|(key, _)| !known.contains(&key.name.as_str())) else { return Ok(()) };
    let message = match nearest(&key.name, known.iter().copied()) {
        Some(near) => format!("unknown member `{}`; did you mean `{near}`?", key.name),
        None => format!("unknown member `{}`", key.name),
    };
    Err(Mistake::new(&key.place, message))
}

fn field<'n>(fields: &'n [(Key, Node)], name: &str) -> Option<&'n Node> {
    fields.iter().find(|(key, _)| key.name == name).map(|(_, node)| node)
}

fn case(file: &SourceFile, node: &Node, index: usize) -> Result<Case, Mistake> {
    let Content::Map(fields) = &node.content else {
        return Err(Mistake::new(&node.place, format!("a test is {}; it must be an object", node.kind())));
    };
    known(fields, &TEST)?;
    let start = fields.first().map_or_else(|| node.place.clone(), |(key, _)| key.place.clone());
    let needed = |fields: &'_ [(Key, Node)], name: &str| {
        field(fields, name).cloned().ok_or_else(|| Mistake::new(&start, format!("this test has no `{name}`")))
    };
    let text = |node: &Node, name: &str| {
        node.text().map(str::to_owned).ok_or_else(|| Mistake::new(&node.place, format!("`{name}` must be a string")))
    };
    let name = field(fields, "name");
    let place = name.map_or_else(|| start.clone(), |name| name.place.clone());
    let request = needed(fields, "request")?;
    let Content::Map(request) = &request.content else {
        return Err(Mistake::new(&request.place, "`request` must be an object"));
    };
    known(request, &REQUEST)?;
    let part = |name: &str| needed(request, name).and_then(|node| text(&node, name));
    let question = CedarQuestion {
        principal: part("principal")?,
        action: part("action")?,
        resource: part("resource")?,
        context: field(request, "context").map_or_else(|| Value::Object(Default::default()), json),
        entities: entities(file, &needed(fields, "entities")?)?,
    };
    let decision = needed(fields, "decision")?;
    let decision = match decision.text() {
        Some("allow") => ExpectedDecision::Allow,
        Some("deny") => ExpectedDecision::Deny,
        _ => return Err(Mistake::new(&decision.place, "`decision` must be \"allow\" or \"deny\"")),
    };
    let reason = needed(fields, "reason")?;
    let Content::List(reasons) = &reason.content else {
        return Err(Mistake::new(&reason.place, "`reason` must be a list of policy ids"));
    };
    let reasons = reasons
        .iter()
        .map(|node| Ok(PlacedName { name: text(node, "reason")?, place: node.place.clone() }))
        .collect::<Result<_, Mistake>>()?;
    let errors = needed(fields, "num_errors")?;
    let count = match errors.content {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, not negative and small")]
        Content::Number(count) if count.fract() == 0.0 && (0.0..=1e6).contains(&count) => count as usize,
        _ => return Err(Mistake::new(&errors.place, "`num_errors` must be a whole number")),
    };
    Ok(Case {
        name: name.and_then(Node::text).map_or_else(|| format!("test {}", index + 1), str::to_owned),
        note: None,
        parts: format!("{} {} {}", question.principal, question.action, question.resource),
        line: line_of(&file.text, place.start),
        place,
        question: Question::Cedar(Box::new(question)),
        expected: Expected {
            decision,
            policies: Names::Including(reasons),
            errors: Names::Count(count),
            ..Expected::default()
        },
    })
}

/// The entities of a test: a list, or the name of a file in the folder of the tests.
fn entities(file: &SourceFile, node: &Node) -> Result<Value, Mistake> {
    let Some(name) = node.text() else { return Ok(json(node)) };
    let refuse = |message: String| Mistake::new(&node.place, format!("entities file `{name}` {message}"));
    let folder = Path::new(file.name.as_ref()).parent().unwrap_or(Path::new("."));
    let whole = |path: &Path| path.canonicalize().map_err(|error| refuse(format!("cannot be read: {error}")));
    let path = whole(&folder.join(name))?;
    if !path.starts_with(whole(folder)?) {
        return Err(refuse("is outside of the folder of the tests".to_owned()));
    }
    let read = SourceFile::read(&path, "suite::unreadable", "suite::not-utf8");
    let read = read.map_err(|problem| refuse(problem.message().to_owned()))?;
    serde_json::from_str(&read.text).map_err(|error| refuse(format!("is not JSON: {error}")))
}

/// A node as Cedar reads it. Whole numbers stay whole.
fn json(node: &Node) -> Value {
    match &node.content {
        Content::Null => Value::Null,
        Content::Bool(value) => Value::Bool(*value),
        #[expect(clippy::cast_possible_truncation, reason = "whole and exact in both")]
        Content::Number(value) if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_991.0 => {
            Value::from(*value as i64)
        }
        Content::Number(value) => Value::from(*value),
        Content::Text(value) => Value::String(value.clone()),
        Content::List(elements) => Value::Array(elements.iter().map(json).collect()),
        Content::Map(fields) => {
            Value::Object(fields.iter().map(|(key, node)| (key.name.clone(), json(node))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::suite::node;
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    use std::fs;

    #[test]
    fn an_entities_file_is_a_regular_file_of_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        mknodat(CWD, path("pipe.json"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        fs::write(path("latin1.json"), b"[\"\xe9\"]").unwrap();
        fs::write(path("marked.json"), "\u{feff}[]").unwrap();
        let tests = path("a.json");
        let read = |name: &str| {
            let text = format!("\"{name}\"");
            let file = SourceFile { name: tests.display().to_string().into(), text: text.into() };
            entities(&file, &node::read(&file).unwrap()).map_err(|mistake| mistake.message)
        };
        assert_eq!(read("marked.json"), Ok(Value::Array(Vec::new())));
        for (name, expected) in [
            ("pipe.json", "cannot be read: is a named pipe, not a regular file"),
            ("latin1.json", "is not UTF-8 text: the byte at offset 2 has no meaning there"),
        ] {
            assert_eq!(read(name), Err(format!("entities file `{name}` {expected}")));
        }
    }
}
