//! What a headline says of comparisons that are made up.

use super::*;
use crate::review::diff::{
    AccountEffect, Facts, Question, Reached, SideAnswer,
    sample::{comparison, outcome},
};
use crate::types::decision::Wording;

/// An environment in which an officer could do more, and of which this is known of the officers of the directory.
fn environment(action: &str, resource: &str, reached: Option<(&[&str], usize)>) -> EnvironmentChange {
    let reached = reached.map(|(accounts, open)| Reached {
        change: Direction::NewlyAllowed,
        accounts: accounts.iter().map(|id| people::name("Police::Officer", id)).collect(),
        open,
        whoever: false,
    });
    EnvironmentChange {
        action: action.to_owned(),
        resource: resource.to_owned(),
        reached: reached.into_iter().collect(),
        ..outcome(&["p"])
    }
}

/// Whoever asks about the team `heron` can do more.
fn about_heron() -> AccountEffect {
    let text = |text: &str| text.to_owned();
    let question = Question { real: false, ..outcome(&["p"]).differences[0].example.clone() };
    AccountEffect {
        change: Direction::NewlyAllowed,
        accounts: Vec::new(),
        named: vec![(text("resource.team"), vec![text("Police::Team::\"heron\"")])],
        because: Vec::new(),
        example: Question { facts: Facts { record: vec![text("level 1")], ..Facts::default() }, ..question },
        base: SideAnswer { allowed: false, policies: Vec::new(), reason: Wording::default() },
        head: SideAnswer { allowed: true, policies: Vec::new(), reason: "Allowed.".into() },
    }
}

#[track_caller]
fn check(environments: Vec<EnvironmentChange>, expected: &[&str]) -> Headline {
    let headline = Headline::of(&comparison(environments), Language::English);
    assert_eq!(headline.sentences, expected);
    headline
}

const NOBODY: Option<(&[&str], usize)> = Some((&[], 0));

#[test]
fn what_nobody_can_do_is_said_for_each_type() {
    let of = |principal: &str, action: &str, resource: &str| EnvironmentChange {
        principal: principal.to_owned(),
        ..environment(action, resource, NOBODY)
    };
    // Not the product of types, operations and records.
    check(
        vec![of("Officer", "consult", "Record"), of("Partner", "erase", "Area")],
        &[
            "No officer of the directory can now consult Record; another could.",
            "No partner of the directory can now erase Area; another could.",
        ],
    );
    check(
        vec![of("Officer", "consult", "Record"), of("Partner", "consult", "Record")],
        &["No officer or partner of the directory can now consult Record; another could."],
    );
}

#[test]
fn what_nobody_loses_is_said() {
    let mut one = environment("consult", "Record", NOBODY);
    one.differences[0].change = Direction::NewlyDenied;
    one.reached[0].change = Direction::NewlyDenied;
    check(vec![one], &["No officer of the directory loses this: consult Record; another could."]);
}

#[test]
fn nobody_is_never_said_beside_what_is_open() {
    let unknown = "It is not known whether any officer of the directory can now consult Record.";
    let undecided = "It is undecided whether accounts can do more or less in 1 of 1 environment.";
    let one = || environment("consult", "Record", NOBODY);
    check(vec![EnvironmentChange { undecided: vec!["so".to_owned()], ..one() }], &[unknown, undecided]);
    let about = "Whoever asks can now consult Record, where resource.team is heron.";
    check(vec![EnvironmentChange { accounts: vec![about_heron()], ..one() }], &[about, unknown]);
    let together = "Policies and the directory changed together: for accounts and records that both concern it is not known \
                    what could be done before.";
    check(vec![EnvironmentChange { together: Together::Records, ..one() }], &[unknown, together]);
    let mut whole = comparison(vec![one()]);
    whole.not_worked_out = Some("so".to_owned());
    assert_eq!(Headline::of(&whole, Language::English).sentences[0], unknown);
}

#[test]
fn a_number_beside_what_is_open_is_a_least_one() {
    let known = || environment("consult", "Record", Some((&["ann"], 0)));
    check(vec![known()], &["1 account can now consult Record (ann)."]);
    let least = "At least 1 account can now consult Record (ann).";
    for open in [
        EnvironmentChange { undecided: vec!["so".to_owned()], ..known() },
        EnvironmentChange { together: Together::Records, ..known() },
        environment("consult", "Record", Some((&["ann"], 2))),
    ] {
        assert_eq!(Headline::of(&comparison(vec![open]), Language::English).sentences[0], least);
    }
    check(
        vec![environment("consult", "Record", Some((&[], 3)))],
        &["It is not known whether any of 3 officers can now consult Record."],
    );
}

#[test]
fn a_difference_is_never_left_out() {
    check(
        vec![environment("consult", "Record", None)],
        &["It is not known whether any officer of the directory can now consult Record."],
    );
}

#[test]
fn further_changes_are_counted() {
    let all =
        (0..6).map(|index| environment("consult", &format!("Record{index}"), Some((&["ann", "bob", "cas"], index))));
    let headline = Headline::of(&comparison(all.collect()), Language::English);
    // What is known of the same accounts is one sentence.
    assert_eq!(headline.sentences.len(), 1, "{headline:?}");
    let all = (0..6).map(|index| environment("consult", &format!("Record{index}"), Some((&[], index + 1))));
    let headline = Headline::of(&comparison(all.collect()), Language::English);
    assert_eq!(headline.sentences[4], "2 more changes, of other accounts or operations, are below.");
}

#[test]
fn an_example_belongs_to_its_sentence() {
    let one = EnvironmentChange { accounts: vec![about_heron()], ..environment("consult", "Record", NOBODY) };
    let headline = Headline::of(&comparison(vec![one]), Language::English);
    // That of the policies would be of an account of the directory.
    let expected = "For example a made-up officer can now consult Record (level 1): Allowed.";
    assert_eq!(headline.example.as_deref(), Some(expected), "{headline:?}");
}

#[test]
fn a_fact_of_another_entity_has_its_name() {
    use crate::review::diff::{EntityChange, Fact};
    let ann = people::name("Police::Officer", "ann");
    let fact = Fact {
        name: "head".to_owned(),
        before: Some("Police::Officer::\"a::\\\"b\"".to_owned()),
        after: None,
        added: Vec::new(),
        removed: Vec::new(),
    };
    let of = |id: &str| EntityChange {
        id: people::name("Police::Unit", id),
        change: Change::Changed,
        facts: Vec::new(),
        digest: String::new(),
    };
    // A unit with the id of the account that asks.
    assert_eq!(example::fact_of(&of("ann"), &fact, Some(&ann), Language::English), "ann head a::\"b → nothing");
    let own = EntityChange { id: ann.clone(), ..of("ann") };
    assert_eq!(example::fact_of(&own, &fact, Some(&ann), Language::English), "head a::\"b → nothing");
}
