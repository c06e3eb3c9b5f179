//! A directory of many accounts is read without Cedar, and what they have in common is in memory once.

use crate::sources::{
    directory::{Sources, Unobserved, load::load},
    policy::{Policies, cedar_core::ast},
};
use std::path::Path;

const ACCOUNTS: usize = 2_000;

#[test]
fn plain_accounts_are_read_without_cedar_and_kept_small() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let (schema, ..) = Policies::from_sources(&crate::sources::policy::Sources::read(&root).unwrap());
    let schema = schema.unwrap();
    let text = std::fs::read_to_string(root.join("directory/accounts.json")).unwrap();
    let shipped: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let model = shipped.iter().find(|entity| entity["uid"]["id"] == "officer-0007").unwrap();
    let accounts: Vec<_> = (0..ACCOUNTS)
        .map(|number| {
            let mut account = model.clone();
            account["uid"]["id"] = format!("account-{number}").into();
            account["attrs"]["name"] = format!("Account {number}").into();
            account
        })
        .collect();
    let text = serde_json::to_string(&accounts).unwrap();
    let read = |files: &[(&'static str, &str)]| {
        let (loaded, problems) = load(&Sources::from_texts("d", files.iter().copied()), &schema, &mut Unobserved);
        loaded.unwrap_or_else(|| panic!("{problems:#?}"))
    };
    let one = read(&[("one.json", &format!("[{model}]"))]).directory;
    let loaded = read(&[("all.json", &text)]);
    assert_eq!(loaded.read_by_cedar, 0);
    let all = loaded.directory;
    assert_eq!(all.len(), ACCOUNTS);
    // Each account has an id and a name of its own.
    assert_eq!(all.base.pool.len(), one.base.pool.len() + ACCOUNTS - 1);
    assert_eq!(all.base.nodes.len(), one.base.nodes.len() + ACCOUNTS - 1);
    // None is made before it is asked for.
    let made = || all.base.n_made();
    assert_eq!(made(), 0);
    let uid = |number: usize| {
        let kind = all.uids().next().unwrap().entity_type().clone();
        ast::EntityUID::from_components(kind, ast::Eid::new(format!("account-{number}")), None)
    };
    assert!(all.get(&uid(7)).is_some());
    assert_eq!(made(), 1);

    // The shipped files are in the usual form.
    let shipped = load(&Sources::read(&root.join("directory")).unwrap(), &schema, &mut Unobserved).0.unwrap();
    assert_eq!(shipped.read_by_cedar, 0);
}
