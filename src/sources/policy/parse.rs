//! Parses the policy files into one set of policies under their ids.
//!
//! A policy's id is its `@id`. One without is named by its file and its place in it, such as `bvh#3`.

use super::{
    Sources,
    bounds::{self, Language},
    facts, hints,
    obligations::Obligations,
    syntax,
};
use crate::types::{
    decision::PolicyFacts,
    escape,
    problem::{Problem, SourceFile, json_place},
};
use cedar_policy as cedar;
use cedar_policy_core::ast;
use miette::Diagnostic;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::Range,
    sync::Arc,
};

/// The place of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: SourceFile,
    /// The bytes of the policy in it, annotations included; for a link, its object in the file of links.
    pub span: Range<usize>,
}

impl Place {
    /// The first line of the policy: a caret under a whole policy says nothing.
    #[must_use]
    pub fn first_line(&self) -> Range<usize> {
        let length = self.text().find('\n');
        self.span.start..length.map_or(self.span.end, |length| self.span.start + length)
    }

    /// The line of an annotation; the first line, if the policy has none with this name.
    #[must_use]
    pub fn annotation(&self, name: &str) -> Range<usize> {
        let written = format!("@{name}");
        let is_whole = |start: &usize| {
            let after = self.text().get(start + written.len()..).and_then(|rest| rest.chars().next());
            !after.is_some_and(|next| next == '_' || next.is_ascii_alphanumeric())
        };
        let mut found = self.text().match_indices(&written).map(|(start, _)| start).filter(is_whole);
        let Some(start) = found.next() else { return self.first_line() };
        let length = self.text().get(start..).and_then(|text| text.find('\n'));
        self.span.start + start..length.map_or(self.span.end, |length| self.span.start + start + length)
    }

    /// The policy as it is written.
    #[must_use]
    pub fn text(&self) -> &str {
        self.file.text.get(self.span.clone()).unwrap_or_default()
    }

    /// The line of its first byte, counted from one.
    #[must_use]
    pub fn line(&self) -> usize {
        self.file.text.get(..self.span.start).unwrap_or_default().matches('\n').count() + 1
    }
}

/// All policies that parsed.
pub(super) struct Parsed {
    pub(super) set: cedar::PolicySet,
    pub(super) facts: HashMap<cedar::PolicyId, Arc<PolicyFacts>>,
    /// The place of each policy.
    pub(super) places: HashMap<cedar::PolicyId, Place>,
    /// What the schema declares.
    obligations: Obligations,
}

/// Parses the policies; `obligations`: those that the schema declares.
pub(super) fn parse(sources: &Sources, obligations: Obligations, problems: &mut Vec<Problem>) -> Parsed {
    let (set, facts, places) = (cedar::PolicySet::new(), HashMap::new(), HashMap::new());
    let mut parsed = Parsed { set, facts, places, obligations };
    for (stem, file) in sources.policies() {
        if !bounds::check(file, Language::Policies, problems) {
            continue;
        }
        match file.text.parse::<cedar::PolicySet>() {
            // An interrupted copy onto a full disk leaves an empty file, which parses and would silently remove every
            // forbid in it.
            Ok(set) if set.is_empty() && set.templates().next().is_none() => problems
                .push(Problem::error("policy::empty", file, "this file holds no policy").help(
                    "delete the file if that is meant; an empty file may be one that was not written to its end",
                )),
            Ok(set) => parsed.take(stem, file, &set, problems),
            Err(errors) => problems.extend(syntax::mistakes(file, &errors)),
        }
    }
    for file in sources.links() {
        parsed.link(file, problems);
    }
    parsed
}

/// A static policy or a template.
enum PolicyOrTemplate {
    Static(cedar::Policy),
    Template(cedar::Template),
}

impl PolicyOrTemplate {
    fn place(&self) -> Range<usize> {
        let loc = match self {
            Self::Static(policy) => AsRef::<ast::Policy>::as_ref(policy).loc(),
            Self::Template(template) => AsRef::<ast::Template>::as_ref(template).loc(),
        };
        loc.map_or(0..0, |loc| loc.span.offset()..loc.span.offset() + loc.span.len())
    }

    fn annotations(&self) -> BTreeMap<String, String> {
        let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        match self {
            Self::Static(policy) => policy.annotations().map(owned).collect(),
            Self::Template(template) => template.annotations().map(owned).collect(),
        }
    }
}

