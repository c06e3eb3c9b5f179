use super::*;
use std::os::unix::fs::PermissionsExt as _;

fn sources(policy: &str) -> Sources {
    Sources {
        policies: policy::Sources::from_texts("p", [("schema.cedarschema", "entity A;"), ("a.cedar", policy)]),
        directory: directory::Sources::from_texts("d", [("accounts.json", "[]")]),
    }
}

#[test]
fn an_archived_revision_reads_back_with_its_digest() {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::new(folder.path().join("revisions"));
    let sources = sources("// one\r\n");
    assert_eq!(archive.keep(&sources).unwrap(), Kept::Written);
    assert_eq!(archive.keep(&sources).unwrap(), Kept::There);
    let revision = sources.policies.revision();
    assert_eq!(archive.policies(&revision).unwrap().revision(), revision);
    let as_folder = policy::Sources::read(&archive.folder.join(revision.digits())).unwrap();
    assert_eq!(as_folder.revision(), revision);
    let directory = sources.directory.revision();
    assert_eq!(archive.directory(&directory).unwrap().revision(), directory);
    let mode = fs::metadata(archive.folder.join(directory.digits()).join("accounts.json")).unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, FILE_MODE & 0o777);
}

#[test]
fn what_is_missing_or_was_changed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::new(folder.path().to_owned());
    let sources = sources("// one\n");
    let revision = sources.policies.revision();
    assert!(matches!(archive.policies(&revision), Err(ArchiveError::Missing(_))));
    archive.keep(&sources).unwrap();
    let there = folder.path().join(revision.digits());
    fs::write(there.join("a.cedar"), "// two\n").unwrap();
    assert!(matches!(archive.policies(&revision), Err(ArchiveError::Changed(_))));
    fs::write(there.join("a.cedar"), "// one\n").unwrap();
    archive.policies(&revision).unwrap();
    fs::write(there.join("b.cedar"), "").unwrap();
    assert!(matches!(archive.policies(&revision), Err(ArchiveError::Changed(_))));
}

#[test]
fn unfinished_revisions_of_an_earlier_process_are_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::new(folder.path().to_owned());
    let sources = sources("// one\n");
    let digits = sources.policies.revision().digits().to_owned();
    let unfinished = folder.path().join(format!("{digits}.0{UNFINISHED}"));
    fs::create_dir(&unfinished).unwrap();
    assert!(archive.policies(&sources.policies.revision()).is_err());
    archive.tidy();
    assert!(!unfinished.exists());
}

#[test]
fn a_revision_can_be_written_after_a_failed_write() {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::new(folder.path().join("revisions"));
    fs::write(&archive.folder, "in the way").unwrap();
    assert!(archive.keep(&sources("")).is_err());
    fs::remove_file(&archive.folder).unwrap();
    assert_eq!(archive.keep(&sources("")).unwrap(), Kept::Written);
    assert_eq!(fs::read_dir(&archive.folder).unwrap().count(), 2);
}

#[test]
fn a_removed_revision_is_gone_as_a_whole_after_a_crash_too() {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::new(folder.path().join("revisions"));
    assert_eq!(archive.list().unwrap(), []);
    let sources = sources("// one\n");
    archive.keep(&sources).unwrap();
    let (policies, directory) = (sources.policies.revision(), sources.directory.revision());
    let listed = |archive: &Archive| archive.list().unwrap().into_iter().collect::<std::collections::BTreeSet<_>>();
    assert_eq!(listed(&archive), [policies.clone(), directory.clone()].into());
    archive.take_out(&policies).unwrap();
    assert_eq!(listed(&archive), [directory.clone()].into());
    assert!(matches!(archive.policies(&policies), Err(ArchiveError::Missing(_))));
    // It may be active again before its files are deleted.
    assert_eq!(archive.keep(&sources).unwrap(), Kept::Written);
    assert_eq!(archive.policies(&policies).unwrap().revision(), policies);
    assert_eq!(fs::read_dir(&archive.folder).unwrap().count(), 3);
    archive.tidy();
    assert_eq!(fs::read_dir(&archive.folder).unwrap().count(), 2, "the next start deletes what is left");
    archive.take_out(&directory).unwrap();
    archive.empty().unwrap();
    assert_eq!(fs::read_dir(&archive.folder).unwrap().count(), 1);
}
