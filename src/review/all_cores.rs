//! Work on all cores, on threads whose stacks hold Cedar's recursion.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// The stack of each thread, in bytes. Policies are walked by recursion, and whatever `policy::bounds` accepts must fit. Only the
/// used part takes memory.
const STACK: usize = 64 << 20;

/// Does this work. The iterators of rayon in it have a thread for each core.
///
/// # Errors
/// There is no room for the threads, or the work broke off.
pub fn on_all_cores<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    let pool = rayon::ThreadPoolBuilder::new().stack_size(STACK).thread_name(|_| "poort-review".to_owned()).build();
    let pool = pool.map_err(|error| error.to_string())?;
    let done = catch_unwind(AssertUnwindSafe(|| pool.install(work)));
    done.map_err(|_| "the work on policies broke off; this is a fault of poort".to_owned())
}
