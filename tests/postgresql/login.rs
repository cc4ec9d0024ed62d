//! Servers that cannot be reached or do not let us in, and what is said of it.

use super::support::plans::scope;
use super::support::postgres::Postgres;
use jagad::engine::ServerSettings;
use jagad::engine::postgresql::PostgreSql;
use jagad::engine::{Engine as _, EngineError};
use jagad::model::Secret;
use jagad::process::SystemRunner;

pub const ASK_PASSWORDS: &str = "local all postgres trust\nlocal all all scram-sha-256\n";
pub const PASSWORD: &str = "correct-horse 'battery' \\staple";

/// How `role` reaches `postgres`.
pub fn role(postgres: &Postgres, role: &str, password: &str) -> ServerSettings {
    let password = Some(Secret::new(password.to_owned()));
    ServerSettings { user: role.to_owned(), password, ..postgres.settings() }
}

async fn refused(settings: ServerSettings) -> EngineError {
    PostgreSql::new(settings).inspect(&SystemRunner).await.err().unwrap()
}

async fn check_logins(major: u32) {
    let Some(postgres) = Postgres::start_with(major, ASK_PASSWORDS) else { return };
    postgres.psql(
        "postgres",
        &format!(
            "CREATE ROLE bk LOGIN PASSWORD E'{}'; CREATE ROLE dead NOLOGIN PASSWORD 'x';",
            PASSWORD.replace('\\', "\\\\").replace('\'', "''")
        ),
    );
    PostgreSql::new(role(&postgres, "bk", PASSWORD)).inspect(&SystemRunner).await.unwrap();

    let wrong = format!("not {PASSWORD}");
    for (user, password) in [("bk", wrong.as_str()), ("nobody at all", "x"), ("dead", "x")] {
        let error = refused(role(&postgres, user, password)).await;
        assert!(matches!(&error, EngineError::Login { user: named, .. } if named == user), "{error:?}");
        assert!(!format!("{error} {error:?}").contains(&wrong), "{error:?}");
    }
    let error = refused(ServerSettings { password: None, ..role(&postgres, "bk", "") }).await;
    assert!(matches!(&error, EngineError::Login { .. }), "{error:?}");
    let unknown = ServerSettings { user: "stranger".to_owned(), ..postgres.settings() };
    let error = refused(unknown).await;
    assert!(matches!(&error, EngineError::Login { .. }), "{error:?}");

    let lost = ServerSettings { maintenance_database: "psotgres".to_owned(), ..postgres.settings() };
    let error = refused(lost).await;
    assert!(matches!(&error, EngineError::NotFound { what, .. } if what.contains("psotgres")), "{error:?}");
    let server = postgres.engine().inspect(&SystemRunner).await.unwrap();
    let error = server.logical().dump(&scope(&["postgre"])).err().unwrap();
    assert!(matches!(&error, EngineError::NotFound { help, .. } if help.contains("`postgres`")), "{error:?}");

    let settings = postgres.settings();
    drop(postgres);
    let error = refused(settings).await;
    assert!(matches!(&error, EngineError::Unreachable { .. }), "{error:?}");
}

on_each!(async check_logins as failures_to_connect_are_told_apart: 15, 18);

#[tokio::test]
async fn a_server_that_takes_no_connections_on_tcp_is_unreachable() {
    let Some(postgres) = Postgres::start(15) else { return };
    // Bound and closed again: nothing listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings =
        ServerSettings { host: Some("127.0.0.1".to_owned()), socket: None, port, ..postgres.settings() };
    let error = refused(settings).await;
    let EngineError::Unreachable { address, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*address, format!("127.0.0.1:{port}"));
}

#[tokio::test]
async fn a_password_is_in_no_process_list_while_a_dump_runs() {
    let Some(postgres) = Postgres::start_with(15, ASK_PASSWORDS) else { return };
    postgres.psql("postgres", "CREATE ROLE bk SUPERUSER LOGIN PASSWORD 'hush-4711-hush';");
    postgres.psql("postgres", "CREATE TABLE t AS SELECT repeat('x', 1000) FROM generate_series(1, 5000);");
    let engine = PostgreSql::new(role(&postgres, "bk", "hush-4711-hush"));
    let server = engine.inspect(&SystemRunner).await.unwrap();
    let part = server.logical().dump(&scope(&["postgres"])).unwrap().remove(0);
    assert!(!format!("{:?}", part.source).contains("hush"));
    // Nobody reads, so it stands still with a full pipe.
    let running = part.source.open(&SystemRunner).await.unwrap();
    let began = std::time::Instant::now();
    let lines = loop {
        let lines = command_lines();
        // A process that has just been started has no command line yet.
        if lines.iter().any(|line| line.contains("pg_dump\0")) {
            break lines;
        }
        assert!(began.elapsed().as_secs() < 20, "pg_dump is in no process list");
    };
    assert!(!lines.iter().any(|line| line.contains("hush-4711")));
    drop(running);
}

/// The command lines of every process of this machine.
fn command_lines() -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).into_owned()).collect()
}
