//! The obligations that a schema declares, for each language: their keys with what each asks, and a question that says which
//! of them the application can do (`context.supported_obligations`). A schema that declares none has neither.

use super::{
    comments::{javadoc, xml},
    words::{Names, json_text, numbered_text, one_line, pascal, snake},
};
use crate::{
    pdp::description::Description,
    sources::policy::obligations::{Declared, Parameters, Text},
};
use std::fmt::Write as _;

/// What the function is for, in every language.
const SUPPORTING: &str =
    "The question of an application that can do these obligations: an allow that asks for another is a deny.";

/// An obligation: the key that an answer has, and what the schema says of it.
fn keys(description: &Description) -> Vec<(&str, &Declared)> {
    description.obligations.iter().map(|(key, declared)| (declared.wire_key(key), declared)).collect()
}

/// What an obligation asks, and what its value is.
fn said(declared: &Declared) -> String {
    let listed = |text: &Text| {
        let names: Vec<_> = text.limit.iter().flat_map(|limit| limit.names()).collect();
        let of = if names.is_empty() { String::new() } else { format!(" of: {}", names.join(", ")) };
        if text.is_list { format!("a list of texts{of}") } else { format!("a text{of}") }
    };
    let value = match &declared.parameters {
        Parameters::None if declared.kind == "custom" => "this sentence".to_owned(),
        Parameters::None => "an object with `subject`, the id of whose sessions end".to_owned(),
        Parameters::Text(text) => listed(text),
        Parameters::Named(named) => {
            let named = named.iter().map(|(name, of)| {
                format!("`{name}`{} ({})", if of.required { "" } else { ", if it is there" }, listed(&of.text))
            });
            format!("an object with {}", named.collect::<Vec<_>>().join(" and "))
        }
    };
    one_line(&format!("{} Its value is {value}.", declared.meaning))
}

pub(super) fn typescript(text: &mut String, description: &Description) {
    let keys = keys(description);
    if keys.is_empty() {
        return;
    }
    text.push_str(
        "\n/** What an answer can ask of an application: the key of each obligation, and its value. */\nexport interface Obligations {\n",
    );
    let value = |of: &Text| {
        let one = match &of.limit {
            Some(limit) => limit.names().map(json_text).collect::<Vec<_>>().join(" | "),
            None => "string".to_owned(),
        };
        if of.is_list { format!("readonly ({one})[]") } else { one }
    };
    for (key, declared) in keys {
        let kind = match &declared.parameters {
            Parameters::None if declared.kind == "custom" => "string".to_owned(),
            Parameters::None => "{ readonly subject: string }".to_owned(),
            Parameters::Text(text) => value(text),
            Parameters::Named(named) => {
                let members = named.iter().map(|(name, of)| {
                    let mark = if of.required { "" } else { "?" };
                    format!("readonly {}{mark}: {}", json_text(name), value(&of.text))
                });
                format!("{{ {} }}", members.collect::<Vec<_>>().join("; "))
            }
        };
        let said = said(declared).replace("*/", "*\\/");
        let _ = writeln!(text, "  /** {said} */\n  readonly {}: {kind};", json_text(key));
    }
    let _ = write!(
        text,
        "}}\n\nexport type ObligationKey = keyof Obligations;\n\n/** What an application does for each obligation that it can do. */\n\
         export type ObligationHandlers<Record> = {{\n  readonly [Key in ObligationKey]?: (parameters: Obligations[Key], record: \
         Record) => Record | Promise<Record>;\n}};\n\n/** {SUPPORTING} */\nexport function supporting(question: Evaluation, keys: \
         readonly ObligationKey[]): Evaluation {{\n  return {{ ...question, context: {{ ...question.context, \
         supported_obligations: keys }} }};\n}}\n"
    );
}

pub(super) fn python(text: &mut String, description: &Description) {
    let keys = keys(description);
    if keys.is_empty() {
        return;
    }
    let literal = |names: Vec<String>| format!("Literal[{}]", names.join(", "));
    let value = |of: &Text| {
        let one =
            of.limit.as_ref().map_or("str".to_owned(), |limit| literal(limit.names().map(numbered_text).collect()));
        if of.is_list { format!("Sequence[{one}]") } else { one }
    };
    let all = literal(keys.iter().map(|(key, _)| numbered_text(key)).collect());
    let _ = write!(
        text,
        "\n\nObligationKey = {all}\n\n# What an answer can ask of an application: the key of each obligation, and its value.\n\
         Obligations = TypedDict(\n    \"Obligations\",\n    {{\n"
    );
    for (key, declared) in &keys {
        let kind = match &declared.parameters {
            Parameters::None if declared.kind == "custom" => "str".to_owned(),
            Parameters::None => "Mapping[str, str]".to_owned(),
            Parameters::Text(text) => value(text),
            Parameters::Named(_) => "Mapping[str, Any]".to_owned(),
        };
        let _ = writeln!(text, "        # {}\n        {}: {kind},", said(declared), numbered_text(key));
    }
    let _ = write!(
        text,
        "    }},\n    total=False,\n)\n\n\ndef supporting(question: Evaluation, keys: Sequence[ObligationKey]) -> Evaluation:\n    \
         \"\"\"{SUPPORTING}\"\"\"\n\n    return {{**question, \"context\": {{**question.get(\"context\", {{}}), \
         \"supported_obligations\": list(keys)}}}}\n"
    );
}

