//! Reloads of policies and directory under load: a good change is active soon, a bad one changes nothing, and no
//! decision mixes two snapshots.

use crate::support::{Exposition, Sidecar, allowed, copied_policies, copy_folder, folder, message, run, until};
use poort::api::pb::{self, access_evaluation_client::AccessEvaluationClient};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    os::unix::fs::symlink,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::task::{JoinHandle, spawn_blocking};
use tonic::transport::Channel;

/// The revisions of policies and directory.
type World = (String, String);

/// The revisions of a policy folder with the directory in it, which must be valid.
#[track_caller]
fn world(policies: &Path) -> World {
    let output = run(["validate".as_ref(), policies.as_os_str()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let revision = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).trim().to_owned()
    };
    (revision("policies "), revision("directory "))
}

/// The same for files in separate folders.
#[track_caller]
fn world_of(policies: &Path, directory: &Path) -> World {
    let joined = folder();
    let copy = joined.path().join("policies");
    copy_folder(policies, &copy);
    fs::remove_dir_all(copy.join("directory")).unwrap_or_default();
    copy_folder(directory, &copy.join("directory"));
    world(&copy)
}

fn world_in(answer: &pb::EvaluateResponse) -> World {
    (answer.revision.clone(), answer.directory_revision.clone())
}

/// The world that answers now.
async fn active(client: &AccessEvaluationClient<Channel>) -> World {
    world_in(&client.clone().evaluate(message(&allowed())).await.unwrap().into_inner())
}

async fn until_active(client: &AccessEvaluationClient<Channel>, expected: &World) {
    until("the new revision", async || (active(client).await == *expected).then_some(())).await;
}

/// A file changed as an editor does it.
#[track_caller]
fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from} is not in {}", file.display());
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

/// Removes an account from the directory.
fn remove_account(policies: &Path, id: &str) {
    let file = policies.join("directory/accounts.json");
    let mut accounts: Vec<Value> = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let before = accounts.len();
    accounts.retain(|account| account["uid"]["id"] != id);
    assert_eq!(accounts.len() + 1, before);
    fs::write(&file, serde_json::to_string_pretty(&accounts).unwrap()).unwrap();
}

/// Asks without pause until it is stopped, singly and in batches. Every question must be answered. Returns what each
/// pair of revisions decided.
struct Load {
    over: Arc<AtomicBool>,
    asking: Vec<JoinHandle<BTreeSet<(World, bool)>>>,
}

impl Load {
    async fn on(sidecar: &Sidecar) -> Self {
        Self::with_batches(sidecar, 4).await
    }

    /// With this many items in a batch.
    async fn with_batches(sidecar: &Sidecar, items: usize) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let mut asking = Vec::new();
        for _ in 0..2 {
            let (mut client, over) = (sidecar.grpc().await, over.clone());
            asking.push(tokio::spawn(async move {
                let mut seen = BTreeSet::new();
                loop {
                    // Read before the question, so that what is active at the end is seen too.
                    let is_last = over.load(Ordering::SeqCst);
                    let answer = client.evaluate(message(&allowed())).await.unwrap().into_inner();
                    seen.insert((world_in(&answer), answer.decision));
                    let evaluations = vec![message(&allowed()); items];
                    let batch = pb::EvaluateBatchRequest { evaluations, ..Default::default() };
                    let answers = client.evaluate_batch(batch).await.unwrap().into_inner().evaluations;
                    let of_batch: BTreeSet<_> =
                        answers.iter().map(|answer| (world_in(answer), answer.decision)).collect();
                    assert_eq!(of_batch.len(), 1, "a batch saw two worlds: {of_batch:?}");
                    seen.extend(of_batch);
                    if is_last {
                        return seen;
                    }
                }
            }));
        }
        Self { over, asking }
    }

    /// Ends it. A question without an answer fails here.
    async fn end(self) -> BTreeSet<(World, bool)> {
        self.over.store(true, Ordering::SeqCst);
        futures_util::future::join_all(self.asking).await.into_iter().flat_map(Result::unwrap).collect()
    }
}

