//! The contract on servers that others wrote: Ceph's RADOS gateway, Garage, moto and s3rver.

use super::contract::{Unfinished, every_promise_is_kept};
use crate::support::faulty::{credentials, settings};
use crate::support::presence::{Need, server_from};
use http::HeaderMap;
use jagad::model::random_word;
use jagad::store::{ObjectRole, S3Settings, S3Store, Store as _, StoreError, write_small};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A bucket of its own on the gateway that `JAGAD_TEST_RGW` names; `None` when there is no gateway.
async fn rgw(create: HeaderMap) -> Option<S3Settings> {
    let endpoint = server_from("JAGAD_TEST_RGW", Need::Required)?;
    let bucket = format!("jagad-{}", random_word(10).to_lowercase());
    crate::support::bucket::create(&endpoint, &bucket, create).await;
    let (region, credentials) = ("default".to_owned(), credentials("test", "testsecret"));
    Some(S3Settings { region, credentials, ..settings(&endpoint, &bucket) })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rados_gateway_keeps_every_promise() {
    let Some(settings) = rgw(HeaderMap::new()).await else { return };
    let store = S3Store::open(&settings).expect("settings that work");
    every_promise_is_kept(&store, Unfinished::Listed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rados_gateway_locks_what_is_written_once_and_nothing_else() {
    let lock = HeaderMap::from_iter([(
        http::HeaderName::from_static("x-amz-bucket-object-lock-enabled"),
        http::HeaderValue::from_static("true"),
    )]);
    let Some(mut settings) = rgw(lock).await else { return };
    settings.object_lock_days = 1;
    let store = S3Store::open(&settings).expect("settings that work");
    let small = write_small(&store, &"small".parse().unwrap(), vec![1; 10], ObjectRole::Record).await;
    small.expect("a locked record");
    // Ceph 16 drops the lock headers of a multipart upload; a request of its own must set them.
    let body = super::body::reader(super::body::bytes((5 << 20) + 1));
    store.put(&"big".parse().unwrap(), body, ObjectRole::Data).await.expect("a locked data object");
    write_small(&store, &"state".parse().unwrap(), vec![1], ObjectRole::Mutable).await.expect("a put");
    for (key, locked) in [("small", true), ("big", true), ("state", false)] {
        let mode = crate::support::bucket::lock_mode(&settings, key).await;
        assert_eq!(mode.as_deref(), locked.then_some("COMPLIANCE"), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rados_gateway_tells_wrong_keys_and_a_missing_bucket() {
    let Some(settings) = rgw(HeaderMap::new()).await else { return };
    let clock = async |settings: &S3Settings| S3Store::open(settings).unwrap().clock().await.unwrap_err();
    let wrong = S3Settings { credentials: credentials("test", "wrong"), ..settings.clone() };
    let error = clock(&wrong).await;
    assert!(matches!(error, StoreError::Credentials { .. }), "{error}");
    let unknown = S3Settings { credentials: credentials("nobody", "wrong"), ..settings.clone() };
    let error = clock(&unknown).await;
    assert!(matches!(error, StoreError::Credentials { .. }), "{error}");
    let missing = S3Settings { bucket: "jagad-is-not-here".to_owned(), ..settings };
    let error = clock(&missing).await;
    assert_eq!(error.to_string(), "bucket `jagad-is-not-here` does not exist");
}

/// A Garage of our own, killed when dropped.
struct Garage {
    settings: S3Settings,
    directory: tempfile::TempDir,
}

/// A port that was free a moment ago, below the range that the system hands out by itself.
fn free_port() -> u16 {
    let candidates = std::iter::repeat_with(|| 20_000 + rand::random::<u16>() % 12_000);
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    candidates.take(100).find(is_free).expect("a free port")
}

impl Garage {
    fn start() -> Option<Self> {
        let program = server_from("JAGAD_TEST_GARAGE", Need::Optional)?;
        let directory = tempfile::tempdir().expect("a temporary directory");
        let port = free_port();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/servers/garage.sh");
        let started = Command::new(script)
            .arg(directory.path().join("garage"))
            .args([port, free_port(), free_port()].map(|port| port.to_string()))
            .env("GARAGE", program)
            .status()
            .expect("the script");
        assert!(started.success(), "garage does not start");
        let credentials = credentials("GK000000000000000000000001", &format!("{:064}", 2));
        let settings = settings(&format!("http://127.0.0.1:{port}"), "jagad");
        let settings = S3Settings { region: "garage".to_owned(), credentials, ..settings };
        Some(Self { settings, directory })
    }
}

impl Drop for Garage {
    fn drop(&mut self) {
        let pid = std::fs::read_to_string(self.directory.path().join("garage/pid"));
        if let Some(pid) = pid.ok().and_then(|text| text.trim().parse().ok()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn garage_keeps_every_promise() {
    let Some(garage) = Garage::start() else { return };
    let store = S3Store::open(&garage.settings).expect("settings that work");
    every_promise_is_kept(&store, Unfinished::Listed).await;
    // Garage takes the lock headers without a word and locks nothing: that must not pass as success.
    let locking = S3Settings { object_lock_days: 1, ..garage.settings.clone() };
    let locking = S3Store::open(&locking).expect("settings that work");
    let unlocked = write_small(&locking, &"locked".parse().unwrap(), vec![1], ObjectRole::Record).await;
    assert!(unlocked.is_err(), "an object without a lock passed as locked");
    let wrong = S3Settings {
        credentials: credentials("GK000000000000000000000001", "00"),
        ..garage.settings.clone()
    };
    let error = S3Store::open(&wrong).unwrap().clock().await.unwrap_err();
    assert!(matches!(error, StoreError::Credentials { .. } | StoreError::Denied { .. }), "{error}");
    let region = S3Settings { region: "mars".to_owned(), ..garage.settings.clone() };
    let error = S3Store::open(&region).unwrap().clock().await.unwrap_err();
    assert!(matches!(error, StoreError::WrongRegion { .. }), "{error}");
}

/// A server of our own on a port of the loopback device, ended when dropped.
struct Server {
    endpoint: String,
    child: Child,
    _directory: tempfile::TempDir,
}

impl Server {
    /// Starts the program that `variable` names, with the arguments for a port and an empty folder, and waits until it takes
    /// connections.
    fn start(variable: &str, arguments: impl Fn(u16, &str) -> Vec<String>) -> Option<Self> {
        let program = server_from(variable, Need::Required)?;
        let directory = tempfile::tempdir().expect("a temporary directory");
        let folder = directory.path().to_str().expect("a path of plain characters");
        for _ in 0..5 {
            let port = free_port();
            let mut command = Command::new(&program);
            command.args(arguments(port, folder)).current_dir(folder).process_group(0);
            // s3rver 3.7 makes its continuation tokens with DES, which newer builds of Node.js leave out otherwise.
            command.env("NODE_OPTIONS", "--openssl-legacy-provider");
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().expect("the server's program");
            let began = Instant::now();
            // It ends at once where somebody else was faster to take the port.
            while child.try_wait().expect("a child").is_none() {
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    let endpoint = format!("http://127.0.0.1:{port}");
                    return Some(Self { endpoint, child, _directory: directory });
                }
                assert!(began.elapsed() < Duration::from_secs(60), "{program} does not start");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        panic!("{program} ends by itself");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let group = Pid::from_raw(-i32::try_from(self.child.id()).expect("a process id"));
        let _ = kill(group, Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn moto_keeps_every_promise() {
    let arguments =
        |port: u16, _: &str| ["-H", "127.0.0.1", "-p", &port.to_string()].map(str::to_owned).to_vec();
    let Some(server) = Server::start("JAGAD_TEST_MOTO", arguments) else { return };
    let settings = settings(&server.endpoint, "jagad");
    let missing = S3Store::open(&settings).expect("settings that work").clock().await.unwrap_err();
    assert_eq!(missing.to_string(), "bucket `jagad` does not exist");
    let created = reqwest::Client::new().put(format!("{}/jagad", server.endpoint)).send().await;
    assert!(created.expect("an answer").status().is_success());
    let store = S3Store::open(&settings).expect("settings that work");
    // It dates every upload to 2010.
    every_promise_is_kept(&store, Unfinished::Undated).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3rver_keeps_every_promise() {
    let arguments = |port: u16, folder: &str| {
        let port = port.to_string();
        let folder = format!("{folder}/objects");
        ["-a", "127.0.0.1", "-p", &port, "-d", &folder, "--silent", "--configure-bucket", "jagad"]
            .map(str::to_owned)
            .to_vec()
    };
    let Some(server) = Server::start("JAGAD_TEST_S3RVER", arguments) else { return };
    let settings = settings(&server.endpoint, "jagad");
    let settings = S3Settings { credentials: credentials("S3RVER", "S3RVER"), ..settings };
    let store = S3Store::open(&settings).expect("settings that work");
    // It does not know how to list them.
    every_promise_is_kept(&store, Unfinished::Unknown).await;
}
