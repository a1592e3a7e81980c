//! Where the project's files are, and what its tools say.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the workspace").to_owned()
}

/// Reads a file of the workspace.
///
/// # Panics
/// When it cannot be read.
pub fn read(path: &str) -> String {
    let full = root().join(path);
    std::fs::read_to_string(&full).unwrap_or_else(|error| panic!("{}: {error}", full.display()))
}

/// The names of the directories directly under `path`, sorted.
pub fn directories(path: &str) -> Vec<String> {
    let entries = std::fs::read_dir(root().join(path)).expect("a directory of the workspace");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("a readable entry"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// What `cargo metadata` says of the workspace's own packages.
///
/// # Panics
/// When cargo cannot read the workspace.
pub fn packages() -> Vec<Value> {
    metadata()["packages"].as_array().expect("packages").clone()
}

/// Builds packages with a profile and returns the directory their binaries are in.
///
/// # Panics
/// When they do not build.
pub fn build<'a>(profile: &str, packages: impl Iterator<Item = &'a str>) -> PathBuf {
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--locked", "--profile", profile]).current_dir(root());
    for package in packages {
        command.args(["--package", package]);
    }
    assert!(command.status().expect("cargo runs").success(), "the {profile} build failed");
    let directory = if profile == "dev" { "debug" } else { profile };
    PathBuf::from(metadata()["target_directory"].as_str().expect("a target directory"))
        .join(directory)
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo prints JSON")
}
