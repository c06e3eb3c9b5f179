//! Compares policies: those that were added, removed or changed, with the lines of the change. Guarantees are policies
//! too.

use super::{AnnotationChange, Change, Effect, Line, PolicyChange, Spot, obligations};
use crate::{
    review::proof::Rule,
    sources::policy::Policies,
    types::{
        decision::{PolicyFacts, Wording},
        language::Language,
        revision::Revision,
    },
};
use cedar_policy as cedar;
use similar::{ChangeTag, TextDiff};
use std::collections::{BTreeMap, BTreeSet};

/// The policies of a side with their conditions; `None` if it has none at all.
pub(super) type Stating<'a> = Option<(&'a Policies, &'a [Rule])>;

/// What policies, templates and links became, ordered by id.
pub(super) fn changes(base: Stating<'_>, head: Stating<'_>) -> Vec<PolicyChange> {
    let (before, after) = (stated(base), stated(head));
    let texts = |of: &BTreeMap<String, Stated>| of.iter().map(|(id, it)| (id.clone(), it.text.clone())).collect();
    let renamed = renames(&texts(&before), &texts(&after));
    let ids: BTreeSet<_> =
        before.keys().chain(after.keys()).filter(|id| !renamed.values().any(|old| old == *id)).collect();
    let changed = ids.into_iter().filter_map(|id| {
        let old = renamed.get(id);
        change(id, old, (base, before.get(old.unwrap_or(id))), (head, after.get(id)))
    });
    changed.collect()
}

/// The policies that have another id and say the same: the new id of each, and the old one.
pub(super) fn renames(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut gone: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (id, text) in before.iter().rev().filter(|(id, _)| !after.contains_key(*id)) {
        gone.entry(text).or_default().push(id);
    }
    let added = after.iter().filter(|(id, _)| !before.contains_key(*id));
    added.filter_map(|(id, text)| Some((id.clone(), gone.get_mut(text.as_str())?.pop()?.to_owned()))).collect()
}

fn change(
    id: &str,
    old: Option<&String>,
    (base, one): (Stating<'_>, Option<&Stated>),
    (head, other): (Stating<'_>, Option<&Stated>),
) -> Option<PolicyChange> {
    let before = old.map_or(id, String::as_str);
    let obligations = obligations::change(id, facts(base, before, one), facts(head, id, other));
    let mut annotations = match (one, other) {
        (Some(one), Some(other)) => annotation_changes(&one.annotations, &other.annotations),
        _ => Vec::new(),
    };
    // Another id is told as such.
    annotations.retain(|annotation| annotation.name != "id" || old.is_none());
    let change = match (one, other) {
        (Some(one), Some(other)) if one.text != other.text => Change::Changed,
        (Some(_), Some(_)) if old.is_some() => Change::Renamed,
        (Some(_), Some(_)) if obligations.is_some() => Change::Obligations,
        (Some(_), Some(_)) if !annotations.is_empty() => Change::Reworded,
        (Some(_), Some(_)) => return None,
        (None, _) => Change::Added,
        (_, None) => Change::Removed,
    };
    let title = other.or(one).map(title).unwrap_or_default();
    let (base, head) = (spot(base, before, one), spot(head, id, other));
    Some(PolicyChange {
        id: id.to_owned(),
        renamed_from: old.cloned(),
        title,
        change,
        digest: digest(id, one, other),
        before: one.map(|stated| stated.effect),
        after: other.map(|stated| stated.effect),
        annotations,
        obligations,
        lines: lines(base.as_ref(), head.as_ref()),
        base,
        head,
    })
}

/// Its title, in each language that it has.
fn title(stated: &Stated) -> Wording {
    let named = |name: &str| stated.annotations.get(name).cloned();
    let mut title = Wording::from(named("title").unwrap_or_default());
    for language in Language::ALL {
        if let Some(text) = named(&format!("title_{language}")) {
            title.translate(language, text);
        }
    }
    title
}

fn digest(id: &str, base: Option<&Stated>, head: Option<&Stated>) -> String {
    let part = |side: &'static str, stated: Option<&Stated>| Some((format!("{side} {id}"), stated?.text.clone()));
    let parts: Vec<_> = [part("before", base), part("after", head)].into_iter().flatten().collect();
    Revision::of(parts.iter().map(|(name, text)| (name.as_str(), text.as_bytes()))).to_string()
}

/// What a policy asks of callers. Templates ask nothing; their links do.
fn facts<'a>(side: Stating<'a>, id: &str, stated: Option<&Stated>) -> Option<&'a PolicyFacts> {
    stated?;
    side?.0.facts.get(&cedar::PolicyId::new(id)).map(AsRef::as_ref)
}

struct Stated {
    text: String,
    effect: Effect,
    annotations: BTreeMap<String, String>,
}

fn stated(side: Stating<'_>) -> BTreeMap<String, Stated> {
    let Some((policies, rules)) = side else { return BTreeMap::new() };
    let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    let effect = |permits| if permits { Effect::Permit } else { Effect::Forbid };
    let mut found: BTreeMap<String, Stated> = policies
        .set
        .templates()
        .map(|template| {
            let text = template.to_cedar();
            // Annotations are compared separately.
            let text = text.lines().filter(|line| !line.trim_start().starts_with('@')).collect::<Vec<_>>().join("\n");
            let annotations = template.annotations().map(owned).collect();
            let effect = effect(template.effect() == cedar::Effect::Permit);
            (AsRef::<str>::as_ref(template.id()).to_owned(), Stated { text, effect, annotations })
        })
        .collect();
    for rule in rules {
        let policy = policies.set.policy(&cedar::PolicyId::new(&rule.id));
        let annotations = policy.into_iter().flat_map(|policy| policy.annotations().map(owned).collect::<Vec<_>>());
        let annotations = annotations.collect();
        let stated = Stated { text: rule.text.to_string(), effect: effect(rule.permits), annotations };
        found.insert(rule.id.clone(), stated);
    }
    found
}

fn annotation_changes(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<AnnotationChange> {
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    keys.into_iter()
        .filter(|key| before.get(*key) != after.get(*key))
        .map(|key| AnnotationChange {
            name: key.clone(),
            before: before.get(key).cloned(),
            after: after.get(key).cloned(),
        })
        .collect()
}

/// The place of a policy's text. That of a link is in its file of links: its template is compared as one of its own.
fn spot(side: Stating<'_>, id: &str, stated: Option<&Stated>) -> Option<Spot> {
    stated?;
    let (policies, _) = side?;
    let place = policies.places.get(&cedar::PolicyId::new(id))?;
    let text = place.text().to_owned();
    let line = place.line();
    Some(Spot { file: place.file.name.to_string(), line, end: line + text.matches('\n').count(), text })
}

fn lines(base: Option<&Spot>, head: Option<&Spot>) -> Vec<Line> {
    let text = |spot: Option<&Spot>| spot.map(|spot| spot.text.clone()).unwrap_or_default();
    let first = |spot: Option<&Spot>| spot.map_or(1, |spot| spot.line);
    let (before, after) = (text(base), text(head));
    TextDiff::from_lines(&before, &after)
        .iter_all_changes()
        .map(|change| Line {
            mark: match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            },
            base: change.old_index().map(|index| index + first(base)),
            head: change.new_index().map(|index| index + first(head)),
            text: change.value().trim_end_matches(['\n', '\r']).to_owned(),
        })
        .collect()
}
