//! Members of an entry without effect are refused, and numbers under the name of their attribute.

use super::schema;
use crate::sources::directory::{Directory, Sources};

const SCHEMA: &str = r#"
    namespace N {
        entity Unit;
        entity Account in [Unit] {
            level?: Long, unit?: Unit, day?: datetime, levels?: Set<Long>,
            named?: { type: String, id: String, more?: Long },
            rights?: { register?: { level: Long, by?: Unit } },
        } tags Long;
        action see appliesTo { principal: Account, resource: Unit };
    }
"#;

const LEVEL: &str = r#""attrs": {"level": 1}"#;

/// An entry in which this stands for attributes, parents and tags.
fn told(rest: &str) -> String {
    let text = format!("[{{\"uid\": {{\"type\": \"N::Account\", \"id\": \"a\"}}, {rest}}}]");
    let (_, problems) =
        Directory::from_sources(&Sources::from_texts("d", [("a.json", text.as_str())]), &schema(SCHEMA));
    let told = problems.iter().map(|problem| {
        format!("{} | {} | {}", problem.message(), problem.snippet(), problem.help_text().unwrap_or_default())
    });
    told.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_member_that_nothing_reads_is_refused_at_any_depth() {
    let unknown = |rest: &str, member: &str, of: &str, snippet: &str, help: &str| {
        let message = format!("unknown member `{member}` of {of} of N::Account::\"a\"");
        assert_eq!(told(rest), format!("{message} | {snippet} | {help}"));
    };
    let attribute = |attribute: &str| format!(r#""attrs": {{{attribute}}}, "parents": []"#);
    unknown(
        &format!(r#"{LEVEL}, "parents": [], "tag": {{"x": 1}}"#),
        "tag",
        "the entry",
        r#""tag": {"x": 1}"#,
        "did you mean `tags`?",
    );
    unknown(&attribute(r#""levl": 1"#), "levl", "the attributes", r#""levl": 1"#, "did you mean `level`?");
    unknown(
        &attribute(r#""rights": {"registr": {"level": 1}}"#),
        "registr",
        "`rights`",
        r#""registr": {"level": 1}"#,
        "did you mean `register`?",
    );
    unknown(
        &attribute(r#""rights": {"register": {"level": 1, "until": 2}}"#),
        "until",
        "`rights.register`",
        r#""until": 2"#,
        "leave it out; what is read there: by, level",
    );
    let help = "leave it out; what is read there: type, id";
    let more = r#""more": 1"#;
    unknown(&attribute(r#""unit": {"type": "N::Unit", "id": "u", "more": 1}"#), "more", "`unit`", more, help);
    let escaped = r#""unit": {"__entity": {"type": "N::Unit", "id": "u", "more": 1}}"#;
    unknown(&attribute(escaped), "more", "`unit.__entity`", more, help);
    let beside = r#""unit": {"__entity": {"type": "N::Unit", "id": "u"}, "more": 1}"#;
    unknown(&attribute(beside), "more", "`unit`", more, "leave it out; what is read there: __entity");
    let call = r#""day": {"__extn": {"fn": "datetime", "arg": "2024-01-01", "more": 1}}"#;
    unknown(&attribute(call), "more", "`day.__extn`", more, "leave it out; what is read there: fn, arg, args");
    let parent = format!(r#"{LEVEL}, "parents": [{{"type": "N::Unit", "id": "u", "more": 1}}]"#);
    unknown(&parent, "more", "`parents[0]`", more, help);
}

#[test]
fn a_record_may_declare_the_names_of_a_reference() {
    assert_eq!(told(r#""attrs": {"named": {"type": "t", "id": "i", "more": 9007199254740993}}, "parents": []"#), "");
    assert_eq!(told(r#""attrs": {"level": -9223372036854775808}, "parents": [], "tags": {"t": 0}"#), "");
}

#[test]
fn a_number_that_is_not_read_is_named_with_its_attribute() {
    let whole = |number: &str, help: &str| {
        let message = format!("{number}, which is not written as a whole number | {number}");
        let attribute = |path: &str, attributes: &str| {
            let told = told(&format!("\"attrs\": {attributes}, \"parents\": []"));
            assert_eq!(told, format!("`{path}` of N::Account::\"a\" is {message} | {help}"));
        };
        attribute("level", &format!(r#"{{"level": {number}}}"#));
        attribute("levels[1]", &format!(r#"{{"levels": [1, {number}]}}"#));
        attribute("rights.register.level", &format!(r#"{{"rights": {{"register": {{"level": {number}}}}}}}"#));
        attribute("unit.id", &format!(r#"{{"unit": {{"type": "N::Unit", "id": {number}}}}}"#));
        let tags = told(&format!(r#"{LEVEL}, "parents": [], "tags": {{"t": {number}}}"#));
        assert_eq!(tags, format!("`tags.t` of N::Account::\"a\" is {message} | {help}"));
    };
    whole("3.0", "write 3");
    whole("-0", "write 0");
    whole("-0.0", "write 0");
    whole("1e2", "write it without a point and without an exponent");
    whole("2.5", "write it without a point and without an exponent");
    for number in ["9223372036854775808", "-9223372036854775809", "99999999999999999999999"] {
        let told = told(&format!(r#""attrs": {{"level": {number}}}, "parents": []"#));
        assert_eq!(
            told,
            format!(
                "`level` of N::Account::\"a\" is {number}, which is out of range | {number} | a whole number lies between \
                 -9223372036854775808 and 9223372036854775807"
            )
        );
    }
}

#[test]
fn an_attribute_that_is_there_twice_is_named() {
    let told = told(
        r#""attrs": {"levels": [1], "rights": {"register": {"level": 1}, "register": {"level": 2}}}, "parents": []"#,
    );
    assert_eq!(told, "`rights.register` of N::Account::\"a\" is there twice | {\"level\": 2} | leave one");
}

#[test]
fn a_value_of_another_type_is_marked_itself() {
    let marked = |attribute: &str, path: &str, is: &str, value: &str, help: &str| {
        let told = told(&format!("\"attrs\": {{{attribute}}}, \"parents\": []"));
        assert_eq!(told, format!("`{path}` of N::Account::\"a\" is {is} | {value} | {help}"));
    };
    let whole = "write a whole number, without quotation marks";
    marked(r#""level": "3""#, "level", "a text", r#""3""#, whole);
    marked(r#""levels": [1, true]"#, "levels[1]", "true or false", "true", whole);
    marked(r#""levels": 1"#, "levels", "a number", "1", "write a list, in square brackets");
    let reference = r#"write {"type": "…", "id": "…"}"#;
    marked(r#""unit": "u""#, "unit", "a text", r#""u""#, reference);
    marked(r#""unit": null"#, "unit", "null", "null", reference);
    let text = "write a text, in quotation marks";
    marked(r#""named": {"type": 1, "id": "i"}"#, "named.type", "a number", "1", text);
    marked(r#""day": 20260101"#, "day", "a number", "20260101", text);
    marked(
        r#""rights": {"register": []}"#,
        "rights.register",
        "a list",
        "[]",
        "write an object with its members, in braces",
    );
    // What only Cedar can tell is marked where it says that it is.
    let told = told(r#""attrs": {"level": 1, "day": "2026-13-01"}, "parents": []"#);
    assert!(told.contains(r#"| "day": "2026-13-01" |"#), "{told}");
}
