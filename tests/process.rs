//! How real small programs end, and what the runner makes of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

use jagad::model::{ByteReader, Secret};
use jagad::process::{Argument, FeedError, Runner as _, SystemRunner, ToolError, ToolSpec};
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};

fn sh(script: &str) -> ToolSpec {
    ToolSpec::new("/bin/sh").args(["-c", script])
}

async fn read_all(tool: &ToolSpec) -> (Vec<u8>, Result<(), ToolError>) {
    let mut body = SystemRunner.read(tool).await.unwrap().body;
    let mut bytes = Vec::new();
    let ended = body.read_to_end(&mut bytes).await;
    (bytes, ended.map(|_| ()).map_err(|error| error.downcast::<ToolError>().unwrap()))
}

/// Gives its bytes and then fails, as a torn download does.
struct Torn<'a>(&'a [u8]);

impl AsyncRead for Torn<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.0.is_empty() {
            return Poll::Ready(Err(io::Error::other("torn")));
        }
        let count = self.0.len().min(buf.remaining());
        buf.put_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Poll::Ready(Ok(()))
    }
}

fn body(bytes: &[u8]) -> ByteReader<'_> {
    Box::pin(bytes)
}

fn is_alive(pid: &str) -> bool {
    Path::new("/proc").join(pid.trim()).exists()
}

