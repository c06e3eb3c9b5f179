//! Builders of questions in the languages of applications, made of a description: a misspelt or missing attribute, or an action
//! that does not apply to a type of record, does not compile. In TypeScript and Python a value that is none of those permitted
//! does not compile either.
//!
//! **Why templates of our own.** Generators that read JSON Schema or OpenAPI make types of the whole message. None ties an
//! action to the types of its records in a call, so the caller still writes the names of action and type as text. Most make an
//! attribute that is missing compile.
//!
//! - `words`: names and texts that the languages share
//! - `comments`: comments of documentation
//! - `typescript`, `python`, `java`, `go`, `csharp`: one template each
//! - `obligations`: the keys of obligations, in each language

mod comments;
mod csharp;
mod go;
mod java;
mod obligations;
mod python;
mod typescript;
mod words;

use crate::pdp::description::Description;

/// A language of applications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// TypeScript 5: a module without dependencies.
    TypeScript,
    /// Python 3.10: a module without dependencies, for mypy or pyright.
    Python,
    /// Java 17: a class without dependencies.
    Java,
    /// Go 1.18: a package without dependencies.
    Go,
    /// C# 7.2: a class without dependencies.
    CSharp,
}

/// One source file with the builders of all questions. The same description makes the same file, byte for byte.
#[must_use]
pub fn generate(description: &Description, language: Language) -> String {
    match language {
        Language::TypeScript => typescript::module(description),
        Language::Python => python::module(description),
        Language::Java => java::class(description),
        Language::Go => go::package(description),
        Language::CSharp => csharp::class(description),
    }
}
