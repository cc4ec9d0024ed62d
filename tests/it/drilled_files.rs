//! Drills of physical backups: files and chains become a server that nobody else knows, which reads all of them.

use crate::bench::Bench;
use crate::folder::Folder;
use crate::place::Place;
use crate::sql_bench::SqlBench;
use crate::support::mysql::Release;
use crate::support::postgres::Postgres;
use std::os::unix::fs::FileExt as _;

const PHYSICAL: &str = "method = \"physical\"";

fn postgresql(major: u32) -> Option<Bench> {
    let bench = Bench::with(Postgres::start_primary(major)?, Place::Local);
    bench.add(&bench.entry("whole", PHYSICAL));
    bench.open_shop();
    if major >= 17 {
        bench.postgres.psql("postgres", "ALTER SYSTEM SET summarize_wal = on; SELECT pg_reload_conf();");
    }
    Some(bench)
}

fn assert_nothing_left(folder: &Folder, temporary: &str) {
    let left: Vec<_> =
        std::fs::read_dir(folder.path(temporary)).unwrap().flatten().map(|entry| entry.path()).collect();
    assert!(!left.iter().any(|path| path.to_string_lossy().contains("jagad-drill-")), "{left:?}");
}

#[test]
fn a_full_and_a_chain_of_postgresql_become_a_server_that_reads_every_page() {
    let Some(bench) = postgresql(18) else { return };
    let (postgres, outside) = (&bench.postgres, bench.postgres.new_folder("outside"));
    postgres.psql("postgres", &format!("CREATE TABLESPACE far LOCATION '{}';", outside.display()));
    postgres.psql("shop", "CREATE TABLE away TABLESPACE far AS SELECT g FROM generate_series(1, 5000) g;");
    // A drill follows none of these: they are the source's.
    postgres.psql(
        "shop",
        "CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;",
    );
    postgres.psql(
        "shop",
        "CREATE EVENT TRIGGER enters ON login EXECUTE FUNCTION refuse(); ALTER EVENT TRIGGER enters DISABLE;",
    );
    for setting in [
        "archive_command = 'touch /nowhere/at/all'",
        "log_directory = '/nowhere/at/all'",
        "external_pid_file = '/nowhere/at/all'",
        "ssl_cert_file = '/nowhere/at/all'",
        "shared_preload_libraries = 'nowhere, auto_explain'",
        "max_prepared_transactions = 300",
    ] {
        postgres.psql("postgres", &format!("ALTER SYSTEM SET {setting};"));
    }
    bench.run(&["backup", "whole"]).ok();
    let said = bench.run(&["verify", "whole@latest", "--level", "restore"]).ok();
    said.says("pg_amcheck has read every table and every B-tree index")
        .says("shop: 3 tables, 8000 rows restored");
    postgres.psql(
        "shop",
        "DELETE FROM sale WHERE id > 1500; INSERT INTO away SELECT g FROM generate_series(1, 7) g;",
    );
    bench.run(&["backup", "whole", "--type", "incremental"]).ok();
    let manifest = bench.run(&["show", "whole@latest", "--json"]).ok().json()["manifest"].clone();
    assert_eq!(manifest["kind"], "incremental", "{manifest}");

    bench
        .run(&["verify", "whole@latest", "--level", "restore"])
        .ok()
        .says("shop: 3 tables, 7507 rows restored");

    assert_nothing_left(&bench, "tmp");
    assert_eq!(postgres.psql("shop", "SELECT count(*) FROM away"), "5007");
}

#[test]
fn a_damaged_page_that_only_amcheck_sees_fails_the_backup() {
    let Some(bench) = postgresql(15) else { return };
    bench.run(&["backup", "whole"]).ok();
    bench
        .run(&["verify", "whole@latest", "--level", "restore"])
        .ok()
        .says("shop: 2 tables, 3000 rows restored");
    bench.postgres.psql("shop", "VACUUM (FREEZE) item; CHECKPOINT;");
    let path = bench.postgres.psql("shop", "SELECT pg_relation_filepath('item')");
    let file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(bench.postgres.data().join(path.trim()))
        .unwrap();
    // The first row says that it has many more columns than its table.
    let mut pointer = [0; 4];
    file.read_exact_at(&mut pointer, 24).unwrap();
    let row = u64::from(u32::from_le_bytes(pointer) & 0x7fff);
    file.write_all_at(&0x0700_u16.to_le_bytes(), row + 18).unwrap();
    file.sync_all().unwrap();
    bench.run(&["backup", "whole"]).ok();

    bench.run(&["verify", "whole@latest", "--level", "restore"]).expect(4).says("pg_amcheck").says("item");

    assert_nothing_left(&bench, "tmp");
}

#[test]
fn files_without_a_server_of_their_version_prove_nothing() {
    let Some(bench) = postgresql(18) else { return };
    bench.run(&["backup", "whole"]).ok();
    let none = format!("databases.whole.tools.bin_dir={}", bench.path("bin").display());

    bench
        .run(&["verify", "whole@latest", "--level", "restore", "--set", &none])
        .expect(7)
        .says("postgres 18 is not installed")
        .helps();

    assert_nothing_left(&bench, "tmp");
}

#[test]
fn a_full_and_a_chain_of_mariadb_become_a_server_that_checks_every_table() {
    let Some(bench) = SqlBench::small(Release::MariaDb1011) else { return };
    bench.add(&bench.entry("whole", PHYSICAL));
    bench.run(&["backup", "whole"]).ok();
    let said = bench.run(&["verify", "whole@latest", "--level", "restore"]).ok();
    said.says("CHECK TABLE has read").says("shop: 2 tables, 3000 rows restored");
    bench.sql.run("shop", "DELETE FROM sale ORDER BY id DESC LIMIT 500;");
    bench.run(&["backup", "whole", "--type", "incremental"]).ok();
    let manifest = bench.run(&["show", "whole@latest", "--json"]).ok().json()["manifest"].clone();
    assert_eq!(manifest["kind"], "incremental", "{manifest}");

    bench
        .run(&["verify", "whole@latest", "--level", "restore"])
        .ok()
        .says("shop: 2 tables, 2500 rows restored");

    assert_nothing_left(&bench, "t");
}
