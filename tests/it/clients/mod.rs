//! What application developers copy: the clients in `clients/`, their contract, and the commands that the pages show.

mod contract;
mod examples;
mod protos;

use crate::support::{copy_folder, dotnet, repository};
use std::{
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A language of `clients/`.
#[derive(Clone, Copy)]
enum Language {
    Python,
    Node,
    Java,
    Go,
    CSharp,
}

/// The policies of the examples.
const POLICIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/policies");
/// The jars of Jackson, as Debian installs them.
const JACKSON: &str = "/usr/share/java/*";

impl Language {
    /// Its folder in `clients/`.
    fn folder(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Node => "node",
            Self::Java => "java",
            Self::Go => "go",
            Self::CSharp => "csharp",
        }
    }

    /// Copies the clients as a developer does, builds the program of the contract, and returns the command that runs it.
    #[track_caller]
    fn contract(self, copy: &Path) -> Command {
        copy_folder(&repository().join("clients").join(self.folder()), copy);
        let mut run = match self {
            Self::Python => {
                let mut run = Command::new(installed("target/tests/python/bin/python"));
                run.arg("contract.py");
                run
            }
            Self::Node => {
                std::fs::write(copy.join("package.json"), r#"{"type": "module"}"#).unwrap();
                symlink(installed("tests/clients/node/node_modules"), copy.join("node_modules")).unwrap();
                shell(copy, &format!("poort codegen --lang typescript '{POLICIES}' > questions.ts"));
                shell(copy, "npx tsc --project . --outDir built");
                let mut run = Command::new("node");
                run.arg("built/contract.js");
                run
            }
            Self::Java => {
                shell(
                    copy,
                    &format!(
                        "javac -Xlint:all,-serial,-path -Werror -d built -cp '{JACKSON}' Poort.java Contract.java"
                    ),
                );
                let mut run = Command::new("java");
                // The machine's own proxy: no question may go there.
                run.args(["-Dhttp.proxyHost=127.0.0.1", "-Dhttp.proxyPort=9", "-Dhttp.nonProxyHosts="]);
                run.args(["-cp", &format!("built:{JACKSON}"), "reports.Contract"]);
                run
            }
            Self::Go => {
                shell(copy, "test -z \"$(gofmt -l .)\" && go vet ./... && go build -o built ./contract");
                Command::new(copy.join("built"))
            }
            Self::CSharp => {
                let compiled = dotnet::compile(copy, "contract", &["Poort.cs", "Contract.cs"]);
                assert!(compiled.status.success(), "{compiled:?}");
                dotnet::run(copy, "contract")
            }
        };
        // The environment's proxy, for every address.
        run.envs(["http_proxy", "HTTP_PROXY"].map(|name| (name, "http://127.0.0.1:9")));
        run.env_remove("no_proxy").env_remove("NO_PROXY").current_dir(copy);
        run
    }
}

/// Runs a line in a folder to its end.
#[track_caller]
fn shell(folder: &Path, line: &str) {
    let output = command(folder, line).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{line}: {}\n{}{}", output.status, text(&output.stdout), text(&output.stderr));
}

/// A line of a shell, with this poort. Go keeps what it compiled, and neither Go nor npm asks anybody.
fn command(folder: &Path, line: &str) -> Command {
    let poort = Path::new(env!("CARGO_BIN_EXE_poort")).parent().unwrap().to_owned();
    let inherited = std::env::var_os("PATH").unwrap();
    let path = std::env::join_paths(std::iter::once(poort).chain(std::env::split_paths(&inherited))).unwrap();
    let mut command = Command::new("bash");
    command.env("PATH", path);
    command.args(["-euo", "pipefail", "-c", line]).current_dir(folder);
    command.env("GOCACHE", repository().join("target/tests/go")).env("GOPROXY", "off").env("GOFLAGS", "-mod=mod");
    command.env("npm_config_update_notifier", "false");
    command
}

#[track_caller]
fn installed(path: &str) -> PathBuf {
    let path = repository().join(path);
    assert!(path.exists(), "{} is not there; tests/run installs it", path.display());
    path
}
