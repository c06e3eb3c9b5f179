//! The Merkle tree of RFC 6962, section 2.1, as its compact range: the roots of the largest perfect subtrees.
//!
//! Nothing else is needed to append and to compute the root: at most 64 hashes, however many records there are.
//! Libraries for such trees keep all hashes. `node_file` keeps one in 128 of them, for proofs about single records.

use sha2::{Digest as _, Sha256};

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// The hash of a record as a leaf.
#[must_use]
pub fn leaf(record: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(record).finalize().into()
}

pub(super) fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// A tree that can be appended to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    /// One for each bit that is set in `size`, the largest first.
    range: Vec<Hash>,
}

impl Tree {
    /// The tree with this compact range. `None` when it cannot be that of a tree of this size.
    #[must_use]
    pub fn from_range(size: u64, range: Vec<Hash>) -> Option<Self> {
        let fits = usize::try_from(size.count_ones()).is_ok_and(|expected| range.len() == expected);
        fits.then_some(Self { size, range })
    }

    /// How many leaves it has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The roots of its largest perfect subtrees, from left to right.
    #[must_use]
    pub fn range(&self) -> &[Hash] {
        &self.range
    }

    /// The root of the perfect subtree of the leaves from `first` to below `end`, where it is one of the range.
    #[must_use]
    pub fn subtree(&self, first: u64, end: u64) -> Option<Hash> {
        let mut begins = 0_u64;
        for (hash, bit) in self.range.iter().zip((0..u64::BITS).rev().filter(|bit| self.size >> bit & 1 == 1)) {
            let ends = begins.checked_add(1 << bit)?;
            if (begins, ends) == (first, end) {
                return Some(*hash);
            }
            begins = ends;
        }
        None
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: Hash) {
        self.push_telling(leaf, |_, _, _| {});
    }

    /// The same, and tells each subtree above the leaf that is complete with it: its level, its index, its root.
    pub fn push_telling(&mut self, leaf: Hash, mut tell: impl FnMut(u8, u64, Hash)) {
        let mut hash = leaf;
        // Two subtrees of one size become one of twice the size, as a binary counter carries.
        for level in (1..=u8::MAX).take(self.size.trailing_ones() as usize) {
            if let Some(left) = self.range.pop() {
                hash = node(&left, &hash);
                tell(level, self.size.checked_shr(level.into()).unwrap_or(0), hash);
            }
        }
        self.range.push(hash);
        self.size = self.size.saturating_add(1);
    }

    /// The hash of the whole tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut right_to_left = self.range.iter().rev().copied();
        match right_to_left.next() {
            Some(last) => right_to_left.fold(last, |right, left| node(&left, &right)),
            None => Sha256::digest([]).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, word for word.
    fn defined(leaves: &[Vec<u8>]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [one] => leaf(one),
            several => {
                let mut split = 1;
                while 2 * split < several.len() {
                    split *= 2;
                }
                node(&defined(&several[..split]), &defined(&several[split..]))
            }
        }
    }

    fn hex(hash: &Hash) -> String {
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_root_is_what_the_rfc_defines() {
        let leaves: Vec<_> = (0..300_u32).map(|n| n.to_be_bytes()[..(n % 5) as usize].to_vec()).collect();
        let mut tree = Tree::default();
        for n in 0..leaves.len() {
            assert_eq!(tree.root(), defined(&leaves[..n]), "{n} leaves");
            assert_eq!(tree.size(), n as u64);
            tree.push(leaf(&leaves[n]));
        }
    }

    #[test]
    fn the_known_answers_of_other_implementations_come_out() {
        // The test vectors that Certificate Transparency's implementations share.
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let mut tree = Tree::default();
        assert_eq!(hex(&tree.root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        tree.push(leaf(leaves[0]));
        assert_eq!(hex(&tree.root()), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        leaves[1..].iter().for_each(|record| tree.push(leaf(record)));
        assert_eq!(hex(&tree.root()), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    }

    #[test]
    fn a_tree_goes_on_from_its_range() {
        let mut tree = Tree::default();
        for n in 0..40_u8 {
            let mut other = Tree::from_range(tree.size(), tree.range().to_vec()).unwrap();
            assert_eq!(other, tree);
            tree.push(leaf(&[n]));
            other.push(leaf(&[n]));
            assert_eq!(other.root(), tree.root());
        }
        assert_eq!(Tree::from_range(7, tree.range().to_vec()), None);
    }
}
