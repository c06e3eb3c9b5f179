//! The parts of a decision, each by itself: `cargo bench --bench parts`.
//!
//! Each part is checked before it is timed. Figures are those of one thread; `threads` has what a second one adds.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench: it prints, and stops where something is not as it should be"
)]

mod inside;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use divan::{Bencher, black_box};
use inside::{Desk, question, question_with};
use poort::{
    pdp::{
        cache::{self, Cache},
        callers::{
            self,
            token::{GivenToken, IssuerConfig, Jwks, TokenFault, Tokens},
        },
    },
    sources::{directory, policy::Policies},
    types::{
        authzen,
        decision::{Answer, Cause, Decision, Verdict},
    },
};
use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::json;
use std::{
    convert::Infallible,
    fmt::Write as _,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let moment = SHIPPED.clock.now();
    for (level, allowed) in [(3, true), (4, false)] {
        assert_eq!(SHIPPED.fresh(&question(level), &moment).decision.is_allow(), allowed);
    }
    mixed_load();
    divan::main();
}

static SHIPPED: LazyLock<Desk> = LazyLock::new(Desk::shipped);

/// A level that no question had before.
fn new_level() -> i64 {
    static NEXT: AtomicI64 = AtomicI64::new(1_000);
    -NEXT.fetch_add(1, Ordering::Relaxed)
}

#[divan::bench]
fn clock() -> poort::types::moment::Moment {
    SHIPPED.clock.now()
}

/// The JSON of a question into words.
#[divan::bench]
fn read_json(bencher: Bencher<'_, '_>) {
    let mut json = Vec::new();
    authzen::write_evaluation(&mut json, &question(3));
    let limits = authzen::Limits { depth: 16, batch: 1 };
    assert_eq!(authzen::read_evaluation(&json, limits).unwrap(), question(3));
    bencher.bench(|| authzen::read_evaluation(black_box(&json), limits));
}

/// Whether an application may ask it.
#[divan::bench]
fn permission(bencher: Bencher<'_, '_>) {
    let lists = "subjects = [\"Officer\", \"Partner\"]\norganisations = [\"politie\"]\nactions = [\"*\"]\nresources = [\"*\"]\n";
    let (desk, question) = (Desk::with_applications(&format!("[desk]\n{lists}")), question(3));
    let ask = || {
        let may = callers::check(&desk.snapshot, black_box("desk"), black_box(&question).into());
        (may, callers::own_token(&desk.snapshot, black_box("desk")).is_some())
    };
    assert!(ask() == (Ok(()), false) && callers::check(&desk.snapshot, "other", (&question).into()).is_err());
    bencher.bench(ask);
}

/// A token that was verified before: its digest, its clock and keys, its account.
#[divan::bench]
fn token_cached(bencher: Bencher<'_, '_>) {
    let (issuer, question) = (Issuer::new(), question(3));
    let given = issuer.signs(&question.subject.id);
    let other = issuer.signs("another");
    let ask = |given: &GivenToken| {
        let verified = issuer.tokens.verify(black_box(given), "desk")?;
        verified.check_subject(&SHIPPED.snapshot, &question.subject)
    };
    assert_eq!((ask(&given), ask(&other)), (Ok(()), Err(TokenFault::Account)));
    bencher.bench(|| ask(&given));
}

/// One that was never seen: its signature (ES256) and claims too.
#[divan::bench]
fn token_fresh(bencher: Bencher<'_, '_>) {
    let (issuer, question) = (Issuer::new(), question(3));
    assert!(issuer.tokens.verify(&issuer.signs("a"), "other").is_err());
    bencher.with_inputs(|| issuer.signs(&question.subject.id)).bench_refs(|given| {
        issuer.tokens.verify(given, "desk").unwrap().check_subject(&SHIPPED.snapshot, &question.subject).unwrap();
    });
}

/// An identity provider with one key.
struct Issuer {
    key: EcdsaKeyPair,
    random: SystemRandom,
    tokens: Tokens,
}

