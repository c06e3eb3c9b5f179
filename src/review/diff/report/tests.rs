//! The reports for people in Dutch: nothing of the tables of texts is left in English.

use super::{Report, html, invalid, json, markdown, terminal};
use crate::{
    review::diff::{
        Accepted, AccountEffect, ApplicationChange, Change, Comparison, Direction, Effect, EntityChange,
        EnvironmentChange, Fact, Facts, Note, ObligationChange, Policy, PolicyChange, Reached, SchemaChange,
        SideAnswer, Together,
        question::worded,
        sample::{comparison, digest, outcome},
    },
    types::{
        decision::Wording,
        language::Language,
        texts::{answers, diff as texts, diff_headline, diff_reports, english_in},
    },
};

const ANN: &str = "Police::Officer::\"ann\"";
const BOB: &str = "Police::Officer::\"bob\"";

fn title(english: &str, dutch: &str) -> Wording {
    let mut title = Wording::from(english);
    title.translate(Language::Dutch, dutch.to_owned());
    title
}

fn policy(id: &str, change: Change) -> PolicyChange {
    PolicyChange {
        id: id.to_owned(),
        renamed_from: (change == Change::Renamed).then(|| "older".to_owned()),
        title: title("Officers consult.", "Agenten raadplegen."),
        change,
        digest: digest(id),
        before: (change != Change::Added).then_some(Effect::Forbid),
        after: (change != Change::Removed).then_some(Effect::Forbid),
        annotations: Vec::new(),
        obligations: (change == Change::Obligations).then(|| ObligationChange {
            lost: vec!["hide".to_owned()],
            gained: vec!["show".to_owned()],
            advice_lost: vec!["ask".to_owned()],
            ..ObligationChange::default()
        }),
        base: None,
        head: None,
        lines: Vec::new(),
    }
}

fn said(allowed: bool) -> SideAnswer {
    let policies = vec![Policy { id: "p".to_owned(), title: title("Officers consult.", "Agenten raadplegen.") }];
    let reason = worded(|language| answers::no_permit(language).to_owned());
    SideAnswer { allowed, policies: if allowed { policies } else { Vec::new() }, reason }
}

/// What is different in one environment, for these accounts.
fn environment(change: Direction, accounts: &[&str], open: usize) -> EnvironmentChange {
    let accounts = accounts.iter().map(|name| (*name).to_owned()).collect();
    let mut one = outcome(&["gone"]);
    for difference in &mut one.differences {
        let is_allowed = change == Direction::NewlyAllowed;
        (difference.change, difference.base, difference.head) = (change, said(!is_allowed), said(is_allowed));
        difference.example.time_matters = true;
        difference.example.late = true;
        difference.example.application = Some("desk".to_owned());
        difference.example.real = false;
        difference.example.entities = vec![serde_json::json!({})];
        let context = vec!["no purpose".to_owned()];
        difference.example.facts = Facts { context, when: Some(String::new()), lacking: true, ..Facts::default() };
    }
    EnvironmentChange { reached: vec![Reached { change, accounts, open, whoever: false }], ..one }
}

fn effect(accounts: &[&str]) -> AccountEffect {
    AccountEffect {
        change: Direction::NewlyAllowed,
        accounts: accounts.iter().map(|name| (*name).to_owned()).collect(),
        named: vec![("resource.team".to_owned(), vec!["Police::Team::\"heron\"".to_owned()])],
        because: vec![ANN.to_owned(), BOB.to_owned()],
        example: outcome(&["p"]).differences.remove(0).example,
        base: said(false),
        head: said(true),
    }
}

fn entity(id: &str) -> EntityChange {
    let (before, after) = (Some("1".to_owned()), None);
    let fact = Fact { name: "level".to_owned(), before, after, added: Vec::new(), removed: Vec::new() };
    EntityChange { id: id.to_owned(), change: Change::Changed, facts: vec![fact], digest: digest(id) }
}

