//! One account as the directory has it: placement, groups, authorisations, what ends when, and who approved what. It shows
//! what the schema declares, in the schema's words, and knows no attribute of any one schema.
//!
//! - An *authorisation* is a tag: of the account itself, or of an entity with tags that the account refers to, such as the
//!   profile of its function.
//! - A date *begins* something where another date beside it must not be before it (`@not_before`); else it *ends* something.
//!
//! - `values`: reads values of the directory
//! - `report`: for a person and as JSON

mod report;
mod values;

pub use report::{authorisation_json, json, state, text};

use crate::sources::{
    directory,
    policy::{
        Attributes, EntityModel, Extension, Held, Shape, ShapeWords,
        cedar_core::ast::{Entity, EntityUID, Value, ValueKind},
        shown,
    },
    snapshot::Snapshot,
};
use smol_str::SmolStr;
use std::collections::BTreeSet;
use values::{Values, day, places_of, uid_of, values};

/// An account.
#[derive(Debug)]
pub struct AccountSheet {
    /// Its type, as the schema names it.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its attribute `name`, where it has one.
    pub name: Option<String>,
    /// What the schema says of the type.
    pub doc: Option<String>,
    /// The day that counts.
    pub day: String,
    /// Its attributes.
    pub facts: Vec<Fact>,
    /// What it is in, by type; those that it is in through others are last.
    pub groups: Vec<GroupOf>,
    /// What it is authorised to do.
    pub authorisations: Vec<Authorisation>,
    /// The days to come on which something begins or ends, in their order.
    pub days: Vec<Day>,
    /// The accounts that its own entries name, such as those who approved them.
    pub named: Vec<Named>,
    /// The entities that name it, such as what it approved.
    pub named_by: Vec<Named>,
}

/// A value with its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// The attribute.
    pub name: String,
    /// Its value, as a person reads it.
    pub value: String,
    /// The attribute `name` of what it refers to.
    pub about: Option<String>,
    /// What it refers to: its id, and whether the directory knows it.
    pub refers_to: Option<Reference>,
    /// What the schema says of it.
    pub doc: Option<String>,
}

/// An entity that a value refers to.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// Its type and id, as Cedar writes it.
    pub uid: String,
    /// Its id.
    pub id: String,
    /// The directory knows it.
    pub is_known: bool,
}

/// Something that the account is in.
#[derive(Debug)]
pub struct GroupOf {
    /// Its type.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its attribute `name`.
    pub name: Option<String>,
    /// The account is in it itself, and not through another.
    pub is_direct: bool,
}

/// What an account is authorised to do under one name.
#[derive(Debug, Clone, PartialEq)]
pub struct Authorisation {
    /// The entity whose tag it is: the account, or what it refers to.
    pub of: String,
    /// The attribute by which the account refers to it; `None` for its own.
    pub by: Option<String>,
    /// The name of the tag.
    pub tag: String,
    /// Its parts.
    pub facts: Vec<Fact>,
    /// The attributes of the entity whose tag it is, where that is not the account; such as the approvers of a profile.
    pub of_facts: Vec<Fact>,
    /// Whether its days include the day that counts.
    pub state: State,
}

/// What a day says of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It holds on the day that counts, as far as its own dates say.
    Current,
    /// It has not begun.
    NotYet,
    /// It is over.
    Ended,
}

/// A day on which something begins or ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    /// The day, such as `2027-03-31`.
    pub day: String,
    /// What it is of, such as `tag "bvh"`.
    pub what: String,
    /// The attribute with the date.
    pub name: String,
    /// It is the first day, and not the last.
    pub begins: bool,
}

/// An entity that another names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// Where it is named, such as `tag "bvh".approved_by`.
    pub place: String,
    /// The entity.
    pub entity: String,
    /// Its attribute `name`.
    pub name: Option<String>,
    /// The directory knows it.
    pub is_known: bool,
}

impl State {
    /// Its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::NotYet => "not yet",
            Self::Ended => "ended",
        }
    }
}

/// The types of accounts that the directory holds: those that can ask.
pub fn account_types(snapshot: &Snapshot) -> impl Iterator<Item = &EntityModel> {
    let model = &snapshot.policies.model;
    let asking: BTreeSet<_> = model.actions().flat_map(|action| &action.subjects).collect();
    let types = model.entity_types().filter(move |kind| asking.contains(&kind.name));
    types.filter(|kind| kind.held == Held::ByDirectory).map(AsRef::as_ref)
}

