//! The arrows between crates go one way, and few crates know the outside world.

use std::collections::{BTreeMap, BTreeSet};

use aragora_tests::workspace;
use serde_json::Value;

/// Crates from the ground up; each may use those below it, and its neighbours.
const LEVELS: [&[&str]; 7] = [
    &["aragora-core", "aragora-explain"],
    &["aragora-signing"],
    &["aragora-store", "aragora-queue"],
    &[
        "aragora-audit",
        "aragora-batches",
        "aragora-debates",
        "aragora-delivery",
        "aragora-events",
        "aragora-explanations",
        "aragora-identity",
        "aragora-marketplace",
        "aragora-migrate",
        "aragora-webhooks",
    ],
    &["aragora-api"],
    &["aragora-runtime"],
    &[
        "aragora-cli",
        "audit",
        "audit-api",
        "debates",
        "deliver",
        "events",
        "explain",
        "explanation-jobs",
        "explanations",
        "fan-out",
        "health",
        "identity",
        "marketplace",
        "migrate",
        "receipts",
        "redeliver",
        "redeliveries",
        "sweep",
        "webhook-test",
        "webhooks",
    ],
];

/// What is never shipped.
const TEST_PACKAGES: [&str; 2] = ["aragora-tests", "baseline"];

/// Each package's dependencies that end up in a binary, by name.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let name = |of: &Value| of["name"].as_str().unwrap().to_owned();
    let shipped = |dependency: &&Value| dependency["kind"] != "dev";
    let of_package = |package: &Value| {
        package["dependencies"].as_array().unwrap().iter().filter(shipped).map(name).collect()
    };
    workspace::packages().iter().map(|package| (name(package), of_package(package))).collect()
}

fn shipped() -> BTreeMap<String, BTreeSet<String>> {
    let mut packages = dependencies();
    packages.retain(|name, _| !TEST_PACKAGES.contains(&name.as_str()));
    packages
}

fn level(package: &str) -> Option<usize> {
    LEVELS.iter().position(|level| level.contains(&package))
}

/// The shipped packages that depend on something `matching`.
fn users(matching: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let uses = |names: &BTreeSet<String>| names.iter().any(|name| matching(name));
    shipped().into_iter().filter(|(_, names)| uses(names)).map(|(package, _)| package).collect()
}

fn within(found: &BTreeSet<String>, allowed: &[&str]) {
    let strangers: Vec<&String> =
        found.iter().filter(|package| !allowed.contains(&package.as_str())).collect();
    assert!(strangers.is_empty(), "{strangers:?}");
}

#[test]
fn every_package_has_its_level() {
    let unknown: Vec<String> =
        shipped().into_keys().filter(|package| level(package).is_none()).collect();
    assert!(unknown.is_empty(), "give {unknown:?} a level");
}

#[test]
fn arrows_go_down() {
    for (package, names) in shipped() {
        for name in names.iter().filter(|name| level(name).is_some()) {
            assert!(level(name) <= level(&package), "{package} depends on {name}");
        }
    }
}

#[test]
fn the_core_depends_on_no_other_crate_of_ours() {
    let core = &dependencies()["aragora-core"];
    let ours: Vec<&String> = core.iter().filter(|name| level(name).is_some()).collect();
    assert!(ours.is_empty(), "{ours:?}");
    for outside in ["tokio", "reqwest", "lambda_runtime", "lambda_http"] {
        assert!(!core.contains(outside), "core names {outside}");
    }
}

#[test]
fn only_store_queue_and_runtime_know_the_aws_sdk() {
    let found = users(|name| name.starts_with("aws-") || name.starts_with("aws_"));
    within(&found, &["aragora-store", "aragora-queue", "aragora-runtime"]);
}

#[test]
fn only_the_runtime_knows_lambda() {
    within(&users(|name| name.starts_with("lambda_")), &["aragora-runtime"]);
}

#[test]
fn only_delivery_can_reach_receivers() {
    within(
        &users(|name| ["reqwest", "hyper", "hyper-util", "ureq"].contains(&name)),
        &["aragora-delivery"],
    );
}

#[test]
fn nothing_shipped_depends_on_the_tests() {
    within(&users(|name| TEST_PACKAGES.contains(&name)), &[]);
}

#[test]
fn functions_are_a_few_lines_that_start_the_runtime() {
    for function in workspace::directories("functions") {
        let main = workspace::read(&format!("functions/{function}/src/main.rs"));
        assert!(
            main.lines().count() <= 12,
            "functions/{function}/src/main.rs has {} lines",
            main.lines().count()
        );
        let sources =
            std::fs::read_dir(workspace::root().join("functions").join(&function).join("src"))
                .unwrap();
        assert_eq!(sources.count(), 1, "functions/{function} has more than main.rs");
        let foreign: Vec<String> = dependencies()[&function]
            .iter()
            .filter(|name| !name.starts_with("aragora-") && *name != "tokio")
            .cloned()
            .collect();
        assert!(foreign.is_empty(), "functions/{function} uses {foreign:?}");
    }
}
