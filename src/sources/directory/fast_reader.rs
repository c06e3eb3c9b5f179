//! Reads entities in their usual form without Cedar, whose reader builds the types of the schema again for each entity.
//!
//! **Invariant:** Cedar's reader accepts every entity that is read here, and makes the same entity of it
//! (`tests/agreement.rs`). Everything else goes to Cedar.

use super::{
    json::Written,
    node::Kept,
    pool::{Gathering, Number},
};
use crate::{
    sources::policy::{Invalid, Shape, cedar_core::ast, value_visitor},
    types::evaluation::{Map, Path},
};

const ENTITY: Path<'_> = Path::root("entity");

/// Reads an entity. `None` if Cedar is to judge it.
pub(super) fn read(json: &str, gathering: &mut Gathering<'_>) -> Option<(Number, Kept)> {
    let written = Written::read(json)?;
    let (kind, id) = value_visitor::type_and_id(&written.uid.0)?;
    let form = gathering.forms.get(kind)?;
    let attributes = value_visitor::record(gathering, &form.attributes, &written.attrs.0, ENTITY).ok()?;
    let tags = match &form.tags {
        Some(shape) if written.tags.0.keys().all(|name| form.names_a_tag(name)) => {
            tags(gathering, shape, &written.tags.0).ok()?
        }
        Some(_) => return None,
        None if written.tags.0.is_empty() => Vec::new(),
        None => return None,
    };
    let mut parents = Vec::with_capacity(written.parents.len());
    for parent in &written.parents {
        let (kind, id) = value_visitor::type_and_id(&parent.0)?;
        let kind = form.parents.get(kind)?;
        parents.push(gathering.uids.named(uid(kind, id)));
    }
    parents.sort_unstable();
    parents.dedup();
    let number = gathering.uids.number(uid(&form.kind, id));
    Some((number, Kept { attributes: attributes.into(), tags: tags.into(), parents: parents.into() }))
}

fn tags(gathering: &mut Gathering<'_>, shape: &Shape, given: &Map) -> Result<Vec<(Number, Number)>, Invalid> {
    let mut tags = Vec::with_capacity(given.len());
    for (name, value) in given {
        let term = value_visitor::term(gathering, shape, value, ENTITY.field(name))?;
        value_visitor::Terms::field(gathering, &mut tags, &name.as_str().into(), term);
    }
    Ok(tags)
}

fn uid(kind: &ast::EntityType, id: &str) -> ast::EntityUID {
    ast::EntityUID::from_components(kind.clone(), ast::Eid::new(id), None)
}
