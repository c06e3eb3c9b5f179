use super::*;

fn mistake(change: impl FnOnce(&mut TrustFile)) -> String {
    let mut file = trust_file();
    change(&mut file);
    Trust::read(&file.write()).unwrap_err()
}

#[test]
fn what_would_weaken_trust_is_refused() {
    assert!(mistake(|file| file.thresholds.bundle = 1).contains("`thresholds.bundle` is 1"));
    assert!(mistake(|file| file.thresholds.rollback = 9).contains("may sign for it"));
    assert!(mistake(|file| file.store = String::new()).contains("`store`"));
    assert!(mistake(|file| file.version = 2).contains("`previous`"));
    assert!(mistake(|file| file.format = 7).contains("`format`"));
    let twice = mistake(|file| file.persons[1].name = "ANNA Voorbeeld".to_owned());
    assert!(twice.contains("is there twice"), "{twice}");
    let shared = mistake(|file| file.persons[1].keys.push(personal(ANNA)));
    assert!(shared.contains("`persons[1].keys[1]` of Bram Voorbeeld: the key is there twice"), "{shared}");
    assert!(mistake(|file| file.persons[0].keys[0].pin = true).contains("`pin` is for security keys"));
    assert!(mistake(|file| file.persons[0].name = "An\u{202e}na".to_owned()).contains("name and organisation"));
    let rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQDFqIvyo1UOMZg1FuCMbJ8aTCcbBtFsTwL5ZvhqvLZrXKl2yRz0m8tXH1kXr3o8mJQm2x5ZtXbqcNQX1Zr5ZrJt";
    let kind = mistake(|file| file.persons[0].keys[0].key = rsa.to_owned());
    assert!(kind.starts_with("`persons[0].keys[0]` of Anna Voorbeeld: is"), "{kind}");
    // A key of small order: each signature fits it.
    let weak = PublicKey::from(KeyData::Ed25519(Ed25519PublicKey([0; 32]))).to_openssh().unwrap();
    assert!(mistake(|file| file.persons[0].keys[0].key = weak).contains("is a weak key"));
    let unknown = trust_file().write().replace("\"organisation\"", "\"organization\"");
    assert!(Trust::read(&unknown).is_err());
}
