//! The text of a submission to a witness: C2SP `tlog-witness`, `add-checkpoint`.

use crate::record::evidence::Hash;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

/// The most lines of a proof.
const LINES: usize = 63;

/// A checkpoint that a witness is to cosign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Submission {
    /// The size of the log that the witness cosigned last.
    pub(super) old: u64,
    /// The consistency proof from there.
    pub(super) proof: Vec<Hash>,
    /// The signed checkpoint.
    pub(super) note: String,
}

impl Submission {
    pub(super) fn to_text(&self) -> String {
        let proof: String = self.proof.iter().map(|hash| format!("{}\n", BASE64.encode(hash))).collect();
        format!("old {}\n{proof}\n{}", self.old, self.note)
    }

    /// `None` if it has not the form.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (head, note) = text.split_once("\n\n")?;
        let mut lines = head.split('\n');
        let number = lines.next()?.strip_prefix("old ")?;
        let old: u64 = number.parse().ok().filter(|old: &u64| old.to_string() == number)?;
        let hash = |line| Hash::try_from(BASE64.decode(line).ok()?).ok();
        let proof = lines.map(hash).collect::<Option<Vec<_>>>()?;
        (proof.len() <= LINES).then(|| Self { old, proof, note: note.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_submission_is_read_back_and_other_texts_are_refused() {
        let note = "a\n1\nAAAA\n\n\u{2014} a AAAAAAAA\n".to_owned();
        for proof in [Vec::new(), vec![[1; 32], [2; 32]], vec![[3; 32]; LINES]] {
            let submission = Submission { old: proof.len() as u64, proof, note: note.clone() };
            assert_eq!(Submission::parse(&submission.to_text()), Some(submission));
        }
        let long = Submission { old: 1, proof: vec![[3; 32]; LINES + 1], note: note.clone() }.to_text();
        for text in [
            long,
            format!("old 01\n\n{note}"),
            format!("old \n\n{note}"),
            format!("1\n\n{note}"),
            format!("old 1\nAA\n\n{note}"),
            "old 1\n".to_owned(),
        ] {
            assert_eq!(Submission::parse(&text), None, "{text}");
        }
    }
}
