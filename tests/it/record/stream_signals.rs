//! Signals in what all sidecars decide: instances that read the streams to which sidecars ship.

use super::{
    live_signals::{ENABLED, active, ask, on_record},
    shipping::peers::{Nats, nats},
    signals::{Place, REASONS},
};
use crate::support::{Exposition, Sidecar, Starting, check, folder, run, until};
use async_nats::jetstream::stream::{Config, Stream};
use rustix::process::Signal;
use serde_json::Value;
use std::{collections::BTreeSet, path::Path};

/// The stream of decisions and that of signals.
async fn streams(nats: &Nats) -> [Stream; 2] {
    let stream = async |name: &str, subject: &str| {
        let (name, subjects) = (name.to_owned(), vec![subject.to_owned()]);
        nats.jetstream.create_stream(Config { name, subjects, ..Config::default() }).await.unwrap()
    };
    [stream("decisions", "poort.decisions").await, stream("signals", "poort.signals.>").await]
}

/// A sidecar that ships its decisions.
fn shipping(place: &Place, nats: &Nats, data: &Path) -> Starting {
    let sink = format!(
        "[ship.stream]\nkind = \"nats\"\nendpoint = \"{}\"\nsubject = \"poort.decisions\"\nrecords = \"decisions\"\n",
        nats.address
    );
    Sidecar::builder().policies(&place.policies).data(data).config(&sink)
}

fn of_streams(address: &str) -> String {
    format!(
        "[signals.stream]\nendpoint = \"{address}\"\ndecisions = \"poort.decisions\"\nsignals = \"poort.signals\"\n"
    )
}

/// An instance that looks for signals in all decisions.
fn instance(place: &Place, nats: &Nats, data: &Path) -> Starting {
    let streams = of_streams(&nats.address);
    Sidecar::builder().policies(&place.policies).data(data).config(ENABLED).config(&streams)
}

/// What the stream of signals has, each with its subject.
async fn told(stream: &Stream) -> Vec<(String, Value)> {
    let state = stream.get_info().await.unwrap().state;
    let mut told = Vec::new();
    for place in state.first_sequence..=state.last_sequence {
        let message = stream.get_raw_message(place).await.unwrap();
        told.push((message.subject.to_string(), serde_json::from_slice(&message.payload).unwrap()));
    }
    told
}

async fn signals_in(stream: &Stream, count: usize) -> Vec<Value> {
    until("the signals in the stream", async || {
        let told = told(stream).await.into_iter();
        let signals: Vec<_> = told.filter(|(subject, _)| subject == "poort.signals.exact").map(|(_, it)| it).collect();
        (signals.len() >= count).then_some(signals)
    })
    .await
}

