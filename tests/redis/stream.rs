//! Where a stream ends, and what is no end. A server of this test says what no real one can be made to say at will.

use crate::content::fill;
use crate::round_trip::{ALL, take};
use crate::support::plans::dump_all;
use crate::support::redis::{KINDS, Kind, Server};
use jagad::engine::redis::Redis;
use jagad::engine::{Engine as _, EngineError, FindingLevel, ServerSettings};
use jagad::model::EngineKind;
use jagad::process::SystemRunner;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt as _;

const MARK: &[u8; 40] = b"0123456789abcdef0123456789abcdef01234567";
/// An RDB without a key and without a checksum.
const EMPTY: &[u8] = b"REDIS0010\xff\0\0\0\0\0\0\0\0";

const INFO: &str = "redis_version:6.2.0\r\nrole:master\r\n";

/// A server that answers questions like an old Redis and `SYNC` with these pieces, and then closes the connection.
fn fake(pieces: Vec<Vec<u8>>) -> Redis {
    fake_with(INFO.to_owned(), pieces)
}

/// The same with other words about itself.
fn fake_with(info: String, pieces: Vec<Vec<u8>>) -> Redis {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let pieces = Arc::new(pieces);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (info, pieces) = (info.clone(), Arc::clone(&pieces));
            std::thread::spawn(move || serve(stream, &info, &pieces));
        }
    });
    let host = Some("127.0.0.1".to_owned());
    Redis::new(ServerSettings { host, port, ..ServerSettings::tools_only(EngineKind::Redis, None) })
}

fn serve(stream: TcpStream, info: &str, pieces: &[Vec<u8>]) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let mut words = Vec::new();
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
        for _ in 0..line.trim()[1..].parse::<usize>().ok()? {
            line.clear();
            reader.read_line(&mut line).ok()?;
            let mut word = vec![0; line.trim()[1..].parse::<usize>().ok()? + 2];
            reader.read_exact(&mut word).ok()?;
            words.push(String::from_utf8_lossy(&word).trim().to_owned());
        }
        match words[0].as_str() {
            "INFO" => {
                write!(stream, "${}\r\n{info}\r\n", info.len()).ok()?;
            }
            "REPLCONF" if words.get(1).is_none_or(|option| option != "capa") => {
                stream.write_all(b"-ERR Unrecognized REPLCONF option\r\n").ok()?;
            }
            "SYNC" => {
                for piece in pieces {
                    stream.write_all(piece).ok()?;
                    stream.flush().ok()?;
                    // Each goes out as a packet of its own.
                    std::thread::sleep(Duration::from_millis(2));
                }
                return None;
            }
            _ => stream.write_all(b"+OK\r\n").ok()?,
        }
    }
}

