//! Describes real accounts to the solver: their attributes, their groups, and which of them it may choose. These are
//! wishes: a request that meets them is easier to read, and one that does not is as good a proof.

use super::{
    Environment, Rule,
    cedar_text::quoted,
    guard::KNOWN,
    joined::{all, any},
};
use crate::sources::{
    policy::{
        Held, Reference, Shape,
        cedar_core::ast::{self, Expr, ExprKind},
    },
    snapshot::Snapshot,
};
use smol_str::SmolStr;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// How many real accounts the solver may choose from, and how many entities are described to it.
const ACCOUNTS: usize = 6;
const ENTITIES: usize = 24;
/// How many more accounts are offered, one after the other.
const MORE: usize = 12;

/// The wishes, one after the other: a choice of real accounts, or `account` alone, then each of more accounts alone, with all else free. None if
/// the directory has nothing to choose from.
pub(crate) fn pins<'a>(
    snapshot: &'a Snapshot,
    environment: &'a Environment,
    read: &'a [&'a Rule],
    account: Option<&ast::EntityUID>,
) -> impl Iterator<Item = Expr> + 'a {
    let attributes = attributes(read);
    let accounts = held(snapshot, &environment.principal).map(|mut accounts| {
        accounts.retain(|entity| account.is_none_or(|account| entity.uid() == account));
        different_first(accounts, &attributes)
    });
    let mut rounds: Vec<Option<Vec<Arc<ast::Entity>>>> = Vec::new();
    match accounts {
        None => rounds.push(None),
        Some(accounts) => {
            let (first, more) = accounts.split_at(accounts.len().min(ACCOUNTS));
            rounds.push(Some(first.to_vec()));
            rounds.extend(more.iter().take(MORE).map(|account| Some(vec![account.clone()])));
        }
    }
    rounds.into_iter().filter_map(move |principals| choice(snapshot, environment, read, &attributes, principals))
}

/// The entities of a type that the directory holds; `None` if it holds none of that type by the schema.
fn held(snapshot: &Snapshot, kind: &ast::EntityType) -> Option<Vec<Arc<ast::Entity>>> {
    let model = snapshot.policies.model.entity_type(kind).map(|model| &model.held);
    matches!(model, Some(Held::ByDirectory)).then(|| {
        let mut real: Vec<_> =
            snapshot.directory.iter().filter(|entity| entity.uid().entity_type() == kind).cloned().collect();
        real.sort_by_cached_key(|entity| entity.uid().to_string());
        real
    })
}

/// The attributes that policies read.
pub(crate) fn attributes(read: &[&Rule]) -> BTreeSet<SmolStr> {
    read.iter()
        .flat_map(|rule| rule.condition().subexpressions())
        .filter_map(|part| match part.expr_kind() {
            ExprKind::GetAttr { attr, .. } | ExprKind::HasAttr { attr, .. } => Some(attr.clone()),
            _ => None,
        })
        .collect()
}

/// Orders accounts so that each with new values of these attributes comes before those that repeat earlier ones.
fn different_first(accounts: Vec<Arc<ast::Entity>>, attributes: &BTreeSet<SmolStr>) -> Vec<Arc<ast::Entity>> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut ranked: Vec<_> = accounts
        .into_iter()
        .map(|account| {
            let facts: Vec<_> = attributes.iter().map(|name| account.get(name).map(ToString::to_string)).collect();
            let rank = seen.entry(format!("{facts:?}")).or_default();
            *rank += 1;
            (*rank, account)
        })
        .collect();
    // Stable: otherwise they stay in their order.
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, account)| account).collect()
}

