//! Signals: which ones do nothing, and what SIGHUP reads again.

use crate::support::{Sidecar, allowed, copied_policies, folder, run};
use opentelemetry::metrics::noop::NoopMeterProvider;
use poort::sources::store::{ARCHIVE_MAX, Config, Reload, Store};
use rustix::process::Signal;
use std::{fs, process::Command};
use tokio::task::spawn_blocking;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signals_that_mean_nothing_do_nothing() {
    let sidecar = Sidecar::builder().start();
    let pid = sidecar.pid().to_string();
    let names = ["USR1", "USR2", "ALRM", "VTALRM", "PROF", "IO", "PWR", "STKFLT", "XFSZ", "PIPE", "WINCH", "CHLD"];
    let real_time = (34..=64).map(|number| number.to_string());
    for signal in names.map(str::to_owned).into_iter().chain(real_time) {
        assert!(Command::new("kill").args(["-s", &signal, &pid]).status().unwrap().success(), "{signal}");
        assert_eq!(sidecar.evaluate(&allowed()).await["decision"], true, "{signal}");
    }
    let ended = spawn_blocking(|| sidecar.stop()).await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sighup_applies_the_configuration_that_can_change() {
    let sidecar = Sidecar::builder().start();
    let file = sidecar.folder.path().join("poort.toml");
    fs::write(&file, "[limits]\nlinger = \"10m\"\nbatch = 5\n[telemetry]\nlog = \"info,poort=debug\"\n").unwrap();
    sidecar.signal(Signal::HUP);
    let taken = sidecar.wait_for_line("The configuration was read again.");
    assert!(taken.contains(r#"changed={"limits.linger", "telemetry.log"}"#), "{taken}");
    let left = sidecar.wait_for_line("take effect at the next start");
    assert!(left.contains(r#"keys={"limits.batch"}"#), "{left}");
    sidecar.signal(Signal::TERM);
    sidecar.wait_for_line("About to stop");
    sidecar.signal(Signal::TERM);
    // That is told at DEBUG.
    sidecar.wait_for_line("Stopping a part.");
    let ended = spawn_blocking(|| sidecar.wait()).await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hang_up_on_a_bad_configuration_changes_nothing() {
    let sidecar = Sidecar::builder().start();
    fs::write(sidecar.folder.path().join("poort.toml"), "[limits]\nlinger = \"10m\"\nbatch = \"many\"\n").unwrap();
    sidecar.signal(Signal::HUP);
    let line = sidecar.wait_for_line("The configuration is refused; the one before goes on.");
    assert!(line.contains("limits.batch: `many`"), "{line}");
    assert_eq!(sidecar.evaluate(&allowed()).await["decision"], true);
    let ended = spawn_blocking(|| sidecar.stop()).await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(!ended.log.contains("About to stop"), "{}", ended.log);
}

/// A look without a signal takes a change only where two find the same.
#[test]
fn files_reread_on_request_are_active_at_once() {
    use opentelemetry::metrics::MeterProvider as _;
    let folder = folder();
    let policies = copied_policies(folder.path());
    let config = Config {
        directory: policies.join("directory"),
        archive: folder.path().join("archive"),
        within: vec![poort::sources::directory::PROFILES],
        archive_max: ARCHIVE_MAX,
        configuration: Vec::new(),
        policies: policies.clone(),
    };
    let store = Store::new(config, &NoopMeterProvider::new().meter("test"));
    store.load().unwrap();
    assert_eq!(store.reread(), Reload::Unchanged);
    let path = policies.join("bvh.cedar");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}\n// One more line.\n")).unwrap();
    assert_eq!(store.reread(), Reload::Activated);
    fs::write(&path, "permit").unwrap();
    assert_eq!(store.reread(), Reload::Refused);
    fs::write(&path, text).unwrap();
    assert_eq!(store.reread(), Reload::Activated);
}

#[test]
fn the_help_of_serve_names_the_signals() {
    let help = String::from_utf8(run(["serve", "--help"]).stdout).unwrap();
    for part in ["SIGTERM", "SIGHUP", "--check"] {
        assert!(help.contains(part), "no {part} in:\n{help}");
    }
}
