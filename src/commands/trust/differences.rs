//! What changes from one trust file to the next: each line of one that the other has not.

use crate::sources::bundle::{Act, Key, TrustFile};
use std::collections::BTreeSet;

/// The lines that are gone and that are new, for people.
pub(super) fn differences(before: &TrustFile, after: &TrustFile) -> String {
    let (before, after) = (lines(before), lines(after));
    let gone = before.difference(&after).map(|line| (line, '-'));
    let new = after.difference(&before).map(|line| (line, '+'));
    // A line that changed is beside the one that it was.
    let changed: BTreeSet<_> = gone.chain(new).collect();
    let told: String = changed.into_iter().map(|(line, sign)| format!("{sign} {line}\n")).collect();
    if told.is_empty() { "nothing changes\n".to_owned() } else { told }
}

/// All that a trust file says of persons, keys and thresholds, each line by itself.
fn lines(
    TrustFile { persons, thresholds, format: _, store: _, version: _, previous: _ }: &TrustFile,
) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for act in Act::ALL {
        lines.insert(format!("`{act}` takes {} persons", thresholds.of(act)));
    }
    for person in persons {
        let acts: Vec<_> = person.acts.iter().map(|act| act.name()).collect();
        lines.insert(format!("{} ({}) may sign for: {}", person.name, person.organisation, acts.join(", ")));
        for personal in &person.keys {
            let key = Key::parse(&personal.key).map_or_else(|_| personal.key.clone(), |key| key.fingerprint());
            let mut line = format!("{} has the key {key}", person.name);
            line.extend(personal.from.map(|from| format!(", from {from}")));
            line.extend(personal.until.map(|until| format!(", until {until}")));
            line.push_str(if personal.pin { ", with its PIN" } else { "" });
            lines.insert(line);
        }
    }
    lines
}
