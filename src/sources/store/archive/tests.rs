use super::*;
use crate::{sources::snapshot::Snapshot, types::problem::Problem};
use std::{collections::BTreeSet, os::unix::fs::PermissionsExt as _, path::Path};

fn archive(folder: &Path) -> Archive {
    Archive::new(folder.join("revisions"), u64::MAX)
}

fn sources(policy: &str) -> Sources {
    Sources {
        policies: policy::Sources::from_texts("p", [("schema.cedarschema", "entity A;"), ("a.cedar", policy)]),
        directory: directory(&[]),
    }
}

/// A directory of many accounts, of which these are gone.
fn directory(gone: &[usize]) -> directory::Sources {
    let account =
        |number: usize| format!("{{\"id\":\"{number}\",\"seal\":\"{}\"}}", chunks::ChunkId::of(&number.to_be_bytes()));
    let accounts: Vec<_> = (0..20_000).filter(|number| !gone.contains(number)).map(account).collect();
    directory::Sources::from_texts(
        "d",
        [("accounts.json", format!("[{}]", accounts.join(",\n")).as_str()), ("b.json", "[]")],
    )
}

fn listed(archive: &Archive) -> BTreeSet<Revision> {
    archive.list().unwrap().into_iter().collect()
}

fn chunk_files(archive: &Archive) -> Vec<PathBuf> {
    fs::read_dir(chunks::folder(&archive.folder)).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn an_archived_revision_reads_back_with_its_digest() {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive(folder.path());
    let sources = sources("// one\r\n");
    assert_eq!(archive.keep(&sources).unwrap(), Kept::Written);
    assert_eq!(archive.keep(&sources).unwrap(), Kept::There);
    let revision = sources.policies.revision();
    assert_eq!(archive.policies(&revision).unwrap().revision(), revision);
    let as_folder = policy::Sources::read(&archive.folder.join(revision.digits())).unwrap();
    assert_eq!(as_folder.revision(), revision);
    let directory = sources.directory.revision();
    assert_eq!(archive.directory(&directory).unwrap().revision(), directory);
    let facts = vec![("unknown".to_owned(), "deny".to_owned())];
    archive.keep_configuration(&facts).unwrap();
    assert_eq!(archive.configuration(&Revision::of_texts(&facts)).unwrap(), facts);
    let manifest = archive.folder.join(directory.digits()).join("manifest");
    for file in chunk_files(&archive).into_iter().chain([manifest]) {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, files::FILE_MODE & 0o777);
    }
}

#[test]
fn what_is_missing_or_was_changed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive(folder.path());
    let sources = sources("// one\n");
    let revision = sources.policies.revision();
    assert!(matches!(archive.policies(&revision), Err(ArchiveError::Missing(_))));
    assert!(matches!(archive.directory(&revision), Err(ArchiveError::Missing(_))));
    archive.keep(&sources).unwrap();
    let there = archive.folder.join(revision.digits());
    fs::write(there.join("a.cedar"), "// two\n").unwrap();
    assert!(matches!(archive.policies(&revision), Err(ArchiveError::Changed(_))));
    fs::write(there.join("a.cedar"), "// one\n").unwrap();
    archive.policies(&revision).unwrap();
    fs::write(there.join("b.cedar"), "").unwrap();
    assert!(matches!(archive.policies(&revision), Err(ArchiveError::Changed(_))));
}

#[test]
fn a_directory_with_any_damaged_part_is_refused_by_the_name_of_the_part() {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive(folder.path());
    let sources = sources("");
    archive.keep(&sources).unwrap();
    let revision = sources.directory.revision();
    for file in chunk_files(&archive) {
        let whole = fs::read(&file).unwrap();
        let mut damaged = whole.clone();
        damaged[whole.len() / 2] ^= 1;
        for content in [Some(damaged), None] {
            match content {
                Some(content) => fs::write(&file, content).unwrap(),
                None => fs::remove_file(&file).unwrap(),
            }
            let error = archive.directory(&revision).unwrap_err().to_string();
            assert!(error.contains(file.file_name().unwrap().to_str().unwrap()), "{error}");
            fs::write(&file, &whole).unwrap();
        }
    }
    let manifest = archive.folder.join(revision.digits()).join("manifest");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("b.json", "c.json")).unwrap();
    assert!(matches!(archive.directory(&revision), Err(ArchiveError::Changed(_))));
    fs::write(&manifest, text.replace("poort-revision/1", "poort-revision/2")).unwrap();
    let error = archive.directory(&revision).unwrap_err().to_string();
    assert!(error.contains("written by a newer poort (format poort-revision/2)"), "{error}");
    // What it names is not known, so nothing is deleted.
    assert!(archive.sweep().is_err());
    fs::write(&manifest, "{}").unwrap();
    assert!(matches!(archive.directory(&revision), Err(ArchiveError::Unreadable { .. })));
}

