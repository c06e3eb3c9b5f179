//! The command line of poort. See `poort --help`, and the crate's documentation for how it is built.

use std::process::ExitCode;

/// What one thread allocates another frees, for each record. The C library's allocator makes its threads wait for each other
/// then. mimalloc gains a third under load (`docs/benchmarks.md`, "What single measures gain").
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    poort::commands::run(std::env::args_os()).into()
}
