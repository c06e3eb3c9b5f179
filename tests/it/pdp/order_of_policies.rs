//! The order of policies, and the files that they are in, never change an answer.

use crate::pdp::cedar::{
    tape::{Tape, cases, numbers},
    world::{World, effective_id, question, wide_world},
};
use poort::{
    pdp::engine::{decide, translate},
    sources::snapshot::Snapshot,
    types::decision::Verdict,
};
use proptest::prelude::*;

/// The same policies under the same ids: in another order, in other files.
fn reordered(world: &World, tape: &mut Tape<'_>) -> World {
    let mut policies: Vec<_> = world.files.iter().flat_map(|(_, policies)| policies.clone()).collect();
    tape.shuffle(&mut policies);
    let mut files: Vec<(String, Vec<_>)> =
        ["z", "a", "0 \"x\""].iter().map(|stem| ((*stem).to_owned(), vec![])).collect();
    let n = 1 + tape.below(files.len());
    for policy in policies {
        files[tape.below(n)].1.push(policy);
    }
    let (mut links, mut directory) = (world.links.clone(), world.directory.clone());
    tape.shuffle(&mut links);
    tape.shuffle(&mut directory);
    World { files, links, directory, dropped: 0 }
}

proptest! {
    #![proptest_config(cases(16))]

    #[test]
    fn the_order_of_policies_never_changes_an_answer(numbers in numbers(4_000)) {
        let mut tape = numbers.tape();
        let mut world = wide_world(&mut tape);
        // A policy without an id is named by its place, which is what changes here.
        let named = |policy: &crate::pdp::cedar::policies::Written| policy.id.as_deref().is_some_and(|id| !id.trim().is_empty());
        for (stem, policies) in &mut world.files {
            for (position, policy) in policies.iter().enumerate() {
                let id = effective_id(stem, position, policy);
                if !named(policy) {
                    world.links.retain(|link| link.template != id);
                }
            }
            policies.retain(named);
        }
        let one = world.snapshot();
        let other = reordered(&world, &mut tape).snapshot();
        for _ in 0..24 {
            let asked = question(&mut tape, &world);
            let answer = |snapshot: &Snapshot| -> Result<Verdict, String> {
                let question = translate(snapshot, &asked.evaluation, &asked.moment, asked.config())
                    .map_err(|error| error.to_string())?;
                Ok(decide(snapshot, &question))
            };
            prop_assert_eq!(answer(&one), answer(&other));
        }
    }
}
