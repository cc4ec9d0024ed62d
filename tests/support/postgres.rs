//! A private PostgreSQL server for one test.

pub use super::postgres_files::programs;
pub(crate) use super::postgres_files::{as_server_user, give};
use super::postgres_files::{copy, initialise, template};
use jagad::engine::Filter;
use jagad::engine::postgresql::PostgreSql;
use jagad::engine::{ServerSettings, TlsSettings};
use jagad::model::Secret;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Everything of the content that a dump must carry.
pub const CONTENT: &str = include_str!("content.sql");
const FINGERPRINT: &str = include_str!("fingerprint.sql");

/// A running server: its own folder, its own socket, and a port only when asked for. Dropping it ends it.
pub struct Postgres {
    folder: TempDir,
    bin: PathBuf,
    child: Child,
    network: Network,
    pub password: Option<String>,
}

/// Where a server listens beside its socket, whose name has the port too.
#[derive(Debug, Clone, Copy)]
struct Network {
    port: u16,
    transport: Transport,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    /// Nowhere.
    None,
    /// On the loopback device.
    Tcp,
    /// There, with TLS for who wants it.
    Tls,
}

/// What a server proves itself with, in PEM.
#[derive(Debug)]
pub struct Certificate {
    pub chain: String,
    pub key: String,
}

impl Postgres {
    /// A server of `major` that lets every local role in.
    pub fn start(major: u32) -> Option<Self> {
        Self::start_with(major, "local all all trust\n")
    }

    /// A server with this `pg_hba.conf`.
    pub fn start_with(major: u32, hba: &str) -> Option<Self> {
        Self::start_in(major, hba, &Start::default())
    }

    /// A server whose databases, and nothing else of it, are on the disk `base`.
    pub(crate) fn start_on(major: u32, base: &Path) -> Option<Self> {
        Self::start_in(major, "local all all trust\n", &Start { base: Some(base), ..Start::default() })
    }

    /// A replica that waits for a primary in vain: it answers questions and takes no writes.
    pub fn start_replica(major: u32) -> Option<Self> {
        let start = Start { signal: Some("standby.signal"), ..Start::default() };
        Self::start_in(major, "local all all trust\n", &start)
    }

    /// A primary that standbys may follow.
    pub fn start_primary(major: u32) -> Option<Self> {
        Self::start_with(major, "local all all trust\nlocal replication all trust\n")
    }

    /// A server that is another system than every other.
    pub fn start_stranger(major: u32) -> Option<Self> {
        let start = Start { origin: Origin::Fresh, ..Start::default() };
        Self::start_in(major, "local all all trust\nlocal replication all trust\n", &start)
    }

    /// A hot standby of this server, over its socket.
    pub fn start_standby(&self, major: u32) -> Self {
        let start = Start { origin: Origin::Standby(self), ..Start::default() };
        Self::start_in(major, "local all all trust\n", &start).expect("its primary's programs are there")
    }

    /// A server that starts on a copy of these files, which are a data directory.
    pub fn start_from(major: u32, files: &Path) -> Option<Self> {
        let start = Start { origin: Origin::Files(files), ..Start::default() };
        Self::start_in(major, "local all all trust\nlocal replication all trust\n", &start)
    }

    /// The folder of its files.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A folder that it may write to.
    pub fn new_folder(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
        give(&folder);
        folder
    }

