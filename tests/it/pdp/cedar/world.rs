//! Worlds and questions, each told twice: to poort as files and AuthZEN values, and to Cedar itself, by its own API.

use super::{
    policies::{Aim, Written, written},
    schema::{self, ACTIONS, ENTITIES, Ty, entity},
    tape::Tape,
    terms::{self, From, IDS, POLICY_IDS, Term, json_of, map_of},
};
use cedar_policy as cedar;
use poort::{
    pdp::engine::{Config, UndeclaredMembers, UnknownEntities},
    sources::{
        directory, policy,
        snapshot::{Snapshot, Sources},
    },
    types::{
        evaluation::{Action, Entity, Evaluation, Map, Value},
        moment::{Moment, PolicyAge, TokenClaims},
        problem::Problem,
    },
};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{Arc, LazyLock},
};

static SCHEMA: LazyLock<cedar::Schema> = LazyLock::new(|| {
    cedar::Schema::from_cedarschema_str(&schema::TEXT).unwrap_or_else(|error| panic!("{error:?}\n{}", &*schema::TEXT)).0
});

/// A link of a template.
#[derive(Debug, Clone)]
pub struct Link {
    pub template: String,
    pub id: String,
    pub values: BTreeMap<&'static str, (&'static str, String)>,
}

/// Policies and directory.
#[derive(Debug, Clone)]
pub struct World {
    /// File stems with their policies; each policy is valid.
    pub files: Vec<(String, Vec<Written>)>,
    pub links: Vec<Link>,
    /// In Cedar's JSON.
    pub directory: Vec<serde_json::Value>,
    /// How many policies were written that are not valid.
    pub dropped: usize,
}

/// The same world in Cedar's own terms.
pub struct Full {
    pub policies: cedar::PolicySet,
    pub entities: cedar::Entities,
}

/// A world of few policies, so that there is much that they do not read.
pub fn small_world(tape: &mut Tape<'_>) -> World {
    let n = tape.pick(&[1, 1, 2, 3]);
    world_of(tape, n)
}

pub fn world(tape: &mut Tape<'_>) -> World {
    if tape.below(2) == 0 { wide_world(tape) } else { world_of(tape, 1) }
}

/// A world of several policies, that look at many things.
pub fn wide_world(tape: &mut Tape<'_>) -> World {
    let n = 2 + tape.below(8);
    world_of(tape, n)
}

fn world_of(tape: &mut Tape<'_>, n: usize) -> World {
    let directory = directory_of(tape);
    let stems = ["a", "zoë", "b \"c\""];
    let mut files: Vec<(String, Vec<Written>)> = stems.iter().map(|stem| ((*stem).to_owned(), Vec::new())).collect();
    let mut links = Vec::new();
    let mut taken = HashSet::new();
    let mut dropped = 0;
    for number in 0..n {
        let aim = Aim::any(tape);
        let file = tape.below(files.len());
        let id = match tape.below(8) {
            7 => None,
            // An id of white space is no id; white space around it does not belong to it.
            6 => Some("  ".to_owned()),
            5 => Some(format!(" {number} ")),
            // White space around an odd id does not belong to it either, so two may be the same.
            _ => Some(tape.pick(&POLICY_IDS))
                .filter(|id| taken.insert(id.trim().to_owned()))
                .or_else(|| Some(format!("p{number}"))),
        };
        let effect = if tape.below(3) == 2 { "forbid" } else { "permit" };
        let policy = written(tape, aim, id, effect, n == 1);
        let own: Vec<_> = (0..usize::from(!policy.slots.is_empty()) * (1 + tape.below(2)))
            .map(|index| Link {
                template: String::new(),
                // Ids of links are taken as they stand.
                id: if index == 0 && taken.insert("link".to_owned()) {
                    String::new()
                } else {
                    format!("\"{number}\" \\ {index}")
                },
                values: policy.slots.iter().map(|(slot, kind)| (*slot, (*kind, terms::id(tape, kind)))).collect(),
            })
            .collect();
        if !is_valid(&policy, &own) {
            dropped += 1;
            continue;
        }
        let position = files[file].1.len();
        let template = effective_id(&files[file].0, position, &policy);
        links.extend(own.into_iter().map(|link| Link { template: template.clone(), ..link }));
        files[file].1.push(policy);
    }
    World { files, links, directory, dropped }
}

