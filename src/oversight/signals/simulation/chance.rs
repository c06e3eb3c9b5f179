//! Chance from a seed: the same seed draws the same.
//!
//! Poisson and gamma distributions are a few lines here, since their numbers are small and gamma's shapes whole: `statrs` draws with an
//! older `rand`, and `rand_distr` would be one crate more for these two.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// What is drawn.
#[derive(Debug)]
pub(super) struct Chance(StdRng);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// From 0 to below 1.
    pub(super) fn share(&mut self) -> f64 {
        self.0.random()
    }

    pub(super) fn happens(&mut self, share: f64) -> bool {
        self.share() < share
    }

    /// A number below this one, or 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end.max(1))
    }

    /// One of these.
    pub(super) fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    /// An exponential distribution.
    pub(super) fn exponential(&mut self, mean: f64) -> f64 {
        -(1.0 - self.share()).ln() * mean
    }

    /// A gamma distribution with mean 1, as a sum of exponential ones.
    pub(super) fn gamma(&mut self, shape: u32) -> f64 {
        (0..shape).map(|_| self.exponential(1.0)).sum::<f64>() / f64::from(shape)
    }

    /// A Poisson distribution: how many exponential times fit.
    pub(super) fn poisson(&mut self, mean: f64) -> u32 {
        let mut passed = self.exponential(1.0);
        let mut number = 0;
        while passed < mean {
            passed += self.exponential(1.0);
            number += 1;
        }
        number
    }

    /// From 0 to below 1, always the same for a number and a question about it (SplitMix64).
    pub(super) fn of(number: u64, question: u64) -> f64 {
        let mut mixed =
            number.wrapping_add(question.wrapping_mul(0xd1b5_4a32_d192_ed03)).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distributions_have_their_means_and_variances() {
        let mut chance = Chance::new(1);
        let mut check = |mean: f64, variance: f64, draw: &dyn Fn(&mut Chance) -> f64| {
            let drawn: Vec<_> = (0..20_000).map(|_| draw(&mut chance)).collect();
            let found = drawn.iter().sum::<f64>() / 20_000.0;
            let spread = drawn.iter().map(|it| (it - found).powi(2)).sum::<f64>() / 20_000.0;
            assert!((found / mean - 1.0).abs() < 0.05 && (spread / variance - 1.0).abs() < 0.1, "{found} {spread}");
        };
        check(1.0, 1.0 / 3.0, &|chance| chance.gamma(3));
        check(8.0, 8.0, &|chance| f64::from(chance.poisson(8.0)));
        check(0.5, 1.0 / 12.0, &|chance| Chance::of(chance.below(usize::MAX) as u64, 3));
    }
}
