//! The chain of versions: which of the bundles that are there follows the active one.
//!
//! Each manifest names the digest of the one before it. What is skipped was never activated here, such as a version that this
//! poort could not use; it must be there all the same, signed, so that two histories never pass for one.

use super::{
    refusal::{Code, Refusal},
    verified::{Bundle, Verified},
};
use crate::types::revision::Revision;
use std::{collections::BTreeMap, sync::Arc};

/// A place in the chain: the version that nothing older may replace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Floor {
    /// The version.
    pub version: u64,
    /// The digest of its manifest.
    pub digest: Revision,
}

impl From<&Verified> for Floor {
    fn from(bundle: &Verified) -> Self {
        Self { version: bundle.manifest().version, digest: bundle.digest().clone() }
    }
}

impl From<&Bundle> for Floor {
    fn from(bundle: &Bundle) -> Self {
        Self { version: bundle.manifest().version, digest: bundle.digest() }
    }
}

/// What may become active.
#[derive(Debug, Default)]
pub struct Choice {
    /// What follows the floor without a gap, the newest first.
    pub newer: Vec<Arc<Verified>>,
    /// The bundle at the floor itself.
    pub same: Option<Arc<Verified>>,
    /// What is refused.
    pub refused: Vec<(Arc<Verified>, Refusal)>,
}

/// Chooses among verified bundles. `at_least` is the lowest version that the configuration allows. Without a floor nothing was
/// active here yet, and the newest may be.
#[must_use]
pub fn choose(floor: Option<&Floor>, at_least: u64, bundles: impl IntoIterator<Item = Arc<Verified>>) -> Choice {
    let mut versions = BTreeMap::<u64, BTreeMap<Revision, Arc<Verified>>>::new();
    for bundle in bundles {
        let same = versions.entry(bundle.manifest().version).or_default().entry(bundle.digest().clone());
        let signers = |bundle: &Verified| bundle.tally().signers.len();
        // Of copies, the one with more signatures outlives the removal of a person.
        same.and_modify(|known| {
            if signers(&bundle) > signers(known) {
                *known = bundle.clone();
            }
        })
        .or_insert(bundle);
    }
    let mut choice = Choice::default();
    let has_newer = versions.range(floor.map_or(0, |floor| floor.version)..).next_back().is_some();
    let mut last = floor.cloned();
    for (version, found) in versions {
        for bundle in found.values() {
            let refusal = match &last {
                Some(floor) if floor.digest == *bundle.digest() => {
                    choice.same = Some(bundle.clone());
                    continue;
                }
                // Old files may lie in the folder, beside newer ones.
                Some(floor) if version < floor.version && has_newer => continue,
                Some(floor) => follows(bundle, floor),
                None => Ok(()),
            };
            let refusal = refusal.and_then(|()| match found.len() {
                1 => Ok(()),
                _ => Err(fork(bundle, "another bundle with this version is signed too")),
            });
            match refusal {
                Ok(()) => choice.newer.push(bundle.clone()),
                Err(refusal) => choice.refused.push((bundle.clone(), refusal)),
            }
        }
        if let Some(next) = choice.newer.last().filter(|next| next.manifest().version == version) {
            last = floor.is_some().then(|| Floor::from(&**next));
        }
    }
    let (newer, low): (Vec<_>, Vec<_>) =
        choice.newer.into_iter().rev().partition(|bundle| bundle.manifest().version >= at_least);
    choice.newer = newer;
    // Where a newer one is allowed, these are its links.
    if choice.newer.is_empty() {
        let low = low.into_iter().map(|bundle| {
            let refusal = below(&bundle, at_least);
            (bundle, refusal)
        });
        choice.refused.extend(low);
    }
    if let Some(same) = choice.same.take_if(|same| same.manifest().version < at_least) {
        let refusal = below(&same, at_least);
        choice.refused.push((same, refusal));
    }
    choice
}

fn follows(bundle: &Verified, floor: &Floor) -> Result<(), Refusal> {
    let Floor { version: last, digest } = floor;
    let (version, previous) = (bundle.manifest().version, bundle.manifest().previous.as_deref());
    match last.checked_add(1) {
        Some(next) if version == next && previous == Some(digest.as_str()) => Ok(()),
        Some(next) if version == next => {
            Err(fork(bundle, &format!("it follows another version {last} than the one here")))
        }
        Some(next) if version > next => {
            let message =
                format!("it is version {version}, and version {next} is missing after {last}; bring that too");
            Err(Refusal::new(Code::Version, message))
        }
        _ if version == *last => Err(fork(bundle, "the active bundle of this version is another")),
        _ => Err(Refusal::new(
            Code::Version,
            format!("it is version {version}, older than the active version {last}; to go back, sign a new version"),
        )),
    }
}

fn fork(bundle: &Verified, what: &str) -> Refusal {
    let message = format!("two histories: version {} ({}): {what}", bundle.manifest().version, bundle.digest().short());
    Refusal::new(Code::Fork, message)
}

fn below(bundle: &Verified, at_least: u64) -> Refusal {
    let version = bundle.manifest().version;
    Refusal::new(Code::Version, format!("it is version {version}, and `bundle.at_least` is {at_least}"))
}
