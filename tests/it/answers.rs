//! What a question gets: the repository's own policies, both bindings, and the record that is left.

use crate::support::{Sidecar, allowed, denied};

#[tokio::test]
async fn an_answer_names_its_policies_its_revisions_and_its_record() {
    let sidecar = Sidecar::new().start();
    let answer = sidecar.evaluate(&allowed()).await;
    assert_eq!(answer["decision"], true);
    let context = &answer["context"];
    assert_eq!(context["policies"][0]["id"], "summit.team");
    assert!(context["policies"][0]["title"].as_str().unwrap().ends_with('.'));
    assert!(context["revision"].as_str().unwrap().starts_with("sha256:"));
    let records = sidecar.records();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["trace_id"], context["record"]["trace_id"]);
    assert_eq!(records[0]["span_id"], context["record"]["span_id"]);
    assert_eq!(records[0]["status"], "Unset");
    assert_eq!(records[0]["body"]["adl.core.request"], allowed());
}

#[tokio::test]
async fn a_deny_is_an_answer_with_a_record_that_is_no_error() {
    let sidecar = Sidecar::new().start();
    let answer = sidecar.evaluate(&denied()).await;
    assert_eq!(answer["decision"], false);
    assert_eq!(answer["context"]["reason"], "Denied: no policy permits this.");
    assert_eq!(sidecar.records()[0]["status"], "Unset");
    assert_eq!(sidecar.stop().code, Some(0));
}
