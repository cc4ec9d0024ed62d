//! Full backups, of versions that have no incremental ones too.

use super::*;
use crate::support::restored::RestoredServer;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

async fn a_full_backup_starts(major: u32) {
    let Some(server) = Postgres::start_primary(major) else { return };
    let mut backups = Backups::new();
    let space = backups.folder.path().join("space");
    std::fs::create_dir(&space).unwrap();
    give(&space);
    server.psql("postgres", &format!("CREATE TABLESPACE elsewhere LOCATION '{}'", space.display()));
    server.psql("postgres", "CREATE TABLE moved TABLESPACE elsewhere AS SELECT generate_series(1, 1000) id");
    server.create_content("shop");
    backups.take(&server, None);
    let chain = backups.whole_chain();
    let target = Target::new();
    merge(request(&chain, &target), &chain).await.unwrap();
    let whole = backups.folder.path().join("whole");
    unpack(&chain[0].join("base.tar"), &whole);
    assert_same(
        &whole,
        &target.data(),
        &["tablespace_map", "pg_tblspc", "postgresql.auto.conf", "recovery.signal"],
    );
    assert!(!target.data().join("tablespace_map").exists());
    // The old folder is gone: a server that still went there would not find the table.
    std::fs::rename(&space, backups.folder.path().join("gone")).unwrap();
    let restored = RestoredServer::start(server.bin(), &target.data()).unwrap();
    assert_eq!(restored.psql("postgres", "SELECT count(*) FROM moved"), "1000");
    assert_eq!(
        restored.psql(
            "postgres",
            "SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname = 'elsewhere'"
        ),
        target.tablespace(tablespaces(&chain[0]).next().unwrap()).display().to_string()
    );
    std::fs::rename(backups.folder.path().join("gone"), &space).unwrap();
    assert_eq!(timeline(&restored), "2");
}

#[tokio::test]
async fn a_full_backup_of_15_starts_with_its_tablespaces_elsewhere() {
    a_full_backup_starts(15).await;
}

#[tokio::test]
async fn a_full_backup_of_18_starts_with_its_tablespaces_elsewhere() {
    a_full_backup_starts(18).await;
}

#[tokio::test]
async fn files_keep_their_rights_and_belong_to_the_user_of_the_server() {
    let Some(server) = Postgres::start_primary(18) else { return };
    let mut backups = Backups::new();
    backups.take(&server, None);
    let chain = backups.whole_chain();
    let target = Target::new();
    std::fs::create_dir(target.data()).unwrap();
    give(&target.data());
    merge(request(&chain, &target), &chain).await.unwrap();
    let owner = std::fs::metadata(target.folder.path()).unwrap().uid();
    for name in ["", "base", "base/1", "global/pg_control", "PG_VERSION", "postgresql.conf", "backup_label"] {
        let found = std::fs::metadata(target.data().join(name)).unwrap();
        let expected = if found.is_dir() { 0o700 } else { 0o600 };
        assert_eq!((found.permissions().mode() & 0o7777, found.uid()), (expected, owner), "{name}");
    }
}

#[tokio::test]
async fn a_tablespace_in_the_data_directory_stays_there() {
    let Some(server) = Postgres::start_primary(18) else { return };
    summarize(&server);
    // Without this setting no server starts with such a tablespace.
    server.psql("postgres", "ALTER SYSTEM SET allow_in_place_tablespaces = on");
    server.psql("postgres", "SET allow_in_place_tablespaces = on; CREATE TABLESPACE inside LOCATION ''");
    server
        .psql("postgres", "CREATE TABLE inner_table TABLESPACE inside AS SELECT generate_series(1, 9000) id");
    let mut backups = Backups::new();
    backups.take(&server, None);
    server.psql("postgres", "UPDATE inner_table SET id = 0 WHERE id = 4000");
    backups.take_next(&server);
    let chain = backups.whole_chain();
    let target = Target::new();
    let mut request = request(&chain, &target);
    request.tablespaces.values_mut().for_each(|place| *place = TablespacePlace::InPlace);
    merge(request, &chain).await.unwrap();
    let restored = RestoredServer::start(server.bin(), &target.data()).unwrap();
    assert_eq!(restored.psql("postgres", "SELECT count(*), sum(id) FROM inner_table"), "9000|40500500");
}

