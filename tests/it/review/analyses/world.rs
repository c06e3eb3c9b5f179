//! Generates policies over generated schemas, with every question of a small universe.
//!
//! A schema is made of pieces. A piece is a required or optional property of the record, the context or the action, of
//! any kind that a schema can declare. It has conditions on it, and values for questions. Some values name a team or an
//! account that does not exist.

use crate::pdp::cedar::tape::Tape;
use serde_json::{Value, json};

/// A value: its name and type, conditions in which `$` is the value, and what questions say, as JSON.
struct Piece {
    name: &'static str,
    kind: &'static str,
    conditions: &'static [&'static str],
    values: &'static [&'static str],
}

const PIECES: [Piece; 13] = [
    Piece {
        name: "team",
        kind: "Team",
        conditions: &[
            "$ == Team::\"a\"",
            "$.open",
            "$ has open",
            "$.leader == principal",
            "$ has boss && $.boss == principal",
            "$ has boss && $.boss.active",
            "$ in principal.home",
            "$ in Team::\"b\"",
        ],
        values: &["\"a\"", "\"b\"", "\"gone\""],
    },
    Piece {
        name: "teams",
        kind: "Set<Team>",
        conditions: &["$.contains(Team::\"a\")", "$.isEmpty()", "$.contains(principal.home)"],
        values: &["[]", "[\"a\"]", "[\"b\", \"gone\"]"],
    },
    Piece {
        name: "kind",
        kind: "Kind",
        conditions: &["$ == Kind::\"x\"", "$ != Kind::\"y\"", "[Kind::\"x\", Kind::\"y\"].contains($)"],
        values: &["\"x\"", "\"y\"", "\"z\""],
    },
    Piece {
        name: "number",
        kind: "Long",
        conditions: &["$ < 3", "$ + 1 > 3", "$ == principal.level", "$ > 9007199254740991", "$ - principal.level > 0"],
        values: &["0", "3", "9007199254740991"],
    },
    Piece {
        name: "text",
        kind: "String",
        conditions: &["$ == \"ab\"", "$ like \"*a*\"", "$ like \"a*\""],
        values: &["\"\"", "\"ab\"", "\"xay\""],
    },
    Piece {
        name: "day",
        kind: "datetime",
        conditions: &["$ < datetime(\"2026-01-01\")", "$.offset(duration(\"1d\")) > datetime(\"2026-01-01\")"],
        values: &["\"2025-12-31T12:00:00Z\"", "\"2026-01-01\"", "\"0000-01-01\""],
    },
    Piece {
        name: "address",
        kind: "ipaddr",
        conditions: &["$.isInRange(ip(\"10.0.0.0/8\"))", "$.isIpv4()"],
        values: &["\"10.1.2.3\"", "\"::1\""],
    },
    Piece {
        name: "amount",
        kind: "decimal",
        conditions: &["$.lessThan(decimal(\"1.5\"))"],
        values: &["\"1.5\"", "\"0.1\""],
    },
    Piece { name: "length", kind: "duration", conditions: &["$ <= duration(\"1d\")"], values: &["\"24h\"", "\"25h\""] },
    Piece {
        name: "record",
        kind: "{ size: Long, deep?: { kind: Kind, team?: Team } }",
        conditions: &[
            "$.size > 1",
            "$ has deep && $.deep.kind == Kind::\"x\"",
            "$ has deep.team && $.deep.team.open",
            "$ has deep.team.open",
        ],
        values: &[
            "{\"size\": 1}",
            "{\"size\": 2, \"deep\": {\"kind\": \"x\", \"team\": \"gone\"}}",
            "{\"size\": 2, \"deep\": {\"kind\": \"y\", \"team\": \"a\"}}",
        ],
    },
    Piece {
        name: "doc",
        kind: "Doc",
        conditions: &["$ == resource", "$ has flag", "$ has flag && $.flag"],
        values: &["\"d\"", "\"e\""],
    },
    Piece {
        name: "numbers",
        kind: "Set<Long>",
        conditions: &["$.contains(1)", "$.containsAny([1, 2])", "$.isEmpty()"],
        values: &["[]", "[1, 3]", "[2]"],
    },
    Piece {
        name: "owner",
        kind: "User",
        conditions: &["$ == principal", "$.active", "$ has chief && $.chief.active", "$.home.open", "$ in Team::\"b\""],
        values: &["\"u0\"", "\"u1\"", "\"gone\""],
    },
];

