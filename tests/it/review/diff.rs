//! `poort diff` and `poort validate --prove` end to end: the real binary, small policy sets, real git repositories.

mod acceptance;
mod accounts;
mod applications;
mod brute_force;
mod directories;
mod first_screen;
mod kinds;
mod reached;
mod reports;
mod sides;

use crate::support::{check, folder};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

pub(crate) const SCHEMA: &str = r#"
entity Group in [Group];
entity Officer in [Group] { level: Long, active: Bool, home: Group };
@source("request")
@parents("unit")
entity Record in [Group] { unit: Group, level: Long };
type Question = { purpose: String, pdp: { hour: Long, today: datetime, now: datetime } };
action consult, combine, erase appliesTo { principal: [Officer], resource: [Record], context: Question };
"#;

pub(crate) const POLICIES: &str = r#"@id("consult")
@title("An officer may consult for purpose 8.")
permit (principal, action == Action::"consult", resource)
when { context.purpose == "8" };

@id("inactive")
@title("Who has left can do nothing.")
forbid (principal, action, resource)
unless { principal.active };
"#;

/// A folder with policies, a cache and nothing else, as one test's world.
pub(crate) struct World {
    folder: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let world = Self { folder: folder() };
        world.side("base", POLICIES);
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn side(&self, name: &str, policies: &str) {
        self.side_with(name, policies, SCHEMA);
    }

    pub(crate) fn side_with(&self, name: &str, policies: &str, schema: &str) {
        let folder = self.path(name);
        fs::create_dir_all(folder.join("directory")).unwrap();
        fs::write(folder.join("schema.cedarschema"), schema).unwrap();
        fs::write(folder.join("all.cedar"), policies).unwrap();
        let group = json!({"type": "Group", "id": "north"});
        let accounts = json!([
            {"uid": group, "attrs": {}, "parents": []},
            {"uid": {"type": "Officer", "id": "officer-1"}, "attrs": {"level": 2, "active": true, "home": group}, "parents": [group]},
            {"uid": {"type": "Officer", "id": "officer-2"}, "attrs": {"level": 1, "active": false, "home": group}, "parents": []},
        ]);
        fs::write(folder.join("directory/accounts.json"), accounts.to_string()).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_poort"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env_remove("CVC5")
            .env("GIT_CEILING_DIRECTORIES", self.folder.path().parent().unwrap());
        command
    }

    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str], code: i32) -> (String, String) {
        check(&self.command(arguments).output().unwrap(), code)
    }

    /// The comparison of `base` with `head`, as JSON.
    #[track_caller]
    pub(crate) fn diff(&self, more: &[&str], code: i32) -> Value {
        let mut arguments = vec!["diff", "base", "head", "--format", "json"];
        arguments.extend(more);
        serde_json::from_str(&self.run(&arguments, code).0).unwrap()
    }

    #[track_caller]
    pub(crate) fn git(&self, arguments: &[&str]) {
        let mut command = Command::new("git");
        command.arg("-C").arg(self.folder.path()).args(["-c", "user.name=t", "-c", "user.email=t@example.org"]);
        check(&command.args(arguments).output().unwrap(), 0);
    }
}

pub(crate) fn wider() -> String {
    POLICIES.replace("context.purpose == \"8\"", "context.purpose == \"8\" || context.purpose == \"9\"")
}

pub(crate) fn differences(comparison: &Value) -> Vec<&Value> {
    let environments = comparison["environments"].as_array().unwrap();
    environments.iter().flat_map(|outcome| outcome["differences"].as_array().unwrap()).collect()
}

// ---- what is found ----

#[test]
fn a_wider_policy_is_shown_with_a_real_account() {
    let world = World::new();
    world.side("head", &wider());
    let comparison = world.diff(&[], 5);
    assert_eq!(
        comparison["summary"],
        "newly allowed in 1 of 3 environments, newly denied in 0, undecided 0, proven equal 2"
    );
    let found = differences(&comparison);
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0]["change"], &found[0]["policies"]), (&json!("newly-allowed"), &json!(["consult"])));
    let example = &found[0]["example"];
    assert_eq!(example["real"], true, "{example:#}");
    assert_eq!(example["question"]["subject"]["id"], "officer-1");
    assert_eq!(example["question"]["context"], json!({"purpose": "9"}));
    assert_eq!(
        comparison["policies"][0]["lines"][4],
        json!({
            "mark": "+", "base": null, "head": 4, "text": "when { context.purpose == \"8\" || context.purpose == \"9\" };"
        })
    );
    // The example is a question that `poort evaluate` answers as the report says.
    let question = world.path("question.json");
    fs::write(&question, example["question"].to_string()).unwrap();
    for (side, code) in [("base", 2), ("head", 0)] {
        world.run(&["evaluate", "--policies", side, question.to_str().unwrap()], code);
    }
}

