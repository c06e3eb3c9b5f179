//! The scaffold of a new system: what each system of the policies has, for officers to start from. It follows the model of the
//! shipped policies: types of records with `system`, `unit` and `level`, a register of systems, accounts with exceptions.
//!
//! What it writes is valid and tested, and allows nothing that nobody asked for: only who gets an authorisation for the new
//! system can do anything in it.
//!
//! - `schema`: the type of its records, and its name where the schema lists systems
//! - `directory`: its entry in the register, and its authorisation in profiles

mod directory;
mod schema;

use crate::{
    sources::{
        directory::Sources as Directory,
        policy::{Sources as Policies, pretty},
    },
    types::{problem::SourceFile, suggest::nearest},
};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The tasks of which a suite takes another one than the system's.
const OTHER_PURPOSES: [&str; 2] = ["organisation", "9"];

/// A new system, as an officer asks for it.
#[derive(Debug, Clone)]
pub struct NewSystem {
    /// Its name, such as `exhibits`: that of its files, its policies and its authorisations.
    pub name: String,
    /// The type of its records, such as `Exhibit`.
    pub kind: String,
    /// What it holds, in a few words.
    pub title: String,
    /// The articles of law that it rests on.
    pub basis: String,
    /// What its records are used for: a value of `context.purpose`.
    pub purpose: String,
    /// The unit that answers for it.
    pub owner: String,
    /// The number of the assessment of its impact on data protection (Wpg art. 4c).
    pub assessment: String,
    /// The last day of that assessment.
    pub assessed_until: jiff::civil::Date,
    /// The profiles that get an authorisation for it.
    pub profiles: Vec<String>,
    /// The day on which its suite decides.
    pub today: jiff::civil::Date,
}

/// A file with its new text.
#[derive(Debug)]
pub struct Piece {
    /// Its path, as the folder was named.
    pub path: PathBuf,
    /// What it gets of the new system.
    pub what: Vec<&'static str>,
    /// Its whole text.
    pub text: String,
}

/// What the folder says that the templates need.
struct Known {
    namespace: String,
    organisation: String,
    partner: String,
    uri: String,
}

/// The files to write. `directory`: that of the folder, with its profiles and the entities of its tests.
///
/// # Errors
/// What is in the way, in words, and what to do.
pub fn pieces(
    folder: &Path,
    system: &NewSystem,
    policies: &Policies,
    directory: &Directory,
) -> Result<Vec<Piece>, String> {
    let name = &system.name;
    check(system)?;
    let schema_file = schema::file(policies)?;
    let entities = directory::entities(directory);
    let known = known(system, &schema_file.text, &entities)?;
    let entity = fill(include_str!("templates/entity.cedarschema"), system, &known);
    let path = |within: &str| folder.join(within);
    let mut pieces = vec![Piece {
        path: path(crate::sources::policy::SCHEMA_FILE),
        what: vec!["the type of its records, and its name in the lists of systems"],
        text: schema::with(&schema_file.text, system, &entity)?,
    }];
    let made = [
        (format!("{name}.cedar"), "who may consult and write", include_str!("templates/policies.cedar")),
        (
            format!("guarantees/{name}.cedar"),
            "what holds whatever the policies say",
            include_str!("templates/guarantee.cedar"),
        ),
        (format!("tests/{name}.yaml"), "its suite", include_str!("templates/suite.yaml")),
        (format!("tests/directory/{name}.json"), "the accounts of its suite", include_str!("templates/accounts.json")),
    ];
    for (within, what, template) in made {
        let path = path(&within);
        if path.exists() {
            return Err(format!("{} is there already; take another name than `{name}`", path.display()));
        }
        pieces.push(Piece { text: formatted(&path, fill(template, system, &known))?, path, what: vec![what] });
    }
    directory::register(directory, &mut pieces, system)?;
    for profile in &system.profiles {
        directory::authorise(directory, &mut pieces, profile, system, &known.namespace)?;
    }
    let readme = path("README.md");
    if let Some(text) = fs::read_to_string(&readme).ok().and_then(|text| listed(&text, system)) {
        pieces.push(Piece { path: readme, what: vec!["its row in the table of systems"], text });
    }
    Ok(pieces)
}

