//! What is read of `applications.toml`, and each mistake in it.

use super::super::Policies;
use super::*;

const SCHEMA: &str = "namespace Politie {
    entity Organisation;
    entity Officer { organisation: Organisation };
    entity System;
    @uri(\"https://politie.example/case\") @source(\"request\") entity BvhCase;
    @source(\"request\") entity BvhPhoto;
    action consult, enter appliesTo { principal: [Officer, System], resource: [BvhCase, BvhPhoto], context: {} };
}";

fn read(text: &str) -> (Option<Policies>, Vec<Problem>) {
    let texts = [("schema.cedarschema", SCHEMA), ("applications.toml", text)];
    let (_, policies, problems) = Policies::from_sources(&Sources::from_texts("p", texts));
    (policies, problems)
}

#[test]
fn names_are_those_of_the_schema_and_all_that_begin_so() {
    let (policies, problems) = read(
        "[desk]\nsubjects = [\"Officer\"]\norganisations = [\"politie\"]\nactions = [\"consult\"]\nresources = [\"Bvh*\"]\n[all]\n\
         subjects = [\"*\"]\norganisations = [\"*\"]\nactions = [\"*\"]\nresources = [\"Politie::BvhCase\"]\n",
    );
    assert!(problems.is_empty(), "{problems:#?}");
    let applications = policies.unwrap().applications.unwrap();
    let desk = applications.get("desk").unwrap();
    assert_eq!(Vec::from_iter(&desk.resources.whole), ["Politie::BvhCase", "Politie::BvhPhoto"]);
    for name in ["BvhCase", "Politie::BvhCase", "https://politie.example/case"] {
        assert!(desk.resources.has(name), "{name}");
    }
    assert!(desk.subjects.has("Officer") && !desk.subjects.has("System") && !desk.actions.has("enter"));
    assert_eq!(desk.organisations, Some(BTreeSet::from(["politie".to_owned()])));
    let all = applications.get("all").unwrap();
    assert!(all.organisations.is_none() && all.subjects.has("System") && all.actions.has("enter"));
    assert!(!all.resources.has("BvhPhoto") && applications.get("other").is_none());
}

#[test]
fn a_token_is_needed_taken_or_not_looked_at() {
    let lists = "subjects = [\"*\"]\norganisations = [\"*\"]\nactions = [\"*\"]\nresources = [\"*\"]\n";
    for (keys, token) in [
        ("", None),
        ("token = \"none\"", None),
        ("token = \"checked-if-given\"\nclient_id = \"desk\"", Some(false)),
        ("token = \"required\"\nclient_id = \"desk\"", Some(true)),
    ] {
        let (policies, problems) = read(&format!("[a]\n{lists}{keys}\n"));
        assert!(problems.is_empty(), "{problems:#?}");
        let token = token.map(|required| OwnToken { required, client_id: "desk".to_owned() });
        assert_eq!(policies.unwrap().applications.unwrap().get("a").unwrap().token, token);
    }
}

#[test]
fn a_mistake_is_told_with_its_place_and_changes_nothing() {
    let whole =
        "[a]\nsubjects = [\"Officer\"]\norganisations = [\"*\"]\nactions = [\"consult\"]\nresources = [\"BvhCase\"]\n";
    for (from, to, line, message) in [
        ("\"Officer\"", "\"Oficer\"", 2, "unknown type `Oficer`; did you mean `Officer`?"),
        ("\"consult\"", "\"consults\"", 4, "unknown action `consults`; did you mean `consult`?"),
        ("\"BvhCase\"", "\"Bvx*\"", 5, "no type among the resources of actions begins with `Bvx`"),
        ("\"BvhCase\"", "\"Officer\"", 5, "`Officer` is not among the resources of any action"),
        ("[\"consult\"]", "\"consult\"", 4, "`actions` must be a list of strings that is not empty"),
        ("[\"consult\"]", "[]", 4, "`actions` must be a list of strings that is not empty"),
        ("resources", "token = true\nresources", 5, "`token` must be \"required\""),
        ("resources", "token = \"yes\"\nresources", 5, "`token` must be \"required\""),
        ("resources", "token = \"required\"\nresources", 5, "`client_id` is missing"),
        ("resources", "token = \"required\"\nclient_id = 7\nresources", 6, "`client_id` is missing"),
        ("resources", "client_id = \"a\"\nresources", 5, "`client_id` means nothing without `token"),
        ("resources", "resource", 5, "`resource` is not a key of an application"),
        ("resources", "resource", 1, "`resources` is missing"),
        ("organisations = [\"*\"]\n", "", 1, "`organisations` is missing"),
        ("[a]\n", "a = 1\n[b]\n", 1, "`a` is no table"),
        (
            "[\"Officer\"]\norganisations = [\"*\"]",
            "[\"System\"]\norganisations = [\"x\"]",
            3,
            "no `organisation` of subjects",
        ),
        ("actions = ", "actions ", 4, ""),
    ] {
        let (policies, problems) = read(&whole.replacen(from, to, 1));
        assert!(policies.is_none(), "{to}");
        let told = |problem: &Problem| {
            problem.message().contains(message) && problem.position().is_some_and(|(found, _)| found == line)
        };
        assert!(problems.iter().any(told), "{to}: {problems:#?}");
    }
}
