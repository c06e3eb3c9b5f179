//! `poort fmt`: formats policy files and loses nothing.

use crate::support::{check, copied_policies, folder, policies, run, run_with_input};
use std::{fs, os::unix::fs::PermissionsExt as _};

const WILD: &str = "// why\n@id(\"a\")permit(principal,action,resource)when{1<2 /* no */};";

#[test]
fn the_repositorys_own_policies_are_in_form() {
    check(&run(["fmt".as_ref(), "--check".as_ref(), policies().as_os_str()]), 0);
}

#[test]
fn check_shows_what_would_change_and_changes_nothing() {
    let folder = folder();
    let copy = copied_policies(folder.path());
    let file = copy.join("bvh.cedar");
    let before = fs::read_to_string(&file).unwrap();
    let wild = before.replacen("permit (", "permit   (", 1);
    fs::write(&file, &wild).unwrap();
    let (out, told) = check(&run(["fmt".as_ref(), "--check".as_ref(), copy.as_os_str()]), 1);
    assert!(out.contains("-permit   (") && out.contains("+permit ("), "{out}");
    assert!(told.contains("1 of ") && told.contains("would change"), "{told}");
    assert_eq!(fs::read_to_string(&file).unwrap(), wild);

    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    check(&run(["fmt".as_ref(), copy.as_os_str()]), 0);
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    let left: Vec<_> = fs::read_dir(&copy).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with('.')), "{left:?}");
}

#[test]
fn guarantees_are_formatted_too_and_a_link_stays_a_link() {
    let folder = folder();
    let guarantees = folder.path().join("guarantees");
    fs::create_dir(&guarantees).unwrap();
    let target = folder.path().join("elsewhere.text");
    fs::write(&target, "permit(principal,action,resource);").unwrap();
    std::os::unix::fs::symlink(&target, guarantees.join("g.cedar")).unwrap();
    check(&run(["fmt".as_ref(), folder.path().as_os_str()]), 0);
    assert_eq!(fs::read_to_string(&target).unwrap(), "permit (principal, action, resource);\n");
    assert!(fs::symlink_metadata(guarantees.join("g.cedar")).unwrap().is_symlink());
}

#[test]
fn standard_input_goes_to_standard_output() {
    let text = WILD.replace(" /* no */", "");
    let (out, told) = check(&run_with_input(["fmt", "-"], text.as_bytes()), 0);
    assert!(out.starts_with("// why\n@id(\"a\")\npermit (principal, action, resource)\n"), "{out}");
    assert_eq!(told, "");
    check(&run_with_input(["fmt", "-", "--check"], text.as_bytes()), 1);
    check(&run_with_input(["fmt", "-", "--check"], out.as_bytes()), 0);
}

#[test]
fn a_file_that_cannot_be_formatted_stays_unchanged() {
    let folder = folder();
    let (good, broken) = (folder.path().join("a.cedar"), folder.path().join("b.cedar"));
    fs::write(&good, "permit(principal,action,resource);").unwrap();
    fs::write(&broken, WILD).unwrap();
    fs::write(folder.path().join("c.cedar"), b"permit \xff").unwrap();
    std::os::unix::fs::symlink("d.cedar", folder.path().join("d.cedar")).unwrap();
    let deep =
        format!("permit (principal, action, resource) when {{ {}true{} }};", "(".repeat(9_000), ")".repeat(9_000));
    fs::write(folder.path().join("e.cedar"), deep).unwrap();
    let (_, told) = check(&run(["fmt".as_ref(), folder.path().as_os_str()]), 3);
    for named in ["b.cedar:2:", "c.cedar", "not UTF-8", "d.cedar", "e.cedar"] {
        assert!(told.contains(named), "no {named} in\n{told}");
    }
    assert_eq!(fs::read_to_string(&good).unwrap(), "permit (principal, action, resource);\n");
    assert_eq!(fs::read_to_string(&broken).unwrap(), WILD);
}

#[test]
fn an_empty_folder_is_wrong_usage() {
    let folder = folder();
    check(&run(["fmt".as_ref(), folder.path().as_os_str()]), 64);
    let (_, told) = check(&run(["fmt".as_ref(), folder.path().join("gone").as_os_str()]), 1);
    assert!(told.contains("gone: cannot be read") && told.contains("help: name policy files"), "{told}");
}

#[test]
fn a_schema_is_no_policy_file() {
    let schema = policies().join("schema.cedarschema");
    let before = fs::read_to_string(&schema).unwrap();
    let (_, told) = check(&run(["fmt".as_ref(), schema.as_os_str()]), 64);
    assert!(told.contains("this is a schema and no policy file") && told.contains("help: leave it out"), "{told}");
    assert_eq!(fs::read_to_string(&schema).unwrap(), before);
}
