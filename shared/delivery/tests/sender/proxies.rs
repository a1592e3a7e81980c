//! The proxy environment is ignored.
//!
//! The variables cannot be set from inside: `std::env::set_var` is unsafe in a process with
//! threads, and the workspace forbids unsafe code. So the test runs this binary once more with
//! them set, and that run does the sending.

use std::env;
use std::process::Command;

use crate::receiver::{Receiver, Trap};
use crate::{PATIENT, local_sender, post, url};

const CHILD: &str = "proxies::sends_with_the_environment_it_was_given";

#[tokio::test]
#[ignore = "run by the test below, with a proxy environment"]
async fn sends_with_the_environment_it_was_given() {
    let receiver = Receiver::answering("HTTP/1.1 204 Yes\r\n\r\n").await;
    assert!(post(&local_sender(receiver.port), &url(receiver.port), PATIENT).await.is_success());
}

#[test]
fn no_variable_leads_to_a_proxy() {
    let trap = Trap::set();
    let proxy = format!("http://127.0.0.1:{}", trap.port());
    let mut child = Command::new(env::current_exe().expect("this binary has a path"));
    child.args(["--exact", CHILD, "--ignored"]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        child.env(name, &proxy).env(name.to_lowercase(), &proxy);
    }
    // Set, these would hide a proxy that is wrongly obeyed.
    child.env_remove("NO_PROXY").env_remove("no_proxy").env_remove("REQUEST_METHOD");
    let output = child.output().expect("it can be run");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}");
    assert!(report.contains("1 passed"), "the child sent nothing: {report}");
    trap.assert_untouched();
}
