use super::{finder::*, kept::*, *};
use crate::{
    sources::bundle::{Act, BUNDLE, Bundle, Key, Manifest, Person, PersonalKey, TrustFile, Verified},
    sources::store,
};
use jiff::{SignedDuration, Timestamp};
use opentelemetry::metrics::{MeterProvider as _, noop::NoopMeterProvider};
use ssh_key::{HashAlg, LineEnding, PrivateKey, private::Ed25519Keypair};
use std::{collections::BTreeMap, fs};

fn key(seed: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
}

fn trust() -> Trust {
    let person = |seed: u8| Person {
        name: format!("Officer {seed}"),
        organisation: "Voorbeeldkorps".to_owned(),
        acts: Act::ALL.into_iter().collect(),
        keys: vec![PersonalKey {
            key: key(seed).public_key().to_openssh().unwrap(),
            from: None,
            until: None,
            pin: false,
        }],
    };
    Trust::read(&TrustFile::first("voorbeeld", 2, vec![person(1), person(2)]).write()).unwrap()
}

/// A first bundle whose policy has this title.
fn bundle(title: &str, signed: bool) -> Bundle {
    let files = BTreeMap::from([
        (
            "read.cedar".to_owned(),
            format!("@id(\"read\")\n@title(\"{title}\")\npermit (principal, action, resource);\n"),
        ),
        (
            "schema.cedarschema".to_owned(),
            "entity User;\naction read appliesTo { principal: [User], resource: [User] };\n".to_owned(),
        ),
    ]);
    let now = Timestamp::now();
    let manifest = Manifest::new("voorbeeld", 1, now, now + SignedDuration::from_hours(1), &files);
    let bundle = Bundle::new(manifest, files, None).unwrap();
    let text = bundle.signed_text().to_owned();
    let sign = |bundle: Bundle, seed: u8| {
        let pem = key(seed).sign(BUNDLE, HashAlg::Sha512, text.as_bytes()).unwrap().to_pem(LineEnding::LF).unwrap();
        let id = Key::parse(&key(seed).public_key().to_openssh().unwrap()).unwrap().id();
        bundle.with_signature(id, pem)
    };
    if signed { [1, 2].into_iter().fold(bundle, sign) } else { bundle }
}

/// A file that changes after it was verified changes nothing of what was verified.
#[test]
fn what_is_verified_is_what_answers() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("data"), folder.path().join("voorbeeld-1.tar"));
    fs::create_dir(&data).unwrap();
    let config = Config {
        trust: folder.path().join("trust.json"),
        folder: folder.path().to_owned(),
        store: "voorbeeld".to_owned(),
        at_least: 0,
        late: Duration::ZERO,
        accounts: None,
    };
    let meter = NoopMeterProvider::new().meter("test");
    let files = store::Config {
        policies: folder.path().join("policies"),
        directory: folder.path().join("policies/directory"),
        within: Vec::new(),
        archive: folder.path().join("revisions"),
        archive_max: 1 << 30,
        configuration: Vec::new(),
    };
    let store = Arc::new(Store::of_bundles(files, &config, &meter));
    let finder = Finder { config, trust: Chain::new(trust()), store: store.clone(), signals: None };
    let signed = bundle("signed", true);
    fs::write(&file, signed.write().unwrap()).unwrap();
    let mut found = Found::default();
    finder.scan(None, None, &mut found);
    let unsigned = bundle("not signed", false).write().unwrap();
    fs::write(&file, &unsigned).unwrap();
    let (checked, refused) = finder.choose(found, None, Start::Yes);
    assert_eq!(refused, []);
    let checked = checked.unwrap();
    let verified: Arc<Verified> = checked.bundle().clone();
    keep(&data, &verified).unwrap();
    store.activate_bundle(checked).unwrap();
    let facts = format!("{:?}", store.snapshot().unwrap().policies.facts);
    assert!(facts.contains("\"signed\"") && !facts.contains("not signed"), "{facts}");
    assert_eq!(fs::read(data.join(KEPT)).unwrap(), signed.write().unwrap());
    // What lies there now is refused by itself.
    let mut found = Found::default();
    finder.scan(None, None, &mut found);
    assert_eq!(found.refused.len(), 1);
    assert!(found.bundles.is_empty());
}
