//! Makes paths as CI systems name files: from the root of the repository, with slashes.

use std::path::{self, Component, Path, PathBuf};

/// The path of a file from the root of its git repository; unchanged, if it is in none.
pub(super) fn path(file: &str) -> String {
    let Ok(absolute) = path::absolute(file) else { return file.to_owned() };
    let absolute = without_detours(&absolute);
    let root = absolute.ancestors().skip(1).find(|folder| folder.join(".git").exists());
    let inside = root.and_then(|root| absolute.strip_prefix(root).ok());
    inside.and_then(Path::to_str).map_or_else(|| file.to_owned(), str::to_owned)
}

/// `a/../b` as `b`: what a person typed, and no link is asked about.
fn without_detours(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn a_file_is_named_from_the_root_of_its_repository() {
        let root = env!("CARGO_MANIFEST_DIR");
        for file in ["policies/a.cedar", "./policies/a.cedar", "src/../policies/a.cedar"] {
            assert_eq!(path(&format!("{root}/{file}")), "policies/a.cedar");
        }
        assert_eq!(path("/nowhere/a.cedar"), "/nowhere/a.cedar");
    }
}
