//! One rich schema, as data: its text, and what a generator has to know of its types.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::LazyLock,
};

#[derive(Debug, Clone, PartialEq)]
pub enum Ty {
    Bool,
    Long,
    Text,
    Decimal,
    Datetime,
    Duration,
    Ip,
    Entity(&'static str),
    Set(Box<Ty>),
    Record(Vec<Field>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: &'static str,
    pub ty: Ty,
    pub required: bool,
}

pub struct EntityType {
    pub name: &'static str,
    /// Another name, its `@uri`.
    pub uri: Option<&'static str>,
    /// Whether questions speak for it; then the fields that are its parents.
    pub parents: Option<Vec<&'static str>>,
    pub within: Vec<&'static str>,
    pub fields: Vec<Field>,
    pub tags: Option<Ty>,
    pub enumerated: Vec<&'static str>,
}

pub struct Action {
    /// `Action` with its namespace.
    pub kind: &'static str,
    pub id: &'static str,
    /// Groups that it is in, all of them.
    pub groups: Vec<&'static str>,
    pub principals: Vec<&'static str>,
    pub resources: Vec<&'static str>,
    pub context: Vec<Field>,
}

fn must(name: &'static str, ty: Ty) -> Field {
    Field { name, ty, required: true }
}

fn may(name: &'static str, ty: Ty) -> Field {
    Field { name, ty, required: false }
}

fn set(of: Ty) -> Ty {
    Ty::Set(Box::new(of))
}

const ACCOUNT: Ty = Ty::Entity("Account");
const UNIT: Ty = Ty::Entity("Unit");

pub static ENTITIES: LazyLock<Vec<EntityType>> = LazyLock::new(|| {
    let directory = |name, within: &[&'static str], fields| EntityType {
        name,
        uri: None,
        parents: None,
        within: within.to_vec(),
        fields,
        tags: None,
        enumerated: Vec::new(),
    };
    let request = |name, parents: &[&'static str], within: &[&'static str], fields| EntityType {
        parents: Some(parents.to_vec()),
        ..directory(name, within, fields)
    };
    vec![
        directory("Unit", &["Unit"], vec![must("name", Ty::Text), may("head", ACCOUNT), must("above", UNIT)]),
        EntityType {
            tags: Some(Ty::Long),
            ..directory("Team", &["Unit"], vec![may("leader", ACCOUNT), must("unit", UNIT)])
        },
        EntityType {
            tags: Some(ACCOUNT),
            uri: Some("https://example.org/account"),
            ..directory(
                "Account",
                &["Team", "Unit"],
                vec![
                    must("active", Ty::Bool),
                    must("level", Ty::Long),
                    must("name", Ty::Text),
                    must("unit", UNIT),
                    must("deputy", ACCOUNT),
                    may("manager", ACCOUNT),
                    may("last", Ty::Entity("Case")),
                    must("roles", set(Ty::Text)),
                    must("friends", set(ACCOUNT)),
                    must("since", Ty::Datetime),
                    must("rate", Ty::Decimal),
                    must("shift", Ty::Duration),
                    must("network", Ty::Ip),
                    must("colour", Ty::Entity("Colour")),
                    must(
                        "profile",
                        Ty::Record(vec![
                            must("age", Ty::Long),
                            may("contact", ACCOUNT),
                            may(
                                "address",
                                Ty::Record(vec![must("city", Ty::Text), may("unit", UNIT), may("a \"b\\", Ty::Long)]),
                            ),
                        ]),
                    ),
                ],
            )
        },
        EntityType {
            tags: Some(ACCOUNT),
            ..request(
                "Case",
                &["unit", "teams"],
                &["Unit", "Team"],
                vec![
                    must("open", Ty::Bool),
                    must("unit", UNIT),
                    may("teams", set(Ty::Entity("Team"))),
                    must("owner", ACCOUNT),
                    may("reviewer", ACCOUNT),
                    must("level", Ty::Long),
                    may("note", Ty::Text),
                    may("at", Ty::Datetime),
                    may("amount", Ty::Decimal),
                    may("from", Ty::Ip),
                    may("time", Ty::Duration),
                    must("labels", set(Ty::Text)),
                    may("colour", Ty::Entity("Colour")),
                    may("spans", set(Ty::Record(vec![must("n", Ty::Long), may("by", ACCOUNT)]))),
                    must(
                        "like",
                        Ty::Record(vec![
                            must("region", Ty::Text),
                            may("lead", ACCOUNT),
                            may("inner", Ty::Record(vec![may("deep", ACCOUNT), must("n", Ty::Long)])),
                        ]),
                    ),
                ],
            )
        },
        // A subject that questions speak for.
        EntityType {
            tags: Some(ACCOUNT),
            ..request("Robot", &["team"], &["Team"], vec![must("team", Ty::Entity("Team")), may("maker", ACCOUNT)])
        },
        EntityType { enumerated: vec!["red", "", "gr\"ün\\"], ..directory("Colour", &[], Vec::new()) },
        directory("A::Zone", &[], vec![may("keeper", ACCOUNT)]),
        directory("A::Person", &["A::Zone"], vec![may("boss", Ty::Entity("A::Person")), must("age", Ty::Long)]),
        request("A::File", &["zone"], &["A::Zone"], vec![must("zone", Ty::Entity("A::Zone")), may("by", ACCOUNT)]),
        directory("B::C::Person", &["A::Zone"], vec![must("same", Ty::Entity("A::Person")), must("age", Ty::Text)]),
        request("B::C::File", &[], &[], vec![must("by", Ty::Entity("B::C::Person"))]),
    ]
});

pub static ACTIONS: LazyLock<Vec<Action>> = LazyLock::new(|| {
    let pdp = || {
        must(
            "pdp",
            Ty::Record(vec![
                must("now", Ty::Datetime),
                must("today", Ty::Datetime),
                must("hour", Ty::Long),
                may("application", Ty::Text),
                must("policies", Ty::Text),
                may(
                    "token",
                    Ty::Record(vec![may("acr", Ty::Text), may("amr", set(Ty::Text)), may("auth_time", Ty::Datetime)]),
                ),
            ]),
        )
    };
    let usual = || {
        vec![
            must("purpose", Ty::Text),
            may("witness", ACCOUNT),
            may("others", set(ACCOUNT)),
            may("place", Ty::Ip),
            may("consent", Ty::Record(vec![must("by", ACCOUNT), may("at", Ty::Datetime)])),
            pdp(),
        ]
    };
    vec![
        Action {
            kind: "Action",
            id: "view",
            groups: vec!["all", "reading"],
            principals: vec!["Account", "Robot"],
            resources: vec!["Case", "Account", "Unit", "Colour"],
            context: usual(),
        },
        Action {
            kind: "Action",
            id: "a \"b\"\\ 🔑",
            groups: vec!["all", "reading"],
            principals: vec!["Account"],
            resources: vec!["Case"],
            context: usual(),
        },
        Action {
            kind: "Action",
            id: "edit",
            groups: vec!["all"],
            principals: vec!["Account", "Robot"],
            resources: vec!["Case"],
            context: vec![
                must("action", Ty::Record(vec![may("force", Ty::Bool), may("for", ACCOUNT), may("level", Ty::Long)])),
                may("order", Ty::Long),
                must("pdp", Ty::Record(vec![must("hour", Ty::Long)])),
            ],
        },
        // Anything may ask about itself here.
        Action {
            kind: "Action",
            id: "",
            groups: vec![],
            principals: vec!["Account", "Robot", "Case", "Colour"],
            resources: vec!["Account", "Robot", "Case"],
            context: vec![may("action", Ty::Record(vec![must("n", Ty::Long)]))],
        },
        Action {
            kind: "A::Action",
            id: "read",
            groups: vec!["any"],
            principals: vec!["A::Person", "B::C::Person"],
            resources: vec!["A::File", "B::C::File"],
            context: vec![pdp()],
        },
        Action {
            kind: "B::C::Action",
            id: "read",
            groups: vec![],
            principals: vec!["B::C::Person", "Account"],
            resources: vec!["A::File", "B::C::File", "A::Zone"],
            context: vec![],
        },
        // Little refers to accounts here, so that one reference too few is noticed.
        Action {
            kind: "Action",
            id: "tell",
            groups: vec![],
            principals: vec!["Robot"],
            resources: vec!["Colour"],
            context: usual(),
        },
    ]
});

pub fn entity(name: &str) -> &'static EntityType {
    ENTITIES.iter().find(|declared| declared.name == name).unwrap()
}

/// The types that an entity of this type can be in, through others too.
pub fn ancestors(name: &str) -> Vec<&'static str> {
    let mut found = BTreeSet::new();
    let mut next = entity(name).within.clone();
    while let Some(kind) = next.pop() {
        if found.insert(kind) {
            next.extend(&entity(kind).within);
        }
    }
    found.into_iter().collect()
}