/// An account on a day. `None` if the directory does not know it.
#[must_use]
pub fn account(snapshot: &Snapshot, uid: &EntityUID, day: &str) -> Option<AccountSheet> {
    let sheet = placement(snapshot, uid, day)?;
    Some(AccountSheet { named_by: Sheet::of(snapshot, day).named_by(uid), ..sheet })
}

/// The same without `named_by`, for which every entity of the directory is looked at.
#[must_use]
pub fn placement(snapshot: &Snapshot, uid: &EntityUID, day: &str) -> Option<AccountSheet> {
    let entity = snapshot.directory.get(uid)?;
    let model = snapshot.policies.model.entity_type(uid.entity_type())?;
    let words = snapshot.policies.model.words.entity(&model.name.to_string());
    let sheet = Sheet::of(snapshot, day);
    let attributes = model.attributes.as_deref().cloned().unwrap_or_default();
    let mut found = AccountSheet {
        kind: uid.entity_type().to_string(),
        id: AsRef::<str>::as_ref(uid.eid()).to_owned(),
        name: sheet.name_of(uid),
        doc: words.and_then(|words| words.doc.as_deref()).map(str::to_owned),
        day: day.to_owned(),
        facts: sheet.facts(&values(entity.attrs()), words.map(|words| &words.shape)),
        groups: sheet.groups(entity),
        authorisations: Vec::new(),
        days: Vec::new(),
        named: Vec::new(),
        named_by: Vec::new(),
    };
    sheet.days_in("", &attributes, &values(entity.attrs()), &mut found);
    sheet.tags(entity, model, None, &mut found);
    for (name, value) in values(entity.attrs()) {
        let Some(uid) = uid_of(&value) else { continue };
        let Some(model) = snapshot.policies.model.entity_type(uid.entity_type()).filter(|model| model.tags.is_some())
        else {
            continue;
        };
        if let Some(referred) = snapshot.directory.get(uid)
            && !sheet.is_account(uid)
        {
            let declared = model.attributes.as_deref().cloned().unwrap_or_default();
            sheet.days_in(&format!("{name} {uid}"), &declared, &values(referred.attrs()), &mut found);
            sheet.tags(referred, model, Some(&name), &mut found);
        }
    }
    found.days.retain(|it| it.day.as_str() >= day);
    found.days.sort();
    found.named.sort();
    found.named.dedup();
    Some(found)
}

struct Sheet<'a> {
    snapshot: &'a Snapshot,
    day: &'a str,
    accounts: BTreeSet<String>,
}

impl<'a> Sheet<'a> {
    fn of(snapshot: &'a Snapshot, day: &'a str) -> Self {
        Self { snapshot, day, accounts: account_types(snapshot).map(|kind| kind.name.to_string()).collect() }
    }

    fn is_account(&self, uid: &EntityUID) -> bool {
        self.accounts.contains(&uid.entity_type().to_string())
    }

    fn facts(&self, values: &Values, words: Option<&ShapeWords>) -> Vec<Fact> {
        let fact = |(name, value): &(SmolStr, Value)| Fact {
            name: name.to_string(),
            value: shown(value, &|_| false),
            about: uid_of(value).and_then(|uid| self.name_of(uid)),
            refers_to: uid_of(value).map(|uid| Reference {
                uid: uid.to_string(),
                id: AsRef::<str>::as_ref(uid.eid()).to_owned(),
                is_known: self.snapshot.directory.get(uid).is_some(),
            }),
            doc: words
                .and_then(|words| words.fields.get(name))
                .and_then(|field| field.doc.as_deref())
                .map(str::to_owned),
        };
        values.iter().map(fact).collect()
    }

    fn name_of(&self, uid: &EntityUID) -> Option<String> {
        directory::name_of(self.snapshot.directory.get(uid)?)
    }

