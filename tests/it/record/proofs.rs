//! Inclusion and consistency proofs, against RFC 6962's definitions and a verifier that shares no code with poort's.

use poort::record::evidence::{
    Hash, Nodes, leaf,
    proof::{self, includes, is_consistent},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use sha2::{Digest as _, Sha256};
use std::io;

/// Random histories, each with a proof of both kinds, and with every way to spoil them.
const HISTORIES: usize = 10_000;

#[test]
fn proofs_verify_when_true_and_never_when_changed() {
    let seed = rand::random();
    let mut random = StdRng::seed_from_u64(seed);
    for history in 0..HISTORIES {
        let size = if history % 50 == 0 { random.random_range(1..600) } else { random.random_range(1..40) };
        let log = Log((0..size).map(|_| leaf(&random.random::<[u8; 8]>())).collect());
        let (index, old) = (random.random_range(0..size), random.random_range(1..=size));
        let what = format!("seed {seed}, history {history}: leaf {index}, {old} of {size}");
        included(&log, index, &mut random, &what);
        consistent(&log, old, &mut random, &what);
    }
}

fn included(log: &Log, index: usize, random: &mut StdRng, what: &str) {
    let (size, root, own) = (log.0.len(), defined::root(&log.0), log.0[index]);
    let path = proof::inclusion(log, index as u64, size as u64).unwrap();
    assert_eq!(path, defined::path(index, &log.0), "{what}");
    let both = |path: &[Hash], index: usize, own: Hash, size: usize, root: Hash| {
        let said = includes(path, index as u64, own, size as u64, root);
        assert_eq!(said, independent::includes(path, index, own, size, root), "{what}");
        said
    };
    assert!(both(&path, index, own, size, root), "{what}");
    for path in spoiled(&path, random) {
        assert!(!both(&path, index, own, size, root), "{what}");
    }
    assert!(!both(&path, index, own, size, flipped(root, random)), "{what}");
    assert!(!both(&path, index, flipped(own, random), size, root), "{what}");
    let other = random.random_range(0..size + 2);
    assert!(other == index || !both(&path, other, own, size, root), "{what}");
}

fn consistent(log: &Log, old: usize, random: &mut StdRng, what: &str) {
    let (size, root, before) = (log.0.len(), defined::root(&log.0), defined::root(&log.0[..old]));
    let proof = proof::consistency(log, old as u64, size as u64).unwrap();
    assert_eq!(proof, defined::consistency(old, &log.0), "{what}");
    let both = |proof: &[Hash], old: usize, before: Hash, root: Hash| {
        let said = is_consistent(proof, (old as u64, before), (size as u64, root));
        assert_eq!(said, independent::is_consistent(proof, old, before, size, root), "{what}: {old}");
        said
    };
    assert!(both(&proof, old, before, root), "{what}");
    for proof in spoiled(&proof, random) {
        assert!(!both(&proof, old, before, root), "{what}");
    }
    assert!(!both(&proof, old, flipped(before, random), root), "{what}");
    assert!(!both(&proof, old, before, flipped(root, random)), "{what}");
    // A log that was forked below the old size.
    let mut fork = log.0.clone();
    fork[random.random_range(0..old)] = [7; 32];
    let forged = proof::consistency(&Log(fork.clone()), old as u64, size as u64).unwrap();
    assert!(!both(&forged, old, before, defined::root(&fork)), "{what}");
}

#[test]
fn the_empty_tree_is_the_beginning_of_every_tree() {
    let (empty, root) = (defined::root(&[]), leaf(b"one"));
    assert!(is_consistent(&[], (0, empty), (1, root)) && is_consistent(&[], (0, empty), (0, empty)));
    assert!(!is_consistent(&[root], (0, empty), (1, root)) && !is_consistent(&[], (0, root), (1, root)));
    assert!(!is_consistent(&[], (2, root), (1, root)) && !includes(&[], 0, empty, 0, empty));
}

/// A log as its leaves.
struct Log(Vec<Hash>);

impl Nodes for Log {
    fn node(&self, level: u8, index: u64) -> io::Result<Hash> {
        let first = (index as usize) << level;
        Ok(defined::root(&self.0[first..first + (1 << level)]))
    }
}

fn flipped(mut hash: Hash, random: &mut StdRng) -> Hash {
    hash[random.random_range(0..32)] ^= 1 << random.random_range(0..8);
    hash
}

/// A proof with a bit that flipped, without one of its hashes, with one more, and with two that changed places.
fn spoiled(proof: &[Hash], random: &mut StdRng) -> Vec<Vec<Hash>> {
    let mut all = vec![[proof, &[[1; 32]]].concat()];
    if !proof.is_empty() {
        let at = random.random_range(0..proof.len());
        let mut bit = proof.to_vec();
        bit[at] = flipped(bit[at], random);
        let mut without = proof.to_vec();
        without.remove(at);
        all.extend([bit, without]);
    }
    if proof.len() > 1 {
        let mut changed = proof.to_vec();
        changed.swap(0, proof.len() - 1);
        all.push(changed);
    }
    all
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// RFC 6962, sections 2.1 to 2.1.2, word for word.
mod defined {
    use super::{Hash, node};
    use sha2::{Digest as _, Sha256};

    fn split(n: usize) -> usize {
        n.next_power_of_two() / 2
    }

    pub(super) fn root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [one] => *one,
            several => {
                let (left, right) = several.split_at(split(several.len()));
                node(&root(left), &root(right))
            }
        }
    }

    pub(super) fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let k = split(leaves.len());
        let (left, right) = leaves.split_at(k);
        let (mut path, beside) =
            if index < k { (path(index, left), root(right)) } else { (path(index - k, right), root(left)) };
        path.push(beside);
        path
    }

    pub(super) fn consistency(old: usize, leaves: &[Hash]) -> Vec<Hash> {
        subproof(old, leaves, true)
    }

    fn subproof(old: usize, leaves: &[Hash], is_whole: bool) -> Vec<Hash> {
        if old == leaves.len() {
            return if is_whole { Vec::new() } else { vec![root(leaves)] };
        }
        let k = split(leaves.len());
        let (left, right) = leaves.split_at(k);
        let (mut proof, beside) = if old <= k {
            (subproof(old, left, is_whole), root(right))
        } else {
            (subproof(old - k, right, false), root(left))
        };
        proof.push(beside);
        proof
    }
}

