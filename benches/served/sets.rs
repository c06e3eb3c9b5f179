//! Generated policy sets: so many policies about a hundred kinds of records, each for a role of its own, and so many accounts.

use super::on_disk;
use poort::api::pb::{self, EvaluateRequest};
use prost_types::{Struct, Value, value::Kind};
use std::{fmt::Write as _, fs};
use tempfile::TempDir;

/// The policies lie on no more kinds of records than this.
const KINDS: usize = 100;
/// How many roles, units and teams an account is in.
const ABOVE: usize = 11;

/// A policy folder with a directory.
pub(crate) fn write(policies: usize, accounts: usize) -> TempDir {
    let kinds = policies.min(KINDS);
    let mut schema = "entity Role; entity Account in [Role] { name: String, unit: String, level: Long };\n".to_owned();
    for kind in 0..kinds {
        let _ = writeln!(schema, "@source(\"request\") entity Kind{kind} {{ level: Long }};");
    }
    let all = (0..kinds).map(|kind| format!("Kind{kind}")).collect::<Vec<_>>().join(", ");
    let _ = writeln!(
        schema,
        "action read appliesTo {{ principal: Account, resource: [{all}], context: {{ purpose: String }} }};"
    );
    let mut text = String::new();
    for number in 0..policies {
        let _ = writeln!(
            text,
            "@id(\"p{number}\")\n@title(\"Role {number} reads.\")\npermit (principal in Role::\"r{number}\", action == Action::\"read\", \
             resource is Kind{})\nwhen {{ resource.level <= 3 && context.purpose == \"9\" }};\n",
            number % kinds
        );
    }
    let mut directory = "[".to_owned();
    for role in 0..policies.max(ABOVE) {
        let _ = writeln!(
            directory,
            "{{\"uid\": {{\"type\": \"Role\", \"id\": \"r{role}\"}}, \"attrs\": {{}}, \"parents\": []}},"
        );
    }
    for account in 0..accounts {
        let parents = (0..ABOVE).map(|role| format!("{{\"type\": \"Role\", \"id\": \"r{role}\"}}")).collect::<Vec<_>>();
        let _ = writeln!(
            directory,
            "{}{{\"uid\": {{\"type\": \"Account\", \"id\": \"account-{account}\"}}, \"attrs\": {{\"name\": \"Somebody {account}\", \
             \"unit\": \"unit-{}\", \"level\": 3}}, \"parents\": [{}]}}",
            if account == 0 { "" } else { "," },
            account % 100,
            parents.join(", ")
        );
    }
    directory.push(']');
    let folder = on_disk();
    fs::create_dir(folder.path().join("directory")).unwrap();
    for (name, text) in [("schema.cedarschema", schema), ("all.cedar", text), ("directory/accounts.json", directory)] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// A question that the first policy permits, if the level is at most 3.
pub(crate) fn question(level: f64) -> EvaluateRequest {
    let fields = |name: &str, kind: Kind| Struct { fields: [(name.to_owned(), Value { kind: Some(kind) })].into() };
    EvaluateRequest {
        subject: Some(pb::Subject { r#type: "Account".into(), id: "account-0".into(), properties: None }),
        action: Some(pb::Action { name: "read".into(), properties: None }),
        resource: Some(pb::Resource {
            r#type: "Kind0".into(),
            id: "record-1".into(),
            properties: Some(fields("level", Kind::NumberValue(level))),
        }),
        context: Some(fields("purpose", Kind::StringValue("9".into()))),
        explain: false,
    }
}
