//! The directory: accounts, units, organisations and whatever else the schema leaves to it, in Cedar's entity JSON.
//!
//! What holds here: every entity conforms to the schema, none is of a type that questions speak for, and each carries all
//! its ancestors, so that an evaluation can take the few entities it needs and nothing else.

use crate::{
    policy::{self, Schema},
    problem::{Problem, SourceFile, causes},
    revision::Revision,
};
use cedar_policy as cedar;
use cedar_policy_core::ast;
use serde_json::value::RawValue;
use std::{
    collections::{HashMap, HashSet},
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

/// The entities that poort knows of itself.
#[derive(Debug, Clone)]
pub struct Directory {
    entities: HashMap<ast::EntityUID, Held>,
    /// The version: the digest of the files.
    pub revision: Revision,
}

/// An entity, and where its references lead.
#[derive(Debug, Clone)]
struct Held {
    entity: Arc<ast::Entity>,
    /// Found when the first question needs it; most accounts ask nothing before the directory changes again.
    reach: OnceLock<Reach>,
}

#[derive(Debug, Clone)]
struct Reach {
    steps: usize,
    entities: Arc<[Arc<ast::Entity>]>,
}

impl Directory {
    /// The entity with this id, with all its ancestors.
    #[must_use]
    pub fn get(&self, uid: &ast::EntityUID) -> Option<&Arc<ast::Entity>> {
        self.entities.get(uid).map(|held| &held.entity)
    }

    /// The entity with this id and those that references lead to from it in fewer than `steps`, as far as they are here; at
    /// least the entity itself. Quick, as long as it is asked for with the same `steps`.
    #[must_use]
    pub fn reach(&self, uid: &ast::EntityUID, steps: usize) -> Option<Arc<[Arc<ast::Entity>]>> {
        let held = self.entities.get(uid)?;
        let find = || Reach { steps, entities: self.find(&held.entity, steps) };
        let known = held.reach.get_or_init(find);
        Some(if known.steps == steps { known.entities.clone() } else { find().entities })
    }

    fn find(&self, from: &Arc<ast::Entity>, steps: usize) -> Arc<[Arc<ast::Entity>]> {
        let mut seen = HashSet::from([from.uid()]);
        let mut found = vec![from];
        let mut newest = 0..1;
        for _ in 1..steps {
            let references: Vec<_> =
                found.get(newest).unwrap_or_default().iter().flat_map(|it| references(it)).collect();
            newest = found.len()..found.len();
            for uid in references {
                if let Some(held) = self.entities.get(&uid)
                    && seen.insert(held.entity.uid())
                {
                    found.push(&held.entity);
                    newest.end += 1;
                }
            }
            if newest.is_empty() {
                break;
            }
        }
        found.into_iter().cloned().collect()
    }

    /// How many entities there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entities.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entities.is_empty()
    }

    /// All entities, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ast::Entity>> {
        self.entities.values().map(|held| &held.entity)
    }

    /// Checks the directory against the schema. All problems of all files come back; the directory comes back only if
    /// none of them is an error.
    #[must_use]
    pub fn from_sources(sources: &Sources, schema: &Schema) -> (Option<Self>, Vec<Problem>) {
        let mut problems = Vec::new();
        let mut entities = Vec::new();
        let mut places: HashMap<cedar::EntityUid, (&SourceFile, Range<usize>)> = HashMap::new();
        for (_, file) in &sources.files {
            for (place, entity) in read_file(file, schema, &mut problems) {
                if let Some((other, _)) = places.get(&entity.uid()) {
                    problems.push(
                        Problem::error(
                            "directory::duplicate",
                            file,
                            format!("{} is in the directory twice; also in {}", entity.uid(), other.name),
                        )
                        .at(place, "the second time")
                        .help("leave one of the two"),
                    );
                    continue;
                }
                places.insert(entity.uid(), (file, place));
                entities.push(entity);
            }
        }
        if !problems.is_empty() {
            return (None, problems);
        }
        // This closes the ancestors and finds cycles; each entity has been checked alone.
        match cedar::Entities::from_entities(entities, Some(&schema.cedar)) {
            Ok(closed) => {
                // Cedar adds the actions of the schema, which are not the directory's.
                let entities = closed
                    .iter()
                    .map(AsRef::<ast::Entity>::as_ref)
                    .filter(|entity| !entity.uid().is_action())
                    .map(|entity| {
                        let held = Held { entity: Arc::new(entity.clone()), reach: OnceLock::new() };
                        (entity.uid().clone(), held)
                    })
                    .collect();
                (Some(Self { entities, revision: sources.revision() }), problems)
            }
            Err(error) => {
                let message = causes(&error);
                // The error names the entity; its place is found by that name.
                let place = places
                    .iter()
                    .filter(|(uid, _)| message.contains(&uid.to_string()))
                    .min_by_key(|(uid, _)| message.find(&uid.to_string()));
                problems.push(match place {
                    Some((_, (file, place))) => {
                        Problem::error("directory::invalid", file, message).at(place.clone(), "this entity")
                    }
                    None => Problem::unreadable("directory::invalid", &sources.shown, message),
                });
                (None, problems)
            }
        }
    }
}

