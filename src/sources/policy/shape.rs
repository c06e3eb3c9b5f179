//! Shapes: Cedar's types of values, resolved for the translation of questions.

use super::{Listed, limit::Limit};
use crate::sources::per_thread;
use cedar_policy_core::{
    ast,
    validator::{
        ValidatorSchema,
        types::{AttributeType, EntityKind, Type},
    },
};
use smol_str::SmolStr;
use std::{collections::BTreeMap, sync::Arc};

/// The type of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Truth.
    Bool,
    /// A whole number of 64 bits.
    Long,
    /// Text.
    String,
    /// A reference to an entity.
    Entity(Reference),
    /// A set of one type of element.
    Set(Arc<Shape>),
    /// Named values.
    Record(Arc<Attributes>),
    /// An address, a decimal, a moment or a span of time.
    Extension(Extension),
}

/// To which entities a value can refer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Their type.
    pub kind: ast::EntityType,
    /// The only ones that there are, where the schema lists them.
    pub listed: Option<Arc<Listed>>,
}

/// A declared attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its type.
    pub shape: Shape,
    /// Whether it must be there.
    pub required: bool,
    /// What its value may be, or each element of it; anything of its type, if `None`.
    pub limit: Option<Limit>,
    /// Its value where a question leaves it out: `@values` lists no other.
    pub constant: Option<SmolStr>,
    /// What `findings` checks of it in the directory.
    pub asked: DirectoryChecks,
    /// Answers about a subject of its type name what it refers to (`@recorded`).
    pub recorded: bool,
}

/// What is checked of an attribute in the directory. A difference is a warning, and the value is still read: it grants
/// nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DirectoryChecks {
    /// The entities that it names must be there (`@known`).
    pub known: bool,
    /// It is not earlier than this attribute beside it (`@not_before`).
    pub not_before: Option<SmolStr>,
}

impl Attribute {
    /// Of this type, with no limits.
    #[must_use]
    pub fn of(shape: Shape, required: bool) -> Self {
        Self { shape, required, limit: None, constant: None, asked: DirectoryChecks::default(), recorded: false }
    }
}

/// Declared attributes, by name.
pub type Attributes = BTreeMap<SmolStr, Attribute>;

impl Shape {
    /// The same type, for one thread.
    pub(super) fn per_thread(&self) -> Self {
        match self {
            Self::Bool | Self::Long | Self::String | Self::Extension(_) => self.clone(),
            Self::Entity(Reference { kind, listed }) => {
                Self::Entity(Reference { kind: per_thread::entity_type(kind), listed: listed.clone() })
            }
            Self::Set(element) => Self::Set(Arc::new(element.per_thread())),
            Self::Record(attributes) => Self::Record(attributes_per_thread(attributes)),
        }
    }
}

/// The same attributes, for one thread.
pub(super) fn attributes_per_thread(attributes: &Attributes) -> Arc<Attributes> {
    let apart = |(name, attribute): (&SmolStr, &Attribute)| {
        (SmolStr::new(name.as_str()), Attribute { shape: attribute.shape.per_thread(), ..attribute.clone() })
    };
    Arc::new(attributes.iter().map(apart).collect())
}

/// Cedar's extension types. A value is written as a string, which the constructor of the same name reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Extension {
    /// `ipaddr`, made by `ip("10.0.0.0/8")`.
    Ip,
    /// `decimal`, made by `decimal("1.5")`.
    Decimal,
    /// `datetime`, made by `datetime("2026-01-31T12:00:00Z")`.
    Datetime,
    /// `duration`, made by `duration("1d12h")`.
    Duration,
}

