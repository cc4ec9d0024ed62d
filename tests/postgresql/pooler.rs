//! A connection pooler between jagad and the server: it takes no settings when a session begins.

use super::support::plans::{dump_all, restore};
use super::support::postgres::Postgres;
use super::support::presence::skipped;
use jagad::engine::plan::DatabaseChoice;
use jagad::engine::postgresql::PostgreSql;
use jagad::engine::{Engine as _, EngineError, Scope, ServerSettings};
use jagad::model::PartKind;
use jagad::process::{SystemRunner, is_root};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

struct Pooler {
    child: Child,
    folder: tempfile::TempDir,
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program() -> Option<PathBuf> {
    let named = std::env::var_os("JAGAD_TEST_PGBOUNCER").map(PathBuf::from);
    let found = named.filter(|program| program.exists());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "PgBouncer is missing: set JAGAD_TEST_PGBOUNCER");
        skipped("PgBouncer is missing: set JAGAD_TEST_PGBOUNCER to its program");
    }
    found
}

impl Pooler {
    /// In front of `postgres`, for every database.
    fn start(postgres: &Postgres, settings: &str) -> Option<Self> {
        let program = program()?;
        let folder = tempfile::Builder::new().prefix("jagad-pooler").tempdir_in("/tmp").unwrap();
        let place = folder.path().display();
        let file = format!(
            "[databases]\n* = host={} port=5432 user=postgres\n[pgbouncer]\nlisten_port = 6432\nunix_socket_dir = {place}\n\
             auth_type = any\n{settings}\nlogfile = {place}/log\n",
            postgres.socket().display()
        );
        std::fs::write(folder.path().join("pgbouncer.ini"), file).unwrap();
        let mut command = Command::new(program);
        command.arg(folder.path().join("pgbouncer.ini")).stdout(Stdio::null()).stderr(Stdio::null());
        if is_root() {
            let user = nix::unistd::User::from_name("postgres").unwrap().unwrap();
            std::os::unix::fs::chown(folder.path(), Some(user.uid.as_raw()), Some(user.gid.as_raw()))
                .unwrap();
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        let pooler = Self { child: command.spawn().unwrap(), folder };
        let began = Instant::now();
        while !pooler.folder.path().join(".s.PGSQL.6432").exists() {
            let log = std::fs::read_to_string(pooler.folder.path().join("log")).unwrap_or_default();
            assert!(began.elapsed() < Duration::from_secs(20), "{log}");
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(pooler)
    }

    /// An application's session.
    fn client(&self, postgres: &Postgres) -> Command {
        let mut command = postgres.client("postgres", "postgres");
        command.env("PGHOST", self.folder.path()).env("PGPORT", "6432");
        command
    }

    fn engine(&self, postgres: &Postgres) -> PostgreSql {
        let socket = Some(self.folder.path().to_owned());
        PostgreSql::new(ServerSettings { socket, port: 6432, ..postgres.settings() })
    }
}

#[tokio::test]
async fn a_server_behind_a_pooler_is_dumped_and_restored_with_its_roles() {
    let Some(postgres) = Postgres::start(15) else { return };
    let Some(pooler) = Pooler::start(&postgres, "pool_mode = session") else { return };
    postgres.psql("postgres", "CREATE ROLE app; CREATE DATABASE shop OWNER app;");
    postgres.psql("shop", "CREATE TABLE public.t AS SELECT generate_series(1, 7) AS a; CREATE MATERIALIZED VIEW public.v AS SELECT sum(a) FROM public.t;");
    let server = pooler.engine(&postgres).inspect(&SystemRunner).await.unwrap();
    let databases = DatabaseChoice::Named(vec!["shop".to_owned()]);
    let taken = dump_all(server.as_ref(), &Scope { databases, globals: true }).await.unwrap();
    postgres.psql("shop", "UPDATE public.t SET a = 0; ALTER TABLE public.t OWNER TO postgres;");
    postgres.psql("postgres", "ALTER DATABASE shop OWNER TO postgres; DROP ROLE app;");

    for part in &taken {
        assert!(matches!(part.kind, PartKind::Globals | PartKind::Database));
        restore(server.as_ref(), part, &part.target("shop")).await.unwrap();
    }

    let sums = "SELECT sum(a), (SELECT sum FROM public.v) FROM public.t";
    assert_eq!(postgres.psql("shop", sums), "28|28");
    assert_eq!(postgres.databases(), ["postgres", "shop"]);
    assert_eq!(
        postgres.psql("postgres", "SELECT datdba::regrole FROM pg_database WHERE datname = 'shop'"),
        "app"
    );
}

/// Whether nobody else is there, which makes a session look whole, or others are, which makes it fall apart.
#[tokio::test]
async fn a_pooler_that_shares_sessions_is_refused_with_what_to_do() {
    let Some(postgres) = Postgres::start(15) else { return };
    for settings in [
        "pool_mode = transaction",
        "pool_mode = statement",
        "ignore_startup_parameters = options\npool_mode = transaction",
    ] {
        let Some(pooler) = Pooler::start(&postgres, &format!("{settings}\nserver_round_robin = 1")) else {
            return;
        };
        for _ in 0..2 {
            match pooler.engine(&postgres).inspect(&SystemRunner).await.err() {
                Some(EngineError::Prerequisite { problem, help }) => {
                    assert!(
                        problem.contains("shares sessions") && help.contains("pool_mode = session"),
                        "{problem} {help}"
                    );
                }
                other => panic!("{settings}: {other:?}"),
            }
            // From now on the pool has two sessions, which take turns.
            let mut others = [0; 2].map(|_| pooler.client(&postgres).spawn().unwrap());
            for other in &mut others {
                other.stdin.take().unwrap().write_all(b"SELECT pg_sleep(0.3);").unwrap();
            }
            for mut other in others {
                assert!(other.wait().unwrap().success());
            }
        }
    }
    for settings in ["pool_mode = session", "ignore_startup_parameters = options\npool_mode = session"] {
        let Some(pooler) = Pooler::start(&postgres, settings) else { return };
        for _ in 0..2 {
            pooler.engine(&postgres).inspect(&SystemRunner).await.unwrap();
        }
    }
}
