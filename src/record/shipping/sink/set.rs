//! Security Event Tokens (RFC 8417) for signals of atypical use: CAEP's `risk-level-change`, signed with RS256.
//!
//! The subject is the account's pseudonym (RFC 9493, `opaque`): who may know the account asks for it (`poort signals reveal`). A
//! token names its record in `jti` and has that record's time, so what is sent again is the same, byte by byte.

#![expect(clippy::indexing_slicing, reason = "a JSON value gives null for a name that it does not have")]

use super::{super::config::Push, SetupError};
use crate::record::evidence::secret_file;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair},
};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The event (CAEP 1.0, section 3.9).
const RISK_LEVEL_CHANGE: &str = "https://schemas.openid.net/secevent/caep/event-type/risk-level-change";

/// Signs tokens.
#[derive(Debug)]
pub(super) struct Signer {
    key: RsaKeyPair,
    /// The thumbprint of the public key (RFC 7638).
    kid: String,
    issuer: String,
    audience: String,
}

impl Signer {
    /// Reads the key: RSA of 2048 bits or more, as PKCS#8 in PEM.
    pub(super) fn new(to: &Push) -> Result<Self, SetupError> {
        let wrong = |error: &dyn std::fmt::Display| SetupError::file(&to.key)(error);
        let text = secret_file::read(&to.key, "the key of tokens").map_err(|error| wrong(&error))?;
        let pem = PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes()).map_err(|error| wrong(&error))?;
        let key = RsaKeyPair::from_pkcs8(pem.secret_pkcs8_der()).map_err(|error| {
            wrong(&format!(
                "{error}; it has to be an RSA key of 2048 bits or more, as `openssl genpkey -algorithm RSA` makes it"
            ))
        })?;
        let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(key.public_key());
        let thumbprint = format!(
            "{{\"e\":\"{}\",\"kty\":\"RSA\",\"n\":\"{}\"}}",
            URL_SAFE_NO_PAD.encode(e),
            URL_SAFE_NO_PAD.encode(n)
        );
        let kid = URL_SAFE_NO_PAD.encode(Sha256::digest(thumbprint));
        Ok(Self { key, kid, issuer: to.issuer.clone(), audience: to.audience.clone() })
    }

    /// The token of the record of a signal. `None`: it changes no level of risk.
    pub(super) fn token(&self, record: &str, name: &str) -> Result<Option<String>, String> {
        let record: Value = serde_json::from_str(record).map_err(|error| error.to_string())?;
        let signal = &record["body"]["poort.signal"];
        let Some((before, now)) = levels(signal).filter(|_| signal["account"].is_string()) else { return Ok(None) };
        let seconds = |time: &Value| time.as_i64().unwrap_or_default().div_euclid(1_000);
        let mut event = json!({
            "principal": "USER",
            "current_level": now,
            "risk_reason": signal["family"],
            "event_timestamp": seconds(&signal["time"]),
            "initiating_entity": if signal["change"] == "closed" { "admin" } else { "policy" },
            "reason_admin": signal["sentence"],
        });
        if let Some(before) = before {
            event["previous_level"] = before.into();
        }
        let claims = json!({
            "iss": self.issuer,
            "aud": self.audience,
            "iat": seconds(&record["timestamp"]),
            "jti": name,
            "txn": signal["id"],
            "sub_id": {"format": "opaque", "id": signal["account"]},
            "events": {RISK_LEVEL_CHANGE: event},
        });
        let header = json!({"typ": "secevent+jwt", "alg": "RS256", "kid": self.kid});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| "the token cannot be signed".to_owned())?;
        Ok(Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }
}

/// The levels of risk before and now. `None`: it is not told. A score below 3 is on one day what one account in 1 000 has by chance, and
/// no reason to act.
pub(super) fn levels(signal: &Value) -> Option<(Option<&'static str>, &'static str)> {
    let of_score = match signal["score"].as_f64().unwrap_or_default() {
        score if score < 3.0 => return None,
        score if score < 6.0 => "MEDIUM",
        _ => "HIGH",
    };
    match signal["change"].as_str()? {
        "opened" => Some((Some("LOW"), of_score)),
        "raised" => Some((None, of_score)),
        "closed" if signal["verdict"] == "misuse" => None,
        "closed" | "faded" => Some((Some(of_score), "LOW")),
        _ => None,
    }
}
