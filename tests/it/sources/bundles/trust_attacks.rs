//! The attack table of trust files: one line for each way to change who may sign without those who may, and the code that refuses it.
//!
//! The first trust file lets Anna, Bram and Cora sign, two for each act. The next one takes out Bram and Cora, and adds Dirk and Emma.

use super::*;
use poort::sources::bundle::{Chain, Code, NextTrust, Refusal, TRUST, Taken, Trust, Verified, archive};

/// Keys, and the trust files that officers sign with them.
pub struct Rotation {
    pub place: Place,
}

impl Rotation {
    pub fn new() -> Self {
        let place = Place::new();
        for name in ["dirk", "emma", "stranger"] {
            ssh_keygen(&["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"], Some(&place.path(name)), "");
        }
        Self { place }
    }

    pub fn pinned(&self) -> Trust {
        Trust::pinned(&fs::read(self.place.path("trust.json")).unwrap()).unwrap()
    }

    fn key(&self, name: &str) -> PersonalKey {
        let key = fs::read_to_string(self.place.path(&format!("{name}.pub"))).unwrap().trim().to_owned();
        PersonalKey { key, from: None, until: None, pin: false }
    }

    fn id(&self, name: &str) -> String {
        Key::parse(&self.key(name).key).unwrap().id()
    }

    fn person(&self, name: &str) -> Person {
        let (name, keys) = (format!("{name} Voorbeeld"), vec![self.key(name)]);
        Person { name, organisation: "Voorbeeldkorps".to_owned(), acts: Act::ALL.into_iter().collect(), keys }
    }

    /// The file after this one, with these persons.
    pub fn after(&self, before: &Trust, names: &[&str]) -> TrustFile {
        let mut file = before.file().clone();
        (file.version, file.previous) = (file.version + 1, Some(before.digest().to_string()));
        file.persons = names.iter().map(|name| self.person(name)).collect();
        file
    }

    fn next(&self) -> TrustFile {
        self.after(&self.pinned(), &["anna", "dirk", "emma"])
    }

    fn pem(&self, name: &str, namespace: &str, text: &str) -> String {
        let pem = ssh_keygen(&["-Y", "sign", "-q", "-n", namespace, "-f"], Some(&self.place.path(name)), text);
        stored(&pem).unwrap()
    }

    fn signed_in(&self, namespace: &str, file: &TrustFile, by: &[&str]) -> NextTrust {
        by.iter().fold(NextTrust::new(file).unwrap(), |next, name| {
            let pem = self.pem(name, namespace, next.signed_text());
            next.with_signature(self.id(name), pem)
        })
    }

    pub fn signed(&self, file: &TrustFile, by: &[&str]) -> NextTrust {
        self.signed_in(TRUST, file, by)
    }
}

/// What a sidecar at the end of this chain says of a file that comes.
fn judge(chain: &Chain, bytes: &[u8]) -> Result<Taken, Refusal> {
    let files = [("one.trust".to_owned(), NextTrust::read(bytes)?)];
    let refused = chain.refusals(&files, Timestamp::now()).pop();
    match chain.next(&files, Timestamp::now()) {
        Some(taken) => Ok(taken),
        None => Err(refused.unwrap().1),
    }
}

/// The enough of both: Anna and Bram of the file before, Anna and Dirk of the new one.
const ENOUGH: &[&str] = &["anna", "bram", "dirk"];

type Change = fn(&mut TrustFile);

struct Table {
    tried: usize,
    rotation: Rotation,
    chain: Chain,
    good: NextTrust,
}

impl Table {
    fn refused(&mut self, name: &str, code: Code, bytes: &[u8]) {
        match judge(&self.chain, bytes) {
            Ok(_) => panic!("{name} is taken"),
            Err(refusal) => assert_eq!(refusal.code, code, "{name}: {refusal}"),
        }
        self.tried += 1;
    }

    /// The good file, signed by these.
    fn signed_by(&mut self, name: &str, by: &[&str]) {
        let next = self.rotation.signed(&self.rotation.next(), by);
        self.refused(name, Code::TrustSignatures, &next.write().unwrap());
    }