/// Conditions that need no piece.
const ALWAYS: [&str; 14] = [
    "true",
    "1 < 2",
    "principal.active",
    "principal.level > 1",
    "principal.level + 1 > 3",
    "principal in Team::\"b\"",
    "principal.home.open",
    "principal has chief && principal.chief.active",
    "principal has chief.chief",
    "principal.hasTag(\"away\") && principal.getTag(\"away\")",
    "resource.flag",
    "resource.hasTag(\"t\")",
    "resource.hasTag(\"t\") && resource.getTag(\"t\") < 2",
    "resource in Team::\"b\"",
];

const ACTIONS: [&str; 2] = ["read", "write"];

/// A policy: whether it permits, for which action if not all, and its condition.
#[derive(Debug, Clone)]
pub struct Policy {
    pub permits: bool,
    pub action: Option<&'static str>,
    pub condition: String,
}

#[derive(Debug)]
pub struct World {
    pub schema: String,
    pub base: Vec<Policy>,
    /// The same, with a change.
    pub head: Vec<Policy>,
    pub guarantees: Vec<Policy>,
    pub questions: Vec<Value>,
}

/// A piece in its place.
struct Placed<'a> {
    piece: &'a Piece,
    /// Its parent: `resource`, `context` or `context.action`.
    of: &'static str,
    is_optional: bool,
}

impl Placed<'_> {
    fn condition(&self, tape: &mut Tape<'_>) -> String {
        let Self { piece, of, is_optional } = self;
        let path = format!("{of}.{}", piece.name);
        let condition = tape.pick(piece.conditions).replace('$', &path);
        let there = if *of == "context.action" { "context has action && " } else { "" };
        let guard = if *is_optional { format!("{of} has {} && ", piece.name) } else { String::new() };
        format!("({there}{guard}{condition})")
    }

    fn declared(&self) -> String {
        format!("{}{}: {}", self.piece.name, if self.is_optional { "?" } else { "" }, self.piece.kind)
    }
}

pub fn world(tape: &mut Tape<'_>) -> World {
    let mut placed: Vec<Placed<'_>> = Vec::new();
    for _ in 0..tape.below(4) + 1 {
        let index = tape.below(PIECES.len());
        let of = tape.pick(&["resource", "resource", "context", "context.action"]);
        let piece = &PIECES[index];
        if !placed.iter().any(|other| other.piece.name == piece.name && other.of == of) {
            placed.push(Placed { piece, of, is_optional: tape.one_in(2) });
        }
    }
    let policies = |tape: &mut Tape<'_>, most: usize| -> Vec<Policy> {
        let count = tape.below(most) + 1;
        (0..count).map(|_| policy(tape, &placed)).collect()
    };
    let mut base = policies(tape, 4);
    base[0].permits = true;
    let mut head = base.clone();
    let at = tape.below(head.len());
    match tape.below(4) {
        0 => head.push(policy(tape, &placed)),
        1 if head.len() > 1 => drop(head.remove(at)),
        _ => head[at] = Policy { permits: head[at].permits, ..policy(tape, &placed) },
    }
    let guarantees = policies(tape, 3);
    World { schema: schema(&placed), base, head, guarantees, questions: questions(&placed) }
}

fn policy(tape: &mut Tape<'_>, placed: &[Placed<'_>]) -> Policy {
    let action = if tape.one_in(3) { Some(tape.pick(&ACTIONS)) } else { None };
    Policy { permits: !tape.one_in(3), action, condition: condition(tape, placed, 2) }
}

fn condition(tape: &mut Tape<'_>, placed: &[Placed<'_>], depth: usize) -> String {
    if depth > 0 && tape.below(2) == 1 {
        let one = condition(tape, placed, depth - 1);
        let other = |tape: &mut Tape<'_>| condition(tape, placed, depth - 1);
        return match tape.below(4) {
            0 => format!("({one} && {})", other(tape)),
            1 => format!("({one} || {})", other(tape)),
            2 => format!("!{one}"),
            _ => format!("(if {one} then {} else {})", other(tape), other(tape)),
        };
    }
    if tape.below(2) == 0 {
        let index = tape.below(placed.len());
        return placed[index].condition(tape);
    }
    format!("({})", tape.pick(&ALWAYS))
}

