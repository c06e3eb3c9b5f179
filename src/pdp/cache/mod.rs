//! Verdicts that were reached before.
//!
//! What holds here: a verdict is found only under a key that is equal byte for byte, and [`CheckedQuestion::key`] holds all that
//! a verdict depends on. So a cached verdict is the one that evaluation would reach now, and a reload needs no clearing: a
//! key that nobody asks for any more ages out. A verdict that quotes the question (in an error, or as the id of an unknown
//! account) is not kept, since questions with equal keys can differ in what it quotes.
//! (`tests/it/pdp/cached.rs::a_cached_answer_is_the_fresh_one` and
//! `tests/it/pdp/cedar.rs::a_shared_answer_is_the_authorizers_for_each_question` hold this.)
//!
//! In production a sample of the hits is evaluated again. A difference is a fault of poort: the fresh verdict is the answer,
//! everything is forgotten, and the fault is in the log and in `poort.cache.rechecks`.
//!
//! Where most of what is asked is asked once, a verdict is kept at the second time (`doorkeeper`).
//!
//! It knows nothing of the engine; what to do on a miss is handed in.
//!
//! [`CheckedQuestion::key`]: crate::pdp::engine::CheckedQuestion::key

mod doorkeeper;

use crate::types::{decision::Verdict, language::Language};
use doorkeeper::Doorkeeper;
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Meter},
};
use std::{fmt, hash::RandomState, sync::Arc};

/// Configuration of the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// How much memory the entries may take, in bytes. Zero: nothing is kept.
    pub memory: u64,
    /// One in so many hits is evaluated again, to see that it is still right. Zero: none.
    pub recheck: u32,
}

impl Default for Config {
    /// 64 MiB: some 80 000 answers of usual size, which is more than a shift of a large unit asks about. One hit in 1 000
    /// is evaluated again, which costs less than a hundredth of what the hits save.
    fn default() -> Self {
        Self { memory: 64 * 1024 * 1024, recheck: 1_000 }
    }
}

/// What an entry takes besides its key and its texts: the entry itself, its slots in the hash table and in the queues that
/// choose what goes. Estimated from above.
const ENTRY: usize = 400;

type Key = Arc<[u8]>;

/// Keys hold what callers say, so nobody must be able to choose keys of one hash: the standard library's hasher, whose secret
/// is made anew in each process.
type Verdicts = moka::sync::Cache<Key, Arc<Verdict>, RandomState>;

/// The verdicts that were reached before.
pub struct Cache {
    verdicts: Verdicts,
    doorkeeper: Doorkeeper,
    is_on: bool,
    recheck: u32,
    lookups: Counter<u64>,
    rechecks: Counter<u64>,
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("entries", &self.verdicts.entry_count()).finish_non_exhaustive()
    }
}

impl Cache {
    /// An empty cache.
    #[must_use]
    pub fn new(config: &Config, meter: &Meter) -> Self {
        let verdicts =
            Verdicts::builder().max_capacity(config.memory).weigher(weight).build_with_hasher(RandomState::new());
        let observed = verdicts.clone();
        meter
            .u64_observable_gauge("poort.cache.memory")
            .with_unit("By")
            .with_description("Memory that the cached answers take, estimated.")
            .with_callback(move |gauge| gauge.observe(observed.weighted_size(), &[]))
            .build();
        let observed = verdicts.clone();
        meter
            .u64_observable_gauge("poort.cache.entries")
            .with_description("Cached answers.")
            .with_callback(move |gauge| gauge.observe(observed.entry_count(), &[]))
            .build();
        let lookups = meter
            .u64_counter("poort.cache.lookups")
            .with_description("Questions by what the cache had: hit, miss, or bypass where policies read the time.")
            .build();
        let rechecks = meter
            .u64_counter("poort.cache.rechecks")
            .with_description(
                "Hits that were evaluated again, by result: equal, or different, which is a fault of poort.",
            )
            .build();
        // An alert on a metric that is not there yet would never come.
        for result in ["equal", "different"] {
            rechecks.add(0, &[KeyValue::new("result", result)]);
        }
        for result in ["hit", "miss", "bypass"] {
            lookups.add(0, &[KeyValue::new("result", result)]);
        }
        Self {
            verdicts,
            doorkeeper: Doorkeeper::new(),
            is_on: config.memory > 0,
            recheck: config.recheck,
            lookups,
            rechecks,
        }
    }

    /// The verdict under this key, and whether it was there; without a key, or if it was not, the one that `decide` makes.
    ///
    /// # Errors
    /// That of `decide`; nothing is kept then.
    pub fn verdict<E>(
        &self,
        key: Option<&Arc<[u8]>>,
        decide: impl FnOnce() -> Result<Verdict, E>,
    ) -> Result<(Arc<Verdict>, bool), E> {
        let Some(key) = key else {
            self.lookups.add(1, &[KeyValue::new("result", "bypass")]);
            return Ok((Arc::new(decide()?), false));
        };
        if let Some(verdict) = self.verdicts.get(key) {
            self.lookups.add(1, &[KeyValue::new("result", "hit")]);
            if self.recheck > 0 && rand::random_ratio(1, self.recheck) {
                return self.recheck(verdict, decide);
            }
            return Ok((verdict, true));
        }
        self.lookups.add(1, &[KeyValue::new("result", "miss")]);
        let verdict = Arc::new(decide()?);
        if self.is_on && verdict.errors.is_empty() && verdict.unknown().is_none() && self.doorkeeper.admits(key) {
            self.verdicts.insert(key.clone(), verdict.clone());
        }
        Ok((verdict, false))
    }

