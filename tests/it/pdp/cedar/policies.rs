//! Random policies that are mostly valid: a grammar that knows the types.

use super::{
    schema::{ACTIONS, Action, ENTITIES, Field, Ty, ancestors, entity},
    tape::Tape,
    terms::{self, From, IDS, KEYS, quoted, uid},
};

/// The kind of question that a policy is written for.
#[derive(Clone, Copy)]
pub struct Aim {
    pub principal: &'static str,
    pub action: &'static Action,
    pub resource: &'static str,
}

impl Aim {
    pub fn any(tape: &mut Tape<'_>) -> Self {
        // The first actions have the richest types.
        let action = &ACTIONS[[0, 0, 0, 1, 2, 2, 3, 4, 5, 6, 6][tape.below(11)]];
        Self { principal: tape.pick(&action.principals), action, resource: tape.pick(&action.resources) }
    }

    fn action(self) -> String {
        uid(self.action.kind, self.action.id)
    }
}

/// A policy or a template.
#[derive(Debug, Clone)]
pub struct Written {
    /// The `@id`, if it has one.
    pub id: Option<String>,
    pub text: String,
    pub aim: (&'static str, usize, &'static str),
    /// The slots, with the types of what can fill them.
    pub slots: Vec<(&'static str, &'static str)>,
    /// How many entities in a row it can dereference.
    pub hops: usize,
}

/// Policies, every one with an id of its own or with none.
///
/// A narrow one looks at one thing, so that nothing else leads to the entities that it reads.
pub fn written(tape: &mut Tape<'_>, aim: Aim, id: Option<String>, effect: &str, narrow: bool) -> Written {
    let mut writer = Writer { tape, aim, narrow, guards: Vec::new(), hops: 0 };
    let mut text = String::new();
    if let Some(id) = &id {
        text.push_str(&format!("@id({})\n", quoted(id)));
    }
    match writer.tape.below(5) {
        1 => text.push_str("@title(\"Whoever \\\"may\\\" — may.\")\n"),
        2 => text.push_str("@obligation(\"mask\")\n@advice(\"Ask\\nagain.\")\n"),
        3 => text.push_str("@obligation(\"[{\\\"type\\\": \\\"step-up\\\"}, {\\\"type\\\": \\\"custom\\\"}]\")\n"),
        _ => {}
    }
    let mut slots = Vec::new();
    let (principal, principal_fits) = writer.scope("principal", aim.principal, &mut slots);
    let (resource, resource_fits) = writer.scope("resource", aim.resource, &mut slots);
    let (action, action_fits) = writer.action_scope();
    text.push_str(&format!("{effect} ({principal}, {action}, {resource})"));
    // Where the scope lets other types in, the conditions keep them out, so that the types fit.
    let mut guard = Vec::new();
    if !principal_fits {
        guard.push(format!("principal is {}", aim.principal));
    }
    if !resource_fits {
        guard.push(format!("resource is {}", aim.resource));
    }
    if !action_fits {
        guard.push(format!("action == {}", aim.action()));
    }
    let conditions = if narrow { 1 } else { writer.tape.pick(&[1, 1, 2, 0]) };
    for _ in 0..conditions {
        let (word, open, close) = if writer.tape.one_in(4) { ("unless", "!(", ")") } else { ("when", "", "") };
        let depth = if narrow { 0 } else { writer.tape.below(3) };
        let condition = writer.boolean(depth);
        let mut whole = String::new();
        guard.iter().for_each(|guard| whole.push_str(&format!("{guard} && ")));
        // The guard stands outside of the `!`, so that it keeps out under `unless` too.
        text.push_str(&format!("\n{word} {{ {whole}{open}{condition}{close} }}"));
    }
    text.push_str(";\n");
    // Far within the bound on operators: what poort refuses, it cannot be compared on.
    if text.len() > 2_000 {
        return written(tape, aim, id, effect, true);
    }
    let hops = writer.hops;
    let index = ACTIONS.iter().position(|action| std::ptr::eq(action, aim.action)).unwrap();
    Written { id, text, aim: (aim.principal, index, aim.resource), slots, hops }
}

