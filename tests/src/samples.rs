//! The samples of `docs/verify/`, run as the programs they are: cases in, one a line, words out.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::workspace;

/// One sample, ready to run.
#[derive(Debug)]
pub struct Sample {
    /// The language it is in.
    pub language: &'static str,
    program: String,
    arguments: Vec<String>,
}

impl Sample {
    /// What the sample answers to each case: `valid` or the word of the check that failed.
    ///
    /// # Panics
    /// When it fails, or does not answer every case.
    pub fn answers(&self, cases: &[Value]) -> Vec<String> {
        let input = cases.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", self.program));
        let mut pipe = child.stdin.take().expect("a pipe");
        // From a thread of its own: a sample may answer before it has read everything.
        let writer = std::thread::spawn(move || pipe.write_all(input.as_bytes()));
        let output = child.wait_with_output().expect("the sample ends");
        writer.join().expect("the writer ends").expect("the sample reads its input");
        assert!(output.status.success(), "the {} sample: {}", self.language, output.status);
        let text = String::from_utf8(output.stdout).expect("a sample prints UTF-8");
        let answers: Vec<String> = text.lines().map(str::to_owned).collect();
        assert_eq!(answers.len(), cases.len(), "the {} sample's answers", self.language);
        answers
    }
}

/// Every sample whose language is on this machine. Python and Rust always are; for Node and Go a
/// line on the real standard output says so when they are not.
///
/// `rust` is the Rust sample's binary; the Go sample is built into `directory`.
///
/// # Panics
/// When a sample cannot be built.
pub fn all(rust: &str, directory: &Path) -> Vec<Sample> {
    let file = |name: &str| {
        workspace::root().join("docs/verify").join(name).to_string_lossy().into_owned()
    };
    let run = |language, program: &str, arguments| Sample {
        language,
        program: program.to_owned(),
        arguments,
    };
    let mut samples =
        vec![run("Rust", rust, vec![]), run("Python", "python3", vec![file("verify.py")])];
    if is_there("node", "--version") {
        samples.push(run("Node", "node", vec![file("verify.mjs")]));
    } else {
        skipped("Node", "node");
    }
    if is_there("go", "version") {
        samples.push(run("Go", &build_go(&file("verify.go"), directory), vec![]));
    } else {
        skipped("Go", "go");
    }
    samples
}

fn is_there(program: &str, argument: &str) -> bool {
    let status = Command::new(program).arg(argument).stdout(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Written past the capture of the test harness: a skip must be seen in a run that passes.
fn skipped(language: &str, program: &str) {
    let line =
        format!("verify_samples: {program} is not installed: the {language} sample is SKIPPED\n");
    std::io::stdout().write_all(line.as_bytes()).expect("standard output takes a line");
}

fn build_go(source: &str, directory: &Path) -> String {
    let binary = directory.join("verify-sample-go").to_string_lossy().into_owned();
    let status = Command::new("go")
        .args(["build", "-o", &binary, source])
        // The toolchain that is here: none is to be fetched.
        .env("GOTOOLCHAIN", "local")
        .status()
        .expect("go runs");
    assert!(status.success(), "the Go sample does not build");
    binary
}
