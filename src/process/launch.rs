//! From a [`ToolSpec`] to a running process group with its pipes.

use super::account::account_for;
use super::group::Group;
use super::private::PrivateFiles;
use super::stderr::StderrTail;
use super::{ToolError, ToolRun, ToolSpec};
use nix::fcntl::{FcntlArg, fcntl};
use nix::unistd::User;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};

/// Passed on from our own environment; everything else is left out, above all the variables that libpq reads as
/// settings.
const HANDED_ON: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"];

/// The size that we request for pipes that carry data: fewer wake-ups per byte. A refusal by the kernel costs only
/// speed.
const PIPE_BYTES: i32 = 1024 * 1024;

/// Which of a tool's pipes are connected to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pipes {
    /// Standard output.
    Output,
    /// Standard input and standard output.
    Both,
    /// Standard input; standard output is thrown away.
    Input,
}

/// A tool that has just been started.
pub(super) struct Launched {
    pub(super) tool: RunningTool,
    pub(super) stdin: Option<ChildStdin>,
    pub(super) stdout: Option<ChildStdout>,
}

/// A started tool without its data pipes.
pub(super) struct RunningTool {
    pub(super) label: String,
    pub(super) group: Group,
    timeout_seconds: u64,
    stderr: StderrTail,
}

impl RunningTool {
    /// Waits for the end of everything: the leader, what it left in its group, its standard error.
    pub(super) async fn end(self) -> Result<ToolRun, ToolError> {
        let status = self.group.exit().await;
        let timed_out = self.group.timed_out();
        self.group.reap().await;
        let stderr = self.stderr.finish().await;
        if timed_out {
            return Err(ToolError::TimedOut { label: self.label, seconds: self.timeout_seconds });
        }
        Ok(ToolRun { stdout: Vec::new(), stderr, status })
    }
}

/// Starts `tool`. Must be called within a tokio runtime.
pub(super) fn launch(tool: &ToolSpec, pipes: Pipes) -> Result<Launched, ToolError> {
    start(tool, pipes).map_err(|source| ToolError::Start { program: tool.program.clone(), source })
}

fn start(tool: &ToolSpec, pipes: Pipes) -> std::io::Result<Launched> {
    let account = account_for(tool.user_when_root.as_deref())?;
    let files = PrivateFiles::write(&tool.args, tool.user_when_root.as_deref())?;
    let mut command = Command::new(&tool.program);
    command.args(files.arguments()).process_group(0).stderr(Stdio::piped());
    set_environment(&mut command, tool, account.as_ref());
    if let Some(account) = &account {
        // The standard library also drops every supplementary group of root when it changes the user. The working
        // directory changes because the new user may not be able to read ours.
        command.uid(account.uid.as_raw()).gid(account.gid.as_raw()).current_dir("/");
    }
    command.stdin(if pipes == Pipes::Output { Stdio::null() } else { Stdio::piped() });
    command.stdout(if pipes == Pipes::Input { Stdio::null() } else { Stdio::piped() });

    let mut child = command.spawn()?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let group = Group::watch(child, files, tool.timeout)?;
    stdin.as_ref().into_iter().for_each(widen);
    stdout.as_ref().into_iter().for_each(widen);
    let secrets = tool.secret_env.iter().map(|(_, secret)| secret.clone()).collect();
    let stderr = stderr.map(ChildStderr::from_std).transpose()?;
    Ok(Launched {
        tool: RunningTool {
            label: tool.label.clone(),
            group,
            timeout_seconds: tool.timeout.map_or(0, |timeout| timeout.as_secs()),
            stderr: StderrTail::drain(stderr, secrets),
        },
        stdin: stdin.map(ChildStdin::from_std).transpose()?,
        stdout: stdout.map(ChildStdout::from_std).transpose()?,
    })
}

fn set_environment(command: &mut Command, tool: &ToolSpec, account: Option<&User>) {
    command.env_clear();
    for name in HANDED_ON {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    if let Some(account) = account {
        command.env("HOME", &account.dir);
    }
    command.envs(tool.env.iter().map(|(name, value)| (name, value)));
    command.envs(tool.secret_env.iter().map(|(name, secret)| (name, secret.expose())));
}

fn widen(pipe: &impl AsFd) {
    let _ = fcntl(pipe, FcntlArg::F_SETPIPE_SZ(PIPE_BYTES));
}
