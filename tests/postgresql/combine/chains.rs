//! Chains of incremental backups, compared with `pg_combinebackup` and with what was in the server.

use super::*;
use crate::support::restored::RestoredServer;

/// A content whose every row must be there, and only those.
const COUNTS: &str = "SELECT (SELECT count(*) || md5(string_agg(id || note, ',' ORDER BY id)) FROM kept), \
                      (SELECT count(*) || md5(string_agg(id::text, ',' ORDER BY id)) FROM moved), \
                      (SELECT count(*) FROM shrinking), (SELECT count(*) FROM renewed), (SELECT count(*) FROM unlogged)";

fn fill(server: &Postgres, target: &Backups) {
    let space = target.folder.path().join("space");
    std::fs::create_dir(&space).unwrap();
    give(&space);
    server.psql("postgres", &format!("CREATE TABLESPACE elsewhere LOCATION '{}'", space.display()));
    server.psql(
        "postgres",
        "CREATE TABLE kept (id int PRIMARY KEY, note text);
         INSERT INTO kept SELECT g, repeat(md5(g::text), 8) FROM generate_series(1, 20000) g;
         CREATE TABLE moved (id int, note text) TABLESPACE elsewhere;
         INSERT INTO moved SELECT g, repeat('m', 300) FROM generate_series(1, 10000) g;
         CREATE TABLE shrinking (id int, note text);
         INSERT INTO shrinking SELECT g, repeat('s', 500) FROM generate_series(1, 5000) g;
         CREATE TABLE renewed (id int); INSERT INTO renewed SELECT generate_series(1, 3000);
         CREATE UNLOGGED TABLE unlogged (id int); INSERT INTO unlogged VALUES (1), (2);
         VACUUM;",
    );
}

/// Changes that make every kind of incremental file.
fn change(server: &Postgres, round: usize) {
    let script = match round % 5 {
        0 => {
            "UPDATE kept SET note = note || 'x' WHERE id % 997 = 0; INSERT INTO moved SELECT g, 'new' FROM generate_series(1, 700) g"
        }
        1 => {
            "DELETE FROM shrinking WHERE id > 500; VACUUM (TRUNCATE) shrinking; DELETE FROM moved WHERE id % 3 = 0; VACUUM moved"
        }
        2 => {
            "DROP TABLE renewed; CREATE TABLE renewed (id int); INSERT INTO renewed SELECT generate_series(1, 70); TRUNCATE unlogged"
        }
        3 => {
            "INSERT INTO shrinking SELECT g, repeat('t', 700) FROM generate_series(1, 2000) g; VACUUM FREEZE kept; UPDATE moved SET note = 'u' WHERE id < 40"
        }
        _ => {
            "TRUNCATE moved; INSERT INTO moved SELECT g, 'again' FROM generate_series(1, 900) g; INSERT INTO kept SELECT g, 'k' FROM generate_series(100000, 100500) g ON CONFLICT DO NOTHING; REINDEX TABLE kept"
        }
    };
    for statement in script.split("; ") {
        server.psql("postgres", statement);
    }
}

#[tokio::test]
async fn a_chain_of_ten_becomes_what_the_servers_own_tool_makes_of_it() {
    let Some(server) = Postgres::start_primary(18) else { return };
    summarize(&server);
    let mut backups = Backups::new();
    fill(&server, &backups);
    backups.take(&server, None);
    let mut read = vec![server.psql("postgres", COUNTS)];
    for round in 0..9 {
        change(&server, round);
        backups.take_next(&server);
        read.push(server.psql("postgres", COUNTS));
    }
    for newest in [3, 9] {
        let chain = backups.chain(0..=newest);
        let target = Target::new();
        merges_alike(server.bin(), &chain, &target).await;
        let restored = RestoredServer::start(server.bin(), &target.data()).unwrap();
        let there = restored.psql("postgres", COUNTS);
        // Unlogged tables are empty after a recovery.
        let whole = |counts: &str| counts.rsplit_once('|').unwrap().0.to_owned();
        assert_eq!(whole(&there), whole(&read[newest]));
        assert!(there.ends_with("|0"), "{there}");
        assert_eq!(restored.psql("postgres", "SHOW archive_mode"), "off");
        assert_eq!(restored.psql("postgres", "SELECT pg_is_in_recovery()"), "f");
        let check = "CREATE EXTENSION amcheck; SELECT count(*) FROM pg_class c, bt_index_check(c.oid, true) \
                     WHERE relkind = 'i' AND relam = 403 AND relpersistence = 'p'";
        assert!(restored.psql("postgres", check).parse::<u32>().unwrap() > 50);
    }
}