/// Waits until the process is gone, zombie included; only as long as it really lives.
async fn wait_gone(pid: &str) -> Duration {
    let start = Instant::now();
    while is_alive(pid) {
        assert!(start.elapsed() < Duration::from_secs(20), "process {pid} is still there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    start.elapsed()
}

#[tokio::test]
async fn end_of_file_arrives_after_exit_status_zero_and_the_outcome_is_there() {
    let running = SystemRunner.read(&sh("printf abc; echo fine >&2")).await.unwrap();
    let (mut body, mut bytes) = (running.body, Vec::new());
    assert!(running.outcome.get().is_none());
    body.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes, b"abc");
    let run = running.outcome.get().unwrap();
    assert_eq!((run.status, run.stderr.as_str()), (0, "fine\n"));
    assert_eq!(body.read(&mut [0; 1]).await.unwrap(), 0, "the end stays the end");
}

#[tokio::test]
async fn a_tool_that_fails_after_its_last_byte_never_ends_well() {
    for (script, expected) in [
        ("printf abc; exec >&-; echo late trouble >&2; exit 1", 1),
        ("printf abc; kill -9 $$", 137),
        ("printf abc; exit 3", 3),
    ] {
        let running = SystemRunner.read(&sh(script)).await.unwrap();
        let (mut body, mut bytes) = (running.body, Vec::new());
        let error = body.read_to_end(&mut bytes).await.unwrap_err().downcast::<ToolError>().unwrap();
        assert_eq!(bytes, b"abc");
        assert!(
            matches!(&error, ToolError::Failed { status, .. } if *status == expected),
            "{script}: {error}"
        );
        assert_eq!(running.outcome.get().unwrap().status, expected);
        assert!(body.read(&mut [0; 1]).await.is_err(), "a failed stream must not end well on a second read");
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_told_by_its_path() {
    let error = SystemRunner.output(&ToolSpec::new("/nonexistent/pg_dump")).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot start `/nonexistent/pg_dump`");
}

#[tokio::test]
async fn standard_error_never_blocks_the_tool_and_only_its_beginning_and_end_are_kept() {
    let script = "echo the beginning >&2; head -c 10485760 /dev/zero | tr '\\0' x >&2; echo the end >&2; printf abc; exit 4";
    let (bytes, ended) = read_all(&sh(script)).await;
    assert_eq!(bytes, b"abc");
    let Err(ToolError::Failed { stderr, .. }) = ended else { panic!("{ended:?}") };
    let (begin, end) = stderr.split_once("\n[…]\n").unwrap();
    assert_eq!((begin.len(), end.len()), (64 * 1024, 64 * 1024));
    assert!(begin.starts_with("the beginning\nxx") && end.ends_with("xxthe end\n"));
}

#[tokio::test]
async fn secrets_do_not_come_back_in_what_the_tool_says() {
    let mut tool = sh("echo \"login with $PGPASSWORD failed\" >&2; exit 1");
    tool.secret_env.push(("PGPASSWORD".into(), Secret::new("hunter2".into())));
    let error = SystemRunner.output(&tool).await.unwrap_err();
    assert_eq!(error.to_string(), "sh failed with exit status 1: login with *** failed");
    assert!(!format!("{error:?} {tool:?}").contains("hunter2"));
}

#[tokio::test]
async fn only_a_minimal_environment_is_handed_on() {
    let mut tool = ToolSpec::new("/usr/bin/env");
    tool.env.push(("MINE".into(), "1".into()));
    let run = SystemRunner.output(&tool).await.unwrap();
    let text = String::from_utf8(run.stdout).unwrap();
    let names: Vec<&str> = text.lines().filter_map(|line| line.split('=').next()).collect();
    assert!(names.contains(&"MINE") && names.contains(&"PATH"));
    for name in names {
        assert!(["MINE", "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"].contains(&name), "{name} leaked");
    }
}

#[tokio::test]
async fn a_tool_reads_its_text_and_its_private_files_which_are_gone_afterwards() {
    let list = Argument::File { name: "list", prefix: "--list=", contents: b"contents".as_slice().into() };
    let mut tool =
        sh("cat; file=${1#--list=}; echo; cat $file; echo; stat -c %a $file $(dirname $file); echo $file");
    tool = tool.args(["sh".into(), list]);
    tool.stdin = b"text".to_vec();
    assert_eq!(tool.display_args()[4], "--list=<list>");
    let run = SystemRunner.output(&tool).await.unwrap();
    let text = String::from_utf8(run.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..4], ["text", "contents", "600", "700"]);
    assert!(!Path::new(lines[4]).exists() && !Path::new(lines[4]).parent().unwrap().exists());
}

#[tokio::test]
async fn root_runs_a_tool_as_the_wished_user_with_files_it_can_read() {
    if !jagad::process::is_root() {
        eprintln!("SKIPPED: only root can change the user");
        return;
    }
    let mut tool = sh("id -un; id -G; pwd; cat $1; echo $HOME");
    tool = tool
        .args(["sh".into(), Argument::File { name: "x", prefix: "", contents: b"mine\n".as_slice().into() }]);
    tool.user_when_root = Some("nobody".into());
    let run = SystemRunner.output(&tool).await.unwrap();
    assert_eq!(String::from_utf8(run.stdout).unwrap(), "nobody\n65534\n/\nmine\n/nonexistent\n");
    tool.user_when_root = Some("no such user".into());
    assert!(matches!(SystemRunner.output(&tool).await, Err(ToolError::Start { .. })));
}

#[tokio::test]
async fn a_small_answer_that_is_not_small_is_refused() {
    let error = SystemRunner.output(&sh("head -c 20000000 /dev/zero")).await.unwrap_err();
    assert!(matches!(error, ToolError::TooMuchOutput { .. }), "{error}");
}

#[tokio::test]
async fn a_tool_that_outlives_its_time_is_ended_and_says_so() {
    let mut tool = sh("sleep 100");
    tool.timeout = Some(Duration::from_millis(200));
    let start = Instant::now();
    let error = SystemRunner.output(&tool).await.unwrap_err();
    assert!(matches!(error, ToolError::TimedOut { .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(4));
    let error = SystemRunner.feed(&tool, Box::pin(tokio::io::empty())).await.unwrap_err();
    assert!(matches!(error, FeedError::Tool(ToolError::TimedOut { .. })), "{error}");
}

#[tokio::test]
async fn dropping_the_reader_ends_the_tool_and_its_children_without_a_zombie() {
    let mut body = SystemRunner.read(&sh("echo $$; sleep 1000 & echo $!; wait; yes")).await.unwrap().body;
    let mut pids = [0; 64];
    let mut filled = 0;
    while memchr::memchr_iter(b'\n', &pids[..filled]).count() < 2 {
        filled += body.read(&mut pids[filled..]).await.unwrap();
    }
    drop(body);
    for pid in String::from_utf8_lossy(&pids[..filled]).lines() {
        assert!(wait_gone(pid).await < Duration::from_secs(4));
    }
}

#[tokio::test]
async fn a_tool_that_ignores_the_polite_signal_is_killed_after_five_seconds() {
    let mut body =
        SystemRunner.read(&sh("trap '' TERM; echo $$; while :; do sleep 1; done")).await.unwrap().body;
    let mut pid = [0; 32];
    let count = body.read(&mut pid).await.unwrap();
    drop(body);
    let waited = wait_gone(&String::from_utf8_lossy(&pid[..count])).await;
    assert!(waited > Duration::from_secs(4) && waited < Duration::from_secs(8), "{waited:?}");
}

#[tokio::test]
async fn output_held_open_after_the_end_is_an_error_and_the_holder_is_ended() {
    let mut body = SystemRunner.read(&sh("sleep 1000 & echo $!")).await.unwrap().body;
    let mut bytes = Vec::new();
    let error = body.read_to_end(&mut bytes).await.unwrap_err().downcast::<ToolError>().unwrap();
    assert!(matches!(error, ToolError::Pipe { .. }), "{error}");
    drop(body);
    wait_gone(&String::from_utf8_lossy(&bytes)).await;
}

#[tokio::test]
async fn what_a_child_writes_after_its_parent_ended_is_read_to_its_end() {
    let (bytes, ended) = read_all(&sh("(sleep 0.3; printf late) & printf early")).await;
    assert!(ended.is_ok());
    assert_eq!(bytes, b"earlylate");
}

#[tokio::test]
async fn a_fed_tool_gets_every_byte_and_its_status_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    let bytes: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let tool = sh("cat > \"$1\"; echo ignored; echo done >&2; exit 7")
        .args(["sh".to_owned(), copy.display().to_string()]);
    let run = SystemRunner.feed(&tool, body(&bytes)).await.unwrap();
    assert_eq!((run.status, run.stderr.as_str()), (7, "done\n"));
    assert!(std::fs::read(copy).unwrap() == bytes);
}

#[tokio::test]
async fn a_torn_body_kills_the_tool_before_its_input_ends() {
    let folder = tempfile::tempdir().unwrap();
    let (input, mark) = (folder.path().join("input"), folder.path().join("mark"));
    // The tool commits when its input ends, as a restore in one transaction does.
    let script = "trap '' TERM; cat > \"$1\"; echo committed > \"$2\"";
    let tool = sh(script).args(["sh", input.to_str().unwrap(), mark.to_str().unwrap()]);
    let bytes = vec![b'x'; 300_000];
    let error = SystemRunner.feed(&tool, Box::pin(Torn(&bytes))).await.unwrap_err();
    let FeedError::Body { source, .. } = error else { panic!("{error}") };
    assert_eq!(source.to_string(), "torn");
    assert!(!mark.exists(), "the tool took the torn input for a whole one");
}

#[tokio::test]
async fn a_feed_that_is_given_up_kills_the_tool_before_its_input_ends() {
    let folder = tempfile::tempdir().unwrap();
    let (pid, mark) = (folder.path().join("pid"), folder.path().join("mark"));
    let script =
        "trap '' TERM; echo $$ > \"$1\".new; mv \"$1\".new \"$1\"; cat > /dev/null; echo committed > \"$2\"";
    let tool = sh(script).args(["sh", pid.to_str().unwrap(), mark.to_str().unwrap()]);
    let (stalled, _writer) = tokio::io::simplex(16);
    tokio::select! {
        _ = SystemRunner.feed(&tool, Box::pin(stalled)) => panic!("the body has no end"),
        () = async { while !pid.exists() { tokio::time::sleep(Duration::from_millis(10)).await } } => {}
    }
    assert!(wait_gone(&std::fs::read_to_string(&pid).unwrap()).await < Duration::from_secs(3));
    assert!(!mark.exists(), "the tool took the given-up input for a whole one");
}

#[tokio::test]
async fn a_consumer_that_ends_early_with_an_error_is_believed_over_the_broken_pipe() {
    let bytes = vec![0; 4_000_000];
    let run = SystemRunner
        .feed(&sh("head -c 10 >/dev/null; echo no space >&2; exit 5"), body(&bytes))
        .await
        .unwrap();
    assert_eq!((run.status, run.stderr.as_str()), (5, "no space\n"));
}

#[tokio::test]
async fn a_consumer_that_had_enough_still_needs_the_proof_of_the_rest() {
    let bytes = vec![0; 4_000_000];
    let run = SystemRunner.feed(&sh("head -c 10 >/dev/null"), body(&bytes)).await.unwrap();
    assert_eq!(run.status, 0);
    let torn = SystemRunner.feed(&sh("head -c 10 >/dev/null"), Box::pin(Torn(&bytes))).await;
    assert!(matches!(torn, Err(FeedError::Body { .. })));
}