impl Parsed {
    /// Adds the policies of one file, in its order.
    fn take(&mut self, stem: &str, file: &SourceFile, set: &cedar::PolicySet, problems: &mut Vec<Problem>) {
        let statics = set.policies().cloned().map(PolicyOrTemplate::Static);
        let templates = set.templates().cloned().map(PolicyOrTemplate::Template);
        let mut kinds: Vec<_> = statics.chain(templates).map(|kind| (kind.place(), kind)).collect();
        kinds.sort_by_key(|(place, _)| place.start);
        for (index, (place, kind)) in kinds.into_iter().enumerate() {
            let place = Place { file: file.clone(), span: place };
            let annotations = kind.annotations();
            let id = match annotations.get("id").map(|id| id.trim()) {
                Some(id) if !id.is_empty() => id.to_owned(),
                _ => {
                    let id = format!("{stem}#{}", index + 1);
                    problems.push(
                        Problem::warning("policy::no-id", file, format!("this policy has no @id; it is named `{id}`"))
                            .at(place.first_line(), "no @id")
                            .help("records and reports name policies by @id; a name by position changes when policies move"),
                    );
                    id
                }
            };
            self.add(place, cedar::PolicyId::new(&id), &annotations, kind, problems);
        }
    }

    fn add(
        &mut self,
        place: Place,
        id: cedar::PolicyId,
        annotations: &BTreeMap<String, String>,
        kind: PolicyOrTemplate,
        problems: &mut Vec<Problem>,
    ) {
        let Place { file, .. } = &place;
        let annotation = |name| annotations.get(name).map_or("", |text: &String| text.trim());
        let repeated = annotations.keys().map(String::as_str).filter(|name| is_repeated(name));
        let repeated = repeated.map(|name| (name, annotation(name)));
        for (name, text) in [("id", AsRef::<str>::as_ref(&id))].into_iter().chain(repeated) {
            if let Some(hidden) = text.chars().find(|character| escape::is_hidden(*character)) {
                problems.push(hidden_character(file, name, text, hidden).at(place.annotation(name), "here"));
                return;
            }
        }
        if let Some(other) = self.places.get(&id) {
            problems.push(
                Problem::error(
                    "policy::duplicate-id",
                    file,
                    format!("the id `{id}` is taken by a policy in {}", other.file.name),
                )
                .at(place.first_line(), "the same @id")
                .help("give each policy an @id of its own"),
            );
            return;
        }
        for name in annotations.keys() {
            if let Some((sentence, Ok(_))) = facts::translation(name)
                && !annotations.contains_key(sentence)
            {
                let message = format!("@{name} on `{id}` translates @{sentence}, which is not there");
                let problem = Problem::error("policy::translation", file, message).at(place.annotation(name), "here");
                problems.push(problem.help(format!("write @{sentence}, which counts where a language is not there")));
            }
        }
        let annotations = annotations.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        match facts::read(AsRef::<str>::as_ref(&id), annotations, &self.obligations) {
            Ok(facts) => drop(self.facts.insert(id.clone(), Arc::new(facts))),
            Err((message, help)) => problems.push(
                Problem::error("policy::annotation", file, message)
                    .at(place.annotation("obligation"), "in this policy")
                    .help(help),
            ),
        }
        let added = match kind {
            PolicyOrTemplate::Static(policy) => self.set.add(policy.new_id(id.clone())),
            PolicyOrTemplate::Template(template) => self.set.add_template(template.new_id(id.clone())),
        };
        match added {
            Ok(()) => drop(self.places.insert(id, place)),
            Err(error) => {
                problems
                    .push(Problem::error("policy::set", file, error.to_string()).at(place.first_line(), "this policy"));
            }
        }
    }

    /// Links templates as a file says, in the form of the Cedar command line.
    fn link(&mut self, file: &SourceFile, problems: &mut Vec<Problem>) {
        let read = serde_json::from_str::<Vec<Link>>(&file.text).and_then(|links| {
            let objects: Vec<&RawValue> = serde_json::from_str(&file.text)?;
            Ok(links.into_iter().zip(objects))
        });
        let links = match read {
            Ok(links) => links,
            Err(error) => {
                let place = json_place(&file.text, &error);
                problems.push(Problem::error("links::syntax", file, error.to_string()).at(place, "here").help(
                    "a list of {\"template_id\": …, \"link_id\": …, \"args\": {\"?principal\": \"Type::\\\"id\\\"\"}}",
                ));
                return;
            }
        };
        for (link, object) in links {
            if let Some(hidden) = link.link_id.chars().find(|character| escape::is_hidden(*character)) {
                problems.push(hidden_character(file, "link_id", &link.link_id, hidden));
                continue;
            }
            // The object is a part of the text.
            let start = object.get().as_ptr().addr().saturating_sub(file.text.as_ptr().addr());
            let place = Place { file: file.clone(), span: start..start + object.get().len() };
            let line = place.first_line();
            if let Err(message) = self.link_one(&link, place) {
                problems.push(Problem::error("links::invalid", file, message).at(line, "this link"));
            }
        }
    }

