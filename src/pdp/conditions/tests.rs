use super::*;
use crate::{pdp::engine::World, sources::policy::Sources, types::problem};
use proptest::prelude::*;

const SCHEMA: &str = r#"
entity Group;
entity User in [Group] { level: Long, active: Bool, tags: Set<String>, chief?: User, note?: { text: String } };
@source("request") entity Doc { level: Long, open: Bool, kind?: String };
@source("request") entity Pic { level: Long };
action use;
action view in [use] appliesTo { principal: [User], resource: [Doc, Pic], context: { purpose: String } };
action edit in [use] appliesTo { principal: [User], resource: [Doc], context: { purpose: String } };
action try appliesTo { principal: [User], resource: [Doc], context: { a: Bool, b: Bool, n: Long, o?: Bool } };
"#;

fn policies(text: &str) -> Policies {
    let sources = Sources::from_texts("policies", [("schema.cedarschema", SCHEMA), ("p.cedar", text)]);
    let (_, policies, problems) = Policies::from_sources(&sources);
    policies.unwrap_or_else(|| panic!("{}", problem::report(&problems, false)))
}

#[track_caller]
fn check(policy: &str, expected: &[&str]) {
    let found = of(&policies(&format!("// é, first line\n@id(\"p\") // permit (\n{policy}")));
    let texts: Vec<_> = found[0].conditions.iter().map(|condition| found[0].text(condition)).collect();
    assert_eq!(texts, expected);
}

#[test]
fn the_scope_is_taken_apart() {
    check("permit (principal, action, resource);", &[]);
    check(
        "permit (principal is User in Group::\"a,b\", action in [Action::\"view\", Action::\"edit\"], resource == Doc::\"(\");",
        &[
            "principal is User in Group::\"a,b\"",
            "action in [Action::\"view\", Action::\"edit\"]",
            "resource == Doc::\"(\"",
        ],
    );
}

#[test]
fn bodies_are_taken_apart_where_and_or_not_and_if_combine() {
    let scope = "permit (principal, action == Action::\"edit\", resource)";
    let all = |body: &str, expected: &[&str]| {
        let expected: Vec<_> = ["action == Action::\"edit\""].iter().chain(expected).copied().collect();
        check(&format!("{scope} {body};"), &expected);
    };
    all(
        "when { principal.active && (resource.level < 3 || !resource.open) } unless { context.purpose == \"8\" }",
        &["principal.active", "resource.level < 3", "resource.open", "context.purpose == \"8\""],
    );
    all(
        "when { principal.level > 1 && principal.level >= 2 && context.purpose != \"8\" && !(principal.level > 3) }",
        &["principal.level > 1", "principal.level >= 2", "context.purpose != \"8\"", "principal.level > 3"],
    );
    all(
        "unless { principal.level > 1 } unless { context.purpose == \"8\" } unless { !(context.purpose == \"9\") }",
        &["principal.level > 1", "context.purpose == \"8\"", "context.purpose == \"9\""],
    );
    all(
        "when { principal has note.text && principal is User && [\"8\", \"9\"].contains(context.purpose) }",
        &["principal has note.text", "principal is User", "[\"8\", \"9\"].contains(context.purpose)"],
    );
    all(
        "when { if resource has kind then resource.kind like \"a*\" else true }",
        &["resource has kind", "resource.kind like \"a*\""],
    );
    all(
        "when { (if principal.active then 1 else 2) == principal.level && principal in Group::\"a\" }",
        &["(if principal.active then 1 else 2) == principal.level", "principal in Group::\"a\""],
    );
    all(
        "when { principal.active } when { resource.open } unless { resource.open && principal.active }",
        &["principal.active", "resource.open", "resource.open", "principal.active"],
    );
    all("when { (principal.level + 1) * 2 > 3 }", &["(principal.level + 1) * 2 > 3"]);
}

#[test]
fn clauses_are_told_apart_by_their_words() {
    let policy = "@id(\"p\") @when(\"x\") permit (principal, action == Action::\"edit\", resource)
        when { !principal.active } unless { principal.level != 1 } unless { true } when { if resource.open then true else false };";
    let found = of(&policies(policy));
    let kinds: Vec<_> = found[0].clauses.iter().map(|clause| (clause.kind, found[0].line(&clause.place))).collect();
    let (when, unless) = (ClauseKind::When, ClauseKind::Unless);
    assert_eq!(kinds, [(when, 2), (unless, 2), (unless, 2), (when, 2)]);
    assert!(matches!(found[0].clauses[0].tree, Tree::Not(_)));
    assert!(matches!(found[0].clauses[1].tree, Tree::Condition(2)));
    assert!(matches!(found[0].clauses[2].tree, Tree::Constant(true)));
}