/// That the question is about some of these principals, and about real resources if the directory holds them.
fn choice(
    snapshot: &Snapshot,
    environment: &Environment,
    read: &[&Rule],
    attributes: &BTreeSet<SmolStr>,
    principals: Option<Vec<Arc<ast::Entity>>>,
) -> Option<Expr> {
    let mut chosen: BTreeMap<String, Arc<ast::Entity>> = BTreeMap::new();
    let mut wishes = Vec::new();
    let resources = held(snapshot, &environment.resource).map(|mut resources| {
        resources.truncate(ACCOUNTS);
        resources
    });
    for (name, real) in [("principal", principals), ("resource", resources)] {
        let Some(real) = real else { continue };
        if real.is_empty() {
            return None;
        }
        let ways: Option<Vec<Expr>> =
            real.iter().map(|entity| format!("{name} == {}", entity.uid()).parse().ok()).collect();
        wishes.push(any(ways?));
        chosen.extend(real.into_iter().map(|entity| (entity.uid().to_string(), entity)));
    }
    // What they refer to, and what policies name.
    let mut next: Vec<ast::EntityUID> = Vec::new();
    for entity in chosen.values() {
        next.extend(references(entity));
    }
    for part in read.iter().flat_map(|rule| rule.condition().subexpressions()) {
        if let ExprKind::Lit(ast::Literal::EntityUID(uid)) = part.expr_kind() {
            next.push(uid.as_ref().clone());
        }
    }
    while let Some(uid) = next.pop() {
        if chosen.len() >= ENTITIES {
            break;
        }
        if let Some(entity) = snapshot.directory.get(&uid)
            && !chosen.contains_key(&uid.to_string())
        {
            next.extend(references(entity));
            chosen.insert(uid.to_string(), entity.clone());
        }
    }
    wishes.extend(all_facts(snapshot, &chosen, attributes)?);
    wishes.extend(references_are_real(snapshot, environment, &chosen)?);
    Some(all(wishes))
}

/// What the directory says of these entities: that it has them, these attributes of them, and which is in which.
pub(crate) fn all_facts(
    snapshot: &Snapshot,
    chosen: &BTreeMap<String, Arc<ast::Entity>>,
    attributes: &BTreeSet<SmolStr>,
) -> Option<Vec<Expr>> {
    let mut wishes: Vec<Expr> = Vec::new();
    for entity in chosen.values() {
        let uid = entity.uid();
        let declared = snapshot.policies.schema.as_ref().get_entity_type(uid.entity_type())?;
        wishes.push(format!("{uid}[{}]", quoted(KNOWN)).parse().ok()?);
        for (name, _) in declared.attributes().iter().filter(|(name, _)| attributes.contains(*name)) {
            let quoted = quoted(name);
            let fact = match entity.get(name) {
                None => format!("!({uid} has {quoted})"),
                Some(ast::PartialValue::Value(value)) => {
                    let is = match value.value_kind() {
                        ast::ValueKind::Set(set) if set.is_empty() => format!("{uid}[{quoted}].isEmpty()"),
                        _ => format!("{uid}[{quoted}] == {}", ast::RestrictedExpr::from(value.clone())),
                    };
                    format!("{uid} has {quoted} && {is}")
                }
                Some(ast::PartialValue::Residual(_)) => return None,
            };
            wishes.push(fact.parse().ok()?);
        }
        for other in chosen.values().filter(|other| other.uid() != uid) {
            let above = snapshot.policies.schema.as_ref().get_entity_type(other.uid().entity_type())?;
            if above.has_descendant_entity_type(uid.entity_type()) {
                let not = if entity.is_descendant_of(other.uid()) { "" } else { "!" };
                wishes.push(format!("{not}({uid} in {})", other.uid()).parse().ok()?);
            }
        }
    }
    Some(wishes)
}

/// That the entities that the question itself names are among the chosen.
fn references_are_real(
    snapshot: &Snapshot,
    environment: &Environment,
    chosen: &BTreeMap<String, Arc<ast::Entity>>,
) -> Option<Vec<Expr>> {
    let model = &snapshot.policies.model;
    let mut places = Vec::new();
    for (name, kind) in [("principal", &environment.principal), ("resource", &environment.resource)] {
        if let Some(Held::ByRequest { attributes, .. }) = model.entity_type(kind).map(|model| &model.held) {
            places.push((name, attributes.clone()));
        }
    }
    if let Ok(action) = model.action(&environment.action.to_string()) {
        places.push(("context", action.context.clone()));
    }
    let mut wishes = Vec::new();
    for (base, attributes) in places {
        for (name, attribute) in attributes.iter() {
            let Shape::Entity(Reference { kind, .. }) = &attribute.shape else { continue };
            let name = quoted(name);
            let real: Vec<_> = chosen
                .values()
                .filter(|entity| entity.uid().entity_type() == kind)
                .map(|entity| format!("{base}[{name}] == {}", entity.uid()))
                .collect();
            let text = match (real.is_empty(), attribute.required) {
                (true, true) => return None,
                (true, false) => format!("!({base} has {name})"),
                (false, true) => format!("({})", real.join(" || ")),
                (false, false) => format!("!({base} has {name}) || ({})", real.join(" || ")),
            };
            wishes.push(text.parse().ok()?);
        }
    }
    Some(wishes)
}

