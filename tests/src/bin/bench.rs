//! `make bench`: prints what a delivery costs and how functions start, and writes
//! `.local/bench.json`. Needs a running stack (`ARAGORA_STACK`).
//!
//! `bench [--profile NAME]`: the profile of the binaries that are started and weighed, `release`
//! unless said otherwise; they are built first. `bench templates`: only what pages of templates
//! cost; nothing is written.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a tool for the terminal: the table is what it is for, and it ends where it cannot go on"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use aragora_tests::bench::batches;
use aragora_tests::bench::deliveries;
use aragora_tests::bench::prices::Prices;
use aragora_tests::bench::report::Report;
use aragora_tests::bench::spent::Spent;
use aragora_tests::bench::start::{self, Startable};
use aragora_tests::bench::templates::{self, Costs};
use aragora_tests::bench::{median, sizes};
use aragora_tests::{Session, workspace};
use serde_json::{Value, json};

const FAN_OUTS: [usize; 2] = [1, 10];
const RUNS: usize = 3;
/// How many templates there are when pages are read, unless [`TEMPLATES`] lists other sizes.
const SIZES: [usize; 2] = [100, 10_000];
/// Names the variable that lists sizes, such as `100,10000,100000`: the last takes an hour.
const TEMPLATES: &str = "ARAGORA_BENCH_TEMPLATES";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    if std::env::args().nth(1).as_deref() == Some("templates") {
        let templates = measure_templates().await;
        println!("{}", templates::table(&templates));
        return;
    }
    let profile = profile();
    let functions = workspace::directories("functions");
    let binaries =
        workspace::build(&profile, functions.iter().map(String::as_str).chain([start::EMPTY]));
    let session = Session::alone().await;

    let templates = measure_templates().await;
    println!("{}\n", templates::table(&templates));
    let report = Report {
        deliveries: measure_deliveries(&session).await,
        jobs: measure_jobs(&session).await,
        starts: measure_starts(&session, &functions, &binaries).await,
        sizes: sizes::measure(&functions, &binaries),
        prices: Prices::read(),
        about: about(&profile),
    };
    println!("{}", report.table());
    let path = workspace::root().join(".local/bench.json");
    let mut document = report.json();
    document["templates"] = costs(&templates);
    let text = serde_json::to_string_pretty(&document).expect("figures are JSON");
    std::fs::write(&path, text + "\n").expect(".local can be written to");
    println!("written to {}", path.display());
}

fn profile() -> String {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        None => "release".to_owned(),
        Some("--profile") => arguments.next().expect("--profile is followed by a name"),
        Some(other) => {
            panic!("unknown argument {other}: only --profile NAME and templates are known")
        }
    }
}

async fn measure_deliveries(session: &Session) -> BTreeMap<usize, Vec<Spent>> {
    let mut medians = BTreeMap::new();
    for fan_out in FAN_OUTS {
        println!("deliveries, fan-out {fan_out}: a warm-up and {RUNS} runs ...");
        deliveries::measure(session, fan_out).await;
        let mut runs = Vec::new();
        for _ in 0..RUNS {
            runs.push(deliveries::measure(session, fan_out).await);
        }
        let of_function =
            |at: usize| runs.iter().map(|run: &Vec<Spent>| run[at]).collect::<Vec<_>>();
        let shares = (0..deliveries::FUNCTIONS.len())
            .map(|at| Spent::combine(&of_function(at), median))
            .collect();
        medians.insert(fan_out, shares);
    }
    medians
}

async fn measure_jobs(session: &Session) -> [batches::Job; 2] {
    println!("explanations: a job of {} debates, twice ...", batches::DEBATES);
    batches::measure(session).await
}

async fn measure_templates() -> BTreeMap<usize, Costs> {
    let listed = std::env::var(TEMPLATES).unwrap_or_default();
    let mut sizes: Vec<usize> =
        listed.split(',').filter_map(|size| size.trim().parse().ok()).collect();
    if sizes.is_empty() {
        sizes = SIZES.to_vec();
    }
    sizes.sort_unstable();
    println!("templates: pages among {sizes:?} ...");
    templates::measure(&sizes).await
}

/// Read units by page and size.
fn costs(measured: &BTreeMap<usize, Costs>) -> Value {
    let of_size = |(size, costs): (&usize, &Costs)| {
        let pages = costs.iter().map(|(name, units)| ((*name).to_owned(), json!(units)));
        (size.to_string(), Value::Object(pages.collect()))
    };
    Value::Object(measured.iter().map(of_size).collect())
}

async fn measure_starts(
    session: &Session,
    functions: &[String],
    binaries: &Path,
) -> BTreeMap<String, f64> {
    println!("starts: {} runs of each ...", start::RUNS);
    let mut all = vec![Startable::empty(session, binaries)];
    for name in functions {
        all.push(Startable::deployed(session, name, binaries).await);
    }
    start::measure(&all).await
}

/// Which sources on which machine.
fn about(profile: &str) -> Value {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(workspace::root()).output();
        output
            .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
            .unwrap_or_default()
    };
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<f64> = load.split(' ').take(3).filter_map(|each| each.parse().ok()).collect();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    json!({
        "commit": git(&["rev-parse", "HEAD"]),
        "changed": !git(&["status", "--porcelain"]).is_empty(),
        "load": load, "cores": cores, "runs": RUNS, "profile": profile,
    })
}