#[test]
fn a_narrower_policy_needs_acceptance_only_if_strict() {
    let world = World::new();
    world
        .side("head", &POLICIES.replace("context.purpose == \"8\"", "context.purpose == \"8\" && principal.level > 2"));
    let comparison = world.diff(&[], 0);
    assert_eq!(differences(&comparison)[0]["change"], "newly-denied");
    assert_eq!(differences(&comparison)[0]["example"]["question"]["subject"]["id"], "officer-1");
    world.diff(&["--strict"], 5);
}

#[test]
fn a_reworded_policy_is_listed_and_no_difference() {
    let world = World::new();
    world.side("head", &POLICIES.replace("for purpose 8.", "for the daily task."));
    let comparison = world.diff(&[], 0);
    assert_eq!(comparison["counts"]["equal"], 3);
    assert_eq!(comparison["policies"][0]["change"], "reworded");
    assert_eq!(comparison["policies"][0]["annotations"][0]["after"], "An officer may consult for the daily task.");
}

#[test]
fn another_way_to_say_the_same_is_proven_equal() {
    let world = World::new();
    world.side("head", &POLICIES.replace("context.purpose == \"8\"", "[\"8\"].contains(context.purpose)"));
    let comparison = world.diff(&[], 0);
    assert_eq!((&comparison["counts"]["equal"], &comparison["policies"][0]["change"]), (&json!(3), &json!("changed")));
}

#[test]
fn a_cause_behind_another_is_shown_too() {
    let world = World::new();
    let more = format!(
        "{}\n@id(\"more\") permit (principal, action == Action::\"consult\", resource) when {{ context.purpose == \"10\" }};",
        wider()
    );
    world.side("head", &more);
    let comparison = world.diff(&[], 5);
    let causes: Vec<_> = differences(&comparison).iter().map(|found| found["policies"].clone()).collect();
    assert_eq!(causes, [json!(["consult"]), json!(["more"])]);
}

#[test]
fn a_cause_that_needs_another_is_not_hidden_behind_it() {
    let world = World::new();
    let with = |consult: &str, forbid: &str| {
        format!(
            "@id(\"chief\") permit (principal, action == Action::\"consult\", resource) when {{ principal.level > 3 }};\n\
             @id(\"consult\") permit (principal, action == Action::\"consult\", resource) when {{ {consult} }};\n{forbid}"
        )
    };
    let forbid = "@id(\"never\") forbid (principal, action, resource) when { context.purpose == \"9\" };";
    world.side("base", &with("context.purpose == \"8\"", forbid));
    world.side("head", &with("context.purpose == \"8\" || (context.purpose == \"9\" && principal.active)", ""));
    let comparison = world.diff(&[], 5);
    let causes: Vec<_> = differences(&comparison).iter().map(|found| found["policies"].clone()).collect();
    // For chiefs the removed forbid suffices; the others need the wider permit too.
    assert_eq!(causes, [json!(["consult", "never"]), json!(["never"])], "{comparison:#}");
}

#[test]
fn a_policy_that_fails_denies_as_poort_does() {
    let world = World::new();
    // Cedar alone would skip this forbid where it overflows, and so see no difference.
    let failing =
        "@id(\"sum\") forbid (principal, action, resource) when { principal.level + 1 < -9223372036854775807 };";
    world.side("head", &format!("{POLICIES}\n{failing}"));
    let comparison = world.diff(&[], 0);
    let found = differences(&comparison);
    assert_eq!(found.len(), 1, "{comparison:#}");
    assert_eq!((&found[0]["change"], &found[0]["policies"]), (&json!("newly-denied"), &json!(["sum"])));
    assert!(found[0]["head"]["reason"].as_str().unwrap().contains("could not be evaluated"), "{comparison:#}");
    // Nor does a permit that fails leave the others in force.
    let failing =
        "@id(\"sum\") permit (principal, action, resource) when { principal.level + 1 < -9223372036854775807 };";
    world.side("head", &format!("{POLICIES}\n{failing}"));
    let comparison = world.diff(&[], 0);
    assert_eq!(differences(&comparison).len(), 1, "{comparison:#}");
    assert_eq!(differences(&comparison)[0]["change"], "newly-denied");
}