async fn outcome(pieces: Vec<Vec<u8>>) -> Result<Vec<u8>, String> {
    let server = fake(pieces).inspect(&SystemRunner).await.unwrap();
    let part = server.logical().dump(&ALL).unwrap().remove(0);
    let mut body = part.source.open(&SystemRunner).await.map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    body.read_to_end(&mut bytes).await.map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn marked(rdb: &[u8]) -> Vec<u8> {
    [b"$EOF:", &MARK[..], b"\r\n", rdb, MARK].concat()
}

#[tokio::test]
async fn the_mark_is_found_wherever_packets_cut_it() {
    let whole = marked(EMPTY);
    for cut in 1..whole.len() {
        let pieces = vec![whole[..cut].to_vec(), whole[cut..].to_vec()];
        assert_eq!(outcome(pieces).await.unwrap(), EMPTY, "{cut}");
    }
    let single: Vec<Vec<u8>> = whole.iter().map(|byte| vec![*byte]).collect();
    assert_eq!(outcome(single).await.unwrap(), EMPTY);
}

#[tokio::test]
async fn what_looks_like_the_mark_and_is_none_is_data() {
    let tricky = [&MARK[..39], b"x", &MARK[1..], &MARK[..20]].concat();
    let whole = marked(&tricky);
    for cut in [60, 85, 90, 120, 140] {
        let pieces = vec![whole[..cut].to_vec(), whole[cut..].to_vec()];
        assert_eq!(outcome(pieces).await.unwrap(), tricky, "{cut}");
    }
}

#[tokio::test]
async fn empty_lines_come_before_an_announced_length() {
    let whole = [b"\n\n\r\n$18\r\n", EMPTY].concat();
    for cut in 1..whole.len() {
        let pieces = vec![whole[..cut].to_vec(), whole[cut..].to_vec()];
        assert_eq!(outcome(pieces).await.unwrap(), EMPTY, "{cut}");
    }
    // What follows is no part of it.
    let more = [&whole[..], b"*1\r\n$4\r\nPING\r\n"].concat();
    assert_eq!(outcome(vec![more]).await.unwrap(), EMPTY);
}

#[tokio::test]
async fn a_stream_that_ends_before_its_end_is_an_error() {
    let whole = marked(EMPTY);
    for length in 48..whole.len() {
        let error = outcome(vec![whole[..length].to_vec()]).await.unwrap_err();
        assert!(error.contains("before the end of the stream"), "{length}: {error}");
    }
    let error = outcome(vec![[b"$19\r\n", EMPTY].concat()]).await.unwrap_err();
    assert!(error.contains("closed the connection after 18 bytes"), "{error}");
    for beginning in [&b"+FULLRESYNC x 0\r\n"[..], b"$x\r\n", b"$EOF:short\r\n", b""] {
        assert!(outcome(vec![beginning.to_vec()]).await.is_err(), "{beginning:?}");
    }
}

#[tokio::test]
async fn what_the_server_answers_instead_of_a_stream_tells_what_to_do() {
    let of = async |said: &str| {
        let server = fake(vec![format!("{said}\r\n").into_bytes()]).inspect(&SystemRunner).await.unwrap();
        let opened = server.logical().dump(&ALL).unwrap().remove(0).source.open(&SystemRunner).await;
        format!("{:?}", opened.err().unwrap())
    };
    assert!(of("-LOADING Redis is loading the dataset in memory").await.contains("Prerequisite"));
    assert!(of("-NOMASTERLINK Can't SYNC while not connected with my master").await.contains("replication"));
    assert!(of("-NOPERM User jagad has no permissions").await.contains("ACL SETUSER"));
}

#[tokio::test]
async fn a_server_that_is_still_loading_is_found_before_a_backup() {
    for (state, level) in [
        ("loading:1", FindingLevel::Error),
        ("loading:0\r\nasync_loading:1", FindingLevel::Error),
        ("loading:0\r\nasync_loading:0", FindingLevel::Ok),
    ] {
        let server =
            fake_with(format!("{INFO}{state}\r\n"), vec![b"-ERR wrong number of arguments\r\n".to_vec()]);
        let server = server.inspect(&SystemRunner).await.unwrap();
        let findings = server.logical().check_dump(&SystemRunner, &ALL).await.unwrap();
        let data = findings.iter().find(|finding| finding.subject.ends_with("has its data")).unwrap();
        assert_eq!(data.level, level, "{state}: {data:?}");
    }
}

#[tokio::test]
async fn a_server_that_dies_in_the_middle_fails_the_backup() {
    for diskless in ["yes", "no"] {
        let Some(mut source) = Server::start_with(Kind::Redis7, &["--repl-diskless-sync", diskless]) else {
            return;
        };
        source.client().ok("DEBUG POPULATE 100000 key 1000");
        let server = source.engine().inspect(&SystemRunner).await.unwrap();
        let part = server.logical().dump(&ALL).unwrap().remove(0);
        let mut body = part.source.open(&SystemRunner).await.unwrap();
        body.read_exact(&mut [0; 1000]).await.unwrap();
        source.crash();
        let error = body.read_to_end(&mut Vec::new()).await.unwrap_err();
        assert!(error.to_string().contains("before the end of the stream"), "{error}");
    }
}

#[tokio::test]
async fn a_reader_that_stalls_longer_than_the_server_waits_gets_an_error_and_no_end() {
    let Some(source) = Server::start_with(Kind::Redis7, &["--repl-timeout", "1"]) else { return };
    source.client().ok("DEBUG POPULATE 100000 key 1000");
    let server = source.engine().inspect(&SystemRunner).await.unwrap();
    let part = server.logical().dump(&ALL).unwrap().remove(0);
    let mut body = part.source.open(&SystemRunner).await.unwrap();
    body.read_exact(&mut [0; 1000]).await.unwrap();
    let began = Instant::now();
    while !source.log().to_lowercase().contains("timeout") && !source.log().contains("timedout") {
        assert!(began.elapsed() < Duration::from_secs(30), "{}", source.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(body.read_to_end(&mut Vec::new()).await.is_err());
}

#[tokio::test]
async fn a_replica_gives_what_its_primary_holds_and_one_that_lost_it_is_refused() {
    let Some(mut primary) = Server::start_with(Kind::Redis7, &["--port", "0"]) else { return };
    fill(&primary);
    let port = crate::support::redis::free_port();
    primary.client().ok(&format!("CONFIG SET port {port}"));
    let Some(replica) = Server::start_with(Kind::Redis7, &["--replicaof", &format!("127.0.0.1 {port}")])
    else {
        return;
    };
    let began = Instant::now();
    while !replica.client().ok("INFO replication").text().contains("master_link_status:up") {
        assert!(began.elapsed() < Duration::from_secs(30), "{}", replica.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(take(&replica).await.contents, take(&primary).await.contents);

    let Some(target) = Server::start(Kind::Redis7) else { return };
    let dump = take(&replica).await;
    crate::round_trip::put(&dump, &dump.target("keys"), &target).await.unwrap();
    assert_eq!(target.digest(), primary.digest());
    let refused = crate::round_trip::put(&dump, &dump.target("keys"), &replica).await.unwrap_err();
    assert!(refused.contains("is a replica"), "{refused}");

    primary.crash();
    let began = Instant::now();
    while replica.client().ok("INFO replication").text().contains("master_link_status:up") {
        assert!(began.elapsed() < Duration::from_secs(30), "{}", replica.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let server = replica.engine().inspect(&SystemRunner).await.unwrap();
    let findings = server.logical().check_dump(&SystemRunner, &ALL).await.unwrap();
    assert!(findings.iter().any(|finding| finding.problem.contains("link to its primary is down")));
    let error = dump_all(server.as_ref(), &ALL).await.err().unwrap();
    assert!(
        matches!(&error, EngineError::Read { source, .. } if source.to_string().contains("lost its primary")),
        "{error:?}"
    );
}

/// What clients write while a server sends its keys is not sent after them: it would fill the server's buffer for a reader that
/// never takes it, and a server ends such a reader.
#[tokio::test]
async fn writes_meanwhile_do_not_end_a_dump() {
    for kind in KINDS {
        let Some(server) = Server::start(kind) else { return };
        let mut client = server.client();
        for (name, value) in [
            ("repl-diskless-sync-delay", "0"),
            ("client-output-buffer-limit", "replica 1mb 1mb 1"),
            // Microseconds for each key.
            ("rdb-key-save-delay", "10000"),
        ] {
            client.ask(&[b"CONFIG", b"SET", name.as_bytes(), value.as_bytes()]);
        }
        for key in 0..200 {
            client.ask(&[b"SET", format!("k{key}").as_bytes(), &vec![b'x'; 10_000]]);
        }
        let inspected = server.engine().inspect(&SystemRunner).await.unwrap();
        let part = inspected.logical().dump(&ALL).unwrap().remove(0);
        let mut body = part.source.open(&SystemRunner).await.unwrap();
        let mut begun = [0; 9];
        body.read_exact(&mut begun).await.unwrap();
        for _ in 0..80 {
            client.ask(&[b"SET", b"later", &vec![b'y'; 100_000]]);
        }
        let mut rest = Vec::new();
        body.read_to_end(&mut rest).await.unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        assert!(rest.len() > 1000, "{kind:?}: {} bytes", rest.len());
    }
}
