//! Members of a question that the schema does not declare: refuses them, or ignores and names them.
//!
//! A misspelt optional attribute would count as absent, and where it is absent a policy can allow more. So an undeclared
//! member is refused where an optional attribute of the same record is absent that the policies of the question can read: it
//! may be the one that was meant. Elsewhere it cannot matter and is ignored, as AuthZEN asks (Authorization API 1.0, section
//! 13.1); the answer names it. A member that is null is absent, declared or not.
//!
//! This holds for what the question speaks for: the properties of entities with `@source("request")`, those of the action, and
//! the context. Properties of other entities are not looked at. Unknown members of the message itself are `authzen`'s.

use super::obligations::SUPPORTED;
use crate::{
    sources::policy::{Attributes, Invalid, Reading},
    types::{
        decision::Undeclared,
        escape,
        evaluation::{Map, Path, Value},
        suggest::nearest,
    },
};

/// What becomes of a member of the question that the schema does not declare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UndeclaredMembers {
    /// It is refused, unless it cannot be a misspelt attribute that the policies read.
    #[default]
    UnlessHarmless,
    /// It is refused.
    Refuse,
    /// It is ignored.
    Ignore,
}

/// A record of a question, with what its schema knows of it.
pub(super) struct Members<'a> {
    /// The declared attributes.
    pub declared: &'a Attributes,
    /// The members that the caller gave.
    pub given: &'a Map,
    /// What is read of the record.
    pub reading: Reading<'a>,
    /// Whether the member `tags` is declared beside them, and then whether the tags are read.
    pub tags: Option<bool>,
}

const TAGS: &str = "tags";

/// How many names a message lists.
const LISTED: usize = 5;

impl UndeclaredMembers {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::UnlessHarmless, Self::Refuse, Self::Ignore];

    /// Looks for undeclared members of a record: refuses them, or adds them to those that are ignored. Linear in the members.
    pub(super) fn check(self, members: &Members<'_>, path: Path<'_>, ignored: &mut Undeclared) -> Result<(), Invalid> {
        let is_poorts = |name: &str| name == SUPPORTED && path.is_context();
        let mut found = members
            .given
            .iter()
            .filter(|(name, value)| members.is_undeclared(name, value) && !is_poorts(name))
            .peekable();
        let Some((first, _)) = found.peek() else { return Ok(()) };
        let refuse = |message| Err(Invalid::new(path.field(first), message));
        match self {
            Self::Refuse => return refuse(members.refused(first)),
            Self::UnlessHarmless => {
                let meant: Vec<_> = members.absent_and_read().collect();
                if !meant.is_empty() {
                    return refuse(may_be_meant(first, &meant));
                }
            }
            Self::Ignore => {}
        }
        found.for_each(|(name, _)| ignored.add(path.field(name)));
        Ok(())
    }
}

impl<'a> Members<'a> {
    fn is_undeclared(&self, name: &str, value: &Value) -> bool {
        let is_declared = self.declared.contains_key(name) || self.tags.is_some() && name == TAGS;
        !is_declared && !matches!(value, Value::Null)
    }

    /// The optional attributes that are not there, and for which the policies may look.
    fn absent_and_read(&self) -> impl Iterator<Item = &'a str> {
        let Self { declared, given, reading, tags } = *self;
        let is_absent = move |name: &str| matches!(given.get(name), None | Some(Value::Null));
        let attributes = declared.iter().filter(|(_, attribute)| !attribute.required).map(|(name, _)| name.as_str());
        let attributes = attributes.filter(move |name| is_absent(name) && reading.field(name).is_something());
        attributes.chain((tags == Some(true) && is_absent(TAGS)).then_some(TAGS))
    }

    fn refused(&self, name: &str) -> String {
        let known = self.declared.keys().map(|name| name.as_str()).chain(self.tags.map(|_| TAGS));
        match nearest(&escape::cut(name), known) {
            Some(near) => format!("is not declared; did you mean `{near}`?"),
            None => "is not declared; leave it out (decisions.undeclared is \"refuse\")".to_owned(),
        }
    }
}

fn may_be_meant(name: &str, meant: &[&str]) -> String {
    if let Some(near) = nearest(&escape::cut(name), meant.iter().copied()) {
        return format!("is not declared; did you mean `{near}`? It is absent, and policies can read it");
    }
    let listed: Vec<_> = meant.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    let others = if meant.len() > LISTED { " and others" } else { "" };
    format!(
        "is not declared, and may be meant as what is absent and policies can read: {}{others}; correct the name or leave \
         it out",
        listed.join(", "),
    )
}