impl Issuer {
    fn new() -> Self {
        let (random, kind) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(kind, pkcs8.as_ref(), &random).unwrap();
        let config = IssuerConfig {
            issuer: "https://idp.politie.example".to_owned(),
            audience: "poort".to_owned(),
            algorithms: vec!["ES256".parse().unwrap()],
            subject: "sub".to_owned(),
            kind: "Officer".to_owned(),
            jwks: Jwks::File("none".into()),
        };
        let tokens = Tokens::new(&[("police".to_owned(), config)].into(), &opentelemetry::global::meter("bench"));
        let (x, y) = key.public_key().as_ref().split_at(1).1.split_at(32);
        let [x, y] = [x, y].map(|part| URL_SAFE_NO_PAD.encode(part));
        let jwk = json!({"kty": "EC", "crv": "P-256", "kid": "a", "x": x, "y": y});
        assert!(tokens.issuers().first().unwrap().take(json!({"keys": [jwk]}).to_string().as_bytes()).unwrap());
        Self { key, random, tokens }
    }

    /// A token of usual size, which no other equals.
    fn signs(&self, account: &str) -> GivenToken {
        let claims = json!({
            "iss": "https://idp.politie.example", "aud": ["poort", "bvh"], "azp": "desk", "sub": account, "exp": 4_000_000_000_u64,
            "acr": "high", "amr": ["hwk", "pin"], "auth_time": 1_760_000_000, "jti": format!("{:032x}", new_number()),
            "name": "A. Example", "groups": ["detectives-north", "heron", "region-north", "on-duty"], "scope": "openid profile",
        });
        let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": "a"});
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signature = self.key.sign(&self.random, format!("{header}.{claims}").as_bytes()).unwrap();
        let token = format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode(signature));
        GivenToken::of([Some(token.as_str())].into_iter()).unwrap()
    }
}

/// What the policies read of a question.
#[divan::bench]
fn key(bencher: Bencher<'_, '_>) {
    let (question, moment) = (question(3), SHIPPED.clock.now());
    assert!(SHIPPED.check(&question, &moment).key().is_some());
    bencher.bench(|| SHIPPED.check(black_box(&question), &moment).key().cloned());
}

/// The same, and the answer from the cache.
#[divan::bench]
fn cached(bencher: Bencher<'_, '_>) {
    let (question, moment) = (question(3), SHIPPED.clock.now());
    SHIPPED.answer(&question, &moment);
    bencher.bench(|| {
        let answer = SHIPPED.answer(black_box(&question), &moment);
        assert!(answer.verdict.decision.is_allow());
        answer
    });
}

/// A cache of usual size, the metrics of which nobody reads.
fn cache(memory: u64) -> Cache {
    Cache::new(&cache::Config { memory, recheck: 0 }, &opentelemetry::global::meter("bench"))
}

/// A key of usual length.
fn cache_key(number: u64) -> Arc<[u8]> {
    let mut key = vec![7; 200];
    key.extend_from_slice(&number.to_le_bytes());
    key.into()
}

/// Whether the verdict under this key was there.
fn look_up(cache: &Cache, key: &Arc<[u8]>) -> bool {
    let verdict =
        Verdict { decision: Decision::Allow, policies: Vec::new(), errors: Vec::new(), cause: Cause::Policies };
    cache.verdict::<Infallible>(Some(key), || Ok(verdict)).unwrap().1
}

/// A number that no key had before.
fn new_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1 << 32);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The cache alone: a key that is there.
#[divan::bench]
fn cache_hit(bencher: Bencher<'_, '_>) {
    let cache = cache(64 << 20);
    let keys: Vec<_> = (0..64).map(cache_key).collect();
    keys.iter().for_each(|key| _ = look_up(&cache, key));
    let turn = AtomicUsize::new(0);
    bencher.bench(|| {
        let key = keys.get(turn.fetch_add(1, Ordering::Relaxed) % keys.len()).unwrap();
        assert!(look_up(&cache, black_box(key)));
    });
}

