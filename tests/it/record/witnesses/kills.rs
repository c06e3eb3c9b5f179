//! Kills between checkpoints and their cosignatures: no start after one takes the log for a fork.
//!
//! By default it is short. In full it takes some minutes:
//!
//! ```sh
//! POORT_KILL_ROUNDS=200 cargo test --test it witnesses::kills
//! ```

use super::{Party, Policy, begin, cosigned, log, watched};
use crate::support::{allowed, folder, until};

#[tokio::test]
async fn no_kill_makes_a_log_look_forked() {
    let rounds = std::env::var("POORT_KILL_ROUNDS").map_or(12, |rounds| rounds.parse().unwrap());
    let folder = folder();
    let data = folder.path().join("data");
    let key = begin(&data).await;
    let mut party = Party::start(&folder.path().join("w0"), 0, &[&key]);
    let policy = Policy::new(&[&party], 1).write(folder.path());
    for round in 0..rounds {
        let before = cosigned(&data);
        // It is ready only if no witness contradicts it.
        let sidecar = watched(&data, &policy, "").start();
        for _ in 0..round % 7 {
            sidecar.evaluate(&allowed()).await;
        }
        if round % 3 == 0 {
            until("a cosignature", async || (cosigned(&data) > before).then_some(())).await;
        }
        if round % 5 == 4 {
            party.go();
            party.come();
        }
        let ended = sidecar.kill();
        assert!(!ended.log.contains("put back"), "{}", ended.log);
    }
    let sidecar = watched(&data, &policy, "").start();
    let before = cosigned(&data);
    until("a cosignature", async || (cosigned(&data) > before).then_some(())).await;
    assert_eq!(sidecar.stop().code, Some(0));
    log(&["verify", "--data", data.to_str().unwrap(), "--key", &key, "--witness-policy", policy.to_str().unwrap()]);
}
