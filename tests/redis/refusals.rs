//! What is refused, with the reason, before anything is changed; and what happens when a restore fails half way.

use crate::content::fill;
use crate::round_trip::{put, take};
use crate::support::plans::run;
use crate::support::redis::{Kind, Server};
use jagad::engine::{Engine as _, EngineError, Occupied, RestoreTarget, Selection, StreamError};
use jagad::model::{ByteReader, EngineKind};
use jagad::process::SystemRunner;
use std::pin::Pin;
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;

#[tokio::test]
async fn a_newer_backup_is_refused_by_an_older_or_foreign_server_which_keeps_what_it_has() {
    for (from, to) in
        [(Kind::Redis8, Kind::Redis7), (Kind::Valkey9, Kind::Redis8), (Kind::Redis8, Kind::Valkey9)]
    {
        let (Some(source), Some(target)) = (Server::start(from), Server::start(to)) else { return };
        fill(&source);
        target.client().ok("SET old 1");
        let before = target.digest();
        let dump = take(&source).await;
        let clean = RestoreTarget { occupied: Occupied::Clean, ..dump.target("keys") };
        let server = target.engine().inspect(&SystemRunner).await.unwrap();
        let refused = server.logical().load(&SystemRunner, &clean, &dump).await.err();
        assert!(matches!(refused, Some(EngineError::Version { .. })), "{refused:?}");
        assert_eq!(target.digest(), before);
    }
}

#[tokio::test]
async fn a_server_with_too_few_databases_is_refused_before_and_never_mixes_them() {
    let Some(source) = Server::start(Kind::Redis7) else { return };
    let Some(target) = Server::start_with(Kind::Redis7, &["--databases", "4"]) else { return };
    fill(&source);
    let dump = take(&source).await;
    let server = target.engine().inspect(&SystemRunner).await.unwrap();
    let properties = serde_json::json!({ "highest_database": 15 });
    let known = RestoreTarget { properties, ..dump.target("keys") };
    let refused = server.logical().load(&SystemRunner, &known, &dump).await.err();
    assert!(matches!(refused, Some(EngineError::Prerequisite { .. })), "{refused:?}");
    // A backup that does not say how many: it stops there.
    let silent = RestoreTarget { properties: serde_json::Value::Null, ..dump.target("keys") };
    let error = put(&dump, &silent, &target).await.unwrap_err();
    assert!(error.contains("has no database 4"), "{error}");
    assert_eq!(target.client().ok("GET here"), crate::support::redis::Answer::Nil);
}

