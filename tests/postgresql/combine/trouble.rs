//! Wrong chains, streams that end too early, and folders that are not complete.

use super::*;
use crate::support::restored::RestoredServer;
use jagad::engine::postgresql::base_backup::{Lsn, WalPosition};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};

/// Three backups of a small server: a full one and two that continue it.
fn three(server: &Postgres) -> Backups {
    summarize(server);
    let mut backups = Backups::new();
    server.psql("postgres", "CREATE TABLE kept AS SELECT generate_series(1, 50000) id");
    backups.take(server, None);
    for _ in 0..2 {
        server.psql("postgres", "UPDATE kept SET id = id WHERE id % 9000 = 0");
        backups.take_next(server);
    }
    backups
}

async fn refusal(chain: &[PathBuf]) -> String {
    let target = Target::new();
    let error = merge(request(chain, &target), chain).await.unwrap_err();
    assert!(!target.data().join("global/pg_control").exists());
    error.to_string()
}

#[tokio::test]
async fn a_wrong_chain_is_refused_with_both_names() {
    let Some(server) = Postgres::start_primary(18) else { return };
    let mut backups = three(&server);
    let gap = refusal(&[backups.link(2), backups.link(0)]).await;
    assert!(gap.starts_with("the backup 2 continues a backup that began at 0/"), "{gap}");
    assert!(gap.contains("but the backup 0 began at 0/"), "{gap}");
    let orphan = refusal(&[backups.link(2), backups.link(1)]).await;
    assert!(
        orphan.starts_with("the backup 1 is an incremental backup, and the backup that began at 0/"),
        "{orphan}"
    );
    let alone = refusal(&[backups.link(1)]).await;
    assert!(alone.contains("the backup 1 is an incremental backup"), "{alone}");
    let longer = refusal(&[backups.link(0), backups.link(1), backups.link(0)]).await;
    assert!(
        longer.contains("the backup 0 is a full backup, so it does not continue the backup 1"),
        "{longer}"
    );
    let reversed = refusal(&backups.chain((0..3).rev())).await;
    assert!(reversed.contains("the backup 0 is a full backup"), "{reversed}");
    // A full backup of another system.
    let Some(stranger) = Postgres::start_stranger(18) else { return };
    backups.take(&stranger, None);
    let other = refusal(&[backups.link(1), backups.link(3)]).await;
    assert!(other.contains("the backup 1") && other.contains("the backup 3"), "{other}");
}

#[tokio::test]
async fn a_recorded_start_must_be_the_one_in_the_archive() {
    let Some(server) = Postgres::start_primary(18) else { return };
    let mut backups = Backups::new();
    backups.take(&server, None);
    let chain = backups.whole_chain();
    let target = Target::new();
    let mut request = request(&chain, &target);
    request.links[0].start = Some(WalPosition { lsn: Lsn(1), timeline: 1 });
    let error = merge(request, &chain).await.unwrap_err().to_string();
    assert!(error.contains("was recorded as beginning at 0/1 on timeline 1"), "{error}");
}

/// The first bytes of a file, and then an error of the stream, or nothing more for ever.
struct Stopped {
    begin: tokio::io::Take<tokio::fs::File>,
    waits: bool,
}

impl AsyncRead for Stopped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.begin).poll_read(context, buffer);
        match polled {
            Poll::Ready(Ok(())) if buffer.filled().len() == before && self.waits => Poll::Pending,
            Poll::Ready(Ok(())) if buffer.filled().len() == before => {
                Poll::Ready(Err(std::io::Error::other("the store went away")))
            }
            other => other,
        }
    }
}

async fn stopped(file: &Path, bytes: u64, waits: bool) -> Stopped {
    Stopped { begin: tokio::fs::File::open(file).await.unwrap().take(bytes), waits }
}

#[tokio::test]
async fn a_folder_that_is_not_complete_does_not_start() {
    let Some(server) = Postgres::start_primary(18) else { return };
    let backups = three(&server);
    let chain = backups.whole_chain();
    let whole = std::fs::metadata(chain[2].join("base.tar")).unwrap().len();
    for (part, waits) in [(whole / 2, false), (whole / 2, true), (whole - 10_000, false), (whole - 513, true)]
    {
        let target = Target::new();
        let merge = Merge::new(request(&chain, &target)).unwrap();
        for (place, link) in chain.iter().enumerate().take(2) {
            feed(&merge.consumer(place, ArchiveName::Base), &link.join("base.tar")).await.unwrap();
        }
        let last = merge.consumer(2, ArchiveName::Base);
        let body = stopped(&chain[2].join("base.tar"), part, waits).await;
        let taking = last.take(&SystemRunner, Box::pin(body));
        if waits {
            // Nobody waits for its end: as when a run is cancelled.
            assert!(tokio::time::timeout(std::time::Duration::from_millis(300), taking).await.is_err());
        } else {
            let error = taking.await.unwrap_err();
            assert!(format!("{error:?}").contains("the store went away"), "{error:?}");
        }
        let error = merge.finish().run(&SystemRunner).await.unwrap_err().to_string();
        assert!(error.contains("not every archive of the chain was read to its end"), "{error}");
        let log = RestoredServer::start(server.bin(), &target.data()).err().expect("it must not start");
        assert!(log.contains("global/pg_control"), "{log}");
        merge.clear().unwrap();
        assert!(std::fs::read_dir(target.data()).unwrap().next().is_none());
    }
}

