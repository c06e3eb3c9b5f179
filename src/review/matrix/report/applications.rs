//! Writes what applications may ask: a row for each.

use super::{super::Matrix, short};
use crate::{
    sources::policy::{Applications, Names, OwnToken, Permitted},
    types::escape,
};
use maud::{Markup, html};
use serde_json::{Value, json};

/// The heads of the columns.
const COLUMNS: [&str; 6] = ["application", "subjects", "organisations", "actions", "resources", "token"];

/// The table for a terminal. `None`: the folder does not say it.
pub(super) fn text(matrix: &Matrix, paint: &dyn Fn(u8, &str) -> String) -> Option<String> {
    let applications = matrix.applications.as_ref()?;
    let mut lines = vec![format!("\n{}", paint(1, "What applications may ask"))];
    for row in rows(applications) {
        let [application, lists @ ..] = row;
        lines.push(escape::line(&application).into_owned());
        for (column, list) in COLUMNS.iter().skip(1).zip(lists) {
            lines.push(format!("  {column:13}  {}", escape::line(&list)));
        }
    }
    Some(lines.join("\n"))
}

/// The same for a program.
pub(super) fn json(matrix: &Matrix) -> Value {
    let one = |(name, permitted): (&str, &Permitted)| {
        let Permitted { subjects, organisations, actions, resources, token } = permitted;
        json!({
            "application": name, "subjects": subjects.whole, "organisations": organisations, "actions": actions.whole,
            "resources": resources.whole, "token": need(token.as_ref()),
            "client_id": token.as_ref().map(|token| &token.client_id),
        })
    };
    matrix.applications.as_ref().map_or(Value::Null, |applications| applications.iter().map(one).collect())
}

/// The same for a page.
pub(super) fn section(matrix: &Matrix) -> Markup {
    html! {
        @if let Some(applications) = &matrix.applications {
            section {
                h2 id="applications" { "What applications may ask" }
                div.wide role="region" tabindex="0" aria-label="What applications may ask" { table {
                    thead { tr { @for column in COLUMNS { th scope="col" { (column) } } } }
                    tbody { @for [application, lists @ ..] in rows(applications) { tr {
                        th scope="row" { (application) }
                        @for list in lists { td { (list) } }
                    } } }
                } }
            }
        }
    }
}

/// Whether the subject's own token is needed, in the words of the file.
fn need(token: Option<&OwnToken>) -> &'static str {
    match token {
        None => "none",
        Some(OwnToken { required: false, .. }) => "checked-if-given",
        Some(OwnToken { required: true, .. }) => "required",
    }
}

fn rows(applications: &Applications) -> Vec<[String; 6]> {
    let one = |(name, permitted): (&str, &Permitted)| {
        let Permitted { subjects, organisations, actions, resources, token } = permitted;
        let named =
            |names: &Names| names.whole.iter().map(|name| short(name).trim_matches('"')).collect::<Vec<_>>().join(", ");
        let organisations = organisations
            .as_ref()
            .map_or_else(|| "any".to_owned(), |ids| ids.iter().cloned().collect::<Vec<_>>().join(", "));
        let client = token.as_ref().map(|token| format!(", client {}", token.client_id)).unwrap_or_default();
        let token = format!("{}{client}", need(token.as_ref()));
        [name.to_owned(), named(subjects), organisations, named(actions), named(resources), token]
    };
    applications.iter().map(one).collect()
}
