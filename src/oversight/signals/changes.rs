//! What a change of the settings of signals changes, in words: for those who decide about it (WOR art. 27(1)).

use super::settings::SettingsFiles;
use cedar_policy::PolicySet;
use std::collections::{BTreeMap, BTreeSet};

/// What each number means.
const MEANINGS: [(&str, &str); 38] = [
    ("budget.per_thousand", "signals for each 1 000 active accounts and workday"),
    ("budget.baseline_days", "first days of a log, with no signals but those of rules"),
    ("budget.least_score", "score below which nothing is signalled"),
    ("budget.half_life_days", "days after which what days add up to counts half"),
    ("budget.quiet_days", "days without anything new after which a signal is closed"),
    ("peers.same", "what accounts have in common that are compared"),
    ("peers.itself", "types of accounts that are compared with their own earlier days"),
    ("peers.accounts", "accounts that a group needs"),
    ("peers.active_days", "days with questions after which an account counts in its group"),
    ("accesses.days", "days for which an access for a reason explains later ones"),
    ("accesses.most", "accesses that are known at most"),
    ("unexplained.weight", "weight of accesses without a known reason"),
    ("breadth.weight", "weight of many first accesses"),
    ("breadth.least", "first accesses of a day below which there is no score"),
    ("burst.weight", "weight of many questions within minutes"),
    ("burst.least", "questions within minutes below which there is no score"),
    ("enumeration.weight", "weight of records whose numbers follow each other"),
    ("enumeration.least", "records in a row below which there is no score"),
    ("probing.weight", "weight of denied questions"),
    ("probing.least", "denied questions of a day below which there is no score"),
    ("probing.policies", "different policies that must deny"),
    ("shopping.score", "the most that a record says that was allowed minutes after a denial, with something else said"),
    ("shopping.minutes", "minutes within which that happens"),
    ("shopping.context", "what is something else, beside the application"),
    ("crowd.accounts", "accounts with access to one record, each without a known reason, that are a signal"),
    ("crowd.days", "days within which they had it"),
    ("disclosure.action", "action that discloses a record"),
    ("disclosure.flow", "what a flow of disclosures has in common, beside the type of the record"),
    ("disclosure.score", "score of a flow that a system did not have before"),
    ("disclosure.weight", "weight of many disclosures in a flow"),
    ("disclosure.least", "disclosures of a day in a flow below which there is no score"),
    ("circumstances.most", "what the hour and a long pause add to a score at most"),
    ("circumstances.hour_share", "part of the work of peers below which an hour adds to a score"),
    ("circumstances.dormant", "what a long pause adds to a score"),
    ("circumstances.dormant_days", "days without questions that are a long pause"),
    ("follow_up.resource", "type of a signal in questions about it"),
    ("follow_up.change", "action that follows a signal up, and closes it"),
    ("follow_up.reveal", "action that shows whose account a signal is about"),
];

/// What differs between the settings before and after, a line or more each.
///
/// # Errors
/// A file of reasons that is no Cedar.
pub fn changes(before: &SettingsFiles, after: &SettingsFiles) -> Result<Vec<String>, String> {
    let mut changes = numbers(&before.numbers(), &after.numbers());
    changes.extend(reasons(&written(before)?, &written(after)?));
    Ok(changes)
}

fn numbers(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let change = |key: &String| {
        let (before, after) = (before.get(key), after.get(key));
        let meaning = MEANINGS.iter().find(|(of, _)| of == key).map_or(key.as_str(), |(_, meaning)| meaning);
        let shown = |value: Option<&String>| value.cloned().unwrap_or_else(|| "nothing".to_owned());
        (before != after).then(|| format!("{meaning}: {}, before {}  [{key}]", shown(after), shown(before)))
    };
    keys.into_iter().filter_map(change).collect()
}

/// The title and the text of each reason and rule.
type Written = BTreeMap<String, (String, String)>;

fn written(files: &SettingsFiles) -> Result<Written, String> {
    let mut written = BTreeMap::new();
    for (name, text) in files.reasons.texts() {
        let policies: PolicySet = text.parse().map_err(|error| format!("{name}: {error}"))?;
        for policy in policies.policies() {
            let annotation = |name: &str| policy.annotation(name).unwrap_or_default().to_owned();
            written.insert(annotation("id"), (annotation("title"), policy.to_string()));
        }
    }
    Ok(written)
}

fn reasons(before: &Written, after: &Written) -> Vec<String> {
    let gone = before.iter().filter(|(id, _)| !after.contains_key(*id));
    let gone = gone.map(|(id, (title, _))| format!("gone: {title}  [{id}]"));
    let other = after.iter().filter_map(|(id, (title, text))| match before.get(id) {
        None => Some(format!("new: {title}  [{id}]")),
        Some((_, before)) if before != text => {
            Some(format!("other than before: {title}  [{id}]\nbefore:\n{before}\nnow:\n{text}"))
        }
        Some(_) => None,
    });
    gone.chain(other).collect()
}