    /// A file that says something else, signed by enough, and by all others.
    fn says(&mut self, name: &str, code: Code, change: impl FnOnce(&Rotation, &mut TrustFile)) {
        let mut file = self.rotation.next();
        change(&self.rotation, &mut file);
        self.says_signed_by(name, code, &file, &["anna", "bram", "cora", "dirk", "emma"]);
    }

    fn says_signed_by(&mut self, name: &str, code: Code, file: &TrustFile, by: &[&str]) {
        match NextTrust::new(file) {
            Ok(_) => self.refused(name, code, &self.rotation.signed(file, by).write().unwrap()),
            Err(refusal) => {
                assert_eq!(refusal.code, code, "{name}: {refusal}");
                let members = Members::from([("trust.json".to_owned(), file.canonical())]);
                self.refused(name, code, &archive::write(&members).unwrap());
            }
        }
    }

    /// The members of the good file, changed after officers signed it.
    fn members(&mut self, name: &str, code: Code, change: impl FnOnce(&Rotation, &mut Members)) {
        let good = archive::read(&self.good.write().unwrap()).unwrap();
        let mut members = good.clone();
        change(&self.rotation, &mut members);
        assert_ne!(members, good, "{name} changes nothing");
        self.refused(name, code, &archive::write(&members).unwrap());
    }

    fn text(&mut self, name: &str, code: Code, change: impl FnOnce(&str) -> String) {
        self.members(name, code, |_, members| {
            let text = change(&members["trust.json"]);
            members.insert("trust.json".to_owned(), text);
        });
    }

    fn signature(&mut self, name: &str, change: impl FnOnce(&Rotation, &str, &str) -> String) {
        self.members(name, Code::TrustSignatures, |rotation, members| {
            let member = format!("signatures/{}.sig", rotation.id("bram"));
            let other = change(rotation, &members[&member], &members["trust.json"]);
            members.insert(member, other);
        });
    }
}

#[test]
fn no_attack_gets_a_trust_file_taken() {
    let rotation = Rotation::new();
    let chain = Chain::new(rotation.pinned());
    let good = rotation.signed(&rotation.next(), ENOUGH);
    judge(&chain, &good.write().unwrap()).unwrap();
    let mut table = Table { tried: 0, rotation, chain, good };
    who_signed(&mut table);
    what_is_signed(&mut table);
    what_changed_after_it_was_signed(&mut table);
    what_comes_after_it(&mut table);
    assert!(table.tried >= 50, "{}", table.tried);
}

fn who_signed(table: &mut Table) {
    table.signed_by("nobody", &[]);
    table.signed_by("too few of the old", &["anna", "dirk", "emma"]);
    table.signed_by("too few of the new", &["bram", "anna"]);
    table.signed_by("the old alone", &["bram", "cora"]);
    table.signed_by("the new alone", &["dirk", "emma"]);
    table.signed_by("two keys of one person", &["anna", "anna-too", "dirk"]);
    table.signed_by("a stranger beside one", &["anna", "stranger", "dirk"]);
    for namespace in [BUNDLE, "git", "poort-trust2"] {
        let next = table.rotation.signed_in(namespace, &table.rotation.next(), ENOUGH);
        table.refused(namespace, Code::TrustSignatures, &next.write().unwrap());
    }
    // And the other way: who signed a trust file signed no bundle.
    let bundle = bundle(&files(1), 1, None);
    let text = bundle.signed_text().to_owned();
    let sign = |bundle: Bundle, name: &&str| {
        bundle.with_signature(table.rotation.id(name), table.rotation.pem(name, TRUST, &text))
    };
    let bytes = ["anna", "bram"].iter().fold(bundle, sign).write().unwrap();
    let refusal = Verified::new(&bytes, &table.rotation.pinned(), Timestamp::now()).unwrap_err();
    assert_eq!(refusal.code, Code::Signatures, "{refusal}");
    table.refused("a bundle", Code::TrustFile, &bytes);
}

