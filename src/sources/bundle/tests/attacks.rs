//! The attack table: one line for each way to get policies live that two officers did not sign, and the code that refuses it.

use super::*;
use crate::sources::bundle::{Code, archive};

struct Table {
    tried: usize,
    good: Vec<u8>,
}

impl Table {
    fn refused(&mut self, name: &str, code: Code, bytes: &[u8]) {
        assert_ne!(bytes, self.good, "{name} changes nothing");
        match judge(bytes) {
            Ok(_) => panic!("{name} is accepted"),
            Err(refusal) => assert_eq!(refusal.code, code, "{name}: {refusal}"),
        }
        self.tried += 1;
    }

    /// Changes the members of the good bundle.
    fn members(&mut self, name: &str, code: Code, change: impl FnOnce(&mut Members)) {
        let mut members = archive::read(&self.good).unwrap();
        change(&mut members);
        self.refused(name, code, &archive::write(&members).unwrap());
    }

    /// Changes the manifest of the good bundle, and keeps its signatures.
    fn manifest(&mut self, name: &str, code: Code, change: impl FnOnce(&mut Manifest)) {
        self.members(name, code, |members| {
            let mut manifest = Manifest::read(&members["manifest.json"]).unwrap();
            change(&mut manifest);
            members.insert("manifest.json".to_owned(), manifest.write());
        });
    }

    /// Changes the text of the manifest.
    fn text(&mut self, name: &str, change: impl FnOnce(&str) -> String) {
        self.members(name, Code::Manifest, |members| {
            let text = change(&members["manifest.json"]);
            members.insert("manifest.json".to_owned(), text);
        });
    }

    /// A bundle that two officers signed, and that says this.
    fn signed(&mut self, name: &str, code: Code, manifest: Manifest) {
        self.refused(name, code, &signed(manifest, &[ANNA, BRAM]));
    }

    /// The good bundle with other signatures.
    fn signed_by(&mut self, name: &str, by: &[Officer]) {
        self.refused(name, Code::Signatures, &signed(next(), by));
    }

    /// The good bundle with Anna's signature and another text for Bram's.
    fn signature(&mut self, name: &str, change: impl FnOnce(&str, &str) -> String) {
        self.members(name, Code::Signatures, |members| {
            let (key, text) = (format!("signatures/{}.sig", BRAM.id()), members["manifest.json"].clone());
            let other = change(&members[&key], &text);
            members.insert(key, other);
        });
    }

    /// Changes bytes of the header of a member, and mends its checksum.
    fn header(&mut self, name: &str, change: impl FnOnce(&mut [u8])) {
        let mut bytes = self.good.clone();
        let start = bytes.windows(13).position(|window| window == b"manifest.json").unwrap();
        let header = &mut bytes[start..start + 512];
        change(header);
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.refused(name, Code::Archive, &bytes);
    }

    /// Changes the bytes of the archive.
    fn bytes(&mut self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = self.good.clone();
        change(&mut bytes);
        self.refused(name, Code::Archive, &bytes);
    }
}

#[test]
fn no_attack_gets_a_bundle_accepted() {
    let good = signed(next(), &[ANNA, BRAM]);
    judge(&good).unwrap();
    let mut table = Table { tried: 0, good };
    what_the_manifest_says(&mut table);
    how_the_manifest_is_written(&mut table);
    what_officers_signed(&mut table);
    which_files_there_are(&mut table);
    who_signed(&mut table);
    how_the_archive_is_made(&mut table);
    assert!(table.tried >= 60, "{}", table.tried);
}

fn what_the_manifest_says(table: &mut Table) {
    use Code::{Manifest as Form, Signatures, Store};
    table.manifest("an earlier day of building", Signatures, |it| it.created = at("2026-11-19T00:00:00Z"));
    table.manifest("a longer life", Signatures, |it| it.expires = at("2036-11-19T00:00:00Z"));
    table.manifest("another path", Form, |it| it.files[0].path = "dess.cedar".to_owned());
    table.manifest("another digest", Form, |it| it.files[0].sha256 = "0".repeat(64));
    table.manifest("another size", Form, |it| it.files[0].size += 1);
    table.manifest("a file less", Form, |it| drop(it.files.pop()));
    table.manifest("another format", Form, |it| it.format = 2);
    table.manifest("a beginning", Signatures, |it| it.not_before = Some(at("2026-11-21T00:00:00Z")));
    table.manifest("another history", Signatures, |it| it.previous = Some(digest('b')));
    table.manifest("no history", Form, |it| it.previous = None);
    table.manifest("another review", Form, |it| it.review.as_mut().unwrap().sha256 = "0".repeat(64));
    table.manifest("a review against another", Signatures, |it| it.review.as_mut().unwrap().against = 2);
    table.manifest("no review", Form, |it| it.review = None);
    table.manifest("a rollback", Signatures, |it| it.rollback = rollback().rollback);
    table.manifest("another store", Store, |it| it.store = "elsewhere".to_owned());
    table.manifest("another version", Signatures, |it| it.version = 44);
}

