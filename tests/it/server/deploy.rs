//! The examples of `deploy/`, checked by the tools of those who run them: systemd, Kubernetes' schemas, hadolint.

use crate::support::{
    BareChannel, Sidecar, allowed, folder, free_address, message, policies, repository, until, within,
};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tokio::net::TcpStream;

fn deploy(name: &str) -> PathBuf {
    repository().join("deploy").join(name)
}

/// What a tool prints, if it finds no fault.
#[track_caller]
fn finds_nothing(command: &mut Command) -> String {
    let program = Path::new(command.get_program()).display().to_string();
    let output = command.output().unwrap_or_else(|error| panic!("{program}: {error}; tests/run installs it"));
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program}: {}\n{text}", output.status);
    text
}

fn python_tool(name: &str) -> Command {
    Command::new(repository().join("target/tests/python/bin").join(name))
}

#[test]
fn systemd_rates_the_service_as_well_protected() {
    let folder = folder();
    let service = fs::read_to_string(deploy("poort.service")).unwrap();
    // systemd looks whether the program is there.
    let service = service.replace("ExecStart=/usr/bin/poort ", concat!("ExecStart=", env!("CARGO_BIN_EXE_poort"), " "));
    let path = folder.path().join("poort.service");
    fs::write(&path, service).unwrap();
    fs::copy(deploy("poort.socket"), folder.path().join("poort.socket")).unwrap();
    let mut verify = Command::new("systemd-analyze");
    let told = finds_nothing(verify.arg("verify").arg(&path).arg(folder.path().join("poort.socket")));
    assert_eq!(told, "");
    // Of 100; without protection it is 96. What is left: poort needs the network.
    let mut security = Command::new("systemd-analyze");
    finds_nothing(security.args(["security", "--offline=true", "--threshold=15"]).arg(&path));
}

/// The socket of systemd, as systemd's own tool passes it: a call comes before poort does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_on_systemds_socket_starts_poort_and_is_answered() {
    let folder = folder();
    let address = free_address();
    let mut activate = Command::new("systemd-socket-activate");
    activate.arg(format!("--listen={address}")).args(["--fdname=callers", env!("CARGO_BIN_EXE_poort"), "serve"]);
    activate.arg("--policies").arg(policies()).arg("--data").arg(folder.path().join("data"));
    let mut running = activate.args(["--admin", "127.0.0.1:0"]).stderr(Stdio::null()).spawn().unwrap();
    let stream = until("the socket", async || TcpStream::connect(&address).await.ok()).await;
    let mut client = BareChannel::over(stream).await.client();
    assert!(within("the answer", client.evaluate(message(&allowed()))).await.unwrap().into_inner().decision);
    running.kill().unwrap();
    running.wait().unwrap();
}

#[test]
fn kubernetes_schemas_take_the_sidecar() {
    let mut validate = python_tool("kubernetes-validate");
    let told = finds_nothing(validate.args(["--strict", "-k", "1.33"]).arg(deploy("kubernetes.yaml")));
    assert_eq!(told.lines().filter(|line| line.contains("passed for resource")).count(), 3, "{told}");
}

/// What no schema knows.
#[test]
fn the_kubernetes_sidecar_fits_its_schema_and_the_stop() {
    let text = fs::read_to_string(deploy("kubernetes.yaml")).unwrap();
    let documents: Vec<Value> =
        text.split("\n---\n").map(|document| serde_saphyr::from_str(document).unwrap()).collect();
    let config = documents[0]["data"]["poort.toml"].as_str().unwrap();
    let pod = &documents[2]["spec"]["template"]["spec"];
    let sidecar = &pod["initContainers"][0];
    assert_eq!(sidecar["restartPolicy"], "Always");
    let rights = &sidecar["securityContext"];
    assert_eq!(
        (&rights["readOnlyRootFilesystem"], &pod["securityContext"]["runAsNonRoot"]),
        (&true.into(), &true.into())
    );
    // The grace of poort and ten seconds, and as long for the application before it.
    assert!(config.contains("grace = \"10s\"") && config.contains("linger = \"0s\""), "{config}");
    assert!(pod["terminationGracePeriodSeconds"].as_u64().unwrap() >= 2 * 20);
    // The kubelet asks health where poort hears it without TLS.
    for probe in ["startupProbe", "readinessProbe"] {
        let port = &sidecar[probe]["grpc"]["port"];
        assert!(config.contains(&format!("admin = \"0.0.0.0:{port}\"")), "{probe}: {port}");
    }
    // poort takes its configuration, but for folders of the image.
    let checked = Sidecar::builder()
        .config(&config.replace("/etc/poort/directory", policies().join("directory").to_str().unwrap()))
        .without_listen()
        .argument("--check")
        .fail();
    assert_eq!(checked.code, Some(0), "{}", checked.log);
}

/// A ConfigMap has no folders, so what its comment names must be enough.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_config_maps_of_kubernetes_hold_all_that_decides() {
    let text = fs::read_to_string(deploy("kubernetes.yaml")).unwrap();
    let folder = folder();
    let config_map = |name: &str| {
        let made = folder.path().join(name);
        fs::create_dir(&made).unwrap();
        let command = text.lines().find(|line| line.contains(&format!("kubectl create configmap {name} "))).unwrap();
        for from in command.split(" --from-file ").skip(1) {
            for entry in fs::read_dir(repository().join(from.trim())).unwrap().map(Result::unwrap) {
                let target = made.join(entry.file_name());
                if entry.file_type().unwrap().is_file() {
                    assert!(!target.exists(), "kubectl refuses a name that is there twice: {}", target.display());
                    fs::copy(entry.path(), target).unwrap();
                }
            }
        }
        let size: u64 = fs::read_dir(&made).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
        assert!(size < 1 << 20, "a ConfigMap holds 1 MiB, and {name} has {size} bytes");
        made
    };
    let config = format!("[directory]\npath = {:?}\n", config_map("poort-directory"));
    let sidecar = Sidecar::builder().policies(config_map("poort-policies")).config(&config).start();
    // An account with a profile, and no exception.
    let question = json!({
        "subject": {"type": "Officer", "id": "officer-0021"}, "action": {"name": "consult"},
        "resource": {"type": "Spot", "id": "p-1", "properties": {"unit": "station-north-1", "level": 1, "live": false}},
        "context": {"purpose": "8"},
    });
    let answer = sidecar.evaluate(&question).await;
    assert_eq!(answer["decision"], true, "{answer}");
}

#[test]
fn the_image_runs_poort_without_rights() {
    finds_nothing(python_tool("hadolint").arg(deploy("Containerfile")));
    let text = fs::read_to_string(deploy("Containerfile")).unwrap();
    let image = text.rsplit("\nFROM ").next().unwrap();
    for part in ["USER 65532:65532", "VOLUME [\"/var/lib/poort\"]", "POORT_DATA=/var/lib/poort"] {
        assert!(image.contains(part), "no {part} in:\n{image}");
    }
    assert_eq!(image.matches("VOLUME").count(), 1);
}