struct Writer<'w, 't> {
    tape: &'w mut Tape<'t>,
    aim: Aim,
    narrow: bool,
    /// What must hold before the expression that is being written may be evaluated.
    guards: Vec<String>,
    hops: usize,
}

impl Writer<'_, '_> {
    /// The scope of the principal or the resource, and whether it fixes the type.
    fn scope(
        &mut self,
        variable: &str,
        kind: &'static str,
        slots: &mut Vec<(&'static str, &'static str)>,
    ) -> (String, bool) {
        let mut above = ancestors(kind);
        above.push(kind);
        let group = self.tape.pick(&above);
        let group_id = terms::id(self.tape, group);
        let own = terms::id(self.tape, kind);
        let slot = if variable == "principal" { "?principal" } else { "?resource" };
        match if self.narrow { 4 } else { self.tape.below(16) } {
            0..=3 => (variable.to_owned(), false),
            4..=9 => (format!("{variable} is {kind}"), true),
            10 => (format!("{variable} == {}", uid(kind, &own)), true),
            11 | 12 => (format!("{variable} in {}", uid(group, &group_id)), false),
            13 => (format!("{variable} is {kind} in {}", uid(group, &group_id)), true),
            14 => {
                slots.push((slot, kind));
                (format!("{variable} == {slot}"), false)
            }
            _ => {
                slots.push((slot, group));
                (format!("{variable} is {kind} in {slot}"), true)
            }
        }
    }

    fn action_scope(&mut self) -> (String, bool) {
        let Aim { action, .. } = self.aim;
        let own = self.aim.action();
        match if self.narrow { 0 } else { self.tape.below(8) } {
            0..=2 => (format!("action == {own}"), true),
            3 => (format!("action in [{own}]"), true),
            4 => (format!("action in [Action::\"edit\", {own}]"), false),
            5 if !action.groups.is_empty() => {
                let group = self.tape.pick(&action.groups);
                (format!("action in {}", uid(action.kind, group)), false)
            }
            6 if !action.groups.is_empty() => {
                let group = self.tape.pick(&action.groups);
                (format!("action in [{}, {own}]", uid(action.kind, group)), false)
            }
            _ => ("action".to_owned(), false),
        }
    }

