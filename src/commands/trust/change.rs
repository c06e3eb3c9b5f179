//! `poort trust add` and `remove`: make the next trust file of the one before it.

use super::{Exit, Output, bundle, differences::differences, init, write_new};
use crate::sources::bundle::{Act, Key, NextTrust, PersonalKey, TrustFile};
use clap::Args;
use jiff::Timestamp;
use std::path::PathBuf;

pub(super) const ADD_EXAMPLES: &str = "Examples:
  poort trust add --signer 'Dirk Voorbeeld,Politie,keys/dirk_sk.pub' --pin -o politie-nl-2.trust
  poort trust add --signer 'Anna Voorbeeld,Politie,keys/anna_new.pub' -o politie-nl-2.trust         one more key of hers
  poort trust add --signer 'Emma Voorbeeld,Politie,keys/emma.pub' --act bundle --until 2027-07-01T00:00:00Z \\
      --trust politie-nl-2.trust --threshold bundle=3 -o politie-nl-3.trust

It writes the next version, which nobody signed yet. `poort trust sign` shows what changes and signs it: it takes enough persons
for `trust` of the file before, and enough of the new one. Then a courier brings it, as bundles.";

pub(super) const REMOVE_EXAMPLES: &str = "Examples:
  poort trust remove 'Bram Voorbeeld' -o politie-nl-2.trust                                  the person, with all keys
  poort trust remove 'Bram Voorbeeld' --key keys/bram_old.pub -o politie-nl-2.trust          one key
  poort trust remove 'Bram Voorbeeld' --until 2027-01-01T00:00:00Z -o politie-nl-2.trust     an end for all keys

From then on, signatures of the person count for no bundle and no trust file that comes. The active bundle stays until the next
start, which asks for enough signatures of who is left: one of them signs it once more, and the courier brings that copy.";

#[derive(Debug, Args)]
struct Change {
    /// The trust file before it: the first one, or the newest that was signed
    #[arg(long, value_name = "FILE", default_value = "trust.json")]
    trust: PathBuf,
    /// The file of the next one, such as politie-nl-2.trust
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// How many persons an act takes from now on: bundle, rollback or trust
    #[arg(long, value_name = "ACT=PERSONS", value_parser = threshold)]
    threshold: Vec<(Act, usize)>,
}

#[derive(Debug, Args)]
pub(in super::super) struct Add {
    /// A person, or one more key of one: name, organisation and the file of a public key
    #[arg(long, value_name = "NAME,ORGANISATION,FILE", required = true)]
    signer: Vec<String>,
    /// What these persons may sign for: bundle, rollback or trust [default: all, or what they may now]
    #[arg(long, value_name = "ACT", value_parser = act)]
    act: Vec<Act>,
    /// From when on these keys count
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Until when these keys count
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// These security keys must have asked for their PIN
    #[arg(long)]
    pin: bool,
    #[command(flatten)]
    change: Change,
}

#[derive(Debug, Args)]
pub(in super::super) struct Remove {
    /// The person
    #[arg(value_name = "NAME")]
    person: String,
    /// The file of one public key of the person [default: all]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Leave it in, with this end
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    #[command(flatten)]
    change: Change,
}

pub(super) fn add(Add { signer, act, from, until, pin, change }: &Add, output: &mut Output) -> Result<Exit, Exit> {
    next(change, output, |file, output| {
        for signer in signer {
            let (person, key) = init::add(&mut file.persons, signer, output)?;
            let Some(person) = file.persons.get_mut(person) else { continue };
            if !act.is_empty() {
                person.acts = act.iter().copied().collect();
            }
            for key in person.keys.iter_mut().skip(key) {
                (key.from, key.until, key.pin) = (*from, *until, *pin);
            }
        }
        Ok(())
    })
}

pub(super) fn remove(Remove { person, key, until, change }: &Remove, output: &mut Output) -> Result<Exit, Exit> {
    next(change, output, |file, output| {
        let key = key.as_ref().map(|path| Ok((path, bundle::read_text(path, output)?))).transpose()?;
        let id = |line: &str| Key::parse(line).map(|key| key.id()).ok();
        let is_meant = |own: &PersonalKey| key.as_ref().is_none_or(|(_, line)| id(line) == id(&own.key));
        let Some(found) = file.persons.iter_mut().find(|found| found.name == *person) else {
            output.error(&format!("{}: {person} is not in it", change.trust.display()));
            return Err(Exit::Usage);
        };
        if let Some((path, _)) = key.as_ref().filter(|_| !found.keys.iter().any(is_meant)) {
            output.error(&format!("{}: is no key of {person}", path.display()));
            return Err(Exit::Usage);
        }
        match until {
            Some(_) => found.keys.iter_mut().filter(|own| is_meant(own)).for_each(|own| own.until = *until),
            None => found.keys.retain(|own| !is_meant(own)),
        }
        file.persons.retain(|person| !person.keys.is_empty());
        Ok(())
    })
}

/// Writes the next trust file, and tells what changes.
fn next(
    Change { trust, output: path, threshold }: &Change,
    output: &mut Output,
    change: impl FnOnce(&mut TrustFile, &mut Output) -> Result<(), Exit>,
) -> Result<Exit, Exit> {
    let before = bundle::trust_file(trust, output)?;
    let mut file = before.file().clone();
    file.version = file.version.saturating_add(1);
    file.previous = Some(before.digest().to_string());
    change(&mut file, output)?;
    for (act, persons) in threshold {
        match act {
            Act::Bundle => file.thresholds.bundle = *persons,
            Act::Rollback => file.thresholds.rollback = *persons,
            Act::Trust => file.thresholds.trust = *persons,
        }
    }
    let next = NextTrust::new(&file).map_err(|refusal| {
        output.error(&format!("the trust file would not be usable: {}", refusal.message));
        Exit::Usage
    })?;
    let bytes = next.write().map_err(|refusal| bundle::refused(path, &refusal, output))?;
    write_new(path, &bytes, output)?;
    let (version, store) = (file.version, &file.store);
    let changes = differences(before.file(), &file);
    output.conclude(&format!("{}: version {version} for `{store}`, not signed yet\n{changes}", path.display()))?;
    Ok(Exit::Done)
}

fn act(name: &str) -> Result<Act, String> {
    Act::ALL.into_iter().find(|act| act.name() == name).ok_or_else(|| "is none of bundle, rollback, trust".to_owned())
}

fn threshold(text: &str) -> Result<(Act, usize), String> {
    let (name, persons) = text.split_once('=').ok_or("is not ACT=PERSONS, such as bundle=3")?;
    Ok((act(name)?, persons.parse().map_err(|_| format!("`{persons}` is no number of persons"))?))
}
