//! The pool of a directory: interns names and values, so that each is in memory once. Most accounts share their
//! authorisations with others.
//!
//! **Invariant:** a [`Gathering`] accepts a value only if Cedar's reader makes the same value of it. It refuses
//! whatever it is not sure of.

use super::entity_shapes::EntityShapes;
use crate::{
    sources::policy::{
        Attributes, Extension, Invalid,
        cedar_core::ast,
        value_visitor::{Terms, extension, is_whole_name},
    },
    types::evaluation::{Map, Path},
};
use smol_str::SmolStr;
use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    sync::Arc,
};

/// An index into the pool.
pub(super) type Number = usize;

/// What entities are made of, by number.
#[derive(Debug, Clone, Default)]
pub(super) struct Pool {
    names: Vec<SmolStr>,
    values: Vec<ast::Value>,
}

impl Pool {
    /// How many values there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Attributes or tags as Cedar has them.
    pub(super) fn fields<'a>(
        &'a self,
        fields: &'a [(Number, Number)],
    ) -> impl Iterator<Item = (SmolStr, ast::Value)> + 'a {
        let field = |(name, value): &(Number, Number)| Some((self.names.get(*name)?, self.values.get(*value)?));
        fields.iter().filter_map(field).map(|(name, value)| (name.clone(), value.clone()))
    }
}

/// A pool that grows.
#[derive(Debug)]
pub(super) struct Gathering<'f> {
    pub(super) forms: &'f EntityShapes,
    pub(super) uids: Uids,
    pool: Pool,
    names: HashMap<SmolStr, Number>,
    values: HashMap<Key, Number>,
}

/// Ids of entities, by number.
#[derive(Debug, Default)]
pub(super) struct Uids {
    pub(super) numbers: Numbers,
    pub(super) uids: Vec<Arc<ast::EntityUID>>,
    /// Those that an entity names, as its parent or otherwise.
    pub(super) named: HashSet<Number>,
}

impl Uids {
    /// The number of an id that an entity names.
    pub(super) fn named(&mut self, uid: ast::EntityUID) -> Number {
        let number = self.number(uid);
        self.named.insert(number);
        number
    }

    pub(super) fn number(&mut self, uid: ast::EntityUID) -> Number {
        if let Some(number) = self.numbers.get(uid.entity_type(), uid.eid().as_ref()) {
            return number;
        }
        let number = self.uids.len();
        self.numbers.insert(&uid, number);
        self.uids.push(Arc::new(uid));
        number
    }
}

/// Numbers by type and id. A lookup borrows both, so that a question allocates no entity id.
#[derive(Debug, Clone, Default)]
pub(super) struct Numbers(HashMap<ast::EntityType, HashMap<SmolStr, Number>>);

impl Numbers {
    pub(super) fn get(&self, kind: &ast::EntityType, id: &str) -> Option<Number> {
        self.0.get(kind)?.get(id).copied()
    }

    fn insert(&mut self, uid: &ast::EntityUID, number: Number) {
        let ids = match self.0.get_mut(uid.entity_type()) {
            Some(ids) => ids,
            None => self.0.entry(uid.entity_type().clone()).or_default(),
        };
        ids.insert(SmolStr::new(AsRef::<str>::as_ref(uid.eid())), number);
    }
}

/// What tells values apart: equal keys are equal values.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Key {
    Bool(bool),
    Long(i64),
    Text(SmolStr),
    Entity(Number),
    Extension(Extension, SmolStr),
    Set(Box<[Number]>),
    Record(Box<[(Number, Number)]>),
}

impl<'f> Gathering<'f> {
    pub(super) fn new(forms: &'f EntityShapes) -> Self {
        let (uids, pool) = (Uids::default(), Pool::default());
        Self { forms, uids, pool, names: HashMap::new(), values: HashMap::new() }
    }

    /// What was gathered.
    pub(super) fn finish(self) -> (Uids, Pool) {
        let mut pool = self.pool;
        pool.names.shrink_to_fit();
        pool.values.shrink_to_fit();
        (self.uids, pool)
    }

