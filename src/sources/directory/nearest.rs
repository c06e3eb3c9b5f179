//! The id that was probably meant, where the directory does not know one.

use super::Directory;
use crate::{sources::policy::cedar_core::ast, types::suggest};
use std::{collections::HashMap, sync::Arc};

/// Of a type with more entities none is suggested: a caller that asks about what does not exist would cost more than others.
const FEW: usize = 256;
/// The longest id that is compared, in bytes.
const LONG: usize = 64;

/// The ids of each type that has few entities.
pub(super) type FewIds = HashMap<ast::EntityType, Vec<Arc<str>>>;

impl Directory {
    /// Whether there is an entity of this type and id.
    #[must_use]
    pub fn knows(&self, kind: &ast::EntityType, id: &str) -> bool {
        self.made(kind, id).is_some()
    }

    /// The id of an entity of this type that is most like this one.
    #[must_use]
    pub fn nearest(&self, kind: &ast::EntityType, id: &str) -> Option<Arc<str>> {
        let few = self.few.get_or_init(|| self.find_few()).get(kind).filter(|_| id.len() <= LONG)?;
        let nearest = suggest::nearest(id, few.iter().map(AsRef::as_ref))?;
        few.iter().find(|known| ***known == *nearest).cloned()
    }

    fn find_few(&self) -> FewIds {
        let mut few = FewIds::new();
        for uid in self.uids() {
            let ids = few.entry(uid.entity_type().clone()).or_default();
            if ids.len() <= FEW {
                ids.push(AsRef::<str>::as_ref(uid.eid()).into());
            }
        }
        few.retain(|_, ids| ids.len() <= FEW && ids.iter().all(|id| id.len() <= LONG));
        few
    }
}