/// The id under which poort knows the policy at this position of a file.
pub fn effective_id(stem: &str, position: usize, policy: &Written) -> String {
    match policy.id.as_deref().map(str::trim) {
        Some(id) if !id.is_empty() => id.to_owned(),
        _ => format!("{stem}#{}", position + 1),
    }
}

fn add(set: &mut cedar::PolicySet, id: &str, policy: &Written) -> Result<(), String> {
    let id = Some(cedar::PolicyId::new(id));
    if policy.slots.is_empty() {
        let policy = cedar::Policy::parse(id, &policy.text).map_err(|error| format!("{error:?}"))?;
        set.add(policy).map_err(|error| error.to_string())
    } else {
        let template = cedar::Template::parse(id, &policy.text).map_err(|error| format!("{error:?}"))?;
        set.add_template(template).map_err(|error| error.to_string())
    }
}

fn link(set: &mut cedar::PolicySet, link: &Link) -> Result<(), String> {
    let values = link.values.iter().map(|(slot, (kind, id))| {
        let slot = if *slot == "?principal" { cedar::SlotId::principal() } else { cedar::SlotId::resource() };
        (slot, uid(kind, id))
    });
    set.link(cedar::PolicyId::new(&link.template), cedar::PolicyId::new(&link.id), values.collect())
        .map_err(|error| format!("{error:?}"))
}

fn is_valid(policy: &Written, links: &[Link]) -> bool {
    let mut set = cedar::PolicySet::new();
    add(&mut set, "one", policy).unwrap_or_else(|error| panic!("{error}\n{}", policy.text));
    for (index, own) in links.iter().enumerate() {
        let own = Link { template: "one".into(), id: index.to_string(), ..own.clone() };
        link(&mut set, &own).unwrap();
    }
    let result = cedar::Validator::new(SCHEMA.clone()).validate(&set, cedar::ValidationMode::Strict);
    result.validation_passed()
}

fn uid(kind: &str, id: &str) -> cedar::EntityUid {
    cedar::EntityUid::from_type_name_and_id(kind.parse().unwrap(), cedar::EntityId::new(id))
}

/// Some of the entities that could be; what they refer to need not be there.
fn directory_of(tape: &mut Tape<'_>) -> Vec<serde_json::Value> {
    let mut entities = Vec::new();
    for declared in ENTITIES.iter().filter(|declared| declared.parents.is_none() && declared.enumerated.is_empty()) {
        for (index, id) in IDS.iter().enumerate() {
            if tape.below(5) == 4 {
                continue;
            }
            let attrs = terms::record(tape, &declared.fields, From::Directory);
            let mut parents = Vec::new();
            for kind in &declared.within {
                // Within a type, only later ones, so that there is no circle.
                let from = if *kind == declared.name { index + 1 } else { 0 };
                parents.extend(
                    IDS[from..].iter().filter(|_| tape.below(4) == 3).map(|id| json!({"type": kind, "id": id})),
                );
            }
            let mut entity = json!({
                "uid": {"type": declared.name, "id": id}, "attrs": json_of(&attrs), "parents": parents,
            });
            if let Some(ty) = &declared.tags {
                entity["tags"] = json_of(&terms::tags(tape, ty, From::Directory));
            }
            entities.push(entity);
        }
    }
    entities
}