fn what_is_signed(table: &mut Table) {
    use Code::{TrustFile as Form, TrustFork, TrustSignatures, TrustStore, TrustVersion};
    let hour = SignedDuration::from_hours(1);
    table.says("another store", TrustStore, |_, file| file.store = "test".to_owned());
    table.says("a jump", TrustVersion, |_, file| file.version = 3);
    table.says("a jump to the end", TrustVersion, |_, file| file.version = (1 << 53) - 1);
    table.says("a version beyond the end", Form, |_, file| file.version = 1 << 53);
    table.says("the version of the pinned one", Form, |_, file| file.version = 1);
    table.says("a first one", Form, |_, file| (file.version, file.previous) = (1, None));
    table.says("no version", Form, |_, file| file.version = 0);
    table.says("another history", TrustFork, |_, file| file.previous = Some(format!("sha256:{}", "a".repeat(64))));
    table.says("no history", Form, |_, file| file.previous = None);
    table.says("another format", Form, |_, file| file.format = 2);
    table.says("one person for bundles", Form, |_, file| file.thresholds.bundle = 1);
    table.says("one person for trust", Form, |_, file| file.thresholds.trust = 1);
    table.says("nobody for rollbacks", Form, |_, file| file.thresholds.rollback = 0);
    table.says("more persons than there are", Form, |_, file| file.thresholds.trust = 4);
    table.says("nobody", Form, |_, file| file.persons.clear());
    table.says("a key of two persons", Form, |rotation, file| file.persons[1].keys.push(rotation.key("anna")));
    table.says("a person twice", Form, |rotation, file| file.persons.push(rotation.person("anna")));
    table.says("new keys that are over", TrustSignatures, |_, file| {
        file.persons.iter_mut().for_each(|person| person.keys[0].until = Some(Timestamp::now() - hour));
    });
    table.says("new keys that begin later", TrustSignatures, |_, file| {
        file.persons.iter_mut().for_each(|person| person.keys[0].from = Some(Timestamp::now() + hour));
    });
    let file = TrustFile {
        thresholds: poort::sources::bundle::Thresholds { trust: 3, ..table.rotation.next().thresholds },
        ..table.rotation.next()
    };
    table.says_signed_by("a higher threshold of its own", TrustSignatures, &file, ENOUGH);
    let mut file = table.rotation.next();
    file.persons[1].acts = [Act::Bundle].into_iter().collect();
    table.says_signed_by(
        "a new person who may sign for bundles alone",
        TrustSignatures,
        &file,
        &["anna", "bram", "dirk"],
    );
    // The pinned file says otherwise: keys that are over, a person for bundles alone, and three persons.
    let pinned = table.rotation.pinned();
    let weaker: [(&str, Change); 3] = [
        ("an old key that is over", |file| {
            file.persons[1].keys[0].until = Some(Timestamp::now() - SignedDuration::from_hours(1));
        }),
        ("an old person who may not", |file| assert!(file.persons[1].acts.remove(&Act::Trust))),
        ("a higher threshold of the old", |file| file.thresholds.trust = 3),
    ];
    for (name, change) in weaker {
        let mut file = pinned.file().clone();
        change(&mut file);
        let pinned = Trust::read(&file.write()).unwrap();
        let mut next = table.rotation.after(&pinned, &["anna", "dirk", "emma"]);
        next.thresholds.trust = 2;
        let before = std::mem::replace(&mut table.chain, Chain::new(pinned));
        table.says_signed_by(name, TrustSignatures, &next, ENOUGH);
        table.chain = before;
    }
}