#[test]
fn a_directory_that_an_earlier_release_kept_as_files_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive(folder.path());
    let sources = directory(&[]);
    let revision = sources.revision();
    let there = archive.folder.join(revision.digits());
    fs::create_dir_all(&there).unwrap();
    for (name, file) in sources.named_files() {
        fs::write(there.join(name), file.text.as_bytes()).unwrap();
    }
    assert_eq!(archive.directory(&revision).unwrap().revision(), revision);
    assert_eq!(archive.keep_directory(&archive.record(&sources).unwrap()).unwrap(), Kept::There);
    assert_eq!(archive.sweep().unwrap(), 0);
}

#[test]
fn a_change_of_one_account_costs_a_part_of_the_directory() {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive(folder.path());
    archive.keep_directory(&archive.record(&directory(&[])).unwrap()).unwrap();
    let first = archive.measure().unwrap();
    for number in [7, 10_000, 19_999] {
        let changed = directory(&[number]);
        archive.keep_directory(&archive.record(&changed).unwrap()).unwrap();
        assert_eq!(archive.directory(&changed.revision()).unwrap().revision(), changed.revision());
    }
    let more = archive.measure().unwrap() - first;
    assert!(more < first / 2, "{first} bytes, then {more} for three changes");
}

#[test]
fn unfinished_revisions_of_an_earlier_process_are_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive(folder.path());
    archive.tidy().unwrap();
    let sources = sources("// one\n");
    let digits = sources.policies.revision().digits().to_owned();
    let unfinished = archive.folder.join(format!("{digits}.0{UNFINISHED}"));
    fs::create_dir_all(&unfinished).unwrap();
    fs::write(archive.folder.join(format!("0{UNFINISHED}")), "half a chunk").unwrap();
    assert!(archive.policies(&sources.policies.revision()).is_err());
    // Its chunks were written, and its manifest was not.
    archive.keep_directory(&archive.record(&sources.directory).unwrap()).unwrap();
    fs::remove_dir_all(archive.folder.join(sources.directory.revision().digits())).unwrap();
    archive.tidy().unwrap();
    assert_eq!(chunk_files(&archive), [""; 0].map(PathBuf::from));
    assert_eq!(fs::read_dir(&archive.folder).unwrap().count(), 1);
}

#[test]
fn a_revision_can_be_written_after_a_failed_write() {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive(folder.path());
    fs::write(&archive.folder, "in the way").unwrap();
    assert!(archive.keep(&sources("")).is_err());
    fs::remove_file(&archive.folder).unwrap();
    assert_eq!(archive.keep(&sources("")).unwrap(), Kept::Written);
    assert_eq!(archive.list().unwrap().len(), 2);
}

#[test]
fn a_full_archive_keeps_no_revision_until_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let sources = sources("");
    let small = Archive { max: 10_000, ..archive(folder.path()) };
    let recording = small.record(&sources.directory).unwrap();
    let error = small.keep_directory(&recording).unwrap_err().to_string();
    assert!(error.contains("archive.max"), "{error}");
    assert!(small.measure().unwrap() <= 10_000);
    assert!(matches!(small.directory(&sources.directory.revision()), Err(ArchiveError::Missing(_))));
    let larger = Archive { max: u64::MAX, ..small };
    assert_eq!(larger.keep_directory(&recording).unwrap(), Kept::Written);
    larger.directory(&sources.directory.revision()).unwrap();
}

#[test]
fn a_removed_revision_is_gone_as_a_whole_after_a_crash_too() {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive(folder.path());
    assert_eq!(archive.list().unwrap(), []);
    let sources = sources("// one\n");
    archive.keep(&sources).unwrap();
    let (policies, directory) = (sources.policies.revision(), sources.directory.revision());
    assert_eq!(listed(&archive), [policies.clone(), directory.clone()].into());
    archive.take_out(&policies).unwrap();
    assert_eq!(listed(&archive), [directory.clone()].into());
    assert!(matches!(archive.policies(&policies), Err(ArchiveError::Missing(_))));
    // It may be active again before its files are deleted.
    assert_eq!(archive.keep(&sources).unwrap(), Kept::Written);
    assert_eq!(archive.policies(&policies).unwrap().revision(), policies);
    assert_eq!(fs::read_dir(&archive.folder).unwrap().count(), 4);
    archive.tidy().unwrap();
    assert_eq!(fs::read_dir(&archive.folder).unwrap().count(), 3, "the next start deletes what is left");
    archive.take_out(&directory).unwrap();
    archive.empty().unwrap();
    assert_eq!(fs::read_dir(&archive.folder).unwrap().count(), 2);
    assert_eq!(chunk_files(&archive).len(), 0);
}

