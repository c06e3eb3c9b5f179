//! The subject's own token: an application asks in the name of the account that its identity provider says is there.
//!
//! What holds here:
//! - A token counts only for the application that it was given to, and for questions about its own account.
//! - What verifies a token is a key that its issuer publishes now, and read at most an hour ago.
//! - A token that was verified before is one of the same bytes, and is checked against the clock and the keys again.
//! - Nobody sees the token but this room: no record, no log and no error has it.
//!
//! - `config`: whose tokens are believed
//! - `keys`: the keys of an issuer
//! - `provider`: the signatures, verified by ring
//! - `claims`: what a verified token says
//! - `fault`: why a token does not count

mod claims;
mod config;
mod fault;
mod keys;
mod provider;
#[cfg(test)]
mod tests;

pub use claims::Verified;
pub use config::{IssuerConfig, Jwks, SignedBy};
pub use fault::TokenFault;
pub use keys::{LARGEST_JWKS, Unusable};

use crate::{sources::snapshot::Snapshot, types::evaluation::Entity};
use arc_swap::ArcSwap;
use jsonwebtoken::{decode, decode_header};
use keys::{Key, LEEWAY};
use moka::sync::Cache;
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Meter},
};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};
use tokio::sync::Notify;

/// The longest token: those of usual identity providers have 1 to 3 KiB.
const LONGEST: usize = 8 << 10;

/// How many verified tokens are remembered: some hundred bytes each, so 10 MB at most.
const REMEMBERED: u64 = 20_000;

/// What became of the reading of keys, in metrics.
const READ: &str = "read";
const FAILED: &str = "failed";

/// For how long keys verify after they were last read, in seconds.
const OLDEST: i64 = 3600;

/// A token as a call carries it: it is read nowhere else, and never shown.
#[derive(Clone)]
pub struct GivenToken(Option<Box<str>>);

impl GivenToken {
    /// The token of these values of a header. `None`: there is no value.
    pub fn of<'v>(mut values: impl Iterator<Item = Option<&'v str>>) -> Option<Self> {
        let first = values.next()?;
        Some(Self(first.filter(|_| values.next().is_none()).map(Into::into)))
    }
}

impl fmt::Debug for GivenToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GivenToken")
    }
}

/// Verifies subjects' own tokens.
#[derive(Debug)]
pub struct Tokens {
    issuers: Vec<Issuer>,
    /// By the digest of the whole token: nothing less says that it is the same.
    verified: Cache<[u8; 32], Arc<Verified>>,
    refused: Counter<u64>,
}

/// An issuer, with its keys as they were last read.
#[derive(Debug)]
pub struct Issuer {
    /// Its name in the configuration.
    pub name: String,
    /// What its tokens must be.
    pub config: IssuerConfig,
    keys: ArcSwap<Keys>,
    /// When they were read, in seconds since 1970.
    read: AtomicI64,
    wanted: Notify,
    reads: Counter<u64>,
}

#[derive(Default)]
struct Keys {
    by_id: HashMap<String, Key>,
    /// What they were read from, and how many sets came before.
    digest: [u8; 32],
    number: u64,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_id.keys()).finish()
    }
}

impl Tokens {
    /// Verifies tokens of these issuers, by their names. Their keys are still to be read.
    #[must_use]
    pub fn new(issuers: &BTreeMap<String, IssuerConfig>, meter: &Meter) -> Self {
        provider::install();
        let reads = meter
            .u64_counter("poort.issuers.reads")
            .with_description("How often issuers' keys were read, by issuer and result.")
            .build();
        for (name, result) in issuers.keys().flat_map(|name| [(name, READ), (name, FAILED)]) {
            reads.add(0, &[KeyValue::new("issuer", name.clone()), KeyValue::new("result", result)]);
        }
        let refused = meter
            .u64_counter("poort.tokens.refused")
            .with_description(
                "Questions whose token does not let the application ask, by reason; items of batches one by one.",
            )
            .build();
        TokenFault::ALL.iter().for_each(|fault| refused.add(0, &[KeyValue::new("reason", fault.names().1)]));
        let issuers = issuers.iter().map(|(name, config)| Issuer {
            name: name.clone(),
            config: config.clone(),
            keys: ArcSwap::default(),
            read: AtomicI64::new(i64::MIN),
            wanted: Notify::new(),
            reads: reads.clone(),
        });
        Self { issuers: issuers.collect(), verified: Cache::new(REMEMBERED), refused }
    }

    /// The issuers.
    #[must_use]
    pub fn issuers(&self) -> &[Issuer] {
        &self.issuers
    }