#[test]
fn a_policy_that_reads_a_missing_entity_fails() {
    let world = World::new();
    let schema = SCHEMA.replace("entity Group in [Group];", "entity Group in [Group] { open?: Bool, name: String };");
    // Never true; but of a unit that the directory does not know, nothing can be read.
    let looking =
        "@id(\"looks\") forbid (principal, action, resource) when { resource.unit.name != resource.unit.name };";
    for (side, policies) in [("base", POLICIES.to_owned()), ("head", format!("{POLICIES}\n{looking}"))] {
        world.side_with(side, &policies, &schema);
        let accounts = world.path(side).join("directory/accounts.json");
        let text = fs::read_to_string(&accounts).unwrap().replacen("\"attrs\":{}", "\"attrs\":{\"name\":\"North\"}", 1);
        fs::write(&accounts, text).unwrap();
    }
    let comparison = world.diff(&[], 0);
    let found = differences(&comparison);
    assert_eq!(found.len(), 1, "{comparison:#}");
    assert_eq!((&found[0]["change"], &found[0]["policies"]), (&json!("newly-denied"), &json!(["looks"])));
    assert!(!found[0].to_string().contains("poort: in the directory"), "{comparison:#}");
    let (out, told) = world.run(&["validate", "head", "--prove", "--deny-warnings"], 3);
    let fails = "1 of them fail, and poort then denies, where a question leads to an entity that the directory does not know: `looks`";
    assert!((out + &told).contains(fails), "{told}");
    // Asking whether there is something to read never fails.
    let asking = looking.replace("resource.unit.name != resource.unit.name", "resource.unit has open && 1 > 2");
    fs::write(world.path("head/all.cedar"), format!("{POLICIES}\n{asking}")).unwrap();
    assert_eq!(world.diff(&[], 0)["counts"]["equal"], 3);
    let (out, told) = world.run(&["validate", "head", "--prove"], 0);
    assert!(out.contains("0 can fail") && !(out + &told).contains("of them fail"), "{told}");
}

#[test]
fn no_difference_rests_on_what_poort_never_asks() {
    let world = World::new();
    let never = [
        "context.pdp.hour > 23",
        "context.pdp.hour < 0",
        "context.pdp.today != context.pdp.today.toDate()",
        "context.pdp.now > context.pdp.today.offset(duration(\"3d\"))",
        "resource in Group::\"north\" && !(resource.unit in Group::\"north\")",
        "!(resource in resource.unit)",
        "resource.level > 9007199254740991",
    ];
    let never: String = never
        .iter()
        .enumerate()
        .map(|(index, never)| format!("@id(\"n{index}\") permit (principal, action, resource) when {{ {never} }};\n"))
        .collect();
    world.side("head", &format!("{POLICIES}\n{never}"));
    let comparison = world.diff(&[], 0);
    assert_eq!(comparison["counts"]["equal"], 3, "{comparison:#}");
    let (_, told) = world.run(&["validate", "head", "--prove"], 0);
    assert!(told.contains("`n0` never applies"), "{told}");
}

#[test]
fn an_action_that_is_new_was_refused_before() {
    let world = World::new();
    let schema = SCHEMA.replace("consult, combine,", "consult, combine, disclose,");
    let policies = format!("{POLICIES}\n@id(\"new\") permit (principal, action == Action::\"disclose\", resource);");
    world.side_with("head", &policies, &schema);
    let comparison = world.diff(&[], 5);
    let found = differences(&comparison);
    assert_eq!(
        (&found[0]["policies"], &found[0]["base"]["reason"]),
        (&json!(["new"]), &json!("Refused: the schema does not have this question."))
    );
    assert_eq!(comparison["schema"][0]["name"], "Action::\"disclose\"");
    // The other way it is newly denied.
    let (out, _) = world.run(&["diff", "head", "base"], 0);
    assert!(out.contains("\nnewly allowed in 0 of 4 environments, newly denied in 1,"), "{out}");
}

#[test]
fn changed_types_are_compared_under_the_new_schema_or_not() {
    let world = World::new();
    let never = "@id(\"never\") forbid (principal, action, resource) when { resource has secret && 1 > 2 };";
    let schema = SCHEMA.replace("level: Long };", "level: Long, secret?: Bool };");
    world.side_with("head", &format!("{POLICIES}\n{never}"), &schema);
    let comparison = world.diff(&[], 0);
    assert_eq!(comparison["counts"]["equal"], 3);
    assert!(comparison["environments"][0]["note"].as_str().unwrap().contains("under the new schema"));
    assert_eq!(comparison["schema"][0]["added"], json!(["secret?: Bool"]));
    // The old policies read what the new schema does not have.
    let renamed = |text: &str| text.replace("active", "present");
    world.side_with("head", &renamed(POLICIES), &renamed(SCHEMA));
    let accounts = world.path("head/directory/accounts.json");
    fs::write(&accounts, renamed(&fs::read_to_string(&accounts).unwrap())).unwrap();
    let comparison = world.diff(&[], 5);
    assert_eq!((&comparison["counts"]["undecided"], &comparison["counts"]["equal"]), (&json!(3), &json!(0)));
    assert_eq!(comparison["passed"], false);
}

