//! What a question gets: the repository's own policies, both bindings, and the record that is left.

use crate::support::{Sidecar, allowed, copied_policies, denied, folder, run_with_input};

#[tokio::test]
async fn an_answer_names_its_policies_its_revisions_and_its_record() {
    let sidecar = Sidecar::builder().start();
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
async fn a_deny_is_recorded_without_an_error() {
    let sidecar = Sidecar::builder().start();
    let answer = sidecar.evaluate(&denied()).await;
    assert_eq!(answer["decision"], false);
    assert_eq!(answer["context"]["reason"], "Denied: no policy permits this.");
    assert_eq!(sidecar.records()[0]["status"], "Unset");
    assert_eq!(sidecar.stop().code, Some(0));
}

#[tokio::test]
async fn the_longest_policy_that_is_taken_is_evaluated() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    let permit = |conditions: String| {
        format!(
            "@id(\"long\")\npermit (principal, action, resource is Politie::Investigation) when {{ {conditions} }};\n"
        )
    };
    // `(`, `{` and `::` take a few of what is allowed.
    let sum = permit(format!("{}1 == 281", "1 + ".repeat(280)));
    std::fs::write(policies.join("long.cedar"), sum).unwrap();
    let sidecar = Sidecar::builder().policies(&policies).start();
    let answer = sidecar.evaluate(&denied()).await;
    assert_eq!((&answer["decision"], &answer["context"]["errors"]), (&true.into(), &serde_json::json!([])), "{answer}");
    let arguments = ["evaluate".as_ref(), "--explain".as_ref(), "--policies".as_ref(), policies.as_os_str()];
    let output = run_with_input(arguments, denied().to_string().as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));

    std::fs::write(policies.join("long.cedar"), permit(format!("{}1 == 401", "1 + ".repeat(400)))).unwrap();
    let output = crate::support::run(["validate".as_ref(), policies.as_os_str()]);
    assert_eq!(output.status.code(), Some(3));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("policy::too-deep") && told.contains("long.cedar:2:"), "{told}");
}
