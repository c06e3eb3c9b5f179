//! The command line of poort. See `poort --help`, and the crate's documentation for how it is built.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    poort::commands::run(std::env::args_os()).into()
}