/// Waits until the own log of an instance has so many signals.
async fn copied(data: &Path, count: usize) -> Vec<Value> {
    until("the signals in the own log", async || {
        let signals: Vec<_> = on_record(data).into_iter().filter(|it| it["event_name"] == "poort.signal").collect();
        (signals.len() >= count).then_some(signals)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_signal_is_in_the_stream_once_whichever_instance_is_killed() {
    let (folder, nats) = (folder(), nats().await);
    let place = Place::new(folder.path(), 1);
    let [_decisions, signals] = streams(&nats).await;
    let data = |name: &str| folder.path().join(name);
    let sidecars = ["a", "b"].map(|name| shipping(&place, &nats, &data(name)).start());
    let start = |name: &str| instance(&place, &nats, &data(name)).start();
    let mut instances = [start("one"), start("other")];
    for instance in &instances {
        active(instance, 2).await;
    }
    let mut keys = BTreeSet::new();
    for round in 0..4 {
        for account in 4 * round..4 * round + 4 {
            let key = ask(&sidecars[account % 2], account, "decoy").await;
            keys.insert(key["trace_id"].as_str().unwrap().to_owned());
        }
        // One ends wherever it is. The other goes on, and the one that comes back says nothing twice.
        let [one, other] = instances;
        let (name, ends, stays) = if round % 2 == 0 { ("one", one, other) } else { ("other", other, one) };
        if round == 3 {
            assert_eq!(ends.stop().code, Some(0));
        } else {
            ends.kill();
        }
        if round == 1 || round == 2 {
            let _ = std::fs::remove_file(data(name).join("signals.state"));
        }
        let started = start(name);
        instances = if round % 2 == 0 { [started, stays] } else { [stays, started] };
    }
    let all = signals_in(&signals, 16).await;
    let of = |record: &Value| record["body"]["poort.signal"]["evidence"][0]["trace_id"].as_str().unwrap().to_owned();
    assert_eq!(all.len(), 16);
    assert_eq!(all.iter().map(of).collect::<BTreeSet<_>>(), keys);
    let causes: Vec<_> = all.iter().map(|it| it["attributes"]["poort.signal.cause"].as_u64().unwrap()).collect();
    assert!(causes.is_sorted(), "in the order of the decisions: {causes:?}");
    assert!(!format!("{all:?}").contains("Person"), "accounts are pseudonyms");
    for (name, instance) in ["one", "other"].into_iter().zip(instances) {
        let own = copied(&data(name), 16).await;
        assert_eq!(own.iter().map(of).collect::<Vec<_>>(), all.iter().map(of).collect::<Vec<_>>(), "{name}");
        let places: Vec<_> = own.iter().map(|it| it["attributes"]["poort.signal.place"].as_u64().unwrap()).collect();
        assert!(places.is_sorted_by(|one, other| one < other), "{places:?}");
        assert_eq!(instance.stop().code, Some(0));
        check(&run(["log", "verify", "--data", data(name).to_str().unwrap()]), 0);
        let (_, told) = check(&run(["signals", "list", "--data", data(name).to_str().unwrap()]), 0);
        assert!(told.contains("16 open"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_is_sent_twice_counts_once() {
    let (folder, nats) = (folder(), nats().await);
    let place = Place::new(folder.path(), 1);
    let [decisions, signals] = streams(&nats).await;
    let sidecar = shipping(&place, &nats, &folder.path().join("a")).start();
    let instance = instance(&place, &nats, &folder.path().join("one")).start();
    active(&instance, 1).await;
    ask(&sidecar, 3, "decoy").await;
    let signal = signals_in(&signals, 1).await.remove(0);
    let cause = signal["attributes"]["poort.signal.cause"].as_u64().unwrap();
    let record = decisions.get_raw_message(cause).await.unwrap().payload;
    nats.jetstream.publish("poort.decisions", record).await.unwrap().await.unwrap();
    nats.jetstream.publish("poort.decisions", "no record".into()).await.unwrap().await.unwrap();
    ask(&sidecar, 4, "decoy").await;
    signals_in(&signals, 2).await;
    // A signal is in the stream before the instance hears so.
    let exposition = until("both signals in the metrics", async || {
        let exposition = Exposition::of(&instance).await;
        let recorded = exposition.value("poort_signals_recorded_total", "{change=\"opened\",family=\"exact\"}");
        (recorded == 2.0).then_some(exposition)
    })
    .await;
    assert_eq!(exposition.value("poort_signals_repeated_total", ""), 1.0);
    until("the end of the stream", async || {
        (Exposition::of(&instance).await.value("poort_signals_behind", "") == 0.0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signals_wait_for_their_streams_and_lose_nothing() {
    let (folder, nats) = (folder(), nats().await);
    let place = Place::new(folder.path(), 1);
    let sidecar = shipping(&place, &nats, &folder.path().join("a")).start();
    let data = folder.path().join("one");
    let instance = instance(&place, &nats, &data).start();
    let line = instance.wait_for_line("Signals wait: their log cannot be read or written.");
    assert!(line.contains("no stream of the server keeps the subject `poort.decisions`"), "{line}");
    assert_eq!(Exposition::of(&instance).await.value("poort_signals_stalled", ""), 1.0);
    // Questions about signals are answered meanwhile.
    ask(&instance, 1, "a").await;
    let [_decisions, signals] = streams(&nats).await;
    active(&instance, 1).await;
    ask(&sidecar, 3, "decoy").await;
    signals_in(&signals, 1).await;
    nats.peer.signal(Signal::STOP);
    ask(&sidecar, 4, "decoy").await;
    nats.peer.signal(Signal::CONT);
    signals_in(&signals, 2).await;
    until("the streams", async || {
        (Exposition::of(&instance).await.value("poort_signals_stalled", "") == 0.0).then_some(())
    })
    .await;
    // What is no record of a signal has no place in their stream, and is not passed over.
    nats.jetstream.publish("poort.signals.other", "text".into()).await.unwrap().await.unwrap();
    instance.wait_for_line("is no record of a signal; that stream can have nothing else");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_settings_of_one_instance_hold_for_all_instances() {
    let (folder, nats) = (folder(), nats().await);
    let places = ["first", "second"].map(|name| Place::new(&folder.path().join(name), 1));
    let [decisions, signals] = streams(&nats).await;
    let data = ["one", "other"].map(|name| folder.path().join(name));
    let sidecar = shipping(&places[0], &nats, &folder.path().join("a")).start();
    let one = instance(&places[0], &nats, &data[0]).start();
    active(&one, 1).await;
    let other = instance(&places[1], &nats, &data[1]).start();
    active(&other, 2).await;
    ask(&sidecar, 3, "decoy").await;
    ask(&sidecar, 8, "trap").await;
    signals_in(&signals, 1).await;
    until("the second decision", async || (decisions.get_info().await.unwrap().state.last_sequence == 2).then_some(()))
        .await;
    // The first has the new ones a while before the second, which says nothing meanwhile.
    let trap = REASONS.replace("decoy\");", "trap\");");
    places[0].write("signals/reasons.cedar", &trap);
    active(&other, 3).await;
    ask(&sidecar, 4, "decoy").await;
    ask(&sidecar, 5, "trap").await;
    let all = signals_in(&signals, 2).await;
    let settings = |signal: &Value| signal["body"]["poort.signal"]["settings"].to_string();
    assert_ne!(settings(&all[0]), settings(&all[1]));
    places[1].write("signals/reasons.cedar", &trap);
    active(&one, 4).await;
    ask(&sidecar, 6, "trap").await;
    drop(one);
    ask(&sidecar, 7, "trap").await;
    let all = signals_in(&signals, 4).await;
    assert_eq!(all.len(), 4, "nothing is told of what was before the settings");
    assert_eq!(all.iter().map(settings).skip(1).collect::<BTreeSet<_>>().len(), 1);
    copied(&data[1], 4).await;
}

#[tokio::test]
async fn a_start_over_streams_needs_them() {
    let folder = folder();
    let place = Place::new(folder.path(), 1);
    let policies = place.policies.to_str().unwrap();
    let file = folder.path().join("poort.toml");
    let serve = |config: &str| {
        std::fs::write(&file, config).unwrap();
        run(["signals", "serve", "--check", "--policies", policies, "--config", file.to_str().unwrap()])
    };
    let (_, told) = check(&serve(ENABLED), 64);
    assert!(told.contains("signals.stream: is missing"), "{told}");
    let streams = of_streams("nats://127.0.0.1:4222");
    let (_, told) = check(&serve(&streams), 64);
    assert!(told.contains("signals.stream: is missing") && told.contains("needs signals.enabled = true"), "{told}");
    let (_, told) = check(&serve(&format!("{ENABLED}{}", streams.replace("poort.decisions", "poort.>"))), 64);
    assert!(told.contains("signals.stream.decisions: `poort.>` is not a subject"), "{told}");
    let missing = format!("{ENABLED}{streams}credentials = \"missing.creds\"\n");
    let (_, told) = check(&serve(&missing), 64);
    assert!(told.contains("signals.stream") && told.contains("missing.creds"), "{told}");
    check(&serve(&format!("{ENABLED}{streams}")), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_was_made_anew_is_told_and_not_read() {
    let (folder, nats) = (folder(), nats().await);
    let place = Place::new(folder.path(), 1);
    let data = folder.path().join("one");
    let start = |data: &Path| instance(&place, &nats, data).start();
    let [_decisions, signals] = streams(&nats).await;
    let sidecar = shipping(&place, &nats, &folder.path().join("a")).start();
    let one = start(&data);
    active(&one, 1).await;
    ask(&sidecar, 3, "decoy").await;
    ask(&sidecar, 4, "decoy").await;
    copied(&data, 2).await;
    assert_eq!(one.stop().code, Some(0));
    let again = async |name: &str, subject: &str| {
        nats.jetstream.delete_stream(name).await.unwrap();
        let (name, subjects) = (name.to_owned(), vec![subject.to_owned()]);
        nats.jetstream.create_stream(Config { name, subjects, ..Config::default() }).await.unwrap()
    };
    again("decisions", "poort.decisions").await;
    let one = start(&data);
    let line = one.wait_for_line("Signals wait");
    assert!(line.contains("`poort.decisions` ends before what was read of it, up to message 2"), "{line}");
    assert_eq!(one.stop().code, Some(0));
    // An instance that knows nothing sees it by the signals.
    let line = start(&folder.path().join("new")).wait_for_line("Signals wait");
    assert!(line.contains("`poort.decisions` ends before the decision of a signal"), "{line}");
    again("signals", "poort.signals.>").await;
    std::fs::remove_file(data.join("signals.state")).unwrap();
    let line = start(&data).wait_for_line("Signals wait");
    assert!(line.contains("`poort.signals.>` ends before what the own log has of it, up to message 3"), "{line}");
    drop(signals);
    let one = start(&folder.path().join("newer"));
    active(&one, 1).await;
    ask(&sidecar, 5, "decoy").await;
    copied(&one.data, 1).await;
}
