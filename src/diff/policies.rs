//! Policies that were added, removed or changed, with the lines of the change.

use super::{AnnotationChange, Change, Line, PolicyChange, Spot};
use crate::{policy::Policies, proof::Rule};
use cedar_policy as cedar;
use similar::{ChangeTag, TextDiff};
use std::collections::{BTreeMap, BTreeSet};

/// What policies, templates and links became, ordered by id.
pub(super) fn changes(base: (&Policies, &[Rule]), head: (&Policies, &[Rule])) -> Vec<PolicyChange> {
    let (before, after) = (stated(base), stated(head));
    let ids: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    ids.into_iter()
        .filter_map(|id| {
            let (one, other) = (before.get(id), after.get(id));
            let (change, annotations) = match (one, other) {
                (Some(one), Some(other)) => {
                    let annotations = annotation_changes(&one.annotations, &other.annotations);
                    let change = match (one.text == other.text, annotations.is_empty()) {
                        (true, true) => return None,
                        (true, false) => Change::Reworded,
                        (false, _) => Change::Changed,
                    };
                    (change, annotations)
                }
                (None, _) => (Change::Added, Vec::new()),
                (_, None) => (Change::Removed, Vec::new()),
            };
            let title = other.or(one).and_then(|stated| stated.annotations.get("title")).cloned().unwrap_or_default();
            let (base_spot, head_spot) = (spot(base.0, id, one), spot(head.0, id, other));
            let lines = lines(base_spot.as_ref(), head_spot.as_ref());
            Some(PolicyChange { id: id.clone(), title, change, annotations, base: base_spot, head: head_spot, lines })
        })
        .collect()
}

struct Stated {
    text: String,
    annotations: BTreeMap<String, String>,
    template: Option<String>,
}

fn stated((policies, rules): (&Policies, &[Rule])) -> BTreeMap<String, Stated> {
    let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    let mut found: BTreeMap<String, Stated> = policies
        .set
        .templates()
        .map(|template| {
            let text = template.to_cedar();
            // Annotations are compared apart.
            let text = text.lines().filter(|line| !line.trim_start().starts_with('@')).collect::<Vec<_>>().join("\n");
            let annotations = template.annotations().map(owned).collect();
            (AsRef::<str>::as_ref(template.id()).to_owned(), Stated { text, annotations, template: None })
        })
        .collect();
    for rule in rules {
        let policy = policies.set.policy(&cedar::PolicyId::new(&rule.id));
        let annotations = policy.into_iter().flat_map(|policy| policy.annotations().map(owned).collect::<Vec<_>>());
        let template = policy.and_then(|policy| policy.template_id()).map(|id| AsRef::<str>::as_ref(id).to_owned());
        let stated = Stated { text: rule.text.to_string(), annotations: annotations.collect(), template };
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

/// Where the text of a policy stands. A link has that of its template.
fn spot(policies: &Policies, id: &str, stated: Option<&Stated>) -> Option<Spot> {
    let stated = stated?;
    let id = stated.template.as_deref().unwrap_or(id);
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