fn schema(placed: &[Placed<'_>]) -> String {
    let of = |wanted: &str| -> Vec<String> {
        placed.iter().filter(|placed| placed.of == wanted).map(Placed::declared).collect()
    };
    let is_parent = |placed: &&Placed<'_>| placed.of == "resource" && placed.piece.name.starts_with("team");
    let parents: Vec<_> = placed.iter().filter(is_parent).map(|placed| placed.piece.name).collect();
    let parents = if parents.is_empty() { String::new() } else { format!("@parents(\"{}\") ", parents.join(" ")) };
    let mut context = of("context");
    let properties = of("context.action");
    if !properties.is_empty() {
        context.push(format!("action?: {{ {} }}", properties.join(", ")));
    }
    let doc: Vec<_> = std::iter::once("flag: Bool".to_owned()).chain(of("resource")).collect();
    format!(
        "entity Kind enum [\"x\", \"y\"];
         entity Team in [Team] {{ open: Bool, leader: User, boss?: User }};
         entity User in [Team] {{ level: Long, active: Bool, home: Team, chief?: User }} tags Bool;
         @source(\"request\") {parents}entity Doc in [Team] {{ {} }} tags Long;
         action read, write appliesTo {{ principal: User, resource: Doc, context: {{ {} }} }};",
        doc.join(", "),
        context.join(", ")
    )
}

fn uid(kind: &str, id: &str) -> Value {
    json!({"type": kind, "id": id})
}

const USERS: usize = 5;

/// The accounts and teams. Some refer to entities that do not exist.
pub fn directory() -> Value {
    let team = |id: &str, open: bool, leader: &str, boss: Option<&str>, parents: &[&str]| {
        let mut attrs = json!({"open": open, "leader": uid("User", leader)});
        if let Some(boss) = boss {
            attrs["boss"] = uid("User", boss);
        }
        let parents: Vec<_> = parents.iter().map(|parent| uid("Team", parent)).collect();
        json!({"uid": uid("Team", id), "attrs": attrs, "parents": parents})
    };
    let mut all = vec![team("a", true, "u0", Some("gone"), &["b"]), team("b", false, "gone", Some("u1"), &[])];
    for index in 0..USERS {
        let level = [0, 2, 3, i64::MAX, i64::MIN][index];
        let mut attrs =
            json!({"level": level, "active": index % 2 == 0, "home": uid("Team", ["a", "b", "gone"][index % 3])});
        if let Some(chief) = [Some("u0"), None, Some("gone")][index % 3] {
            attrs["chief"] = uid("User", chief);
        }
        let parents: Vec<_> = [Some("a"), None, Some("b")][index % 3].map(|id| uid("Team", id)).into_iter().collect();
        let tags = if index % 2 == 1 { json!({"away": index == 1}) } else { json!({}) };
        all.push(json!({"uid": uid("User", &format!("u{index}")), "attrs": attrs, "parents": parents, "tags": tags}));
    }
    Value::Array(all)
}

/// Every question: each account and an unknown one, each action, each value of each piece, and no value where it is
/// optional.
fn questions(placed: &[Placed<'_>]) -> Vec<Value> {
    let mut records = Vec::new();
    for flag in [true, false] {
        for tags in [json!({}), json!({"t": 1}), json!({"t": 2})] {
            records.push(json!({"resource": {"flag": flag, "tags": tags}, "context": {}, "context.action": {}}));
        }
    }
    for Placed { piece, of, is_optional } in placed {
        let mut values: Vec<Value> = piece.values.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        if *is_optional {
            values.push(Value::Null);
        }
        let with = |record: &Value| -> Vec<Value> {
            let one = |value: &Value| {
                let mut record = record.clone();
                record[*of][piece.name] = value.clone();
                record
            };
            values.iter().map(one).collect()
        };
        records = records.iter().flat_map(with).collect();
    }
    let mut all = Vec::new();
    for record in records {
        for user in (0..USERS).map(|index| format!("u{index}")).chain(["gone".to_owned()]) {
            for action in ACTIONS {
                all.push(json!({
                    "subject": {"type": "User", "id": user},
                    "action": {"name": action, "properties": record["context.action"]},
                    "resource": {"type": "Doc", "id": "d", "properties": record["resource"]},
                    "context": record["context"],
                }));
            }
        }
    }
    all
}