#[test]
fn what_no_policy_reads_makes_no_environment_new() {
    const SHARED: &str = r#"
        type Grant = { level: Long };
        entity Unit;
        entity Officer { unit: Unit, own: Grant, other: Grant } tags Grant;
        @source("request") entity Record { system: String, level: Long };
        type Question = { purpose: String };
        action consult, erase appliesTo { principal: Officer, resource: Record, context: Question };
    "#;
    let into = "@id(\"grant\") permit (principal, action == Action::\"consult\", resource)
        when { principal.own.level > 1 && principal.hasTag(resource.system) && principal.getTag(resource.system).level > 1 };";
    let whole = "@id(\"whole\") permit (principal, action == Action::\"erase\", resource) when { principal.own == principal.other };";
    let world = World::new();
    let policies = format!("{into}\n{whole}");
    for (name, from, to, compared) in [
        ("of a question", "purpose: String", "purpose: String, note?: String", [false, false]),
        ("of an account", "unit: Unit,", "unit: Unit, badge: Long,", [false, false]),
        (
            "in a record that is looked into",
            "type Grant = { level: Long }",
            "type Grant = { level: Long, note?: String }",
            [false, true],
        ),
        (
            "a type that is read",
            "type Grant = { level: Long }",
            "type Grant = { level: Long, extra: Unit }",
            [false, true],
        ),
        ("what is read", "own: Grant", "own: { level: Long, at?: Unit }", [false, true]),
    ] {
        assert!(SHARED.contains(from), "{name}");
        let whole = if from == "own: Grant" { "other: Grant" } else { "no other" };
        let head = SHARED.replace(from, to).replace(whole, "other: { level: Long, at?: Unit }");
        for (side, schema) in [("base", SHARED), ("head", &head)] {
            world.side_with(side, &policies, schema);
            fs::write(world.path(side).join("directory/accounts.json"), "[]").unwrap();
        }
        let comparison = world.diff(&[], 0);
        let environments = comparison["environments"].as_array().unwrap();
        let settled: Vec<_> = environments.iter().map(|it| it["settled"] != "unchanged").collect();
        assert_eq!(settled, compared, "{name}: {comparison}");
    }
}

// ---- acceptance ----

#[test]
fn what_reviewers_accepted_passes_and_nothing_else_does() {
    let world = World::new();
    world.side("head", &wider());
    let (template, _) = world.run(&["diff", "base", "head", "--accept-template"], 5);
    assert!(template.contains("change: newly-allowed") && template.contains("policies: [\"consult\"]"), "{template}");
    let accept = world.path("accepted.yaml");
    let accepted = |text: &str| fs::write(&accept, text).unwrap();
    // An entry without a reason is no acceptance.
    accepted(&template);
    assert!(world.run(&["diff", "base", "head", "--accept", "accepted.yaml"], 64).1.contains("`reason` is empty"));
    let whole = template.replace("reason: \"\"", "reason: \"new task\"").replace("by: \"\"", "by: \"the officer\"");
    accepted(&whole);
    world.run(&["diff", "base", "head", "--accept", "accepted.yaml"], 0);
    // Of another policy, for another action, and in another direction.
    for (from, to) in
        [("\"consult\"]", "\"other\"]"), ("action: \"consult\"", "action: \"erase\""), ("-allowed", "-denied")]
    {
        accepted(&whole.replace(from, to));
        let (_, told) = world.run(&["diff", "base", "head", "--accept", "accepted.yaml"], 5);
        assert!(told.contains("accepted.yaml: entry 1 covers nothing"), "{told}");
    }
    accepted("- {change: newly-allowed");
    world.run(&["diff", "base", "head", "--accept", "accepted.yaml"], 64);
    world.run(&["diff", "base", "head", "--accept", "missing.yaml"], 64);
}

// ---- git ----

#[test]
fn revisions_are_read_from_git_without_a_checkout() {
    let world = World::new();
    world.git(&["init", "-q", "-b", "main"]);
    fs::rename(world.path("base"), world.path("policies")).unwrap();
    world.git(&["add", "policies"]);
    world.git(&["commit", "-qm", "one"]);
    world.side("policies", &wider());
    let (out, _) = world.run(&["diff", "git:main", "policies"], 5);
    assert!(out.contains("\nnewly allowed in 1 of 3 environments"), "{out}");
    assert!(out.contains("compared: git:main (") && out.contains(") with policies ("), "{out}");
    world.git(&["mv", "policies", "moved"]);
    world.git(&["commit", "-qam", "two"]);
    let (out, _) = world.run(&["diff", "git:HEAD~1:policies", "git:HEAD:moved"], 5);
    assert!(out.contains("\nnewly allowed in 1 of 3 environments"), "{out}");
    assert!(out.contains("moved/all.cedar:1"), "{out}");
    // Relative to the repository, also from a folder in it.
    let mut command = world.command(&["diff", "git:main~1", "git:main~1"]);
    fs::create_dir(world.path("moved/deeper")).unwrap();
    let out = command.args(["--policies", "../../policies"]).current_dir(world.path("moved/deeper")).output().unwrap();
    check(&out, 0);
}