impl World {
    /// As files.
    pub fn sources(&self) -> Sources {
        // A file without policies is refused.
        let mut texts: Vec<(String, String)> = self
            .files
            .iter()
            .filter(|(_, policies)| !policies.is_empty())
            .map(|(stem, policies)| {
                (format!("{stem}.cedar"), policies.iter().map(|policy| policy.text.as_str()).collect::<String>())
            })
            .collect();
        texts.push((policy::SCHEMA_FILE.to_owned(), schema::TEXT.clone()));
        let links: serde_json::Value = self
            .links
            .iter()
            .map(|link| {
                let values =
                    link.values.iter().map(|(slot, (kind, id))| ((*slot).to_owned(), uid(kind, id).to_string().into()));
                json!({"template_id": link.template, "link_id": link.id,
                    "args": values.collect::<serde_json::Map<_, _>>()})
            })
            .collect();
        texts.push(("all.links.json".to_owned(), links.to_string()));
        // In two files, to see that both count.
        let (one, other) = self.directory.split_at(self.directory.len() / 3);
        let directory = [json!(one).to_string(), json!(other).to_string()];
        Sources {
            policies: policy::Sources::from_texts(
                "policies",
                texts.iter().map(|(name, text)| (name.as_str(), text.as_str())),
            ),
            directory: directory::Sources::from_texts(
                "directory",
                [("1.json", &*directory[0]), ("2.json", &*directory[1])],
            ),
        }
    }

    pub fn snapshot(&self) -> Snapshot {
        let (snapshot, problems) = Snapshot::from_sources(&self.sources());
        snapshot.unwrap_or_else(|| {
            let errors: Vec<_> = problems.into_iter().filter(Problem::is_error).collect();
            panic!("{}", poort::types::problem::report(&errors, false))
        })
    }

    pub fn full(&self) -> Full {
        let mut policies = cedar::PolicySet::new();
        for (stem, written) in &self.files {
            for (position, policy) in written.iter().enumerate() {
                add(&mut policies, &effective_id(stem, position, policy), policy).unwrap();
            }
        }
        for own in &self.links {
            link(&mut policies, own).unwrap();
        }
        let entities = cedar::Entities::from_json_value(json!(self.directory), Some(&SCHEMA)).unwrap();
        Full { policies, entities }
    }

    /// Facts of a policy or link by its id.
    pub fn hops(&self, id: &str) -> usize {
        let template = self.links.iter().find(|link| link.id == id).map_or(id, |link| &link.template);
        let policies = self.files.iter().flat_map(|(stem, policies)| {
            policies.iter().enumerate().map(move |(position, policy)| (effective_id(stem, position, policy), policy))
        });
        policies.filter(|(id, _)| id == template).map(|(_, policy)| policy.hops).max().unwrap_or(0)
    }

    fn aims(&self) -> Vec<(&'static str, usize, &'static str)> {
        self.files.iter().flat_map(|(_, policies)| policies).map(|policy| policy.aim).collect()
    }
}

/// A subject or a resource.
#[derive(Debug, Clone)]
pub struct Party {
    pub kind: &'static str,
    pub id: String,
    /// What the question says about it, where the question speaks for its type.
    attrs: BTreeMap<&'static str, Term>,
    tags: BTreeMap<&'static str, Term>,
}

/// A question.
#[derive(Debug, Clone)]
pub struct Question {
    pub principal: Party,
    pub action: usize,
    pub resource: Party,
    context: BTreeMap<&'static str, Term>,
    pub unknown: UnknownEntities,
    pub moment: Moment,
    /// As a caller asks it.
    pub evaluation: Evaluation,
}

pub fn moment(tape: &mut Tape<'_>) -> Moment {
    let (now, now_text, today, hour) = tape.pick(&MOMENTS);
    let application = [None, Some(Arc::from("desk"))][tape.below(2)].clone();
    let policies = tape.pick(&[PolicyAge::Live, PolicyAge::Live, PolicyAge::Late]);
    let token = token(tape).map(Arc::new);
    Moment { now, now_text: now_text.to_owned(), today: today.to_owned(), hour, application, token, policies }
}

/// Several that differ in one claim each.
fn token(tape: &mut Tape<'_>) -> Option<TokenClaims> {
    let (acr, amr) = (Some("high".to_owned()), Some(BTreeSet::from(["hwk", "pin"].map(str::to_owned))));
    let none = TokenClaims::default();
    let claims = [
        none.clone(),
        TokenClaims { acr: acr.clone(), ..none.clone() },
        TokenClaims { acr: Some("low".to_owned()), ..none.clone() },
        TokenClaims { amr: amr.clone(), ..none.clone() },
        TokenClaims { amr: Some(BTreeSet::new()), ..none.clone() },
        TokenClaims { auth_time: Some("2026-01-31T11:00:00.000Z".to_owned()), ..none },
        TokenClaims { acr, amr, auth_time: Some("2026-01-30T11:00:00.000Z".to_owned()) },
    ];
    claims.get(tape.below(claims.len() + 1)).cloned()
}

