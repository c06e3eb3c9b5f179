//! `diff` decides about every kind of value that a schema can declare: equivalent policies are proven equal and others
//! are shown to differ, for required and optional values in every place.

use poort::{
    review::{
        diff::{Options, Side, compare},
        proof::Guarantees,
    },
    sources::{
        directory, policy,
        snapshot::{Snapshot, Sources},
    },
};

/// A kind of value: its type, a condition on it, an equivalent one, and another one. `$` is the value.
type Case = (&'static str, [&'static str; 3]);

const KINDS: [Case; 17] = [
    ("Bool", ["$", "!(!$)", "!$"]),
    ("Long", ["$ < 3", "$ <= 2", "$ < 4"]),
    ("String", ["$ == \"a\"", "\"a\" == $", "$ == \"b\""]),
    ("String", ["$ like \"*ab*\"", "$ like \"*ab*\" && $ like \"*a*\"", "$ like \"*a*\""]),
    ("String", ["$ like \"a*\" && $ like \"*b\"", "$ like \"*b\" && $ like \"a*\"", "$ like \"ab*\""]),
    ("ipaddr", ["$.isInRange(ip(\"10.0.0.0/8\"))", "$.isInRange(ip(\"10.0.0.0/8\")) && $.isIpv4()", "$.isIpv4()"]),
    (
        "decimal",
        [
            "$.lessThan(decimal(\"1.5\"))",
            "!($.greaterThanOrEqual(decimal(\"1.5\")))",
            "$.lessThanOrEqual(decimal(\"1.5\"))",
        ],
    ),
    ("datetime", ["$ < datetime(\"2026-01-01\")", "!($ >= datetime(\"2026-01-01\"))", "$ <= datetime(\"2026-01-01\")"]),
    ("duration", ["$ < duration(\"1d\")", "!($ >= duration(\"24h\"))", "$ <= duration(\"1d\")"]),
    ("Team", ["$ == Team::\"t\"", "Team::\"t\" == $", "$ in Team::\"t\""]),
    ("Team", ["$ has size && $.size > 1", "$ has size && 1 < $.size", "$ has size && $.size > 2"]),
    ("Team", ["$ has big && $.big", "$ has big && $.big == true", "$ has big"]),
    ("Kind", ["$ == Kind::\"a\"", "$ != Kind::\"b\"", "$ == Kind::\"b\""]),
    ("Doc", ["$ has n && $.n > 1", "$ has n && 1 < $.n", "$ has n"]),
    ("Set<Long>", ["$.contains(1)", "$.containsAny([1])", "$.contains(2)"]),
    ("{ a: Long, b?: Set<String> }", ["$.a == 1", "1 == $.a", "$.a == 1 && $ has b"]),
    (
        "{ a: Long, b?: { c?: Long } }",
        ["$ has b && $.b has c && $.b.c < 3", "$ has b.c && $.b.c <= 2", "$ has b.c && $.b.c < 4"],
    ),
];

/// Sets of each kind: an element, and another.
const ELEMENTS: [(&str, &str, &str); 10] = [
    ("Bool", "true", "false"),
    ("Long", "1", "2"),
    ("String", "\"a\"", "\"b\""),
    ("ipaddr", "ip(\"10.0.0.1\")", "ip(\"::1\")"),
    ("decimal", "decimal(\"1.5\")", "decimal(\"2.5\")"),
    ("datetime", "datetime(\"2026-01-01\")", "datetime(\"2026-01-02\")"),
    ("duration", "duration(\"1d\")", "duration(\"2d\")"),
    ("Team", "Team::\"t\"", "Team::\"u\""),
    ("Kind", "Kind::\"a\"", "Kind::\"b\""),
    ("{ a: Long }", "{a: 1}", "{a: 2}"),
];

/// A side whose policies are about one action each: `v0` and so on.
fn side(name: &str, schema: &str, conditions: &[String]) -> Side {
    let policy = |(index, condition): (usize, &String)| {
        format!(
            "@id(\"p{index}\") permit (principal, action == Action::\"v{index}\", resource) when {{ {condition} }};\n"
        )
    };
    let policies: String = conditions.iter().enumerate().map(policy).collect();
    let sources = Sources {
        policies: policy::Sources::from_texts(name, [("schema.cedarschema", schema), ("p.cedar", policies.as_str())]),
        directory: directory::Sources::from_texts("d", [("d.json", "[]")]),
    };
    let (snapshot, problems) = Snapshot::from_sources(&sources);
    let snapshot = snapshot.unwrap_or_else(|| panic!("{schema}\n{policies}: {problems:?}"));
    Side { name: name.to_owned(), sources, snapshot, guarantees: Guarantees::default() }
}

/// Checks, for each, that the first two conditions are equal and that the first and the last are not. `types` declares the
/// types, and `context` the context of all actions.
#[track_caller]
fn check(types: &str, context: &str, conditions: &[[String; 3]]) {
    let pairs =
        conditions.iter().flat_map(|[one, same, other]| [(one.clone(), same.clone()), (one.clone(), other.clone())]);
    let (base, head): (Vec<_>, Vec<_>) = pairs.unzip();
    let actions: Vec<_> = (0..base.len()).map(|index| format!("v{index}")).collect();
    let schema = format!(
        "entity Team in [Team] {{ size: Long, big?: Bool }}; entity Kind enum [\"a\", \"b\"]; {types}
         action {} appliesTo {{ principal: User, resource: Doc, context: {{ {context} }} }};",
        actions.join(", ")
    );
    let comparison =
        compare(&side("base", &schema, &base), &side("head", &schema, &head), &Options::default(), &|_| {}, &|| {})
            .unwrap();
    assert_eq!(comparison.environments.len(), base.len());
    for outcome in &comparison.environments {
        let index: usize = outcome.action[1..].parse().unwrap();
        let sides = format!("{types}\n{}\n{}", base[index], head[index]);
        assert_eq!(outcome.undecided, Vec::<String>::new(), "{sides}");
        // The first of each pair is equal.
        assert_eq!(outcome.differences.is_empty(), index.is_multiple_of(2), "{sides}: {outcome:?}");
    }
}

