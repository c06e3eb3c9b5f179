//! Any change of a signed bundle is refused: of its bytes, of the texts in it, and of what its manifest says.

use super::*;
use crate::sources::bundle::archive;
use proptest::{prelude::*, sample::Index};

#[derive(Debug, Clone)]
enum Change {
    Byte(Index, u8),
    Insert(Index, Vec<u8>),
    Delete(Index, usize),
    /// Moves a stretch of bytes elsewhere.
    Move(Index, usize, Index),
    /// Whole blocks of an archive, twice.
    Repeat(Index, usize),
    /// A byte of a member, in an archive that is well formed.
    Text(Index, Index, char),
    DropMember(Index),
    CopyMember(Index, Index),
    RenameMember(Index, String),
    SwapMembers(Index, Index),
    /// A member of the manifest has another value.
    Manifest(Index, serde_json::Value),
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<Index>;
    let value = prop_oneof![
        any::<u64>().prop_map(serde_json::Value::from),
        any::<bool>().prop_map(serde_json::Value::from),
        "\\PC{0,20}".prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
        Just(serde_json::json!([])),
        Just(serde_json::json!("2030-01-01T00:00:00Z")),
        (1_u64..99).prop_map(serde_json::Value::from),
    ];
    prop_oneof![
        (index(), any::<u8>()).prop_map(|(at, to)| Change::Byte(at, to)),
        (index(), proptest::collection::vec(any::<u8>(), 1..600)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (index(), 1_usize..1200).prop_map(|(at, length)| Change::Delete(at, length)),
        (index(), 1_usize..1200, index()).prop_map(|(at, length, to)| Change::Move(at, length, to)),
        (index(), 1_usize..5).prop_map(|(at, blocks)| Change::Repeat(at, blocks)),
        (index(), index(), any::<char>()).prop_map(|(member, at, to)| Change::Text(member, at, to)),
        index().prop_map(Change::DropMember),
        (index(), index()).prop_map(|(from, to)| Change::CopyMember(from, to)),
        (index(), "(files|signatures|review)/[a-zA-Z0-9._/-]{1,20}")
            .prop_map(|(at, name)| Change::RenameMember(at, name)),
        (index(), index()).prop_map(|(one, other)| Change::SwapMembers(one, other)),
        (index(), value).prop_map(|(at, value)| Change::Manifest(at, value)),
    ]
}

/// `None`: this change leads to nothing that could be an archive.
fn changed(bytes: &[u8], change: Change) -> Option<Vec<u8>> {
    let mut members = archive::read(bytes).ok()?;
    let names: Vec<_> = members.keys().cloned().collect();
    let mut out = bytes.to_vec();
    match change {
        Change::Byte(at, to) => out[at.index(bytes.len())] = to,
        Change::Insert(at, bytes) => drop(out.splice(at.index(bytes.len())..at.index(bytes.len()), bytes)),
        Change::Delete(at, length) => {
            let start = at.index(bytes.len());
            out.drain(start..(start + length).min(bytes.len()));
        }
        Change::Move(at, length, to) => {
            let start = at.index(bytes.len());
            let moved: Vec<_> = out.drain(start..(start + length).min(bytes.len())).collect();
            let to = to.index(out.len() + 1);
            out.splice(to..to, moved);
        }
        Change::Repeat(at, blocks) => {
            let start = at.index(bytes.len() / 512) * 512;
            let again = out[start..(start + blocks * 512).min(bytes.len())].to_vec();
            out.splice(start..start, again);
        }
        Change::Text(member, at, to) => {
            let text = members.get_mut(&names[member.index(names.len())])?;
            let mut characters: Vec<_> = text.chars().collect();
            let at = at.index(characters.len().max(1));
            *characters.get_mut(at)? = to;
            *text = characters.into_iter().collect();
            out = archive::write(&members).ok()?;
        }
        Change::DropMember(at) => {
            members.remove(&names[at.index(names.len())]);
            out = archive::write(&members).ok()?;
        }
        Change::CopyMember(from, to) => {
            let text = members[&names[from.index(names.len())]].clone();
            members.insert(names[to.index(names.len())].clone(), text);
            out = archive::write(&members).ok()?;
        }
        Change::RenameMember(at, name) => {
            let text = members.remove(&names[at.index(names.len())])?;
            members.insert(name, text);
            out = archive::write(&members).ok()?;
        }
        Change::SwapMembers(one, other) => {
            let (one, other) = (&names[one.index(names.len())], &names[other.index(names.len())]);
            let (text, instead) = (members[one].clone(), members[other].clone());
            members.extend([(one.clone(), instead), (other.clone(), text)]);
            out = archive::write(&members).ok()?;
        }
        Change::Manifest(at, value) => {
            let mut manifest: serde_json::Map<_, _> = serde_json::from_str(members.get("manifest.json")?).ok()?;
            let mut fields: Vec<_> = manifest.keys().cloned().collect();
            fields.extend(["not_before", "rollback"].map(str::to_owned));
            manifest.insert(fields[at.index(fields.len())].clone(), value);
            members.insert("manifest.json".to_owned(), serde_json_canonicalizer::to_string(&manifest).ok()?);
            out = archive::write(&members).ok()?;
        }
    }
    Some(out)
}

/// How many cases: more in nightly runs.
fn cases() -> u32 {
    std::env::var("POORT_BUNDLE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(4_000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]
    #[test]
    fn no_change_of_a_signed_bundle_is_accepted(changes in proptest::collection::vec(change(), 1..3)) {
        static ORIGINAL: LazyLock<Vec<u8>> = LazyLock::new(|| signed(next(), &[ANNA, gijs(TOUCHED)]));
        let original = &*ORIGINAL;
        let mut bytes = original.clone();
        for change in changes {
            match changed(&bytes, change) {
                Some(after) => bytes = after,
                None => break,
            }
        }
        if let Ok(bundle) = judge(&bytes) {
            prop_assert_eq!(&bytes, original, "accepted: {:?}", bundle.manifest());
        }
    }
}