/// Around midnight and around a full hour, in Amsterdam.
const MOMENTS: [(i64, &str, &str, u8); 5] = [
    (1_769_860_799_999, "2026-01-31T11:59:59.999Z", "2026-01-31", 12),
    (1_769_860_800_000, "2026-01-31T12:00:00.000Z", "2026-01-31", 13),
    (1_769_860_800_123, "2026-01-31T12:00:00.123Z", "2026-01-31", 13),
    (1_769_900_399_000, "2026-01-31T22:59:59.000Z", "2026-01-31", 23),
    (1_769_900_400_000, "2026-01-31T23:00:00.000Z", "2026-02-01", 0),
];

fn party(tape: &mut Tape<'_>, kind: &'static str) -> Party {
    let declared = entity(kind);
    let id = terms::id(tape, kind);
    if declared.parents.is_none() {
        return Party { kind, id, attrs: BTreeMap::new(), tags: BTreeMap::new() };
    }
    let attrs = terms::record(tape, &declared.fields, From::Question);
    let tags = declared.tags.as_ref().map(|ty| terms::tags(tape, ty, From::Question)).unwrap_or_default();
    Party { kind, id, attrs, tags }
}

pub fn question(tape: &mut Tape<'_>, world: &World) -> Question {
    let aims = world.aims();
    let (principal, action, resource) = if aims.is_empty() || tape.one_in(4) {
        let aim = Aim::any(tape);
        let index = ACTIONS.iter().position(|action| std::ptr::eq(action, aim.action)).unwrap();
        (aim.principal, index, aim.resource)
    } else {
        tape.pick(&aims)
    };
    let principal = party(tape, principal);
    let mut resource = party(tape, resource);
    if principal.kind == resource.kind && (tape.one_in(3) || (principal.id == resource.id)) {
        // The same entity cannot be described in two ways.
        resource = principal.clone();
    }
    let moment = moment(tape);
    let declared = &ACTIONS[action];
    let mut context = terms::record(tape, &declared.context, From::Question);
    if let Some(field) = declared.context.iter().find(|field| field.name == "pdp") {
        context.insert("pdp", pdp(&field.ty, &moment));
    }
    let unknown = if tape.below(3) == 2 { UnknownEntities::Deny } else { UnknownEntities::Evaluate };
    let evaluation = evaluation(tape, &principal, action, &resource, &context);
    Question { principal, action, resource, context, unknown, moment, evaluation }
}

/// The same question, but for one thing or two.
pub fn variant(tape: &mut Tape<'_>, asked: &Question) -> Question {
    let mut varied = asked.clone();
    for _ in 0..1 + usize::from(tape.one_in(3)) {
        let is_same = varied.principal.kind == varied.resource.kind && varied.principal.id == varied.resource.id;
        match tape.below(8) {
            0 | 1 => vary_party(tape, &mut varied.principal),
            2..=4 => vary_party(tape, &mut varied.resource),
            5 => varied.moment = moment(tape),
            _ => {
                let others = terms::record(tape, &ACTIONS[varied.action].context, From::Question);
                vary(tape, &mut varied.context, &others);
            }
        }
        if varied.principal.kind == varied.resource.kind && (is_same || varied.principal.id == varied.resource.id) {
            varied.resource = varied.principal.clone();
        }
    }
    if let Some(field) = ACTIONS[varied.action].context.iter().find(|field| field.name == "pdp") {
        varied.context.insert("pdp", pdp(&field.ty, &varied.moment));
    }
    varied.evaluation = evaluation(tape, &varied.principal, varied.action, &varied.resource, &varied.context);
    varied
}

fn vary_party(tape: &mut Tape<'_>, party: &mut Party) {
    let other = self::party(tape, party.kind);
    match tape.below(4) {
        0 | 1 if !other.attrs.is_empty() => vary(tape, &mut party.attrs, &other.attrs),
        2 if !(other.tags.is_empty() && party.tags.is_empty()) => party.tags = other.tags,
        _ => party.id = other.id,
    }
}

