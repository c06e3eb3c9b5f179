//! Revisions: versions of policies and directory, named by the digest of their content.

use sha2::{Digest as _, Sha256};
use std::{fmt, sync::Arc};

/// The name of a version: `sha256:` and 64 lowercase hexadecimal digits.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Revision(Arc<str>);

impl Revision {
    /// The revision of a set of named contents. The order in which they are given does not count; their names do.
    #[must_use]
    pub fn of<'a>(parts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut parts: Vec<_> = parts.into_iter().collect();
        parts.sort_unstable();
        let mut digest = Digester::default();
        for (name, content) in parts {
            digest.name(name);
            digest.content_of(content.len() as u64);
            digest.bytes(content);
        }
        digest.finish()
    }

    /// The name of what was digested.
    #[must_use]
    pub fn of_digest(digest: Sha256) -> Self {
        Self(format!("sha256:{:x}", digest.finalize()).into())
    }

    /// The revision of a set of named texts.
    #[must_use]
    pub fn of_texts(parts: &[(String, String)]) -> Self {
        Self::of(parts.iter().map(|(name, text)| (name.as_str(), text.as_bytes())))
    }

    /// The revision with this name; `None` if the name is malformed.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let digits = name.strip_prefix("sha256:")?;
        let is_hex = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (digits.len() == 64 && is_hex).then(|| Self(name.into()))
    }

    /// The same, in memory of its own: for a thread that copies it often.
    #[must_use]
    pub fn per_thread(&self) -> Self {
        Self(self.as_str().into())
    }

    /// The digits of the digest.
    #[must_use]
    pub fn digits(&self) -> &str {
        self.0.get(7..).unwrap_or_default()
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(7..19).unwrap_or(&self.0)
    }
}

/// Digests named contents that come in the order of their names, without holding them.
#[derive(Debug, Clone, Default)]
pub struct Digester(Sha256);

impl Digester {
    /// The next content has this name.
    pub fn name(&mut self, name: &str) {
        self.content_of(name.len() as u64);
        self.bytes(name.as_bytes());
    }

    /// The content has this length, in bytes. Lengths go first, so that no two different sets give the same bytes.
    pub fn content_of(&mut self, length: u64) {
        self.0.update(length.to_be_bytes());
    }

    /// The next bytes of the content.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The revision of all that came.
    #[must_use]
    pub fn finish(self) -> Revision {
        Revision::of_digest(self.0)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Revision({})", self.short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_count_but_names_and_boundaries_do() {
        let base = Revision::of([("a", b"12".as_slice()), ("b", b"3")]);
        assert_eq!(base, Revision::of([("b", b"3".as_slice()), ("a", b"12")]));
        assert_ne!(base, Revision::of([("a", b"1".as_slice()), ("b", b"23")]));
        assert_ne!(base, Revision::of([("c", b"12".as_slice()), ("b", b"3")]));
        assert_eq!(base.as_str().len(), 7 + 64);
        assert_eq!(base.short().len(), 12);
    }

    #[test]
    fn a_name_reads_back_and_nothing_else_does() {
        let revision = Revision::of([("a", b"1".as_slice())]);
        assert_eq!(Revision::parse(revision.as_str()), Some(revision.clone()));
        let name = revision.as_str();
        for wrong in [
            revision.digits(),
            name.get(..70).unwrap_or_default(),
            &name.to_uppercase(),
            &format!("{name}0"),
            "sha256:../../x",
            "",
        ] {
            assert_eq!(Revision::parse(wrong), None, "{wrong}");
        }
    }
}
