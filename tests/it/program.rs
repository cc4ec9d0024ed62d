//! Runs of the program, each with a deadline.

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use serde_json::Value;
use std::fs::File;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// No run of a test takes longer: one that does hangs.
const LONGEST_RUN: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(5);

/// What a run said, and how it ended.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Output {
    /// Fails the test unless the run ended with `code`.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert!(
            self.code == code,
            "exit {} instead of {code}\n--- stdout\n{}\n--- stderr\n{}",
            self.code,
            self.stdout,
            self.stderr
        );
        self
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.expect(0)
    }

    /// Fails the test unless standard error has `words`.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "no `{words}` in\n{}", self.stderr);
        self
    }

    /// Fails the test unless the user is told what to do.
    #[track_caller]
    pub(crate) fn helps(self) -> Self {
        self.says(" help: ")
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// A run under way. Dropping it kills it.
pub(crate) struct Run {
    child: Child,
    folder: TempDir,
    began: Instant,
}

impl Run {
    /// Starts `command` with a standard input at its end; what it says goes to files, so that nobody has to read along.
    pub(crate) fn start(command: &mut Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| File::create(folder.path().join(name)).unwrap();
        command.stdin(Stdio::null()).stdout(file("stdout")).stderr(file("stderr")).process_group(0);
        let child = command.spawn().unwrap();
        Self { child, folder, began: Instant::now() }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// What it has said so far on standard error.
    pub(crate) fn stderr(&self) -> String {
        self.text("stderr")
    }

    fn text(&self, name: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
    }

    /// Its end.
    #[track_caller]
    pub(crate) fn wait(self) -> Output {
        self.wait_within(LONGEST_RUN)
    }

    /// As [`Run::wait`], for a run that may take longer than others.
    #[track_caller]
    pub(crate) fn wait_within(mut self, longest: Duration) -> Output {
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(self.began.elapsed() < longest, "the run hangs\n{}", self.stderr());
            std::thread::sleep(POLL);
        };
        Output { code: code(status), stdout: self.text("stdout"), stderr: self.text("stderr") }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = killpg(self.pid(), Signal::SIGKILL);
            let _ = self.child.wait();
        }
    }
}

/// The exit code as a shell tells it.
fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

/// Waits for the end of processes that were sent SIGKILL: the kernel takes a moment for a child that nobody waits for.
#[track_caller]
pub(crate) fn assert_killed(pids: &str) {
    for pid in pids.split_whitespace() {
        wait_until(&format!("process {pid} has ended"), || !is_alive(pid));
    }
}

/// Whether a process runs; one that only waits to be reaped does not.
fn is_alive(pid: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status
        .rsplit(')')
        .next()
        .is_some_and(|rest| !rest.trim().is_empty() && !rest.trim_start().starts_with('Z'))
}

/// Waits until `done`; fails the test when that takes too long.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(30), "still not: {what}");
        std::thread::sleep(POLL);
    }
}