#[test]
fn a_revision_that_cannot_be_read_says_why() {
    let world = World::new();
    assert!(world.run(&["diff", "git:main", "base"], 64).1.contains("not inside a git repository"));
    world.git(&["init", "-q", "-b", "main"]);
    world.git(&["add", "base"]);
    world.git(&["commit", "-qm", "one"]);
    assert!(world.run(&["diff", "git:nowhere", "base"], 64).1.contains("does not know the revision `nowhere`"));
    assert!(world.run(&["diff", "git:main:other", "base"], 64).1.contains("no policies in the folder `other`"));
    assert!(world.run(&["diff", "git:--all", "base"], 64).1.contains("is no revision"));
    std::os::unix::fs::symlink("all.cedar", world.path("base/link.cedar")).unwrap();
    world.git(&["add", "base"]);
    world.git(&["commit", "-qm", "two"]);
    assert!(world.run(&["diff", "git:main:base", "base"], 64).1.contains("`base/link.cedar` is a symbolic link"));
}

// ---- broken input, no solver, the cache ----

#[test]
fn a_side_that_is_not_valid_is_not_compared() {
    let world = World::new();
    world.side("head", &POLICIES.replace("unless { principal.active };", "unless { principal.active ;"));
    let (out, told) = world.run(&["diff", "base", "head"], 3);
    assert_eq!(out, "");
    assert!(told.contains("head/all.cedar:") && told.contains("head is not valid"), "{told}");
    fs::create_dir(world.path("empty")).unwrap();
    world.run(&["diff", "base", "empty"], 3);
    world.run(&["diff", "nowhere", "base"], 3);
}

#[test]
fn commands_that_need_a_missing_solver_say_so() {
    let world = World::new();
    world.side("head", &wider());
    fs::create_dir(world.path("bin")).unwrap();
    for arguments in [&["diff", "base", "head"][..], &["validate", "base", "--prove"]] {
        let output = world.command(arguments).env("PATH", world.path("bin")).output().unwrap();
        let (_, told) = check(&output, 64);
        assert!(told.contains("apt-get install cvc5") && told.lines().count() == 1, "{told}");
    }
    check(&world.command(&["validate", "base"]).env("PATH", world.path("bin")).output().unwrap(), 0);
}

/// A solver that writes down that it was started.
fn recording_solver(world: &World, then: &str) -> PathBuf {
    let script = world.path("solver");
    let log = world.path("started");
    fs::write(&script, format!("#!/bin/sh\necho started >> '{}'\n{then}\n", log.display())).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    script
}

fn starts(world: &World) -> usize {
    fs::read_to_string(world.path("started")).unwrap_or_default().lines().count()
}

#[test]
fn a_second_run_needs_no_solver() {
    let world = World::new();
    world.side("head", &wider());
    let solver = recording_solver(&world, "exec cvc5 \"$@\"");
    let run =
        |arguments: &[&str], code| check(&world.command(arguments).env("CVC5", &solver).output().unwrap(), code).0;
    let first = run(&["diff", "base", "head"], 5);
    let before = starts(&world);
    assert!(before > 0);
    assert_eq!(run(&["diff", "base", "head"], 5), first);
    assert_eq!(starts(&world), before, "the solver was started again");
    // A damaged result is made again, and so is one that is not wanted.
    for entry in fs::read_dir(world.path("cache/poort")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("newly-allowed", "newly-denied")).unwrap();
    }
    assert_eq!(run(&["diff", "base", "head"], 5), first);
    assert!(starts(&world) > before);
    let before = starts(&world);
    run(&["diff", "base", "head", "--no-cache"], 5);
    assert!(starts(&world) > before);
}

#[test]
fn a_failing_solver_means_undecided_and_no_pass() {
    let world = World::new();
    world.side("head", &POLICIES.replace("context.purpose == \"8\"", "[\"8\"].contains(context.purpose)"));
    for then in
        ["exit 1", "cat > /dev/null", "while read line; do case \"$line\" in *check-sat*) echo unknown;; esac; done"]
    {
        let solver = recording_solver(&world, then);
        let mut command = world.command(&["diff", "base", "head", "--timeout", "0.1"]);
        let (out, _) = check(&command.env("CVC5", &solver).output().unwrap(), 5);
        assert!(
            out.contains("undecided 1, proven equal 2") && out.contains("not passed: 1 environment undecided"),
            "{out}"
        );
        // Nothing undecided is kept.
        assert!(!world.path("cache/poort").exists(), "{then}");
    }
    check(&world.command(&["diff", "base", "head"]).output().unwrap(), 0);
}

// ---- reports ----

