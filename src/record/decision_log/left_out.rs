//! Records left out, to measure what they cost.
//!
//! Only a build with the feature `bench-unrecorded` can do so, and such a build opens no log before `POORT_BENCH_RECORDS`
//! says which it is to be: whoever has it by mistake finds out at once.

use thiserror::Error;

/// This build is for a bench, and nobody said so.
#[derive(Debug, Error)]
#[error(
    "this build can leave records out (feature `bench-unrecorded`, for benches/whole_path.rs alone): build poort without it, \
     or set POORT_BENCH_RECORDS to `write` or `leave-out`"
)]
pub struct BenchBuild;

/// Whether records are to be left out.
pub(super) fn is_chosen() -> Result<bool, BenchBuild> {
    if !cfg!(feature = "bench-unrecorded") {
        return Ok(false);
    }
    match std::env::var("POORT_BENCH_RECORDS").as_deref() {
        Ok("write") => Ok(false),
        Ok("leave-out") => {
            tracing::error!("This build answers WITHOUT RECORDS, as POORT_BENCH_RECORDS says. It is for a bench.");
            Ok(true)
        }
        _ => Err(BenchBuild),
    }
}