/// Comparisons that have something of everything.
fn comparisons() -> Vec<Comparison> {
    let (allowed, denied) = (Direction::NewlyAllowed, Direction::NewlyDenied);
    let of = |resource: &str, environment| EnvironmentChange { resource: resource.to_owned(), ..environment };
    let undecided = vec!["so".to_owned()];
    let environments = vec![
        of("One", environment(allowed, &[ANN, BOB], 1)),
        of("Two", environment(denied, &[], 0)),
        of("Three", EnvironmentChange { undecided, ..environment(allowed, &[], 0) }),
        of("Four", environment(denied, &[], 2)),
        of("Five", environment(allowed, &[], 0)),
        of("Six", EnvironmentChange { accounts: vec![effect(&[ANN, BOB]), effect(&[])], ..outcome(&[]) }),
        EnvironmentChange { together: Together::Records, note: Some(Note::OldQuestions), ..outcome(&["p"]) },
        EnvironmentChange { note: Some(Note::RefusedNow), differences: Vec::new(), ..outcome(&[]) },
        EnvironmentChange { note: Some(Note::RefusedBefore), ..outcome(&["p", "changed"]) },
        EnvironmentChange { note: Some(Note::NewSchema), ..outcome(&["p"]) },
    ];
    let mut whole = comparison(environments);
    let all = [Change::Added, Change::Removed, Change::Changed, Change::Renamed, Change::Reworded];
    whole.guarantees = all.map(|change| policy("guarantee", change)).to_vec();
    whole.policies = all.map(|change| policy(change.words(Language::English), change)).to_vec();
    whole.policies.push(policy("gone", Change::Removed));
    whole.policies.push(policy("asks", Change::Obligations));
    let [widened, narrowed] = [
        ["organisations: any", "without the subject's own token", "subjects: Officer"],
        ["with a token that is given to the client \"c\"", "actions: consult", "resources: Record"],
    ]
    .map(|lines| lines.map(str::to_owned).to_vec());
    let application = "desk".to_owned();
    whole.applications =
        vec![ApplicationChange { application, change: Change::Changed, widened, narrowed, digest: digest("desk") }];
    whole.directory = vec![entity(ANN), entity(BOB)];
    whole.schema = ["entity type", "action"]
        .map(|what| SchemaChange {
            what: what.to_owned(),
            name: "Name".to_owned(),
            change: Change::Changed,
            removed: vec!["level: Long".to_owned()],
            added: vec!["level?: Long".to_owned()],
        })
        .to_vec();
    whole.untested = vec!["erase".to_owned()];
    let mut part = comparison(vec![EnvironmentChange { differences: Vec::new(), ..outcome(&[]) }]);
    part.filtered = 2;
    let mut unknown = comparison(Vec::new());
    unknown.not_worked_out = Some("so".to_owned());
    let alone = comparison(vec![environment(allowed, &[ANN], 0)]);
    vec![whole, part, unknown, alone, comparison(Vec::new())]
}

/// All reports for people; the pages come first.
fn written(language: Language) -> [String; 2] {
    let (mut pages, mut texts) = (invalid::html(&[], language), invalid::markdown(&[], language));
    for comparison in comparisons() {
        let accepted = Accepted::default();
        for strict in [false, true] {
            let report = Report::new(&comparison, &accepted, strict);
            pages += &html(&report, language);
            texts += &markdown(&report, language);
            texts += &terminal(&report, language, false);
        }
    }
    [pages, texts]
}

#[test]
fn nothing_is_left_in_english_where_dutch_is_asked() {
    let [pages, told] = written(Language::Dutch);
    let both = pages.clone() + &told;
    for table in [texts::ALL, diff_headline::ALL, diff_reports::ALL] {
        let left = english_in(&both, table);
        assert!(left.is_empty(), "{left:?} in\n{both}");
    }
    assert_eq!(pages.matches("<html lang=\"nl\">").count(), 11);
    for part in [
        "Nu toegestaan voor ten minste 2 accounts: consult One en Six.",
        "Nu toegestaan voor 1 account (ann): consult Record.",
        "een verzonnen officer kan nu consult bij Record zonder purpose, gevraagd op",
        "Agenten raadplegen.",
        "omdat forbid `gone` weg is",
        "Geweigerd: geen regel staat dit toe.",
        "Geen account kan meer of minder dan voorheen.",
    ] {
        assert!(told.contains(part), "no {part} in\n{told}");
    }
    for left in ["Officers consult.", "no purpose", "Denied: "] {
        assert!(!both.contains(left), "{left} in\n{both}");
    }
}

/// Otherwise the test in Dutch would find nothing.
#[test]
fn the_reports_have_many_of_the_texts() {
    let both = written(Language::English).concat();
    for (table, least) in [(texts::ALL, 35), (diff_headline::ALL, 14), (diff_reports::ALL, 30)] {
        let found = english_in(&both, table);
        assert!(found.len() >= least, "{} of {}: {found:?}", found.len(), table.len());
    }
}

#[test]
fn programs_read_sentences_as_their_author_wrote_them() {
    let comparison = comparisons().remove(0);
    let told = json(&Report::new(&comparison, &Accepted::default(), false));
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let first = &told["environments"][0]["differences"][0];
    assert_eq!(first["head"]["policies"][0]["title"], "Officers consult.");
    assert_eq!(first["base"]["reason"], "Denied: no policy permits this.");
    assert_eq!(told["environments"][5]["accounts"][0]["base"]["reason"], "Denied: no policy permits this.");
    assert_eq!(told["policies"][0]["title"], "Officers consult.");
    assert_eq!(told["environments"][9]["note"], texts::under_new_schema(Language::English));
}
