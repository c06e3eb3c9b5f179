//! The walk-through for officers, tried word by word.

use crate::support::{copy_folder, folder, repository};
use std::{fs, path::Path, process::Command};

/// The blocks of the walk-through: their language and their text.
fn blocks(guide: &str) -> Vec<(&str, &str)> {
    let (_, part) = guide.split_once("## 9. Signed").unwrap();
    let part = part.split("\n## ").next().unwrap();
    let fenced = part.split("```").skip(1).step_by(2);
    fenced.map(|block| block.split_once('\n').unwrap()).collect()
}

#[test]
fn the_walk_through_of_officers_does_what_it_says() {
    let guide = fs::read_to_string(repository().join("docs/changing-policies.md")).unwrap();
    let folder = folder();
    let here = folder.path();
    copy_folder(&repository().join("policies"), &here.join("policies"));
    let binaries = Path::new(env!("CARGO_BIN_EXE_poort")).parent().unwrap();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
    let blocks = blocks(&guide);
    assert!(blocks.len() > 8, "{}", blocks.len());
    for (at, (language, text)) in blocks.iter().enumerate() {
        match *language {
            "sh" => {
                let shown = blocks.get(at + 1).filter(|(language, _)| language.is_empty()).map_or("", |(_, text)| text);
                let mut told = String::new();
                for command in text.lines() {
                    let output = Command::new("bash")
                        .args(["-c", command])
                        .current_dir(here)
                        .env("PATH", &path)
                        .output()
                        .unwrap();
                    told = format!(
                        "{}{}",
                        String::from_utf8_lossy(&output.stdout),
                        String::from_utf8_lossy(&output.stderr)
                    );
                    let is_refusal = ["bundle-", "trust-"].iter().any(|rule| shown.starts_with(rule))
                        && command.contains(" verify ");
                    assert_eq!(output.status.success(), !is_refusal, "{command}: {told}");
                }
                shown.lines().for_each(|line| assert!(told.contains(line), "`{line}` is not in {told}"));
            }
            "toml" => fs::write(here.join("poort.toml"), text).unwrap(),
            language => assert!(language.is_empty(), "{language}"),
        }
    }
}
