//! The throw-away server of a drill.

use super::support::plans::{dump, restore};
use super::support::postgres::{Postgres, programs};
use jagad::engine::{
    DrillRequest, Engine as _, EngineError, Lifetime, MissingRoles, Ownership, RestoreTarget, bare,
};
use jagad::model::{Contents, EngineKind};
use jagad::process::{Runner as _, SystemRunner, is_root};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

static NOTHING: BTreeMap<String, Contents> = BTreeMap::new();

fn request<'a>(server_version: &'a str, folder: &'a Path) -> DrillRequest<'a> {
    DrillRequest { server_version, recorded: &NOTHING, folder, data: None }
}

/// The processes whose command line speaks of `folder`.
fn processes(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = all.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(folder)).collect()
}

async fn check_drill(major: u32) {
    let Some(postgres) = Postgres::start(major) else { return };
    postgres.create_content("shop");
    let taken = dump(postgres.engine().inspect(&SystemRunner).await.unwrap().as_ref(), "shop").await;
    let place = tempfile::Builder::new().prefix("jagad-drill").tempdir_in("/tmp").unwrap();
    let request = request(&taken.server_version, place.path());
    let drill = bare(EngineKind::PostgreSql, programs(major)).drill(&SystemRunner, &request).await.unwrap();
    for tool in &drill.setup {
        SystemRunner.output(tool).await.unwrap();
    }
    // Background workers would run jobs of extensions and subscriptions.
    let workers = "SELECT string_agg(setting, ' ') FROM pg_settings
      WHERE name IN ('max_worker_processes', 'max_logical_replication_workers')";
    let mut psql = postgres.client("postgres", "postgres");
    let psql = psql.env("PGHOST", place.path()).env("PGPORT", "5432").args(["-c", workers]);
    assert_eq!(String::from_utf8(psql.output().unwrap().stdout).unwrap(), "0 0\n");
    let server = drill.engine.inspect(&SystemRunner).await.unwrap();
    assert!(server.facts().version.starts_with(&major.to_string()));
    let skip = Ownership::Skip;
    // No roles are there: a policy for one of them must not stop a drill.
    let target = RestoreTarget {
        owners: skip,
        privileges: skip,
        missing_roles: MissingRoles::Make,
        lifetime: Lifetime::ThrownAway,
        ..taken.target("shop")
    };
    let (_, counted) = restore(server.as_ref(), &taken, &target).await.unwrap();
    assert_eq!(counted.unwrap().tables, taken.contents.unwrap().tables);

    assert!(!processes(place.path()).is_empty());
    let data = std::fs::metadata(place.path().join("data")).unwrap();
    assert!(!is_root() || data.uid() != 0, "PostgreSQL refuses to run as root");
    for tool in &drill.teardown {
        SystemRunner.output(tool).await.unwrap();
    }
    assert_eq!(processes(place.path()), [""; 0]);
    let folder = place.path().to_owned();
    place.close().unwrap();
    assert!(!folder.exists());
}

on_each!(async check_drill as a_drill_starts_loads_counts_and_leaves_nothing: 15, 18);

#[tokio::test]
async fn a_drill_that_did_not_start_can_be_torn_down() {
    let Some(bin) = programs(15) else { return };
    let place = tempfile::Builder::new().prefix("jagad-drill").tempdir_in("/tmp").unwrap();
    let drill = bare(EngineKind::PostgreSql, Some(bin))
        .drill(&SystemRunner, &request("15.1", place.path()))
        .await
        .unwrap();
    for tool in &drill.teardown {
        // It may complain, but it ends.
        let _ = SystemRunner.output(tool).await;
    }
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_version_that_nothing_here_can_take_names_the_package_of_the_server() {
    let empty = tempfile::tempdir().unwrap();
    let engine = bare(EngineKind::PostgreSql, Some(empty.path().to_owned()));
    let Err(EngineError::ToolMissing { tool, help }) =
        engine.drill(&SystemRunner, &request("97.2", empty.path())).await
    else {
        panic!()
    };
    assert_eq!(tool, "initdb 97 or newer");
    assert!(help.contains("apt install postgresql-97`") && help.contains("bin_dir"), "{help}");
}

#[tokio::test]
async fn a_folder_in_which_no_socket_fits_is_refused() {
    let Some(bin) = programs(15) else { return };
    let engine = bare(EngineKind::PostgreSql, Some(bin));
    let long = Path::new("/tmp").join("x".repeat(100));
    for folder in [long.as_path(), Path::new("/tmp/a,b")] {
        let refused = engine.drill(&SystemRunner, &request("15.1", folder)).await.err();
        assert!(
            matches!(&refused, Some(EngineError::Prerequisite { help, .. }) if help.contains("TMPDIR")),
            "{refused:?}"
        );
    }
}