fn references(entity: &ast::Entity) -> Vec<ast::EntityUID> {
    let mut found: BTreeSet<ast::EntityUID> = entity.ancestors().cloned().collect();
    for (_, given) in entity.attrs() {
        if let ast::PartialValue::Value(value) = given {
            found.extend(value.all_literal_uids());
        }
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::{directory, policy, snapshot::Sources};
    use serde_json::json;

    const SCHEMA: &str = "entity Group; entity Officer { level: Long, name: String, home: Group };
        @source(\"request\") entity Record { level: Long };
        action read appliesTo { principal: [Officer], resource: [Record], context: {} };";

    fn snapshot(policy: &str, levels: &[i64]) -> Snapshot {
        let group = json!({"type": "Group", "id": "north"});
        let officer = |(index, level): (usize, &i64)| {
            let attrs = json!({"level": level, "name": format!("name {index}"), "home": group});
            json!({"uid": {"type": "Officer", "id": format!("o{index:02}")}, "attrs": attrs, "parents": []})
        };
        let mut entities: Vec<_> = levels.iter().enumerate().map(officer).collect();
        entities.push(json!({"uid": group, "attrs": {}, "parents": []}));
        let texts = [("schema.cedarschema", SCHEMA), ("p.cedar", policy)];
        let directory = serde_json::Value::from(entities).to_string();
        let sources = Sources {
            policies: policy::Sources::from_texts("p", texts),
            directory: directory::Sources::from_texts("d", [("d.json", directory.as_str())]),
        };
        let (snapshot, problems) = Snapshot::from_sources(&sources);
        snapshot.unwrap_or_else(|| panic!("{problems:?}"))
    }

    const POLICY: &str = "permit (principal, action, resource) when { principal.level > resource.level };";

    /// The wishes as texts.
    fn rounds(levels: &[i64]) -> Vec<String> {
        let snapshot = snapshot(POLICY, levels);
        let rules = Rule::all(&snapshot.policies.set).unwrap();
        let environment = Environment::all(&snapshot.policies.model).remove(0);
        let read: Vec<_> = rules.iter().collect();
        pins(&snapshot, &environment, &read, None).map(|wish| wish.to_string()).collect()
    }

    fn offers(wish: &str, id: &str) -> bool {
        wish.contains(&format!("principal == Officer::\"{id}\""))
    }

    #[test]
    fn accounts_that_differ_in_what_policies_read_are_offered_first() {
        let levels = [1, 1, 1, 1, 1, 1, 1, 2, 3];
        let rounds = rounds(&levels);
        // The names differ too, and no policy reads them.
        for id in ["o00", "o07", "o08"] {
            assert!(offers(&rounds[0], id), "{id}: {}", rounds[0]);
        }
        assert!(!offers(&rounds[0], "o06"), "{}", rounds[0]);
    }

    #[test]
    fn more_accounts_follow_one_by_one_up_to_a_bound() {
        let rounds = rounds(&[7; 40]);
        assert_eq!(rounds.len(), 1 + MORE);
        assert!(offers(&rounds[1], "o06") && !offers(&rounds[1], "o07"), "{}", rounds[1]);
    }

    #[test]
    fn wishes_describe_what_policies_read_of_an_account() {
        let rounds = rounds(&[5]);
        assert!(rounds[0].contains("Officer::\"o00\".level == 5"), "{}", rounds[0]);
        assert!(!rounds[0].contains("name 0"), "{}", rounds[0]);
    }

    #[test]
    fn without_accounts_there_is_nothing_to_wish() {
        assert_eq!(rounds(&[]), Vec::<String>::new());
    }
}