fn how_the_manifest_is_written(table: &mut Table) {
    table.text("white space", |text| text.replacen(',', ", ", 1));
    table.text("a line more", |text| format!("{text}\n"));
    table.text("a byte order mark", |text| format!("\u{feff}{text}"));
    table.text("a member more", |text| text.replacen('{', "{\"also\":1,", 1));
    table.text("a member twice", |text| text.replacen('{', "{\"created\":\"2026-11-20T08:00:00Z\",", 1));
    table.text("a number as a fraction", |text| text.replace("\"version\":43", "\"version\":43.0"));
    table.text("a number as a text", |text| text.replace("\"version\":43", "\"version\":\"43\""));
    table.text("a number below zero", |text| text.replace("\"version\":43", "\"version\":-43"));
    table.text("a time with an offset", |text| text.replacen("T08:00:00Z", "T09:00:00+01:00", 1));
    table.text("an escape that need not be", |text| text.replace("voorbeeld", "\\u0076oorbeeld"));
    table.text("another order", |text| {
        let inside = text.strip_prefix('{').unwrap().strip_suffix('}').unwrap();
        let (first, rest) = inside.split_once(',').unwrap();
        format!("{{{rest},{first}}}")
    });
    table.text("nothing", |_| String::new());
    table.text("a list", |text| format!("[{text}]"));
    table.members("no manifest", Code::Manifest, |members| drop(members.remove("manifest.json")));
}

fn what_officers_signed(table: &mut Table) {
    table.signed("a jump", Code::Version, Manifest { version: 44, ..next() });
    table.signed("a jump to the end", Code::Version, Manifest { version: (1 << 53) - 1, ..next() });
    table.signed("an older version", Code::Version, Manifest { version: 41, ..next() });
    table.signed("the active version, but another", Code::Fork, Manifest { version: 42, ..next() });
    table.signed("another history", Code::Fork, Manifest { previous: Some(digest('b')), ..next() });
    table.signed("the first version", Code::Version, Manifest { previous: None, ..manifest(1) });
    table.signed("its time is over", Code::Expired, Manifest { expires: now(), ..next() });
    table.signed(
        "its time has not come",
        Code::Future,
        Manifest { not_before: Some(at("2026-11-23T12:00:01Z")), ..next() },
    );
    table.signed("built tomorrow", Code::Future, Manifest { created: at("2026-11-24T12:00:00Z"), ..next() });
    table.signed("for the test environment", Code::Store, Manifest { store: "test".to_owned(), ..next() });
    let (create, by) = (rollback(), [ANNA, gijs(TOUCHED)]);
    table.refused("a rollback by who may not", Code::Signatures, &signed(create, &by));
    let by = [HANS, INES];
    table.refused("new policies by who may roll back alone", Code::Signatures, &signed(rollback(), &by));
}

fn which_files_there_are(table: &mut Table) {
    use Code::Manifest as Form;
    let desk = "files/desk.cedar";
    table.members("a file changed", Form, |members| members.get_mut(desk).unwrap().push(' '));
    table.members("a file empty", Form, |members| members.get_mut(desk).unwrap().clear());
    table.members("a file missing", Form, |members| drop(members.remove(desk)));
    table.members("a test missing", Form, |members| drop(members.remove("files/tests/desk.yaml")));
    let more =
        |name: &'static str| move |members: &mut Members| drop(members.insert(name.to_owned(), "permit".to_owned()));
    table.members("a policy more", Form, more("files/more.cedar"));
    table.members("accounts more", Form, more("files/directory/more.json"));
    table.members("a member elsewhere", Form, more("more.cedar"));
    table.members("a trust file", Form, more("trust.json"));
    table.members("a file beside signatures", Form, more("signatures/more.cedar"));
    table.members("a file renamed", Form, |members| {
        let text = members.remove(desk).unwrap();
        members.insert("files/desk.cedar.bak".to_owned(), text);
    });
    table.members("two files with each other's text", Form, |members| {
        let (one, other) = (members[desk].clone(), members["files/schema.cedarschema"].clone());
        members.extend([(desk.to_owned(), other), ("files/schema.cedarschema".to_owned(), one)]);
    });
    table.members("the review changed", Form, |members| members.get_mut("review/diff.md").unwrap().push('!'));
    table.members("the review missing", Form, |members| drop(members.remove("review/diff.md")));
}