impl Extension {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ip, Self::Decimal, Self::Datetime, Self::Duration];

    /// Cedar's name of the type.
    #[must_use]
    pub const fn type_name(self) -> &'static str {
        match self {
            Self::Ip => "ipaddr",
            Self::Decimal => "decimal",
            Self::Datetime => "datetime",
            Self::Duration => "duration",
        }
    }

    /// Cedar's name of the function that makes a value.
    #[must_use]
    pub const fn constructor(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Decimal => "decimal",
            Self::Datetime => "datetime",
            Self::Duration => "duration",
        }
    }

    /// The form of its values, as a regular expression of ECMA 262. A text of this form can still have no meaning, such as
    /// 30 February or a decimal beyond the range.
    #[must_use]
    pub const fn pattern(self) -> &'static str {
        match self {
            Self::Ip => {
                "^(((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\\.){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\
                 (/(3[0-2]|[12]?[0-9]))?|[0-9A-Fa-f]{0,4}(:[0-9A-Fa-f]{0,4}){2,8}(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?)$"
            }
            Self::Decimal => "^-?[0-9]{1,15}\\.[0-9]{1,4}$",
            // RFC 3339, also without seconds; a day; and Cedar's own form, whose offset has no colon.
            Self::Datetime => {
                "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([Tt]([01][0-9]|2[0-3]):[0-5][0-9]\
                 ((:([0-5][0-9]|60)(\\.[0-9]{1,9})?)?([Zz]|[+-]([01][0-9]|2[0-5]):[0-5][0-9])\
                 |:[0-5][0-9](\\.[0-9]{3})?[+-]([01][0-9]|2[0-3])[0-5][0-9]))?$"
            }
            Self::Duration => "^-?(?=[0-9])([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$",
        }
    }

    /// A value of this type, as an example in a message.
    #[must_use]
    pub const fn example(self) -> &'static str {
        match self {
            Self::Ip => "10.0.0.7 or 10.0.0.0/8",
            Self::Decimal => "1.25",
            Self::Datetime => "2026-01-31 or 2026-01-31T12:00:00+01:00",
            Self::Duration => "1d12h",
        }
    }
}

impl Shape {
    /// The shape of a type of this schema; `None` for types that no schema can declare, or that nest too deep.
    #[must_use]
    pub fn of(ty: &Type, schema: &ValidatorSchema) -> Option<Self> {
        Self::within(ty, schema, DEPTH)
    }

    fn within(ty: &Type, schema: &ValidatorSchema, left: usize) -> Option<Self> {
        let left = left.checked_sub(1)?;
        Some(match ty {
            Type::Bool(_) => Self::Bool,
            Type::Long => Self::Long,
            Type::String => Self::String,
            Type::Entity(EntityKind::Entity(lub)) => {
                let kind = lub.get_single_entity()?.clone();
                let listed = Listed::of(&kind, schema).map(Arc::new);
                Self::Entity(Reference { kind, listed })
            }
            Type::Set { element_type: Some(element) } => Self::Set(Arc::new(Self::within(element, schema, left)?)),
            Type::Record { attrs, .. } => Self::Record(Arc::new(attributes_within(attrs.iter(), schema, left)?)),
            Type::ExtensionType { name } => {
                let name = name.to_string();
                Self::Extension(Extension::ALL.into_iter().find(|extension| extension.type_name() == name)?)
            }
            Type::Never | Type::Entity(EntityKind::AnyEntity) | Type::Set { element_type: None } => return None,
        })
    }

    /// What a person calls a value of this type.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Bool => "a boolean".to_owned(),
            Self::Long => "a whole number".to_owned(),
            Self::String => "a string".to_owned(),
            Self::Entity(Reference { kind, .. }) => format!("the id of an entity of type {kind}"),
            Self::Set(element) => format!("a list, each element {}", element.describe()),
            Self::Record(_) => "an object".to_owned(),
            Self::Extension(extension) => {
                format!(
                    "a string that holds a value of type {}, such as {}",
                    extension.type_name(),
                    extension.example()
                )
            }
        }
    }
}

/// How deep types may nest. Values are walked by recursion, and no question nests as deep as this.
const DEPTH: usize = 64;

/// The shapes of declared attributes; `None` if one has none.
pub(crate) fn attributes<'a>(
    declared: impl IntoIterator<Item = (&'a SmolStr, &'a AttributeType)>,
    schema: &ValidatorSchema,
) -> Option<Attributes> {
    attributes_within(declared, schema, DEPTH)
}

fn attributes_within<'a>(
    declared: impl IntoIterator<Item = (&'a SmolStr, &'a AttributeType)>,
    schema: &ValidatorSchema,
    left: usize,
) -> Option<Attributes> {
    declared
        .into_iter()
        .map(|(name, attribute)| {
            let shape = Shape::within(&attribute.attr_type, schema, left)?;
            Some((name.clone(), Attribute::of(shape, attribute.is_required)))
        })
        .collect()
}