/// The text of the schema.
pub static TEXT: LazyLock<String> = LazyLock::new(|| {
    let mut namespaces: BTreeMap<&str, String> = BTreeMap::new();
    for declared in ENTITIES.iter() {
        let (namespace, base) = declared.name.rsplit_once("::").unwrap_or(("", declared.name));
        let text = namespaces.entry(namespace).or_default();
        if let Some(uri) = declared.uri {
            writeln!(text, "@uri({uri:?})").unwrap();
        }
        if let Some(parents) = &declared.parents {
            writeln!(text, "@source(\"request\")").unwrap();
            if !parents.is_empty() {
                writeln!(text, "@parents(\"{}\")", parents.join(" ")).unwrap();
            }
        }
        write!(text, "entity {base}").unwrap();
        if !declared.enumerated.is_empty() {
            writeln!(text, " enum [{}];", list(&declared.enumerated)).unwrap();
            continue;
        }
        if !declared.within.is_empty() {
            write!(text, " in [{}]", declared.within.join(", ")).unwrap();
        }
        write!(text, " {}", record(&declared.fields)).unwrap();
        if let Some(tags) = &declared.tags {
            write!(text, " tags {}", written(tags)).unwrap();
        }
        text.push_str(";\n");
    }
    namespaces.entry("").or_default().push_str("action all;\naction reading in [all];\n");
    namespaces.entry("A").or_default().push_str("action any;\n");
    for action in ACTIONS.iter() {
        let text = namespaces.entry(action.kind.strip_suffix("Action").unwrap().trim_end_matches("::")).or_default();
        write!(text, "action {}", super::terms::quoted(action.id)).unwrap();
        // `reading` is in `all` already.
        if let Some(group) = action.groups.last() {
            write!(text, " in [{group}]").unwrap();
        }
        let (principals, resources) = (action.principals.join(", "), action.resources.join(", "));
        writeln!(
            text,
            " appliesTo {{ principal: [{principals}], resource: [{resources}], context: {} }};",
            record(&action.context)
        )
        .unwrap();
    }
    let mut whole = String::new();
    for (namespace, text) in namespaces {
        if namespace.is_empty() {
            whole.push_str(&text);
        } else {
            writeln!(whole, "namespace {namespace} {{\n{text}}}").unwrap();
        }
    }
    whole
});

fn list(texts: &[&str]) -> String {
    texts.iter().map(|text| super::terms::quoted(text)).collect::<Vec<_>>().join(", ")
}

fn record(fields: &[Field]) -> String {
    let fields = fields.iter().map(|field| {
        let optional = if field.required { "" } else { "?" };
        format!("{}{optional}: {}", super::terms::quoted(field.name), written(&field.ty))
    });
    format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
}

fn written(ty: &Ty) -> String {
    match ty {
        Ty::Bool => "Bool".into(),
        Ty::Long => "Long".into(),
        Ty::Text => "String".into(),
        Ty::Decimal => "decimal".into(),
        Ty::Datetime => "datetime".into(),
        Ty::Duration => "duration".into(),
        Ty::Ip => "ipaddr".into(),
        Ty::Entity(name) => (*name).into(),
        Ty::Set(element) => format!("Set<{}>", written(element)),
        Ty::Record(fields) => record(fields),
    }
}
