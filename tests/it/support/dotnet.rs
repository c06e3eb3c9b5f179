//! C# without an SDK: mono's compiler and Microsoft's runtime, which `tests/run` installs. No registry that is reached has an
//! SDK of .NET.

use super::repository;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// How a program of .NET Core starts: with the framework that is there, and without the machine's language.
const RUNTIME: &str = r#"{"runtimeOptions": {"framework": {"name": "Microsoft.NETCore.App", "version": "3.1.0"},
    "configProperties": {"System.Globalization.Invariant": true}}}"#;

/// Compiles sources of a folder into a program, and warns of nothing.
#[track_caller]
pub fn compile(folder: &Path, program: &str, sources: &[&str]) -> Output {
    fs::write(folder.join("references"), references(&runtime())).unwrap();
    let mut mcs = Command::new("mcs");
    mcs.args(["-noconfig", "-nostdlib", "-langversion:7.2", "-warnaserror", "-nowarn:1702", "@references"]);
    mcs.arg(format!("-out:{program}.dll")).args(sources).current_dir(folder);
    mcs.output().unwrap_or_else(|error| panic!("mcs: {error}; tests/run installs it"))
}

/// The command that runs a program.
#[track_caller]
pub fn run(folder: &Path, program: &str) -> Command {
    fs::write(folder.join(format!("{program}.runtimeconfig.json")), RUNTIME).unwrap();
    let mut run = Command::new(runtime().join("dotnet"));
    run.arg(format!("{program}.dll")).current_dir(folder);
    run
}

/// The folder of the runtime.
#[track_caller]
fn runtime() -> PathBuf {
    let packages = repository().join("target/tests/python/lib");
    let packages = packages.read_dir().unwrap_or_else(|error| panic!("{error}; tests/run installs it"));
    packages.map(|it| it.unwrap().path()).next().unwrap().join("site-packages/dotnetcore2/bin")
}

/// What a compiler is told of the runtime's assemblies.
fn references(runtime: &Path) -> String {
    let framework = runtime.join("shared/Microsoft.NETCore.App").read_dir().unwrap().next().unwrap().unwrap().path();
    let names = framework.read_dir().unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let is_managed = |name: &String| !name.contains("Native") && !name.contains("WindowsRuntime");
    let names = names.filter(|name| name.starts_with("System.") && name.ends_with(".dll")).filter(is_managed);
    names.map(|name| format!("-r:{}\n", framework.join(name).display())).collect()
}
