//! The entities that the schema lists: the values of an `enum` type, and the actions. There are no others of such a
//! type, so naming another is a mistake.
//!
//! Validation and proofs rely on the list as complete (`Validator`, `cedar-policy-symcc`); a question that names
//! another would be outside what they show.

use crate::types::suggest::nearest;
use cedar_policy_core::{
    ast,
    validator::{ValidatorEntityTypeKind, ValidatorSchema},
};
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// How many of the listed a message names.
const SHOWN: usize = 12;

/// The entities of one type, all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    kind: ast::EntityType,
    ids: BTreeSet<SmolStr>,
}

impl Listed {
    /// The entities of a type; `None` if the schema does not list them.
    #[must_use]
    pub fn of(kind: &ast::EntityType, schema: &ValidatorSchema) -> Option<Self> {
        let id = |eid: &ast::Eid| SmolStr::new(AsRef::<str>::as_ref(eid));
        let ids = if kind.is_action() {
            let actions = schema.action_ids().map(|action| action.name());
            actions.filter(|uid| uid.entity_type() == kind).map(|uid| id(uid.eid())).collect()
        } else {
            match &schema.get_entity_type(kind)?.kind {
                ValidatorEntityTypeKind::Enum(ids) => ids.iter().map(id).collect(),
                ValidatorEntityTypeKind::Standard(_) | ValidatorEntityTypeKind::External => return None,
            }
        };
        Some(Self { kind: kind.clone(), ids })
    }

    /// The ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.ids.iter().map(SmolStr::as_str)
    }

    /// Whether the schema lists this id.
    ///
    /// # Errors
    /// A sentence that says what it lists, and what was probably meant.
    pub fn check(&self, id: &str) -> Result<(), String> {
        if self.ids.contains(id) {
            return Ok(());
        }
        let mut listed: Vec<_> = self.ids().take(SHOWN).map(|id| format!("`{id}`")).collect();
        if self.ids.len() > SHOWN {
            listed.push(format!("{} more", self.ids.len() - SHOWN));
        }
        let (kind, listed) = (&self.kind, listed.join(", "));
        let lists = match nearest(id, self.ids()) {
            Some(near) => format!("did you mean `{near}`? It lists {listed}"),
            None => format!("it lists {listed}"),
        };
        Err(format!("is not an entity of type {kind} that the schema lists; {lists}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(schema: &str, kind: &str) -> Option<Listed> {
        let (schema, _) = cedar_policy::Schema::from_cedarschema_str(schema).unwrap();
        Listed::of(&kind.parse().unwrap(), schema.as_ref())
    }

    const SCHEMA: &str = "entity Kind enum [\"open\", \"secret\"]; entity User;
        action read, write appliesTo { principal: User, resource: User };
        namespace Other { action erase appliesTo { principal: User, resource: User }; }";

    #[test]
    fn an_enum_and_the_actions_are_listed_and_other_types_are_not() {
        let ids = |kind| listed(SCHEMA, kind).map(|listed| listed.ids().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(ids("Kind").unwrap(), ["open", "secret"]);
        assert_eq!(ids("Action").unwrap(), ["read", "write"]);
        assert_eq!(ids("Other::Action").unwrap(), ["erase"]);
        assert_eq!(ids("User"), None);
    }

    #[test]
    fn what_is_not_listed_is_refused_with_what_is() {
        let kinds = listed(SCHEMA, "Kind").unwrap();
        assert_eq!(kinds.check("open"), Ok(()));
        let message = kinds.check("Secret").unwrap_err();
        let lists = "is not an entity of type Kind that the schema lists";
        assert_eq!(message, format!("{lists}; did you mean `secret`? It lists `open`, `secret`"));
        assert_eq!(kinds.check("").unwrap_err(), format!("{lists}; it lists `open`, `secret`"));
    }

    #[test]
    fn a_long_list_is_not_shown_whole() {
        let ids: Vec<_> = (0..40).map(|number| format!("\"k{number:02}\"")).collect();
        let kinds = listed(&format!("entity Kind enum [{}];", ids.join(", ")), "Kind").unwrap();
        let message = kinds.check("spoon").unwrap_err();
        assert!(message.ends_with("`k11`, 28 more"), "{message}");
    }
}
