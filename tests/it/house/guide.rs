//! The guide for officers, followed word by word: its files are written, and its commands run.

use crate::support::{copy_folder, folder, repository};
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

/// What the guide says to do next, in its order.
enum Step<'g> {
    /// Put this at the end of a file, or make it.
    Append(&'g str, &'g str),
    Write(&'g str, &'g str),
    /// In a file, replace one text by another.
    Replace(&'g str, &'g str, &'g str),
    /// Run these commands; what they print has these lines.
    Run(&'g str, &'g str),
}

/// The block behind a sentence of the guide.
fn block(text: &str) -> (&str, &str) {
    let (_, text) = text.split_once("```").unwrap();
    let (_, text) = text.split_once('\n').unwrap();
    text.split_once("```").unwrap()
}

/// The steps of a part of the guide.
fn steps(mut text: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    while let Some((at, sign)) = ["Append to `", "Write `", "replace\n", "and\n\n```json", "```sh\n"]
        .into_iter()
        .filter_map(|sign| text.find(sign).map(|at| (at, sign)))
        .min()
    {
        let (before, rest) = text.split_at(at);
        text = match sign {
            "```sh\n" => {
                let (commands, rest) = block(rest);
                let shown = if rest.trim_start().starts_with("```\n") { block(rest).0 } else { "" };
                steps.push(Step::Run(commands, shown));
                rest
            }
            "replace\n" | "and\n\n```json" => {
                let file = match steps.last() {
                    Some(Step::Replace(file, ..)) if sign.starts_with("and") => *file,
                    _ => before.rsplit('`').nth(1).unwrap(),
                };
                let (from, rest) = block(rest);
                let (to, rest) = block(rest);
                steps.push(Step::Replace(file, from, to));
                rest
            }
            _ => {
                let file = rest.split('`').nth(1).unwrap();
                let (content, rest) = block(rest);
                steps.push(if sign.starts_with("Append") {
                    Step::Append(file, content)
                } else {
                    Step::Write(file, content)
                });
                rest
            }
        };
    }
    steps
}

/// Runs a command of the guide in a folder, with `poort` on the path.
fn shell(folder: &Path, command: &str) -> Output {
    let binaries = Path::new(env!("CARGO_BIN_EXE_poort")).parent().unwrap();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
    Command::new("bash").args(["-c", command]).current_dir(folder).env("PATH", path).output().unwrap()
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
fn well(folder: &Path, command: &str) -> String {
    let output = shell(folder, command);
    assert!(output.status.success(), "{command}: {}", told(&output));
    told(&output)
}

/// Does a step. A command must end well, but for those that ask for acceptance.
#[track_caller]
fn follow(folder: &Path, step: &Step<'_>) {
    match step {
        Step::Append(file, text) => {
            let whole = fs::read_to_string(folder.join(file)).unwrap() + text;
            fs::write(folder.join(file), whole).unwrap();
        }
        Step::Write(file, text) => fs::write(folder.join(file), text).unwrap(),
        Step::Replace(file, from, to) => {
            let whole = fs::read_to_string(folder.join(file)).unwrap();
            let (from, to) = (from.trim_end(), to.trim_end());
            assert_eq!(whole.matches(from).count(), 1, "{from} in {file}");
            fs::write(folder.join(file), whole.replace(from, to)).unwrap();
        }
        Step::Run(commands, shown) => {
            let commands = commands.replace("\\\n", " ");
            for command in commands.lines().filter(|line| !line.trim().is_empty()) {
                let output = shell(folder, command);
                let asks = command.starts_with("poort diff");
                let is_well = output.status.success() || asks && output.status.code() == Some(5);
                assert!(is_well, "{command}: {}", told(&output));
                for line in shown.lines() {
                    assert!(told(&output).contains(line), "{command}: `{line}` is not in {}", told(&output));
                }
            }
        }
    }
}

#[test]
fn the_guide_leads_from_a_wish_to_an_accepted_change() {
    let guide = fs::read_to_string(repository().join("docs/changing-policies.md")).unwrap();
    let part = |from: &str, to: &str| {
        let (_, rest) = guide.split_once(from).unwrap();
        rest.split_once(to).unwrap().0.to_owned()
    };
    let folder = folder();
    let here = folder.path();
    copy_folder(&repository().join("policies"), &here.join("policies"));
    well(here, "git init -q . && git add -A && git -c user.name=t -c user.email=t@example.org commit -qm base");
    let (why, expectation) = (part("## 2.", "## 3."), part("## 3.", "## 4."));
    steps(&why).iter().chain(&steps(&expectation)).for_each(|step| follow(here, step));
    // There is no such policy yet.
    let sees = "poort test policies --filter 'the control room sees'";
    assert!(guide.contains("`poort test --filter 'the control room sees'`"));
    let refused = shell(here, sees);
    assert!(refused.status.code() == Some(3) && told(&refused).contains("capacity.on-duty"), "{}", told(&refused));
    let (rule, checks) = (part("## 4.", "## 5."), part("## 5.", "## 6."));
    let rule = steps(&rule);
    assert_eq!(rule.len(), 3);
    rule.iter().chain(&steps(&checks)).for_each(|step| follow(here, step));
    let sees = well(here, sees);
    assert!(sees.contains("5 passed"), "{sees}");

    // What it changes, and who agrees.
    let (change, agree) = (part("## 6.", "## 7."), part("## 7.", "## 8."));
    steps(&change).iter().chain(&steps(&agree)).for_each(|step| follow(here, step));
    let accepted = here.join("policies/accepted.yaml");
    let entries = fs::read_to_string(&accepted).unwrap();
    assert!(entries.contains("capacity.on-duty") && entries.contains("dispatcher"), "{entries}");
    let answered = entries.replace("reason: \"\"", "reason: The control room asked for it.");
    let answered = answered.replace("approved_by: \"\"", "approved_by: Q. Voorbeeld");
    fs::write(&accepted, answered).unwrap();
    well(here, "poort diff git:HEAD policies --accept policies/accepted.yaml");
}

#[test]
fn the_guides_template_is_valid() {
    let guide = fs::read_to_string(repository().join("docs/changing-policies.md")).unwrap();
    let (_, part) = guide.split_once("## The same rule for several groups").unwrap();
    let folder = folder();
    let here = folder.path();
    copy_folder(&repository().join("policies"), &here.join("policies"));
    let (template, rest) = block(part);
    let file = here.join("policies/capacity.cedar");
    fs::write(&file, fs::read_to_string(&file).unwrap() + "\n" + template).unwrap();
    steps(rest).iter().for_each(|step| follow(here, step));
    well(here, "poort fmt --check policies");
    let valid = well(here, "poort validate policies");
    assert!(valid.contains("valid: 341 policies"), "{valid}");
}
