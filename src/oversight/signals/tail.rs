//! How unlikely a number is among peers, who differ: tails of the beta-binomial distribution for a part of a whole, and of the negative
//! binomial distribution for a number.

use statrs::{
    distribution::{DiscreteCDF, NegativeBinomial},
    function::gamma::ln_gamma,
};

/// No score is higher: beyond it, how far off a model is decides.
pub(super) const HIGHEST: f64 = 8.0;

/// A part of fewer is judged as one of so many.
const FEWEST: f64 = 8.0;

/// A part of more is judged as the same share of so many, which bounds the work.
const LARGE: f64 = 200.0;

/// How likely it is that an account that misuses its access does so on a day.
const OFTEN: f64 = 0.9;

/// What one day tells of misuse at most: several days tell more than one that was unusual.
const DAY: f64 = 0.6;

/// What is usual of a part of a whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    /// That of peers.
    pub(super) mean: f64,
    /// How much accounts and days differ in it, from 0 to 1: the correlation within a day.
    pub(super) spread: f64,
}

impl Share {
    /// The two numbers of the beta distribution of shares.
    fn beta(self) -> (f64, f64) {
        let mean = self.mean.clamp(1e-6, 1.0 - 1e-6);
        let sum = 1.0 / self.spread.clamp(1e-3, 0.999) - 1.0;
        (mean * sum, (1.0 - mean) * sum)
    }

    /// -log10 of the probability of at least that many of so many.
    pub(super) fn score(self, of: f64, observed: f64) -> f64 {
        let observed = whole(observed);
        if observed < 1.0 {
            return 0.0;
        }
        let of = of.max(FEWEST).round().max(observed);
        let (of, observed) = if of > LARGE { (LARGE, (observed * LARGE / of).floor()) } else { (of, observed) };
        let (a, b) = self.beta();
        let beta = |a: f64, b: f64| ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
        let ways = ln_gamma(of + 1.0) - ln_gamma(observed + 1.0) - ln_gamma(of - observed + 1.0);
        let mut each = (ways + beta(observed + a, of - observed + b) - beta(a, b)).exp();
        let mut tail = each;
        let mut k = observed;
        while k < of {
            each *= (of - k) * (k + a) / ((k + 1.0) * (of - k - 1.0 + b));
            tail += each;
            k += 1.0;
        }
        rounded(-tail.log10())
    }

    /// log10 of how much likelier that many of so many is if one of them was misuse than if none was. Those of several days add up (Page
    /// 1954, cumulative sums). It is below 0 for a usual day.
    pub(super) fn likelihood_ratio(self, of: f64, observed: f64) -> f64 {
        let (observed, (a, b)) = (whole(observed), self.beta());
        let of = of.round().max(observed);
        let mut likelier = 1.0 - OFTEN;
        if observed >= 1.0 {
            // The probability of one less of one less, by that of these.
            likelier += OFTEN * observed / of * (of + a + b - 1.0) / (observed + a - 1.0);
        }
        (likelier.log10().min(DAY) * 1e3).round() / 1e3
    }
}

/// Parts that reasons leave unexplained may add up to a little less than a whole.
fn whole(observed: f64) -> f64 {
    (observed + 1e-6).floor()
}

/// Logarithms differ in their last digits between machines.
fn rounded(score: f64) -> f64 {
    (score.clamp(0.0, HIGHEST) * 1e3).round() / 1e3
}

/// The score of a number where that of peers has this mean and variance.
pub(super) fn of_count(mean: f64, variance: f64, observed: f64) -> f64 {
    // A negative binomial is wider than a Poisson distribution, if only by a little.
    let beyond = (variance - mean).max(mean * 0.05);
    if beyond <= 0.0 { 0.0 } else { score(mean, mean * mean / beyond, observed) }
}

/// -log10 of the probability of at least that many.
fn score(mean: f64, size: f64, observed: f64) -> f64 {
    let Some(others) = (whole(observed) as u64).checked_sub(1) else { return 0.0 };
    let Ok(distribution) = NegativeBinomial::new(size, size / (size + mean)) else { return 0.0 };
    rounded(-distribution.sf(others).log10())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn share(mean: f64, spread: f64) -> Share {
        Share { mean, spread }
    }

    /// The probability of each number of so many, as an urn gives it to which each ball goes back with another of its kind (Pólya 1930).
    fn by_urn(share: Share, of: usize) -> Vec<f64> {
        let (a, b) = share.beta();
        let mut each = vec![1.0];
        for drawn in 0..of {
            let mut next = vec![0.0; drawn + 2];
            for (k, probability) in each.iter().enumerate() {
                let hit = (a + k as f64) / (a + b + drawn as f64);
                next[k + 1] += probability * hit;
                next[k] += probability * (1.0 - hit);
            }
            each = next;
        }
        each
    }

    const SHARES: [Share; 5] = [share(0.02, 0.1), share(0.2, 0.15), share(0.5, 0.3), share(0.9, 0.1), share(0.7, 0.6)];

    #[test]
    fn scores_of_shares_are_those_of_an_urn() {
        for usual in SHARES {
            for of in 8..30 {
                let each = by_urn(usual, of);
                for observed in 1..=of {
                    let tail: f64 = each[observed..].iter().sum();
                    let (found, wanted) = (usual.score(of as f64, observed as f64), (-tail.log10()).min(HIGHEST));
                    assert!((found - wanted).abs() < 1e-3, "{usual:?} {observed} of {of}: {found} {wanted}");
                }
            }
        }
    }

    #[test]
    fn likelihood_ratios_are_those_of_two_urns() {
        for usual in SHARES {
            for of in 1..30 {
                let (with, without) = (by_urn(usual, of - 1), by_urn(usual, of));
                for (observed, without) in without.iter().enumerate() {
                    let misused = observed.checked_sub(1).map_or(0.0, |others| with[others]);
                    let wanted = (1.0 - OFTEN + OFTEN * misused / without).log10().min(DAY);
                    let found = usual.likelihood_ratio(of as f64, observed as f64);
                    assert!((found - wanted).abs() < 1e-3, "{usual:?} {observed} of {of}: {found} {wanted}");
                }
            }
        }
    }

    #[test]
    fn usual_days_are_evidence_against_misuse() {
        for usual in SHARES {
            for of in 1..30 {
                let each = by_urn(usual, of);
                let mean: f64 =
                    each.iter().enumerate().map(|(k, p)| p * usual.likelihood_ratio(of as f64, k as f64)).sum();
                assert!(mean < 0.0, "{usual:?} of {of}: {mean}");
            }
        }
    }

    #[test]
    fn a_day_of_very_many_is_judged_as_their_share() {
        let usual = share(0.1, 0.1);
        assert_eq!(usual.score(1e9, 5e8), usual.score(LARGE, LARGE / 2.0));
    }

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
        assert_eq!(share(0.04, 0.1).score(10.0, 0.0), 0.0);
        assert_eq!(share(0.0, 0.0).score(0.0, 0.9), 0.0);
        assert_eq!(of_count(0.0, 0.0, 5.0), 0.0);
        assert!(share(0.04, 0.1).score(10.0, 2.0) < share(0.04, 0.1).score(10.0, 3.0));
        assert!(share(0.04, 0.1).score(10.0, 3.0) > share(0.04, 0.1).score(100.0, 3.0), "a share, and no amount");
    }
}
