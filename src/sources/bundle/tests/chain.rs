use super::*;
use crate::sources::bundle::{Choice, Code};

/// Bundles of a history: version, what it follows, and when it was built.
fn bundle(version: u64, previous: &str, hour: i64) -> Arc<Verified> {
    let created = at("2026-11-20T08:00:00Z") + jiff::SignedDuration::from_hours(hour);
    let manifest = Manifest { created, previous: Some(previous.to_owned()), ..manifest(version) };
    Arc::new(Verified::new(&signed(manifest, &[ANNA, BRAM]), &trust(), now()).unwrap())
}

fn after(before: &Verified, hour: i64) -> Arc<Verified> {
    bundle(before.manifest().version + 1, before.digest().as_str(), hour)
}

fn versions(choice: &Choice) -> (Vec<u64>, Option<u64>, Vec<(u64, Code)>) {
    let version = |bundle: &Arc<Verified>| bundle.manifest().version;
    let refused = choice.refused.iter().map(|(bundle, refusal)| (version(bundle), refusal.code));
    (choice.newer.iter().map(version).collect(), choice.same.as_ref().map(version), refused.collect())
}

#[test]
fn only_a_chain_without_gap_or_fork_leads_on() {
    let first = bundle(5, &digest('a'), 0);
    let second = after(&first, 0);
    let (third, other_third) = (after(&second, 0), after(&second, 1));
    let fourth = after(&third, 0);
    let stranger = bundle(6, &digest('b'), 0);
    let other_first = bundle(5, &digest('a'), 1);
    let floor = Floor::from(&*first);
    let choice = |bundles: &[&Arc<Verified>]| versions(&choose(Some(&floor), 0, bundles.iter().copied().cloned()));
    assert_eq!(choice(&[&third, &first, &second]), (vec![7, 6], Some(5), vec![]));
    assert_eq!(choice(&[&first, &third]), (vec![], Some(5), vec![(7, Code::Version)]), "6 is missing");
    assert_eq!(choice(&[&stranger]), (vec![], None, vec![(6, Code::Fork)]), "another history");
    assert_eq!(choice(&[&other_first]), (vec![], None, vec![(5, Code::Fork)]), "another active one");
    let forked = choice(&[&second, &third, &other_third, &fourth]);
    assert_eq!(forked, (vec![6], None, vec![(7, Code::Fork), (7, Code::Fork), (8, Code::Version)]));
    assert_eq!(choice(&[&second, &second]), (vec![6], None, vec![]), "twice the same");
}

#[test]
fn of_copies_the_one_with_most_signers_counts() {
    let first = Manifest { previous: Some(digest('a')), ..manifest(5) };
    let [few, many] = [&[ANNA, BRAM][..], &[ANNA, BRAM, cora(TOUCHED_WITH_PIN)]]
        .map(|by| Arc::new(Verified::new(&signed(first.clone(), by), &trust(), now()).unwrap()));
    for copies in [[&few, &many], [&many, &few]] {
        let choice = choose(None, 0, copies.into_iter().cloned());
        assert_eq!(choice.newer.iter().map(|it| it.tally().signers.len()).collect::<Vec<_>>(), [3]);
    }
}

#[test]
fn an_older_bundle_is_refused_unless_newer_ones_lie_beside_it() {
    let old = bundle(4, &digest('a'), 0);
    let active = after(&old, 0);
    let next = after(&active, 0);
    let floor = Floor::from(&*active);
    let choice = |bundles: Vec<Arc<Verified>>| versions(&choose(Some(&floor), 0, bundles));
    assert_eq!(choice(vec![old.clone()]), (vec![], None, vec![(4, Code::Version)]));
    assert_eq!(choice(vec![old.clone(), active]), (vec![], Some(5), vec![]));
    assert_eq!(choice(vec![old, next]), (vec![6], None, vec![]));
}

#[test]
fn the_configuration_can_ask_for_a_version() {
    let old = bundle(4, &digest('a'), 0);
    let active = after(&old, 0);
    let next = after(&active, 0);
    let all = || vec![old.clone(), active.clone(), next.clone()];
    assert_eq!(versions(&choose(None, 0, all())), (vec![6, 5, 4], None, vec![]));
    assert_eq!(versions(&choose(None, 6, all())), (vec![6], None, vec![]));
    let floor = Floor::from(&*old);
    assert_eq!(versions(&choose(Some(&floor), 6, all())).0, [6], "what is below is a link");
    let too_low = versions(&choose(Some(&floor), 7, all()));
    assert_eq!(too_low, (vec![], None, vec![(6, Code::Version), (5, Code::Version), (4, Code::Version)]));
}
