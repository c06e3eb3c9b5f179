//! Adds a system to the files of a directory: to the register, and to profiles. Their form stays as it is.

use super::{NewSystem, Piece};
use crate::sources::directory::Sources;
use serde_json::{Value, value::RawValue};
use std::{collections::BTreeMap, path::PathBuf};

/// All entities of a directory; those of a file that is no list of entities are left out.
pub(super) fn entities(directory: &Sources) -> Vec<Value> {
    directory.files().flat_map(|file| serde_json::from_str::<Vec<Value>>(&file.text).unwrap_or_default()).collect()
}

/// Puts the system into the register of systems.
pub(super) fn register(directory: &Sources, pieces: &mut Vec<Piece>, system: &NewSystem) -> Result<(), String> {
    let NewSystem { name, owner, assessment, assessed_until, .. } = system;
    let make = |kind: &str, _: &str| {
        let namespace = kind.strip_suffix("::ProcessingRegister")?;
        Some(format!(
            r#"{{"owner": {{"type": "{namespace}::Unit", "id": "{owner}"}}, "dpia": "{assessment}", "dpia_until": "{assessed_until}"}}"#
        ))
    };
    if tag(directory, pieces, "its entry in the register of systems", name, make).is_some() {
        return Ok(());
    }
    Err("the directory has no register of systems (an entity of type `ProcessingRegister` with `tags`)".to_owned())
}

/// Puts an authorisation for the system into a profile.
pub(super) fn authorise(
    directory: &Sources,
    pieces: &mut Vec<Piece>,
    profile: &str,
    system: &NewSystem,
    namespace: &str,
) -> Result<(), String> {
    let operation = |name: &str| format!(r#"{{"type": "{namespace}::Action", "id": "{name}"}}"#);
    let operations = ["consult", "collect", "alter"].map(operation).join(", ");
    let value = format!(r#"{{"operations": [{operations}], "tasks": ["{}"], "level": 2}}"#, system.purpose);
    let is_profile = |kind: &str, id: &str| kind == format!("{namespace}::Profile") && id == profile;
    let make = |kind: &str, id: &str| is_profile(kind, id).then(|| value.clone());
    let text = tag(directory, pieces, "its authorisation in a profile", &system.name, make).ok_or_else(|| {
        format!("--profile: the directory has no profile `{profile}` with `tags`; a new one needs \"tags\": {{}}")
    })?;
    next_version(text, is_profile);
    Ok(())
}

/// An entity as it is written: each value is a part of the text.
type Written<'t> = BTreeMap<String, &'t RawValue>;

fn written(text: &str) -> Vec<Written<'_>> {
    serde_json::from_str(text).unwrap_or_default()
}

fn uid(entity: &Written<'_>) -> Option<(String, String)> {
    let uid: BTreeMap<String, String> = serde_json::from_str(entity.get("uid")?.get()).ok()?;
    Some((uid.get("type")?.clone(), uid.get("id")?.clone()))
}

fn start(text: &str, part: &RawValue) -> usize {
    part.get().as_ptr().addr().saturating_sub(text.as_ptr().addr())
}

/// Gives the first entity that is meant a tag behind its others. Returns the text of its file, as it is in the pieces then.
fn tag<'p>(
    directory: &Sources,
    pieces: &'p mut Vec<Piece>,
    what: &'static str,
    name: &str,
    value: impl Fn(&str, &str) -> Option<String>,
) -> Option<&'p mut String> {
    let (path, text) = directory.files().find_map(|file| {
        let path = PathBuf::from(&*file.name);
        // A piece before may have changed it.
        let text = pieces.iter().find(|piece| piece.path == path).map_or(&*file.text, |piece| &piece.text);
        let (value, tags) = written(text).iter().find_map(|entity| {
            let (kind, id) = uid(entity)?;
            Some((value(&kind, &id)?, *entity.get("tags")?))
        })?;
        let inside = tags.get().strip_suffix('}')?.trim_end();
        let comma = if inside.ends_with('{') { "" } else { "," };
        let mut changed = text.to_owned();
        changed.insert_str(start(text, tags) + inside.len(), &format!("{comma}\n      \"{name}\": {value}"));
        Some((path, changed))
    })?;
    let at = pieces.iter().position(|piece| piece.path == path).unwrap_or_else(|| {
        pieces.push(Piece { path, what: Vec::new(), text: String::new() });
        pieces.len() - 1
    });
    let piece = pieces.get_mut(at)?;
    if !piece.what.contains(&what) {
        piece.what.push(what);
    }
    piece.text = text;
    Some(&mut piece.text)
}

/// Gives an entity its next version.
fn next_version(text: &mut String, is_meant: impl Fn(&str, &str) -> bool) {
    let place = written(text).iter().find_map(|entity| {
        uid(entity).filter(|(kind, id)| is_meant(kind, id))?;
        let attributes: Written<'_> = serde_json::from_str(entity.get("attrs")?.get()).ok()?;
        let version = attributes.get("version")?;
        let next = version.get().parse::<i64>().ok()?.checked_add(1)?;
        let at = start(text, version);
        Some((at..at + version.get().len(), next))
    });
    if let Some((place, next)) = place {
        text.replace_range(place, &next.to_string());
    }
}