/// Names that can stand in files, ids and types as they are.
fn check(system: &NewSystem) -> Result<(), String> {
    let NewSystem { name, kind, title, basis, purpose, owner, assessment, .. } = system;
    let is_name = |text: &str, first: fn(&char) -> bool, more: fn(char) -> bool| {
        text.chars().next().is_some_and(|character| first(&character)) && text.chars().all(more)
    };
    if !is_name(name, char::is_ascii_lowercase, |it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-') {
        return Err(format!("`{name}` cannot be the name of a system; write a-z, 0-9 and -, such as `exhibits`"));
    }
    if !is_name(kind, char::is_ascii_uppercase, |it| it.is_ascii_alphanumeric()) {
        return Err(format!("--type: `{kind}` cannot be the name of a type; write it as `Exhibit`"));
    }
    if system.assessed_until < system.today {
        return Err(format!("--assessed-until: {} has passed; ask for a new assessment first", system.assessed_until));
    }
    let quoted = [
        ("--title", title),
        ("--basis", basis),
        ("--purpose", purpose),
        ("--owner", owner),
        ("--assessment", assessment),
    ];
    match quoted.into_iter().find(|(_, text)| text.trim().is_empty() || text.contains(['"', '\\', '\n', '{', '|'])) {
        Some((flag, text)) => {
            Err(format!("{flag}: `{text}` is empty, or has a character that ends a text in the files"))
        }
        None => Ok(()),
    }
}

/// What the templates need of the folder.
fn known(system: &NewSystem, schema: &str, entities: &[Value]) -> Result<Known, String> {
    let namespace = schema::namespace(schema)?;
    let of_kind = |kind: &str| {
        let kind = format!("{namespace}::{kind}");
        entities.iter().filter(move |entity| text(entity, "/uid/type") == Some(kind.as_str()))
    };
    let id = |entity: &Value| text(entity, "/uid/id").unwrap_or_default().to_owned();
    let organisation =
        |kind: &str| of_kind(kind).find_map(|account| Some(text(account, "/attrs/organisation/id")?.to_owned()));
    if !of_kind("Unit").any(|unit| id(unit) == system.owner) {
        let units: Vec<_> = of_kind("Unit").map(id).collect();
        let near = nearest(&system.owner, units.iter().map(String::as_str));
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(format!("--owner: the directory has no unit `{}`{near}", system.owner));
    }
    let missing =
        |kind: &str| format!("the directory has no account of type `{namespace}::{kind}` with an organisation");
    Ok(Known {
        organisation: organisation("Officer").ok_or_else(|| missing("Officer"))?,
        partner: organisation("Partner").ok_or_else(|| missing("Partner"))?,
        uri: schema::uri(schema, &system.kind),
        namespace,
    })
}

fn text<'e>(entity: &'e Value, place: &str) -> Option<&'e str> {
    entity.pointer(place).and_then(Value::as_str)
}

/// A template with its places filled.
fn fill(template: &str, system: &NewSystem, known: &Known) -> String {
    let NewSystem { name, kind, title, basis, purpose, owner, today, .. } = system;
    let other = OTHER_PURPOSES.into_iter().find(|other| other != purpose).unwrap_or_default();
    let (exception, today) = (include_str!("templates/exception.json").trim_end(), today.to_string());
    let places = [
        // It has places of its own, so it comes first.
        ("exception", exception),
        ("name", name),
        ("type", kind),
        ("title", title),
        ("basis", basis),
        ("purpose", purpose),
        ("other_purpose", other),
        ("owner", owner),
        ("today", &today),
        ("namespace", &known.namespace),
        ("organisation", &known.organisation),
        ("partner", &known.partner),
        ("uri", &known.uri),
    ];
    let filled = |text: String, (place, with): (&str, &str)| text.replace(&format!("{{{{{place}}}}}"), with);
    places.into_iter().fold(template.to_owned(), filled)
}

/// Policies in their one form: how their lines break depends on the names in them.
fn formatted(path: &Path, text: String) -> Result<String, String> {
    if path.extension().is_none_or(|it| it != "cedar") {
        return Ok(text);
    }
    let file = SourceFile { name: path.display().to_string().into(), text: text.into() };
    pretty(&file).map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

/// The table of systems with a row for this one, at its end. `None`: there is no such table.
fn listed(readme: &str, system: &NewSystem) -> Option<String> {
    let NewSystem { name, title, basis, .. } = system;
    let start = readme.find("| system |")?;
    let end = start + readme.get(start..)?.find("\n\n")?;
    let row = format!("\n| {name} | {title} | {basis} | employees of the own unit | `{name}.cedar` |");
    let (before, after) = readme.split_at_checked(end)?;
    Some(format!("{before}{row}{after}"))
}
