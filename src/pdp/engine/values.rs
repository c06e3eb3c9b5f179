//! Makes Cedar values of the values of a question, by the type that the schema declares.

use super::datetime;
use crate::{
    sources::policy::{
        Extension,
        value_visitor::{Invalid, Terms, extension},
    },
    types::{escape, evaluation::Path},
};
use cedar_policy_core::ast;
use smol_str::SmolStr;
use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

/// Makes Cedar values.
#[derive(Debug)]
pub(super) struct Make;

impl Terms for Make {
    type Term = ast::Value;
    type Fields = BTreeMap<SmolStr, ast::Value>;

    fn truth(&mut self, truth: bool) -> ast::Value {
        ast::Value::from(truth)
    }

    fn long(&mut self, long: i64) -> ast::Value {
        ast::Value::from(long)
    }

    fn text(&mut self, text: &str) -> ast::Value {
        ast::Value::from(text)
    }

    fn entity(
        &mut self,
        kind: &ast::EntityType,
        _: Option<&str>,
        id: &str,
        _: Path<'_>,
    ) -> Result<ast::Value, Invalid> {
        Ok(ast::Value::from(ast::EntityUID::from_components(kind.clone(), ast::Eid::new(id), None)))
    }

    fn extension(&mut self, kind: Extension, text: &str, path: Path<'_>) -> Result<ast::Value, Invalid> {
        read_extension(kind, text, path)
    }

    fn enter_set(&mut self, _: usize) {}

    fn set(&mut self, elements: Vec<ast::Value>) -> ast::Value {
        ast::Value::set(elements, None)
    }

    fn attribute(&mut self, _: &str, _: bool) {}

    fn field(&mut self, fields: &mut Self::Fields, name: &SmolStr, term: ast::Value) {
        fields.insert(name.clone(), term);
    }

    fn record(&mut self, fields: Self::Fields) -> ast::Value {
        ast::Value::record_arc(Arc::new(fields), None)
    }
}

/// How much a message has of what Cedar says, in characters: some sentences.
const ERROR: usize = 400;

/// Has Cedar make an extension value, or say why it cannot.
pub(super) fn read_extension(kind: Extension, text: &str, path: Path<'_>) -> Result<ast::Value, Invalid> {
    let read = if kind == Extension::Datetime { datetime::for_cedar(text) } else { text.into() };
    extension(kind, &read).map_err(|error| {
        let (name, example) = (kind.type_name(), kind.example());
        // Cedar can quote the text too.
        let (text, error) = (escape::cut(text), escape::cut_to(&error, ERROR));
        Invalid::new(path, format!("`{text}` is no {name}: {error}; an example is {example}"))
    })
}

thread_local! {
    /// The newest day. Each thread has its own, so that none waits for another's reference count.
    static DAY: RefCell<Option<(String, ast::Value)>> = const { RefCell::new(None) };
}

/// The datetime of a day, which is the same for all questions of that day, and is read by a regular expression.
pub(super) fn day(text: &str) -> Result<ast::Value, String> {
    DAY.with_borrow_mut(|known| match known {
        Some((day, value)) if day == text => Ok(value.clone()),
        _ => {
            let value = extension(Extension::Datetime, text)?;
            *known = Some((text.to_owned(), value.clone()));
            Ok(value)
        }
    })
}
