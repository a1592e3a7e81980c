//! The processes that run our functions, found and measured through `/proc`, killed by id.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

/// `/proc/<pid>/stat` counts in hundredths of a second (`USER_HZ`, fixed on Linux).
const MILLIS_PER_TICK: u64 = 10;

/// One process of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    /// Its id.
    pub pid: u32,
}

impl Process {
    /// The processes that run `function` against the AWS endpoint of our own stack. Those of
    /// another stack on the machine are not ours to touch.
    pub fn of_function(function: &str, endpoint: &str) -> Vec<Self> {
        let entries = fs::read_dir("/proc").expect("Linux has /proc");
        let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let mut found: Vec<Self> =
            pids.map(|pid| Self { pid }).filter(|it| it.runs(function, endpoint)).collect();
        found.sort();
        found
    }

    fn runs(self, function: &str, endpoint: &str) -> bool {
        let variables = self.environment();
        let is = |name: &str, value: &str| {
            variables.get(name).is_some_and(|found| found.trim_end_matches('/') == value)
        };
        is("AWS_LAMBDA_FUNCTION_NAME", function) && is("AWS_ENDPOINT_URL", endpoint)
    }

    /// Empty when the process is gone or another user's.
    fn environment(self) -> BTreeMap<String, String> {
        let block = fs::read(format!("/proc/{}/environ", self.pid)).unwrap_or_default();
        let text = String::from_utf8_lossy(&block).into_owned();
        let pairs = text.split('\0').filter_map(|entry| entry.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// Ends it at once, with nothing put in order (`SIGKILL`). It may be gone already.
    ///
    /// # Panics
    /// When there is no `kill` on this machine.
    pub fn kill(self) {
        let status = Command::new("kill").args(["-KILL", &self.pid.to_string()]).status();
        status.expect("kill runs");
    }

    /// CPU time it used so far, in milliseconds (to the nearest ten); 0 when it is gone.
    pub fn cpu_millis(self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        cpu_ticks(&stat).unwrap_or(0) * MILLIS_PER_TICK
    }

    /// The most memory it has had so far, in kilobytes; 0 when it is gone.
    pub fn peak_kilobytes(self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        peak_kilobytes(&status).unwrap_or(0)
    }
}

/// The peak of the resident memory in a `status` file, in kilobytes.
fn peak_kilobytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// User and system time of a `stat` line. The second field is a name in brackets that may
/// contain anything; the third follows the last bracket.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut times = after_name.split_whitespace().skip(11);
    let user: u64 = times.next()?.parse().ok()?;
    let system: u64 = times.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::wait::eventually;

    #[test]
    fn cpu_time_is_read_behind_the_name() {
        let stat = "17 (boot) strap) S 1 17 17 0 -1 4194560 1 2 3 4 250 30 0 0 20 0 1 0 5 6 7";
        assert_eq!(cpu_ticks(stat), Some(280));
    }

    #[tokio::test]
    async fn only_processes_of_that_function_and_stack_are_found() {
        let mut child = Command::new("sleep")
            .arg("60")
            .env("AWS_LAMBDA_FUNCTION_NAME", "harness-self-test")
            .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
            .spawn()
            .unwrap();
        let mine = Process { pid: child.id() };
        // Its environment is this test's until it has become the other program.
        eventually(Duration::from_secs(10), "the process to be found", async || {
            let found = Process::of_function("harness-self-test", "http://127.0.0.1:9");
            (found == [mine]).then_some(())
        })
        .await;
        assert_eq!(Process::of_function("harness-self-test", "http://127.0.0.1:8"), []);
        mine.kill();
        assert!(!child.wait().unwrap().success());
    }
}
