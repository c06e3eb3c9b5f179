//! `poort codegen`: makes typed builders of questions for an application's language.

use super::{Common, Exit, output::Output, schema};
use crate::review::codegen::{Language, generate};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "Examples:
  poort codegen --lang typescript > src/questions.ts
  poort codegen --lang python > questions.py
  poort codegen --lang java > Questions.java
  poort codegen --lang go > questions/questions.go
  poort codegen --lang csharp > Questions.cs

A misspelt or missing attribute, or an action that does not apply to a type of record, does not compile. Make the file anew when the policies change: its head names their revision.";

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Lang {
    /// A TypeScript module
    Typescript,
    /// A Python module, for mypy or pyright
    Python,
    /// A Java class, `Questions`
    Java,
    /// A Go package, `questions`
    Go,
    /// A C# class, `Questions`
    Csharp,
}

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The policy folder; the same as --policies
    #[arg(value_name = "DIR", conflicts_with = "policies")]
    folder: Option<PathBuf>,
    /// The language
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    lang: Lang,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Arguments { folder, lang, common } = arguments;
    let description = schema::describe(&common.in_folder(folder.as_deref()), output)?;
    let language = match lang {
        Lang::Typescript => Language::TypeScript,
        Lang::Python => Language::Python,
        Lang::Java => Language::Java,
        Lang::Go => Language::Go,
        Lang::Csharp => Language::CSharp,
    };
    output.conclude(&generate(&description, language))?;
    Ok(Exit::Done)
}
