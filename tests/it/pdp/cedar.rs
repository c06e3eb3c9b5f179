//! poort's engine against Cedar's own authorizer.
//!
//! The engine evaluates over the few entities that can matter. Here the same questions go to
//! `cedar_policy::Authorizer::is_authorized` over every policy and every entity, which are read by Cedar from JSON and text
//! of their own, and the two must agree on the decision, the determining policies and the errors.

pub mod policies;
pub mod schema;
pub mod tape;
pub mod terms;
pub mod world;

use self::{
    tape::{cases, fixed, numbers},
    world::{Expected, Full, Question, World, question, small_world, variant, world},
};
use poort::{
    pdp::{
        cache::{self, Cache},
        engine::{UnknownEntities, check_question, decide, translate},
    },
    sources::{
        directory, policy,
        snapshot::{Snapshot, Sources},
    },
    types::{
        decision::{Decision, Verdict},
        evaluation::{Action, Entity, Evaluation, Map, Value},
        language::Language,
    },
};
use proptest::{prelude::*, strategy::ValueTree as _};
use serde_json::json;
use std::cell::Cell;

const QUESTIONS: usize = 24;
const NUMBERS: usize = 4_000;

fn verdict(snapshot: &Snapshot, asked: &Question) -> Result<Verdict, String> {
    let question =
        translate(snapshot, &asked.evaluation, &asked.moment, asked.config()).map_err(|error| error.to_string())?;
    Ok(decide(snapshot, &question))
}

fn found(verdict: &Verdict) -> Expected {
    Expected {
        allowed: verdict.decision == Decision::Allow,
        policies: verdict.policies.iter().map(|policy| policy.id.clone()).collect(),
        errors: verdict.errors.iter().map(|error| (error.policy.clone(), error.message.clone())).collect(),
    }
}

fn check(world: &World, snapshot: &Snapshot, full: &Full, asked: &Question) -> Result<Expected, TestCaseError> {
    let expected = asked.expected(full);
    let verdict = verdict(snapshot, asked).map_err(|error| TestCaseError::fail(format!("{error}\n{asked:#?}")))?;
    let found = found(&verdict);
    if found != expected {
        let texts = format!("{:#?}\n{:#?}", world.files, world.links);
        return Err(TestCaseError::fail(format!(
            "poort:  {found:?}\ncedar:  {expected:?}\nreason: {}\n{texts}\n{:#?}\n{:#?}",
            verdict.reason(Language::English),
            asked.evaluation,
            asked.moment
        )));
    }
    if asked.is_unknown(full) {
        let reason = verdict.reason(Language::English);
        prop_assert!(reason.contains("does not know"), "{reason}");
    }
    Ok(expected)
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn verdicts_equal_those_of_the_authorizer_over_everything(numbers in numbers(NUMBERS)) {
        let mut tape = numbers.tape();
        let world = world(&mut tape);
        let (snapshot, full) = (world.snapshot(), world.full());
        for _ in 0..QUESTIONS {
            let asked = question(&mut tape, &world);
            check(&world, &snapshot, &full, &asked)?;
        }
    }
}