fn what_changed_after_it_was_signed(table: &mut Table) {
    use Code::{TrustFile as Form, TrustSignatures, TrustStore};
    table.text("a changed name", TrustSignatures, |text| text.replacen("dirk V", "dirc V", 1));
    table.text("a changed threshold", TrustSignatures, |text| text.replace("\"trust\":2", "\"trust\":3"));
    table.text("a changed store", TrustStore, |text| text.replace("\"voorbeeld\"", "\"voorbeelt\""));
    table.text("white space", Form, |text| text.replacen(',', ", ", 1));
    table.text("a line more", Form, |text| format!("{text}\n"));
    table.text("a member more", Form, |text| text.replacen('{', "{\"also\":1,", 1));
    table.text("a member twice", Form, |text| text.replacen('{', "{\"format\":1,", 1));
    table.text("an escape that need not be", Form, |text| text.replace("voorbeeld\"", "voorbeel\\u0064\""));
    table.members("a key of the courier", TrustSignatures, |rotation, members| {
        let mut file = rotation.next();
        file.persons.push(rotation.person("stranger"));
        members.insert("trust.json".to_owned(), file.canonical());
    });
    for name in ENOUGH {
        let what = format!("without the signature of {name}");
        table.members(&what, TrustSignatures, |rotation, members| {
            drop(members.remove(&format!("signatures/{}.sig", rotation.id(name))));
        });
    }
    table.signature("an empty signature", |_, _, _| String::new());
    table.signature("a changed byte of a signature", |_, pem, _| pem.replacen('A', "B", 5));
    table.signature("other line ends", |_, pem, _| pem.replace('\n', "\r\n"));
    table.signature("a signature of Anna under Bram's name", |rotation, _, text| rotation.pem("anna", TRUST, text));
    table.signature("a signature of Bram for another text", |rotation, _, text| {
        rotation.pem("bram", TRUST, &text.replace("\"version\":2", "\"version\":3"))
    });
    table.signature("a signature of Bram for bundles", |rotation, _, text| rotation.pem("bram", BUNDLE, text));
    table.members("a file more", Form, |_, members| drop(members.insert("manifest.json".to_owned(), "{}".to_owned())));
    table.members("no text", Form, |_, members| drop(members.remove("trust.json")));
    let bytes = table.good.write().unwrap();
    table.refused("cut off", Form, &bytes[..bytes.len() - 512]);
    table.refused("bytes behind it", Form, &[bytes.as_slice(), &[0]].concat());
    table.refused("nothing", Form, &[]);
    let text = table.good.signed_text().to_owned();
    table.refused("the text alone", Form, text.as_bytes());
}

fn what_comes_after_it(table: &mut Table) {
    use Code::{TrustFork, TrustSignatures, TrustVersion};
    let taken = judge(&table.chain, &table.good.write().unwrap()).unwrap();
    let (second, pinned) = (taken.next().trust().clone(), table.rotation.pinned());
    let third = table.rotation.after(&second, &["anna", "dirk", "bram"]);
    // Not yet: the one between is missing.
    table.says_signed_by("the one after next", TrustVersion, &third, &["anna", "dirk", "emma"]);
    table.chain.push(taken);
    table.says_signed_by("removed persons alone", TrustSignatures, &third, &["bram", "cora"]);
    table.says_signed_by("a removed person beside one", TrustSignatures, &third, &["anna", "bram"]);
    table.says_signed_by("a key that was taken out", TrustSignatures, &third, &["anna", "anna-too", "bram"]);
    let other = table.rotation.after(&pinned, &["anna", "bram", "dirk"]);
    table.says_signed_by("another second one", TrustFork, &other, &["anna", "bram"]);
    table.says_signed_by("another second one, with too few", TrustSignatures, &other, &["anna", "dirk"]);
    let skips = TrustFile { previous: Some(pinned.digest().to_string()), ..third.clone() };
    table.says_signed_by("one that leaves the second out", TrustFork, &skips, &["anna", "dirk", "emma"]);
    let bytes = table.rotation.signed(&third, &["anna", "dirk", "emma"]);
    judge(&table.chain, &bytes.write().unwrap()).unwrap();
    // Pinned later: what is older is neither taken nor refused.
    let pinned_later = Chain::new(bytes.trust().clone());
    let older = [("other".to_owned(), table.rotation.signed(&other, &["anna", "bram"]))];
    assert!(pinned_later.next(&older, Timestamp::now()).is_none());
    assert_eq!(pinned_later.refusals(&older, Timestamp::now()), []);
}

#[test]
fn of_two_signed_files_neither_is_taken() {
    let rotation = Rotation::new();
    let chain = Chain::new(rotation.pinned());
    let one = rotation.signed(&rotation.next(), ENOUGH);
    let other = rotation.signed(&rotation.after(&rotation.pinned(), &["anna", "bram"]), &["anna", "bram"]);
    let files = [("one".to_owned(), one.clone()), ("other".to_owned(), other), ("one again".to_owned(), one)];
    assert!(chain.next(&files, Timestamp::now()).is_none());
    let refusals = chain.refusals(&files, Timestamp::now());
    assert_eq!(refusals.iter().map(|(_, refusal)| refusal.code).collect::<Vec<_>>(), [Code::TrustFork; 3]);
    let same = [files[0].clone(), files[2].clone()];
    assert!(chain.next(&same, Timestamp::now()).is_some(), "a copy is no fork");
}
