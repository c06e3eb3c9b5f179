//! `poort bundle sign`: shows what is signed, and lets `ssh-keygen` sign it.
//!
//! poort never holds a private key. `ssh-keygen` asks for the touch and the PIN of a security key, and speaks to an agent.

use super::{Exit, Output, open, refused, show, write};
use crate::sources::bundle::{BUNDLE, Signature, stored};
use clap::Args;
use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

pub(super) const EXAMPLES: &str = "Examples:
  poort bundle sign politie-nl-43.tar --key ~/.ssh/id_ed25519_sk      touch the security key when it blinks
  poort bundle sign politie-nl-43.tar --key ~/.ssh/id_ed25519.pub     a key that an agent has, such as one of a PIV card

It first shows the manifest and what `poort diff` said when the bundle was built. A key in a file signs at once; to read before that,
use `poort bundle show`. To see for yourself, build it again: the
same folder, --previous and times give the same digest. Your signature is for this version of this store alone. It needs
ssh-keygen (OpenSSH 8.2 or later).";

#[derive(Debug, Args)]
pub(in super::super) struct Arguments {
    /// The bundle; the signature is put into it
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The key, as ssh-keygen -Y sign -f takes it: a private key, or the public key of one in an agent
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

pub(super) fn run(Arguments { file, key }: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let bundle = open(file, output)?;
    output.tell(&show::summary(&bundle));
    output.tell(bundle.review().unwrap_or(show::NO_REVIEW));
    let (signature, pem) = signature_of(key, (BUNDLE, bundle.signed_text())).map_err(|message| {
        output.error(&format!("{}: {message}", file.display()));
        Exit::Failed
    })?;
    let version = bundle.manifest().version;
    let signed = bundle.with_signature(signature.key.id(), pem);
    let bytes = signed.write().map_err(|refusal| refused(file, &refusal, output))?;
    write(file, &bytes, output)?;
    output.conclude(&format!("signed version {version} with {}\n", signature.key.fingerprint()))?;
    Ok(Exit::Done)
}

/// A signature over a text for a purpose, and the form in which it is stored.
pub(in super::super) fn signature_of(
    key: &Path,
    (namespace, text): (&str, &str),
) -> Result<(Signature, String), String> {
    let pem = ssh_keygen(key, (namespace, text)).map_err(|error| format!("ssh-keygen: {error}"))?;
    let pem = stored(&pem).ok_or("ssh-keygen gave no signature")?;
    let signature = Signature::verify(&pem, namespace, text).map_err(|message| format!("the signature {message}"))?;
    if signature.presence.is_some_and(|presence| !presence.touched) {
        return Err("nobody touched the security key, so this signature would not count".to_owned());
    }
    Ok((signature, pem))
}

/// Signs a text, and gives what `ssh-keygen` writes. It asks on the terminal, not on standard input.
fn ssh_keygen(key: &Path, (namespace, text): (&str, &str)) -> io::Result<String> {
    let mut child = Command::new("ssh-keygen")
        .args(["-Y", "sign", "-n", namespace, "-f"])
        .arg(key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(text.as_bytes())?;
    }
    let done = child.wait_with_output()?;
    if done.status.success() {
        String::from_utf8(done.stdout).map_err(io::Error::other)
    } else {
        Err(io::Error::other(format!("it ended with {}", done.status)))
    }
}