    fn boolean(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.comparison();
        }
        match self.tape.below(10) {
            0..=3 => self.comparison(),
            4 | 5 => format!("({} && {})", self.boolean(depth - 1), self.boolean(depth - 1)),
            6 | 7 => format!("({} || {})", self.boolean(depth - 1), self.boolean(depth - 1)),
            8 => format!("!{}", self.boolean(depth - 1)),
            _ => {
                let (condition, one, other) =
                    (self.boolean(depth - 1), self.boolean(depth - 1), self.boolean(depth - 1));
                format!("(if {condition} then {one} else {other})")
            }
        }
    }

    /// A boolean that brings its own guards.
    fn comparison(&mut self) -> String {
        let before = self.guards.len();
        let mut text = self.bare_comparison();
        for guard in self.guards.drain(before..).rev().collect::<Vec<_>>() {
            text = format!("({guard} && {text})");
        }
        text
    }

    fn bare_comparison(&mut self) -> String {
        if self.narrow {
            return match self.tape.below(9) {
                7 | 8 => self.fixed(),
                0 | 1 => self.one_reference(),
                2 => self.has(),
                3 => self.membership(),
                4 => self.identity(),
                5 => self.tag(),
                _ => self.path_or_literal(&Ty::Bool, 1),
            };
        }
        match self.tape.below(27) {
            25 | 26 => self.fixed(),
            0 => self.path_or_literal(&Ty::Bool, 1),
            1 | 17 | 18 => {
                let operator = self.tape.pick(&["<", "<=", ">", ">="]);
                format!("({} {operator} {})", self.value(&Ty::Long, 3), self.value(&Ty::Long, 1))
            }
            2 | 3 => {
                let ty = self.tape.pick(&scalars());
                let operator = self.tape.pick(&["==", "!="]);
                format!("({} {operator} {})", self.value(&ty, 2), self.value(&ty, 1))
            }
            4..=6 | 19 => self.membership(),
            7 => {
                let pattern = self.tape.pick(&["*", "*a*", "\\**", "é*\\n", "anna", "", "*\\\"*"]);
                format!("({} like \"{pattern}\")", self.value(&Ty::Text, 1))
            }
            8 => {
                let element = self.tape.pick(&[Ty::Text, Ty::Entity("Account"), Ty::Entity("Team")]);
                let set = Ty::Set(Box::new(element.clone()));
                let one = self.value(&set, 1);
                match self.tape.below(4) {
                    0 => format!("{one}.contains({})", self.value(&element, 1)),
                    1 => format!("{one}.containsAll({})", self.value(&set, 1)),
                    2 => format!("{one}.containsAny({})", self.value(&set, 1)),
                    _ => format!("{one}.isEmpty()"),
                }
            }
            9 => {
                let (ty, operators): (_, &[&str]) = match self.tape.below(3) {
                    0 => (Ty::Datetime, &["<", "<=", ">", ">="]),
                    1 => (Ty::Duration, &["<", "<=", ">", ">="]),
                    _ => {
                        let method = self.tape.pick(&["lessThan", "lessThanOrEqual", "greaterThan"]);
                        return format!("{}.{method}({})", self.value(&Ty::Decimal, 1), self.value(&Ty::Decimal, 1));
                    }
                };
                let operator = self.tape.pick(operators);
                format!("({} {operator} {})", self.value(&ty, 2), self.value(&ty, 1))
            }
            10 => {
                let one = self.value(&Ty::Ip, 1);
                match self.tape.below(3) {
                    0 => format!("{one}.isInRange({})", self.value(&Ty::Ip, 1)),
                    1 => format!("{one}.isLoopback()"),
                    _ => format!("{one}.isIpv4()"),
                }
            }
            11 | 12 | 20 | 21 => self.has(),
            22 | 23 => self.one_reference(),
            24 => self.moment(),
            13 => self.tag(),
            14 => {
                let kind = self.tape.pick(&["Account", "Unit", "Team", "Colour"]);
                format!("({} is {kind})", self.value(&Ty::Entity(kind), 2))
            }
            15 => {
                let action = &ACTIONS[self.tape.below(ACTIONS.len())];
                match action.groups.first() {
                    Some(group) => format!("(action in {})", uid(action.kind, group)),
                    None => format!("(action == {})", uid(action.kind, action.id)),
                }
            }
            _ => {
                let own = if self.tape.below(2) == 0 { "principal" } else { "resource" };
                let kind = if own == "principal" { self.aim.principal } else { self.aim.resource };
                format!("({own} == {})", self.value(&Ty::Entity(kind), 1))
            }
        }
    }

    /// The context: in a roundabout way too, of which a reader of policies cannot tell what of it is read.
    fn context(&mut self) -> &'static str {
        self.tape.pick(&["context", "context", "{\"c\": context}.c", "(if true then context else context)"])
    }

    /// Something of an account to which one reference leads, and often no other.
    fn one_reference(&mut self) -> String {
        let Aim { principal, action, resource } = self.aim;
        let mut references = Vec::new();
        for (variable, kind) in [("principal", principal), ("resource", resource)] {
            if entity(kind).tags == Some(Ty::Entity("Account")) {
                let key = quoted(self.tape.pick(&KEYS));
                references.push((format!("{variable}.hasTag({key})"), format!("{variable}.getTag({key})")));
            }
        }
        if action.context.iter().any(|field| field.name == "witness") {
            let context = self.context();
            references.push((format!("{context} has witness"), format!("{context}.witness")));
            // Twice: what lies in a record is overlooked more easily.
            for _ in 0..2 {
                references.push((format!("{context} has consent"), format!("{context}.consent.by")));
            }
        }
        if principal == "Account" {
            references.push(("principal.profile has contact".to_owned(), "principal.profile.contact".to_owned()));
        }
        let (one, other) = (uid("Account", &self.tape.pick(&IDS)), uid("Account", &self.tape.pick(&IDS)));
        references.push(("true".to_owned(), format!("(if 1 < 2 then {one} else {other})")));
        let (there, account) = self.tape.pick(&references);
        let test = self.tape.pick(&[
            ".active",
            ".level + 9223372036854775807 > 1",
            ".profile.age < 3",
            ".deputy.active",
            " in Unit::\"anna\"",
            " has deputy.level",
        ]);
        self.hops = self.hops.max(2);
        format!("({there} && {account}{test})")
    }

    /// Who the principal or the resource is.
    fn identity(&mut self) -> String {
        let Aim { principal, resource, .. } = self.aim;
        let (own, kind) = self.tape.pick(&[("principal", principal), ("resource", resource)]);
        let id = terms::id(self.tape, kind);
        match self.tape.below(5) {
            0 => format!("({own} == {})", uid(kind, &id)),
            1 => format!("([{}, {own}].contains({}))", uid(kind, &id), self.path_or_literal(&Ty::Entity(kind), 4)),
            2 => format!("({}.contains({own}))", self.path_or_literal(&Ty::Set(Box::new(Ty::Entity(kind))), 4)),
            3 if principal == resource => "(principal == resource)".to_owned(),
            _ => format!("({own} == {})", self.path_or_literal(&Ty::Entity(kind), 8)),
        }
    }

    /// What the kind of a question fixes, or almost.
    fn fixed(&mut self) -> String {
        let Aim { principal, action, resource } = self.aim;
        let (own, kind) = self.tape.pick(&[("principal", principal), ("resource", resource)]);
        let mut attributes: Vec<_> = entity(kind).fields.iter().map(|field| field.name).collect();
        attributes.push("nowhere");
        match self.tape.below(7) {
            0 | 1 => format!("({own} has {})", quoted(self.tape.pick(&attributes))),
            2 => {
                let mut names: Vec<_> = action.context.iter().map(|field| field.name).collect();
                names.extend(["nowhere", "witness"]);
                format!("(context has {})", quoted(self.tape.pick(&names)))
            }
            3 => format!("({own} is {})", ENTITIES[self.tape.below(ENTITIES.len())].name),
            4 => {
                let text = entity(kind).fields.iter().find(|field| field.ty == Ty::Text && field.required);
                let key = match text.filter(|_| self.tape.below(2) == 0) {
                    Some(field) => format!("{own}[{}]", quoted(field.name)),
                    None => quoted(self.tape.pick(&KEYS)),
                };
                format!("{own}.hasTag({key})")
            }
            5 => {
                let above = ENTITIES[self.tape.below(ENTITIES.len())].name;
                format!("({own} in {})", uid(above, &terms::id(self.tape, above)))
            }
            _ => {
                let other = &ACTIONS[self.tape.below(ACTIONS.len())];
                let all: Vec<_> = other
                    .groups
                    .iter()
                    .map(|group| uid(other.kind, group))
                    .chain([uid(other.kind, other.id)])
                    .collect();
                format!("(action in [{}])", all.join(", "))
            }
        }
    }

    /// Whether a tag is there.
    fn tag(&mut self) -> String {
        let expression = self.tagged();
        let key = self.key();
        format!("{expression}.hasTag({key})")
    }

    /// A look at poort's own part of the context.
    fn moment(&mut self) -> String {
        let context = self.context();
        let fields =
            self.aim.action.context.iter().find(|field| field.name == "pdp").map(|field| fields(&field.ty).len());
        match (fields, self.tape.below(7)) {
            (None, _) => "true".to_owned(),
            (Some(1), _) | (_, 0) => format!("({context}.pdp.hour >= 13)"),
            (_, 1) => format!("({context}.pdp.today < datetime(\"2026-02-01\"))"),
            (_, 2) => format!("({context}.pdp.now < datetime(\"2026-01-31T12:00:00.100Z\"))"),
            (_, 3) => format!("({context}.pdp.policies == \"late\")"),
            (_, 4) => format!("({context} has pdp.token.acr && {context}.pdp.token.acr == \"high\")"),
            (_, 5) => format!("({context} has pdp.token.amr && {context}.pdp.token.amr.contains(\"pin\"))"),
            _ => format!("({context} has pdp.application && {context}.pdp.application == \"desk\")"),
        }
    }

    fn membership(&mut self) -> String {
        let kinds = [self.aim.principal, self.aim.resource, "Account", "Team", "Unit", "Case", "A::Person"];
        let kind = self.tape.pick(&kinds);
        let left = self.value(&Ty::Entity(kind), 2);
        let mut above = ancestors(kind);
        above.push(kind);
        let group = self.tape.pick(&above);
        self.hops = self.hops.max(1);
        match self.tape.below(5) {
            0 => format!("({left} in {})", uid(group, &terms::id(self.tape, group))),
            1 => format!("({left} in [{}, {}])", self.value(&Ty::Entity(group), 1), self.value(&Ty::Entity(group), 1)),
            2 => format!("({left} in {})", self.value(&Ty::Set(Box::new(Ty::Entity(group))), 1)),
            3 => format!("({left} is {kind} in {})", self.value(&Ty::Entity(group), 1)),
            _ => format!("({left} in {})", self.value(&Ty::Entity(group), 2)),
        }
    }

    /// `has`, over one attribute or a path of them.
    fn has(&mut self) -> String {
        let kind = self.tape.pick(&["Account", "Case", "Unit", "Team"]);
        let before = self.hops;
        let mut expression = self.value(&Ty::Entity(kind), 2);
        let mut ty = Ty::Entity(kind);
        let mut names = Vec::new();
        for _ in 0..=self.tape.below(4) {
            let fields: Vec<_> = fields(&ty).iter().filter(|field| is_plain(field.name)).collect();
            if fields.is_empty() {
                break;
            }
            let field = self.tape.pick(&fields);
            names.push(field.name);
            ty = field.ty.clone();
        }
        self.hops = self.hops.max(before + names.len());
        expression.push_str(&format!(" has {}", names.join(".")));
        format!("({expression})")
    }

    /// An entity with tags.
    fn tagged(&mut self) -> String {
        let kinds: Vec<_> = ENTITIES.iter().filter(|declared| declared.tags.is_some()).collect();
        let kind = self.tape.pick(&kinds).name;
        self.value(&Ty::Entity(kind), 1)
    }

    fn key(&mut self) -> String {
        if self.tape.one_in(4) { self.path_or_literal(&Ty::Text, 1) } else { quoted(self.tape.pick(&KEYS)) }
    }

    fn value(&mut self, ty: &Ty, depth: usize) -> String {
        if depth == 0 || self.narrow {
            return self.path_or_literal(ty, 2);
        }
        let less = depth - 1;
        if self.tape.one_in(8) && !matches!(ty, Ty::Record(_)) {
            let condition = self.comparison();
            return format!("(if {condition} then {} else {})", self.value(ty, less), self.value(ty, less));
        }
        match (ty, self.tape.below(8)) {
            (Ty::Long, 0..=3) => {
                let operator = self.tape.pick(&["+", "-", "*"]);
                format!("({} {operator} {})", self.value(ty, less), self.value(ty, less))
            }
            (Ty::Long, 4) => format!("-({})", self.value(ty, less)),
            (Ty::Long, 5) => {
                let unit = self.tape.pick(&["toDays", "toHours", "toMilliseconds"]);
                format!("{}.{unit}()", self.value(&Ty::Duration, less))
            }
            (Ty::Datetime, 0 | 1) => {
                format!("{}.offset({})", self.value(ty, less), self.value(&Ty::Duration, less))
            }
            (Ty::Datetime, 2) => format!("{}.toDate()", self.value(ty, less)),
            (Ty::Duration, 0 | 1) => {
                format!("{}.durationSince({})", self.value(&Ty::Datetime, less), self.value(&Ty::Datetime, less))
            }
            (Ty::Duration, 2) => format!("{}.toTime()", self.value(&Ty::Datetime, less)),
            (Ty::Set(element), 0) => {
                format!("[{}, {}]", self.value(element, less), self.value(element, less))
            }
            _ => self.path_or_literal(ty, 4),
        }
    }

    /// A path, in all but one of `n` cases; else, or if the walk finds none, a literal.
    fn path_or_literal(&mut self, ty: &Ty, n: usize) -> String {
        let guards = self.guards.len();
        let hops = self.hops;
        if n == 1 || !self.tape.one_in(n) {
            for _ in 0..3 {
                if let Some(path) = self.path(ty) {
                    return path;
                }
                self.guards.truncate(guards);
                self.hops = hops;
            }
        }
        self.literal(ty)
    }

    fn literal(&mut self, ty: &Ty) -> String {
        for _ in 0..4 {
            if let Some(text) = terms::term(self.tape, ty, From::Directory).in_policy() {
                return text;
            }
        }
        // Only a set can be empty.
        let Ty::Set(element) = ty else { panic!("{ty:?} has no literal") };
        format!("[{}]", self.literal(element))
    }

    /// A walk from a variable or a literal to a value of this type.
    fn path(&mut self, target: &Ty) -> Option<String> {
        let Aim { principal, action, resource } = self.aim;
        let (mut expression, mut ty) = match self.tape.below(10) {
            0..=2 => ("principal".to_owned(), Ty::Entity(principal)),
            3..=5 => ("resource".to_owned(), Ty::Entity(resource)),
            6..=8 => (self.context().to_owned(), Ty::Record(action.context.clone())),
            _ => {
                let kind = self.tape.pick(&["Account", "Unit", "Team", "A::Zone", "Case"]);
                (uid(kind, &self.tape.pick(&IDS)), Ty::Entity(kind))
            }
        };
        let mut hops = 0;
        // Straight on, from entity to entity, as far as it goes.
        let straight = self.tape.one_in(3);
        let length = self.tape.below(5);
        for walked in 0..7 {
            if ty == *target && (!straight || walked > length) && self.tape.below(3) == 0 {
                self.hops = self.hops.max(hops);
                return Some(expression);
            }
            let mut steps: Vec<Field> = fields(&ty).to_vec();
            let tags = match &ty {
                Ty::Entity(kind) => entity(kind).tags.clone(),
                _ => None,
            };
            // A tag is one more step, under a name that no attribute has.
            steps.extend(tags.map(|ty| Field { name: "#tag", ty, required: false }));
            let fitting: Vec<_> = steps.iter().filter(|step| step.ty == *target).cloned().collect();
            let mut onward: Vec<_> = steps.iter().filter(|step| !fields(&step.ty).is_empty()).cloned().collect();
            if straight {
                onward.retain(|step| (step.required || step.name == "#tag") && matches!(step.ty, Ty::Entity(_)));
            }
            let far = !straight || walked > length;
            let ends = !fitting.is_empty() && (onward.is_empty() || (far && self.tape.below(2) == 0));
            let step = if ends {
                self.tape.pick(&fitting)
            } else if onward.is_empty() {
                return None;
            } else {
                self.tape.pick(&onward)
            };
            hops += usize::from(matches!(ty, Ty::Entity(_)));
            expression = self.step(&expression, &step);
            ty = step.ty;
            if ends && ty == *target {
                self.hops = self.hops.max(hops);
                return Some(expression);
            }
        }
        None
    }

    fn step(&mut self, expression: &str, step: &Field) -> String {
        let (test, read) = if step.name == "#tag" {
            let key = quoted(self.tape.pick(&KEYS));
            (format!("{expression}.hasTag({key})"), format!("{expression}.getTag({key})"))
        } else if is_plain(step.name) {
            (format!("{expression} has {}", step.name), format!("{expression}.{}", step.name))
        } else {
            let name = quoted(step.name);
            (format!("{expression} has {name}"), format!("{expression}[{name}]"))
        };
        if step.required {
            return read;
        }
        if matches!(step.ty, Ty::Record(_)) || self.tape.below(3) > 0 {
            self.guards.push(test);
            return read;
        }
        let otherwise = self.literal(&step.ty);
        format!("(if {test} then {read} else {otherwise})")
    }
}

fn is_plain(name: &str) -> bool {
    name != "like" && name.chars().all(|character| character.is_ascii_alphabetic())
}

/// What a value of this type can be asked for.
fn fields(ty: &Ty) -> &[Field] {
    match ty {
        Ty::Entity(kind) => &entity(kind).fields,
        Ty::Record(fields) => fields,
        _ => &[],
    }
}

fn scalars() -> [Ty; 12] {
    [
        Ty::Long,
        Ty::Text,
        Ty::Bool,
        Ty::Entity("Account"),
        Ty::Entity("Unit"),
        Ty::Entity("Colour"),
        Ty::Entity("Case"),
        Ty::Datetime,
        Ty::Duration,
        Ty::Decimal,
        Ty::Ip,
        Ty::Set(Box::new(Ty::Text)),
    ]
}
