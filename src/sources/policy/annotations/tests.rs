use super::*;
use crate::sources::policy::{Policies, Sources};

fn read(schema: &str) -> (Option<Marks>, Vec<String>) {
    let (schema, _, problems) = Policies::from_sources(&Sources::from_texts("p", [("schema.cedarschema", schema)]));
    let told = problems.iter().map(|problem| {
        format!("{} [{}] {}", problem.one_line(), problem.kind(), problem.help_text().unwrap_or_default())
    });
    let told = told.collect();
    (schema.map(|schema| schema.model.marks.clone()), told)
}

fn marks(schema: &str) -> Marks {
    let (marks, problems) = read(schema);
    marks.unwrap_or_else(|| panic!("{problems:#?}"))
}

#[track_caller]
fn refused(schema: &str, code: &str, place: &str, words: &[&str]) {
    let (marks, problems) = read(schema);
    assert_eq!(marks, None, "{schema}");
    let [problem] = problems.as_slice() else { panic!("{problems:#?}") };
    for word in [code, place].iter().chain(words) {
        assert!(problem.contains(word), "`{word}` is not in {problem}");
    }
}

fn entity(name: &str) -> ast::EntityType {
    ast::EntityType::from_normalized_str(name).unwrap()
}

const SCHEMA: &str = r#"
namespace N {
    type Person = {
        @log("pseudonym") name: String,
        @data_subject("https://x.example/bsn") bsn?: Long,
        age: Long,
    };
    type Question = {
        purpose: String,
        @origin("address") location?: ipaddr,
        @origin("device") @log("omit") device?: String,
        people?: Set<Person>,
    };
    @log("pseudonym")
    entity Source;
    @data_subject("urn:person")
    entity Person_ { };
    entity User;
    @source("request")
    entity Doc { owner: Person, from: Source, deep?: { @log("omit") note: String } } tags { @log("omit") x: String };
    action read appliesTo { principal: [User], resource: [Doc, Person_], context: Question };
    action write appliesTo { principal: [User], resource: [Doc], context: { @log("omit") purpose: Long } };
}"#;

