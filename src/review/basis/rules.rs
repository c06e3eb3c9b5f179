//! The policies and guarantees of a folder with the references of their `@basis`, and what is wrong in those.

use super::{
    laws::{FILE, Laws},
    reference::Reference,
};
use crate::{
    sources::policy::{Place, Policies},
    types::{problem::Problem, suggest::is_like},
};
use cedar_policy as cedar;
use std::{collections::BTreeSet, fs, ops::Range, path::Path};

/// The rules of a folder that has a list of laws.
#[derive(Debug)]
pub struct Bases {
    /// The list.
    pub laws: Laws,
    /// The rules, in the order in which they were added, by file and line. A rule without `@basis` is among them.
    pub rules: Vec<Rule>,
}

/// A policy, a template or a guarantee.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What it is.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// What it says, in one sentence.
    pub title: String,
    /// Its file.
    pub file: String,
    /// Its first line in it, counted from one.
    pub line: usize,
    /// What it rests on: the references that are well formed and known.
    pub references: BTreeSet<Reference>,
}

/// What a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It decides.
    Policy,
    /// It is proven.
    Guarantee,
}

impl Kind {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Guarantee => "guarantee",
        }
    }
}

impl Bases {
    /// The list of a policy folder, and no rules yet. `None`: the folder has no list, and its `@basis` is free text.
    ///
    /// # Errors
    /// What is wrong with the list.
    pub fn read(policies: &Path) -> Result<Option<Self>, Box<Problem>> {
        Ok(Laws::read(policies)?.map(|laws| Self { laws, rules: Vec::new() }))
    }

    /// Adds rules. Returns an error for each reference that is malformed or not in the list.
    pub fn add(&mut self, kind: Kind, policies: &Policies) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut rules: Vec<_> =
            written(policies).map(|(id, place)| self.rule(kind, policies, id, place, &mut problems)).collect();
        rules.sort_by(|one, other| (&one.file, one.line).cmp(&(&other.file, other.line)));
        problems.sort_by_key(|problem| (problem.file().to_owned(), problem.position()));
        self.rules.append(&mut rules);
        problems
    }

    fn rule(
        &self,
        kind: Kind,
        policies: &Policies,
        id: &cedar::PolicyId,
        place: &Place,
        problems: &mut Vec<Problem>,
    ) -> Rule {
        let title = policies.facts.get(id).map(|facts| facts.title.base().to_owned()).unwrap_or_default();
        let (file, line) = (place.file.name.to_string(), place.line());
        let mut references = BTreeSet::new();
        for (text, at) in basis(policies, id).into_iter().flat_map(|basis| items(place, basis)) {
            match self.laws.find(text) {
                Ok(reference) => drop(references.insert(reference)),
                Err((message, help)) => {
                    let message = format!("@basis of `{id}`: {message}");
                    problems.push(Problem::error("policy::basis", &place.file, message).at(at, "here").help(help));
                }
            }
        }
        Rule { kind, id: id.to_string(), title, file, line, references }
    }

    /// How many articles rules rest on, and how many of these are from memory: no text of them was read.
    #[must_use]
    pub fn cited(&self) -> (usize, usize) {
        let references = self.rules.iter().flat_map(|rule| &rule.references);
        let articles: BTreeSet<_> = references.map(|reference| (&reference.law, &reference.article)).collect();
        let from_memory = articles.iter().filter(|(law, article)| self.laws.reading(law, article).is_none()).count();
        (articles.len(), from_memory)
    }
}

/// A warning of each file that is probably meant as the list and is not read, where there is none.
#[must_use]
pub fn misnamed(policies: &Path) -> Vec<Problem> {
    if policies.join(FILE).exists() {
        return Vec::new();
    }
    let is_meant = |name: &str| {
        let (stem, ending) = name.split_once('.')?;
        Some(is_like(stem, "laws") && is_like(ending, "json"))
    };
    let entries = fs::read_dir(policies).into_iter().flatten().flatten();
    let mut meant: Vec<_> =
        entries.filter(|entry| entry.file_name().to_str().and_then(is_meant) == Some(true)).collect();
    meant.sort_by_key(fs::DirEntry::file_name);
    let warning = |entry: fs::DirEntry| {
        let problem = Problem::unreadable(
            "folder::not-read",
            &entry.path().display().to_string(),
            "is not read, so each @basis is free text",
        );
        problem.as_warning().help(format!("name it {FILE}, or move it elsewhere"))
    };
    meant.into_iter().map(warning).collect()
}

/// Policies and templates with their places; a link rests on what its template rests on.
fn written(policies: &Policies) -> impl Iterator<Item = (&cedar::PolicyId, &Place)> {
    policies.places.iter().filter(|(_, place)| place.file.name.ends_with(".cedar"))
}

fn basis<'p>(policies: &'p Policies, id: &cedar::PolicyId) -> Option<&'p str> {
    let template = || policies.set.template(id)?.annotation("basis");
    policies.set.policy(id).map_or_else(template, |policy| policy.annotation("basis"))
}

/// The references of a `@basis` as they are written, with their places in the file.
fn items<'b>(place: &Place, basis: &'b str) -> Vec<(&'b str, Range<usize>)> {
    let line = place.annotation("basis");
    let value = place
        .file
        .text
        .get(line.start..place.span.end)
        .and_then(|text| text.find(basis))
        .map(|start| line.start + start);
    let mut offset = 0;
    basis
        .split(',')
        .map(|item| {
            let text = item.trim();
            let start = offset + (item.len() - item.trim_start().len());
            offset += item.len() + 1;
            // A value with escapes is not in the file as it is read.
            let at = value.filter(|_| !text.is_empty()).map(|value| value + start..value + start + text.len());
            (text, at.unwrap_or_else(|| line.clone()))
        })
        .collect()
}