#[tokio::test]
async fn a_folder_that_is_not_empty_stays_as_it_is() {
    let Some(server) = Postgres::start_primary(18) else { return };
    let mut backups = Backups::new();
    backups.take(&server, None);
    let chain = backups.whole_chain();
    let target = Target::new();
    std::fs::create_dir(target.data()).unwrap();
    std::fs::write(target.data().join("mine"), "x").unwrap();
    let error = merge(request(&chain, &target), &chain).await.unwrap_err().to_string();
    assert!(error.contains("is not empty"), "{error}");
    assert_eq!(std::fs::read_dir(target.data()).unwrap().count(), 1);
    // What the restore itself puts there is not in the way.
    std::fs::rename(target.data().join("mine"), target.data().join(".jagad-restore")).unwrap();
    merge(request(&chain, &target), &chain).await.unwrap();
    assert!(target.data().join(".jagad-restore").exists());
}

#[tokio::test]
async fn a_tablespace_without_a_folder_is_named() {
    let Some(server) = Postgres::start_primary(15) else { return };
    let mut backups = Backups::new();
    let space = backups.folder.path().join("space");
    std::fs::create_dir(&space).unwrap();
    give(&space);
    server.psql("postgres", &format!("CREATE TABLESPACE elsewhere LOCATION '{}'", space.display()));
    backups.take(&server, None);
    let chain = backups.whole_chain();
    let target = Target::new();
    let mut request = request(&chain, &target);
    request.tablespaces.clear();
    let error = Merge::new(request.clone()).unwrap_err().to_string();
    assert!(error.contains("has the tablespace"), "{error}");
    // One that the archive knows and nobody else does.
    request.links[0].archives.retain(|archive| *archive == ArchiveName::Base);
    let merge = Merge::new(request).unwrap();
    feed(&merge.consumer(0, ArchiveName::Base), &chain[0].join("base.tar")).await.unwrap();
    let error = merge.finish().run(&SystemRunner).await.unwrap_err().to_string();
    assert!(error.contains("but there are archives of []"), "{error}");
}

/// Where the process is to work that a test kills.
const KILLED: &str = "JAGAD_TEST_KILLED_MERGE";

/// What that process does: it merges two backups of a chain of three, and waits for ever in the middle of the third.
#[tokio::test]
async fn a_process_that_is_killed() {
    let Some(folder) = std::env::var_os(KILLED).map(PathBuf::from) else { return };
    let chain: Vec<PathBuf> = [2, 1, 0].iter().map(|number| folder.join(number.to_string())).collect();
    let folder = tempfile::Builder::new().prefix("killed").tempdir_in(&folder).unwrap();
    let target = Target { folder };
    let merge = Merge::new(request(&chain, &target)).unwrap();
    for (place, link) in chain.iter().enumerate().take(2) {
        feed(&merge.consumer(place, ArchiveName::Base), &link.join("base.tar")).await.unwrap();
    }
    println!("two of three are read");
    let body = stopped(&chain[2].join("base.tar"), 9_000_000, true).await;
    let _ = merge.consumer(2, ArchiveName::Base).take(&SystemRunner, Box::pin(body)).await;
}

#[tokio::test]
async fn what_a_killed_process_leaves_does_not_start_and_is_not_taken_again() {
    let Some(server) = Postgres::start_primary(18) else { return };
    let backups = three(&server);
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "combine::trouble::a_process_that_is_killed", "--nocapture"]);
    command.env(KILLED, backups.folder.path()).stdout(std::process::Stdio::piped());
    let mut process = command.spawn().unwrap();
    let said = std::io::BufReader::new(process.stdout.take().unwrap());
    let reached = std::io::BufRead::lines(said).any(|line| line.unwrap().contains("two of three are read"));
    assert!(reached, "{:?}", process.wait());
    process.kill().unwrap();
    process.wait().unwrap();
    let mut left = std::fs::read_dir(backups.folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let left = left.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("killed")).unwrap();
    let data = left.join("data");
    assert!(data.join("base").is_dir() && !data.join("global/pg_control").exists());
    give(&left);
    let log = RestoredServer::start(server.bin(), &data).err().expect("it must not start");
    assert!(log.contains("global/pg_control"), "{log}");
    let chain = backups.whole_chain();
    let again = MergeRequest { folder: data, ..request(&chain, &Target::new()) };
    let error = merge(again, &chain).await.unwrap_err().to_string();
    assert!(error.contains("is not empty"), "{error}");
}
