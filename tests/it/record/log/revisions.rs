//! The archive of revisions: keeps what records name, and deletes it with the last of them.

use super::{SMALL, log};
use crate::support::{Sidecar, allowed, copied_policies, folder, records, until};
use serde_json::Value;
use std::{fs, path::Path};

/// The digests of the revisions that are there.
fn archived(data: &Path) -> Vec<String> {
    let entries = fs::read_dir(data.join("revisions")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).filter(|name| name.len() == 64).collect()
}

fn digits(revision: &Value) -> String {
    revision.as_str().unwrap().strip_prefix("sha256:").unwrap().to_owned()
}

#[tokio::test]
async fn a_revision_goes_with_its_last_record() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    let data = folder.path().join("data");
    let config = format!("{SMALL}keep = \"1s\"\ncheckpoint = \"100ms\"\n");
    let sidecar = Sidecar::builder().config(&config).policies(&policies).data(&data).start();
    let revision = async || digits(&sidecar.evaluate(&allowed()).await["context"]["revision"]);
    let first = revision().await;
    let mut revisions = vec![first.clone()];
    for number in 1..4 {
        let text = format!("@id(\"more.{number}\")\nforbid (principal, action, resource) when {{ false }};\n");
        fs::write(policies.join("more.cedar"), text).unwrap();
        let last = revisions.last().unwrap().clone();
        revisions.push(until("the change", async || Some(revision().await).filter(|it| *it != last)).await);
    }
    // Back to a revision that was active before: records far apart name it.
    fs::remove_file(policies.join("more.cedar")).unwrap();
    until("the first revision", async || (revision().await == first).then_some(())).await;
    until("the others to go", async || {
        for _ in 0..20 {
            revision().await;
        }
        revisions[1..].iter().all(|revision| !archived(&data).contains(revision)).then_some(())
    })
    .await;
    assert_eq!(sidecar.stop().code, Some(0));
    let left = records(&data);
    assert!(left[0]["attributes"]["poort.log.seq"].as_u64() > Some(4), "the first records are gone");
    let archived = archived(&data);
    for record in &left {
        let attributes = &record["attributes"];
        let policies = digits(&attributes["adl.core.policies"]["policies"]["revision"]);
        let directory = digits(&attributes["adl.core.information"]["directory"]["revision"]);
        let configuration = digits(&attributes["adl.core.configuration"]["poort"]["digest"]);
        assert!([policies, directory, configuration].iter().all(|named| archived.contains(named)), "{record}");
    }
    assert_eq!(archived.len(), 3, "{archived:?}");
    let (code, out, told) = log("replay", &data, &[]);
    assert_eq!(code, 0, "{out}{told}");
}
