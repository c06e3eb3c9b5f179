//! Generates the gRPC code and the reflection descriptor from `proto/`.

use prost::Message as _;
use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(["proto/poort/v1/access_evaluation.proto"], ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("poort_descriptor.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .build_client(true)
        .compile_well_known_types(false)
        .codec_path("crate::api::grpc::codec::BoundedCodec")
        .compile_fds(descriptors)?;
    Ok(())
}