#[test]
fn marks_are_read_wherever_the_grammar_has_annotations() {
    let marks = marks(SCHEMA);
    assert!(marks.conceals());
    let document = marks.entity(Some(&entity("N::Doc")));
    let Form::Record(owner) = &document.properties["owner"].form else { panic!() };
    assert_eq!((owner["name"].log, &*owner["name"].kind), (Log::Pseudonym, "N::Doc.owner.name"));
    assert_eq!((owner["bsn"].log, &*owner["bsn"].kind), (Log::Pseudonym, "https://x.example/bsn"));
    assert!(owner["bsn"].is_data_subject && !owner["name"].is_data_subject);
    assert_eq!((owner["age"].log, &owner["age"].form), (Log::Clear, &Form::Plain));
    assert_eq!(document.properties["from"].form, Form::Entity(entity("N::Source")));
    let Form::Record(deep) = &document.properties["deep"].form else { panic!() };
    assert_eq!(deep["note"].log, Log::Omit);
    let Form::Tags(tags) = &document.properties["tags"].form else { panic!() };
    assert!(tags.conceals());
    assert_eq!(document.id, None);

    let id = |name: &str| marks.entity(Some(&entity(name))).id.clone().unwrap();
    assert_eq!(id("N::Source"), IdMark { kind: "N::Source".into(), is_data_subject: false });
    assert_eq!(id("N::Person_"), IdMark { kind: "urn:person".into(), is_data_subject: true });

    let read = marks.context(Some(&r#"N::Action::"read""#.parse().unwrap()));
    assert_eq!((read.address.as_deref(), read.device.as_deref()), (Some("location"), Some("device")));
    assert_eq!((read.fields["location"].log, &read.fields["location"].form), (Log::Clear, &Form::Text));
    assert_eq!(read.fields["device"].log, Log::Omit);
    let Form::Set(person) = &read.fields["people"].form else { panic!() };
    assert!(person.conceals());

    let types: Vec<_> = marks.data_subject_types().into_iter().collect();
    assert_eq!(types.iter().map(|kind| &**kind).collect::<Vec<_>>(), ["https://x.example/bsn", "urn:person"]);
}

#[test]
fn an_unknown_action_redacts_what_any_action_redacts() {
    let marks = marks(SCHEMA);
    let any = marks.context(None);
    assert_eq!(any.fields["purpose"].log, Log::Omit);
    assert_eq!(any.fields["device"].log, Log::Omit);
    assert_eq!(marks.context(Some(&r#"N::Action::"read""#.parse().unwrap())).fields["purpose"].log, Log::Clear);
    assert!(marks.entity(None).properties["owner"].conceals());
}

#[test]
fn a_schema_without_marks_redacts_nothing() {
    let marks = marks("entity User { age: Long }; action a appliesTo { principal: User, resource: User };");
    assert!(!marks.conceals());
    assert_eq!(marks.entity(Some(&entity("User"))).properties["age"].form, Form::Plain);
}

#[test]
fn unknown_values_are_refused_with_their_place_and_what_to_write() {
    let with = |marked: &str| format!("entity User {{\n    {marked} name: String,\n}};\n");
    refused(
        &with("@log(\"hide\")"),
        "schema::log",
        "p/schema.cedarschema:2:",
        &["@log(\"omit\") or @log(\"pseudonym\")"],
    );
    refused(&with("@log"), "schema::log", "p/schema.cedarschema:2:", &["@log(\"\") is not known"]);
    refused(
        &with("@data_subject(\"bsn\")"),
        "schema::data-subject",
        "p/schema.cedarschema:2:",
        &["as a URI", "https://"],
    );
    refused(&with("@origin(\"place\")"), "schema::origin", "p/schema.cedarschema:2:", &["@origin(\"address\")"]);
}

#[test]
fn marks_without_effect_are_refused() {
    let refused = |schema: &str, code: &str, word: &str| refused(schema, code, "schema.cedarschema:", &[word]);
    refused("@log(\"omit\")\nentity User;", "schema::log", "write @log(\"pseudonym\")");
    refused("@log(\"omit\")\ntype T = String;\nentity User { t: T };", "schema::log", "a type with a name");
    refused("@log(\"omit\")\naction a;", "schema::log", "an action");
    refused("@log(\"omit\") namespace N { entity User; }", "schema::log", "a namespace");
    refused("entity User { @origin(\"device\") d: String };", "schema::origin", "attributes of a context");
    let subject = "@data_subject(\"urn:bsn\")";
    refused(&format!("entity User {{ {subject} bsn: String }};"), "schema::data-subject", "not believed");
    let list = format!("@source(\"request\") entity Doc {{ {subject} people: Set<String> }};");
    refused(&list, "schema::data-subject", "more than one value");
    let context = |context: &str| {
        format!("entity User; action a, b appliesTo {{ principal: User, resource: User, context: {{ {context} }} }};")
    };
    let twice = context("@origin(\"device\") a?: String, @origin(\"device\") b?: String");
    refused(&twice, "schema::origin", "same @origin");
    refused(&context("a: { @origin(\"device\") b: String }"), "schema::origin", "attributes of a context");
    refused(&context("@origin(\"device\") a: Set<String>"), "schema::origin", "no string, address or entity");
}

#[test]
fn a_reference_that_no_record_may_have_is_not_recorded() {
    let with =
        |attribute: &str| format!("@log(\"pseudonym\") entity Source; entity Team; entity User {{ {attribute} }};");
    refused(&with("@recorded source?: Source"), "schema::recorded", "schema.cedarschema:", &["User.source"]);
    refused(&with("@recorded @log(\"omit\") team?: Team"), "schema::recorded", "schema.cedarschema:", &["User.team"]);
    marks(&with("@recorded team?: Team, source?: Source"));
    let given = "entity Team; @source(\"request\") entity User { @recorded team?: Team };";
    refused(given, "schema::recorded", "schema.cedarschema:", &["the directory does not hold it"]);
}
