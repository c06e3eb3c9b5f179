//! Choices: a list of random numbers that a generator reads from left to right.
//!
//! What a generator makes is a function of the list alone, so proptest can shrink the list and with it what was made: a
//! smaller number is an earlier choice, and generators have their simplest choice first.

use proptest::{
    collection::vec,
    prelude::any,
    strategy::Strategy,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use std::fmt;

/// Reads choices. After the last number, every choice is the first one.
pub struct Tape<'n> {
    numbers: &'n [u32],
}

impl Tape<'_> {
    fn next(&mut self) -> u32 {
        let Some((first, rest)) = self.numbers.split_first() else { return 0 };
        self.numbers = rest;
        *first
    }

    /// A number from zero to `n - 1`.
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from((u64::from(self.next()) * n as u64) >> 32).unwrap()
    }

    /// True one time in `n`.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    /// Some of these, in their order, each with even odds.
    pub fn some<T: Clone>(&mut self, from: &[T]) -> Vec<T> {
        from.iter().filter(|_| self.below(2) == 1).cloned().collect()
    }

    /// Another order of these.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, last - self.below(last + 1));
        }
    }
}

/// A list of choices. What it makes tells more than the numbers, so these are not shown.
#[derive(Clone)]
pub struct Numbers(Vec<u32>);

impl Numbers {
    pub fn tape(&self) -> Tape<'_> {
        Tape { numbers: &self.0 }
    }
}

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} choices", self.0.len())
    }
}

/// Lists of up to this many numbers.
pub fn numbers(most: usize) -> impl Strategy<Value = Numbers> {
    vec(any::<u32>(), most / 2..=most).prop_map(Numbers)
}

/// This many cases, or as many as `PROPTEST_CASES` says. A failure shows its shrunk input and writes no file.
pub fn cases(usual: u32) -> Config {
    let config = Config::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { config.cases } else { usual };
    Config { cases, failure_persistence: None, max_shrink_iters: 300, ..config }
}

/// A runner whose cases are the same in every run, unless `PROPTEST_CASES` asks for so many others.
pub fn usual(usual: u32) -> TestRunner {
    if std::env::var_os("PROPTEST_CASES").is_some() { TestRunner::new(cases(usual)) } else { fixed(usual) }
}

/// A runner whose cases are the same in every run.
pub fn fixed(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]))
}