async fn reload_status(sidecar: &Sidecar) -> Value {
    let reply = sidecar.operators("/readyz").await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["reload"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_change_fails_no_question() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    let sidecar = Sidecar::builder().policies(&policies).start();
    let client = sidecar.grpc().await;
    let mut worlds = BTreeSet::from([(world(&policies), true)]);
    let load = Load::on(&sidecar).await;
    for (file, from, to) in [
        ("summit.cedar", "// Summ-IT", "// Changed. Summ-IT"),
        ("directory/organisations.json", "Region North", "Region of the North"),
        ("schema.cedarschema", "namespace Politie", "// Changed.\nnamespace Politie"),
        ("profiles/patrol.json", "\"version\": 1", "\"version\": 2"),
    ] {
        edit(&policies.join(file), from, to);
        let changed = world(&policies);
        until_active(&client, &changed).await;
        worlds.insert((changed, true));
    }
    assert_eq!(load.end().await, worlds);
    let ended = sidecar.stop();
    assert_eq!(ended.code, Some(0));
    assert_eq!(ended.log.matches("Policies and directory are active.").count(), 5, "{}", ended.log);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_added_policy_decides_past_the_cache() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    let sidecar = Sidecar::builder().policies(&policies).start();
    let mut client = sidecar.grpc().await;
    let load = Load::on(&sidecar).await;
    let old = active(&client).await;
    fs::write(policies.join("stop.cedar"), "@id(\"stop\")\n@title(\"Stop.\")\nforbid (principal, action, resource);\n")
        .unwrap();
    let new = world(&policies);
    until_active(&client, &new).await;
    let answer = client.evaluate(message(&allowed())).await.unwrap().into_inner();
    assert_eq!(answer.policies[0].id, "stop");
    fs::remove_file(policies.join("stop.cedar")).unwrap();
    until_active(&client, &old).await;
    assert_eq!(load.end().await, BTreeSet::from([(old, true), (new, false)]));
}

/// A bad change is refused: the old revisions stay active, and the log, `/readyz` and metrics say where and why. A
/// correction ends that.
async fn is_refused(file: &str, from: &str, to: &str, message_part: &str) {
    let folder = folder();
    let policies = copied_policies(folder.path());
    let sidecar = Sidecar::builder().policies(&policies).start();
    let client = sidecar.grpc().await;
    let before = active(&client).await;
    let load = Load::on(&sidecar).await;
    let good = fs::read_to_string(policies.join(file)).unwrap();
    let line = good.split(from).next().unwrap().matches('\n').count() + 1;
    edit(&policies.join(file), from, to);
    let refused = until("the refusal", async || {
        let status = reload_status(&sidecar).await;
        (status["status"] == "refused").then_some(status)
    })
    .await;
    let place = format!("{}:{line}:", policies.join(file).display());
    let problems: Vec<_> = refused["problems"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    assert!(problems.iter().any(|it| it.starts_with(&place) && it.contains(message_part)), "{place}: {problems:#?}");
    assert!(refused["at"].as_str().unwrap().ends_with('Z'));
    sidecar.wait_for_line("The change of policies or directory is refused; the last good revision keeps answering.");
    // The source with a caret below it.
    sidecar.wait_for_line(&format!("╭─[{}:{line}:", policies.join(file).display()));
    sidecar.wait_for_line("╰──");
    let metrics = Exposition::of(&sidecar).await;
    assert_eq!(metrics.value("poort_reload_refused", ""), 1.0);
    assert_eq!(metrics.value("poort_reloads_total", "refused"), 1.0);
    assert_eq!(active(&client).await, before);

    // A good change after it is taken.
    fs::write(policies.join(file), format!("{good}\n")).unwrap();
    let mended = world(&policies);
    until_active(&client, &mended).await;
    assert_eq!(reload_status(&sidecar).await["status"], "ok");
    let metrics = Exposition::of(&sidecar).await;
    assert_eq!(metrics.value("poort_reload_refused", ""), 0.0);
    assert_eq!(metrics.value("poort_reloads_total", "activated"), 2.0);
    assert_eq!(load.end().await, BTreeSet::from([(before, true), (mended, true)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_does_not_parse_changes_nothing() {
    is_refused("summit.cedar", "permit (", "permitt (", "permitt").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_does_not_fit_the_schema_changes_nothing() {
    is_refused("never.cedar", "principal.active", "principal.activ", "activ").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_that_does_not_parse_changes_nothing() {
    is_refused("schema.cedarschema", "entity Role", "entety Role", "entety").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_does_not_fit_the_schema_changes_nothing() {
    is_refused("directory/organisations.json", "\"name\": \"Region North\"", "\"nom\": \"Region North\"", "nom").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reverting_a_bad_change_ends_its_refusal() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    let sidecar = Sidecar::builder().policies(&policies).start();
    let client = sidecar.grpc().await;
    let before = active(&client).await;
    for round in 1..3 {
        edit(&policies.join("bvh.cedar"), "permit (", "permitt (");
        until("the refusal", async || (reload_status(&sidecar).await["status"] == "refused").then_some(())).await;
        edit(&policies.join("bvh.cedar"), "permitt (", "permit (");
        until("the end of it", async || (reload_status(&sidecar).await["status"] == "ok").then_some(())).await;
        let metrics = Exposition::of(&sidecar).await;
        assert_eq!(metrics.value("poort_reload_refused", ""), 0.0);
        assert_eq!(metrics.value("poort_reloads_total", "refused"), f64::from(round));
    }
    assert_eq!(active(&client).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_folder_that_goes_away_changes_nothing() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    let sidecar = Sidecar::builder().policies(&policies).start();
    let client = sidecar.grpc().await;
    let before = active(&client).await;
    fs::rename(&policies, folder.path().join("away")).unwrap();
    until("the refusal", async || (reload_status(&sidecar).await["status"] == "refused").then_some(())).await;
    assert_eq!(active(&client).await, before);
    fs::rename(folder.path().join("away"), &policies).unwrap();
    until("the end of it", async || (reload_status(&sidecar).await["status"] == "ok").then_some(())).await;
}

#[tokio::test]
async fn a_removed_account_is_denied_past_the_cache() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    let sidecar = Sidecar::builder().policies(&policies).start();
    let mut client = sidecar.grpc().await;
    let before = active(&client).await;
    active(&client).await;
    assert!(Exposition::of(&sidecar).await.value("poort_cache_lookups_total", "hit") >= 1.0);
    remove_account(&policies, "officer-0007");
    let after = world(&policies);
    assert_eq!(before.0, after.0, "only the directory changes");
    until("the first answer without the account", async || {
        let answer = client.evaluate(message(&allowed())).await.unwrap().into_inner();
        assert_eq!(answer.decision, answer.directory_revision == before.1, "{answer:?}");
        (answer.directory_revision == after.1).then_some(answer)
    })
    .await;
    let answer = sidecar.evaluate(&allowed()).await;
    assert_eq!(answer["decision"], false);
    assert!(answer["context"]["reason"].as_str().unwrap().contains("officer-0007"), "{answer}");
}

#[tokio::test]
async fn an_approver_outside_the_police_counts_as_none() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    let sidecar = Sidecar::builder().policies(&policies).start();
    let client = sidecar.grpc().await;
    active(&client).await;
    assert_eq!(sidecar.evaluate(&allowed()).await["decision"], true);
    let file = policies.join("directory/accounts.json");
    let mut accounts: Vec<Value> = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let approver = accounts.iter_mut().find(|account| account["uid"]["id"] == "officer-0016").unwrap();
    for unit in ["/parents/0/id", "/attrs/unit/id"] {
        *approver.pointer_mut(unit).unwrap() = "kmar-brigade-1".into();
    }
    fs::write(&file, serde_json::to_string(&accounts).unwrap()).unwrap();
    until_active(&client, &world(&policies)).await;
    // The account of the question is as it was: only what its tag refers to changed.
    let answer = sidecar.evaluate(&allowed()).await;
    assert_eq!(answer["context"]["policies"][0]["id"], "gate.authorisation", "{answer}");
}

// ---- Folders that are swapped as a whole ----

/// Puts a symbolic link in place of another in one step, as Kubernetes does it.
fn point(link: &Path, target: &Path) {
    let next = link.with_extension("next");
    symlink(target, &next).unwrap();
    fs::rename(next, link).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_decision_mixes_two_folders_swapped_through_a_link() {
    let folder = folder();
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    copy_folder(&copied_policies(folder.path()), &one);
    copy_folder(&one, &other);
    edit(&other.join("summit.cedar"), "// Summ-IT", "// The other. Summ-IT");
    remove_account(&other, "officer-0007");
    let link = folder.path().join("active");
    symlink(&one, &link).unwrap();
    let worlds = [world(&one), world(&other)];
    assert!(worlds[0].0 != worlds[1].0 && worlds[0].1 != worlds[1].1);
    let sidecar = Sidecar::builder().policies(&link).start();
    let client = sidecar.grpc().await;
    // Long enough for a change to come while a batch is answered.
    let load = Load::with_batches(&sidecar, 64).await;
    for turn in 1..5 {
        point(&link, if turn % 2 == 0 { &one } else { &other });
        until_active(&client, &worlds[turn % 2]).await;
    }
    // The one world has the account and allows, the other has not and denies; there is no third.
    let [one, other] = worlds;
    assert_eq!(load.end().await, BTreeSet::from([(one, true), (other, false)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_updated_config_map_is_never_read_in_part() {
    let outer = folder();
    // A volume as the kubelet makes it: each file is a link through `..data`, which is a link to the current version.
    let (volume, directory) = (outer.path().join("volume"), outer.path().join("directory"));
    let source = copied_policies(outer.path());
    fs::rename(source.join("directory"), &directory).unwrap();
    let version = |name: &str, change: &[(&str, &str, &str)]| {
        let path = volume.join(name);
        copy_folder(&source, &path);
        for (file, from, to) in change {
            edit(&path.join(file), from, to);
        }
        path
    };
    let first = version("..2026_01_01", &[]);
    symlink("..2026_01_01", volume.join("..data")).unwrap();
    for entry in fs::read_dir(&first).unwrap() {
        let name = entry.unwrap().file_name();
        symlink(Path::new("..data").join(&name), volume.join(&name)).unwrap();
    }
    let mut known = BTreeMap::from([(world_of(&first, &directory), true)]);
    let sidecar = Sidecar::builder().policies(&volume).argument("--directory").argument(&directory).start();
    let client = sidecar.grpc().await;
    assert!(known.contains_key(&active(&client).await));
    let load = Load::on(&sidecar).await;
    let second = version(
        "..2026_01_02",
        &[
            ("summit.cedar", "// Summ-IT", "// 2. Summ-IT"),
            ("bvh.cedar", "//", "// 2. //"),
            ("never.cedar", "//", "// 2. //"),
        ],
    );
    let world = world_of(&second, &directory);
    let next = volume.join("..data_tmp");
    symlink("..2026_01_02", &next).unwrap();
    fs::rename(next, volume.join("..data")).unwrap();
    fs::remove_dir_all(first).unwrap();
    until_active(&client, &world).await;
    known.insert(world, true);
    assert_eq!(load.end().await, known.into_iter().collect());
}

// ---- Files that are being written ----

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_written_file_is_never_activated() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    // Each policy is a piece by itself, so that whatever part of the file is there would do as a policy set.
    let piece = |number: usize| {
        format!(
            "@id(\"more.{number}\")\n@title(\"Number {number}.\")\nforbid (principal, action, resource is Politie::Investigation) when {{ resource.level > {number}00 }};\n"
        )
    };
    let pieces: Vec<String> = (1..60).map(piece).collect();
    let file = policies.join("more.cedar");
    fs::write(&file, pieces.concat()).unwrap();
    let old = world(&policies);
    let new_text = pieces.concat() + "// New.\n";
    fs::write(&file, &new_text).unwrap();
    let new = world(&policies);
    fs::write(&file, pieces.concat()).unwrap();
    let sidecar = Sidecar::builder().policies(&policies).start();
    let client = sidecar.grpc().await;
    assert_eq!(active(&client).await, old);
    let load = Load::on(&sidecar).await;

    // Truncated and written in pieces, over and over, for as long as poort looks at it a good many times.
    let over = Arc::new(AtomicBool::new(false));
    let writing = spawn_blocking({
        let (over, file) = (over.clone(), file.clone());
        move || {
            let mut times = 0;
            while !over.load(Ordering::SeqCst) {
                let mut open = fs::File::create(&file).unwrap();
                for piece in pieces.iter().take(1 + times % 59) {
                    open.write_all(piece.as_bytes()).unwrap();
                    std::thread::yield_now();
                }
                times += 1;
            }
            fs::write(&file, new_text).unwrap();
        }
    });
    // Poort looks a few times a second; so many answers take longer than several looks.
    for _ in 0..200 {
        assert_eq!(reload_status(&sidecar).await["status"], "ok");
        assert_eq!(active(&client).await, old);
    }
    over.store(true, Ordering::SeqCst);
    writing.await.unwrap();
    until_active(&client, &new).await;
    assert_eq!(load.end().await, BTreeSet::from([(old, true), (new, true)]));
}
