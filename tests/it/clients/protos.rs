//! `proto/`: it has the form that others' tools expect, no caller is broken by a change of it, and stubs land where their
//! language wants them.

use super::{installed, shell};
use crate::support::{folder, repository};
use serde_json::Value;
use std::{fs, path::PathBuf, process::Command};

#[test]
fn the_protos_pass_bufs_lint() {
    buf(&["lint"]);
}

#[test]
fn a_change_of_the_protos_breaks_no_caller() {
    let accepted = accepted();
    buf(&["breaking", "--against", accepted.to_str().unwrap()]);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        buf(&["build", "--exclude-source-info", "--output", accepted.to_str().unwrap()]);
    }
    let as_json = |input: &str| -> Value {
        serde_json::from_str(&buf(&["build", input, "--exclude-source-info", "--output", "-#format=json"])).unwrap()
    };
    assert!(
        as_json(".") == as_json(accepted.to_str().unwrap()),
        "the protos have something new, which breaks nobody. Accept it, so that it stays: UPDATE_EXPECT=1 cargo test --test it protos"
    );
}

#[test]
fn buf_notices_another_number_of_a_field() {
    let folder = folder();
    let copy = folder.path().join("proto");
    crate::support::copy_folder(&repository().join("proto"), &copy);
    let file = copy.join("poort/v1/access_evaluation.proto");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("bool decision = 1;", "bool decision = 100;")).unwrap();
    let mut against = Command::new(installed("tests/clients/node/node_modules/.bin/buf"));
    let output = against.arg("breaking").arg("--against").arg(accepted()).current_dir(copy).output().unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("decision"), "{told}");
}

#[test]
fn stubs_land_where_their_language_wants_them() {
    let folder = folder();
    let out = folder.path();
    for (flags, file, line) in [
        ("--java_out=.", "poort/v1/EvaluateRequest.java", "package poort.v1;"),
        ("--csharp_out=.", "AccessEvaluation.cs", "namespace Poort.V1 {"),
        ("--go_out=. --go_opt=paths=source_relative", "poort/v1/access_evaluation.pb.go", "package poortv1"),
        (
            "--go-grpc_out=. --go-grpc_opt=paths=source_relative",
            "poort/v1/access_evaluation_grpc.pb.go",
            "package poortv1",
        ),
    ] {
        let proto = repository().join("proto");
        shell(out, &format!("protoc -I '{}' {flags} poort/v1/access_evaluation.proto", proto.display()));
        let text = fs::read_to_string(out.join(file)).unwrap_or_else(|error| panic!("{flags}: {file}: {error}"));
        assert!(text.lines().any(|it| it == line), "{flags}: {file}: {line}");
    }
}

/// The protos as callers have them.
fn accepted() -> PathBuf {
    repository().join("tests/schemas/access_evaluation.txtpb")
}

/// What buf prints about `proto/`.
#[track_caller]
fn buf(arguments: &[&str]) -> String {
    let mut command = Command::new(installed("tests/clients/node/node_modules/.bin/buf"));
    let output = command.args(arguments).current_dir(repository().join("proto")).output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr).into_owned());
    assert!(output.status.success(), "buf {arguments:?}\n{out}{err}");
    out
}
