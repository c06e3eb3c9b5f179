//! The claims of a token that its issuer signed: about whom, for which application, and what policies see.

use super::{config::IssuerConfig, fault::TokenFault, keys::LEEWAY};
use crate::types::moment::{TokenClaims, moment_text};
use serde_json::{Map, Value};
use std::{collections::BTreeSet, sync::Arc};

/// The longest text of a claim, in bytes: what OpenID Connect allows for `sub` (Core 1.0, section 2).
const LONGEST: usize = 255;

/// The most methods of `amr`, and the longest name of one: those of RFC 8176 have 3 to 5 letters.
const METHODS: usize = 16;
const LONGEST_METHOD: usize = 64;

/// A token that was verified.
#[derive(Debug)]
pub struct Verified {
    /// The application that it was given to.
    pub(super) client: String,
    /// The type of the account, as the configuration has it.
    pub(super) kind: String,
    /// Its id.
    pub(super) id: String,
    /// The last second in which it holds.
    pub(super) until: i64,
    /// Of which issuer, and of which of its key sets.
    pub(super) keys: (usize, u64),
    /// What policies see.
    pub claims: Arc<TokenClaims>,
}

/// Reads what the library has verified: signature, `iss`, `aud`, `exp` and `nbf`.
pub(super) fn read(
    claims: &Map<String, Value>,
    issuer: &IssuerConfig,
    keys: (usize, u64),
    now: i64,
) -> Result<Verified, TokenFault> {
    let given = |name: &str| claims.get(name).filter(|value| !value.is_null());
    let text = |name: &str| match given(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.len() <= LONGEST => Ok(Some(text.clone())),
        Some(_) => Err(TokenFault::Unreadable),
    };
    // The library takes a list of issuers for each of them. OpenID Connect has one.
    if text("iss")?.as_ref() != Some(&issuer.issuer) {
        return Err(TokenFault::Issuer);
    }
    let (authorized, client) = (text("azp")?, text("client_id")?);
    let client = match (authorized, client) {
        (Some(one), Some(other)) if one != other => return Err(TokenFault::Application),
        (one, other) => one.or(other).ok_or(TokenFault::Application)?,
    };
    let id = text(&issuer.subject)?.filter(|id| !id.is_empty()).ok_or(TokenFault::Account)?;
    let amr = match given("amr") {
        None => None,
        Some(Value::Array(methods)) if methods.len() <= METHODS => {
            let name = |it: &Value| it.as_str().filter(|name| name.len() <= LONGEST_METHOD).map(str::to_owned);
            Some(methods.iter().map(name).collect::<Option<BTreeSet<_>>>().ok_or(TokenFault::Unreadable)?)
        }
        Some(_) => return Err(TokenFault::Unreadable),
    };
    let until = given("exp").and_then(seconds).ok_or(TokenFault::Unreadable)?.saturating_add(LEEWAY);
    if now > until {
        return Err(TokenFault::Expired);
    }
    let auth_time = given("auth_time").map(|it| moment(it, now)).transpose()?;
    Ok(Verified {
        client,
        kind: issuer.kind.clone(),
        id,
        until,
        keys,
        claims: Arc::new(TokenClaims { acr: text("acr")?, amr, auth_time }),
    })
}

/// A moment that was, in seconds, as policies see it.
fn moment(given: &Value, now: i64) -> Result<String, TokenFault> {
    let seconds = seconds(given).filter(|it| (0..=now.saturating_add(LEEWAY)).contains(it));
    let moment = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    moment.map(moment_text).ok_or(TokenFault::Unreadable)
}

/// Seconds since 1970, which can be a fraction (RFC 7519, section 2).
#[expect(clippy::cast_possible_truncation, reason = "it saturates")]
fn seconds(given: &Value) -> Option<i64> {
    given.as_i64().or_else(|| given.as_f64().map(|it| it.floor() as i64))
}
