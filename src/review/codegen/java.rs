//! The template for Java: a class for each type and context, and a method for each action and type.
//!
//! A constructor takes what is required, and a method adds each value that is optional. References have types of their own, so
//! that a unit is no team.

use super::{
    comments::javadoc,
    obligations,
    words::{Names, about, is_needed, json_text, lower, needs_properties, one_line, pascal, type_names},
};
use crate::{
    pdp::description::{Branch, Description, EntityType, Field, Kind},
    sources::policy::Extension,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

/// Words of the language, and names of the file's own.
const RESERVED: &[&str] = &[
    "abstract",
    "assert",
    "boolean",
    "break",
    "byte",
    "case",
    "catch",
    "char",
    "class",
    "const",
    "continue",
    "default",
    "do",
    "double",
    "else",
    "enum",
    "extends",
    "final",
    "finally",
    "float",
    "for",
    "goto",
    "if",
    "implements",
    "import",
    "instanceof",
    "int",
    "interface",
    "long",
    "native",
    "new",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "short",
    "static",
    "strictfp",
    "super",
    "switch",
    "synchronized",
    "this",
    "throw",
    "throws",
    "transient",
    "try",
    "void",
    "volatile",
    "while",
    "true",
    "false",
    "null",
    "var",
    "record",
    "yield",
    "sealed",
    "permits",
    "_",
    "Questions",
    "Evaluation",
    "Value",
    "Subject",
    "Reference",
    "Obligation",
    "supporting",
    "String",
    "Object",
    "Map",
    "List",
    "LinkedHashMap",
    "Collection",
    "Override",
    "Integer",
    "Long",
    "Boolean",
    "Number",
    "CharSequence",
    "StringBuilder",
    "ArrayList",
    "java",
    "Iterable",
    "Character",
    "id",
    "made",
    "wire",
    "subject",
    "resource",
    "action",
    "context",
    "wait",
    "notify",
    "notifyAll",
    "getClass",
    "hashCode",
    "equals",
    "toString",
    "clone",
    "finalize",
];

const HEAD: &str = r#"
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

public final class Questions {
  private Questions() {}

  /** A question, as {@code POST /access/v1/evaluation} takes it. */
  public static final class Evaluation {
    private final Map<String, Object> made = new LinkedHashMap<>();

    private Evaluation(Map<String, Object> subject, Map<String, Object> action, Map<String, Object> resource, Value context) {
      made.put("subject", subject);
      made.put("action", action);
      made.put("resource", resource);
      if (context != null) made.put("context", context.wire());
    }

    private Evaluation(Map<String, Object> made) {
      this.made.putAll(made);
    }

    /** The question as maps, lists, strings, numbers and booleans. */
    public Map<String, Object> toMap() {
      return made;
    }

    /** The question as JSON. */
    public String toJson() {
      StringBuilder json = new StringBuilder();
      write(json, made);
      return json.toString();
    }
  }

  /** What a question is made of. */
  public abstract static class Value {
    final Map<String, Object> made = new LinkedHashMap<>();

    Object wire() {
      return made;
    }

    void put(String name, Object value) {
      made.put(name, plain(value));
    }
  }

  /** The id of an entity. */
  public abstract static class Reference extends Value {
    private final String id;

    Reference(String id) {
      this.id = java.util.Objects.requireNonNull(id);
    }

    @Override
    Object wire() {
      return id;
    }
  }

  /** Who asks. */
  public interface Subject {}

  private static Map<String, Object> entity(String kind, String id, Value properties) {
    Map<String, Object> made = new LinkedHashMap<>();
    made.put("type", kind);
    made.put("id", java.util.Objects.requireNonNull(id));
    if (!properties.made.isEmpty()) made.put("properties", properties.made);
    return made;
  }

  private static Map<String, Object> named(String name, Value properties) {
    Map<String, Object> made = new LinkedHashMap<>();
    made.put("name", name);
    if (properties != null && !properties.made.isEmpty()) made.put("properties", properties.made);
    return made;
  }

  private static Object plain(Object value) {
    if (value instanceof Value part) return part.wire();
    if (value instanceof java.time.LocalDate day) return day.toString();
    // What has no time zone is no moment, and fails here.
    if (value instanceof java.time.temporal.Temporal moment) return java.time.Instant.from(moment).toString();
    if (value instanceof Collection<?> several) {
      List<Object> plain = new ArrayList<>();
      for (Object one : several) plain.add(plain(one));
      return plain;
    }
    if (value instanceof Map<?, ?> fields) {
      Map<String, Object> plain = new LinkedHashMap<>();
      fields.forEach((name, one) -> plain.put(String.valueOf(name), plain(one)));
      return plain;
    }
    return java.util.Objects.requireNonNull(value);
  }

  private static void write(StringBuilder json, Object value) {
    if (value instanceof Map<?, ?> fields) {
      String before = "{";
      if (fields.isEmpty()) json.append('{');
      for (Map.Entry<?, ?> field : fields.entrySet()) {
        json.append(before);
        write(json, String.valueOf(field.getKey()));
        json.append(':');
        write(json, field.getValue());
        before = ",";
      }
      json.append('}');
    } else if (value instanceof Collection<?> several) {
      String before = "[";
      if (several.isEmpty()) json.append('[');
      for (Object one : several) {
        json.append(before);
        write(json, one);
        before = ",";
      }
      json.append(']');
    } else if (value instanceof CharSequence text) {
      json.append('"');
      for (int at = 0; at < text.length(); at++) {
        char unit = text.charAt(at);
        if (unit == '"' || unit == '\\') json.append('\\').append(unit);
        else if (unit < ' ') json.append(String.format("\\u%04x", (int) unit));
        else json.append(unit);
      }
      json.append('"');
    } else {
      json.append(value);
    }
  }
"#;

pub(super) fn class(description: &Description) -> String {
    let types = type_names(description, RESERVED);
    let mut names = Names::without(RESERVED);
    types.values().for_each(|name| drop(names.give(name)));
    // Each action has an interface for its subjects.
    let subjects =
        description.actions.iter().map(|action| names.give(&format!("{}Subject", pascal(action.wire_name()))));
    let subjects: Vec<_> = subjects.collect();
    let mut writer = Writer { description, types, subjects, methods: Names::without(RESERVED) };
    let mut text = format!(
        "// Questions to poort, made by `poort codegen --lang java`. Do not edit.\n// Policies: {}\n{HEAD}",
        description.revision
    );
    obligations::java(&mut text, description);
    for name in &writer.subjects {
        let _ = write!(
            text,
            "\n  /** Who may be the subject of this action. */\n  public interface {name} extends Subject {{}}\n"
        );
    }
    for reference in &description.references {
        let name = writer.name(&reference.name);
        let of = reference.names.first().map_or("", String::as_str);
        javadoc(&mut text, "  ", std::iter::once(format!("The id of an entity of type {}.", one_line(of))));
        let _ = write!(
            text,
            "  public static final class {name} extends Reference {{\n    public {name}(String id) {{\n      super(id);\n    }}\n  }}\n"
        );
    }
    for record in &description.records {
        writer.value(&mut text, &record.name, record.doc.as_deref(), &record.fields);
    }
    for context in &description.contexts {
        writer.value(&mut text, &context.name, context.doc.as_deref(), &context.fields);
        if let Some(action) = &context.action {
            writer.value(&mut text, &action.name, None, &action.fields);
        }
    }
    for (place, kind) in description.types.iter().enumerate() {
        writer.entity(&mut text, place, kind);
    }
    for branch in &description.branches {
        writer.method(&mut text, branch);
    }
    text.push_str("}\n");
    text
}

struct Writer<'a> {
    description: &'a Description,
    types: BTreeMap<String, String>,
    /// The interfaces of subjects, by action.
    subjects: Vec<String>,
    methods: Names<'a>,
}

impl Writer<'_> {
    fn name(&self, name: &str) -> String {
        self.types.get(name).map_or(name, String::as_str).to_owned()
    }

    fn value(&self, text: &mut String, name: &str, doc: Option<&str>, fields: &[Field]) {
        let name = self.name(name);
        javadoc(text, "  ", doc.into_iter().map(one_line));
        let _ = writeln!(text, "  public static final class {name} extends Value {{");
        self.members(text, &name, false, fields);
        text.push_str("  }\n");
    }

    fn entity(&self, text: &mut String, place: usize, kind: &EntityType) {
        let name = self.name(&kind.name);
        let actions = self.description.actions.iter().zip(&self.subjects);
        let asks: BTreeSet<_> = actions
            .filter(|(action, _)| action.subjects.contains(&place))
            .map(|(_, subject)| subject.as_str())
            .collect();
        let asks: Vec<_> = asks.into_iter().collect();
        let implements = if asks.is_empty() { String::new() } else { format!(" implements {}", asks.join(", ")) };
        javadoc(text, "  ", kind.doc.iter().map(|doc| one_line(doc)));
        let _ = writeln!(
            text,
            "  public static final class {name} extends Value{implements} {{\n    private final String id;"
        );
        self.members(text, &name, true, kind.fields());
        let _ = writeln!(
            text,
            "\n    @Override\n    Object wire() {{\n      return Questions.entity({}, id, this);\n    }}\n  }}",
            json_text(kind.wire_name())
        );
    }

    /// A constructor of what is required, and a method for each value that is optional.
    fn members(&self, text: &mut String, name: &str, has_id: bool, fields: &[Field]) {
        let mut local = Names::without(RESERVED);
        let mut parameters = if has_id { vec!["String id".to_owned()] } else { Vec::new() };
        let mut body = if has_id { "      this.id = id;\n".to_owned() } else { String::new() };
        for field in fields.iter().filter(|field| field.required) {
            let parameter = local.give(&lower(&pascal(&field.name)));
            parameters.push(format!("{} {parameter}", self.kind(&field.kind)));
            let _ = writeln!(body, "      put({}, {parameter});", json_text(&field.name));
        }
        let _ = write!(text, "\n    public {name}({}) {{\n{body}    }}\n", parameters.join(", "));
        let mut methods = Names::without(RESERVED);
        methods.give("put");
        for field in fields.iter().filter(|field| !field.required) {
            let method = methods.give(&lower(&pascal(&field.name)));
            javadoc(text, "    ", field.doc.iter().map(|doc| one_line(doc)));
            let _ = write!(
                text,
                "    public {name} {method}({} value) {{\n      put({}, value);\n      return this;\n    }}\n",
                self.kind(&field.kind),
                json_text(&field.name)
            );
        }
    }

    fn kind(&self, kind: &Kind) -> String {
        match kind {
            Kind::Bool => "boolean".to_owned(),
            Kind::Long => "long".to_owned(),
            Kind::Text | Kind::Extension(Extension::Ip | Extension::Decimal | Extension::Duration) => {
                "String".to_owned()
            }
            // A day is a datetime too.
            Kind::Extension(Extension::Datetime) => "java.time.temporal.Temporal".to_owned(),
            Kind::Entity(place) => {
                let reference = self.description.references.get(*place);
                reference.map_or("String".to_owned(), |reference| self.name(&reference.name))
            }
            Kind::Set(element) => format!("Collection<{}>", boxed(self.kind(element))),
            Kind::Tags(value) => format!("Map<String, {}>", boxed(self.kind(value))),
            Kind::Record(place) => {
                let record = self.description.records.get(*place);
                record.map_or("Value".to_owned(), |record| self.name(&record.name))
            }
        }
    }

    fn method(&mut self, text: &mut String, branch: &Branch) {
        let description = self.description;
        let Some(action) = description.action(branch) else { return };
        let (Some(resource), Some(context)) = (description.resource(branch), description.context(action)) else {
            return;
        };
        let Some(subject) = self.subjects.get(branch.action) else { return };
        let method = self.methods.give(&lower(&branch.name));
        let mut parameters = vec![format!("{subject} subject"), format!("{} resource", self.name(&resource.name))];
        let mut properties = "null";
        if let Some(action) = &context.action {
            parameters.push(format!("{} action", self.name(&action.name)));
            properties = "action";
        }
        parameters.push(format!("{} context", self.name(&context.name)));
        let absent = [
            (context.action.is_some() && !needs_properties(context)).then_some("{@code action} may be null."),
            (!is_needed(context)).then_some("{@code context} may be null."),
        ];
        let absent = absent.into_iter().flatten().map(str::to_owned);
        javadoc(
            text,
            "  ",
            about(description, branch).into_iter().map(|line| line.replace('{', "(").replace('}', ")")).chain(absent),
        );
        let _ = write!(
            text,
            "  @SuppressWarnings(\"unchecked\")\n  public static Evaluation {method}({}) {{\n    return new Evaluation((Map<String, \
             Object>) ((Value) subject).wire(), named({}, {properties}), (Map<String, Object>) resource.wire(), context);\n  }}\n",
            parameters.join(", "),
            json_text(action.wire_name()),
        );
    }
}

fn boxed(kind: String) -> String {
    match kind.as_str() {
        "boolean" => "Boolean".to_owned(),
        "long" => "Long".to_owned(),
        _ => kind,
    }
}