#[test]
fn every_report_names_the_difference_and_its_place() {
    let world = World::new();
    world.side("head", &wider().replace("for purpose 8.", "for <b>purpose</b> 8 | 9."));
    let files = ["json=r.json", "markdown=r.md", "sarif=r.sarif", "junit=r.xml", "html=r.html"];
    let mut arguments = vec!["diff", "base", "head"];
    files.iter().for_each(|file| arguments.extend(["--report", file]));
    let (out, _) = world.run(&arguments, 5);
    assert!(out.contains("NEWLY ALLOWED  Officer × consult × Record, by `consult`"), "{out}");
    assert!(out.contains("    4 + when { context.purpose == \"8\" || context.purpose == \"9\" };"), "{out}");
    let read = |name: &str| fs::read_to_string(world.path(name)).unwrap();
    let sarif: Value = serde_json::from_str(&read("r.sarif")).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!((&result["ruleId"], &result["level"]), (&json!("diff::newly-allowed"), &json!("error")));
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "head/all.cedar");
    assert_eq!(place["region"]["startLine"], 4);
    assert!(read("r.xml").contains("tests=\"3\" skipped=\"0\" failures=\"1\" errors=\"0\""), "{}", read("r.xml"));
    let markdown = read("r.md");
    assert!(markdown.contains("### ❌ Newly allowed: Officer × consult × Record, by `consult`"), "{markdown}");
    assert!(markdown.contains("&lt;b&gt;purpose&lt;/b&gt; 8 \\| 9"), "{markdown}");
    let html = read("r.html");
    assert!(html.contains("not passed") && html.contains("officer-1") && !html.contains("<b>purpose"), "{html}");
    for reference in ["src=", "href=", "url(", "http://", "https://", "@import"] {
        assert!(!html.contains(reference), "{reference} in the page");
    }
}

#[test]
fn a_policy_that_was_removed_is_shown_where_it_stood() {
    let world = World::new();
    world.side("head", POLICIES.split("@id(\"inactive\")").next().unwrap());
    world.run(&["diff", "base", "head", "--report", "sarif=r.sarif"], 5);
    let sarif: Value = serde_json::from_str(&fs::read_to_string(world.path("r.sarif")).unwrap()).unwrap();
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(
        (&place["artifactLocation"]["uri"], &place["region"]["startLine"]),
        (&json!("base/all.cedar"), &json!(8))
    );
}

#[test]
fn a_link_is_shown_where_its_values_are() {
    let world = World::new();
    let template = "\n@id(\"one\") @title(\"One officer may erase.\") permit (principal == ?principal, action == \
                    Action::\"erase\", resource);\n";
    for (side, officer) in [("base", "officer-2"), ("head", "officer-1")] {
        world.side(side, &format!("{POLICIES}{template}"));
        // The id of the first link begins with that of the second.
        let link = |id: &str, officer: &str| json!({"template_id": "one", "link_id": id, "args": {"?principal": format!("Officer::\"{officer}\"")}});
        let links = format!("[\n  {},\n  {}\n]\n", link("one.erase.2", "officer-2"), link("one.erase", officer));
        fs::write(world.path(side).join("some.links.json"), links).unwrap();
    }
    let (out, _) = world.run(&["diff", "base", "head", "--report", "sarif=r.sarif"], 5);
    assert!(out.contains("changed one.erase  head/some.links.json:3\n"), "{out}");
    let line = out.lines().find(|line| line.contains("    3 + ")).unwrap_or_else(|| panic!("{out}"));
    assert!(line.contains("officer-1"), "{out}");
    let sarif = fs::read_to_string(world.path("r.sarif")).unwrap();
    assert!(sarif.contains("head/some.links.json"), "{sarif}");
}

#[test]
fn a_filter_says_what_it_leaves_out() {
    let world = World::new();
    world.side("head", &wider());
    let (out, _) = world.run(&["diff", "base", "head", "--env", "× erase ×"], 5);
    assert!(out.contains("of 1 environments") && out.contains("2 environments left out by --env"), "{out}");
    world.run(&["diff", "base", "head", "--env", "nothing"], 64);
}

// ---- guarantees and policies without effect ----

fn guarantee(world: &World, text: &str) {
    let folder = world.path("base/guarantees");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("g.cedar"), text).unwrap();
}

#[test]
fn guarantees_are_proven_or_broken_with_a_question() {
    let world = World::new();
    guarantee(
        &world,
        "@id(\"g.left\") @title(\"t\") forbid (principal, action, resource) unless { principal.active };\n\
         @id(\"g.eight\") permit (principal, action == Action::\"consult\", resource)\n\
         when { principal.active && context.purpose == \"8\" };\n",
    );
    let (out, told) = world.run(&["validate", "base", "--prove"], 0);
    assert!(out.contains("guarantees: 2 of 2 proven, 0 broken, 0 undecided"), "{out}\n{told}");
    guarantee(
        &world,
        "@id(\"g.level\") forbid (principal, action, resource) when { resource.level > principal.level };",
    );
    let (_, told) = world.run(&["validate", "base", "--prove"], 3);
    assert!(told.contains("guarantee::broken") && told.contains("base/guarantees/g.cedar:1:1"), "{told}");
    guarantee(&world, "@id(\"g.all\") permit (principal, action == Action::\"consult\", resource);");
    let (_, told) = world.run(&["validate", "base", "--prove"], 3);
    assert!(told.contains("is denied"), "{told}");
    guarantee(&world, "@id(\"g\") permit (principal, action, resource) when { principal.nothing };");
    world.run(&["validate", "base", "--prove"], 3);
}