pub(super) fn java(text: &mut String, description: &Description) {
    let keys = keys(description);
    if keys.is_empty() {
        return;
    }
    text.push_str("\n  /** What an answer can ask of an application, by its key. */\n  public enum Obligation {");
    let mut names = Names::without(&[]);
    let constants = keys.iter().map(|(key, declared)| {
        let mut constant = String::new();
        javadoc(&mut constant, "    ", std::iter::once(said(declared)));
        let name = names.give(&snake(key).to_ascii_uppercase());
        let _ = write!(constant, "    {name}({})", json_text(key));
        constant
    });
    text.push_str(&constants.collect::<Vec<_>>().join(","));
    let _ = write!(
        text,
        ";\n\n    private final String key;\n\n    Obligation(String key) {{\n      this.key = key;\n    }}\n\n    /** The key, as an \
         answer has it. */\n    public String key() {{\n      return key;\n    }}\n  }}\n\n  /** {SUPPORTING} */\n  public static \
         Evaluation supporting(Evaluation question, Collection<Obligation> obligations) {{\n    Map<String, Object> context = new \
         LinkedHashMap<>();\n    if (question.made.get(\"context\") instanceof Map<?, ?> given) {{\n      given.forEach((name, value) -> \
         context.put(String.valueOf(name), value));\n    }}\n    List<String> keys = new ArrayList<>();\n    for (Obligation one : \
         obligations) keys.add(one.key());\n    context.put(\"supported_obligations\", keys);\n    Evaluation supporting = new \
         Evaluation(question.made);\n    supporting.made.put(\"context\", context);\n    return supporting;\n  }}\n"
    );
}

pub(super) fn go(text: &mut String, description: &Description, names: &mut Names<'_>) {
    let keys = keys(description);
    if keys.is_empty() {
        return;
    }
    text.push_str(
        "\n// Obligation is the key of what an answer can ask of an application.\ntype Obligation string\n\nconst (\n",
    );
    for (key, declared) in keys {
        let name = names.give(&format!("Obligation{}", pascal(key)));
        let _ = writeln!(text, "\t// {name}: {}\n\t{name} Obligation = {}", said(declared), numbered_text(key));
    }
    let _ = write!(
        text,
        ")\n\n// Supporting: {SUPPORTING}\nfunc (question Evaluation) Supporting(obligations ...Obligation) Evaluation {{\n\tcontext := \
         Object{{}}\n\tfor name, value := range question.Context {{\n\t\tcontext[name] = value\n\t}}\n\
         \tcontext[\"supported_obligations\"] = list(obligations)\n\tquestion.Context = context\n\treturn question\n}}\n"
    );
}

pub(super) fn csharp(text: &mut String, description: &Description) {
    let keys = keys(description);
    if keys.is_empty() {
        return;
    }
    text.push_str(
        "\n    /// <summary>What an answer can ask of an application.</summary>\n    public enum Obligation\n    {",
    );
    let (mut names, mut cases) = (Names::without(&[]), String::new());
    for (key, declared) in keys {
        let name = names.give(&pascal(key));
        xml(text, "        ", std::iter::once(said(declared)));
        let _ = writeln!(text, "        {name},");
        let _ = writeln!(cases, "            case Obligation.{name}: return {};", json_text(key));
    }
    let _ = write!(
        text,
        "    }}\n\n    /// <summary>The key of an obligation, as an answer has it.</summary>\n    public static string KeyOf(Obligation \
         obligation)\n    {{\n        switch (obligation)\n        {{\n{cases}            default: throw new \
         global::System.ArgumentOutOfRangeException(\"obligation\");\n        }}\n    }}\n\n    /// <summary>{SUPPORTING}</summary>\n    \
         public static Evaluation Supporting(Evaluation question, params Obligation[] obligations)\n    {{\n        var context = new \
         global::System.Collections.Generic.Dictionary<string, object>();\n        if (question.made.TryGetValue(\"context\", out object \
         given))\n        {{\n            foreach (var part in (global::System.Collections.Generic.Dictionary<string, object>)given) \
         context[part.Key] = part.Value;\n        }}\n        var keys = new global::System.Collections.Generic.List<object>();\n        \
         foreach (var one in obligations) keys.Add(KeyOf(one));\n        context[\"supported_obligations\"] = keys;\n        return new \
         Evaluation(question.made[\"subject\"], question.made[\"action\"], question.made[\"resource\"], context);\n    }}\n"
    );
}