#[test]
fn the_schema_limits_what_a_scope_can_come_to() {
    let sides = |policy: &str| {
        let found = of(&policies(&format!("@id(\"p\") {policy};")));
        found[0].conditions.iter().map(|one| (one.sides.holds, one.sides.fails)).collect::<Vec<_>>()
    };
    let (both, always) = ((true, true), (true, false));
    assert_eq!(sides("permit (principal is User, action, resource is Doc)"), [always, both]);
    assert_eq!(sides("permit (principal, action == Action::\"edit\", resource is Doc)"), [both, always]);
    assert_eq!(
        sides("permit (principal, action in [Action::\"use\", Action::\"try\"], resource == Pic::\"a\")"),
        [always, both]
    );
    assert_eq!(sides("permit (principal in Group::\"g\", action == Action::\"view\", resource)"), [both, both]);
}

#[test]
fn the_links_of_a_template_decide_with_its_conditions() {
    let sources = Sources::from_texts(
        "policies",
        [
            ("schema.cedarschema", SCHEMA),
            ("p.cedar", "@id(\"t\") permit (principal in ?principal, action, resource) when { principal.active };"),
            (
                "a.links.json",
                r#"[{"template_id": "t", "link_id": "one", "args": {"?principal": "Group::\"a\""}},
                {"template_id": "t", "link_id": "two", "args": {"?principal": "Group::\"b\""}}]"#,
            ),
        ],
    );
    let found = of(&Policies::from_sources(&sources).1.unwrap());
    assert_eq!(found.len(), 1);
    let texts: Vec<_> = found[0].conditions.iter().map(|condition| found[0].text(condition)).collect();
    assert_eq!(texts, ["principal in ?principal", "principal.active"]);
    let deciding: Vec<&str> = found[0].deciding.iter().map(|policy| policy.id().as_ref()).collect();
    assert_eq!(deciding, ["one", "two"]);
}

/// Bodies of policies over `context`; some parts cannot be evaluated where `n` is more than 0.
fn body() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "context.a",
        "context.b",
        "context.n > 0",
        "context.n >= 1",
        "context.n != 2",
        "context.n + 9223372036854775807 > 0",
        "(context has o && context.o)",
        "true",
        "(if context.a then 1 else context.n + 9223372036854775807) == 1",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(5, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} && {other})")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} || {other})")),
            inner.clone().prop_map(|one| format!("!({one})")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(test, then, or)| format!("(if {test} then {then} else {or})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_walk_gives_cedars_value_of_the_policy(
        when in body(), unless in body(), a: bool, b: bool, n in 0_i64..3, o: Option<bool>
    ) {
        let scope = "permit (principal is User, action == Action::\"try\", resource)";
        let text = format!("@id(\"p\") {scope} when {{ {when} }} unless {{ {unless} }};");
        let policies = policies(&text);
        let found = of(&policies);
        let context = serde_json::json!({ "a": a, "b": b, "n": n });
        let mut context = context.as_object().cloned().unwrap();
        context.extend(o.map(|o| ("o".to_owned(), o.into())));
        let uid = |text: &str| text.parse::<cedar::EntityUid>().unwrap();
        let context = cedar::Context::from_json_value(context.into(), None).unwrap();
        let (user, action, doc) = (uid("User::\"u\""), uid("Action::\"try\""), uid("Doc::\"d\""));
        let request = cedar::Request::new(user, action, doc, context, None).unwrap();
        let world = World::of_cedar(&request, &cedar::Entities::empty());
        let evaluator = world.evaluator();
        let slots = ast::SlotEnv::new();
        let walked = found[0].walk(|_, condition| evaluator.holds(condition.expression(), &slots));
        let whole = evaluator.applies(&found[0].deciding[0]);
        prop_assert_eq!(walked.is_err(), whole.is_err(), "{}", text);
        prop_assert_eq!(walked.ok(), whole.ok(), "{}", text);
    }
}
