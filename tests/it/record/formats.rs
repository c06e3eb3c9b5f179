//! The log of every released format is read and gone on with, and what a newer poort wrote is refused by name.
//!
//! `formats/<N>/` is a data folder as a poort of that format left it: segments of processes that ended in order, and the last
//! of one that was killed. In `2` the first is packed and compressed, the second packed as it was, and the third not
//! packed. A new format adds a folder.

use crate::support::{Sidecar, allowed, copy_folder, folder, records, repository, run};
use poort::record::spool::{Cursor, segments};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The formats, with how many decisions are in the folder of each.
const FORMATS: [(u32, usize); 2] = [(1, 10), (2, 12)];

/// A copy of the folder of a format.
fn of_format(format: u32) -> tempfile::TempDir {
    let data = folder();
    copy_folder(&repository().join("tests/it/record/formats").join(format.to_string()), data.path());
    for secret in ["log-key.pem", "pseudonym-keys"] {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(data.path().join(secret), fs::Permissions::from_mode(0o600)).unwrap();
    }
    data
}

#[track_caller]
fn verify(data: &Path) -> String {
    let output = run(["log".as_ref(), "verify".as_ref(), "--data".as_ref(), data.as_os_str()]);
    let report = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{report}{}", String::from_utf8_lossy(&output.stderr));
    report
}

fn newest(data: &Path) -> PathBuf {
    let first = *segments(&data.join("records")).unwrap().last().unwrap();
    data.join("records").join(format!("{first:016x}.seg"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_of_every_format_is_continued() {
    for (format, count) in FORMATS {
        let data = of_format(format);
        assert_eq!(records(data.path()).len(), count, "format {format}");
        assert_eq!(Cursor::read(&data.path().join("records"), "archive").unwrap(), Some(5));
        verify(data.path());
        for round in 1..3 {
            let sidecar = Sidecar::builder().data(data.path()).start();
            assert_eq!(sidecar.evaluate(&allowed()).await["decision"], true);
            assert_eq!(sidecar.stop().code, Some(0));
            assert_eq!(records(data.path()).len(), count + round, "format {format}");
            verify(data.path());
        }
    }
}

/// Sets bytes of a file.
fn set(path: &Path, at: usize, bytes: &[u8]) {
    let mut content = fs::read(path).unwrap();
    content[at..at + bytes.len()].copy_from_slice(bytes);
    fs::write(path, content).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_format_is_refused_by_name() {
    let data = of_format(1);
    let sidecar = Sidecar::builder().data(data.path()).start();
    assert_eq!(sidecar.evaluate(&allowed()).await["decision"], true);
    assert_eq!(sidecar.kill().code, None);
    let path = newest(data.path());
    set(&path, 8, &77_u32.to_le_bytes());
    let before = fs::read(&path).unwrap();
    let refused = Sidecar::builder().data(data.path()).fail();
    assert_eq!(refused.code, Some(1));
    let name = path.file_name().unwrap().to_str().unwrap();
    for part in [name, "written by a newer poort (format 77)", "reads formats up to 2", "start that version again"] {
        assert!(refused.log.contains(part), "{part}: {}", refused.log);
    }
    assert!(fs::read(&path).unwrap() == before);
    // A reader says the same.
    let output = run(["log".as_ref(), "cat".as_ref(), "--data".as_ref(), data.path().as_os_str()]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && told.contains("newer poort (format 77)"), "{told}");
    // The older poort may begin elsewhere meanwhile, and the newer one goes on where it stopped.
    let elsewhere = folder();
    let older = Sidecar::builder().data(elsewhere.path()).start();
    assert_eq!(older.evaluate(&allowed()).await["decision"], true);
    assert_eq!(older.stop().code, Some(0));
    set(&path, 8, &2_u32.to_le_bytes());
    let newer = Sidecar::builder().data(data.path()).start();
    assert_eq!(newer.evaluate(&allowed()).await["decision"], true);
    assert_eq!(newer.stop().code, Some(0));
    assert_eq!(records(data.path()).len(), 12);
    verify(data.path());
}