#[test]
fn a_fallible_forbid_breaks_a_permit_guarantee() {
    let world = World::new();
    world.side("base", &format!(
        "{POLICIES}\n@id(\"sum\") forbid (principal, action, resource) when {{ principal.level + 1 < -9223372036854775807 }};"
    ));
    guarantee(
        &world,
        "@id(\"g\") permit (principal, action == Action::\"consult\", resource)\n\
         when { principal.active && context.purpose == \"8\" };\n",
    );
    let (_, told) = world.run(&["validate", "base", "--prove"], 3);
    assert!(told.contains("guarantee::broken") && told.contains("policy::can-fail"), "{told}");
    assert!(told.contains("`sum` cannot be evaluated for some requests"), "{told}");
}

#[test]
fn policies_without_effect_are_named_once() {
    let world = World::new();
    world.side(
        "base",
        &format!(
            "{POLICIES}\n\
         @id(\"narrow\") permit (principal, action == Action::\"consult\", resource)\n\
         when {{ context.purpose == \"8\" && principal.level > 1 }};\n\
         @id(\"twin\") forbid (principal, action, resource) unless {{ principal.active }};\n\
         @id(\"advises\") @advice(\"look out\") permit (principal, action == Action::\"consult\", resource)\n\
         when {{ context.purpose == \"8\" }};\n\
         @id(\"impossible\") permit (principal, action == Action::\"erase\", resource)\n\
         when {{ context.purpose == \"8\" && context.purpose == \"9\" }};\n\
         @id(\"no-hour\") permit (principal, action == Action::\"erase\", resource) when {{ context.pdp.hour == 24 }};\n"
        ),
    );
    // What a case shows of policies that decide together says nothing of each alone.
    let case = |subject: &str, decision: &str| {
        let resource = "{type: Record, id: r, properties: {unit: north, level: 1}}";
        format!(
            "  - {{name: {subject}, subject: \"Officer::{subject}\", action: consult, resource: {resource}, context: {{purpose: \"8\"}}, \
             decision: {decision}}}\n"
        )
    };
    let suite = format!("name: s\ncases:\n{}{}", case("officer-1", "allow"), case("officer-2", "deny"));
    for suite in [None, Some(suite)] {
        if let Some(suite) = suite {
            fs::create_dir(world.path("base/tests")).unwrap();
            fs::write(world.path("base/tests/s.yaml"), suite).unwrap();
            // A case in Cedar's form may be about an hour that no question has.
            let context = json!({"purpose": "8", "pdp": {"hour": 24, "today": "2026-11-23", "now": "2026-11-23"}});
            let request = json!({"principal": "Officer::\"o\"", "action": "Action::\"erase\"", "resource": "Record::\"r\"", "context": context});
            let case = json!([{"request": request, "entities": "o.entities.json", "decision": "allow", "reason": ["no-hour"], "num_errors": 0}]);
            let group = json!({"type": "Group", "id": "north"});
            let entities = json!([
                {"uid": {"type": "Officer", "id": "o"}, "attrs": {"level": 1, "active": true, "home": group}, "parents": []},
                {"uid": {"type": "Record", "id": "r"}, "attrs": {"unit": group, "level": 1}, "parents": []},
            ]);
            fs::write(world.path("base/tests/c.json"), case.to_string()).unwrap();
            fs::write(world.path("base/tests/o.entities.json"), entities.to_string()).unwrap();
            world.run(&["test", "base"], 0);
        }
        let (out, told) = world.run(&["validate", "base", "--prove", "--no-cache"], 0);
        assert!(
            out.contains("checked 7 policies: 2 never apply, 3 have no effect, 0 can fail, 0 undecided"),
            "{out}\n{told}"
        );
        assert!(told.contains("`impossible` never applies"), "{told}");
        assert!(told.contains("`no-hour` never applies"), "{told}");
        assert!(told.contains("`narrow` has no effect: all that it permits, `advises` permits too"), "{told}");
        assert!(told.contains("`twin` has no effect: all that it forbids, `inactive` forbids too"), "{told}");
    }
}