    /// Runs one of its programs as the user that it runs as; what it said, and whether all was well.
    pub fn run(&self, program: &str, args: &[&std::ffi::OsStr]) -> (bool, String) {
        let mut command = Command::new(self.bin.join(program));
        command.args(args).env("LC_ALL", "C");
        let output = as_server_user(&mut command).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    fn copy_to(&self, data: &Path) {
        let mut command = Command::new(self.bin.join("pg_basebackup"));
        command.args(["-R", "-X", "stream", "--checkpoint=fast", "-U", "postgres", "-D"]).arg(data);
        command.env_clear().env("PGHOST", self.folder.path()).env("PGPORT", self.network.port.to_string());
        let made = as_server_user(&mut command).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    /// A server that listens on 127.0.0.1 as well, and speaks TLS where it has a certificate.
    pub fn start_tcp(major: u32, hba: &str, certificate: Option<&Certificate>) -> Option<Self> {
        let transport = if certificate.is_some() { Transport::Tls } else { Transport::Tcp };
        Self::start_in(major, hba, &Start { transport, certificate, ..Start::default() })
    }

    fn start_in(major: u32, hba: &str, start: &Start<'_>) -> Option<Self> {
        let bin = programs(major)?;
        let folder = tempfile::Builder::new().prefix("jagad-pg").tempdir_in("/tmp").unwrap();
        give(folder.path());
        let data = folder.path().join("data");
        match start.origin {
            Origin::Standby(primary) => primary.copy_to(&data),
            Origin::Fresh => initialise(&bin, &data),
            Origin::Files(files) => copy(files, &data),
            Origin::Template => copy(&template(major, &bin), &data),
        }
        if let Some(disk) = start.base {
            give(disk);
            copy(&data.join("base"), &disk.join("base"));
            std::fs::remove_dir_all(data.join("base")).unwrap();
            std::os::unix::fs::symlink(disk.join("base"), data.join("base")).unwrap();
        }
        if let Some(signal) = start.signal {
            std::fs::write(data.join(signal), "").unwrap();
        }
        std::fs::write(data.join("pg_hba.conf"), hba).unwrap();
        if let Some(Certificate { chain, key }) = start.certificate {
            for (name, text) in [("server.crt", chain), ("server.key", key)] {
                let path = data.join(name);
                std::fs::write(&path, text).unwrap();
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
                give(&path);
            }
        }
        let network = Network { port: start.port(), transport: start.transport };
        let child = launch(&bin, folder.path(), network);
        let mut server = Self { folder, bin, child, network, password: None };
        // Another process may have taken the free port before the server did.
        for _ in 0..5 {
            if server.is_ready() {
                return Some(server);
            }
            assert!(server.log().contains("Address already in use"), "{}", server.log());
            server.network.port = start.port();
            server.child = launch(&server.bin, server.folder.path(), server.network);
        }
        panic!("no port stays free");
    }

    /// Replaces the rules of who may log in how.
    pub fn set_hba(&self, hba: &str) {
        std::fs::write(self.folder.path().join("data/pg_hba.conf"), hba).unwrap();
        self.psql("postgres", "SELECT pg_reload_conf();");
    }

    /// Ends the server at once, as a crash would.
    pub(crate) fn crash(&mut self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(pid, Signal::SIGQUIT).unwrap();
        self.child.wait().unwrap();
        let _ = std::fs::remove_file(self.folder.path().join("data/postmaster.pid"));
    }

    /// Ends the server in peace.
    pub(crate) fn stop(&mut self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(pid, Signal::SIGINT).unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again after a crash.
    pub(crate) fn start_again(&mut self) {
        self.child = launch(&self.bin, self.folder.path(), self.network);
        assert!(self.is_ready(), "{}", self.log());
    }

    /// Waits until it takes connections; false when it ended instead.
    fn is_ready(&mut self) -> bool {
        let start = Instant::now();
        let status = self.folder.path().join("data/postmaster.pid");
        while !std::fs::read_to_string(&status)
            .is_ok_and(|text| text.lines().nth(7).is_some_and(|l| l.trim() == "ready"))
        {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            assert!(start.elapsed() < Duration::from_secs(30), "{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }

    /// What the server said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    pub fn bin(&self) -> &Path {
        &self.bin
    }

    pub fn socket(&self) -> &Path {
        self.folder.path()
    }

    /// How to reach it as a superuser, with the programs of its own version.
    pub fn settings(&self) -> ServerSettings {
        ServerSettings {
            kind: jagad::model::EngineKind::PostgreSql,
            host: None,
            socket: Some(self.folder.path().to_owned()),
            port: self.network.port,
            user: "postgres".to_owned(),
            password: self.password.clone().map(Secret::new),
            tls: TlsSettings::default(),
            maintenance_database: "postgres".to_owned(),
            filter: Filter::default(),
            role_passwords: true,
            extra_args: Vec::new(),
            pgbackrest: None,
            bin_dir: Some(self.bin.clone()),
        }
    }

    pub fn engine(&self) -> PostgreSql {
        PostgreSql::new(self.settings())
    }

    /// Runs `sql` as a superuser.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        self.try_psql("postgres", database, sql).unwrap_or_else(|said| panic!("{sql}: {said}"))
    }

    /// Runs `sql` as `role`; what it printed, or what psql complained about.
    pub fn try_psql(&self, role: &str, database: &str, sql: &str) -> Result<String, String> {
        let mut child = self.client(role, database).spawn().unwrap();
        child.stdin.take().unwrap().write_all(sql.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        if output.status.success() {
            Ok(String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// A psql that reads from a pipe.
    pub fn client(&self, role: &str, database: &str) -> Command {
        let mut command = Command::new(self.bin.join("psql"));
        command.args(["-XAtq", "-v", "ON_ERROR_STOP=1"]).env_clear();
        let env = [("PGUSER", role), ("PGDATABASE", database), ("PGCLIENTENCODING", "UTF8"), ("LC_ALL", "C")];
        command.envs(env).env("PGHOST", self.folder.path()).env("PGPORT", self.network.port.to_string());
        command.envs(self.password.iter().map(|password| ("PGPASSWORD", password)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Creates the database `name` with all of [`CONTENT`].
    pub fn create_content(&self, name: &str) {
        self.psql("postgres", &format!("CREATE DATABASE \"{}\";", name.replace('"', "\"\"")));
        self.psql(name, CONTENT);
    }

    /// Equal for databases that are equal.
    pub fn fingerprint(&self, database: &str) -> String {
        self.psql(database, FINGERPRINT)
    }

    pub fn databases(&self) -> Vec<String> {
        let names =
            self.psql("template1", "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1");
        names.lines().map(str::to_owned).collect()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        // Immediate shutdown: nothing of it is needed any more.
        let _ = kill(pid, Signal::SIGQUIT);
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if start.elapsed() > Duration::from_secs(10) {
                let _ = self.child.kill();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// How a server differs from the usual one.
struct Start<'a> {
    /// Disk of its databases.
    base: Option<&'a Path>,
    /// A file that makes it start in another way.
    signal: Option<&'a str>,
    transport: Transport,
    certificate: Option<&'a Certificate>,
    origin: Origin<'a>,
}

/// Where a server's files come from.
enum Origin<'a> {
    /// A copy of what all tests share: the servers are one system to each other.
    Template,
    /// A system of its own.
    Fresh,
    /// A copy of this server, which it follows.
    Standby(&'a Postgres),
    /// A copy of these.
    Files(&'a Path),
}

impl Default for Start<'_> {
    fn default() -> Self {
        Self {
            base: None,
            signal: None,
            transport: Transport::None,
            certificate: None,
            origin: Origin::Template,
        }
    }
}

impl Start<'_> {
    /// The usual port where it only names the socket, else one that is free at this moment.
    fn port(&self) -> u16 {
        if self.transport == Transport::None {
            return 5432;
        }
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
    }
}

fn launch(bin: &Path, folder: &Path, network: Network) -> Child {
    let mut command = Command::new(bin.join("postgres"));
    command.arg("-D").arg(folder.join("data")).arg("-k").arg(folder);
    command.arg("-p").arg(network.port.to_string());
    let listen = if network.transport == Transport::None { "" } else { "127.0.0.1" };
    command.arg("-c").arg(format!("listen_addresses={listen}"));
    if network.transport == Transport::Tls {
        command.args(["-c", "ssl=on"]);
    }
    for setting in ["fsync=off", "autovacuum=off", "wal_level=logical", "max_prepared_transactions=5"] {
        command.args(["-c", setting]);
    }
    let log = std::fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    as_server_user(&mut command).process_group(0).spawn().unwrap()
}
