//! Translations of a policy's sentences, such as `@title_nl`: known languages, and a sentence that they translate.

use super::{finds, small, validate};
use crate::support::{check, run};
use std::fs;

/// A policy with these annotations beside its id.
fn policy(annotations: &str) -> String {
    format!("@id(\"a\")\n{annotations}\nforbid (principal, action == Action::\"read\", resource);\n")
}

#[test]
fn a_translation_of_each_sentence_is_taken() {
    let translated = "@title(\"Nobody reads.\")\n@title_nl(\"Niemand leest.\")\n@title_en(\"Nobody reads at all.\")\n\
        @reason_user\n@reason_user_nl(\"Dit leest u niet.\")\n@advice(\"Ask.\")\n@advice_nl(\"Vraag het.\")";
    let folder = small(&policy(translated));
    finds(folder.path(), &[]);
    let path = folder.path().to_str().unwrap();
    check(&run(["fmt", path]), 0);
    let text = fs::read_to_string(folder.path().join("a.cedar")).unwrap();
    translated.lines().for_each(|line| assert!(text.contains(line), "no {line} in {text}"));
    check(&validate(folder.path(), &["--deny-warnings"]), 0);
}

#[test]
fn a_translation_of_nothing_is_an_error_at_its_place() {
    let title = "@title(\"Nobody reads.\")";
    for (annotation, base) in
        [("@reason_user_nl(\"Nee.\")", "write @reason_user,"), ("@advice_en(\"Ask.\")", "write @advice,")]
    {
        let folder = small(&policy(&format!("{title}\n{annotation}")));
        finds(folder.path(), &[&format!("policy::translation a.cedar:3: {base}")]);
    }
}

#[test]
fn an_unknown_language_is_named_with_the_nearest() {
    let title = "@title(\"Nobody reads.\")";
    for (annotation, near) in [
        ("@title_ln(\"x\")", "title_nl"),
        ("@title_nl_BE(\"x\")", "title_nl"),
        ("@title_fr(\"x\")", "title_"),
        ("@advice_eng(\"x\")", "advice_en"),
        ("@reason_user_n(\"x\")", "reason_user_n"),
        ("@titel_nl(\"x\")", "title_nl"),
        ("@titlenl(\"x\")", "title"),
        ("@basis_nl(\"x\")", "basis"),
    ] {
        let folder = small(&policy(&format!("{title}\n{annotation}")));
        finds(folder.path(), &[&format!("policy::annotation a.cedar:3: did you mean `@{near}")]);
    }
}

#[test]
fn a_translation_with_hidden_characters_is_an_error() {
    let folder = small(&policy("@title(\"Nobody reads.\")\n@title_nl(\"Niemand\\nleest.\")"));
    finds(folder.path(), &["policy::hidden-character a.cedar:3: write the title_nl on one line"]);
    // Articles are in records too.
    let folder = small(&policy("@title(\"Nobody reads.\")\n@basis(\"Wpg\\u{202e}8\")"));
    finds(folder.path(), &["policy::hidden-character a.cedar:3: write the basis on one line"]);
}
