//! SIGKILL between every two steps of an incremental: the next run is right, nothing is left behind, and the chain restores.

use crate::chains::{Chain, id, mariadb, postgresql};
use crate::program::wait_until;
use crate::support::mysql::{Release, Sql};
use crate::support::postgres::Postgres;
use serde_json::Value;

/// The points of an incremental before its manifest is in the store, and those after it.
pub(crate) const STEPS: [(&str, bool); 7] = [
    ("before-lease", false),
    ("after-lease", false),
    ("after-begin", false),
    ("after-part", false),
    ("before-commit", false),
    ("after-commit", true),
    ("before-note", true),
];

/// What a server is asked.
struct Probe<'a> {
    /// Changes its data.
    change: &'a dyn Fn(),
    /// Whether nobody is connected, and nothing is held for a backup.
    idle: &'a dyn Fn() -> bool,
}

/// Whatever is stored belongs to a backup that succeeded, and nobody holds the database.
fn assert_clean(chain: &Chain<'_>, point: &str) {
    let folder = chain.path("store/databases/whole");
    for backup in std::fs::read_dir(folder.join("backups")).unwrap() {
        let backup = backup.unwrap().path();
        let manifest = std::fs::read(backup.join("manifest.json"));
        let manifest: Value = serde_json::from_slice(&manifest.unwrap()).unwrap();
        let names = std::fs::read_dir(&backup).unwrap().map(|file| file.unwrap().file_name());
        let data = names.filter(|name| name.to_string_lossy().ends_with(".enc")).count();
        assert_eq!(data > 0, manifest["status"] == "success", "{point}: {}", backup.display());
    }
    assert_eq!(std::fs::read_dir(folder.join("lease")).map_or(0, Iterator::count), 0, "{point}");
}

/// Kills an incremental at each step; each time the next one builds on the newest that is good.
fn kill_incrementals(chain: &Chain<'_>, probe: &Probe<'_>) {
    chain.run(&["backup", "whole"]).ok();
    for (point, committed) in STEPS {
        let before = chain.newest();
        (probe.change)();
        chain.killed_at(&["backup", "whole", "--type", "incremental"], point);
        wait_until("the server has let go", probe.idle);
        let base = chain.newest();
        assert_eq!(base["id"] != before["id"], committed, "{point}");
        (probe.change)();
        chain.run(&["backup", "whole", "--type", "incremental", "--wait", "20s"]).ok();
        let next = chain.newest();
        assert_eq!((&next["kind"], &next["parent"]), (&"incremental".into(), &base["id"]), "{point}: {next}");
        assert_clean(chain, point);
    }
    let newest = chain.newest();
    chain.run(&["restore", id(&newest), "--target-dir", "files"]).ok();
}

#[test]
fn an_incremental_of_postgresql_that_is_killed_leaves_nothing_and_the_next_one_is_right() {
    let Some(bench) = postgresql() else { return };
    let change = || drop(bench.postgres.psql("shop", "UPDATE item SET name = name || '+' WHERE id < 9;"));
    let held =
        "SELECT (SELECT count(*) FROM pg_replication_slots) + (SELECT count(*) FROM pg_stat_replication)
        + (SELECT count(*) FROM pg_stat_progress_basebackup);";
    let idle = || bench.postgres.psql("postgres", held).trim() == "0";
    let chain = Chain(&bench);
    kill_incrementals(&chain, &Probe { change: &change, idle: &idle });
    let server = Postgres::start_from(18, &bench.path("files")).unwrap();
    wait_until("the recovery has ended", || {
        server.psql("postgres", "SELECT pg_is_in_recovery();").trim() == "f"
    });
    assert_eq!(server.fingerprint("shop"), bench.postgres.fingerprint("shop"));
    // In the middle of the change from an incremental to a full.
    bench.postgres.psql("postgres", "ALTER SYSTEM SET summarize_wal = off; SELECT pg_reload_conf();");
    for (point, dead) in
        [("before-fallback", "incremental"), ("after-fallback", "full"), ("after-part", "full")]
    {
        let failed = || {
            let mut rows = bench.listed();
            rows.retain(|row| row["status"] == "failed");
            rows
        };
        let before = failed().len();
        chain.killed_at(&["backup", "whole", "--type", "incremental"], point);
        wait_until("the server has let go", idle);
        bench.run(&["backup", "whole", "--type", "incremental", "--wait", "20s"]).ok();
        let full = chain.newest();
        assert_eq!((&full["kind"], &full["parent"]), (&"full".into(), &Value::Null), "{point}");
        assert!(full["fallback_reason"].is_string(), "{point}");
        assert_eq!((failed().len(), &failed()[0]["kind"]), (before + 1, &dead.into()), "{point}");
        assert_clean(&chain, point);
    }
}

#[test]
fn an_incremental_of_mariadb_that_is_killed_leaves_nothing_and_the_next_one_is_right() {
    let Some(bench) = mariadb() else { return };
    let change = || drop(bench.sql.run("shop", "UPDATE item SET name = CONCAT(name, '+') WHERE id < 9;"));
    let others =
        "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'root' AND id <> CONNECTION_ID();";
    let idle = || bench.sql.run("", others).trim() == "0";
    kill_incrementals(&Chain(&bench), &Probe { change: &change, idle: &idle });
    let server = Sql::start_on(Release::MariaDb1011, &bench.path("files"));
    assert_eq!(
        server.run("shop", "SELECT SUM(CRC32(name)) FROM item;"),
        bench.sql.run("shop", "SELECT SUM(CRC32(name)) FROM item;")
    );
}