/// The cache alone: a key that it never saw, among others of that kind.
#[divan::bench]
fn cache_first_miss(bencher: Bencher<'_, '_>) {
    let cache = cache(64 << 20);
    (0..200_000).for_each(|_| _ = look_up(&cache, &cache_key(new_number())));
    bencher.with_inputs(|| cache_key(new_number())).bench_refs(|key| assert!(!look_up(&cache, key)));
}

/// The cache alone: a key that it saw once, and did not or does keep.
#[divan::bench]
fn cache_second_look(bencher: Bencher<'_, '_>) {
    let cache = cache(64 << 20);
    (0..200_000).for_each(|_| _ = look_up(&cache, &cache_key(new_number())));
    let seen = || {
        let key = cache_key(new_number());
        look_up(&cache, &key);
        key
    };
    bencher.with_inputs(seen).bench_refs(|key| look_up(&cache, key));
}

/// How often a working set is found while most of what is asked is asked once: 40 000 questions, the n-th as often as 1 in n,
/// with four questions that never repeat beside each; the cache holds half of the set.
fn mixed_load() {
    let cache = cache(16 << 20);
    let set: Vec<_> = (0..40_000).map(cache_key).collect();
    let ranks: Vec<f64> = (1..=set.len())
        .scan(0.0, |sum, rank| {
            *sum += 1.0 / rank as f64;
            Some(*sum)
        })
        .collect();
    let total = ranks.last().copied().unwrap();
    let mut random = SmallRng::seed_from_u64(7);
    let (mut hits, mut asked) = (0, 0);
    for turn in 0..600_000 {
        let point = random.random::<f64>() * total;
        let rank = ranks.partition_point(|sum| *sum < point);
        let hit = look_up(&cache, set.get(rank).unwrap());
        if turn >= 200_000 {
            asked += 1;
            hits += usize::from(hit);
        }
        (0..4).for_each(|_| assert!(!look_up(&cache, &cache_key(new_number()))));
    }
    println!("mixed load: {:.1} % of the questions of the working set are found", 100.0 * hits as f64 / asked as f64);
}

/// A question that was never asked before, up to its verdict.
#[divan::bench]
fn fresh(bencher: Bencher<'_, '_>) {
    let moment = SHIPPED.clock.now();
    bencher.with_inputs(|| question_with(new_level())).bench_refs(|question| {
        let verdict: Verdict = SHIPPED.fresh(question, &moment);
        assert!(verdict.decision.is_allow());
        verdict
    });
}

/// The words and the answer into the bytes of the record.
#[divan::bench]
fn record(bencher: Bencher<'_, '_>) {
    let (question, moment) = (question(3), SHIPPED.clock.now());
    let answer = Answer::Evaluated(SHIPPED.answer(&question, &moment));
    bencher.bench(|| SHIPPED.record(black_box(&question), &moment, &answer));
}

/// Policies of so many roles over a hundred kinds of records, the way the bench `compare` has them.
#[divan::bench(args = [10, 100, 1_000, 10_000])]
fn fresh_with_policies(bencher: Bencher<'_, '_>, policies: usize) {
    let (schema, text, directory) = generated(policies);
    let desk = Desk::generated(&schema, &text, &directory);
    let moment = desk.clock.now();
    let question = |level| {
        let json = format!(
            r#"{{"subject": {{"type": "Account", "id": "a"}}, "action": {{"name": "read"}}, "resource": {{"type": "Kind0",
            "id": "r", "properties": {{"level": {level}}}}}, "context": {{"purpose": "9"}}}}"#
        );
        authzen::read_evaluation(json.as_bytes(), authzen::Limits { depth: 16, batch: 1 }).unwrap()
    };
    assert!(!desk.fresh(&question(4), &moment).decision.is_allow());
    bencher.with_inputs(|| question(new_level())).bench_refs(|question| {
        let verdict = desk.fresh(question, &moment);
        assert!(verdict.decision.is_allow());
        verdict
    });
}

