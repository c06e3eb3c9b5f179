//! What `tests/it/api/tokens.rs` cannot wait for: keys that grow old, and tokens that end while they are remembered.

use super::*;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::json;

const CLIENT: &str = "desk";

/// A key with its id.
struct Pair(&'static str, EcdsaKeyPair);

impl Pair {
    fn new(kid: &'static str) -> Self {
        let (random, kind) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        Self(kid, EcdsaKeyPair::from_pkcs8(kind, pkcs8.as_ref(), &random).unwrap())
    }

    fn jwk(&self) -> Value {
        let (x, y) = self.1.public_key().as_ref()[1..].split_at(32);
        let [x, y] = [x, y].map(|part| URL_SAFE_NO_PAD.encode(part));
        json!({"kty": "EC", "crv": "P-256", "kid": self.0, "x": x, "y": y})
    }

    fn signs(&self, claims: &Value) -> GivenToken {
        let header = json!({"alg": "ES256", "kid": self.0});
        let [header, claims] = [&header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signature = self.1.sign(&SystemRandom::new(), format!("{header}.{claims}").as_bytes()).unwrap();
        let token = format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode(signature));
        GivenToken::of([Some(token.as_str())].into_iter()).unwrap()
    }
}

fn issuer(algorithms: &[&str]) -> IssuerConfig {
    IssuerConfig {
        issuer: "https://idp.politie.example".to_owned(),
        audience: "poort".to_owned(),
        algorithms: algorithms.iter().map(|name| name.parse().unwrap()).collect(),
        subject: "sub".to_owned(),
        kind: "Officer".to_owned(),
        jwks: Jwks::File("jwks.json".into()),
    }
}

fn tokens() -> Tokens {
    let issuers = BTreeMap::from([("police".to_owned(), issuer(&["ES256"]))]);
    Tokens::new(&issuers, &opentelemetry::global::meter("test"))
}

fn set(keys: &[Value]) -> Vec<u8> {
    json!({"keys": keys}).to_string().into_bytes()
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// The claims of a token that ends in `ends` seconds.
fn claims(ends: i64) -> Value {
    json!({"iss": "https://idp.politie.example", "aud": ["poort"], "azp": CLIENT, "sub": "officer-0007", "exp": now() + ends})
}

#[test]
fn what_is_remembered_ends_with_its_token() {
    let (tokens, pair) = (tokens(), Pair::new("a"));
    tokens.issuers()[0].take(&set(&[pair.jwk()])).unwrap();
    let (given, start) = (pair.signs(&claims(100)), now());
    for after in [0, 100, 129] {
        assert_eq!(tokens.verify_at(&given, CLIENT, start + after).unwrap().id, "officer-0007");
    }
    assert_eq!(tokens.verify_at(&given, CLIENT, start + 135).unwrap_err(), TokenFault::Expired);
}

#[test]
fn what_is_remembered_ends_with_its_key() {
    let (tokens, pair, next) = (tokens(), Pair::new("a"), Pair::new("b"));
    let issuer = &tokens.issuers()[0];
    assert_eq!(issuer.take(&set(&[pair.jwk()])), Ok(true));
    let given = pair.signs(&claims(1000));
    assert!(tokens.verify(&given, CLIENT).is_ok());
    // The same set again changes nothing; one that cannot be read neither.
    assert_eq!(issuer.take(&set(&[pair.jwk()])), Ok(false));
    assert_eq!(issuer.take(b"{}"), Err(Unusable::NoSet));
    assert!(tokens.verify(&given, CLIENT).is_ok());
    assert_eq!(issuer.take(&set(&[next.jwk()])), Ok(true));
    assert_eq!(tokens.verify(&given, CLIENT).unwrap_err(), TokenFault::UnknownKey);
    // Another key under the same id.
    assert_eq!(issuer.take(&set(&[Pair::new("a").jwk()])), Ok(true));
    assert_eq!(tokens.verify(&given, CLIENT).unwrap_err(), TokenFault::Signature);
    // An issuer that publishes no key of use has withdrawn all of them.
    issuer.take(&set(&[pair.jwk()])).unwrap();
    assert!(tokens.verify(&given, CLIENT).is_ok());
    for _ in 0..2 {
        assert_eq!(issuer.take(&set(&[])), Err(Unusable::NoKey));
        assert_eq!(tokens.verify(&given, CLIENT).unwrap_err(), TokenFault::UnknownKey);
    }
    assert_eq!(issuer.take(&set(&[pair.jwk()])), Ok(true));
    assert!(tokens.verify(&given, CLIENT).is_ok());
}

#[test]
fn the_issuer_that_signed_says_why() {
    let config =
        |issuer: &str| IssuerConfig { issuer: format!("https://{issuer}.example"), ..self::issuer(&["ES256"]) };
    let issuers = BTreeMap::from(["a", "b"].map(|name| (name.to_owned(), config(name))));
    let tokens = Tokens::new(&issuers, &opentelemetry::global::meter("test"));
    let [a, b] = tokens.issuers() else { panic!("two issuers") };
    // Both have a key of this name.
    let pairs = [Pair::new("k"), Pair::new("k")];
    let given = |pair: &Pair, issuer: &str, ends: i64| {
        let mut claims = claims(ends);
        claims["iss"] = format!("https://{issuer}.example").into();
        pair.signs(&claims)
    };
    let fault = |given: &GivenToken| tokens.verify(given, CLIENT).err();
    let check = |one: usize, name: &str, ends, expected| {
        assert_eq!(fault(&given(&pairs[one], name, ends)), expected, "{name}");
    };
    a.take(&set(&[pairs[0].jwk()])).unwrap();
    // The other's keys were never read.
    check(0, "a", 100, None);
    check(0, "a", -100, Some(TokenFault::Expired));
    check(1, "b", 100, Some(TokenFault::StaleKeys));
    b.take(&set(&[pairs[1].jwk()])).unwrap();
    for (one, name) in ["a", "b"].into_iter().enumerate() {
        check(one, name, 100, None);
        check(one, name, -100, Some(TokenFault::Expired));
        check(1 - one, name, 100, Some(TokenFault::Issuer));
        assert_eq!(fault(&given(&Pair::new("k"), name, 100)), Some(TokenFault::Signature));
        assert_eq!(fault(&given(&Pair::new("other"), name, 100)), Some(TokenFault::UnknownKey));
    }
}

#[test]
fn claims_have_bounds() {
    let (tokens, pair) = (tokens(), Pair::new("a"));
    tokens.issuers()[0].take(&set(&[pair.jwk()])).unwrap();
    let fault = |claim: &str, value: Value| {
        let mut claims = claims(1000);
        claims[claim] = value;
        tokens.verify(&pair.signs(&claims), CLIENT).err()
    };
    let long = |length| Value::from("x".repeat(length));
    for claim in ["sub", "acr"] {
        assert_eq!(fault(claim, long(255)), None, "{claim}");
        assert_eq!(fault(claim, long(256)), Some(TokenFault::Unreadable), "{claim}");
    }
    assert_eq!(fault("azp", long(256)), Some(TokenFault::Unreadable));
    assert_eq!(fault("amr", vec![long(64); 16].into()), None);
    assert_eq!(fault("amr", vec![long(64); 17].into()), Some(TokenFault::Unreadable));
    assert_eq!(fault("amr", vec![long(65)].into()), Some(TokenFault::Unreadable));
}

#[test]
fn what_is_remembered_is_one_applications() {
    let (tokens, pair) = (tokens(), Pair::new("a"));
    tokens.issuers()[0].take(&set(&[pair.jwk()])).unwrap();
    let given = pair.signs(&claims(1000));
    assert!(tokens.verify(&given, CLIENT).is_ok());
    assert_eq!(tokens.verify(&given, "other").unwrap_err(), TokenFault::Application);
    assert!(tokens.verify(&given, CLIENT).is_ok());
}

#[test]
fn keys_that_are_too_old_verify_nothing() {
    let (tokens, pair) = (tokens(), Pair::new("a"));
    let (given, start, issuer) = (pair.signs(&claims(100_000)), now(), &tokens.issuers()[0]);
    let fault = |at: i64| tokens.verify_at(&given, CLIENT, at).err();
    assert_eq!(fault(start), Some(TokenFault::StaleKeys), "never read");
    issuer.take_at(&set(&[pair.jwk()]), start).unwrap();
    assert_eq!(fault(start), None);
    assert_eq!(fault(start + OLDEST), None);
    assert_eq!(fault(start + OLDEST + 1), Some(TokenFault::StaleKeys), "remembered or not");
    assert_eq!(fault(start - LEEWAY - 1), Some(TokenFault::StaleKeys), "the clock was set back");
    // What cannot be used makes them no younger, and the same set does.
    issuer.take_at(b"{}", start + OLDEST).unwrap_err();
    assert_eq!(fault(start + OLDEST + 1), Some(TokenFault::StaleKeys));
    issuer.take_at(&set(&[pair.jwk()]), start + OLDEST).unwrap();
    assert_eq!(fault(start + OLDEST + 1), None);
}

#[test]
fn only_keys_that_verify_what_is_allowed_are_taken() {
    let (pair, other) = (Pair::new("a"), Pair::new("b"));
    let changed = |change: Value| {
        let mut key = pair.jwk();
        key.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        key
    };
    let read = |keys: &[Value], algorithms: &[&str]| keys::read(&set(keys), &issuer(algorithms)).map(|keys| keys.len());
    let odd = [
        changed(json!({"use": "enc"})),
        changed(json!({"key_ops": ["sign"]})),
        changed(json!({"alg": "ES384"})),
        changed(json!({"alg": "HS256"})),
        changed(json!({"crv": "P-384"})),
        changed(json!({"kid": null})),
        changed(json!({"kty": "future"})),
        json!({"kty": "oct", "kid": "a", "k": "c2VjcmV0"}),
        json!("no key"),
    ];
    for key in &odd {
        assert_eq!(read(std::slice::from_ref(key), &["ES256"]), Err(Unusable::NoKey), "{key}");
    }
    // Beside others they are left out.
    assert_eq!(read(&[&odd[..], &[other.jwk()]].concat(), &["ES256"]), Ok(1));
    assert_eq!(read(&[pair.jwk()], &["EdDSA", "PS256"]), Err(Unusable::NoKey));
    assert_eq!(read(&[changed(json!({"use": "sig", "alg": "ES256", "key_ops": ["verify"]}))], &["ES256"]), Ok(1));
    assert_eq!(read(&[pair.jwk(), changed(json!({}))], &["ES256"]), Err(Unusable::Ambiguous));
    assert_eq!(read(&vec![pair.jwk(); 65], &["ES256"]), Err(Unusable::TooLarge));
    let large = [&set(&[pair.jwk()])[..], &[b' '; LARGEST_JWKS]].concat();
    assert_eq!(keys::read(&large, &issuer(&["ES256"])).err(), Some(Unusable::TooLarge));
    for name in ["HS256", "none", "es256", ""] {
        assert!(name.parse::<SignedBy>().is_err(), "{name}");
    }
}

#[test]
fn no_text_shows_a_token() {
    let given = Pair::new("a").signs(&claims(1000));
    assert_eq!(format!("{given:?}"), "GivenToken");
    for fault in TokenFault::ALL {
        assert!(fault.names().0.eq_ignore_ascii_case(fault.names().1));
    }
}