fn who_signed(table: &mut Table) {
    table.signed_by("nobody", &[]);
    table.signed_by("one person", &[ANNA]);
    table.signed_by("two keys of one person", &[ANNA, ANNA_TOO]);
    table.signed_by("a stranger", &[ANNA, NOBODY]);
    table.signed_by("who may sign for something else", &[ANNA, DIRK]);
    table.signed_by("a key whose time is over", &[ANNA, EMMA]);
    table.signed_by("a key whose time has not come", &[ANNA, FRED]);
    table.signed_by("a security key that nobody touched", &[ANNA, gijs(0)]);
    table.signed_by("a security key without the PIN that is asked for", &[ANNA, cora(TOUCHED)]);
    table.signed_by(
        "everybody whose signature does not count",
        &[ANNA, ANNA_TOO, DIRK, EMMA, FRED, NOBODY, gijs(0), cora(0)],
    );
    table.signature("an empty signature", |_, _| String::new());
    table.signature("armour without a signature", |_, _| {
        "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n".to_owned()
    });
    table.signature("one signature under two names", |_, text| ANNA.sign(BUNDLE, text));
    table.signature("a signature for git", |_, text| BRAM.sign("git", text));
    table.signature("a signature for a trust file", |_, text| BRAM.sign("poort-trust", text));
    table.signature("a signature of another version", |_, text| BRAM.sign(BUNDLE, &text.replace("43", "44")));
    table.signature("a signature with other line ends", |pem, _| pem.replace('\n', "\r\n"));
    table.signature("a signature with a line more", |pem, _| format!("{pem}\n"));
    table.signature("a signature with a comment", |pem, _| format!("# Bram\n{pem}"));
    table.signature("a signature without its last line", |pem, _| pem.lines().take(3).collect());
    table.signature("a signature of another person under this name", |_, text| NOBODY.sign(BUNDLE, text));
    table.members("a signature in capitals", Code::Signatures, |members| {
        let pem = members.remove(&format!("signatures/{}.sig", BRAM.id())).unwrap();
        members.insert(format!("signatures/{}.sig", BRAM.id().to_uppercase()), pem);
    });
}

fn how_the_archive_is_made(table: &mut Table) {
    table.refused("nothing", Code::Archive, &[]);
    table.bytes("cut off in a file", |bytes| bytes.truncate(700));
    table.bytes("cut off before its end", |bytes| bytes.truncate(bytes.len() - 1024));
    table.bytes("a byte at the end", |bytes| bytes.push(0));
    table.bytes("a block at the end", |bytes| bytes.extend([0; 512]));
    table.bytes("an archive behind it", |bytes| bytes.extend(bytes.clone()));
    table.bytes("compressed", |bytes| bytes.splice(0..0, [0x1f, 0x8b, 8, 0]).for_each(drop));
    table.bytes("bytes behind a file", |bytes| {
        let end = bytes.windows(2).position(|window| window == b";\0").unwrap();
        bytes[end + 1] = b'!';
    });
    table.bytes("a text that is not UTF-8", |bytes| {
        let at = bytes.windows(6).position(|window| window == b"permit").unwrap();
        bytes[at] = 0xff;
    });
    table.bytes("a member twice", |bytes| {
        let again = bytes[..1024].to_vec();
        bytes.splice(0..0, again);
    });
    table.bytes("another order", |bytes| bytes.rotate_left(1024));
    table.bytes("more than there may be", |bytes| bytes.resize(17 << 20, 0));
    table.bytes("a wrong checksum", |bytes| bytes[148] ^= 1);
    for kind in *b"\x0012345679gxLKSD" {
        table.header(&format!("a member of the kind {kind}"), |header| header[156] = kind);
    }
    for (name, at) in [
        ("a mode", 101),
        ("an owner", 109),
        ("a group", 117),
        ("a time", 137),
        ("a link", 157),
        ("another magic", 257),
        ("another version of the form", 263),
        ("a name of the owner", 265),
        ("a name of the group", 297),
        ("a device", 330),
        ("a prefix", 345),
        ("hidden bytes", 505),
    ] {
        table.header(name, |header| header[at] = b'1');
    }
    table.header("a path from the root", |header| header[0] = b'/');
    table.header("a path upwards", |header| header[..3].copy_from_slice(b"../"));
    table.header("a hidden file", |header| header[0] = b'.');
    table.header("a name that is not UTF-8", |header| header[0] = 0xff);
    table.header("a name with a break", |header| header[4] = 0);
    table.header("a larger size", |header| header[124..136].copy_from_slice(b"00077777777\0"));
    table.header("a smaller size", |header| header[124..136].copy_from_slice(b"00000000001\0"));
    table.header("a size of another form", |header| header[124..136].copy_from_slice(b"\x80\0\0\0\0\0\0\0\0\0\x02\0"));
    table.header("no size", |header| header[124..136].fill(b' '));
    table.header("a size with a sign", |header| header[124] = b'+');
}
