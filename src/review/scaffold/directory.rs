//! Adds a system to the files of a directory: to the register, and to profiles. Their form stays as it is.

use super::{NewSystem, Piece};
use crate::sources::directory::Sources;
use serde_json::{Value, json, value::RawValue};
use std::{collections::BTreeMap, path::PathBuf};

/// All entities of a directory; those of a file that is no list of entities are left out.
pub(super) fn entities(directory: &Sources) -> Vec<Value> {
    directory.files().flat_map(|file| serde_json::from_str::<Vec<Value>>(&file.text).unwrap_or_default()).collect()
}

/// The file with the register of systems, with this one in it.
pub(super) fn registered(directory: &Sources, system: &NewSystem) -> Result<Piece, String> {
    let NewSystem { name, owner, assessment, assessed_until, .. } = system;
    let make = |kind: &str| {
        let namespace = kind.strip_suffix("::ProcessingRegister")?;
        Some(json!({
            "owner": {"type": format!("{namespace}::Unit"), "id": owner},
            "dpia": assessment,
            "dpia_until": assessed_until.to_string(),
        }))
    };
    let what = "its entry in the register of systems";
    with_tag(directory, what, name, |kind, _| make(kind))
        .ok_or_else(|| "the directory has no register of systems (an entity of type `ProcessingRegister`)".to_owned())
}

/// The file with a profile, with an authorisation for this system in it.
pub(super) fn authorised(
    directory: &Sources,
    profile: &str,
    system: &NewSystem,
    namespace: &str,
) -> Result<Piece, String> {
    let operation = |name: &str| json!({"type": format!("{namespace}::Action"), "id": name});
    let value = json!({
        "operations": [operation("consult"), operation("collect"), operation("alter")],
        "tasks": [system.purpose],
        "level": 2,
    });
    let is_profile = |kind: &str, id: &str| kind == format!("{namespace}::Profile") && id == profile;
    let piece = with_tag(directory, "its authorisation in a profile", &system.name, |kind, id| {
        is_profile(kind, id).then(|| value.clone())
    });
    let Piece { path, what, text } =
        piece.ok_or_else(|| format!("--profile: the directory has no profile `{profile}`"))?;
    Ok(Piece { path, what, text: next_version(text, |kind, id| is_profile(kind, id)) })
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

/// The first file with an entity that gets a tag, with that tag behind its others.
fn with_tag(
    directory: &Sources,
    what: &'static str,
    name: &str,
    value: impl Fn(&str, &str) -> Option<Value>,
) -> Option<Piece> {
    directory.files().find_map(|file| {
        let (value, tags) = written(&file.text).iter().find_map(|entity| {
            let (kind, id) = uid(entity)?;
            Some((value(&kind, &id)?, *entity.get("tags")?))
        })?;
        let inside = tags.get().strip_suffix('}')?.trim_end();
        let comma = if inside.ends_with('{') { "" } else { "," };
        let mut text = file.text.to_string();
        text.insert_str(
            start(&file.text, tags) + inside.len(),
            &format!("{comma}\n      \"{name}\": {}", spaced(&value)),
        );
        Some(Piece { path: PathBuf::from(&*file.name), what, text })
    })
}

/// JSON on one line, as people write it. No value in it has a quotation mark or a comma before one.
fn spaced(value: &Value) -> String {
    value.to_string().replace("\":", "\": ").replace(",\"", ", \"").replace("},{", "}, {")
}

/// The text with the next version of an entity.
fn next_version(text: String, is_meant: impl Fn(&str, &str) -> bool) -> String {
    let place = written(&text).iter().find_map(|entity| {
        uid(entity).filter(|(kind, id)| is_meant(kind, id))?;
        let attributes: Written<'_> = serde_json::from_str(entity.get("attrs")?.get()).ok()?;
        let version = attributes.get("version")?;
        let next = version.get().parse::<i64>().ok()?.checked_add(1)?;
        let at = start(&text, version);
        Some((at..at + version.get().len(), next))
    });
    let mut text = text;
    if let Some((place, next)) = place {
        text.replace_range(place, &next.to_string());
    }
    text
}
