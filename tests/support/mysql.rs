//! A private MySQL or MariaDB server for one test.

use super::presence::{Need, server_from};
use jagad::engine::mysql::MySql;
use jagad::engine::{Engine as _, Server, ServerSettings};
use jagad::model::{EngineKind, Secret};
use jagad::process::SystemRunner;
use std::io::{BufRead as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A connection that holds a lock.
pub(crate) struct Holder {
    child: Child,
    input: ChildStdin,
    /// Its number on the server.
    pub(crate) connection: String,
}

impl Holder {
    /// Ends it; the lock is free then.
    pub(crate) fn finish(mut self) {
        drop(self.input);
        self.child.wait().unwrap();
    }
}

/// Everything of the content that a dump must carry.
pub(crate) const CONTENT: &str = include_str!("mysql_content.sql");

/// Tables of [`CONTENT`] with their rows, on both families.
pub(crate) const ROWS: [(&str, u64); 19] = [
    ("audit", 0),
    ("charsets", 1),
    ("child", 3),
    ("computed", 3),
    ("dates", 2),
    ("doc", 3),
    ("geo", 2),
    ("hostile", 15),
    ("huge", 2),
    ("item", 2),
    ("latin", 2),
    ("many", 64000),
    ("myisam", 2),
    ("nothing", 0),
    ("odd `name'' \" \\\\ ; -- /* é", 3),
    ("parent", 2),
    ("parted", 3),
    ("plain\\slash", 2),
    ("unseen", 2),
];

/// A server that tests run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Release {
    MySql97,
    MariaDb1011,
    MariaDb118,
}

impl Release {
    pub(crate) const ALL: [Self; 3] = [Self::MySql97, Self::MariaDb1011, Self::MariaDb118];

    pub(crate) fn kind(self) -> EngineKind {
        if self == Self::MySql97 { EngineKind::MySql } else { EngineKind::MariaDb }
    }

    fn variable(self) -> &'static str {
        match self {
            Self::MySql97 => "JAGAD_TEST_MYSQL97",
            Self::MariaDb1011 => "JAGAD_TEST_MARIADB1011",
            Self::MariaDb118 => "JAGAD_TEST_MARIADB118",
        }
    }

    /// The tree with its programs; `None`, loudly, when it is not there.
    pub(crate) fn root(self) -> Option<PathBuf> {
        server_from(self.variable(), Need::Required).map(PathBuf::from)
    }

    fn server_program(self, root: &Path) -> PathBuf {
        root.join("usr/sbin").join(if self == Self::MySql97 { "mysqld" } else { "mariadbd" })
    }

    fn messages(self, root: &Path) -> PathBuf {
        let share = root.join("usr/share");
        if self == Self::MariaDb118 { share.join("mariadb") } else { share.join("mysql") }
    }

    /// The server's program with what every start of it needs.
    fn command(self, root: &Path, data: &Path) -> Command {
        let mut command = Command::new(self.server_program(root));
        command.arg("--no-defaults").arg(format!("--basedir={}", root.join("usr").display()));
        command.arg(format!("--lc-messages-dir={}", self.messages(root).display()));
        command.arg(format!("--datadir={}", data.display())).arg("--secure-file-priv=");
        // A server that starts removes the temporary tables of all others with the same folder for them.
        command.arg(format!("--tmpdir={}", data.parent().unwrap().display()));
        if nix::unistd::geteuid().is_root() {
            command.arg("--user=root");
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        command
    }

    /// A fresh data directory that is made once per machine and then copied.
    fn template(self, root: &Path) -> PathBuf {
        let uid = nix::unistd::getuid();
        let cached = std::env::temp_dir().join(format!("jagad-{self:?}-template-{uid}").to_lowercase());
        if !cached.join("ready").exists() {
            let fresh =
                tempfile::Builder::new().prefix("jagad-init").tempdir_in(std::env::temp_dir()).unwrap();
            let data = fresh.path().join("data");
            std::fs::create_dir(&data).unwrap();
            self.initialise(root, &data);
            std::fs::write(data.join("ready"), "").unwrap();
            // Another test may have been faster: then its template is as good.
            let _ = std::fs::rename(&data, &cached);
        }
        cached
    }

    fn initialise(self, root: &Path, data: &Path) {
        let mut command = self.command(root, data);
        command.stderr(Stdio::piped());
        let child = if self == Self::MySql97 {
            command.arg("--initialize-insecure").spawn().unwrap()
        } else {
            let folder = self.messages(root);
            let family = if self == Self::MariaDb118 { "mariadb" } else { "mysql" };
            let mut script = "create database if not exists mysql;\nuse mysql;\n".to_owned();
            for part in ["system_tables", "performance_tables", "system_tables_data"] {
                script += &std::fs::read_to_string(folder.join(format!("{family}_{part}.sql"))).unwrap();
            }
            command.args(["--bootstrap", "--innodb-log-file-size=8M"]).stdin(Stdio::piped());
            let mut child = command.spawn().unwrap();
            child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
            child
        };
        let made = child.wait_with_output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        // Each copy is a server of its own.
        let _ = std::fs::remove_file(data.join("auto.cnf"));
    }
}

