//! Walks up the hierarchy of entities: ancestors, and cycles. It uses no recursion, since files decide how deep a
//! hierarchy is.

use super::{
    node::{Kept, Node},
    pool::Number,
};
use std::collections::HashSet;

/// The ancestors of an entity that are not its parents, as far as the directory knows them; in no order.
pub(super) fn above_parents(kept: &Kept, nodes: &[Node]) -> Vec<Number> {
    let mut seen: HashSet<Number> = kept.parents.iter().copied().collect();
    let mut waiting: Vec<Number> = kept.parents.to_vec();
    let mut above = Vec::new();
    while let Some(number) = waiting.pop() {
        for parent in parents(nodes, number) {
            if seen.insert(*parent) {
                above.push(*parent);
                waiting.push(*parent);
            }
        }
    }
    above
}

/// An entity that is its own ancestor. Of several, the same one each time, since nodes are in the order in which files
/// name them.
pub(super) fn cycle(nodes: &[Node]) -> Option<Number> {
    let mut state = vec![State::New; nodes.len()];
    let mut path: Vec<(Number, usize)> = Vec::new();
    for start in 0..nodes.len() {
        enter(&mut state, &mut path, start);
        while let Some((number, next)) = path.last_mut() {
            let Some(parent) = parents(nodes, *number).get(*next).copied() else {
                if let Some(state) = state.get_mut(*number) {
                    *state = State::Done;
                }
                path.pop();
                continue;
            };
            *next += 1;
            if state.get(parent) == Some(&State::Open) {
                return Some(parent);
            }
            enter(&mut state, &mut path, parent);
        }
    }
    None
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    /// On the path that is being walked.
    Open,
    Done,
}

fn enter(state: &mut [State], path: &mut Vec<(Number, usize)>, number: Number) {
    if let Some(state @ State::New) = state.get_mut(number) {
        *state = State::Open;
        path.push((number, 0));
    }
}

fn parents(nodes: &[Node], number: Number) -> &[Number] {
    nodes.get(number).and_then(|node| node.kept.as_ref()).map_or(&[], |kept| &kept.parents)
}