    fn recheck<E>(
        &self,
        known: Arc<Verdict>,
        decide: impl FnOnce() -> Result<Verdict, E>,
    ) -> Result<(Arc<Verdict>, bool), E> {
        let fresh = decide();
        let is_equal = fresh.as_ref().is_ok_and(|fresh| *fresh == *known);
        let result = if is_equal { "equal" } else { "different" };
        self.rechecks.add(1, &[KeyValue::new("result", result)]);
        if is_equal {
            return Ok((known, true));
        }
        tracing::error!(
            cached = known.reason(Language::English),
            fresh = fresh.as_ref().map_or("a refusal".to_owned(), |fresh| fresh.reason(Language::English)),
            "A cached answer is not the one that the policies give. This is a fault of poort; please report it. The cache is \
             emptied, and the fresh answer is given."
        );
        self.verdicts.invalidate_all();
        fresh.map(|fresh| (Arc::new(fresh), false))
    }

    /// Memory that the entries take, in bytes, estimated.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.verdicts.run_pending_tasks();
        self.verdicts.weighted_size()
    }
}

/// What an entry takes, in bytes.
fn weight(key: &Key, verdict: &Arc<Verdict>) -> u32 {
    let bytes = ENTRY + key.len() + 8 * verdict.policies.len();
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::decision::{Cause, Decision, ErrorKind, EvaluationError, Party, PolicyFacts};
    use std::convert::Infallible;

    fn verdict(policy: &str) -> Result<Verdict, Infallible> {
        let facts = PolicyFacts { id: policy.to_owned(), ..PolicyFacts::default() };
        let policies = vec![Arc::new(facts)];
        Ok(Verdict { decision: Decision::Allow, policies, errors: vec![], cause: Cause::Policies })
    }

    fn policy(verdict: &Verdict) -> &str {
        &verdict.policies[0].id
    }

    fn cache(memory: u64) -> Cache {
        Cache::new(&Config { memory, recheck: 0 }, &opentelemetry::global::meter("test"))
    }

    #[test]
    fn only_an_equal_key_finds_a_verdict_and_no_key_finds_none() {
        let cache = cache(1 << 20);
        let key: Arc<[u8]> = Arc::from(b"one".as_slice());
        assert!(!cache.verdict(Some(&key), || verdict("first")).unwrap().1);
        let (found, hit) = cache.verdict(Some(&key), || verdict("second")).unwrap();
        assert!(hit);
        assert_eq!(policy(&found), "first");
        assert!(!cache.verdict(Some(&Arc::from(b"on".as_slice())), || verdict("other")).unwrap().1);
        assert!(!cache.verdict(None, || verdict("now")).unwrap().1);
    }

    #[test]
    fn a_verdict_that_quotes_the_question_is_not_kept() {
        let error = EvaluationError { policy: "p".into(), kind: ErrorKind::Overflow, message: "User::\"a\"".into() };
        let failed = Verdict { errors: vec![error], ..verdict("failed").unwrap() };
        let unknown =
            Verdict { cause: Cause::Unknown { party: Party::Subject, uid: None }, ..verdict("unknown").unwrap() };
        for quoting in [failed, unknown] {
            let cache = cache(1 << 20);
            let key: Arc<[u8]> = Arc::from(b"one".as_slice());
            assert!(!cache.verdict(Some(&key), || Ok::<_, Infallible>(quoting)).unwrap().1);
            let (found, hit) = cache.verdict(Some(&key), || verdict("second")).unwrap();
            assert!(!hit);
            assert_eq!(policy(&found), "second");
        }
    }

    #[test]
    fn a_hit_that_is_not_the_fresh_verdict_is_not_given_and_everything_is_forgotten() {
        let config = Config { memory: 1 << 20, recheck: 1 };
        let cache = Cache::new(&config, &opentelemetry::global::meter("test"));
        let keys: [Arc<[u8]>; 2] = [Arc::from(b"one".as_slice()), Arc::from(b"two".as_slice())];
        for key in &keys {
            cache.verdict(Some(key), || verdict("first")).unwrap();
        }
        let (found, hit) = cache.verdict(keys.first(), || verdict("first")).unwrap();
        assert!(hit && policy(&found) == "first");
        let (found, hit) = cache.verdict(keys.first(), || verdict("second")).unwrap();
        assert!(!hit && policy(&found) == "second");
        assert!(!cache.verdict(keys.last(), || verdict("first")).unwrap().1);
        // A question that does not fit is refused, whatever is cached.
        assert_eq!(cache.verdict(keys.last(), || Err("unfit")).unwrap_err(), "unfit");
    }

    #[test]
    fn memory_stays_within_its_bound() {
        let cache = cache(100_000);
        for number in 0_u32..5_000 {
            let key: Arc<[u8]> = Arc::from(number.to_le_bytes().as_slice());
            cache.verdict(Some(&key), || verdict("because")).unwrap();
        }
        assert!(cache.memory() <= 100_000, "{} bytes", cache.memory());
    }
}
