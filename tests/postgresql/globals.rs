//! Roles and tablespaces: what is missing is made, what is there stays as it is.

use super::support::plans::{Dump, dump_all, restore, scope};
use super::support::postgres::Postgres;
use jagad::engine::ServerSettings;
use jagad::engine::postgresql::PostgreSql;
use jagad::engine::{Engine as _, LoadPlan, Scope, Server, TargetEffect};
use jagad::process::SystemRunner;
use std::path::{Path, PathBuf};

const ROLES: &str = "CREATE ROLE staff NOLOGIN; CREATE ROLE boss SUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS LOGIN
  PASSWORD 'it''s \\; --' CONNECTION LIMIT 7 VALID UNTIL '2040-01-02 03:04:05+00';
CREATE ROLE \"Odd \"\"q\"\" 'a' ;-- ü\" LOGIN PASSWORD 'x'; CREATE ROLE \"select\"; CREATE ROLE \"a,b\";
GRANT staff TO boss; GRANT staff TO \"Odd \"\"q\"\" 'a' ;-- ü\" WITH ADMIN OPTION; GRANT pg_monitor TO \"select\";
GRANT \"a,b\" TO existing; GRANT existing TO \"a,b2\"; GRANT existing TO staff;
ALTER ROLE boss SET search_path TO \"$user\", 'Odd ; schema', public; ALTER ROLE boss SET my.text TO E'a;\\nb''c';
ALTER ROLE \"select\" SET work_mem TO '7MB'; COMMENT ON ROLE boss IS E'it''s; \\\\ the boss\\n-- no comment';
ALTER ROLE existing CONNECTION LIMIT 3; ALTER ROLE existing SET work_mem TO '9MB'; COMMENT ON ROLE existing IS 'source';";

/// What one role is: everything but object identifiers.
const ONE_ROLE: &str =
    "SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication,
  rolconnlimit, rolpassword, rolvaliduntil, rolbypassrls, shobj_description(oid, 'pg_authid'),
  (SELECT array_agg(setconfig) FROM pg_db_role_setting WHERE setrole = pg_authid.oid AND setdatabase = 0),
  (SELECT array_agg(format('%s %s', roleid::regrole, admin_option) ORDER BY roleid::regrole::text)
   FROM pg_auth_members WHERE member = pg_authid.oid) FROM pg_authid WHERE rolname !~ '^pg_'";

fn roles(postgres: &Postgres, condition: &str) -> String {
    let sql = format!(
        "SET timezone = 'UTC'; SET my.x = 1; {ONE_ROLE} AND {condition} ORDER BY rolname COLLATE \"C\""
    );
    postgres.psql("postgres", &sql)
}

fn globals() -> Scope {
    Scope { globals: true, ..scope(&[]) }
}

async fn inspect(settings: ServerSettings) -> Box<dyn Server> {
    PostgreSql::new(settings).inspect(&SystemRunner).await.unwrap()
}

async fn take(postgres: &Postgres) -> Dump {
    dump_all(inspect(postgres.settings()).await.as_ref(), &globals()).await.unwrap().remove(0)
}

async fn give(settings: ServerSettings, taken: &Dump) -> Result<LoadPlan, String> {
    restore(inspect(settings).await.as_ref(), taken, &taken.target("")).await.map(|(plan, _)| plan)
}

/// A folder for a tablespace, below the server's own.
fn folder(postgres: &Postgres, name: &str) -> PathBuf {
    let folder = postgres.socket().join(name);
    std::fs::create_dir(&folder).unwrap();
    let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(postgres.socket()).unwrap());
    std::os::unix::fs::chown(&folder, Some(owner), None).unwrap();
    folder
}

fn tablespace(postgres: &Postgres, name: &str, place: &Path) {
    postgres.psql("postgres", &format!("CREATE TABLESPACE {name} LOCATION '{}'", place.display()));
}

async fn check_globals(from: u32, to: u32) {
    let (Some(source), Some(target)) = (Postgres::start(from), Postgres::start(to)) else { return };
    source.psql("postgres", "CREATE ROLE existing; CREATE ROLE \"a,b2\";");
    source.psql("postgres", ROLES);
    target.psql(
        "postgres",
        "CREATE ROLE existing SUPERUSER PASSWORD 'mine'; CREATE ROLE other; GRANT other TO existing;",
    );
    let taken = take(&source).await;
    let (mine, made) =
        ("rolname IN ('existing', 'postgres', 'other')", "rolname NOT IN ('existing', 'postgres', 'other')");
    let before = roles(&target, mine);

    let plan = give(target.settings(), &taken).await.unwrap();
    assert_eq!(plan.effect, TargetEffect::AddsGlobals);
    assert_eq!(roles(&target, mine), before);
    assert_eq!(roles(&target, made), roles(&source, made));
    assert_eq!(plan.new_roles.len(), 6);
    assert!(plan.notes.iter().any(|note| note.contains("role `existing`")), "{:?}", plan.notes);

    // A second time there is nothing to do.
    let all = roles(&target, "true");
    let plan = give(target.settings(), &taken).await.unwrap();
    assert_eq!((plan.new_roles.len(), plan.after.len()), (0, 0));
    assert_eq!(roles(&target, "true"), all);
}