    fn link_one(&mut self, link: &Link, place: Place) -> Result<(), String> {
        let template = cedar::PolicyId::new(&link.template_id);
        let id = cedar::PolicyId::new(&link.link_id);
        if self.places.contains_key(&id) {
            return Err(format!("the id `{id}` is taken by another policy"));
        }
        let mut values = HashMap::new();
        for (slot, uid) in &link.args {
            let slot_id = match slot.as_str() {
                "?principal" => cedar::SlotId::principal(),
                "?resource" => cedar::SlotId::resource(),
                other => return Err(format!("unknown slot `{other}`; the slots are ?principal and ?resource")),
            };
            let uid: cedar::EntityUid = uid.parse().map_err(|error| format!("`{slot}`: {error}"))?;
            values.insert(slot_id, uid);
        }
        self.set.link(template.clone(), id.clone(), values).map_err(|error| {
            std::error::Error::source(&error).map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
        })?;
        let facts = self.facts.get(&template).map(|facts| {
            let mut facts = facts.as_ref().clone();
            facts.id = link.link_id.clone();
            for obligation in &mut facts.obligations {
                obligation.id = obligation.id.replacen(&link.template_id, &link.link_id, 1);
            }
            Arc::new(facts)
        });
        self.facts.extend(facts.map(|facts| (id.clone(), facts)));
        self.places.insert(id, place);
        Ok(())
    }
}

/// Whether answers, records and reports repeat an annotation, or its translation, on one line.
fn is_repeated(name: &str) -> bool {
    let sentence = facts::translation(name).map_or(name, |(sentence, _)| sentence);
    ["title", "basis", facts::REASON_USER].contains(&sentence)
}

/// Refuses hidden characters in ids, titles, articles and sentences for users, which go into answers, records and reports.
fn hidden_character(file: &SourceFile, name: &str, text: &str, hidden: char) -> Problem {
    let what = match hidden {
        '\n' => "a line break".to_owned(),
        '\t' => "a tab".to_owned(),
        _ => format!("the character U+{:04X}, which does not show", u32::from(hidden)),
    };
    let message = format!("the {name} `{}` holds {what}", escape::line(text));
    Problem::error("policy::hidden-character", file, message)
        .help(format!("write the {name} on one line, with characters that show; reports and answers repeat it"))
}

/// A line of a `*.links.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    template_id: String,
    link_id: String,
    args: BTreeMap<String, String>,
}

/// Validates the policies against the schema, strictly.
pub(super) fn validate(schema: &cedar::Schema, parsed: &Parsed, problems: &mut Vec<Problem>) {
    let result = cedar::Validator::new(schema.clone()).validate(&parsed.set, cedar::ValidationMode::Strict);
    // Because of its mistake, a faulty policy mostly gets a second warning that it never applies.
    let mistaken: HashSet<_> = result.validation_errors().map(cedar::ValidationError::policy_id).collect();
    let mut found: Vec<_> = result
        .validation_errors()
        .map(|error| (error.policy_id(), error as &dyn Diagnostic, false))
        .chain(
            result
                .validation_warnings()
                .filter(|warning| !mistaken.contains(warning.policy_id()))
                .map(|warning| (warning.policy_id(), warning as &dyn Diagnostic, true)),
        )
        .filter_map(|(id, diagnostic, is_warning)| {
            let place = parsed.places.get(id)?;
            let code = if is_warning { "policy::warning" } else { "policy::invalid" };
            let problem = Problem::from_diagnostic(code, &place.file, diagnostic);
            let mut problem = hints::settled(problem, Some(schema.as_ref()));
            if diagnostic.labels().is_none() {
                problem = problem.at(place.first_line(), "this policy");
            }
            Some(if is_warning { problem.as_warning() } else { problem })
        })
        .collect();
    // The validator gives its findings in no order.
    found.sort_by_key(|problem| (problem.file().to_owned(), problem.position(), problem.to_string()));
    problems.extend(found);
}
