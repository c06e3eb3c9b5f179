//! Tells test accounts from others, as the schema marks them: `@test_account("tester")` on an attribute of a type of account
//! says that who has this value is one. Several values are separated by commas.

use crate::{
    sources::{directory, policy::cedar_core::ast::EntityUID, snapshot::Snapshot},
    types::{language::Language, texts::matrix as texts},
};
use smol_str::SmolStr;
use std::{collections::BTreeMap, sync::Arc};

/// How test accounts are recognised: an attribute with the values that mark them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestMark {
    attribute: String,
    values: Vec<Arc<str>>,
}

impl TestMark {
    /// For people, such as `Officer.function is tester or robot`.
    #[must_use]
    pub fn words(&self, language: Language) -> String {
        texts::test_mark(language, &self.attribute, self.values.join(texts::or(language)))
    }
}

/// An attribute with the values that mark test accounts.
type Marked = (SmolStr, Vec<Arc<str>>);

/// The attributes that mark test accounts, by type of account.
pub(super) struct TestMarks(BTreeMap<String, Vec<Marked>>);

impl TestMarks {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let model = &snapshot.policies.model;
        let marks = model.entity_types().filter_map(|kind| {
            let kind = kind.name.to_string();
            let fields = model.words.entity(&kind)?.shape.fields.iter();
            let marks: Vec<_> = fields
                .filter(|(_, words)| !words.test_account.is_empty())
                .map(|(name, words)| (name.clone(), words.test_account.clone()))
                .collect();
            (!marks.is_empty()).then_some((kind, marks))
        });
        Self(marks.collect())
    }

    pub(super) fn is_test(&self, snapshot: &Snapshot, uid: &EntityUID) -> bool {
        let marks = self.0.get(&uid.entity_type().to_string()).into_iter().flatten();
        let Some(entity) = snapshot.directory.get(uid) else { return false };
        let is_marked = |(attribute, values): &Marked| {
            directory::text_of(entity, attribute).is_some_and(|text| values.iter().any(|value| **value == *text))
        };
        marks.into_iter().any(is_marked)
    }

    /// Each, with the type of account.
    pub(super) fn all(&self) -> Vec<TestMark> {
        let each = self.0.iter().flat_map(|(kind, marks)| {
            marks.iter().map(move |(attribute, values)| TestMark {
                attribute: format!("{kind}.{attribute}"),
                values: values.clone(),
            })
        });
        each.collect()
    }
}
