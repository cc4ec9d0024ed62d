//! Physical backups through the engine's own traits: what is checked before, what comes, and what is said of it.

use super::support::postgres::Postgres;
use jagad::engine::postgresql::PostgreSql;
use jagad::engine::{
    CopyEnd, CopyParent, CopyRequest, Engine as _, EngineError, Finding, FindingLevel, OpenArchive, Producer,
    Server, ServerSettings,
};
use jagad::model::{BackupId, BackupKind, ByteReader, PartKind};
use jagad::process::SystemRunner;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;

/// A copy in memory: each part by the name that its plan gives it.
struct Copied {
    parts: BTreeMap<String, (PartKind, Vec<u8>)>,
    end: CopyEnd,
}

struct Stored(Arc<[u8]>);

#[async_trait::async_trait]
impl OpenArchive for Stored {
    async fn open(&self) -> std::io::Result<ByteReader<'static>> {
        Ok(Box::pin(std::io::Cursor::new(Arc::clone(&self.0))))
    }
}

fn id(kind: &str) -> BackupId {
    format!("20261130T100000Z-{kind}-k3v9x2").parse().unwrap()
}

async fn copy(server: &dyn Server, request: CopyRequest<'_>) -> Result<Copied, EngineError> {
    let mut copy = server.physical().unwrap().begin_copy(&SystemRunner, request).await?;
    let mut parts = BTreeMap::new();
    while let Some(mut part) = copy.next_part(&SystemRunner).await? {
        let Producer::Native(source) = &part.source else { panic!("{:?}", part.source) };
        let mut bytes = Vec::new();
        source.open().await?.read_to_end(&mut bytes).await.unwrap();
        part.witness.feed(&bytes).unwrap();
        part.witness.finish().unwrap();
        parts.insert(format!("{}.{}", part.archive.unwrap(), part.extension), (part.kind, bytes));
    }
    Ok(Copied { parts, end: copy.finish(&SystemRunner).await? })
}

fn added_to<'a>(backup: &'a BackupId, parent: &'a CopyParent) -> CopyRequest<'a> {
    CopyRequest { backup, parent: Some(parent), folder: std::path::Path::new("/tmp") }
}

async fn inspected(settings: ServerSettings) -> Box<dyn Server> {
    PostgreSql::new(settings).inspect(&SystemRunner).await.unwrap()
}

async fn findings(settings: ServerSettings, kind: BackupKind) -> Vec<Finding> {
    inspected(settings).await.physical().unwrap().check_copy(&SystemRunner, kind).await.unwrap()
}

/// What is wrong, with the words of the statement that fixes it.
fn troubles(findings: &[Finding]) -> Vec<(FindingLevel, String)> {
    let bad = findings.iter().filter(|finding| finding.level != FindingLevel::Ok);
    bad.map(|finding| (finding.level, finding.hint().to_owned())).collect()
}

/// The rules for logins are a file outside of the data directory, as Debian has it.
fn move_rules(postgres: &mut Postgres, rules: &str) {
    let folder = postgres.new_folder("etc");
    let file = folder.join("pg_hba.conf");
    std::fs::write(&file, rules).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    postgres.psql("postgres", &format!("ALTER SYSTEM SET hba_file = '{}';", file.display()));
    postgres.crash();
    postgres.start_again();
}

async fn check_copy(major: u32) {
    let Some(mut postgres) = Postgres::start_primary(major) else { return };
    let rules = "# käse\nlocal all all trust\nlocal replication all trust\n";
    move_rules(&mut postgres, rules);
    let space = postgres.new_folder("space");
    postgres.psql("postgres", &format!("CREATE TABLESPACE far LOCATION '{}';", space.display()));
    let server = inspected(postgres.settings()).await;
    let request = CopyRequest { backup: &id("full"), parent: None, folder: std::path::Path::new("/tmp") };
    let full = copy(server.as_ref(), request).await.unwrap();
    let oid = postgres.psql("postgres", "SELECT oid FROM pg_tablespace WHERE spcname = 'far'");
    let kinds: Vec<(&str, PartKind)> =
        full.parts.iter().map(|(name, part)| (name.as_str(), part.0)).collect();
    let archive = format!("{oid}.tar");
    let expected = [
        (archive.as_str(), PartKind::Files),
        ("backup_manifest.json", PartKind::FileManifest),
        ("base.tar", PartKind::Files),
        ("config.json", PartKind::Settings),
    ];
    assert_eq!(kinds, expected);
    for (kind, bytes) in full.parts.values() {
        let mut reader = postgres.engine().reading(*kind, "18").unwrap();
        reader.witness.feed(bytes).unwrap();
        reader.witness.finish().unwrap();
        assert!(reader.witness.feed(b"more").is_err() || reader.witness.finish().is_err(), "{kind}");
    }
    let config: serde_json::Value = serde_json::from_slice(&full.parts["config.json"].1).unwrap();
    assert_eq!(config["hba_file"], rules);
    assert_eq!(config["config_file"], serde_json::Value::Null, "that is in the data directory");
    assert_eq!(config["minimum_settings"]["max_prepared_transactions"], 5);
    let facts = &full.end.facts;
    assert_eq!(facts["system_id"], server.facts().identity.clone().unwrap());
    assert_eq!(
        (&facts["start_lsn"], &facts["end_lsn"]),
        (&full.end.span.start.clone().into(), &full.end.span.end.clone().into())
    );
    assert_eq!((&facts["wal_segment_size"], &facts["segment_size"]), (&(1 << 20).into(), &(1 << 30).into()));
    assert_eq!(facts["tablespaces"][0]["oid"].to_string(), oid);
    assert_eq!(facts["tablespaces"][0]["path"], space.display().to_string());
    assert_eq!(full.end.notes, Vec::<String>::new());

    let mut parent = CopyParent {
        backup: id("full"),
        server_version: server.facts().version.clone(),
        identity: server.facts().identity.clone(),
        span: Some(full.end.span.clone()),
        facts: full.end.facts.clone(),
        file_manifest: None,
    };
    let refused = |result: Result<Copied, EngineError>, words: &str| {
        let error = result.err().expect("a refusal");
        let EngineError::NoBase { backup, reason } = &error else { panic!("{error:?}") };
        assert!(*backup == id("full") && reason.contains(words), "{error:?}");
    };
    let incremental = id("incremental");
    if major < 17 {
        return refused(
            copy(server.as_ref(), added_to(&incremental, &parent)).await,
            "has no incremental backups",
        );
    }
    refused(copy(server.as_ref(), added_to(&incremental, &parent)).await, "manifest");
    parent.file_manifest = Some(Arc::new(Stored(full.parts["backup_manifest.json"].1.clone().into())));
    refused(copy(server.as_ref(), added_to(&incremental, &parent)).await, "summarization");
    postgres.psql("postgres", "ALTER SYSTEM SET summarize_wal = on; SELECT pg_reload_conf();");
    let request = CopyRequest { backup: &id("full"), parent: None, folder: std::path::Path::new("/tmp") };
    let again = copy(server.as_ref(), request).await.unwrap();
    parent.file_manifest = Some(Arc::new(Stored(again.parts["backup_manifest.json"].1.clone().into())));
    let request =
        CopyRequest { backup: &incremental, parent: Some(&parent), folder: std::path::Path::new("/tmp") };
    let added = copy(server.as_ref(), request).await.unwrap();
    assert!(added.parts["base.tar"].1.len() < full.parts["base.tar"].1.len() / 2);
}