#[test]
fn a_report_that_cannot_be_written_fails() {
    let world = World::new();
    world.side("head", &wider());
    world.run(&["diff", "base", "head", "--report", "html=nowhere/r.html"], 1);
    assert!(Path::new(env!("CARGO_BIN_EXE_poort")).exists());
}

// ---- what the same question means ----

#[test]
fn a_schema_that_changes_a_questions_meaning_is_never_equal() {
    let reads_level =
        "@id(\"level\") permit (principal, action in Action::\"write\", resource) when { principal.level > 1 };\n";
    let grouped = SCHEMA.replace("action consult", "action write;\naction consult");
    for (name, base, head) in [
        ("a group of actions", grouped.clone(), grouped.replace("erase appliesTo", "erase in [write] appliesTo")),
        (
            "who speaks for an account",
            grouped.clone(),
            grouped.replace("entity Officer", "@source(\"request\")\nentity Officer"),
        ),
        ("what lies in what", grouped.replace("@parents(\"unit\")\n", ""), grouped.clone()),
        (
            "which questions are refused",
            grouped.clone(),
            grouped.replace("purpose: String,", "purpose: String, case: String,"),
        ),
    ] {
        let world = World::new();
        for (side, schema) in [("base", &base), ("head", &head)] {
            world.side_with(side, reads_level, schema);
            if schema.contains("@source(\"request\")\nentity Officer") {
                fs::write(world.path(side).join("directory/accounts.json"), "[]").unwrap();
            }
        }
        let comparison = world.diff(&[], 5);
        assert_eq!(comparison["passed"], false, "{name}: {comparison}");
        assert_ne!(comparison["counts"]["undecided"], 0, "{name}: {comparison}");
    }
}

#[test]
fn a_proof_depends_on_types_that_only_a_policy_names() {
    let world = World::new();
    let schema = |config: &str| format!("{SCHEMA}entity Config {{ {config} }};\n");
    let policy = |more: &str| {
        format!("@id(\"open\") permit (principal, action, resource) when {{ Config::\"main\" has open {more}}};\n")
    };
    let (always, also) = (policy(""), policy("&& Config::\"main\" has open "));
    world.side_with("base", &always, &schema("open: Bool"));
    world.side_with("head", &also, &schema("open: Bool"));
    assert_eq!(world.diff(&[], 0)["counts"]["equal"], 3);
    // The same texts under another schema are another question: what was kept does not answer it.
    world.side_with("head", &also.replace("&& Config", "|| Config"), &schema("open?: Bool"));
    world.side_with("base", &always, &schema("open: Bool"));
    let (kept, fresh) = (world.diff(&[], 0), world.diff(&["--no-cache"], 0));
    assert_eq!(kept["counts"], fresh["counts"]);
    assert!(kept["environments"][0]["note"].is_string(), "{kept}");
}

#[test]
fn proofs_are_refused_where_unknown_entities_are_evaluated() {
    let world = World::new();
    world.side("head", POLICIES);
    fs::write(world.path("poort.toml"), "[directory]\nunknown = \"evaluate\"\n").unwrap();
    for arguments in [&["diff", "base", "head"][..], &["validate", "base", "--prove"]] {
        assert!(world.run(arguments, 64).1.contains("directory.unknown"), "{arguments:?}");
    }
}

#[test]
fn a_policy_that_denies_by_failing_is_not_called_redundant() {
    let world = World::new();
    let policies = "@id(\"a\") permit (principal, action, resource) when { principal.level > 1 };
        @id(\"b\") permit (principal, action, resource)
        when { principal.level > 2 && resource.unit in principal.home && principal.home.open };\n";
    world.side_with(
        "base",
        policies,
        &SCHEMA.replace("entity Group in [Group];", "entity Group in [Group] { open: Bool };"),
    );
    let accounts = world.path("base/directory/accounts.json");
    let text = fs::read_to_string(&accounts).unwrap().replacen("\"attrs\":{}", "\"attrs\":{\"open\":true}", 1);
    fs::write(&accounts, text).unwrap();
    let (out, told) = world.run(&["validate", "base", "--prove"], 0);
    assert!(out.contains("0 have no effect"), "{out}\n{told}");
}

#[test]
fn acceptance_does_not_cover_a_policys_next_change() {
    let world = World::new();
    world.side("head", &wider());
    let (template, _) = world.run(&["diff", "base", "head", "--accept-template"], 5);
    let accepted = template.replace("reason: \"\"", "reason: \"new task\"").replace("by: \"\"", "by: \"the officer\"");
    fs::write(world.path("accepted.yaml"), accepted).unwrap();
    world.run(&["diff", "base", "head", "--accept", "accepted.yaml"], 0);
    // The same policy, the same environments, and now for every purpose.
    world.side("head", &POLICIES.replace("\nwhen { context.purpose == \"8\" }", ""));
    world.run(&["diff", "base", "head", "--accept", "accepted.yaml"], 5);
}