/// The entities that an entity refers to in attributes and tags, as often as it does.
pub fn references(entity: &ast::Entity) -> impl Iterator<Item = ast::EntityUID> {
    let values = entity.attrs().chain(entity.tags()).filter_map(|(_, value)| match value {
        ast::PartialValue::Value(value) => Some(value),
        ast::PartialValue::Residual(_) => None,
    });
    values.flat_map(ast::Value::all_literal_uids)
}

/// The files of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    shown: String,
    files: Vec<(String, SourceFile)>,
}

impl Sources {
    /// Reads a folder of `*.json` files, or one file.
    ///
    /// # Errors
    /// One problem for each file that cannot be read or is not UTF-8, or one for the folder.
    pub fn read(path: &Path) -> Result<Self, Vec<Problem>> {
        let shown = path.display().to_string();
        let unreadable = |path: &Path, error: &io::Error| {
            let path = path.display().to_string();
            Problem::unreadable("directory::unreadable", &path, format!("cannot be read: {error}"))
        };
        let paths = list(path).map_err(|error| {
            vec![unreadable(path, &error).help("name the folder or file with the accounts with --directory PATH")]
        })?;
        let mut files = Vec::new();
        let mut problems = Vec::new();
        for path in paths {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            match SourceFile::read(&path, "directory::unreadable", "directory::not-utf8") {
                Ok(file) => files.push((name, file)),
                Err(problem) => problems.push(*problem),
            }
        }
        if problems.is_empty() { Ok(Self { shown, files }) } else { Err(problems) }
    }

    /// Sources that are in memory: file names and texts.
    #[must_use]
    pub fn from_texts<'a>(folder: &str, texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut files: Vec<_> = texts
            .into_iter()
            .map(|(name, text)| {
                (name.to_owned(), SourceFile { name: format!("{folder}/{name}").into(), text: text.into() })
            })
            .collect();
        files.sort_by(|one, other| one.0.cmp(&other.0));
        Self { shown: folder.to_owned(), files }
    }

    /// The files.
    pub fn files(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().map(|(_, file)| file)
    }

    /// The files with their names.
    pub fn named_files(&self) -> impl Iterator<Item = (&str, &SourceFile)> {
        self.files.iter().map(|(name, file)| (name.as_str(), file))
    }

    /// The digest of the names and contents.
    #[must_use]
    pub fn revision(&self) -> Revision {
        Revision::of(self.files.iter().map(|(name, file)| (name.as_str(), file.text.as_bytes())))
    }
}

fn list(path: &Path) -> io::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        // What cannot be read is said, and not passed over: a link that leads nowhere would take its accounts away.
        if name.ends_with(".json") && !name.starts_with('.') && !path.is_dir() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The entities of one file with their places. Each is read by itself, so that each mistake has a place.