    /// The token, verified, if it was given to the application with this client id.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn verify(&self, given: &GivenToken, client: &str) -> Result<Arc<Verified>, TokenFault> {
        self.verify_at(given, client, jiff::Timestamp::now().as_second())
    }

    fn verify_at(&self, GivenToken(given): &GivenToken, client: &str, now: i64) -> Result<Arc<Verified>, TokenFault> {
        let token = given.as_deref().filter(|token| token.len() <= LONGEST).ok_or(TokenFault::Unreadable)?;
        let digest = Sha256::digest(token).into();
        let verified = match self.verified.get(&digest).filter(|verified| self.still_holds(verified, now)) {
            Some(verified) => verified,
            None => {
                let verified = Arc::new(self.verify_fresh(token, now)?);
                self.verified.insert(digest, verified.clone());
                verified
            }
        };
        if verified.client == client { Ok(verified) } else { Err(TokenFault::Application) }
    }

    /// Whether what was verified before would be verified again.
    fn still_holds(&self, verified: &Verified, now: i64) -> bool {
        let (index, number) = verified.keys;
        let issuer = self.issuers.get(index);
        now <= verified.until && issuer.is_some_and(|it| !it.is_stale(now) && it.keys.load().number == number)
    }

    fn verify_fresh(&self, token: &str, now: i64) -> Result<Verified, TokenFault> {
        let header = decode_header(token).map_err(|_| TokenFault::Unreadable)?;
        // A token of another purpose, such as a logout token, says so (RFC 8725, section 3.11).
        let typ = header.typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
        if !typ.is_none_or(|typ| ["JWT", "at+jwt"].iter().any(|known| known.eq_ignore_ascii_case(typ))) {
            return Err(TokenFault::Unreadable);
        }
        let kid = header.kid.ok_or(TokenFault::Unreadable)?;
        // Two issuers may use one `kid`. The one that signed it says most; then one whose keys nobody knows, which may have.
        let rank = |fault| match fault {
            TokenFault::UnknownKey => 0,
            TokenFault::Signature => 1,
            TokenFault::StaleKeys => 2,
            _ => 3,
        };
        let mut fault = TokenFault::UnknownKey;
        for (index, issuer) in self.issuers.iter().enumerate() {
            let keys = issuer.keys.load();
            let found = if issuer.is_stale(now) {
                TokenFault::StaleKeys
            } else if let Some(Key { key, validation }) = keys.by_id.get(&kid) {
                match decode::<Map<String, Value>>(token, key, validation) {
                    Ok(data) => return claims::read(&data.claims, &issuer.config, (index, keys.number), now),
                    Err(error) => TokenFault::of(error.kind()),
                }
            } else {
                continue;
            };
            if rank(found) > rank(fault) {
                fault = found;
            }
        }
        if matches!(fault, TokenFault::UnknownKey | TokenFault::StaleKeys) {
            self.issuers.iter().for_each(|issuer| issuer.wanted.notify_one());
        }
        Err(fault)
    }

    /// Counts a question that a token does not let the application ask.
    pub fn count(&self, fault: TokenFault) {
        self.refused.add(1, &[KeyValue::new("reason", fault.names().1)]);
    }
}

impl Issuer {
    /// Takes its keys from a key set that was read now. Says whether they are others than before.
    ///
    /// # Errors
    /// The set cannot be used. The keys before it go on until they are too old, unless it is a set without a key of use.
    pub fn take(&self, jwks: &[u8]) -> Result<bool, Unusable> {
        self.take_at(jwks, jiff::Timestamp::now().as_second())
    }

    fn take_at(&self, jwks: &[u8], now: i64) -> Result<bool, Unusable> {
        let (before, digest) = (self.keys.load(), Sha256::digest(jwks).into());
        let is_other = before.digest != digest;
        if is_other {
            let number = before.number + 1;
            let by_id = keys::read(jwks, &self.config).inspect_err(|error| {
                // It publishes none of use, so those before are withdrawn, and what is known of it is new.
                if *error == Unusable::NoKey {
                    self.keys.store(Arc::new(Keys { number, ..Keys::default() }));
                    self.read.store(now, Ordering::Release);
                }
            })?;
            self.keys.store(Arc::new(Keys { by_id, digest, number }));
        }
        self.read.store(now, Ordering::Release);
        self.count(READ);
        Ok(is_other)
    }

    /// Counts keys that could not be read or used.
    pub fn count_failure(&self) {
        self.count(FAILED);
    }

    fn count(&self, result: &'static str) {
        self.reads.add(1, &[KeyValue::new("issuer", self.name.clone()), KeyValue::new("result", result)]);
    }

    /// Waits until a token names a key that is not there, or the keys are too old.
    pub async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// Also where the clock was set back: nobody knows how old they are then.
    fn is_stale(&self, now: i64) -> bool {
        let read = self.read.load(Ordering::Acquire);
        !(read.saturating_sub(LEEWAY)..=read.saturating_add(OLDEST)).contains(&now)
    }
}

impl Verified {
    /// Whether the subject of a question is the account of the token.
    ///
    /// # Errors
    /// It is another.
    pub fn check_subject(&self, snapshot: &Snapshot, subject: &Entity) -> Result<(), TokenFault> {
        let model = &snapshot.policies.model;
        let is_own = match (model.entity(&self.kind), model.entity(&subject.kind)) {
            (Ok(own), Ok(asked)) => own.name == asked.name && self.id == subject.id,
            _ => false,
        };
        if is_own { Ok(()) } else { Err(TokenFault::Account) }
    }
}
