//! `poort trust`: who may sign bundles.

use super::{
    Exit,
    bundle::{self, trust_file},
    output::Output,
};
use crate::sources::bundle::{Act, Person, PersonalKey, Trust, TrustFile};
use clap::{Args, Subcommand};
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  poort trust init --store politie-nl -o trust.json \\
      --signer 'Anna Voorbeeld,Politie,keys/anna_sk.pub' \\
      --signer 'Bram Voorbeeld,Politie,keys/bram.pub' \\
      --signer 'Cora Voorbeeld,Koninklijke Marechaussee,keys/cora.pub'
  poort trust export --trust trust.json > allowed_signers

`init` lets each person sign for each act, and asks two persons for it. The file is JSON: change in it who may sign for what,
from when until when a key counts, and whether a security key must have asked for its PIN (`\"pin\": true`; it must be touched in
any case). A second key of a person is a second --signer with the same name, and counts once.

The file belongs on the host of each sidecar, in the hands of who administers it: `bundle.trust` names it. Who administers the host
changes it; poort does not verify yet that the persons for `trust` signed the next one.

With `export`, an auditor needs only OpenSSH:
  poort bundle show FILE --manifest | ssh-keygen -Y verify -f allowed_signers -I Anna.Voorbeeld -n poort-bundle -s SIGNATURE
It does not look at touch, PIN and how many persons it takes; `poort bundle verify` does.";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make the first trust file of a store
    #[command(after_help = EXAMPLES)]
    Init(Init),
    /// Print the keys as allowed_signers of OpenSSH
    #[command(after_help = EXAMPLES)]
    Export(Export),
}

#[derive(Debug, Args)]
pub(super) struct Init {
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

#[derive(Debug, Args)]
pub(super) struct Export {
    /// The trust file
    #[arg(long, value_name = "FILE", default_value = "trust.json")]
    trust: PathBuf,
}

pub(super) fn run(command: &Command, output: &mut Output) -> Result<Exit, Exit> {
    match command {
        Command::Init(init) => self::init(init, output),
        Command::Export(Export { trust }) => {
            let lines = trust_file(trust, output)?.allowed_signers();
            output.conclude(&lines)?;
            Ok(Exit::Done)
        }
    }
}

fn init(Init { store, signer, threshold, output: file }: &Init, output: &mut Output) -> Result<Exit, Exit> {
    let mut persons: Vec<Person> = Vec::new();
    for signer in signer {
        let mut parts = signer.splitn(3, ',').map(str::trim);
        let (Some(name), Some(organisation), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            output.error(&format!("--signer: `{signer}` is not NAME,ORGANISATION,FILE"));
            return Err(Exit::Usage);
        };
        let key = bundle::read_text(path.as_ref(), output)?.trim().to_owned();
        let key = PersonalKey { key, from: None, until: None, pin: false };
        match persons.iter_mut().find(|person| person.name == name) {
            Some(person) => person.keys.push(key),
            None => persons.push(Person {
                name: name.to_owned(),
                organisation: organisation.to_owned(),
                acts: Act::ALL.into_iter().collect(),
                keys: vec![key],
            }),
        }
    }
    let text = TrustFile::first(store, *threshold, persons).write();
    if let Err(message) = Trust::read(&text) {
        output.error(&format!("a trust file would not be usable: {message}"));
        return Err(Exit::Usage);
    }
    if file.exists() {
        output.error(&format!("{}: is there already, and says who may sign", file.display()));
        return Err(Exit::Failed);
    }
    bundle::write(file, text.as_bytes(), output)?;
    output.conclude(&format!("{}: version 1 for `{store}`\n", file.display()))?;
    Ok(Exit::Done)
}