#[test]
fn a_shared_answer_is_the_authorizers_for_each_question() {
    let [asked_all, hits, shared, allows] = [const { Cell::new(0_usize) }; 4];
    let tally = |cell: &Cell<usize>, which: bool| cell.set(cell.get() + usize::from(which));
    fixed(cases(160).cases)
        .run(&numbers(NUMBERS), |numbers| {
            let mut tape = numbers.tape();
            let world = small_world(&mut tape);
            let (snapshot, full) = (world.snapshot(), world.full());
            let cache =
                Cache::new(&cache::Config { memory: 1 << 24, recheck: 0 }, &opentelemetry::global::meter("test"));
            let mut seen: Vec<Question> = Vec::new();
            for turn in 0..2 * QUESTIONS {
                let asked = match seen.len() {
                    0 => question(&mut tape, &world),
                    _ if turn % 12 == 0 => question(&mut tape, &world),
                    _ => {
                        let base = tape.pick(&seen);
                        variant(&mut tape, &base)
                    }
                };
                let expected = asked.expected(&full);
                let checked = check_question(&snapshot, &asked.evaluation, &asked.moment, asked.config())
                    .map_err(|error| TestCaseError::fail(error.to_string()))?;
                let decide = || checked.question().map(|question| decide(&snapshot, &question));
                let (verdict, hit) =
                    cache.verdict(checked.key(), decide).map_err(|error| TestCaseError::fail(error.to_string()))?;
                let found = found(&verdict);
                if found != expected {
                    let texts = format!("{:#?}\n{:#?}", world.files, world.links);
                    return Err(TestCaseError::fail(format!(
                        "hit: {hit}\npoort: {found:?}\ncedar: {expected:?}\n{texts}\n{:#?}",
                        asked.evaluation
                    )));
                }
                tally(&asked_all, true);
                tally(&hits, hit);
                tally(&shared, hit && seen.iter().all(|other| other.evaluation != asked.evaluation));
                tally(&allows, hit && expected.allowed);
                seen.push(asked);
            }
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
    let seen = format!("asked {asked_all:?}, hits {hits:?}, shared {shared:?}, allows {allows:?}");
    // Most questions differ from all before them, and most of those share a verdict.
    assert!(shared.get() * 4 > asked_all.get() && allows.get() * 20 > hits.get(), "{seen}");
}

#[test]
fn the_questions_that_are_compared_are_of_every_kind() {
    let mut runner = fixed(1);
    let strategy = numbers(NUMBERS);
    let (mut policies, mut dropped, mut allows, mut forbids, mut silent) = (0, 0, 0, 0, 0);
    let (mut errors, mut far, mut linked, mut unknown, mut overflows, mut missing) = (0, 0, 0, 0, 0, 0);
    for _ in 0..80 {
        let numbers = strategy.new_tree(&mut runner).unwrap().current();
        let mut tape = numbers.tape();
        let world = world(&mut tape);
        let full = world.full();
        policies += world.files.iter().map(|(_, policies)| policies.len()).sum::<usize>();
        dropped += world.dropped;
        for _ in 0..QUESTIONS {
            let asked = question(&mut tape, &world);
            let expected = asked.expected(&full);
            unknown += usize::from(asked.is_unknown(&full));
            allows += usize::from(expected.allowed);
            forbids += usize::from(!expected.allowed && !expected.policies.is_empty());
            silent += usize::from(!expected.allowed && expected.policies.is_empty() && expected.errors.is_empty());
            errors += usize::from(!expected.errors.is_empty());
            overflows += usize::from(expected.errors.iter().any(|(_, message)| message.contains("overflow")));
            missing += usize::from(expected.errors.iter().any(|(_, message)| message.contains("does not exist")));
            let ids = expected.policies.iter().chain(expected.errors.iter().map(|(id, _)| id));
            far += usize::from(ids.clone().any(|id| world.hops(id) >= 3));
            linked += usize::from(ids.clone().any(|id| world.links.iter().any(|link| link.id == *id)));
        }
    }
    let seen = format!(
        "policies {policies}, dropped {dropped}, allows {allows}, forbids {forbids}, silent {silent}, errors {errors}, \
         far {far}, linked {linked}, unknown {unknown}, overflows {overflows}, missing {missing}"
    );
    assert!(policies > 2 * dropped, "{seen}");
    for count in [allows, forbids, silent, errors, far, linked, unknown, overflows, missing] {
        assert!(count > 0, "{seen}");
    }
}

/// The question speaks for a case. Where another party is in that case, the parents of the case are its ancestors too.
#[test]
fn what_a_question_says_of_an_entity_counts_everywhere() {
    let schema = r#"
        entity Unit;
        @source("request") @parents("unit") entity Case in [Unit] { unit: Unit };
        @source("request") @parents("of") entity Step in [Case] { of: Case };
        entity Account in [Case];
        action take appliesTo { principal: [Step, Account], resource: [Case, Step] };
    "#;
    let policies = "@id(\"in\") permit (principal in Unit::\"north\", action, resource);
        @id(\"all\") permit (principal, action, resource);
        @id(\"never\") forbid (principal, action, resource) when { resource in Unit::\"north\" && resource is Step };";
    let directory =
        json!([{"uid": {"type": "Account", "id": "anna"}, "attrs": {}, "parents": [{"type": "Case", "id": "1"}]}]);
    let sources = Sources {
        policies: policy::Sources::from_texts("p", [(policy::SCHEMA_FILE, schema), ("all.cedar", policies)]),
        directory: directory::Sources::from_texts("d", [("all.json", directory.to_string().as_str())]),
    };
    // A schema that cannot have this meaning may be refused as well.
    let (Some(snapshot), _) = Snapshot::from_sources(&sources) else { return };
    let schema = cedar_policy::Schema::from_cedarschema_str(schema).unwrap().0;
    let policies = ["in", "all", "never"]
        .into_iter()
        .zip(policies.split_inclusive(';'))
        .map(|(id, text)| cedar_policy::Policy::parse(Some(cedar_policy::PolicyId::new(id)), text).unwrap());
    let policies = cedar_policy::PolicySet::from_policies(policies).unwrap();
    // Type, id, and where the question speaks for it: the attribute that is its parent, with that parent.
    let step = ("Step", "s", Some(("of", "Case", "1")));
    let anna = ("Account", "anna", None);
    let case = |unit| ("Case", "1", Some(("unit", "Unit", unit)));
    for (subject, resource) in [
        (step, case("north")),
        (step, case("south")),
        (anna, case("north")),
        (anna, ("Step", "1", Some(("of", "Case", "1")))),
    ] {
        let entity = |(kind, id, told): (&str, &str, Option<(&str, &str, &str)>)| Entity {
            kind: kind.to_owned(),
            id: id.to_owned(),
            properties: told.map(|(name, _, id)| (name.to_owned(), Value::String(id.to_owned()))).into_iter().collect(),
        };
        let asked = Evaluation {
            subject: entity(subject),
            action: Action { name: "take".to_owned(), properties: Map::new() },
            resource: entity(resource),
            context: Map::new(),
        };
        let moment = world::moment(&mut numbers(2).new_tree(&mut fixed(1)).unwrap().current().tape());
        let question = translate(&snapshot, &asked, &moment, UnknownEntities::Deny).unwrap();
        let verdict = decide(&snapshot, &question);

        let told = [subject, resource].into_iter().filter_map(|(kind, id, told)| {
            let (name, parent, parent_id) = told?;
            let parent = json!({"type": parent, "id": parent_id});
            Some(json!({"uid": {"type": kind, "id": id}, "attrs": {name: parent}, "parents": [parent]}))
        });
        let all: Vec<_> = directory.as_array().unwrap().iter().cloned().chain(told).collect();
        let entities = cedar_policy::Entities::from_json_value(json!(all), Some(&schema)).unwrap();
        let uid = |kind: &str, id: &str| -> cedar_policy::EntityUid { format!("{kind}::{id:?}").parse().unwrap() };
        let request = cedar_policy::Request::new(
            uid(subject.0, subject.1),
            uid("Action", "take"),
            uid(resource.0, resource.1),
            cedar_policy::Context::empty(),
            Some(&schema),
        );
        let response = cedar_policy::Authorizer::new().is_authorized(&request.unwrap(), &policies, &entities);
        let mut expected: Vec<_> = response.diagnostics().reason().map(ToString::to_string).collect();
        expected.sort();
        assert_eq!(found(&verdict).policies, expected, "{subject:?} on {resource:?}");
    }
}

#[test]
fn an_action_keeps_its_groups_in_questions_about_others() {
    let schema = "entity User; @source(\"request\") entity Doc; action all; action other in [all], read
        appliesTo { principal: User, resource: Doc };"
        .replace(
            "action other in [all], read",
            "action read appliesTo { principal: User, resource: Doc };\naction other in [all]",
        );
    let policies = "@id(\"p\") permit (principal, action, resource);
        @id(\"f\") forbid (principal, action, resource) when { Action::\"other\" in Action::\"all\" };";
    let accounts = r#"[{"uid": {"type": "User", "id": "u"}, "attrs": {}, "parents": []}]"#;
    let sources = Sources {
        policies: policy::Sources::from_texts("p", [("schema.cedarschema", schema.as_str()), ("a.cedar", policies)]),
        directory: directory::Sources::from_texts("d", [("a.json", accounts)]),
    };
    let (snapshot, problems) = Snapshot::from_sources(&sources);
    let snapshot = snapshot.unwrap_or_else(|| panic!("{problems:?}"));
    let entity = |kind: &str| Entity { kind: kind.to_owned(), id: "u".to_owned(), properties: Map::new() };
    let evaluation = Evaluation {
        subject: entity("User"),
        action: Action { name: "read".to_owned(), properties: Map::new() },
        resource: entity("Doc"),
        context: Map::new(),
    };
    let moment = poort::pdp::Clock::new(jiff::tz::TimeZone::UTC, None).now();
    let question = translate(&snapshot, &evaluation, &moment, UnknownEntities::Deny).unwrap();
    assert_eq!(decide(&snapshot, &question).decision, Decision::Deny);
}

/// Where there are many policies, those whose scope names an entity are found by what the question's entities lie below.
#[test]
fn policies_are_evaluated_wherever_their_scope_holds() {
    let schema = "entity Group in [Group]; entity User in [Group]; entity Doc in [Group, User];
        action read appliesTo { principal: [User, Group], resource: [Doc, Group, User] };";
    let (uid, groups) = (|kind: &str, id: &str| format!("{kind}::\"{id}\""), ["top", "left", "right", "leaf", "alone"]);
    let entity = |kind: &str, id: &str, parents: &[(&str, &str)]| {
        let parents: Vec<_> = parents.iter().map(|(kind, id)| json!({"type": kind, "id": id})).collect();
        json!({"uid": {"type": kind, "id": id}, "attrs": {}, "parents": parents})
    };
    let directory = json!([
        entity("Group", "top", &[]),
        entity("Group", "left", &[("Group", "top")]),
        entity("Group", "right", &[("Group", "top")]),
        entity("Group", "leaf", &[("Group", "left"), ("Group", "right")]),
        entity("Group", "alone", &[]),
        entity("User", "u", &[("Group", "leaf")]),
        entity("User", "v", &[("Group", "right")]),
        entity("User", "w", &[]),
        entity("Doc", "1", &[("Group", "leaf"), ("User", "u")]),
        entity("Doc", "2", &[("Group", "alone")]),
        entity("Doc", "3", &[]),
    ]);
    let all: Vec<_> = [("User", "u"), ("User", "v"), ("User", "w"), ("Doc", "1"), ("Doc", "2"), ("Doc", "3")]
        .into_iter()
        .chain(groups.map(|group| ("Group", group)))
        .collect();
    let mut scopes =
        vec!["principal, action, resource".to_owned(), "principal is User, action, resource is Doc".to_owned()];
    for (kind, id) in &all {
        let it = uid(kind, id);
        scopes.extend([
            format!("principal == {it}, action, resource"),
            format!("principal in {it}, action, resource"),
            format!("principal is User in {it}, action, resource is Doc"),
            format!("principal, action, resource == {it}"),
            format!("principal, action, resource in {it}"),
            format!("principal is User, action, resource is Doc in {it}"),
            format!("principal in {it}, action, resource in {it}"),
            format!("principal in {it}, action, resource in {}", uid("Group", "leaf")),
        ]);
    }
    // Those that no request can meet are refused as impossible.
    let schema_read = cedar_policy::Schema::from_cedarschema_str(schema).unwrap().0;
    let validator = cedar_policy::Validator::new(schema_read.clone());
    let mut policies = cedar_policy::PolicySet::new();
    let mut text = String::new();
    for (number, scope) in scopes.iter().enumerate() {
        for (effect, condition) in [("permit", ""), ("forbid", " when { principal == resource }")] {
            let (id, policy) = (format!("{effect}{number:03}"), format!("{effect} ({scope}){condition};"));
            let parsed = cedar_policy::Policy::parse(Some(cedar_policy::PolicyId::new(&id)), &policy).unwrap();
            let one = cedar_policy::PolicySet::from_policies([parsed.clone()]).unwrap();
            let checked = validator.validate(&one, cedar_policy::ValidationMode::Strict);
            if checked.validation_passed() && checked.validation_warnings().next().is_none() {
                text.push_str(&format!("@id(\"{id}\")\n{policy}\n"));
                policies.add(parsed).unwrap();
            }
        }
    }
    let template = "permit (principal in ?principal, action, resource);";
    let parsed = cedar_policy::Template::parse(Some(cedar_policy::PolicyId::new("template")), template).unwrap();
    policies.add_template(parsed).unwrap();
    text.push_str(&format!("@id(\"template\")\n{template}\n"));
    let mut links = Vec::new();
    for group in groups {
        let (id, value) = (format!("link-{group}"), uid("Group", group));
        let values = [(cedar_policy::SlotId::principal(), value.parse().unwrap())];
        let template = cedar_policy::PolicyId::new("template");
        policies.link(template, cedar_policy::PolicyId::new(&id), values.into()).unwrap();
        links.push(json!({"template_id": "template", "link_id": id, "args": {"?principal": value}}));
    }
    let sources = Sources {
        policies: policy::Sources::from_texts(
            "p",
            [
                (policy::SCHEMA_FILE, schema),
                ("all.cedar", text.as_str()),
                ("all.links.json", json!(links).to_string().as_str()),
            ],
        ),
        directory: directory::Sources::from_texts("d", [("all.json", directory.to_string().as_str())]),
    };
    let (snapshot, problems) = Snapshot::from_sources(&sources);
    let snapshot = snapshot.unwrap_or_else(|| panic!("{problems:#?}"));
    let entities = cedar_policy::Entities::from_json_value(directory, Some(&schema_read)).unwrap();
    let moment = world::moment(&mut numbers(2).new_tree(&mut fixed(1)).unwrap().current().tape());
    let mut met = 0;
    for subject in all.iter().filter(|(kind, _)| *kind != "Doc") {
        for resource in &all {
            let entity = |(kind, id): &(&str, &str)| Entity {
                kind: (*kind).to_owned(),
                id: (*id).to_owned(),
                properties: Map::new(),
            };
            let asked = Evaluation {
                subject: entity(subject),
                action: Action { name: "read".to_owned(), properties: Map::new() },
                resource: entity(resource),
                context: Map::new(),
            };
            let question = translate(&snapshot, &asked, &moment, UnknownEntities::Deny).unwrap();
            let request = cedar_policy::Request::new(
                uid(subject.0, subject.1).parse().unwrap(),
                uid("Action", "read").parse().unwrap(),
                uid(resource.0, resource.1).parse().unwrap(),
                cedar_policy::Context::empty(),
                Some(&schema_read),
            );
            let response = cedar_policy::Authorizer::new().is_authorized(&request.unwrap(), &policies, &entities);
            let mut expected: Vec<_> = response.diagnostics().reason().map(ToString::to_string).collect();
            expected.sort();
            met += expected.len();
            assert_eq!(found(&decide(&snapshot, &question)).policies, expected, "{subject:?} on {resource:?}");
        }
    }
    assert!(met > 500, "{met}");
}
