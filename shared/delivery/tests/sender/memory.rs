//! What a receiver can make the sender hold: a process of its own is measured, because the other
//! tests of this binary have memory too.

use std::env;
use std::fs;
use std::process::Command;

use futures_util::future::join_all;

use crate::receiver::{Connection, Receiver};
use crate::{PATIENT, answer, local_sender, post, url};

const CHILD: &str = "memory::holds_little_of_many_large_answers";
const SIZE: usize = 50 * 1024 * 1024;
/// Answers at a time: a batch.
const BATCH: usize = 10;
/// Most that a batch may add to the process: a tenth of one answer, half of it the receivers'.
const GROWTH_KIB: u64 = 12 * 1024;

/// The most memory this process has had at once, in KiB.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Answers `status` with 50 MB of a character of three bytes, in pieces that split it.
async fn large(connection: &mut Connection, status: u16) {
    connection.request().await;
    let head = format!("HTTP/1.1 {status} So\r\ncontent-length: {SIZE}\r\n\r\n");
    connection.write(head).await;
    // Not divisible by three: the pieces begin at every byte of the character.
    let pieces = [0, 1, 2].map(|from| {
        let bytes = "\u{20ac}".repeat(4_000).into_bytes();
        bytes.into_iter().skip(from).take(10_000).collect::<Vec<u8>>()
    });
    let mut written = 0;
    for piece in pieces.iter().cycle() {
        if written >= SIZE || connection.write(piece).await.is_none() {
            return;
        }
        written += piece.len();
    }
}

#[tokio::test]
#[ignore = "run by the test below, in a process of its own"]
async fn holds_little_of_many_large_answers() {
    let before = peak_kib();
    for status in [200, 500] {
        let receiver = Receiver::start(move |mut connection| async move {
            large(&mut connection, status).await;
        })
        .await;
        let sender = local_sender(receiver.port);
        let target = url(receiver.port);
        for attempt in join_all((0..BATCH).map(|_| post(&sender, &target, PATIENT))).await {
            let kept = (status == 500).then(|| "\u{20ac}".repeat(2_000));
            let got = answer(attempt);
            assert_eq!((got.status, got.excerpt), (status, kept));
        }
    }
    let grown = peak_kib() - before;
    assert!(grown < GROWTH_KIB, "{grown} KiB");
}

#[test]
fn a_batch_of_fifty_megabyte_answers_takes_next_to_no_memory() {
    let output = Command::new(env::current_exe().expect("this binary has a path"))
        .args(["--exact", CHILD, "--ignored"])
        .output()
        .expect("it can be run");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}");
    assert!(report.contains("1 passed"), "the child sent nothing: {report}");
}
