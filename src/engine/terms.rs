//! Values of a question, by the type that the schema declares: into the question's key, and into Cedar values.
//!
//! One walk does both, so that the key holds what the engine sees and nothing that it does not see.

use crate::{
    evaluation::Path,
    policy::{
        Extension,
        terms::{Invalid, Terms, extension},
    },
};
use cedar_policy_core::ast;
use smol_str::SmolStr;
use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

/// Bytes that differ wherever two questions differ: every part carries its length or its kind.
///
/// Extension values are in it as they were written and are not read. A key that is in the cache was read before.
#[derive(Debug, Default)]
pub(super) struct Key(Vec<u8>);

impl Key {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    pub(super) fn tag(&mut self, tag: u8) {
        self.0.push(tag);
    }

    pub(super) fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn uid(&mut self, uid: &ast::EntityUID) {
        self.text(&uid.entity_type().to_string());
        self.text(AsRef::<str>::as_ref(uid.eid()));
    }

    pub(super) fn finish(self) -> Arc<[u8]> {
        self.0.into()
    }
}

impl Terms for Key {
    type Term = ();
    type Fields = ();

    fn truth(&mut self, truth: bool) {
        self.tag(u8::from(truth));
    }

    fn long(&mut self, long: i64) {
        self.number(long.cast_unsigned());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    /// The type is declared, and so the same for all questions about this action and these types.
    fn entity(&mut self, _: &ast::EntityType, _: Option<&str>, id: &str, _: Path<'_>) -> Result<(), Invalid> {
        self.text(id);
        Ok(())
    }

    fn extension(&mut self, _: Extension, text: &str, _: Path<'_>) -> Result<(), Invalid> {
        self.text(text);
        Ok(())
    }

    fn enter_set(&mut self, elements: usize) {
        self.number(elements as u64);
    }

    fn set(&mut self, _: Vec<()>) {}

    fn attribute(&mut self, present: bool) {
        self.tag(u8::from(present));
    }

    fn field(&mut self, (): &mut (), _: &SmolStr, (): ()) {}

    fn record(&mut self, (): ()) {}
}

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
        extension(kind, text).map_err(|error| {
            let (name, example) = (kind.type_name(), kind.example());
            Invalid::new(path, format!("`{text}` is no {name}: {error}; an example is {example}"))
        })
    }

    fn enter_set(&mut self, _: usize) {}

    fn set(&mut self, elements: Vec<ast::Value>) -> ast::Value {
        ast::Value::set(elements, None)
    }

    fn attribute(&mut self, _: bool) {}

    fn field(&mut self, fields: &mut Self::Fields, name: &SmolStr, term: ast::Value) {
        fields.insert(name.clone(), term);
    }

    fn record(&mut self, fields: Self::Fields) -> ast::Value {
        ast::Value::record_arc(Arc::new(fields), None)
    }
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
