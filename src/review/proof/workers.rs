//! Runs several solvers in parallel, with one thread and one process each.

use super::solver::Solver;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// The stack of a thread, in bytes. Cedar's analysis walks expressions by recursion, and terms are deeper than the
/// policies that they come from. Only what is used of it takes memory.
const STACK: usize = 256 << 20;

/// How proofs are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// How long the solver may think about one question.
    pub limit: Duration,
    /// How many solvers work in parallel.
    pub solvers: usize,
}

impl Default for Effort {
    fn default() -> Self {
        Self { limit: Duration::from_secs(60), solvers: thread::available_parallelism().map_or(1, usize::from) }
    }
}

/// Runs all tasks and returns their results in order; `None` for a task that panicked.
pub(crate) fn each<T: Sync, R: Send>(
    tasks: &[T],
    effort: Effort,
    done: &(dyn Fn() + Sync),
    work: &(dyn Fn(&mut Solver, &T) -> R + Sync),
) -> Vec<Option<R>> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<R>>> = Mutex::new(tasks.iter().map(|_| None).collect());
    let run = || {
        let Ok(mut solver) = Solver::new(effort.limit) else { return };
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(task) = tasks.get(index) else { return };
            // A panic in the analysis of one task must not end the others; its result stays `None`.
            let result = catch_unwind(AssertUnwindSafe(|| work(&mut solver, task)));
            match result {
                Ok(result) => {
                    let mut results = results.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    if let Some(place) = results.get_mut(index) {
                        *place = Some(result);
                    }
                }
                Err(_) => match Solver::new(effort.limit) {
                    Ok(fresh) => solver = fresh,
                    Err(_) => return,
                },
            }
            done();
        }
    };
    thread::scope(|scope| {
        for _ in 0..effort.solvers.clamp(1, tasks.len().max(1)) {
            let thread = thread::Builder::new().name("poort-proof".to_owned()).stack_size(STACK);
            // The other threads do the tasks of one that does not start; with none, every task stays undone.
            let _ = thread.spawn_scoped(scope, run);
        }
    });
    results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}
