//! The recipes in `docs/ci` for GitLab and GitHub, run as they are written: the lines of their scripts, in a checkout of a
//! repository with policies, with the variables that these systems set.
//!
//! Two things stand in for the outside: the API of GitLab is a listener on this machine, and `gh` a script that keeps what
//! it is given. Steps that install or check out are not run; which ones is spelled out below.

use crate::support::{folder, repository};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::mpsc,
    thread,
};

const SCHEMA: &str = "entity User { level: Long };\n@source(\"request\") entity Doc { level: Long };\n\
                      action read appliesTo { principal: User, resource: Doc };\n";
const ACCOUNTS: &str = r#"[{"uid": {"type": "User", "id": "ann"}, "attrs": {"level": 2}, "parents": []}]"#;
const POLICY: &str = "// Whoever is trusted that far.\n@id(\"read\")\n@title(\"Users read up to their level.\")\n\
                      permit (principal, action, resource)\nwhen { resource.level <= principal.level };\n";
const SUITE: &str = "cases:
  - name: up to the level
    subject: User::ann
    action: read
    table:
      - {resource: {type: Doc, id: d, properties: {level: 1}}, decision: allow}
      - {resource: {type: Doc, id: d, properties: {level: 2}}, decision: allow}
      - {resource: {type: Doc, id: d, properties: {level: 3}}, decision: deny}
";
const GUARANTEE: &str = "@id(\"guarantee.top\")\n@title(\"Nobody reads what is above all levels.\")\n\
                         forbid (principal, action, resource)\nwhen { resource.level > principal.level };\n";
/// A rule that grants more: level 9 becomes readable by users of level 8.
const GRANTS: &str = "// One more.\n@id(\"more\")\n@title(\"Users of level 8 read level 9.\")\n\
                      permit (principal, action, resource)\nwhen { resource.level == 9 && principal.level == 8 };\n";

/// The recipe for a system.
fn recipe(system: &str) -> Value {
    let file = repository().join("docs/ci").join(system).with_extension("yml");
    serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// A repository with policies on `main`, and a branch of which `change` makes the commit.
struct Checkout {
    folder: tempfile::TempDir,
}

impl Checkout {
    fn new(guarantees: bool, change: impl FnOnce(&Path)) -> Self {
        let checkout = Self { folder: folder() };
        let policies = checkout.path().join("policies");
        for inner in ["tests", "directory", "guarantees"] {
            fs::create_dir_all(policies.join(inner)).unwrap();
        }
        fs::write(policies.join("schema.cedarschema"), SCHEMA).unwrap();
        fs::write(policies.join("read.cedar"), POLICY).unwrap();
        fs::write(policies.join("tests/read.yaml"), SUITE).unwrap();
        fs::write(policies.join("directory/accounts.json"), ACCOUNTS).unwrap();
        if guarantees {
            fs::write(policies.join("guarantees/top.cedar"), GUARANTEE).unwrap();
        }
        fs::write(policies.join("accepted.yaml"), "[]\n").unwrap();
        checkout.git(&["init", "--quiet", "--initial-branch=main"]);
        checkout.commit("The policies");
        // What a checkout of a pull request has: the branch that it goes to, as a remote branch.
        checkout.git(&["update-ref", "refs/remotes/origin/main", "main"]);
        checkout.git(&["switch", "--quiet", "--create", "change"]);
        change(&policies);
        checkout.commit("A change");
        checkout
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .current_dir(self.path())
            .args(["-c", "user.name=Example", "-c", "user.email=example@example.org"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    /// Runs lines as a CI system does: one script that ends at the first line that fails.
    fn run(&self, lines: &[String], variables: &BTreeMap<&str, String>) -> Output {
        let binaries = PathBuf::from(env!("CARGO_BIN_EXE_poort")).parent().unwrap().to_owned();
        let path = format!("{}:{}:{}", self.path().join("bin").display(), binaries.display(), env!("PATH"));
        Command::new("bash")
            .current_dir(self.path())
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &lines.join("\n")])
            .env("PATH", path)
            .env("XDG_CACHE_HOME", self.path().join("cache"))
            .envs(variables)
            .output()
            .unwrap()
    }
}

fn lines(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
}

#[track_caller]
fn ended(output: &Output, code: i32) {
    let (out, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}\n{told}");
}

/// Takes one request and keeps its body.
fn gitlab_api() -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = String::new();
        let mut buffer = [0; 4096];
        loop {
            let count = stream.read(&mut buffer).unwrap();
            request.push_str(&String::from_utf8_lossy(&buffer[..count]));
            let Some((head, body)) = request.split_once("\r\n\r\n") else { continue };
            if head.contains("100-continue") && body.is_empty() {
                stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
            }
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
            if body.len() >= length.parse().unwrap() {
                break;
            }
        }
        stream.write_all(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}").unwrap();
        sender.send(request).unwrap();
    });
    (address, receiver)
}

fn on_gitlab(checkout: &Checkout) -> (Output, Option<String>) {
    let job = &recipe("gitlab")["policies"];
    let (address, requests) = gitlab_api();
    let variables = BTreeMap::from([
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", checkout.git(&["rev-parse", "main"])),
        ("CI_API_V4_URL", address),
        ("CI_PROJECT_ID", "7".to_owned()),
        ("CI_MERGE_REQUEST_IID", "42".to_owned()),
        ("POORT_TOKEN", "a-token".to_owned()),
    ]);
    let script = checkout.run(&lines(&job["script"]), &variables);
    ended(&checkout.run(&lines(&job["after_script"]), &variables), 0);
    let posted = checkout.path().join("diff.md").exists().then(|| requests.recv().unwrap());
    (script, posted)
}

