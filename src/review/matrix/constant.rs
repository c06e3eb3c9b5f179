//! Puts what can have only one value into policies: an attribute of a record for which the schema lists one (`@values("bvh")`).
//!
//! A question with another value is refused (`tests/it/api/bad_input.rs`), so cells hold for all that can be asked. Without the
//! value no policy would know which system a record is in, and so whether the account is authorised for it.

use crate::{
    review::partial,
    sources::policy::{Held, Model, cedar_core::ast},
};
use cedar_policy::{self as cedar, pst};
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// The attributes of a type of record that have one value.
pub(super) struct Constants(BTreeMap<SmolStr, SmolStr>);

impl Constants {
    pub(super) fn of(model: &Model, resource: &ast::EntityType) -> Self {
        let declared = match model.entity_type(resource).map(|model| &model.held) {
            Some(Held::ByRequest { attributes, .. }) => attributes.as_ref().clone(),
            _ => Default::default(),
        };
        let constant = declared.into_iter().filter_map(|(name, attribute)| Some((name, attribute.constant?)));
        Self(constant.collect())
    }

    /// The policy about records of the type, if it reads one of these.
    ///
    /// # Errors
    /// A policy that has no syntax tree.
    pub(super) fn put_into(&self, policy: &cedar::Policy, text: &str) -> Result<Option<cedar::Policy>, String> {
        if !self.0.keys().any(|name| text.contains(name.as_str())) {
            return Ok(None);
        }
        let value = |expression: &pst::Expr| match expression {
            pst::Expr::GetAttr { expr, attr } if matches!(**expr, pst::Expr::Var(pst::Var::Resource)) => {
                let value = self.0.get(attr)?.clone();
                Some(pst::Expr::Literal(pst::Literal::String(value)))
            }
            _ => None,
        };
        partial::rewritten(policy, &value).map(Some)
    }
}
