//! `poort bundle show`: what is in a bundle.

use super::{Exit, Output, open};
use crate::{
    sources::bundle::{Bundle, Manifest, Rollback},
    types::escape,
};
use clap::Args;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "Examples:
  poort bundle show politie-nl-43.tar           what it says of itself
  poort bundle show data/bundle.tar             what a sidecar has
  poort bundle show politie-nl-43.tar --review  what `poort diff` said when it was built
  poort bundle show politie-nl-43.tar --manifest > manifest.json
                                                what is signed, for ssh-keygen -Y verify";

/// What is told in the place of a report.
pub(super) const NO_REVIEW: &str = "No report of `poort diff` is in it.\n";

#[derive(Debug, Args)]
pub(in super::super) struct Arguments {
    /// The bundle
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print the report of `poort diff` that is in it
    #[arg(long, conflicts_with = "manifest")]
    review: bool,
    /// Print the manifest, byte for byte: the text that is signed
    #[arg(long)]
    manifest: bool,
}

pub(super) fn run(Arguments { file, review, manifest }: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let bundle = open(file, output)?;
    let text = match (review, manifest) {
        (true, _) => escape::lines(bundle.review().unwrap_or(NO_REVIEW)).into_owned(),
        (_, true) => bundle.signed_text().to_owned(),
        _ => summary(&bundle),
    };
    output.conclude(&text)?;
    Ok(Exit::Done)
}

/// What a bundle says of itself.
pub(super) fn summary(bundle: &Bundle) -> String {
    let Manifest { created, expires, files, not_before, previous, review, rollback, store, version, format: _ } =
        bundle.manifest();
    let mut lines = vec![
        format!("store      {store}"),
        format!("version    {version}"),
        format!("digest     {}", bundle.digest()),
        format!("previous   {}", previous.as_deref().unwrap_or("none: it is the first")),
        format!("created    {created}"),
    ];
    lines.extend(not_before.map(|not_before| format!("from       {not_before}")));
    lines.push(format!("expires    {expires}"));
    if let Some(Rollback { reason, to }) = rollback {
        lines.push(format!("rollback   to version {to}: {reason}"));
    }
    lines.extend(review.as_ref().map(|review| format!("review     against version {}", review.against)));
    lines.push(format!("files      {}", files.len()));
    lines.extend(files.iter().map(|file| format!("  {} {:>8}  {}", file.sha256, file.size, file.path)));
    let signed: Vec<_> = bundle.signed_by().collect();
    lines.push(format!("signatures {}", signed.len()));
    lines.extend(signed.iter().map(|id| format!("  {id}")));
    lines.join("\n") + "\n"
}