/// One value becomes another, or is not there any more.
fn vary(tape: &mut Tape<'_>, values: &mut BTreeMap<&'static str, Term>, others: &BTreeMap<&'static str, Term>) {
    let names: Vec<_> = values.keys().chain(others.keys()).copied().filter(|name| *name != "pdp").collect();
    if names.is_empty() {
        return;
    }
    let name = tape.pick(&names);
    // What `others` leaves out is optional.
    match others.get(name) {
        Some(other) => drop(values.insert(name, other.clone())),
        None => drop(values.remove(name)),
    }
}

/// `context.pdp` as far as the schema declares it.
fn pdp(declared: &Ty, moment: &Moment) -> Term {
    let Ty::Record(fields) = declared else { panic!("a record") };
    let extension = |text: &str| Term::Extension("datetime", text.to_owned().leak());
    let values = fields.iter().filter_map(|field| {
        let value = match field.name {
            "now" => extension(&moment.now_text),
            "today" => extension(&moment.today),
            "hour" => Term::Long(moment.hour.into()),
            "policies" => Term::Text(if moment.policies == PolicyAge::Live { "live" } else { "late" }.to_owned()),
            "token" => {
                let TokenClaims { acr, amr, auth_time } = moment.token.as_deref()?;
                let methods = |amr: &BTreeSet<String>| Term::Set(amr.iter().cloned().map(Term::Text).collect());
                let members = [
                    ("acr", acr.clone().map(Term::Text)),
                    ("amr", amr.as_ref().map(methods)),
                    ("auth_time", auth_time.as_deref().map(extension)),
                ];
                Term::Record(members.into_iter().filter_map(|(name, term)| Some((name, term?))).collect())
            }
            _ => Term::Text(moment.application.as_deref()?.to_owned()),
        };
        Some((field.name, value))
    });
    Term::Record(values.collect())
}

fn evaluation(
    tape: &mut Tape<'_>,
    principal: &Party,
    action: usize,
    resource: &Party,
    context: &BTreeMap<&'static str, Term>,
) -> Evaluation {
    let declared = &ACTIONS[action];
    let given: BTreeMap<_, _> = context
        .iter()
        .filter(|(name, _)| !matches!(**name, "pdp" | "action"))
        .map(|(name, term)| (*name, term.clone()))
        .collect();
    let mut properties = Map::new();
    if declared.context.iter().any(|field| field.name == "action") {
        if let Some(Term::Record(fields)) = context.get("action") {
            properties = map_of(fields, tape);
        }
    } else if tape.one_in(4) {
        properties.insert("ignored".to_owned(), Value::Bool(true));
    }
    let unique = ACTIONS.iter().filter(|other| other.id == declared.id).count() == 1;
    let name =
        if unique && tape.below(2) == 0 { declared.id.to_owned() } else { uid(declared.kind, declared.id).to_string() };
    let mut context = map_of(&given, tape);
    if tape.one_in(5) {
        // Null is absent.
        for field in declared.context.iter().filter(|field| !field.required && field.name != "action") {
            context.entry(field.name.to_owned()).or_insert(Value::Null);
        }
    }
    Evaluation {
        subject: principal.asked(tape),
        action: Action { name, properties },
        resource: resource.asked(tape),
        context,
    }
}

impl Party {
    fn asked(&self, tape: &mut Tape<'_>) -> Entity {
        let declared = entity(self.kind);
        let mut properties = map_of(&self.attrs, tape);
        if declared.parents.is_some() && declared.tags.is_some() && (!self.tags.is_empty() || tape.below(2) == 1) {
            let tags = self.tags.iter().map(|(name, term)| ((*name).to_owned(), term.in_question(tape)));
            properties.insert("tags".to_owned(), Value::Map(tags.collect()));
        }
        if declared.parents.is_none() && tape.one_in(3) {
            // A claim about an entity that the question does not speak for.
            properties.insert("level".to_owned(), Value::Number(7.0));
            properties.insert("active".to_owned(), Value::Bool(true));
        }
        let kind = match (declared.uri, tape.below(3), self.kind) {
            (Some(uri), 1, _) => uri,
            (_, 1, "A::Zone") => "Zone",
            (_, _, kind) => kind,
        };
        Entity { kind: kind.to_owned(), id: self.id.clone(), properties }
    }