    fn groups(&self, entity: &Entity) -> Vec<GroupOf> {
        let group = |uid: &EntityUID, is_direct| GroupOf {
            kind: uid.entity_type().to_string(),
            id: AsRef::<str>::as_ref(uid.eid()).to_owned(),
            name: self.name_of(uid),
            is_direct,
        };
        let mut groups: Vec<_> = entity.parents().map(|uid| group(uid, true)).collect();
        groups.extend(entity.indirect_ancestors().map(|uid| group(uid, false)));
        groups.sort_by(|one, other| {
            (!one.is_direct, &one.kind, &one.id).cmp(&(!other.is_direct, &other.kind, &other.id))
        });
        groups
    }

    /// The authorisations that an entity has as tags.
    fn tags(&self, entity: &Entity, model: &EntityModel, by: Option<&str>, found: &mut AccountSheet) {
        let words = self.snapshot.policies.model.words.entity(&model.name.to_string());
        let declared = match &model.tags {
            Some(Shape::Record(attributes)) => attributes.as_ref().clone(),
            _ => Attributes::new(),
        };
        let mut tags = values(entity.tags());
        tags.sort_by(|one, other| one.0.cmp(&other.0));
        let of = entity.uid().to_string();
        let of_facts = by.map(|_| self.facts(&values(entity.attrs()), words.map(|words| &words.shape)));
        let of_facts = of_facts.unwrap_or_default();
        for (tag, value) in tags {
            let fields: Values = match value.value_kind() {
                ValueKind::Record(fields) => fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
                _ => vec![("value".into(), value.clone())],
            };
            let what = by.map_or_else(|| format!("tag \"{tag}\""), |by| format!("{by} {of}, tag \"{tag}\""));
            self.days_in(&what, &declared, &fields, found);
            found.authorisations.push(Authorisation {
                of: of.clone(),
                by: by.map(str::to_owned),
                tag: tag.to_string(),
                state: self.state(&declared, &fields),
                facts: self.facts(&fields, words.map(|words| &words.tags)),
                of_facts: of_facts.clone(),
            });
        }
    }

    fn state(&self, declared: &Attributes, fields: &Values) -> State {
        let day_of = |name: &str| fields.iter().find(|(it, _)| it == name).and_then(|(_, value)| day(value));
        for (name, attribute) in declared {
            let Some(begins) = &attribute.asked.not_before else { continue };
            if day_of(begins).is_some_and(|first| first.as_str() > self.day) {
                return State::NotYet;
            }
            if day_of(name).is_some_and(|last| last.as_str() < self.day) {
                return State::Ended;
            }
        }
        State::Current
    }

    /// The dates of some values, and the accounts that they name.
    fn days_in(&self, what: &str, declared: &Attributes, values: &Values, found: &mut AccountSheet) {
        let beginnings: BTreeSet<_> = declared.values().filter_map(|it| it.asked.not_before.as_ref()).collect();
        for (name, value) in values {
            let is_date = matches!(declared.get(name).map(|it| &it.shape), Some(Shape::Extension(Extension::Datetime)));
            if let Some(day) = day(value).filter(|_| is_date) {
                let begins = beginnings.contains(name);
                found.days.push(Day { day, what: what.to_owned(), name: name.to_string(), begins });
            }
            for uid in value.all_literal_uids().into_iter().filter(|uid| self.is_account(uid)) {
                let place = if what.is_empty() { name.to_string() } else { format!("{what}.{name}") };
                found.named.push(self.named(place, &uid));
            }
        }
    }

    fn named(&self, place: String, uid: &EntityUID) -> Named {
        let is_known = self.snapshot.directory.get(uid).is_some();
        Named { place, entity: uid.to_string(), name: self.name_of(uid), is_known }
    }

    /// The entities whose attributes and tags name this one.
    fn named_by(&self, wanted: &EntityUID) -> Vec<Named> {
        let mut found = BTreeSet::new();
        for entity in self.snapshot.directory.iter().filter(|entity| entity.uid() != wanted) {
            let attributes = values(entity.attrs()).into_iter().map(|(name, value)| (name.to_string(), value));
            let tags = values(entity.tags()).into_iter().map(|(tag, value)| (format!("tag \"{tag}\""), value));
            for (name, value) in attributes.chain(tags) {
                for place in places_of(&name, &value, wanted) {
                    found.insert(self.named(place, entity.uid()));
                }
            }
        }
        found.into_iter().collect()
    }
}
