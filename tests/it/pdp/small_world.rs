//! A small world of accounts, units and cases, with policies that read one thing each.

use poort::{
    sources::{
        directory, policy,
        snapshot::{Snapshot, Sources},
    },
    types::problem::report,
};
use serde_json::json;

pub const SCHEMA: &str = r#"
    entity Unit in [Unit] { name: String };
    entity Account in [Unit] { level: Long, active: Bool, unit: Unit };
    @source("request") @parents("unit")
    entity Case in [Unit] { unit: Unit, level: Long, first?: String, second?: String, labels?: Set<String> } tags String;
    type Pdp = { now: datetime, today: datetime, hour: Long, application?: String, policies: String, token?: { acr?: String, amr?: Set<String> } };
    action any;
    action view, edit in [any] appliesTo {
        principal: [Account], resource: [Case],
        context: { purpose: String, device?: String, network?: ipaddr, pdp: Pdp },
    };
    action quiet appliesTo { principal: [Account], resource: [Case], context: { action?: { force: Bool } } };
    action bare appliesTo { principal: [Account], resource: [Case], context: { action?: {} } };
"#;

/// Policies that read one thing each; a revision has some of them.
pub const POLICIES: [&str; 25] = [
    "permit (principal, action, resource) when { resource in principal.unit };",
    "permit (principal, action == Action::\"view\", resource) when { context.pdp.hour < 12 };",
    "permit (principal, action == Action::\"view\", resource) when { context.pdp.today < datetime(\"2026-02-01\") };",
    "permit (principal, action == Action::\"edit\", resource) when { context.pdp.now < datetime(\"2026-01-31T12:00:00.100Z\") };",
    "forbid (principal, action in Action::\"any\", resource) when { context.pdp.hour >= 23 };",
    "forbid (principal, action == Action::\"edit\", resource) when { context has pdp.application };",
    "forbid (principal, action == Action::\"view\", resource) when { context has pdp.token.acr && context.pdp.token.acr == \"low\" };",
    "permit (principal, action == Action::\"edit\", resource) when { context has pdp.token.amr && context.pdp.token.amr.contains(\"pin\") };",
    "permit (principal == Account::\"anna\", action, resource);",
    "permit (principal in Unit::\"north\", action == Action::\"quiet\", resource);",
    "forbid (principal, action, resource) unless { principal.active };",
    "forbid (principal, action, resource) when { resource.level > principal.level };",
    "permit (principal, action == Action::\"quiet\", resource) when { context has action && context.action.force };",
    "permit (principal, action, resource) when { resource has first && resource.first == \"ab\" };",
    "permit (principal, action, resource) when { resource has second && resource.second == \"ab\" };",
    "permit (principal, action, resource) when { resource has labels && resource.labels.contains(\"ab\") };",
    "permit (principal, action, resource) when { resource.hasTag(\"a\") && resource.getTag(\"a\") == \"b\" };",
    "forbid (principal, action in Action::\"any\", resource) when { context has network && context.network.isLoopback() };",
    "permit (principal, action == Action::\"view\", resource) when { context.purpose == \"8\" };",
    "permit (principal, action == Action::\"edit\", resource) when { {c: context}.c.pdp.today >= datetime(\"2026-02-01\") };",
    "forbid (principal, action, resource == Case::\"2\") when { principal.level + resource.level < 0 };",
    "permit (principal, action, resource) when { resource.unit.name == \"North\" };",
    "permit (principal, action, resource == Case::\"2\");",
    "permit (principal, action == Action::\"bare\", resource) when { context has action };",
    "forbid (principal, action in Action::\"any\", resource) when { context.pdp.policies == \"late\" };",
];

/// The directory at four moments: as it was, an account moved, an account left, an account with another level.
pub fn directory_at(version: usize) -> String {
    let account = |id: &str, unit: &str, level: i64| {
        json!({"uid": {"type": "Account", "id": id}, "parents": [{"type": "Unit", "id": unit}],
            "attrs": {"level": level, "active": level > 0, "unit": {"type": "Unit", "id": unit}}})
    };
    let unit = |id: &str, name: &str, above: &[&str]| {
        let above: Vec<_> = above.iter().map(|id| json!({"type": "Unit", "id": id})).collect();
        json!({"uid": {"type": "Unit", "id": id}, "parents": above, "attrs": {"name": name}})
    };
    let mut entities = vec![
        unit("north", "North", &[]),
        unit("desk", if version == 4 { "North" } else { "Desk" }, if version == 3 { &[] } else { &["north"] }),
        account("anna", if version == 1 { "north" } else { "desk" }, if version == 3 { 0 } else { 2 }),
    ];
    if version != 2 {
        entities.push(account("bart", "desk", if version == 4 { i64::MAX } else { 1 }));
    }
    json!(entities).to_string()
}

pub fn small_world(policies: usize, version: usize) -> Sources {
    let text = (0..POLICIES.len())
        .filter(|index| policies >> index & 1 == 1)
        .map(|index| format!("@id(\"p{index}\") {}\n", POLICIES[index]))
        .collect::<String>();
    let directory = directory_at(version);
    // A file without policies is refused.
    let file = Some(("all.cedar", text.as_str())).filter(|_| policies != 0);
    let files = [(policy::SCHEMA_FILE, SCHEMA)].into_iter().chain(file);
    Sources {
        policies: policy::Sources::from_texts("policies", files),
        directory: directory::Sources::from_texts("directory", [("all.json", directory.as_str())]),
    }
}

pub fn activate(sources: &Sources) -> Snapshot {
    let (snapshot, problems) = Snapshot::from_sources(sources);
    snapshot.unwrap_or_else(|| panic!("{}", report(&problems, false)))
}