#[tokio::test]
async fn a_chain_that_is_taken_under_load_becomes_the_same() {
    let Some(server) = Postgres::start_primary(18) else { return };
    summarize(&server);
    let mut backups = Backups::new();
    fill(&server, &backups);
    server.psql(
        "postgres",
        "CREATE PROCEDURE work() LANGUAGE plpgsql AS $$ BEGIN
           WHILE NOT EXISTS (SELECT FROM shrinking WHERE id = -1) LOOP
             INSERT INTO renewed SELECT generate_series(1, 100); COMMIT;
             UPDATE kept SET note = md5(random()::text) WHERE id IN (SELECT (random() * 20000)::int FROM generate_series(1, 20)); COMMIT;
             DELETE FROM renewed WHERE id = (random() * 100)::int; COMMIT;
             IF random() < 0.05 THEN TRUNCATE renewed; COMMIT; END IF;
             IF random() < 0.05 THEN DROP TABLE IF EXISTS passing; CREATE TABLE passing AS SELECT generate_series(1, 2000) id; COMMIT; END IF;
           END LOOP; END $$;",
    );
    let mut load = server.client("postgres", "postgres");
    load.args(["-c", "CALL work()"]);
    let mut load = load.spawn().unwrap();
    backups.take(&server, None);
    for _ in 0..3 {
        backups.take_next(&server);
    }
    server.psql("postgres", "INSERT INTO shrinking VALUES (-1, 'stop')");
    assert!(load.wait().unwrap().success());
    let target = Target::new();
    merges_alike(server.bin(), &backups.whole_chain(), &target).await;
    let restored = RestoredServer::start(server.bin(), &target.data()).unwrap();
    assert_eq!(restored.psql("postgres", "SELECT count(*) FROM kept"), "20000");
}

#[tokio::test]
async fn a_chain_of_a_standby_becomes_the_same_and_no_standby() {
    let Some(primary) = Postgres::start_primary(18) else { return };
    summarize(&primary);
    let standby = primary.start_standby(18);
    standby.set_hba("local all all trust\nlocal replication all trust\n");
    let mut backups = Backups::new();
    primary.psql("postgres", "CREATE TABLE kept AS SELECT generate_series(1, 20000) id; CHECKPOINT");
    caught_up(&primary, &standby);
    backups.take(&standby, None);
    for _ in 0..2 {
        primary.psql("postgres", "UPDATE kept SET id = id WHERE id % 5000 = 0");
        primary.psql("postgres", "CHECKPOINT");
        caught_up(&primary, &standby);
        standby.psql("postgres", "CHECKPOINT");
        backups.take_next(&standby);
    }
    let chain = backups.whole_chain();
    let target = Target::new();
    merge(request(&chain, &target), &chain).await.unwrap();
    let folder = tempfile::Builder::new().prefix("jagad-reference").tempdir_in("/tmp").unwrap();
    let reference = combine(primary.bin(), &chain, folder.path());
    assert!(reference.data.join("standby.signal").exists());
    assert_same(
        &reference.data,
        &target.data(),
        &["backup_manifest", "postgresql.auto.conf", "standby.signal", "recovery.signal"],
    );
    let restored = RestoredServer::start(primary.bin(), &target.data()).unwrap();
    assert_eq!(restored.psql("postgres", "SELECT count(*), pg_is_in_recovery() FROM kept"), "20000|f");
}

fn caught_up(primary: &Postgres, standby: &Postgres) {
    let reached = primary.psql("postgres", "SELECT pg_current_wal_flush_lsn()");
    let ask = format!("SELECT pg_last_wal_replay_lsn() >= '{reached}'");
    let began = std::time::Instant::now();
    while standby.psql("postgres", &ask) != "t" {
        assert!(began.elapsed().as_secs() < 60, "the standby does not catch up");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