    /// The entity as Cedar makes it, if the question speaks for its type.
    fn made(&self) -> Option<cedar::Entity> {
        let declared = entity(self.kind);
        let named = declared.parents.as_ref()?;
        let parents: Vec<_> = named
            .iter()
            .filter_map(|name| self.attrs.get(name))
            .flat_map(Term::entities)
            .map(|(kind, id)| json!({"type": kind, "id": id}))
            .collect();
        let entity = json!({
            "uid": {"type": self.kind, "id": self.id}, "attrs": json_of(&self.attrs), "parents": parents,
            "tags": json_of(&self.tags),
        });
        Some(cedar::Entity::from_json_value(entity, Some(&SCHEMA)).unwrap_or_else(|error| panic!("{error:?}")))
    }

    fn is_unknown(&self, full: &Full) -> bool {
        let declared = entity(self.kind);
        let held = declared.parents.is_none() && declared.enumerated.is_empty();
        held && full.entities.get(&uid(self.kind, &self.id)).is_none()
    }
}

/// What Cedar makes of a question over everything.
#[derive(Debug, PartialEq)]
pub struct Expected {
    pub allowed: bool,
    pub policies: Vec<String>,
    pub errors: Vec<(String, String)>,
}

impl Question {
    /// What Cedar sees of a question is what the schema declares, so the rest is ignored here.
    pub fn config(&self) -> Config {
        Config { unknown: self.unknown, undeclared: UndeclaredMembers::Ignore }
    }

    /// Whether poort denies without asking the policies.
    pub fn is_unknown(&self, full: &Full) -> bool {
        self.unknown == UnknownEntities::Deny && (self.principal.is_unknown(full) || self.resource.is_unknown(full))
    }

    /// Cedar's own answer, over all policies and all entities, with poort's rule on errors.
    pub fn expected(&self, full: &Full) -> Expected {
        if self.is_unknown(full) {
            return Expected { allowed: false, policies: Vec::new(), errors: Vec::new() };
        }
        let declared = &ACTIONS[self.action];
        let action = uid(declared.kind, declared.id);
        let context = json!(
            self.context.iter().map(|(name, term)| ((*name).to_owned(), term.in_json())).collect::<HashMap<_, _>>()
        );
        let context = cedar::Context::from_json_value(context, Some((&SCHEMA, &action)))
            .unwrap_or_else(|error| panic!("{error:?}"));
        let principal = uid(self.principal.kind, &self.principal.id);
        let resource = uid(self.resource.kind, &self.resource.id);
        let request = cedar::Request::new(principal.clone(), action, resource.clone(), context, Some(&SCHEMA))
            .unwrap_or_else(|error| panic!("{error:?}"));
        let mut told: Vec<_> = self.principal.made().into_iter().collect();
        if principal != resource {
            told.extend(self.resource.made());
        }
        let entities =
            full.entities.clone().add_entities(told, Some(&SCHEMA)).unwrap_or_else(|error| panic!("{error:?}"));
        let response = cedar::Authorizer::new().is_authorized(&request, &full.policies, &entities);
        let mut policies: Vec<String> =
            response.diagnostics().reason().map(|id| AsRef::<str>::as_ref(id).to_owned()).collect();
        let mut errors: Vec<_> = response
            .diagnostics()
            .errors()
            .map(|cedar::AuthorizationError::PolicyEvaluationError(error)| {
                (AsRef::<str>::as_ref(error.policy_id()).to_owned(), error.inner().to_string())
            })
            .collect();
        policies.sort();
        errors.sort();
        let permitted = response.decision() == cedar::Decision::Allow;
        if permitted && !errors.is_empty() {
            policies.clear();
        }
        Expected { allowed: permitted && errors.is_empty(), policies, errors }
    }
}
