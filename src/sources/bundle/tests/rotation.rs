use super::*;
use crate::sources::bundle::{Code, NextTrust, TRUST};

fn next_trust() -> TrustFile {
    TrustFile { version: 2, previous: Some(trust().digest().to_string()), ..trust_file() }
}

fn signed_by(officers: &[Officer]) -> NextTrust {
    officers.iter().fold(NextTrust::new(&next_trust()).unwrap(), |next, officer| {
        let pem = officer.sign(TRUST, next.signed_text());
        next.with_signature(officer.id(), pem)
    })
}

#[test]
fn the_written_form_is_canonical() {
    let text = next_trust().canonical();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(text, serde_json_canonicalizer::to_string(&value).unwrap());
    assert!(["\"pin\"", "\"until\"", "\"from\"", "\"previous\""].iter().all(|member| text.contains(member)), "{text}");
}

#[test]
fn security_keys_must_be_touched_for_trust_too() {
    let all = BTreeSet::from(Act::ALL);
    let mut before = trust_file();
    before.persons[2].acts.clone_from(&all);
    before.persons[6].acts.clone_from(&all);
    let before = Trust::read(&before.write()).unwrap();
    let mut file = before.file().clone();
    (file.version, file.previous) = (2, Some(before.digest().to_string()));
    let verify = |officer: Officer| {
        let next = NextTrust::new(&file).unwrap();
        let pems = [BRAM, officer].map(|officer| (officer.id(), officer.sign(TRUST, next.signed_text())));
        pems.into_iter().fold(next, |next, (id, pem)| next.with_signature(id, pem)).verify(&before, &[now()])
    };
    for (officer, counts) in [(gijs(0), false), (gijs(TOUCHED), true), (cora(TOUCHED), false), (cora(5), true)] {
        assert_eq!(verify(officer).is_ok(), counts, "{officer:?}");
    }
}

#[test]
fn a_taken_file_needs_no_key_that_is_valid_now() {
    let next = signed_by(&[ANNA, EMMA]);
    assert_eq!(next.verify(&trust(), &[now()]).unwrap_err().code, Code::TrustSignatures);
    let files = [("2.trust".to_owned(), next.clone())];
    let digest = next.trust().digest().clone();
    let mut chain = super::super::Chain::new(trust());
    assert!(chain.next(&files, now()).is_none());
    chain.resume(&files, &Floor { version: 2, digest }).unwrap();
    assert_eq!(chain.floor().version, 2);
    // Nor does it need the copy with all signatures to come first.
    let mut chain = super::super::Chain::new(trust());
    let files = [("a.trust".to_owned(), signed_by(&[ANNA])), ("b.trust".to_owned(), next)];
    chain.resume(&files, &Floor { version: 2, digest: files[0].1.trust().digest().clone() }).unwrap();
    // Another digest on record leads nowhere.
    let mut chain = super::super::Chain::new(trust());
    let refusal = chain.resume(&files, &floor()).unwrap_err();
    assert_eq!(refusal.code, Code::TrustVersion, "{refusal}");
}
