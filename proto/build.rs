//! Generates the gRPC code and the reflection descriptor from `proto/`, finds the commit that is built, and makes the released
//! binary small.

use prost::Message as _;
use std::{env, error::Error, fs, path::PathBuf, process::Command};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    println!("cargo::rustc-env=BUILD_COMMIT={}", commit());
    let descriptors = protox::compile(["proto/poort/v1/access_evaluation.proto"], ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("poort_descriptor.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .build_client(true)
        .compile_well_known_types(false)
        .codec_path("crate::api::grpc::codec::BoundedCodec")
        .compile_fds(descriptors)?;
    if env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        // Half of the binary is line tables otherwise. A backtrace reads zlib; zstd is smaller, and a backtrace cannot read it.
        println!("cargo::rustc-link-arg-bins=-Wl,--compress-debug-sections=zlib");
    }
    Ok(())
}

/// The commit that is built: what `BUILD_COMMIT` says, else what `git archive` put into `.commit`, else, for a release,
/// what git says. `-modified` follows where files differ from it. `unknown` without any of these, and where a build is not
/// for release: it would be made again after every commit.
fn commit() -> String {
    println!("cargo::rerun-if-env-changed=BUILD_COMMIT");
    println!("cargo::rerun-if-changed=.commit");
    let named = env::var("BUILD_COMMIT").ok().or_else(|| fs::read_to_string(".commit").ok());
    let named = named.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty() && !name.contains('$'));
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    named.or_else(|| is_release.then(git).flatten()).unwrap_or_else(|| "unknown".to_owned())
}

/// What git says of this folder, and of no folder around it.
fn git() -> Option<String> {
    fs::metadata(".git").ok()?;
    // Each commit and checkout writes to the log of HEAD. The index changes with every look of git's, which would build again.
    // In a worktree they are in a folder elsewhere.
    let ask = |arguments: &[&str]| {
        let said = Command::new("git").args(arguments).output().ok().filter(|said| said.status.success())?;
        Some(String::from_utf8(said.stdout).ok()?.trim().to_owned())
    };
    let path = |name| ask(&["rev-parse", "--git-path", name]);
    let watched = ["src", "Cargo.toml", "Cargo.lock"].map(str::to_owned);
    let watched: Vec<_> = watched.into_iter().chain(path("HEAD")).chain(path("logs/HEAD")).collect();
    for file in watched.iter().filter(|file| fs::exists(file).is_ok_and(|exists| exists)) {
        println!("cargo::rerun-if-changed={file}");
    }
    ask(&["describe", "--always", "--exclude=*", "--abbrev=40", "--dirty=-modified"])
}
