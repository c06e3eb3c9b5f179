//! Batches: the defaults of an item, and how far a batch goes on (AuthZEN 1.0, section 7).

use super::engine::Mistakes;
use crate::types::{
    decision::{Answer, Fault},
    evaluation::{Batch, Item, Map, Parts},
};

/// The answers to a batch, as far as its semantic goes on. `answer` decides one question, of this place, or says what is
/// wrong with it; a fault in an item is that item's answer.
pub fn answers(batch: &Batch, mut answer: impl FnMut(Parts<'_>, usize) -> Result<Answer, Mistakes>) -> Vec<Answer> {
    let mut answers = Vec::with_capacity(batch.items.len());
    for (index, item) in batch.items.iter().enumerate() {
        let (answer, is_last) = step(batch, index, item, |parts| answer(parts, index));
        answers.push(answer);
        if is_last {
            break;
        }
    }
    answers
}

/// The answer to the item at this place, and whether the batch ends with it.
pub(super) fn step(
    batch: &Batch,
    index: usize,
    item: &Item,
    answer: impl FnOnce(Parts<'_>) -> Result<Answer, Mistakes>,
) -> (Answer, bool) {
    let answer = resolve(&batch.defaults, item, index)
        .and_then(|parts| answer(parts).map_err(|mistakes| mistakes.in_item(index).to_string()))
        .unwrap_or_else(|message| Answer::Fault(Fault { status: 400, message }));
    let is_last = batch.semantic.stops_after(answer.decision().is_allow());
    (answer, is_last)
}

/// The question of the item at this place. `None` if it is none.
#[must_use]
pub fn parts<'a>(batch: &'a Batch, item: &'a Item, index: usize) -> Option<Parts<'a>> {
    resolve(&batch.defaults, item, index).ok()
}

/// An item with the defaults filled in (section 7.1.1: a part of the item replaces the whole default).
///
/// # Errors
/// The fault of the item, or what is missing; it names the item by its index.
fn resolve<'a>(defaults: &'a Item, item: &'a Item, index: usize) -> Result<Parts<'a>, String> {
    static NO_CONTEXT: Map = Map::new();
    if let Some(fault) = &item.fault {
        return Err(fault.clone());
    }
    let missing = |name: &str| format!("evaluations[{index}].{name}: is missing, here and among the defaults");
    Ok(Parts {
        subject: item.subject.as_ref().or(defaults.subject.as_ref()).ok_or_else(|| missing("subject"))?,
        action: item.action.as_ref().or(defaults.action.as_ref()).ok_or_else(|| missing("action"))?,
        resource: item.resource.as_ref().or(defaults.resource.as_ref()).ok_or_else(|| missing("resource"))?,
        context: item.context.as_ref().or(defaults.context.as_ref()).unwrap_or(&NO_CONTEXT),
    })
}
