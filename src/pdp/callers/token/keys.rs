//! The keys of an issuer: a JSON Web Key Set (RFC 7517), of which only keys that verify allowed signatures are taken.
//!
//! A key verifies what its own type, curve and `alg` say and the configuration allows. So the header of a token chooses among
//! keys, and never what a key is used for.

use super::config::{IssuerConfig, SignedBy};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use serde::Deserialize;
use std::collections::HashMap;
use thiserror::Error;

/// The largest set that is read: sets have some kilobytes.
pub const LARGEST_JWKS: usize = 256 << 10;

/// The most keys of a set.
const MOST: usize = 64;

/// How far the clocks of poort and of the issuer may be apart, in seconds.
pub(super) const LEEWAY: i64 = 30;

/// A key, and what a token must be that it verifies.
pub(super) struct Key {
    pub(super) key: DecodingKey,
    pub(super) validation: Validation,
}

/// A key set cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unusable {
    /// It is no key set.
    #[error("it is no JSON Web Key Set: an object with a list `keys`")]
    NoSet,
    /// It is too large.
    #[error("it has more than {LARGEST_JWKS} bytes, or more than {MOST} keys")]
    TooLarge,
    /// Two keys have one id, so a token would not say which one signed it.
    #[error("two of its keys have the same `kid`")]
    Ambiguous,
    /// No key is of use.
    #[error("none of its keys has a `kid` and verifies what `algorithms` allows")]
    NoKey,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<serde_json::Value>,
}

/// The keys of a set, by their ids. Keys of other kinds are left out, as RFC 7517 asks (section 5).
pub(super) fn read(jwks: &[u8], issuer: &IssuerConfig) -> Result<HashMap<String, Key>, Unusable> {
    if jwks.len() > LARGEST_JWKS {
        return Err(Unusable::TooLarge);
    }
    let Set { keys } = serde_json::from_slice(jwks).map_err(|_| Unusable::NoSet)?;
    if keys.len() > MOST {
        return Err(Unusable::TooLarge);
    }
    let mut read = HashMap::new();
    for key in keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok()) {
        let (Some(id), algorithms) = (&key.common.key_id, algorithms(&key, &issuer.algorithms)) else { continue };
        let (Some(first), Ok(decoding)) = (algorithms.first(), DecodingKey::from_jwk(&key)) else { continue };
        let mut validation = Validation::new(*first);
        validation.algorithms.clone_from(&algorithms);
        validation.leeway = LEEWAY.unsigned_abs();
        validation.validate_nbf = true;
        validation.set_issuer(&[&issuer.issuer]);
        validation.set_audience(&[&issuer.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        if read.insert(id.clone(), Key { key: decoding, validation }).is_some() {
            return Err(Unusable::Ambiguous);
        }
    }
    if read.is_empty() { Err(Unusable::NoKey) } else { Ok(read) }
}

/// What a key verifies, of what is allowed.
fn algorithms(key: &Jwk, allowed: &[SignedBy]) -> Vec<Algorithm> {
    let common = &key.common;
    let is_for_signatures = common.public_key_use.as_ref().is_none_or(|it| *it == PublicKeyUse::Signature)
        && common.key_operations.as_ref().is_none_or(|it| it.contains(&KeyOperations::Verify));
    let possible: &[Algorithm] = match &key.algorithm {
        _ if !is_for_signatures => &[],
        AlgorithmParameters::EllipticCurve(it) if it.curve == EllipticCurve::P256 => &[Algorithm::ES256],
        AlgorithmParameters::EllipticCurve(it) if it.curve == EllipticCurve::P384 => &[Algorithm::ES384],
        AlgorithmParameters::OctetKeyPair(it) if it.curve == EllipticCurve::Ed25519 => &[Algorithm::EdDSA],
        AlgorithmParameters::RSA(_) => &[Algorithm::RS256, Algorithm::PS256],
        _ => &[],
    };
    let is_own = |it: &Algorithm| common.key_algorithm.is_none_or(|own| own == KeyAlgorithm::from(*it));
    let possible = possible.iter().copied().filter(|it| allowed.contains(&SignedBy(*it)));
    possible.filter(is_own).collect()
}