fn generated(policies: usize) -> (String, String, String) {
    let kinds = policies.min(100);
    let (mut schema, mut text) = ("entity Role; entity Account in [Role];\n".to_owned(), String::new());
    let mut all = Vec::new();
    for kind in 0..kinds {
        let _ = writeln!(schema, "@source(\"request\") entity Kind{kind} {{ level: Long }};");
        all.push(format!("Kind{kind}"));
    }
    let all = all.join(", ");
    let _ = writeln!(
        schema,
        "action read appliesTo {{ principal: Account, resource: [{all}], context: {{ purpose: String }} }};"
    );
    for number in 0..policies {
        let _ = writeln!(
            text,
            "@id(\"p{number}\") @title(\"Role {number} reads.\") permit (principal in Role::\"r{number}\", action == \
             Action::\"read\", resource is Kind{}) when {{ resource.level <= 3 && context.purpose == \"9\" }};",
            number % kinds
        );
    }
    let role = |number: usize| format!(r#"{{"type": "Role", "id": "r{number}"}}"#);
    let mut entities: Vec<_> =
        (0..11).map(|number| format!(r#"{{"uid": {}, "attrs": {{}}, "parents": []}}"#, role(number))).collect();
    let parents = (0..11).map(role).collect::<Vec<_>>().join(", ");
    entities.push(format!(r#"{{"uid": {{"type": "Account", "id": "a"}}, "attrs": {{}}, "parents": [{parents}]}}"#));
    (schema, text, format!("[{}]", entities.join(", ")))
}

/// One account of so many changes: the new directory beside the old one, for those that are known to have changed.
#[divan::bench(args = [1_000, 100_000])]
fn change_of_one_account(bencher: Bencher<'_, '_>, accounts: usize) {
    let (old, new, schema) = changed(accounts);
    let (change, revision) = old.change_to(&new, &mut directory::Unobserved).unwrap();
    assert_eq!((change.put.len(), change.gone.len()), (1, 1));
    assert_eq!(old.with(&change, &schema, revision.clone()).unwrap().len(), old.len());
    bencher.bench(|| old.with(black_box(&change), &schema, revision.clone()));
}

/// The same with the search for what changed, by the texts of all accounts.
#[divan::bench(args = [1_000, 100_000])]
fn change_of_one_account_in_files(bencher: Bencher<'_, '_>, accounts: usize) {
    let (old, new, schema) = changed(accounts);
    assert_eq!(old.after(&new, &schema, &mut directory::Unobserved).unwrap().len(), old.len());
    bencher.bench(|| old.after(black_box(&new), &schema, &mut directory::Unobserved));
}

fn changed(accounts: usize) -> (directory::Directory, directory::Sources, poort::sources::policy::Schema) {
    let schema = "entity Role; entity Account in [Role] { name: String, level: Long };";
    let sources = poort::sources::policy::Sources::from_texts(
        "p",
        [(poort::sources::policy::SCHEMA_FILE, schema), ("all.cedar", "permit (principal, action, resource);")],
    );
    let schema = Policies::from_sources(&sources).0.unwrap();
    let parents = (0..11).map(|role| format!(r#"{{"type": "Role", "id": "r{role}"}}"#)).collect::<Vec<_>>().join(", ");
    let text = |level: usize| {
        let account = |number: usize| {
            let level = if number == 7 { level } else { 1 };
            format!(
                r#"{{"uid": {{"type": "Account", "id": "a{number}"}}, "attrs": {{"name": "Somebody {number}", "level": {level}}}, "parents": [{parents}]}}"#
            )
        };
        format!("[{}]", (0..accounts).map(account).collect::<Vec<_>>().join(",\n"))
    };
    let sources = |level| directory::Sources::from_texts("d", [("d.json", text(level).as_str())]);
    let old = directory::Directory::from_sources(&sources(1), &schema).0.unwrap();
    (old, sources(2), schema)
}
