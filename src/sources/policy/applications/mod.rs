//! Applications: what each may ask, in `applications.toml` of the policy folder.
//!
//! Every list must be there: what is left out would be anything or nothing, and nobody should have to remember which. Names are
//! those of the schema; `"*"` is all, and `"Politie::*"` all names that begin so. They are worked out when the files are read, so
//! a schema that grows under a `*` shows in `poort diff`.

#[cfg(test)]
mod tests;

use super::{
    Sources,
    model::{ActionModel, EntityModel, Held, Model},
    names,
    shape::{Attribute, Shape},
};
use crate::types::{
    problem::{Problem, SourceFile},
    suggest::nearest,
};
use cedar_policy_core::ast;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// The attribute of a subject that refers to its organisation.
pub const ORGANISATION: &str = "organisation";

const KEYS: [&str; 6] = ["actions", "client_id", "organisations", "resources", "subjects", "token"];

/// What each application may ask, by its name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applications(BTreeMap<String, Permitted>);

/// What an application may ask.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Permitted {
    /// The types of subjects.
    pub subjects: Names,
    /// The ids of their organisations, as the directory has them; any, if `None`.
    pub organisations: Option<BTreeSet<String>>,
    /// The actions.
    pub actions: Names,
    /// The types of resources.
    pub resources: Names,
    /// What becomes of the subject's own token; it is not looked at, if `None`.
    pub token: Option<OwnToken>,
}

/// That an application asks with the subject's own token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnToken {
    /// Whether it may ask with nothing else.
    pub required: bool,
    /// The client id that its tokens are given to.
    pub client_id: String,
}

/// Types or actions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// Their whole names.
    pub whole: BTreeSet<String>,
    /// Every name that a question can have for them. Compared and not hashed: a caller's name can be as long as a message.
    asked: BTreeSet<String>,
}

impl Names {
    /// Whether a question's name means one of them.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.asked.contains(name)
    }
}

impl Applications {
    /// What this application may ask. `None`: nothing.
    #[must_use]
    pub fn get(&self, application: &str) -> Option<&Permitted> {
        self.0.get(application)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Permitted)> {
        self.0.iter().map(|(name, permitted)| (name.as_str(), permitted))
    }

    /// Reads the file, if there is one.
    pub(super) fn read(sources: &Sources, model: &Model, problems: &mut Vec<Problem>) -> Option<Self> {
        let file = sources.applications()?;
        let (table, errors) = DeTable::parse_recoverable(&file.text);
        for error in &errors {
            let place = error.span().unwrap_or_default();
            problems.push(Problem::error("applications::syntax", file, error.message()).at(place, "here"));
        }
        let mut applications = BTreeMap::new();
        for (name, value) in table.get_ref() {
            let DeValue::Table(table) = value.get_ref() else {
                let message = format!("`{}` is no table; an application is one: [{}]", name.get_ref(), name.get_ref());
                problems.push(Problem::error("applications::form", file, message).at(name.span(), "here"));
                continue;
            };
            let mut entry = Entry { file, model, problems: &mut *problems, name: name.get_ref(), place: name.span() };
            applications.insert(name.get_ref().to_string(), entry.read(table));
        }
        Some(Self(applications))
    }
}

/// The table of one application.
struct Entry<'a> {
    file: &'a SourceFile,
    model: &'a Model,
    problems: &'a mut Vec<Problem>,
    name: &'a str,
    place: Range<usize>,
}