#[test]
fn gitlab_passes_a_harmless_change() {
    let checkout = Checkout::new(true, |policies| {
        fs::write(policies.join("read.cedar"), POLICY.replace("Whoever is trusted", "Who is trusted")).unwrap();
    });
    let (script, posted) = on_gitlab(&checkout);
    ended(&script, 0);
    let posted = posted.unwrap();
    assert!(posted.starts_with("POST /projects/7/merge_requests/42/notes HTTP/1.1"), "{posted}");
    assert!(posted.contains("PRIVATE-TOKEN: a-token") && posted.contains("body="), "{posted}");
    let job = recipe("gitlab");
    let reports = &job["policies"]["artifacts"];
    for file in lines(&reports["paths"]).iter().map(String::as_str).chain(["quality.json", "tests.xml"]) {
        assert!(checkout.path().join(file).exists(), "no {file}");
    }
    for report in reports["reports"].as_object().unwrap().values() {
        assert!(checkout.path().join(report.as_str().unwrap()).exists(), "no {report}");
    }
}

#[test]
fn gitlab_stops_a_change_that_grants() {
    let checkout = Checkout::new(false, |policies| {
        fs::write(policies.join("more.cedar"), GRANTS).unwrap();
        let suite = "cases:
  - name: the exception
    subject: User::eve
    action: read
    table:
      - {resource: {type: Doc, id: d, properties: {level: 9}}, decision: allow}
      - {resource: {type: Doc, id: d, properties: {level: 10}}, decision: deny}
      - {subject: User::ann, resource: {type: Doc, id: d, properties: {level: 9}}, decision: deny}
      - {subject: User::max, resource: {type: Doc, id: d, properties: {level: 9}}, decision: allow, policies: [read]}
";
        fs::write(policies.join("tests/more.yaml"), suite).unwrap();
        let more = r#", {"uid": {"type": "User", "id": "eve"}, "attrs": {"level": 8}, "parents": []},
            {"uid": {"type": "User", "id": "max"}, "attrs": {"level": 9}, "parents": []}]"#;
        fs::write(policies.join("directory/accounts.json"), ACCOUNTS.replace(']', "") + "]" + more).unwrap();
        let accounts = ACCOUNTS.strip_suffix(']').unwrap().to_owned() + more;
        fs::write(policies.join("directory/accounts.json"), accounts).unwrap();
    });
    let (script, posted) = on_gitlab(&checkout);
    ended(&script, 5);
    let posted = posted.unwrap();
    assert!(posted.contains("eve") && posted.contains("more"), "{posted}");

    let poort = |line: &str| checkout.run(&[line.to_owned()], &BTreeMap::new());
    let template = poort("poort diff git:main policies --accept-template");
    ended(&template, 5);
    let entry = String::from_utf8(template.stdout).unwrap();
    fs::write(checkout.path().join("policies/accepted.yaml"), &entry).unwrap();
    // Not filled in, it accepts nothing.
    let (script, _) = on_gitlab(&checkout);
    assert_ne!(script.status.code(), Some(0), "{entry}");
    let filled =
        entry.replace("reason: \"\"", "reason: an example").replace("approved_by: \"\"", "approved_by: E. Voorbeeld");
    assert_ne!(entry, filled);
    fs::write(checkout.path().join("policies/accepted.yaml"), filled).unwrap();
    let (script, _) = on_gitlab(&checkout);
    ended(&script, 0);
}

#[test]
fn github_runs_every_step_and_posts_the_report() {
    let workflow = recipe("github");
    assert_eq!(workflow["permissions"]["pull-requests"], "write");
    // A rule that denies more: shown, and nothing that needs acceptance.
    let checkout = Checkout::new(true, |policies| {
        fs::write(policies.join("read.cedar"), POLICY.replace("<=", "<")).unwrap();
        let suite = SUITE.replace("level: 2}}, decision: allow", "level: 2}}, decision: deny");
        fs::write(policies.join("tests/read.yaml"), suite).unwrap();
    });
    let bin = checkout.path().join("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("gh"), "#!/bin/sh\nprintf '%s\\n' \"$@\" > gh.arguments\ncp \"$5\" gh.body\n").unwrap();
    fs::set_permissions(bin.join("gh"), fs::Permissions::from_mode(0o755)).unwrap();
    let summary = checkout.path().join("summary.md");
    let variables = BTreeMap::from([
        ("GITHUB_BASE_REF", "main".to_owned()),
        ("GITHUB_STEP_SUMMARY", summary.display().to_string()),
        ("GH_TOKEN", "a-token".to_owned()),
        ("NUMBER", "42".to_owned()),
    ]);
    let mut ran = Vec::new();
    for step in workflow["jobs"]["policies"]["steps"].as_array().unwrap() {
        let Some(run) = step["run"].as_str() else {
            assert_eq!(step["uses"], "actions/checkout@v4");
            continue;
        };
        if step["name"].as_str().is_some_and(|name| name.starts_with("Install ")) {
            continue;
        }
        ended(&checkout.run(&[run.to_owned()], &variables), 0);
        ran.push(run.split(' ').take(2).collect::<Vec<_>>().join(" "));
    }
    assert_eq!(ran, ["poort fmt", "poort validate", "poort test", "poort diff", "cat diff.md"]);
    let report = fs::read_to_string(&summary).unwrap();
    assert!(report.contains("newly denied") && report.contains("ann"), "{report}");
    assert_eq!(fs::read_to_string(checkout.path().join("gh.body")).unwrap(), report);
    let arguments = fs::read_to_string(checkout.path().join("gh.arguments")).unwrap();
    assert_eq!(
        arguments.lines().collect::<Vec<_>>(),
        ["pr", "comment", "42", "--body-file", "diff.md", "--edit-last", "--create-if-none"]
    );
}
