//! Writes what applications may ask: a row for each.

use super::{super::Matrix, short};
use crate::{
    sources::policy::{Applications, Names, OwnToken, Permitted},
    types::{escape, language::Language, texts::matrix as texts},
};
use maud::{Markup, html};
use serde_json::{Value, json};

/// The heads of the columns.
const fn columns(language: Language) -> [&'static str; 6] {
    [
        texts::application(language),
        texts::subjects(language),
        texts::organisations(language),
        texts::actions(language),
        texts::resources(language),
        texts::token(language),
    ]
}

/// The table for a terminal. `None`: the folder does not say it.
pub(super) fn text(matrix: &Matrix, language: Language, paint: &dyn Fn(u8, &str) -> String) -> Option<String> {
    let applications = matrix.applications.as_ref()?;
    let mut lines = vec![format!("\n{}", paint(1, texts::applications(language)))];
    for row in rows(applications, language) {
        let [application, lists @ ..] = row;
        lines.push(escape::line(&application).into_owned());
        for (column, list) in columns(language).iter().skip(1).zip(lists) {
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
pub(super) fn section(matrix: &Matrix, language: Language) -> Markup {
    html! {
        @if let Some(applications) = &matrix.applications {
            section {
                h2 id="applications" { (texts::applications(language)) }
                div.wide role="region" tabindex="0" aria-label=(texts::applications(language)) { table {
                    thead { tr { @for column in columns(language) { th scope="col" { (column) } } } }
                    tbody { @for [application, lists @ ..] in rows(applications, language) { tr {
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

fn rows(applications: &Applications, language: Language) -> Vec<[String; 6]> {
    let one = |(name, permitted): (&str, &Permitted)| {
        let Permitted { subjects, organisations, actions, resources, token } = permitted;
        let named =
            |names: &Names| names.whole.iter().map(|name| short(name).trim_matches('"')).collect::<Vec<_>>().join(", ");
        let organisations = organisations.as_ref().map_or_else(
            || texts::any_organisation(language).to_owned(),
            |ids| ids.iter().cloned().collect::<Vec<_>>().join(", "),
        );
        let need = match token {
            None => texts::no_token(language),
            Some(OwnToken { required: false, .. }) => texts::token_if_given(language),
            Some(OwnToken { required: true, .. }) => texts::token_required(language),
        };
        let with_client = |token: &OwnToken| texts::client(language, need, &token.client_id);
        let token = token.as_ref().map_or_else(|| need.to_owned(), with_client);
        [name.to_owned(), named(subjects), organisations, named(actions), named(resources), token]
    };
    applications.iter().map(one).collect()
}
