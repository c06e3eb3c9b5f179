//! The real binary in a folder of its own, and clients for it.

mod accessible;
mod asked;
mod authority;
mod browser;
pub mod dotnet;
mod exposition;
mod grpc;
mod http;
pub mod mutate;
mod sidecar;
mod wait;

pub use accessible::{asked_of, check_accessible, violations};
pub use asked::{batch, grpc_bytes, parts};
pub use authority::{Authority, Identity, workload};
pub use browser::{check_page, open, print};
pub use exposition::Exposition;
pub use grpc::{BareChannel, health, key, message};
pub use http::{Reply, request, request_over};
pub use sidecar::{Ended, Sidecar, Starting, channel, check, records, run, run_with_input};
pub use wait::{until, within};

use serde_json::{Value, json};
use std::{
    io::ErrorKind::NotFound,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

/// The repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The repository's own policies.
pub fn policies() -> PathBuf {
    repository().join("policies")
}

/// A folder of the repository with what `tests/run` installs.
pub fn installed(path: &str) -> PathBuf {
    let path = repository().join(path);
    assert!(path.exists(), "{} is not there; tests/run installs it", path.display());
    path
}

/// A copy of the repository's own policies that a test may change. Without their suites, which would notice.
pub fn copied_policies(into: &Path) -> PathBuf {
    let copy = into.join("policies");
    copy_folder(&policies(), &copy);
    std::fs::remove_dir_all(copy.join("tests")).unwrap();
    copy
}

/// Copies a folder with all that is in it. A file that goes away meanwhile is left out: a sidecar may be packing.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            let copied = std::fs::copy(entry.path(), target);
            assert!(copied.as_ref().is_ok() || copied.as_ref().is_err_and(|it| it.kind() == NotFound), "{copied:?}");
        }
    }
}

/// A question that the repository's policies allow on any day.
pub fn allowed() -> Value {
    json!({
        "subject": {"type": "Officer", "id": "officer-0007"},
        "action": {"name": "consult"},
        "resource": {"type": "Investigation", "id": "inv-0042", "properties":
            {"unit": "detectives-north", "team": "heron", "level": 3, "embargo": false}},
        "context": {"purpose": "9"},
    })
}

/// A question that the repository's policies deny on any day.
pub fn denied() -> Value {
    let mut question = allowed();
    question["subject"]["id"] = "officer-0008".into();
    question
}

/// A folder for one test, which goes with it.
pub fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("poort-test-").tempdir().unwrap()
}

/// An address that no connection of another test gets as its own while nobody listens on it: below the range of those.
pub fn free_address() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let mut ports =
        std::iter::repeat_with(|| 20_000 + (std::process::id() + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000);
    let free = ports.find_map(|port| std::net::TcpListener::bind(format!("127.0.0.1:{port}")).ok()).unwrap();
    free.local_addr().unwrap().to_string()
}