/// The places of values: the types, with `%` for their declarations, and the paths to them. Values of a context are
/// declared in it.
const PLACES: [(&str, &str); 6] = [
    ("entity User; @source(\"request\") entity Doc { n: Long, % };", "resource"),
    ("entity User; @source(\"request\") entity Doc { n: Long, rec: { % } };", "resource.rec"),
    ("entity User; @source(\"request\") entity Doc { n: Long, rec?: { % } };", "resource.rec"),
    ("entity User { % }; @source(\"request\") entity Doc { n: Long };", "principal"),
    ("entity User; @source(\"request\") entity Doc { n: Long };", "context"),
    ("entity User; @source(\"request\") entity Doc { n: Long };", "context.action"),
];

/// That a value is there, step by step, and a condition on it.
fn guarded(path: &str, condition: &str) -> String {
    let mut steps: Vec<_> = path.split('.').collect();
    let mut guard = String::new();
    let mut at = steps.remove(0).to_owned();
    for step in steps {
        guard.push_str(&format!("{at} has {step} && "));
        at = format!("{at}.{step}");
    }
    format!("{guard}({})", condition.replace('$', path))
}

type Cases = Vec<(String, [String; 3])>;

fn in_place((types, path): (&str, &str), cases: &Cases) {
    for mark in ["", "?"] {
        let declared: Vec<_> =
            cases.iter().enumerate().map(|(index, (kind, _))| format!("a{index}{mark}: {kind}")).collect();
        let declared = declared.join(", ");
        let context = match path {
            "context" => declared.clone(),
            "context.action" => format!("action?: {{ {declared} }}"),
            _ => String::new(),
        };
        let conditions: Vec<_> = cases
            .iter()
            .enumerate()
            .map(|(index, (_, conditions))| {
                conditions.each_ref().map(|condition| guarded(&format!("{path}.a{index}"), condition))
            })
            .collect();
        check(&types.replace('%', &declared), &context, &conditions);
    }
}

fn kinds() -> Cases {
    KINDS.iter().map(|(kind, conditions)| ((*kind).to_owned(), conditions.map(str::to_owned))).collect()
}

fn sets() -> Cases {
    let set = |(kind, one, other): &(&str, &str, &str)| {
        let kind = format!("Set<{kind}>");
        let named = [format!("$.contains({one})"), format!("$.containsAll([{one}])"), format!("$.contains({other})")];
        let empty =
            ["$.isEmpty()".to_owned(), format!("$.isEmpty() && !$.contains({one})"), format!("!$.contains({one})")];
        [(kind.clone(), named), (kind, empty)]
    };
    ELEMENTS.iter().flat_map(set).collect()
}

#[test]
fn every_kind_of_value_is_decided_wherever_it_stands() {
    PLACES.iter().for_each(|place| in_place(*place, &kinds()));
}

#[test]
fn sets_of_every_kind_are_decided() {
    let some = PLACES.iter().filter(|(_, path)| ["resource", "context.action"].contains(path));
    some.for_each(|place| in_place(*place, &sets()));
}

#[test]
fn tags_of_every_kind_are_decided() {
    for (kind, conditions) in kinds().into_iter().chain(sets()) {
        for (types, of) in [
            ("entity User; @source(\"request\") entity Doc { n: Long } tags ", "resource"),
            ("@source(\"request\") entity Doc { n: Long }; entity User tags ", "principal"),
        ] {
            let taken = format!("{of}.getTag(\"t\")");
            let conditions = conditions
                .each_ref()
                .map(|condition| format!("{of}.hasTag(\"t\") && ({})", condition.replace('$', &taken)));
            check(&format!("{types}{kind};"), "", &[conditions]);
        }
    }
}

#[test]
fn parents_of_every_form_are_decided() {
    for declared in ["team: Team", "team?: Team", "team: Set<Team>", "team?: Set<Team>"] {
        let types = format!(
            "entity User in [Team]; @source(\"request\") @parents(\"team\") entity Doc in [Team] {{ {declared} }};"
        );
        let there = "resource has team && ";
        let (named, empty) = if declared.contains("Set") {
            ("resource.team.contains(Team::\"t\")", "resource.team.isEmpty()")
        } else {
            ("resource.team == Team::\"t\"", "false")
        };
        let lies = "resource in Team::\"t\"".to_owned();
        check(
            &types,
            "",
            &[
                [lies.clone(), format!("{lies} || {there}{named}"), format!("{lies} && {there}!({named})")],
                [lies.clone(), format!("{lies} && {there}!({empty})"), "principal in Team::\"t\"".to_owned()],
            ],
        );
    }
}

#[test]
fn a_question_carries_no_larger_number_wherever_it_stands() {
    let beyond = ["$ > 9007199254740991", "false", "$ == 9007199254740991"];
    let cases = vec![("Long".to_owned(), beyond.map(str::to_owned))];
    // The directory can hold larger ones.
    PLACES.iter().filter(|(_, path)| *path != "principal").for_each(|place| in_place(*place, &cases));
    let taken = |condition: &str| condition.replace('$', "resource.getTag(\"t\")");
    let conditions = beyond.map(|condition| format!("resource.hasTag(\"t\") && {}", taken(condition)));
    check("entity User; @source(\"request\") entity Doc { n: Long } tags Long;", "", &[conditions]);
}
