//! How unlikely a number is among peers: tails of the negative binomial distribution, which allows that accounts differ.

use statrs::distribution::{DiscreteCDF, NegativeBinomial};

/// No score is higher: beyond it, how far off a model is decides.
pub(super) const HIGHEST: f64 = 8.0;

/// The size of the distribution of shares: the smaller, the more accounts differ from each other.
const SIZE: f64 = 0.5;

/// A share of fewer accesses is judged as that of so many.
const FEWEST: f64 = 3.0;

/// What is expected of `of` accesses where peers have this share.
pub(super) fn expected(share: f64, of: f64) -> f64 {
    share * of.max(FEWEST)
}

/// The score of a part of `of` accesses where peers have this share.
pub(super) fn of_share(share: f64, of: f64, observed: f64) -> f64 {
    score(expected(share, of), SIZE, observed)
}

/// The score of a number where that of peers has this mean and variance.
pub(super) fn of_count(mean: f64, variance: f64, observed: f64) -> f64 {
    // A negative binomial is wider than a Poisson distribution, if only by a little.
    let beyond = (variance - mean).max(mean * 0.05);
    if beyond <= 0.0 { 0.0 } else { score(mean, mean * mean / beyond, observed) }
}

/// -log10 of the probability of at least that many.
fn score(mean: f64, size: f64, observed: f64) -> f64 {
    // Parts that reasons leave unexplained may add up to a little less than a whole.
    let Some(others) = ((observed + 1e-6).floor() as u64).checked_sub(1) else { return 0.0 };
    let Ok(distribution) = NegativeBinomial::new(size, size / (size + mean)) else { return 0.0 };
    // Logarithms differ in their last digits between machines.
    ((-distribution.sf(others).log10()).clamp(0.0, HIGHEST) * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The probability of at least `observed`, by adding up those below.
    fn by_sum(mean: f64, size: f64, observed: u64) -> f64 {
        let p = size / (size + mean);
        let mut each = p.powf(size);
        let mut below = 0.0;
        for k in 0..observed {
            below += each;
            each *= (k as f64 + size) / (k as f64 + 1.0) * (1.0 - p);
        }
        -(1.0 - below).max(1e-12).log10()
    }

    #[test]
    fn scores_are_those_of_the_sum() {
        for mean in [0.01, 0.12, 0.5, 3.0, 20.0] {
            for size in [0.5, 1.0, 7.5] {
                for observed in 0..40 {
                    let (found, wanted) = (score(mean, size, observed as f64), by_sum(mean, size, observed));
                    assert!((found - wanted.min(HIGHEST)).abs() < 1e-3, "{mean} {size} {observed}: {found} {wanted}");
                }
            }
        }
    }

    #[test]
    fn nothing_and_nobody_have_no_score() {
        assert_eq!(of_share(0.04, 10.0, 0.0), 0.0);
        assert_eq!(of_share(0.0, 0.0, 0.9), 0.0);
        assert_eq!(of_count(0.0, 0.0, 5.0), 0.0);
        assert!(of_share(0.04, 10.0, 2.0) < of_share(0.04, 10.0, 3.0));
        assert!(of_share(0.04, 10.0, 3.0) > of_share(0.04, 100.0, 3.0), "a share, and no amount");
    }
}
