//! Finds members of a case's question that the schema does not declare. They have no effect, so a case about them
//! passes or fails for another reason.

use crate::{
    sources::policy::{Attributes, EntityModel, Model, Shape},
    types::{
        evaluation::{Evaluation, Map, Path, Value},
        moment::TokenClaims,
        suggest::nearest,
    },
};

/// A member without effect.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Undeclared {
    /// Its path, such as `resource.properties.levell`.
    pub(super) path: String,
    /// The one that was probably meant.
    pub(super) near: Option<String>,
}

/// What a case says of poort's own context, and the action's context does not declare.
pub(super) fn undeclared_pdp(model: &Model, action: &str, late: bool, token: Option<&TokenClaims>) -> Vec<Undeclared> {
    let Ok(action) = model.action(action) else { return Vec::new() };
    let pdp = action.pdp.unwrap_or_default();
    let declared = pdp.token.unwrap_or_default();
    let given = |is_given: fn(&TokenClaims) -> bool| token.is_some_and(is_given);
    let members = [
        ("policies", late && !pdp.policies),
        ("token", token.is_some() && pdp.token.is_none()),
        ("token.acr", given(|it| it.acr.is_some()) && !declared.acr),
        ("token.amr", given(|it| it.amr.is_some()) && !declared.amr),
        ("token.auth_time", given(|it| it.auth_time.is_some()) && !declared.auth_time),
    ];
    let lacking = members.into_iter().filter(|(_, lacks)| *lacks).map(|(name, _)| name);
    // Without a token there is no member of one.
    let lacking = lacking.filter(|name| pdp.token.is_some() || !name.starts_with("token."));
    lacking.map(|name| Undeclared { path: format!("context.pdp.{name}"), near: None }).collect()
}

/// All of them. What the names of type and action do not tell is left to the engine.
pub(super) fn undeclared(model: &Model, evaluation: &Evaluation) -> Vec<Undeclared> {
    let mut walk = Walk { found: Vec::new() };
    for (role, entity) in [("subject", &evaluation.subject), ("resource", &evaluation.resource)] {
        if let Ok(declared) = model.entity(&entity.kind) {
            let role = Path::root(role);
            walk.entity(declared, &entity.properties, role.field("properties"));
        }
    }
    if let Ok(action) = model.action(&evaluation.action.name) {
        let none = Attributes::new();
        let properties = action.properties.as_ref().map_or(&none, |properties| &properties.attributes);
        walk.fields(properties, &[], &evaluation.action.properties, Path::root("action").field("properties"));
        // To set what poort and the action's properties make is an error already.
        walk.fields(&action.context, &["action", "pdp"], &evaluation.context, Path::root("context"));
    }
    walk.found
}

struct Walk {
    found: Vec<Undeclared>,
}

impl Walk {
    fn entity(&mut self, declared: &EntityModel, given: &Map, path: Path<'_>) {
        let none = Attributes::new();
        let attributes = declared.attributes.as_deref().unwrap_or(&none);
        let more: &[&str] = if declared.tags.is_some() { &["tags"] } else { &[] };
        self.fields(attributes, more, given, path);
    }

    fn fields(&mut self, declared: &Attributes, more: &[&str], given: &Map, path: Path<'_>) {
        for (name, value) in given {
            match declared.get(name.as_str()) {
                Some(attribute) => self.value(&attribute.shape, value, path.field(name)),
                None if more.contains(&name.as_str()) => {}
                None => {
                    let near = nearest(name, declared.keys().map(smol_str::SmolStr::as_str)).map(str::to_owned);
                    self.found.push(Undeclared { path: path.field(name).to_string(), near });
                }
            }
        }
    }

    fn value(&mut self, shape: &Shape, value: &Value, path: Path<'_>) {
        match (shape, value) {
            (Shape::Record(declared), Value::Map(given)) => self.fields(declared, &[], given, path),
            (Shape::Set(element), Value::List(elements)) => {
                elements.iter().enumerate().for_each(|(index, value)| self.value(element, value, path.index(index)));
            }
            _ => {}
        }
    }
}
