//! Names of the parts of a description: identifiers of ASCII letters, digits and `_`, each given once.

use std::collections::BTreeSet;

/// The names that were given.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// No name is given yet, and these never are.
    pub(super) fn without(reserved: &[&str]) -> Self {
        Self(reserved.iter().map(|name| name.to_ascii_lowercase()).collect())
    }

    /// The name that is wanted as an identifier, with a number if it was given before. Two that differ in case alone are one
    /// to a file system, so they are here.
    pub(super) fn give(&mut self, wanted: &str) -> String {
        let name = identifier(wanted);
        let mut given = name.clone();
        let mut number = 2;
        while !self.0.insert(given.to_ascii_lowercase()) {
            given = format!("{name}_{number}");
            number += 1;
        }
        given
    }
}

/// A name in which each word begins with a capital: `share with/team` is `ShareWithTeam`.
pub(super) fn capitalised(name: &str) -> String {
    let words = name.split(|character: char| !character.is_ascii_alphanumeric());
    let mut capitalised = String::with_capacity(name.len());
    for word in words {
        let mut characters = word.chars();
        capitalised.extend(characters.next().map(|first| first.to_ascii_uppercase()));
        capitalised.extend(characters);
    }
    capitalised
}

fn identifier(wanted: &str) -> String {
    let is_kept = |character: &char| character.is_ascii_alphanumeric() || *character == '_';
    let name: String = wanted.chars().filter(is_kept).collect();
    match name.chars().next() {
        None => "Unnamed".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("_{name}"),
        Some(_) => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_an_identifier_and_given_once() {
        let mut names = Names::default();
        assert_eq!(names.give(&capitalised("share with/team")), "ShareWithTeam");
        assert_eq!(names.give("sharewithTeam"), "sharewithTeam_2");
        assert_eq!(names.give("ShareWithTeam"), "ShareWithTeam_3");
        assert_eq!(names.give(&capitalised("8ball")), "_8ball");
        assert_eq!(names.give(&capitalised("…")), "Unnamed");
    }
}
