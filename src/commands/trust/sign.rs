//! `poort trust sign`: shows what the next trust file changes, and lets `ssh-keygen` sign it.

use super::{Exit, Output, Pair, bundle, differences::differences};
use crate::sources::bundle::TRUST;
use clap::Args;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "Examples:
  poort trust sign politie-nl-2.trust --key ~/.ssh/id_ed25519_sk      touch the security key when it blinks
  poort trust sign politie-nl-3.trust --trust politie-nl-2.trust --key ~/.ssh/id_ed25519.pub
                                       a key that an agent has, such as one of a PIV card

It first shows each person, key and threshold that changes. A key in a file signs at once; to read before that, use `poort trust verify`.
Those whom the new file adds sign too: this shows that their keys work. It needs ssh-keygen (OpenSSH 8.2 or later).";

#[derive(Debug, Args)]
pub(in super::super) struct Arguments {
    #[command(flatten)]
    pair: Pair,
    /// The key, as ssh-keygen -Y sign -f takes it: a private key, or the public key of one in an agent
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

pub(super) fn run(Arguments { pair, key }: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let (before, next) = pair.open(output)?;
    next.is_after(&before).map_err(|refusal| pair.refused(refusal, output))?;
    output.tell(&differences(before.file(), next.trust().file()));
    let file = &pair.file;
    let (signature, pem) = bundle::signature_of(key, (TRUST, next.signed_text())).map_err(|message| {
        output.error(&format!("{}: {message}", file.display()));
        Exit::Failed
    })?;
    let version = next.trust().file().version;
    let signed = next.with_signature(signature.key.id(), pem);
    let bytes = signed.write().map_err(|refusal| bundle::refused(file, &refusal, output))?;
    bundle::write(file, &bytes, output)?;
    output.conclude(&format!("signed version {version} with {}\n", signature.key.fingerprint()))?;
    Ok(Exit::Done)
}