#[tokio::test]
async fn missing_roles_are_made_and_existing_ones_stay_on_postgresql_15() {
    check_globals(15, 15).await;
}

#[tokio::test]
async fn missing_roles_are_made_and_existing_ones_stay_on_postgresql_18() {
    check_globals(18, 18).await;
}

#[tokio::test]
async fn roles_move_from_postgresql_15_to_18() {
    check_globals(15, 18).await;
}

#[tokio::test]
async fn missing_tablespaces_are_made_and_existing_ones_stay() {
    let (Some(source), Some(target)) = (Postgres::start(15), Postgres::start(18)) else { return };
    source.psql("postgres", "CREATE ROLE \"the owner\"");
    let (fast, slow, mine) = (folder(&source, "fast"), folder(&source, "slow"), folder(&target, "mine"));
    tablespace(&source, "\"Fast ö\"", &fast);
    tablespace(&source, "slow", &slow);
    tablespace(&target, "slow", &mine);
    source.psql(
        "postgres",
        "ALTER TABLESPACE \"Fast ö\" OWNER TO \"the owner\"; ALTER TABLESPACE \"Fast ö\" SET (random_page_cost = 1.1);
         GRANT CREATE ON TABLESPACE \"Fast ö\" TO PUBLIC; COMMENT ON TABLESPACE \"Fast ö\" IS 'fast';
         ALTER TABLESPACE slow SET (random_page_cost = 9); COMMENT ON TABLESPACE slow IS 'source';",
    );
    let spaces = "SELECT spcname, pg_get_userbyid(spcowner), spcacl, spcoptions, shobj_description(oid, 'pg_tablespace'),
      pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname";
    let taken = take(&source).await;
    let plan = give(target.settings(), &taken).await.unwrap();
    let fast = format!("{spaces} = 'Fast ö'");
    assert_eq!(target.psql("postgres", &fast), source.psql("postgres", &fast));
    let slow = target.psql("postgres", &format!("{spaces} = 'slow'"));
    assert_eq!(slow, format!("slow|postgres||||{}", mine.display()));
    assert!(plan.notes.iter().any(|note| note.contains("tablespace `slow`")), "{:?}", plan.notes);
}

/// A managed server gives out no superuser; `CREATEROLE` must do.
async fn check_without_superuser(major: u32) {
    let (Some(source), Some(target)) = (Postgres::start(major), Postgres::start(major)) else { return };
    source.psql(
        "postgres",
        "CREATE ROLE app LOGIN PASSWORD 'x' CONNECTION LIMIT 5; CREATE ROLE readers; GRANT readers TO app;
         CREATE ROLE maker CREATEDB CREATEROLE; ALTER ROLE app SET work_mem TO '7MB'; COMMENT ON ROLE app IS 'app';",
    );
    target.psql("postgres", "CREATE ROLE admin LOGIN CREATEROLE CREATEDB;");
    let settings = ServerSettings { user: "admin".to_owned(), ..target.settings() };
    let made = "rolname IN ('app', 'readers', 'maker')";
    let taken = take(&source).await;
    give(settings, &taken).await.unwrap();
    assert_eq!(roles(&target, made), roles(&source, made));
}

#[tokio::test]
async fn no_role_is_made_when_one_of_them_cannot_be_made() {
    let (Some(source), Some(target)) = (Postgres::start(15), Postgres::start(15)) else { return };
    source.psql("postgres", "CREATE ROLE app; CREATE ROLE boss SUPERUSER;");
    target.psql("postgres", "CREATE ROLE admin LOGIN CREATEROLE;");
    let settings = ServerSettings { user: "admin".to_owned(), ..target.settings() };
    let said = give(settings, &take(&source).await).await.unwrap_err();
    assert!(said.contains("superuser"), "{said}");
    assert_eq!(roles(&target, "rolname IN ('app', 'boss')"), "");
}

#[tokio::test]
async fn globals_that_are_too_large_or_no_text_are_refused() {
    let Some(target) = Postgres::start(15) else { return };
    let mut taken = take(&target).await;
    let large = vec![b'\n'; (16 << 20) + 1];
    for (bytes, words) in [(large, "larger than 16 MiB"), (b"CREATE ROLE \xff;".to_vec(), "UTF-8")] {
        taken.bytes = bytes.into();
        let said = give(target.settings(), &taken).await.unwrap_err();
        assert!(said.contains("Archive") && said.contains(words), "{said}");
    }
}

on_each!(async check_without_superuser as ordinary_roles_can_be_made_without_a_superuser: 15, 18);