impl Entry<'_> {
    fn read(&mut self, table: &DeTable<'_>) -> Permitted {
        for key in table.keys().filter(|key| !KEYS.contains(&key.get_ref().as_ref())) {
            let problem = self.problem(&format!("`{}` is not a key of an application", key.get_ref()), key.span());
            let help = nearest(key.get_ref(), KEYS).map(|known| format!("did you mean `{known}`?"));
            self.problems.push(problem.help(help.unwrap_or_else(|| format!("the keys are {}", KEYS.join(", ")))));
        }
        let Model { entities, actions, .. } = self.model;
        let of_actions = |types: fn(&ActionModel) -> &Vec<ast::EntityType>| -> BTreeSet<String> {
            self.model.actions().flat_map(|action| types(action)).map(ToString::to_string).collect()
        };
        let (can_ask, can_be_asked) = (of_actions(|action| &action.subjects), of_actions(|action| &action.resources));
        let all = actions.full.keys().cloned().collect();
        let kind = |model: &EntityModel| model.name.to_string();
        let subjects = self.names(table, "subjects", (entities, "type", &can_ask), kind);
        let actions = self.names(table, "actions", (actions, "action", &all), |action| action.uid.to_string());
        let resources = self.names(table, "resources", (entities, "type", &can_be_asked), kind);
        let organisations = self.organisations(table, &subjects);
        let token = self.token(table);
        Permitted { subjects, organisations, actions, resources, token }
    }

    /// Whether the subject's own token is needed, and to whom it is given.
    fn token(&mut self, table: &DeTable<'_>) -> Option<OwnToken> {
        let text = |value: &Spanned<DeValue<'_>>| match value.get_ref() {
            DeValue::String(text) if !text.is_empty() => Some(text.to_string()),
            _ => None,
        };
        let (token, client) = (table.get("token"), table.get("client_id"));
        let required = match token.map(|value| (text(value), value.get_ref())) {
            None => None,
            Some((Some(choice), _)) if choice == "none" => None,
            Some((Some(choice), _)) if choice == "checked-if-given" => Some(false),
            Some((Some(choice), _)) if choice == "required" => Some(true),
            Some(_) => {
                let place = token.map_or_else(|| self.place.clone(), Spanned::span);
                let message = "`token` must be \"required\", \"checked-if-given\" or \"none\"";
                let problem = self.problem(message, place);
                self.problems.push(problem);
                return None;
            }
        };
        match (required, client, client.and_then(text)) {
            (None, None, _) => None,
            (Some(required), _, Some(client_id)) => Some(OwnToken { required, client_id }),
            (None, Some(client), _) => {
                let message = "`client_id` means nothing without `token = \"required\"` or `\"checked-if-given\"`";
                let problem = self.problem(message, client.span());
                self.problems.push(problem);
                None
            }
            (Some(_), client, None) => {
                let place = client.or(token).map_or_else(|| self.place.clone(), Spanned::span);
                let problem = self.problem("`client_id` is missing, or no text", place);
                let help = "give the id under which the identity provider knows the application: client_id = \"…\"";
                self.problems.push(problem.help(help));
                None
            }
        }
    }

    /// The types or actions of a key: those with these names, and of a name that ends in `*` all that begin like it.
    fn names<T>(
        &mut self,
        table: &DeTable<'_>,
        key: &str,
        (known, what, possible): (&names::Names<T>, &str, &BTreeSet<String>),
        whole: impl Fn(&T) -> String,
    ) -> Names {
        let mut found = Names::default();
        for (name, place) in self.list(table, key) {
            let meant: Result<Vec<String>, String> = match name.strip_suffix('*') {
                Some(start) => {
                    let begins = |whole: &&String| known.of(whole).iter().any(|name| name.starts_with(start));
                    let like: Vec<_> = possible.iter().filter(begins).cloned().collect();
                    if like.is_empty() {
                        Err(format!("no {what} among the {key} of actions begins with `{start}`"))
                    } else {
                        Ok(like)
                    }
                }
                None => known.find(&name, what).and_then(|it| match possible.get(&whole(it)) {
                    Some(whole) => Ok(vec![whole.clone()]),
                    None => Err(format!("`{name}` is not among the {key} of any action")),
                }),
            };
            match meant {
                Ok(meant) => meant.into_iter().for_each(|whole| {
                    found.asked.extend(known.of(&whole).into_iter().map(str::to_owned));
                    found.whole.insert(whole);
                }),
                Err(message) => {
                    let problem = self.problem(&format!("{key}: {message}"), place);
                    self.problems.push(problem);
                }
            }
        }
        found
    }

    /// The organisations. Types of subjects that have none cannot be asked for where some are named.
    fn organisations(&mut self, table: &DeTable<'_>, subjects: &Names) -> Option<BTreeSet<String>> {
        let listed = self.list(table, "organisations");
        if matches!(listed.as_slice(), [(name, _)] if name == "*") {
            return None;
        }
        let place = listed.first().map_or_else(|| self.place.clone(), |(_, place)| place.clone());
        let without = subjects.whole.iter().filter(|kind| {
            let model = self.model.entity_types().find(|model| model.name.to_string() == **kind);
            model.is_none_or(|model| organisation_type(model).is_none())
        });
        let without: Vec<_> = without.map(|kind| format!("`{kind}`")).collect();
        if !without.is_empty() {
            let message = format!(
                "organisations: the directory has no `{ORGANISATION}` of subjects of the type {}, so it could never fit",
                without.join(", ")
            );
            let help = format!(
                "give the type an attribute `{ORGANISATION}` that refers to an entity, or leave it out of `subjects`"
            );
            let problem = self.problem(&message, place).help(help);
            self.problems.push(problem);
        }
        Some(listed.into_iter().map(|(name, _)| name).collect())
    }

    /// The strings of a key, with their places.
    fn list(&mut self, table: &DeTable<'_>, key: &str) -> Vec<(String, Range<usize>)> {
        let Some(value) = table.get(key) else {
            let problem = self.problem(&format!("`{key}` is missing"), self.place.clone());
            self.problems.push(problem.help(format!("list them: {key} = [\"…\"]; for all, {key} = [\"*\"]")));
            return Vec::new();
        };
        let text = |value: &Spanned<DeValue<'_>>| match value.get_ref() {
            DeValue::String(text) => Some((text.to_string(), value.span())),
            _ => None,
        };
        let listed: Option<Vec<_>> = match value.get_ref() {
            DeValue::Array(elements) => elements.iter().map(text).collect(),
            _ => None,
        };
        let listed = listed.filter(|listed| !listed.is_empty());
        if listed.is_none() {
            let problem = self.problem(&format!("`{key}` must be a list of strings that is not empty"), value.span());
            self.problems.push(problem);
        }
        listed.unwrap_or_default()
    }

    fn problem(&self, message: &str, place: Range<usize>) -> Problem {
        Problem::error("applications::form", self.file, format!("the application `{}`: {message}", self.name))
            .at(place, "here")
    }
}

/// The type of what the organisation of subjects of this type is. `None`: the directory has none.
#[must_use]
pub fn organisation_type(subject: &EntityModel) -> Option<&ast::EntityType> {
    let attributes = subject.attributes.as_ref().filter(|_| subject.held == Held::ByDirectory)?;
    match attributes.get(ORGANISATION)? {
        Attribute { shape: Shape::Entity(reference), .. } => Some(&reference.kind),
        _ => None,
    }
}