    fn keep(&mut self, key: Key, make: impl FnOnce(&Pool, &Uids) -> ast::Value) -> Number {
        self.try_keep(key, |pool, uids| Ok::<_, Infallible>(make(pool, uids))).unwrap_or_else(|never| match never {})
    }

    fn try_keep<E>(&mut self, key: Key, make: impl FnOnce(&Pool, &Uids) -> Result<ast::Value, E>) -> Result<Number, E> {
        if let Some(number) = self.values.get(&key) {
            return Ok(*number);
        }
        let number = self.pool.values.len();
        self.pool.values.push(make(&self.pool, &self.uids)?);
        self.values.insert(key, number);
        Ok(number)
    }
}

fn unsure(path: Path<'_>) -> Invalid {
    Invalid::new(path, "is for Cedar to judge")
}

impl Terms for Gathering<'_> {
    type Term = Number;
    type Fields = Vec<(Number, Number)>;

    fn truth(&mut self, truth: bool) -> Number {
        self.keep(Key::Bool(truth), |_, _| truth.into())
    }

    fn long(&mut self, long: i64) -> Number {
        self.keep(Key::Long(long), |_, _| long.into())
    }

    fn text(&mut self, text: &str) -> Number {
        let text = SmolStr::new(text);
        self.keep(Key::Text(text.clone()), |_, _| ast::Value::from(ast::Literal::String(text)))
    }

    fn entity(
        &mut self,
        kind: &ast::EntityType,
        named: Option<&str>,
        id: &str,
        path: Path<'_>,
    ) -> Result<Number, Invalid> {
        // Cedar takes the whole name of the type and nothing less, and of some types only the ids that the schema lists.
        let uid = ast::EntityUID::from_components(kind.clone(), ast::Eid::new(id), None);
        if !named.is_some_and(|named| is_whole_name(kind, named)) || !self.forms.may_be_named(&uid) {
            return Err(unsure(path));
        }
        let number = self.uids.named(uid);
        self.try_keep(Key::Entity(number), |_, uids| {
            let uid = uids.uids.get(number).ok_or_else(|| unsure(path))?;
            Ok(ast::Value::from(ast::Literal::EntityUID(uid.clone())))
        })
    }

    fn extension(&mut self, kind: Extension, text: &str, path: Path<'_>) -> Result<Number, Invalid> {
        self.try_keep(Key::Extension(kind, SmolStr::new(text)), |_, _| extension(kind, text).map_err(|_| unsure(path)))
    }

    fn enter_set(&mut self, _: usize) {}

    fn set(&mut self, mut elements: Vec<Number>) -> Number {
        elements.sort_unstable();
        elements.dedup();
        let key = Key::Set(elements.as_slice().into());
        self.keep(key, |pool, _| {
            let values = elements.iter().filter_map(|number| pool.values.get(*number)).cloned();
            ast::Value::set(values, None)
        })
    }

    fn attribute(&mut self, _: &str, _: bool) {}

    fn field(&mut self, fields: &mut Self::Fields, name: &SmolStr, term: Number) {
        let number = match self.names.get(name) {
            Some(number) => *number,
            None => {
                let number = self.pool.names.len();
                self.pool.names.push(name.clone());
                self.names.insert(name.clone(), number);
                number
            }
        };
        fields.push((number, term));
    }

    fn record(&mut self, fields: Self::Fields) -> Number {
        let key = Key::Record(fields.as_slice().into());
        self.keep(key, |pool, _| ast::Value::record_arc(Arc::new(pool.fields(&fields).collect()), None))
    }

    /// Cedar refuses what is not declared. Names that begin as its escapes do could be such.
    fn leave(&mut self, declared: &Attributes, given: &Map, seen: usize, path: Path<'_>) -> Result<(), Invalid> {
        let is_plain = given.len() == seen && !declared.keys().any(|name| name.starts_with("__"));
        if is_plain { Ok(()) } else { Err(unsure(path)) }
    }
}