/// RFC 9162, sections 2.1.3.2 and 2.1.4.2: the same proofs verified by counting, not by recursion.
mod independent {
    use super::{Hash, node};

    pub(super) fn includes(path: &[Hash], index: usize, leaf: Hash, size: usize, root: Hash) -> bool {
        if index >= size {
            return false;
        }
        let (mut at, mut last, mut hash) = (index, size - 1, leaf);
        for beside in path {
            if last == 0 {
                return false;
            }
            if at & 1 == 1 || at == last {
                hash = node(beside, &hash);
                while at & 1 == 0 && at != 0 {
                    (at, last) = (at >> 1, last >> 1);
                }
            } else {
                hash = node(&hash, beside);
            }
            (at, last) = (at >> 1, last >> 1);
        }
        last == 0 && hash == root
    }

    pub(super) fn is_consistent(proof: &[Hash], old: usize, old_root: Hash, size: usize, root: Hash) -> bool {
        if old == size {
            return proof.is_empty() && old_root == root;
        }
        let mut hashes = proof.iter().copied();
        let first = if old.is_power_of_two() { Some(old_root) } else { hashes.next() };
        let Some(first) = first else { return false };
        let (mut at, mut last) = (old - 1, size - 1);
        while at & 1 == 1 {
            (at, last) = (at >> 1, last >> 1);
        }
        let (mut before, mut after) = (first, first);
        for beside in hashes {
            if last == 0 {
                return false;
            }
            if at & 1 == 1 || at == last {
                (before, after) = (node(&beside, &before), node(&beside, &after));
                while at & 1 == 0 && at != 0 {
                    (at, last) = (at >> 1, last >> 1);
                }
            } else {
                after = node(&after, &beside);
            }
            (at, last) = (at >> 1, last >> 1);
        }
        last == 0 && before == old_root && after == root && (!proof.is_empty())
    }
}
