//! What was kept elsewhere and is given to check with: public keys, and policies for witnesses.

use super::{Exit, Output};
use crate::record::evidence::{Policy, PublicKeys};
use std::path::Path;

/// The lines of keys that were given, each a key or a file of such lines.
pub(super) fn keys(given: &[String], output: &mut Output) -> Result<Vec<String>, Exit> {
    let mut lines = Vec::new();
    for key in given {
        if key.contains('+') && !Path::new(key).exists() {
            lines.push(key.clone());
            continue;
        }
        let text = std::fs::read_to_string(key).map_err(|error| {
            output.error(&format!("cannot read the key `{key}`: {error}"));
            Exit::Usage
        })?;
        lines.extend(PublicKeys::lines(&text).map(str::to_owned));
    }
    Ok(lines)
}

/// The keys in these lines.
pub(super) fn public(lines: &[String], output: &mut Output) -> Result<PublicKeys, Exit> {
    PublicKeys::parse(lines.iter().map(String::as_str)).map_err(|error| {
        output.failure(&error);
        Exit::Usage
    })
}

/// The policy in a file.
pub(super) fn policy(path: &Path, output: &mut Output) -> Result<Policy, Exit> {
    let read = std::fs::read_to_string(path).map_err(|error| error.to_string());
    read.and_then(|text| Policy::parse(&text).map_err(|error| error.to_string())).map_err(|error| {
        output.error(&format!("`{}` is no policy for witnesses: {error}", path.display()));
        Exit::Usage
    })
}