on_each!(async check_copy as a_copy_has_all_parts_and_says_what_a_restore_needs: 15, 18);

#[tokio::test]
async fn a_check_says_what_a_copy_lacks_and_the_statement_that_fixes_it() {
    for major in [15, 18] {
        let Some(mut postgres) = Postgres::start_primary(major) else { return };
        postgres.psql("postgres", "CREATE ROLE bk LOGIN;");
        let as_bk = |postgres: &Postgres| ServerSettings { user: "bk".to_owned(), ..postgres.settings() };
        let is = |findings: &[Finding], expected: &[(FindingLevel, &str)]| {
            let troubles = troubles(findings);
            let fit = troubles.len() == expected.len()
                && troubles
                    .iter()
                    .zip(expected)
                    .all(|(one, other)| one.0 == other.0 && one.1.contains(other.1));
            assert!(fit, "{troubles:?} instead of {expected:?}");
        };
        let (error, warning) = (FindingLevel::Error, FindingLevel::Warning);
        is(
            &findings(as_bk(&postgres), BackupKind::Full).await,
            &[(error, "ALTER ROLE \"bk\" REPLICATION;"), (warning, "GRANT pg_read_all_settings TO \"bk\";")],
        );
        postgres.psql("postgres", "ALTER ROLE bk REPLICATION; GRANT pg_read_all_settings TO bk;");
        is(&findings(as_bk(&postgres), BackupKind::Full).await, &[]);
        let summaries = if major < 17 { "PostgreSQL 17" } else { "summarize_wal = on" };
        is(&findings(as_bk(&postgres), BackupKind::Incremental).await, &[(warning, summaries)]);

        move_rules(&mut postgres, "local all all trust\nlocal replication bk trust\n");
        let reading = [(warning, "GRANT pg_read_server_files TO \"bk\";")];
        is(&findings(as_bk(&postgres), BackupKind::Full).await, &reading);
        let server = inspected(as_bk(&postgres)).await;
        let request = CopyRequest { backup: &id("full"), parent: None, folder: std::path::Path::new("/tmp") };
        let copied = copy(server.as_ref(), request).await.unwrap();
        assert!(copied.end.notes.iter().any(|note| note.contains("pg_hba.conf")), "{:?}", copied.end.notes);
        postgres.psql(
            "postgres",
            "GRANT pg_read_server_files TO bk; GRANT EXECUTE ON FUNCTION pg_read_binary_file(text) TO bk;",
        );
        is(&findings(as_bk(&postgres), BackupKind::Full).await, &[]);
        let copied = copy(server.as_ref(), request).await.unwrap();
        let config: serde_json::Value = serde_json::from_slice(&copied.parts["config.json"].1).unwrap();
        assert_eq!(config["hba_file"], "local all all trust\nlocal replication bk trust\n");

        // Only the server itself knows its rules.
        is(&findings(postgres.settings(), BackupKind::Full).await, &[(error, "pg_hba.conf")]);
        postgres.psql(
            "postgres",
            "ALTER SYSTEM SET max_wal_senders = 1; ALTER SYSTEM SET max_replication_slots = 0;",
        );
        postgres.crash();
        postgres.start_again();
        is(
            &findings(as_bk(&postgres), BackupKind::Full).await,
            &[(error, "max_wal_senders"), (error, "max_replication_slots")],
        );
    }
}
