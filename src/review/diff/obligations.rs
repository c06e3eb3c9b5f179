//! Compares what a policy asks of callers: obligations, which they must meet, and advice, which they may follow.

use super::ObligationChange;
use crate::types::{
    authzen,
    decision::{Obligation, PolicyFacts},
    evaluation::Value,
    revision::Revision,
};
use std::collections::BTreeSet;

/// What changed, if anything: by what is asked, and not by how it is written. What a policy asked that is gone is lost.
pub(super) fn change(id: &str, base: Option<&PolicyFacts>, head: Option<&PolicyFacts>) -> Option<ObligationChange> {
    let (before, after) = (obligations(base), obligations(head));
    let (advised, advises) = (advice(base), advice(head));
    if before == after && advised == advises {
        return None;
    }
    let less = |of: &BTreeSet<String>, other: &BTreeSet<String>| of.difference(other).cloned().collect();
    let parts = [("before", &before), ("after", &after)]
        .into_iter()
        .flat_map(|(side, texts)| texts.iter().map(move |text| (format!("{side} {id}"), text)))
        .collect::<Vec<_>>();
    Some(ObligationChange {
        lost: less(&before, &after),
        gained: less(&after, &before),
        advice_lost: less(&advised, &advises),
        advice_gained: less(&advises, &advised),
        digest: Revision::of(parts.iter().map(|(name, text)| (name.as_str(), text.as_bytes()))).to_string(),
    })
}

fn obligations(facts: Option<&PolicyFacts>) -> BTreeSet<String> {
    facts.into_iter().flat_map(|facts| &facts.obligations).map(shown).collect()
}

fn advice(facts: Option<&PolicyFacts>) -> BTreeSet<String> {
    facts.into_iter().flat_map(|facts| &facts.advice).map(|advice| advice.base().to_owned()).collect()
}

/// A plain text as it is, anything else in JSON.
fn shown(obligation: &Obligation) -> String {
    let Obligation { id: _, kind, properties } = obligation;
    if let ("custom", 1, Some(Value::String(text))) = (kind.as_str(), properties.len(), properties.get("obligation")) {
        return text.clone();
    }
    let mut bytes = Vec::new();
    authzen::write_map(&mut bytes, properties);
    format!("{kind} {}", String::from_utf8_lossy(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::evaluation::Map;

    fn asking(texts: &[&str], advice: &[&str]) -> PolicyFacts {
        let obligation = |text: &&str| Obligation {
            id: "p#1".to_owned(),
            kind: "custom".to_owned(),
            properties: Map::from([("obligation".to_owned(), Value::String((*text).to_owned()))]),
        };
        let advice = advice.first().map(|text| (*text).into());
        PolicyFacts { obligations: texts.iter().map(obligation).collect(), advice, ..PolicyFacts::default() }
    }

    #[track_caller]
    fn check(base: Option<&PolicyFacts>, head: Option<&PolicyFacts>, lost: &[&str], gained: &[&str]) {
        let change = change("p", base, head).unwrap();
        assert_eq!((change.lost, change.gained), (texts(lost), texts(gained)));
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn an_obligation_that_changed_is_lost_and_gained() {
        check(Some(&asking(&["mask"], &[])), Some(&asking(&["hide"], &[])), &["mask"], &["hide"]);
        check(Some(&asking(&["mask"], &[])), Some(&asking(&["mask", "hide"], &[])), &[], &["hide"]);
    }

    #[test]
    fn a_policy_that_is_gone_takes_its_obligations_along() {
        check(Some(&asking(&["mask"], &[])), None, &["mask"], &[]);
        check(None, Some(&asking(&["mask"], &[])), &[], &["mask"]);
    }

    #[test]
    fn advice_is_no_obligation() {
        let change = change("p", Some(&asking(&[], &["look out"])), Some(&asking(&[], &[]))).unwrap();
        assert_eq!((change.lost, change.advice_lost), (vec![], texts(&["look out"])));
    }

    #[test]
    fn what_is_asked_alike_did_not_change() {
        assert_eq!(change("p", Some(&asking(&["b", "a"], &[])), Some(&asking(&["a", "b"], &[]))), None);
    }

    #[test]
    fn another_change_of_the_same_policy_has_another_digest() {
        let digest =
            |head: &[&str]| change("p", Some(&asking(&["mask"], &[])), Some(&asking(head, &[]))).unwrap().digest;
        assert_ne!(digest(&[]), digest(&["hide"]));
    }
}