fn read_file(file: &SourceFile, schema: &Schema, problems: &mut Vec<Problem>) -> Vec<(Range<usize>, cedar::Entity)> {
    let items: Vec<&RawValue> =
        match serde_json::from_str(&file.text) {
            Ok(items) => items,
            Err(error) => {
                let place = crate::problem::json_place(&file.text, &error);
                problems.push(Problem::error("directory::syntax", file, error.to_string()).at(place, "here").help(
                    "a list of entities: [{\"uid\": {\"type\": …, \"id\": …}, \"attrs\": {…}, \"parents\": […]}]",
                ));
                return Vec::new();
            }
        };
    let mut entities = Vec::new();
    let mut search_from = 0;
    for item in items {
        let start = file.text.get(search_from..).and_then(|rest| rest.find(item.get())).unwrap_or(0) + search_from;
        let place = start..start + item.get().len();
        search_from = place.end;
        match read_entity(item, schema) {
            Ok(entity) => entities.push((place, entity)),
            Err(message) => {
                let line = item.get().find('\n').map_or(place.end, |length| place.start + length);
                problems.push(Problem::error("directory::invalid", file, message).at(place.start..line, "this entity"));
            }
        }
    }
    entities
}

fn read_entity(item: &RawValue, schema: &Schema) -> Result<cedar::Entity, String> {
    let entity = cedar::Entity::from_json_str(item.get(), Some(&schema.cedar)).map_err(|error| causes(&error))?;
    let kind = AsRef::<ast::Entity>::as_ref(&entity).uid().entity_type();
    match schema.model.entity_type(kind).map(|model| &model.held) {
        Some(policy::Held::ByRequest { .. }) => Err(format!(
            "{} is of a type that questions speak for (@source(\"request\") in the schema), so it cannot be in the directory",
            entity.uid()
        )),
        _ => Ok(entity),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policies;

    #[test]
    fn references_are_followed_as_many_steps_as_are_asked_for() {
        let schema = "entity Person { chief?: Person, friends?: Set<Person> };
            action meet appliesTo { principal: Person, resource: Person };";
        let (schema, ..) = Policies::from_sources(&policy::Sources::from_texts("p", [("schema.cedarschema", schema)]));
        let person = |id: &str, attrs: &str| {
            format!(r#"{{"uid": {{"type": "Person", "id": "{id}"}}, "attrs": {{{attrs}}}, "parents": []}}"#)
        };
        let reference = |id: &str| format!(r#"{{"__entity": {{"type": "Person", "id": "{id}"}}}}"#);
        let people = [
            person("a", &format!(r#""chief": {}"#, reference("b"))),
            person(
                "b",
                &format!(r#""chief": {}, "friends": [{}, {}]"#, reference("a"), reference("c"), reference("gone")),
            ),
            person("c", &format!(r#""chief": {}"#, reference("d"))),
            person("d", ""),
        ];
        let text = format!("[{}]", people.join(","));
        let (directory, problems) =
            Directory::from_sources(&Sources::from_texts("d", [("people.json", &*text)]), &schema.unwrap());
        let directory = directory.unwrap_or_else(|| panic!("{problems:#?}"));
        let uid = |id: &str| ast::EntityUID::with_eid_and_type("Person", id).unwrap();
        let reach = |id: &str, steps| {
            let reached = directory.reach(&uid(id), steps)?;
            Some(reached.iter().map(|entity| AsRef::<str>::as_ref(entity.uid().eid()).to_owned()).collect::<String>())
        };
        // The first is remembered; the others are found all the same.
        for _ in 0..2 {
            for (steps, expected) in [(2, "ab"), (0, "a"), (1, "a"), (3, "abc"), (4, "abcd"), (usize::MAX, "abcd")] {
                assert_eq!(reach("a", steps).as_deref(), Some(expected), "{steps}");
            }
        }
        assert_eq!(reach("gone", 3), None);
    }
}
