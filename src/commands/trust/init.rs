//! `poort trust init`: makes the first trust file of a store.

use super::{Exit, Output, bundle, write_new};
use crate::sources::bundle::{Act, Person, PersonalKey, Trust, TrustFile};
use clap::Args;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "Examples:
  poort trust init --store politie-nl -o trust.json \\
      --signer 'Anna Voorbeeld,Politie,keys/anna_sk.pub' \\
      --signer 'Bram Voorbeeld,Politie,keys/bram.pub' \\
      --signer 'Cora Voorbeeld,Koninklijke Marechaussee,keys/cora.pub'

It lets each person sign for each act, and asks two persons for it. The file is JSON: change in it who may sign for what,
from when until when a key counts, and whether a security key must have asked for its PIN (`\"pin\": true`; it must be touched in
any case). A second key of a person is a second --signer with the same name, and counts once.

The file belongs on the host of each sidecar, in the hands of who administers it: `bundle.trust` names it. Nobody signs this first
one. Each later one is signed, and reaches a sidecar as bundles do: `poort trust add` and `poort trust remove` make it.";

#[derive(Debug, Args)]
pub(in super::super) struct Arguments {
    /// The store whose bundles it is about
    #[arg(long, value_name = "NAME")]
    store: String,
    /// A person who may sign: name, organisation and the file of a public key
    #[arg(long, value_name = "NAME,ORGANISATION,FILE", required = true)]
    signer: Vec<String>,
    /// How many persons each act takes; 2 at least
    #[arg(long, value_name = "PERSONS", default_value_t = 2)]
    threshold: usize,
    /// The file
    #[arg(short, long, value_name = "FILE", default_value = "trust.json")]
    output: PathBuf,
}

pub(super) fn run(
    Arguments { store, signer, threshold, output: file }: &Arguments,
    output: &mut Output,
) -> Result<Exit, Exit> {
    let mut persons = Vec::new();
    for signer in signer {
        add(&mut persons, signer, output)?;
    }
    let text = TrustFile::first(store, *threshold, persons).write();
    if let Err(message) = Trust::read(&text) {
        output.error(&format!("a trust file would not be usable: {message}"));
        return Err(Exit::Usage);
    }
    write_new(file, text.as_bytes(), output)?;
    output.conclude(&format!("{}: version 1 for `{store}`\n", file.display()))?;
    Ok(Exit::Done)
}

/// Adds what `NAME,ORGANISATION,FILE` says: a person, or one more key of one. Gives the place of both.
pub(super) fn add(persons: &mut Vec<Person>, signer: &str, output: &mut Output) -> Result<(usize, usize), Exit> {
    let mut parts = signer.splitn(3, ',').map(str::trim);
    let (Some(name), Some(organisation), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
        output.error(&format!("--signer: `{signer}` is not NAME,ORGANISATION,FILE"));
        return Err(Exit::Usage);
    };
    let key = bundle::read_text(path.as_ref(), output)?.trim().to_owned();
    let at = persons.iter().position(|person| person.name == name).unwrap_or_else(|| {
        let (name, organisation) = (name.to_owned(), organisation.to_owned());
        persons.push(Person { name, organisation, acts: Act::ALL.into_iter().collect(), keys: Vec::new() });
        persons.len().saturating_sub(1)
    });
    let Some(person) = persons.get_mut(at).filter(|person| person.organisation == organisation) else {
        output.error(&format!("--signer: {name} is there with another organisation than `{organisation}`"));
        return Err(Exit::Usage);
    };
    person.keys.push(PersonalKey { key, from: None, until: None, pin: false });
    Ok((at, person.keys.len().saturating_sub(1)))
}
