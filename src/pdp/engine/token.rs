//! The subject's own token as policies see it, `context.pdp.token`, and as cache keys have it.

use super::{key::Key, values::Make};
use crate::{
    sources::policy::{
        Extension, TokenShape,
        value_visitor::{Invalid, Terms as _},
    },
    types::{evaluation::Path, moment::TokenClaims},
};
use cedar_policy_core::ast;
use smol_str::SmolStr;

/// What the schema declares of it. A token without any of these is a record without members, and no token is none.
pub(super) fn value(declared: TokenShape, claims: &TokenClaims, path: Path<'_>) -> Result<ast::Value, Invalid> {
    let TokenClaims { acr, amr, auth_time } = claims;
    let mut members = Vec::with_capacity(3);
    if let (true, Some(acr)) = (declared.acr, acr) {
        members.push((SmolStr::new_static("acr"), ast::Value::from(acr.as_str())));
    }
    if let (true, Some(amr)) = (declared.amr, amr) {
        let methods = amr.iter().map(|method| ast::Value::from(method.as_str()));
        members.push((SmolStr::new_static("amr"), ast::Value::set(methods, None)));
    }
    if let (true, Some(auth_time)) = (declared.auth_time, auth_time) {
        members.push((SmolStr::new_static("auth_time"), Make.extension(Extension::Datetime, auth_time, path)?));
    }
    Ok(ast::Value::record(members, None))
}

/// All that [`value`] makes a value of.
pub(super) fn add_to_key(key: &mut Key<'_>, declared: TokenShape, claims: Option<&TokenClaims>) {
    key.tag(u8::from(claims.is_some()));
    let Some(TokenClaims { acr, amr, auth_time }) = claims else { return };
    for (is_declared, claim) in [(declared.acr, acr), (declared.auth_time, auth_time)] {
        let claim = claim.as_deref().filter(|_| is_declared);
        key.tag(u8::from(claim.is_some()));
        key.name(claim.unwrap_or_default());
    }
    let amr = amr.as_ref().filter(|_| declared.amr);
    key.tag(u8::from(amr.is_some()));
    key.number(amr.map_or(0, |amr| amr.len() as u64));
    amr.into_iter().flatten().for_each(|method| key.name(method));
}
