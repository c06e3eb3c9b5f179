use super::*;
use proptest::prelude::*;

proptest! {
    /// A reader of another make computes the same bytes, and so the same digest.
    #[test]
    fn the_written_form_is_canonical(version in 2_u64..1 << 53, store in "[a-zA-Z0-9._-]{1,64}", reason in "\\PC{1,80}x", to in 1_u64..2) {
        let rollback = Some(Rollback { to, reason });
        let manifest = Manifest { store, version, rollback, not_before: Some(now()), ..next() };
        let text = manifest.write();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&text, &serde_json_canonicalizer::to_string(&value).unwrap());
        prop_assert_eq!(Manifest::read(&text).unwrap(), manifest);
    }
}

#[test]
fn what_cannot_be_is_named() {
    let named = |manifest: Manifest, member: &str| {
        let refusal = Manifest::read(&manifest.write()).unwrap_err();
        assert!(refusal.to_string().starts_with(&format!("bundle-manifest: `{member}`")), "{refusal}");
    };
    named(Manifest { format: 2, ..next() }, "format");
    named(Manifest { store: "a/b".to_owned(), ..next() }, "store");
    named(Manifest { version: 0, ..next() }, "version");
    named(Manifest { version: 1 << 53, ..next() }, "version");
    named(Manifest { previous: None, ..next() }, "previous");
    named(Manifest { version: 1, ..next() }, "previous");
    named(Manifest { expires: next().created, ..next() }, "expires");
    named(Manifest { not_before: Some(next().expires), ..next() }, "expires");
    named(Manifest { files: next().files.into_iter().rev().collect(), ..next() }, "files");
    named(Manifest { rollback: Some(Rollback { to: 43, reason: "back".to_owned() }), ..next() }, "rollback.to");
    for reason in [" ", "back\ndigest     sha256:0"] {
        named(Manifest { rollback: Some(Rollback { to: 40, reason: reason.to_owned() }), ..next() }, "rollback.reason");
    }
}
