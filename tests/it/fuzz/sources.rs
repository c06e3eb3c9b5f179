//! What officers and the identity system write: schema, policies, template links and directory.

use crate::support::mutate::mutate;
use poort::sources::{
    directory, policy,
    snapshot::{Snapshot, Sources},
};

const SCHEMA: &str = "entity Unit;
@source(\"request\") @parents(\"unit\") entity File { unit: Unit, level: Long, @range(\"0..3\") grade?: Long };
entity Officer in [Unit] { level: Long, tags_of?: Set<String>, until?: datetime } tags String;
action read appliesTo { principal: Officer, resource: File, context: { purpose: String, address?: ipaddr } };
";
const POLICIES: &str = "@id(\"own\") @title(\"Of the own unit.\")
permit (principal in ?principal, action == Action::\"read\", resource)
when { principal.level >= resource.level && context.purpose like \"9*\" };
@id(\"left\") forbid (principal, action, resource)
when { principal has until && principal.until < context.pdp.now }
unless { principal.hasTag(\"x\") && principal.getTag(\"x\") == \"y\" };
";
const LINKS: &str = r#"[{"template_id": "own", "link_id": "north", "args": {"?principal": "Unit::\"north\""}}]"#;
const DIRECTORY: &str = r#"[{"uid": {"type": "Unit", "id": "north"}, "attrs": {}, "parents": []},
{"uid": {"type": "Officer", "id": "ann"}, "attrs": {"level": 2, "tags_of": ["a"], "until": "2030-01-01T00:00:00Z"},
 "tags": {"x": "y"}, "parents": [{"type": "Unit", "id": "north"}]}]"#;

/// Reads the four, one of them replaced.
fn read(which: usize, text: &str) {
    let mut texts = [SCHEMA, POLICIES, LINKS, DIRECTORY];
    texts[which] = text;
    let [schema, policies, links, entities] = texts;
    let files = [("schema.cedarschema", schema), ("a.cedar", policies), ("a.links.json", links)];
    let sources = Sources {
        policies: policy::Sources::from_texts("policies", files),
        directory: directory::Sources::from_texts("directory", [("a.json", entities)]),
    };
    let (snapshot, problems) = Snapshot::from_sources(&sources);
    // A problem that is an error and no snapshot go together, and no check breaks off.
    assert_eq!(snapshot.is_none(), problems.iter().any(poort::types::problem::Problem::is_error), "{problems:?}");
    assert!(!problems.iter().any(|problem| problem.one_line().contains("broke off")), "{problems:?}");
}

fn fuzz(name: &str, which: usize, seed: &str) {
    let mut case = 0;
    mutate(name, &[seed.as_bytes().to_vec()], |bytes| {
        case += 1;
        // A check takes milliseconds: a tenth of the cases of quicker readers.
        if case % 10 == 1 {
            read(which, &String::from_utf8_lossy(bytes));
        }
    });
}

#[test]
fn a_schema_is_read_or_refused() {
    fuzz("schema", 0, SCHEMA);
}

#[test]
fn policies_are_read_or_refused() {
    fuzz("policies", 1, POLICIES);
}

#[test]
fn template_links_are_read_or_refused() {
    fuzz("links", 2, LINKS);
}

#[test]
fn a_directory_is_read_or_refused() {
    fuzz("directory", 3, DIRECTORY);
}