#[tokio::test]
async fn a_server_starts_whose_configuration_was_elsewhere() {
    for major in [15, 18] {
        let Some(server) = Postgres::start_primary(major) else { return };
        let mut backups = Backups::new();
        backups.take(&server, None);
        let chain = backups.whole_chain();
        // As Debian has it: none of the files is in the data directory.
        let stripped = backups.folder.path().join("stripped");
        unpack(&chain[0].join("base.tar"), &stripped);
        for name in ["postgresql.conf", "pg_hba.conf", "pg_ident.conf"] {
            std::fs::remove_file(stripped.join(name)).unwrap();
        }
        let members = run(Command::new("tar").arg("-tf").arg(chain[0].join("base.tar")));
        let kept: Vec<&str> = members.lines().filter(|name| stripped.join(name).exists()).collect();
        run(Command::new("tar")
            .args(["--format=ustar", "--no-recursion", "-cf"])
            .arg(chain[0].join("base.tar"))
            .arg("-C")
            .arg(&stripped)
            .args(kept));
        let target = Target::new();
        let merge = Merge::new(request(&chain, &target)).unwrap();
        let recorded = r#"{"config_file": "data_directory = '/nowhere'\n", "hba_file": "local all all trust\n",
                           "minimum_settings": {"max_connections": 133, "max_prepared_transactions": 5, "max_locks_per_transaction": 65}}"#;
        merge.configuration().take(&SystemRunner, Box::pin(recorded.as_bytes())).await.unwrap();
        feed(&merge.consumer(0, ArchiveName::Base), &chain[0].join("base.tar")).await.unwrap();
        merge.finish().run(&SystemRunner).await.unwrap();
        let source = std::fs::read_to_string(target.data().join("postgresql.conf.source")).unwrap();
        assert_eq!(source, "data_directory = '/nowhere'\n");
        let hba = std::fs::read_to_string(target.data().join("pg_hba.conf")).unwrap();
        assert_eq!(hba.lines().last(), Some("local all all peer"));
        std::fs::write(target.data().join("pg_hba.conf"), "local all all trust\n").unwrap();
        let restored = RestoredServer::start(server.bin(), &target.data()).unwrap();
        assert_eq!(restored.psql("postgres", "SHOW max_connections"), "133");
        assert_eq!(restored.psql("postgres", "SHOW archive_mode"), "off");
    }
}

fn timeline(restored: &RestoredServer) -> String {
    restored.psql("postgres", "CHECKPOINT");
    restored.psql("postgres", "SELECT timeline_id FROM pg_control_checkpoint()")
}

#[tokio::test]
async fn a_restored_server_does_not_go_on_with_the_history_of_its_source() {
    let Some(server) = Postgres::start_primary(18) else { return };
    summarize(&server);
    server.psql("postgres", "CREATE TABLE kept AS SELECT generate_series(1, 1000) id");
    let mut backups = Backups::new();
    backups.take(&server, None);
    server.psql("postgres", "UPDATE kept SET id = id + 1");
    backups.take_next(&server);
    let chain = backups.chain(0..=0);
    let target = Target::new();
    merge(request(&chain, &target), &chain).await.unwrap();
    let restored = RestoredServer::start(server.bin(), &target.data()).unwrap();
    assert_eq!(restored.psql("postgres", "SELECT sum(id) FROM kept"), "500500");
    assert_eq!(timeline(&restored), "2");
    // Past the place where the source's later backup began.
    restored.psql("postgres", "CREATE TABLE later AS SELECT generate_series(1, 100000) id");
    let mut command = Command::new(server.bin().join("pg_basebackup"));
    command.args(["-Ft", "-X", "fetch", "--checkpoint=fast", "-U", "postgres", "-D"]).arg(backups.link(2));
    command.arg("--incremental").arg(backups.link(1).join("backup_manifest"));
    let output = as_server_user(command.env_clear().env("PGHOST", restored.socket())).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("timeline"), "{said}");
}
