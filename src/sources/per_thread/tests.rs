//! A copy equals its original in all that an evaluation can observe.

use super::{PerThread, deep_copy};
use cedar_policy as cedar;
use cedar_policy_core::ast::{self, ExprKind, Literal};
use std::{collections::HashMap, path::Path, sync::Arc, thread};

/// A file of this repository's policies.
fn shipped(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("policies").join(name)).unwrap()
}

/// Policies with every kind of expression.
const EVERY: &str = r#"
@id("all") permit (principal in ?principal, action, resource) when {
    if principal.level > 1 && !(context.purpose like "a*b\*") || resource is Doc in Group::"g" then
        principal.tags.containsAny(["a long text that is not kept in place", "b"]) &&
        {a: principal, b: [1, -2, context.ip]}.a == principal && context has action.name &&
        ip("10.0.0.1").isInRange(context.ip) && principal.hasTag("t") && principal.getTag("t") == "x"
    else decimal("1.5").lessThan(decimal("2.5")) && resource.owner != User::"anna with a long name, longer than usual"
};"#;
#[test]
fn a_copy_of_an_expression_is_equal_and_shares_no_literal() {
    let mut every: cedar::PolicySet = EVERY.parse().unwrap();
    let slot = HashMap::from([(cedar::SlotId::principal(), "Group::\"g\"".parse().unwrap())]);
    every.link(cedar::PolicyId::new("policy0"), cedar::PolicyId::new("one"), slot).unwrap();
    let names = ["never.cedar", "summit.cedar", "bvh.cedar", "informants.cedar"];
    let ours = names.map(|name| shipped(name).parse::<cedar::PolicySet>().unwrap());
    let mut literals = 0;
    for policy in every.policies().chain(ours.iter().flat_map(cedar::PolicySet::policies)) {
        let policy: &ast::Policy = policy.as_ref();
        let condition = policy.condition();
        let copy = deep_copy::expression(&condition);
        assert_eq!(copy, condition);
        assert_eq!(copy.to_string(), condition.to_string());
        for (one, other) in condition.subexpressions().zip(copy.subexpressions()) {
            if let (ExprKind::Lit(Literal::EntityUID(one)), ExprKind::Lit(Literal::EntityUID(other))) =
                (one.expr_kind(), other.expr_kind())
            {
                assert!(!Arc::ptr_eq(one, other));
                literals += 1;
            }
        }
        let slots = policy.env();
        assert_eq!(&deep_copy::slots(slots), slots);
    }
    assert!(literals > 20, "{literals}");
}

#[test]
fn a_copy_of_an_entity_has_the_same_attributes_tags_and_ancestors() {
    let (schema, _) = cedar::Schema::from_cedarschema_str(&shipped("schema.cedarschema")).unwrap();
    let read = |name: &str| serde_json::from_str::<Vec<serde_json::Value>>(&shipped(name)).unwrap();
    let all = [read("directory/accounts.json"), read("directory/organisations.json")].concat();
    let all = cedar::Entities::from_json_value(all.into(), Some(&schema)).unwrap();
    let mut n_values = 0;
    for entity in all.iter() {
        let entity: &ast::Entity = entity.as_ref();
        let copy = deep_copy::entity(entity);
        assert!(copy.deep_eq(entity), "{entity}");
        n_values += copy.attrs().count();
    }
    assert!(n_values > 500, "{n_values}");
}

#[test]
fn threads_have_values_of_their_own_and_keep_them() {
    let values = PerThread::new();
    let own = |name: &'static str| {
        let first = values.get_or_init(|| name);
        assert!(std::ptr::eq(first, values.get_or_init(|| "another")));
        *first
    };
    assert_eq!(own("here"), "here");
    thread::scope(|scope| {
        // As many threads as there are places at least: none waits for a place, and each finds one value.
        for _ in 0..100 {
            scope.spawn(|| assert!(!own("there").is_empty()));
        }
    });
    assert_eq!(own("again"), "here");
    assert_eq!(values.clone().iter().count(), 0);
}
