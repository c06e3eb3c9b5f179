//! The template for C#: a class for each type and context, and a method for each action and type.
//!
//! A constructor takes what is required, and what is optional under its name. References have types of their own, so that a
//! unit is no team. Names of .NET are written in full, since a schema can have a type `System`.

use super::{
    comments::{escaped, xml},
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
#[rustfmt::skip]
const RESERVED: &[&str] = &[
    "abstract", "as", "async", "await", "base", "bool", "break", "byte", "case", "catch", "char", "checked", "class", "const",
    "continue", "decimal", "default", "delegate", "do", "double", "dynamic", "else", "enum", "event", "explicit", "extern",
    "false", "finally", "fixed", "float", "for", "foreach", "goto", "if", "implicit", "in", "int", "interface", "internal", "is",
    "lock", "long", "namespace", "new", "null", "object", "operator", "out", "override", "params", "private", "protected",
    "public", "readonly", "record", "ref", "return", "sbyte", "sealed", "short", "sizeof", "stackalloc", "static", "string",
    "struct", "switch", "this", "throw", "true", "try", "typeof", "uint", "ulong", "unchecked", "unsafe", "ushort", "using",
    "value", "var", "virtual", "void", "volatile", "where", "while", "yield", "_",
    "Questions", "Evaluation", "Value", "Reference", "Moment", "Obligation", "Supporting", "KeyOf", "ISubject",
    "Entity", "Named", "Plain", "Write", "Wire", "Put", "made", "id", "subject", "resource", "action", "context",
    "Equals", "Finalize", "GetHashCode", "GetType", "MemberwiseClone", "ReferenceEquals", "ToString",
];

const HEAD: &str = r#"
public static class Questions
{
    /// <summary>A question, as <c>POST /access/v1/evaluation</c> takes it.</summary>
    public sealed class Evaluation
    {
        internal readonly global::System.Collections.Generic.Dictionary<string, object> made =
            new global::System.Collections.Generic.Dictionary<string, object>();

        internal Evaluation(object subject, object action, object resource, object context)
        {
            made["subject"] = subject;
            made["action"] = action;
            made["resource"] = resource;
            if (context != null) made["context"] = context;
        }

        /// <summary>The question as dictionaries, lists, strings, numbers and booleans, which every serializer writes.</summary>
        public global::System.Collections.Generic.Dictionary<string, object> ToDictionary()
        {
            return made;
        }

        /// <summary>The question as JSON.</summary>
        public string ToJson()
        {
            var json = new global::System.Text.StringBuilder();
            Write(json, made);
            return json.ToString();
        }
    }

    /// <summary>What a question is made of.</summary>
    public abstract class Value
    {
        internal readonly global::System.Collections.Generic.Dictionary<string, object> made =
            new global::System.Collections.Generic.Dictionary<string, object>();

        internal virtual object Wire()
        {
            return made;
        }

        internal void Put(string name, object value, bool required)
        {
            if (value != null) made[name] = Plain(value);
            else if (required) throw new global::System.ArgumentNullException(name);
        }
    }

    /// <summary>The id of an entity.</summary>
    public abstract class Reference : Value
    {
        private readonly string id;

        internal Reference(string id)
        {
            this.id = id ?? throw new global::System.ArgumentNullException("id");
        }

        internal override object Wire()
        {
            return id;
        }
    }

    /// <summary>A moment, or a day.</summary>
    public sealed class Moment : Value
    {
        private readonly string text;

        private Moment(string text)
        {
            this.text = text;
        }

        /// <summary>A moment with its offset. A DateTime is none: nothing says where its time is.</summary>
        public static implicit operator Moment(global::System.DateTimeOffset moment)
        {
            return new Moment(moment.ToString("O", global::System.Globalization.CultureInfo.InvariantCulture));
        }

        /// <summary>A day.</summary>
        public static Moment Day(int year, int month, int day)
        {
            var date = new global::System.DateTime(year, month, day);
            return new Moment(date.ToString("yyyy-MM-dd", global::System.Globalization.CultureInfo.InvariantCulture));
        }

        internal override object Wire()
        {
            return text;
        }
    }

    /// <summary>Who asks.</summary>
    public interface ISubject { }

    private static object Entity(string kind, string id, Value properties)
    {
        var entity = new global::System.Collections.Generic.Dictionary<string, object>();
        entity["type"] = kind;
        entity["id"] = id;
        if (properties.made.Count > 0) entity["properties"] = properties.made;
        return entity;
    }

    private static object Named(string name, Value properties)
    {
        var named = new global::System.Collections.Generic.Dictionary<string, object>();
        named["name"] = name;
        if (properties != null && properties.made.Count > 0) named["properties"] = properties.made;
        return named;
    }

    private static object Plain(object value)
    {
        if (value is Value part) return part.Wire();
        if (value is string) return value;
        if (value is global::System.Collections.IDictionary fields)
        {
            var plain = new global::System.Collections.Generic.Dictionary<string, object>();
            foreach (global::System.Collections.DictionaryEntry field in fields) plain[(string)field.Key] = Plain(field.Value);
            return plain;
        }
        if (value is global::System.Collections.IEnumerable several)
        {
            var plain = new global::System.Collections.Generic.List<object>();
            foreach (var one in several) plain.Add(Plain(one));
            return plain;
        }
        return value ?? throw new global::System.ArgumentNullException("value");
    }

    private static void Write(global::System.Text.StringBuilder json, object value)
    {
        if (value is global::System.Collections.Generic.Dictionary<string, object> fields)
        {
            var before = "{";
            if (fields.Count == 0) json.Append('{');
            foreach (var field in fields)
            {
                json.Append(before);
                Write(json, field.Key);
                json.Append(':');
                Write(json, field.Value);
                before = ",";
            }
            json.Append('}');
        }
        else if (value is global::System.Collections.Generic.List<object> several)
        {
            var before = "[";
            if (several.Count == 0) json.Append('[');
            foreach (var one in several)
            {
                json.Append(before);
                Write(json, one);
                before = ",";
            }
            json.Append(']');
        }
        else if (value is string text)
        {
            json.Append('"');
            foreach (var unit in text)
            {
                if (unit == '"' || unit == '\\') json.Append('\\').Append(unit);
                else if (unit < ' ') json.Append("\\u").Append(((int)unit).ToString("x4"));
                else json.Append(unit);
            }
            json.Append('"');
        }
        else if (value is bool truth)
        {
            json.Append(truth ? "true" : "false");
        }
        else
        {
            json.Append(((global::System.IFormattable)value).ToString(null, global::System.Globalization.CultureInfo.InvariantCulture));
        }
    }
"#;

pub(super) fn class(description: &Description) -> String {
    let types = type_names(description, RESERVED);
    // Types and methods share their names.
    let mut names = Names::without(RESERVED);
    types.values().for_each(|name| drop(names.give(name)));
    let subjects =
        description.actions.iter().map(|action| names.give(&format!("I{}Subject", pascal(action.wire_name()))));
    let subjects: Vec<_> = subjects.collect();
    let mut writer = Writer { description, types, subjects, names };
    let mut text = format!(
        "// <auto-generated/>\n// Questions to poort, made by `poort codegen --lang csharp`. Do not edit.\n// Policies: {}\n{HEAD}",
        description.revision
    );
    obligations::csharp(&mut text, description);
    for name in &writer.subjects {
        let _ = write!(
            text,
            "\n    /// <summary>Who may be the subject of this action.</summary>\n    public interface {name} : ISubject {{ }}\n"
        );
    }
    for reference in &description.references {
        let name = writer.name(&reference.name);
        let of = reference.names.first().map_or("", String::as_str);
        xml(&mut text, "    ", std::iter::once(format!("The id of an entity of type {}.", one_line(of))));
        let _ = write!(
            text,
            "    public sealed class {name} : Reference\n    {{\n        public {name}(string id) : base(id) {{ }}\n    }}\n"
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
    names: Names<'a>,
}

impl Writer<'_> {
    fn name(&self, name: &str) -> String {
        self.types.get(name).map_or(name, String::as_str).to_owned()
    }

    fn value(&self, text: &mut String, name: &str, doc: Option<&str>, fields: &[Field]) {
        let name = self.name(name);
        xml(text, "    ", doc.into_iter().map(one_line));
        let _ = writeln!(text, "    public sealed class {name} : Value\n    {{");
        self.constructor(text, &name, false, fields);
        text.push_str("    }\n");
    }

    fn entity(&self, text: &mut String, place: usize, kind: &EntityType) {
        let name = self.name(&kind.name);
        let actions = self.description.actions.iter().zip(&self.subjects);
        let asks: BTreeSet<_> = actions
            .filter(|(action, _)| action.subjects.contains(&place))
            .map(|(_, subject)| format!(", {subject}"))
            .collect();
        let asks: String = asks.into_iter().collect();
        xml(text, "    ", kind.doc.iter().map(|doc| one_line(doc)));
        let _ = writeln!(
            text,
            "    public sealed class {name} : Value{asks}\n    {{\n        private readonly string id;\n"
        );
        self.constructor(text, &name, true, kind.fields());
        let _ = writeln!(
            text,
            "\n        internal override object Wire()\n        {{\n            return Questions.Entity({}, id, this);\n        }}\n    }}",
            json_text(kind.wire_name())
        );
    }

    /// A constructor of what is required, and then of what is optional.
    fn constructor(&self, text: &mut String, name: &str, has_id: bool, fields: &[Field]) {
        let mut local = Names::without(RESERVED);
        let mut parameters = Vec::new();
        let mut body = String::new();
        if has_id {
            parameters.push("string id".to_owned());
            body.push_str("            this.id = id ?? throw new global::System.ArgumentNullException(\"id\");\n");
        }
        let (required, optional): (Vec<_>, Vec<_>) = fields.iter().partition(|field| field.required);
        for field in required.into_iter().chain(optional) {
            let parameter = local.give(&lower(&pascal(&field.name)));
            if let Some(doc) = &field.doc {
                let _ = writeln!(text, "        /// <param name=\"{parameter}\">{}</param>", escaped(&one_line(doc)));
            }
            let kind = self.kind(&field.kind);
            let is_value = matches!(field.kind, Kind::Bool | Kind::Long);
            parameters.push(match (field.required, is_value) {
                (true, _) => format!("{kind} {parameter}"),
                (false, true) => format!("{kind}? {parameter} = null"),
                (false, false) => format!("{kind} {parameter} = null"),
            });
            let _ = writeln!(body, "            Put({}, {parameter}, {});", json_text(&field.name), field.required);
        }
        let _ = write!(text, "        public {name}({})\n        {{\n{body}        }}\n", parameters.join(", "));
    }

    fn kind(&self, kind: &Kind) -> String {
        match kind {
            Kind::Bool => "bool".to_owned(),
            Kind::Long => "long".to_owned(),
            Kind::Text | Kind::Extension(Extension::Ip | Extension::Decimal | Extension::Duration) => {
                "string".to_owned()
            }
            Kind::Extension(Extension::Datetime) => "Moment".to_owned(),
            Kind::Entity(place) => {
                let reference = self.description.references.get(*place);
                reference.map_or("string".to_owned(), |reference| self.name(&reference.name))
            }
            Kind::Set(element) => {
                format!("global::System.Collections.Generic.IEnumerable<{}>", self.kind(element))
            }
            Kind::Tags(value) => {
                format!("global::System.Collections.Generic.Dictionary<string, {}>", self.kind(value))
            }
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
        let Some(subject) = self.subjects.get(branch.action).cloned() else { return };
        let method = self.names.give(&pascal(&branch.name));
        // What may be absent comes last.
        let mut parameters =
            vec![(true, format!("{subject} subject")), (true, format!("{} resource", self.name(&resource.name)))];
        let mut properties = "null";
        if let Some(action) = &context.action {
            parameters.push((needs_properties(context), format!("{} action", self.name(&action.name))));
            properties = "action";
        }
        parameters.push((is_needed(context), format!("{} context", self.name(&context.name))));
        parameters.sort_by_key(|(is_needed, _)| !is_needed);
        let parameters: Vec<_> = parameters
            .into_iter()
            .map(|(is_needed, parameter)| if is_needed { parameter } else { format!("{parameter} = null") })
            .collect();
        xml(text, "    ", about(description, branch).into_iter());
        let context = if is_needed(context) { "context.Wire()" } else { "context?.Wire()" };
        let _ = write!(
            text,
            "    public static Evaluation {method}({})\n    {{\n        return new Evaluation(((Value)subject).Wire(), Named({}, \
             {properties}), resource.Wire(), {context});\n    }}\n",
            parameters.join(", "),
            json_text(action.wire_name()),
        );
    }
}
