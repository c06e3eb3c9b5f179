use super::*;
use crate::{
    record::{
        decision_log::{Producer, node_keeper, signer::CheckpointSigner},
        evidence::{Key, PublicKeys},
        spool::{self, Config, Entry, Spool, read_head},
    },
    types::revision::Revision,
};
use std::{collections::BTreeMap, fs, sync::mpsc, time::Duration};

/// Writes so many records in segments of some 60, and keeps the nodes. Returns the last checkpoint.
fn write(dir: &Path, count: u32) -> Checkpoint {
    let producer = Producer::new("9.9.9", &Revision::of([]), "here", &BTreeMap::new());
    let key = Key::from_seed([3; 32]);
    let (signer, origin) = CheckpointSigner::new(key.clone(), "here", Duration::from_secs(3600), producer);
    let (sender, complete) = mpsc::channel();
    let config = Config { segment_bytes: 16 << 10, ..Config::new(dir) };
    let meter = opentelemetry::global::meter("nodes");
    let (spool, _) = Spool::open(&config, Some(Box::new(signer.telling(Some(sender)))), &meter).unwrap();
    let tickets: Vec<_> = (0..count)
        .map(|n| spool.submit(Entry::new(format!("{{\"n\":{n},\"x\":\"{n:0200}\"}}").into_bytes())).unwrap())
        .collect();
    for ticket in tickets {
        ticket.wait().unwrap();
    }
    spool.close();
    drop(spool);
    node_keeper::keep(dir, &complete).unwrap();
    let keys = PublicKeys::parse([key.public(origin.get().unwrap()).as_str()]).unwrap();
    let head = read_head(dir).unwrap().unwrap();
    Checkpoint::open(str::from_utf8(&head).unwrap(), &keys).unwrap()
}

/// A root, and all proofs about a few records and from a few sizes.
fn proofs(dir: &Path, checkpoint: &Checkpoint, from: u64) -> Vec<Vec<Hash>> {
    let mut prover = Prover::open(dir).unwrap();
    let root = vec![prover.root(u64::midpoint(from, checkpoint.size), checkpoint).unwrap()];
    let places = (0..40).map(|n| from + n * (checkpoint.size - from) / 40);
    places
        .flat_map(|seq| {
            [prover.inclusion(seq, checkpoint).unwrap(), prover.consistency(seq.max(1), checkpoint).unwrap()]
        })
        .chain([root])
        .collect()
}

#[test]
fn proofs_are_the_same_whatever_became_of_the_node_file() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("records");
    write(&dir, 700);
    let checkpoint = write(&dir, 700);
    let file = node_file(&dir);
    let kept = fs::read(&file).unwrap();
    // 1400 records and the checkpoints among them: blocks 0 to 4 and the three nodes above them.
    assert_eq!(kept.len(), 32 * (1 + 8), "{}", checkpoint.size);
    let expected = proofs(&dir, &checkpoint, 0);

    for at in [0, 40, 32 * 3, 32 * 5 + 7] {
        let mut wrong = kept.clone();
        wrong[at] ^= 1;
        fs::write(&file, wrong).unwrap();
        assert_eq!(proofs(&dir, &checkpoint, 0), expected, "byte {at}");
    }
    for length in [0, 10, 32, 100, kept.len() - 1] {
        fs::write(&file, &kept[..length]).unwrap();
        assert_eq!(proofs(&dir, &checkpoint, 0), expected, "{length} bytes");
    }
    fs::remove_file(&file).unwrap();
    assert_eq!(proofs(&dir, &checkpoint, 0), expected);
}

#[test]
fn the_next_process_makes_what_is_not_kept() {
    for keeps in [0, 32 + 64, usize::MAX] {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("records");
        write(&dir, 900);
        let file = node_file(&dir);
        let kept = fs::read(&file).unwrap();
        fs::write(&file, &kept[..keeps.min(kept.len())]).unwrap();
        write(&dir, 600);
        let now = fs::read(&file).unwrap();
        assert!(now.len() > kept.len() && now.starts_with(&kept), "{keeps}");
    }
}

#[test]
fn proofs_about_kept_records_need_none_that_were_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("records");
    let checkpoint = write(&dir, 1400);
    let segments = spool::segment_files(&dir).unwrap();
    let (gone, kept) = segments.split_at(segments.len() / 2);
    let first = kept[0].first;
    let expected = proofs(&dir, &checkpoint, first);
    gone.iter().for_each(|segment| fs::remove_file(&segment.path).unwrap());
    assert_eq!(proofs(&dir, &checkpoint, first), expected);
    fs::remove_file(node_file(&dir)).unwrap();
    assert_eq!(proofs(&dir, &checkpoint, first), expected);
    let error = Prover::open(&dir).unwrap().inclusion(3, &checkpoint).unwrap_err();
    assert!(error.to_string().contains("not kept any more"), "{error}");
}

#[test]
fn other_records_than_were_signed_for_have_no_proof() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("records");
    let checkpoint = write(&dir, 300);
    let other = Checkpoint { root: [9; 32], ..checkpoint };
    let mut prover = Prover::open(&dir).unwrap();
    assert!(matches!(prover.inclusion(5, &other), Err(NoProof::OtherRecords(_))));
    assert!(matches!(prover.consistency(5, &other), Err(NoProof::OtherRecords(_))));
    assert!(matches!(prover.root(5, &other), Err(NoProof::OtherRecords(_))));
}
