//! What an id on the command line names: the type by the schema, the account by the directory.

use crate::{
    review::account::account_types,
    sources::{
        policy::{
            EntityModel,
            cedar_core::ast::{Eid, EntityType, EntityUID},
        },
        snapshot::Snapshot,
    },
    types::entity_id::{EntityId, is_same_type},
};
use std::sync::Arc;

/// The type and the id that a text with a type names. `None` if it names no type.
///
/// # Errors
/// The schema has no such type; the message has the nearest name.
pub(super) fn typed<'s>(
    snapshot: &'s Snapshot,
    named: &EntityId,
) -> Result<Option<(&'s Arc<EntityModel>, String)>, String> {
    let model = &snapshot.policies.model;
    let mut unknown = None;
    for (kind, id) in named.readings().filter_map(|(kind, id)| Some((kind?, id))) {
        let found = model.entity(kind).or_else(|message| {
            let mut like = model.entity_types().filter(|known| is_same_type(kind, &known.name.to_string()));
            like.next().filter(|_| like.next().is_none()).ok_or(message)
        });
        match found {
            Ok(found) => return Ok(Some((found, id.to_owned()))),
            Err(message) => unknown = unknown.or(Some(message)),
        }
    }
    unknown.map_or(Ok(None), Err)
}

/// The entities of these types that the directory knows by an id without a type.
pub(super) fn untyped<'t>(
    snapshot: &Snapshot,
    named: &EntityId,
    types: impl IntoIterator<Item = &'t EntityType>,
) -> Vec<EntityUID> {
    let whole = named.readings().find(|(kind, _)| kind.is_none()).map(|(_, id)| id);
    let known = |kind: &&EntityType| whole.is_some_and(|id| snapshot.directory.knows(kind, id));
    let uid = |kind: &EntityType| EntityUID::from_components(kind.clone(), Eid::new(whole.unwrap_or_default()), None);
    types.into_iter().filter(known).map(uid).collect()
}

/// The account that is named.
///
/// # Errors
/// There is none, or several types have one of this id.
pub(super) fn account(snapshot: &Snapshot, named: &EntityId) -> Result<EntityUID, String> {
    let typed = typed(snapshot, named);
    let mut types: Vec<_> = account_types(snapshot).map(|it| &it.name).collect();
    if let Ok(Some((kind, id))) = &typed {
        types.retain(|it| **it == kind.name);
        if types.iter().any(|kind| snapshot.directory.knows(kind, id)) {
            return Ok(EntityUID::from_components(kind.name.clone(), Eid::new(id), None));
        }
    }
    let known = untyped(snapshot, named, types.iter().copied());
    match known.as_slice() {
        [uid] => Ok(uid.clone()),
        [] => {
            typed?;
            let near =
                |kind: &&EntityType| Some(format!("{kind}::{}", snapshot.directory.nearest(kind, named.tail())?));
            let near = types.iter().find_map(near);
            let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            Err(format!("the directory has no account `{named}`{near}"))
        }
        several => Err(several_accounts(named, several)),
    }
}

/// The message that an id without a type is several accounts.
pub(super) fn several_accounts(named: &EntityId, accounts: &[EntityUID]) -> String {
    let each = accounts.iter().map(|uid| format!("{}::{}", uid.entity_type(), AsRef::<str>::as_ref(uid.eid())));
    format!("`{named}` is several accounts; write one of {}", each.collect::<Vec<_>>().join(", "))
}
