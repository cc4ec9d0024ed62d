//! A relation of more than one file. The size of a file is fixed when a server is built, so this needs more than 1 GiB.

use super::*;
use crate::support::presence::skipped;
use crate::support::restored::RestoredServer;

#[tokio::test]
async fn a_relation_of_more_than_a_gibibyte_is_merged_in_little_memory() {
    if std::env::var_os("JAGAD_SOAK").is_none() {
        return skipped("a relation of more than 1 GiB takes long: it runs with JAGAD_SOAK set");
    }
    let Some(server) = Postgres::start_primary(18) else { return };
    summarize(&server);
    let mut backups = Backups::new();
    server.psql(
        "postgres",
        "CREATE TABLE large (id int, note text);
         INSERT INTO large SELECT g, repeat('x', 1000) FROM generate_series(1, 1150000) g; CHECKPOINT",
    );
    assert!(server.psql("postgres", "SELECT pg_relation_size('large') > 1024::bigint ^ 3") == "t");
    backups.take(&server, None);
    server.psql("postgres", "UPDATE large SET note = 'changed' WHERE id % 90000 = 0");
    backups.take_next(&server);
    // The second file loses its end, and gets another one after the next backup.
    server.psql("postgres", "DELETE FROM large WHERE id > 1120000");
    server.psql("postgres", "VACUUM (TRUNCATE) large");
    backups.take_next(&server);
    server.psql("postgres", "INSERT INTO large SELECT g, repeat('y', 500) FROM generate_series(1, 9000) g");
    backups.take_next(&server);
    let target = Target::new();
    let chain = backups.whole_chain();
    merges_alike(server.bin(), &chain, &target).await;
    let memory = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = memory.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim();
    let peak: u64 = peak.trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 64 << 10, "{peak} kB");
    let restored = RestoredServer::start(server.bin(), &target.data()).unwrap();
    assert_eq!(restored.psql("postgres", "SELECT count(*) FROM large"), "1129000");
}
