//! `proto/`: it has the form that others' tools expect, no caller is broken by a change of it, and stubs land where their
//! language wants them.

use super::{installed, shell};
use crate::support::{folder, repository};
use serde_json::Value;
use std::{fs, os::unix::fs::symlink, path::PathBuf, process::Command};

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
fn the_documented_commands_make_stubs_in_their_place() {
    let page = fs::read_to_string(repository().join("docs/applications.md")).unwrap();
    let (_, section) = page.split_once("\n## Stubs\n").unwrap();
    let (_, block) = section.split_once("```sh\n").unwrap();
    let folder = folder();
    let stubs = folder.path().join("stubs");
    fs::create_dir(&stubs).unwrap();
    symlink(repository().join("proto"), folder.path().join("proto")).unwrap();
    let python = installed("target/tests/python/bin");
    for line in block.split_once("```").unwrap().0.lines() {
        shell(folder.path(), &format!("PATH='{}':$PATH; {line}", python.display()));
    }
    for (file, line) in [
        ("poort/v1/access_evaluation_pb2_grpc.py", "class AccessEvaluationStub"),
        ("poort/v1/EvaluateRequest.java", "package poort.v1;"),
        ("AccessEvaluation.cs", "namespace Poort.V1 {"),
        ("poort/v1/access_evaluation.pb.go", "package poortv1"),
        ("poort/v1/access_evaluation_grpc.pb.go", "package poortv1"),
    ] {
        let text = fs::read_to_string(stubs.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(text.lines().any(|it| it.starts_with(line)), "{file}: {line}");
        assert!(section.contains(file), "the page does not name {file}");
    }
    // What the page says that they are made with. What apt installs is the distribution's.
    for (list, separator) in
        [("tests/clients/python/requirements.txt", "=="), ("tests/clients/node/package.json", "\": \"")]
    {
        let listed = fs::read_to_string(repository().join(list)).unwrap();
        for package in ["grpcio-tools", "@grpc/proto-loader", "@grpc/grpc-js"] {
            let Some((_, rest)) = listed.split_once(&format!("{package}{separator}")) else { continue };
            let version = rest.split(['"', '\n']).next().unwrap();
            assert!(section.contains(&format!("{package} {version}")), "{list} has {package} {version}");
        }
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
