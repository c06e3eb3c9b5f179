use super::super::archive::{Members, read, write};
use proptest::prelude::*;

fn members() -> impl Strategy<Value = Members> {
    // Names in folders of their own are no file and folder at once.
    proptest::collection::btree_map("[a-z]/[a-z0-9_-]{1,9}\\.[a-z]{1,3}", "\\PC{0,700}", 0..8)
}

proptest! {
    #[test]
    fn only_what_was_written_is_read(members in members(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let bytes = write(&members).unwrap();
        prop_assert_eq!(read(&bytes).unwrap(), members);
        let mut changed = bytes.clone();
        changed[at.index(bytes.len())] = to;
        // Another text is another archive. Everything else is refused.
        if let Ok(members) = read(&changed) {
            prop_assert_eq!(write(&members).unwrap(), changed);
        }
        prop_assert!(read(&bytes[..at.index(bytes.len())]).is_err());
    }
}

#[test]
fn names_that_a_file_system_may_mix_up_are_refused() {
    let long = "a".repeat(101);
    for name in
        ["", "/etc/a", "../a", "a/../b", "a//b", "./a", ".a", "a/.b", "a\\b", "a:b", "é", "a b", "a/", "a\n", &long]
    {
        let members = Members::from([(name.to_owned(), String::new())]);
        assert!(write(&members).is_err(), "{name}");
    }
    for pair in [["a.cedar", "A.cedar"], ["a", "a/b"], ["A", "a/b"]] {
        let members = pair.map(|name| (name.to_owned(), String::new()));
        assert!(write(&Members::from(members)).is_err(), "{pair:?}");
    }
}