#[test]
fn chunks_that_another_revision_or_a_recording_needs_stay() {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive(folder.path());
    let [first, second, third] = [&[][..], &[7], &[8]].map(directory);
    for kept in [&first, &second] {
        archive.keep_directory(&archive.record(kept).unwrap()).unwrap();
    }
    // It is recorded, and not on disk, while both others go.
    let recording = archive.record(&third).unwrap();
    archive.take_out(&first.revision()).unwrap();
    archive.empty().unwrap();
    assert_eq!(archive.directory(&second.revision()).unwrap().revision(), second.revision());
    archive.take_out(&second.revision()).unwrap();
    archive.empty().unwrap();
    assert!(chunk_files(&archive).len() > 3);
    archive.keep_directory(&recording).unwrap();
    drop(recording);
    archive.tidy().unwrap();
    assert_eq!(archive.directory(&third.revision()).unwrap().revision(), third.revision());
    let needed = chunk_files(&archive).len();
    archive.keep_directory(&archive.record(&third).unwrap()).unwrap();
    assert_eq!(chunk_files(&archive).len(), needed);
}

/// Files that are others each time they are read.
struct Changing {
    texts: Vec<String>,
    opened: AtomicU64,
}

impl directory::Files for Changing {
    fn shown(&self) -> &str {
        "d"
    }

    fn names(&self) -> Vec<(String, Arc<str>)> {
        vec![("accounts.json".to_owned(), "d/accounts.json".into())]
    }

    fn open(&self, _: usize) -> io::Result<directory::Opened<'_>> {
        let number = usize::try_from(self.opened.fetch_add(1, Ordering::Relaxed)).unwrap();
        let text = &self.texts[number];
        // The last one becomes shorter while it is read.
        let is_last = number + 1 == self.texts.len();
        Ok(directory::Opened { bytes: Box::new(text.as_bytes()), length: text.len() as u64 + u64::from(is_last) })
    }
}

#[test]
fn the_archive_has_the_bytes_that_are_active_though_files_change_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive(folder.path());
    let schema = "entity Unit; entity Account { unit: Unit, level: Long };
        action see appliesTo { principal: Account, resource: Account };";
    let permit = "@id(\"a\") permit (principal, action, resource) when { principal.level > 1 };";
    let policies = policy::Sources::from_texts("p", [("schema.cedarschema", schema), ("a.cedar", permit)]);
    let text = |unit: &str, level: usize| {
        format!(
            r#"[{{"uid": {{"type": "Unit", "id": "{unit}"}}, "attrs": {{}}, "parents": []}},
            {{"uid": {{"type": "Account", "id": "a"}}, "attrs": {{"unit": {{"type": "Unit", "id": "{unit}"}}, "level": {level}}}, "parents": []}}]"#
        )
    };
    // Another unit is no change of few accounts, so the files are read twice.
    let texts = vec![text("u", 1), text("v", 2), text("w", 3), text("x", 4)];
    let (files, mut recorder) = (Changing { texts, opened: AtomicU64::new(0) }, archive.recorder());
    let after =
        |earlier: Option<&Snapshot>, recorder: &mut Recorder| Snapshot::after(earlier, &policies, &files, recorder);
    let (first, problems) = after(None, &mut recorder);
    let first = first.unwrap_or_else(|| panic!("{problems:?}"));
    let second = after(Some(&first), &mut recorder).0.unwrap();
    assert_eq!(files.opened.load(Ordering::Relaxed), 3);
    let revision = second.directory.revision;
    archive.keep_directory(&recorder.finish(revision.clone()).unwrap()).unwrap();
    let kept = archive.directory(&revision).unwrap();
    assert_eq!(kept.files().map(|file| file.text.to_string()).collect::<Vec<_>>(), [text("w", 3)]);
    let (refused, problems) = after(None, &mut archive.recorder());
    let messages: Vec<_> = problems.iter().map(Problem::message).collect();
    assert!(refused.is_none() && messages.concat().contains("became shorter while it was read"), "{messages:?}");
}