#[tokio::test]
async fn wishes_that_mean_nothing_here_are_refused() {
    let Some(target) = Server::start(Kind::Redis7) else { return };
    let dump = take(&target).await;
    let server = target.engine().inspect(&SystemRunner).await.unwrap();
    let selection = Selection { tables: vec!["hash".to_owned()], ..Selection::default() };
    let strange = [
        RestoreTarget { database: "other".to_owned(), ..dump.target("keys") },
        RestoreTarget { selection, ..dump.target("keys") },
    ];
    for strange in strange {
        let refused = server.logical().load(&SystemRunner, &strange, &dump).await.err();
        assert!(matches!(refused, Some(EngineError::Refused { .. })), "{refused:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let other = jagad::engine::bare(EngineKind::MySql, None);
    let other = crate::files::recover(other.as_ref(), &["shop"], folder.path()).await;
    assert!(matches!(other, Err(EngineError::Refused { .. })));
}

/// Plans a restore, then lets somebody write a key that it brings.
async fn restore_over(
    stop_at_first_error: bool,
) -> Option<(Server, Server, Result<Vec<String>, StreamError>)> {
    let (source, target) = (Server::start(Kind::Redis7)?, Server::start(Kind::Redis7)?);
    fill(&source);
    let dump = take(&source).await;
    let wish = RestoreTarget { stop_at_first_error, ..dump.target("keys") };
    let server = target.engine().inspect(&SystemRunner).await.unwrap();
    let plan = server.logical().load(&SystemRunner, &wish, &dump).await.unwrap();
    target.client().ask(&[b"SET", b"bin\x00\r\n\xff key", b"mine"]);
    let outcome = plan.feed(&SystemRunner, Box::pin(std::io::Cursor::new(Arc::clone(&dump.bytes)))).await;
    Some((source, target, outcome))
}

#[tokio::test]
async fn a_key_that_somebody_else_wrote_meanwhile_stops_the_restore_and_stays() {
    let Some((_source, target, outcome)) = restore_over(true).await else { return };
    let error = outcome.unwrap_err();
    assert!(matches!(&error, StreamError::Engine(EngineError::Refused { .. })), "{error:?}");
    assert!(error.to_string().contains("bin\\x00\\r\\n\\xff key"), "{error}");
    assert_eq!(target.client().ask(&[b"GET", b"bin\x00\r\n\xff key"]).text(), "mine");
}

#[tokio::test]
async fn errors_that_are_allowed_are_counted_and_everything_else_comes() {
    let Some((source, target, outcome)) = restore_over(false).await else { return };
    let errors = outcome.unwrap();
    assert_eq!(errors, ["key \"bin\\x00\\r\\n\\xff key\" of db0: BUSYKEY Target key name already exists."]);
    assert_eq!(target.client().ok("DBSIZE"), source.client().ok("DBSIZE"));
}

#[tokio::test]
async fn a_target_that_is_full_or_dies_says_so() {
    let Some(source) = Server::start(Kind::Redis7) else { return };
    source.client().ok("DEBUG POPULATE 20000 key 1000");
    let dump = take(&source).await;
    let Some(target) = Server::start(Kind::Redis7) else { return };
    let server = target.engine().inspect(&SystemRunner).await.unwrap();
    let plan = server.logical().load(&SystemRunner, &dump.target("keys"), &dump).await.unwrap();
    target.client().ok("CONFIG SET maxmemory 8mb");
    let bytes: ByteReader<'_> = Box::pin(&*dump.bytes);
    let error = run(server.as_ref(), &plan, bytes).await.unwrap_err();
    assert!(error.contains("Prerequisite") && error.contains("maxmemory"), "{error}");

    let Some(mut target) = Server::start(Kind::Redis7) else { return };
    let server = target.engine().inspect(&SystemRunner).await.unwrap();
    let plan = server.logical().load(&SystemRunner, &dump.target("keys"), &dump).await.unwrap();
    let (mut writer, reader) = tokio::io::duplex(1 << 20);
    let bytes = Arc::clone(&dump.bytes);
    tokio::spawn(async move {
        use tokio::io::AsyncWriteExt as _;
        let half = bytes.len() / 2;
        let _ = writer.write_all(&bytes[..half]).await;
        // The rest never comes: only the server's end can end this.
        std::future::pending::<()>().await;
    });
    let body: ByteReader<'static> = Box::pin(reader);
    let feeding = plan.feed(&SystemRunner, body);
    let ending = async {
        while target.client().ok("DBSIZE").text() == "0" {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        target.crash();
        std::future::pending::<()>().await;
    };
    let outcome = tokio::select! { outcome = feeding => outcome, () = ending => unreachable!() };
    let error = outcome.unwrap_err();
    assert!(matches!(&error, StreamError::Engine(EngineError::Unreachable { .. })), "{error:?}");
}

/// A stream that fails at its end, as one does whose digest is wrong.
struct Torn(Pin<Box<dyn tokio::io::AsyncRead + Send>>);

impl tokio::io::AsyncRead for Torn {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        std::task::ready!(self.0.as_mut().poll_read(cx, buffer))?;
        let ended = buffer.filled().len() == before;
        std::task::Poll::Ready(if ended { Err(std::io::Error::other("torn")) } else { Ok(()) })
    }
}

#[tokio::test]
async fn a_stream_that_fails_is_no_restore_and_a_damaged_one_is_named() {
    let (Some(source), Some(target)) = (Server::start(Kind::Redis7), Server::start(Kind::Redis7)) else {
        return;
    };
    fill(&source);
    let dump = take(&source).await;
    let server = target.engine().inspect(&SystemRunner).await.unwrap();
    let plan = server.logical().load(&SystemRunner, &dump.target("keys"), &dump).await.unwrap();
    let body = std::io::Cursor::new(Arc::clone(&dump.bytes));
    let error = plan.feed(&SystemRunner, Box::pin(Torn(Box::pin(body)))).await.unwrap_err();
    assert!(matches!(&error, StreamError::Feed(_)), "{error:?}");

    target.client().ok("FLUSHALL");
    target.client().ok("FUNCTION FLUSH");
    let cut = std::io::Cursor::new(Arc::clone(&dump.bytes)).take(dump.bytes.len() as u64 - 3);
    let error = plan.feed(&SystemRunner, Box::pin(cut)).await.unwrap_err();
    assert!(matches!(&error, StreamError::Engine(EngineError::Archive { .. })), "{error:?}");
}

#[tokio::test]
async fn a_server_with_too_little_memory_is_found_before_it_is_emptied() {
    for kind in [Kind::Redis7, Kind::Redis8, Kind::Valkey9] {
        let (Some(source), Some(target)) = (Server::start(kind), Server::start(kind)) else { return };
        source.client().ok("DEBUG POPULATE 20000 key 1000");
        let dump = take(&source).await;
        let clean = RestoreTarget { occupied: Occupied::Clean, ..dump.target("keys") };
        target.client().ok("SET old 1");
        let errors = async || {
            let server = target.engine().inspect(&SystemRunner).await.unwrap();
            server.logical().load(&SystemRunner, &clean, &dump).await.unwrap().findings
        };
        for policy in ["noeviction", "allkeys-lru"] {
            target.client().ok(&format!("CONFIG SET maxmemory-policy {policy}"));
            target.client().ok("CONFIG SET maxmemory 10mb");
            let [finding] = &errors().await[..] else { panic!("{kind:?} {policy}") };
            assert_eq!(finding.level, jagad::engine::FindingLevel::Error, "{finding:?}");
            assert!(finding.problem.contains(policy) && finding.hint().contains("maxmemory"), "{finding:?}");
        }
        assert_eq!(target.client().ok("GET old").text(), "1");
        // No more is asked for than the data needs: what the help says is enough.
        let help = errors().await[0].hint().to_owned();
        let need = help.split(' ').nth(3).unwrap().trim_end_matches(',').to_owned();
        target.client().ok("CONFIG SET maxmemory-policy noeviction");
        let limit = need.parse::<u64>().unwrap() * 11 / 10;
        target.client().ok(&format!("CONFIG SET maxmemory {limit}"));
        assert!(errors().await.is_empty());
        put(&dump, &clean, &target).await.unwrap();
        assert_eq!(target.digest(), source.digest(), "{kind:?}");
        target.client().ok("CONFIG SET maxmemory 0");
        assert!(errors().await.is_empty());
    }
}