/// A running server: its own folder, its own socket, and a port only when it is asked for. Dropping it ends it.
pub(crate) struct Sql {
    pub(crate) release: Release,
    folder: TempDir,
    root: PathBuf,
    child: Child,
    options: Vec<String>,
}

impl Sql {
    /// A server with a binary log.
    pub(crate) fn start(release: Release) -> Option<Self> {
        Self::start_with(release, &["--log-bin=binlog", "--server-id=1"])
    }

    /// A server with these options.
    pub(crate) fn start_with(release: Release, options: &[&str]) -> Option<Self> {
        Some(Self::start_from(release, release.root()?, options))
    }

    /// A server with these options and the programs below `root`.
    pub(crate) fn start_from(release: Release, root: PathBuf, options: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("jgd").tempdir_in("/tmp").unwrap();
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open).unwrap();
        let data = folder.path().join("data");
        let copied = Command::new("cp").arg("-R").arg(release.template(&root)).arg(&data).status().unwrap();
        assert!(copied.success());
        std::fs::remove_file(data.join("ready")).unwrap();
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let child = launch(release, &root, folder.path(), &options);
        let server = Self { release, folder, root, child, options };
        server.wait_ready();
        server.run("", "SET GLOBAL log_bin_trust_function_creators = 1;");
        server
    }

    /// A server on the files in `data`, which are moved into its own folder.
    pub(crate) fn start_on(release: Release, data: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("jgd").tempdir_in("/tmp").unwrap();
        let moved = Command::new("mv").arg(data).arg(folder.path().join("data")).status().unwrap();
        assert!(moved.success());
        let (root, options) =
            (release.root().unwrap(), vec!["--log-bin=binlog".to_owned(), "--server-id=1".to_owned()]);
        let child = launch(release, &root, folder.path(), &options);
        let server = Self { release, folder, root, child, options };
        server.wait_ready();
        server
    }

    /// Ends the server, and starts it on the files in `data` in place of its own.
    pub(crate) fn replace_data(&mut self, data: &Path) {
        self.crash();
        let own = self.folder.path().join("data");
        std::fs::remove_dir_all(&own).unwrap();
        assert!(Command::new("mv").arg(data).arg(&own).status().unwrap().success());
        self.start_again();
    }

    fn wait_ready(&self) {
        let start = Instant::now();
        while self.try_run("root", "", "SELECT 1;").is_err() {
            assert!(start.elapsed() < Duration::from_secs(60), "{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends the server at once, as a crash would.
    pub(crate) fn crash(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again after a crash.
    pub(crate) fn start_again(&mut self) {
        self.child = launch(self.release, &self.root, self.folder.path(), &self.options);
        self.wait_ready();
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn bin(&self) -> PathBuf {
        self.root.join("usr/bin")
    }

    /// Where the scripts are that make its system tables.
    pub(crate) fn share(&self) -> PathBuf {
        self.release.messages(&self.root)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    /// How to reach it as its superuser, with the programs of its own version.
    pub(crate) fn settings(&self) -> ServerSettings {
        let mut settings = ServerSettings::tools_only(self.release.kind(), Some(self.bin()));
        settings.socket = Some(self.socket());
        "root".clone_into(&mut settings.user);
        settings
    }

    /// As another user with a password.
    pub(crate) fn settings_of(&self, user: &str, password: &str) -> ServerSettings {
        let password = Some(Secret::new(password.to_owned()));
        ServerSettings { user: user.to_owned(), password, ..self.settings() }
    }

    /// Inspected.
    pub(crate) async fn inspect(&self) -> Box<dyn Server> {
        MySql::new(self.settings()).inspect(&SystemRunner).await.unwrap()
    }

    /// Runs `sql` as the superuser.
    pub(crate) fn run(&self, database: &str, sql: &str) -> String {
        self.try_run("root", database, sql).unwrap_or_else(|said| panic!("{sql}: {said}"))
    }

    /// Runs `sql` as `user`; what was printed, or what the client complained about.
    pub(crate) fn try_run(&self, user: &str, database: &str, sql: &str) -> Result<String, String> {
        let mut child = self.client(user, database).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let text = sql.to_owned();
        let writer = std::thread::spawn(move || {
            let _ = stdin.write_all(text.as_bytes());
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// A client that reads from a pipe.
    pub(crate) fn client(&self, user: &str, database: &str) -> Command {
        let mut command = Command::new(self.bin().join(self.client_name()));
        command.args(["--no-defaults", "-BN", "--default-character-set=utf8mb4", "-u", user]);
        if self.release != Release::MySql97 {
            command.arg("--skip-ssl");
        }
        command.arg(format!("--socket={}", self.socket().display()));
        if !database.is_empty() {
            command.arg(format!("--database={database}"));
        }
        command.env_clear().env("LC_ALL", "C");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Reads `table` in a transaction that stays open, so that the table cannot be dropped.
    pub(crate) fn hold(&self, table: &str) -> Holder {
        let mut child = self.client("root", "").arg("--unbuffered").spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        // It says itself that it has read: the list of transactions is not renewed while somebody asks for it again and again.
        writeln!(input, "START TRANSACTION; SELECT COUNT(*) FROM {table}; SELECT CONNECTION_ID();").unwrap();
        let mut lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        let connection = lines.nth(1).expect("the client has ended").unwrap();
        Holder { child, input, connection }
    }

    pub(crate) fn client_name(&self) -> &'static str {
        if self.release == Release::MySql97 { "mysql" } else { "mariadb" }
    }

    pub(crate) fn dump_name(&self) -> &'static str {
        if self.release == Release::MySql97 { "mysqldump" } else { "mariadb-dump" }
    }

    /// Creates the database `name` with all of [`CONTENT`].
    pub(crate) fn create_content(&self, name: &str) {
        self.run("", &format!("CREATE DATABASE `{}` CHARACTER SET utf8mb4;", name.replace('`', "``")));
        self.run(name, CONTENT);
    }

    /// Databases that are not the server's own.
    pub(crate) fn databases(&self) -> Vec<String> {
        let names = self.run(
            "",
            "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN
             ('mysql', 'sys', 'information_schema', 'performance_schema') ORDER BY 1;",
        );
        names.lines().map(str::to_owned).collect()
    }
}

impl Drop for Sql {
    fn drop(&mut self) {
        // Nothing of it is needed any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn launch(release: Release, root: &Path, folder: &Path, options: &[String]) -> Child {
    let mut command = release.command(root, &folder.join("data"));
    command.args(["--innodb-flush-log-at-trx-commit=0", "--sync-binlog=0", "--innodb-buffer-pool-size=64M"]);
    if !options.iter().any(|option| option.starts_with("--port=")) {
        command.arg("--skip-networking");
    }
    if release == Release::MySql97 {
        command.args(["--mysqlx=OFF", "--performance-schema=OFF"]);
    }
    command.arg(format!("--socket={}", folder.join("s").display()));
    command.arg(format!("--pid-file={}", folder.join("pid").display()));
    command.arg(format!("--log-error={}", folder.join("log").display())).args(options);
    command.spawn().unwrap()
}
