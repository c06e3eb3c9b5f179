//! Bytes from outside that went wrong: valid ones with bits flipped, parts cut, doubled, swapped in from others or overwritten.
//!
//! `POORT_FUZZ_CASES` says how many cases a target gets, for a longer run by hand; `POORT_FUZZ_SEED` repeats a run that failed.

use std::{env, thread};

/// How many cases a target gets where nothing else is said.
const CASES: u64 = 2000;

/// Gives `target` the seeds as they are, and then cases made of them. A target fails by a panic.
pub fn mutate(name: &str, seeds: &[Vec<u8>], mut target: impl FnMut(&[u8])) {
    let number = |variable: &str| env::var(variable).ok().map(|text| text.parse::<u64>().unwrap());
    let seed = number("POORT_FUZZ_SEED").unwrap_or_else(rand::random);
    let mut random = Random(seed);
    let mut told = Told { name, seed, case: Vec::new() };
    for bytes in seeds {
        told.case.clone_from(bytes);
        target(bytes);
    }
    for _ in 0..number("POORT_FUZZ_CASES").unwrap_or(CASES) {
        told.case = random.mutated(seeds);
        target(&told.case);
    }
}

/// Says which case failed, and how it is made again.
struct Told<'a> {
    name: &'a str,
    seed: u64,
    case: Vec<u8>,
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let Self { name, seed, case } = self;
            #[expect(clippy::print_stderr, reason = "the case is what whoever reads of a failure needs")]
            let () = eprintln!("{name}: POORT_FUZZ_SEED={seed}, {} bytes: {}", case.len(), case.escape_ascii());
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers for the same seed, whatever version a library has.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % (bound.max(1) as u64)).unwrap()
    }

    /// A part of these bytes, which may be empty.
    fn part<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (one, other) = (self.below(bytes.len() + 1), self.below(bytes.len() + 1));
        &bytes[one.min(other)..one.max(other)]
    }

    fn mutated(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            match self.below(7) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 if at < bytes.len() => bytes[at] = [0, 0xff, 0x80, b'"', b'{', b'\n', b'\\', b'9'][self.below(8)],
                2 => bytes.truncate(at),
                3 => {
                    let end = (at + self.below(64)).min(bytes.len());
                    bytes.drain(at..end);
                }
                4 => {
                    let part = self.part(&bytes).to_vec();
                    bytes.splice(at..at, part);
                }
                5 => {
                    let other = &seeds[self.below(seeds.len())];
                    let part = self.part(other).to_vec();
                    bytes.splice(at..at, part);
                }
                _ => {
                    // A number or a length, read as the largest or as none.
                    let fill = [0, 0xff, 0x7f][self.below(3)];
                    let end = (at + 1 + self.below(8)).min(bytes.len());
                    bytes[at..end].fill(fill);
                }
            }
        }
        bytes
    }
}
