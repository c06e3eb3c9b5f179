//! Entities of the directory that were added, removed or changed.

use super::DirectoryChange;
use crate::snapshot::Snapshot;

/// What the directory became, ordered by id.
pub(super) fn changes(base: &Snapshot, head: &Snapshot) -> DirectoryChange {
    let mut change = DirectoryChange::default();
    for entity in head.directory.iter() {
        match base.directory.get(entity.uid()) {
            None => change.added.push(entity.uid().to_string()),
            Some(before) if !before.deep_eq(entity) => change.changed.push(entity.uid().to_string()),
            Some(_) => {}
        }
    }
    let gone = base.directory.iter().filter(|entity| head.directory.get(entity.uid()).is_none());
    change.removed.extend(gone.map(|entity| entity.uid().to_string()));
    for list in [&mut change.added, &mut change.removed, &mut change.changed] {
        list.sort();
    }
    change
}
