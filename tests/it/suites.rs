//! Databases that hold everything a server knows, backed up, proven and restored, and compared with what the plain tools bring back.

use crate::bench::Bench;
use crate::place::Place;
use crate::support::definitions::{assert_equal, assert_same, copy_plainly, definitions};
use crate::support::postgres::{Postgres, programs};
use crate::support::presence::{GEOGRAPHIC, soak_from};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// One or more of every kind of object.
const KINDS: &str = include_str!("suites/kinds.sql");
/// What only PostgreSQL 18 knows.
const KINDS_18: &str = include_str!("suites/kinds_18.sql");
const PLATFORM: &str = include_str!("suites/platform.sql");
const PLATFORM_ROLES: &str = "CREATE ROLE anon NOLOGIN; CREATE ROLE authenticated NOLOGIN; CREATE ROLE service_role NOLOGIN BYPASSRLS;
CREATE ROLE owner_role LOGIN CREATEDB CREATEROLE; CREATE ROLE auth_admin LOGIN NOINHERIT CREATEROLE; CREATE ROLE storage_admin LOGIN NOINHERIT;
CREATE ROLE authenticator LOGIN NOINHERIT; GRANT anon, authenticated, service_role TO authenticator; GRANT anon TO owner_role WITH ADMIN OPTION;
CREATE ROLE jagad LOGIN BYPASSRLS; GRANT pg_read_all_data TO jagad; CREATE DATABASE platform OWNER owner_role;";
const GEOGRAPHY: &str = include_str!("suites/geography.sql");
/// A drill of the largest of them takes about half a minute on an idle machine.
const LONGEST: Duration = Duration::from_secs(400);

/// Backs up `database`, proves the backup, restores it into another database and compares that with what
/// `pg_dump | pg_restore` gives, in whose messages only the `expected` may be.
fn check(bench: &Bench, database: &str, expected: &str) {
    bench.add(&bench.entry("suite", &format!("dbnames = [\"{database}\"]")));
    let run = |args: &[&str]| bench.program(args).wait_within(LONGEST).ok();
    run(&["backup", "suite"]);
    run(&["verify", "suite@latest", "--level", "restore"]);
    run(&["restore", "suite@latest", "--into", "restored", "--yes"]);

    let complaints = copy_plainly(&bench.postgres, database, "plain");
    assert_eq!(complaints, expected);
    assert_equal(&bench.postgres, "plain", "restored");
}

/// The database that PostgreSQL's own tests leave behind.
fn check_regression(major: u32) {
    let Some(suite) = soak_from(&format!("JAGAD_TEST_PGSUITE{major}")) else { return };
    let Some(bench) = Bench::new(major, Place::Local) else { return };
    let out = tempfile::Builder::new().prefix("jagad-suite").tempdir_in("/tmp").unwrap();
    // The server writes there too.
    crate::folder::open(out.path(), 0o777);
    regress(&bench.postgres, Path::new(&suite), out.path());
    let tables = "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND oid > 16384";
    let count: u32 = bench.postgres.psql("regression", tables).parse().unwrap();
    assert!(count > 500, "{count} tables");

    check(&bench, "regression", "");
}

/// Runs the suite. Some of it fails, because its functions in C are in no package; what the rest made stays.
fn regress(postgres: &Postgres, suite: &Path, out: &Path) {
    let folder = |name: &str, path: &Path| format!("--{name}={}", path.display());
    // It runs psql of the server's own version, whatever version it is of itself; only this one is installed in its place.
    let program = programs(15).expect("the tests need it").join("../lib/pgxs/src/test/regress/pg_regress");
    let mut command = Command::new(program);
    command.arg(folder("bindir", postgres.bin())).arg(folder("inputdir", suite)).current_dir(out);
    command.arg(folder("outputdir", out)).arg(folder("dlpath", suite)).arg(folder("host", postgres.socket()));
    command.args(["--port=5432", "--user=postgres", "--dbname=regression", "--max-concurrent-tests=20"]);
    command.arg(folder("schedule", &suite.join("parallel_schedule")));
    let said = command.output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let passed = text.lines().filter(|line| line.starts_with("ok ") || line.contains(" ok ")).count();
    assert!(passed > 150, "{text}{}", String::from_utf8_lossy(&said.stderr));
}

on_each!(check_regression as the_regression_database_comes_back: 15, 18);

fn check_kinds(major: u32) {
    let Some(bench) = Bench::new(major, Place::Local) else { return };
    bench.postgres.psql("postgres", "CREATE DATABASE kinds;");
    bench.postgres.psql("kinds", KINDS);
    if major >= 18 {
        bench.postgres.psql("kinds", KINDS_18);
    }

    check(&bench, "kinds", "");
    // Nothing in it changes on the way, so it equals the source too.
    assert_equal(&bench.postgres, "kinds", "restored");
}

on_each!(check_kinds as every_kind_of_object_comes_back: 15, 18);

#[test]
fn a_database_with_postgis_comes_back() {
    if soak_from(&format!("JAGAD_TEST_PG{GEOGRAPHIC}")).is_none() {
        return;
    }
    let Some(bench) = Bench::new(GEOGRAPHIC, Place::Local) else { return };
    bench.postgres.psql("postgres", "CREATE DATABASE geography;");
    bench.postgres.psql("geography", GEOGRAPHY);

    check(&bench, "geography", "");

    let facts =
        "SELECT count(*), max(srid), (SELECT count(*) FROM places), (SELECT count(*) FROM topology.topology),
          (SELECT count(*) FROM streets.edge_data), (SELECT sum(ST_Area(g)) FROM places),
          (SELECT count(*) FROM places WHERE g && ST_MakeEnvelope(0, 0, 5, 5, 990001)) FROM spatial_ref_sys";
    let [source, restored] = ["geography", "restored"].map(|database| bench.postgres.psql(database, facts));
    assert_eq!(source, restored);
    let [source, restored] =
        ["geography", "restored"].map(|database| definitions(&bench.postgres, database, &["--schema-only"]));
    assert_same(&source, &restored);
}

/// Roles with what they may do and have set, and what belongs to a database itself.
const ABOUT_ROLES: &str = "SELECT rolname, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolbypassrls FROM pg_roles WHERE rolname !~ '^pg_'
  UNION ALL SELECT roleid::regrole || ' ' || member::regrole, admin_option, NULL, NULL, NULL, NULL FROM pg_auth_members ORDER BY 1;
SELECT datname, setrole::regrole, setconfig FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = setdatabase WHERE datname IS DISTINCT FROM 'restored' ORDER BY 1, 2;
SELECT datname, datdba::regrole, datacl FROM pg_database WHERE datname IN ('platform', 'postgres') ORDER BY 1";

/// The platform's backup is taken by a user with no more than the README grants, and goes back whole into an empty server,
/// and alone into its own.
fn check_platform(major: u32) {
    let Some(bench) = Bench::new(major, Place::Local) else { return };
    let postgres = &bench.postgres;
    postgres.psql("postgres", PLATFORM_ROLES);
    postgres.psql("platform", PLATFORM);
    let limited =
        |name: &str, rest: &str| bench.entry(name, rest).replace("user = \"postgres\"", "user = \"jagad\"");
    bench.add(&limited("whole", "all_databases = true"));
    bench.add(&bench.entry("one", "dbnames = [\"platform\"]"));
    bench.run(&["check", "whole"]).ok();
    bench.run(&["backup", "whole"]).ok();
    bench.run(&["verify", "whole@latest", "--level", "restore"]).ok();

    // The database alone, into its own server.
    bench
        .run(&[
            "restore",
            "whole@latest",
            "--target",
            "one",
            "--dbname",
            "platform",
            "--into",
            "restored",
            "--yes",
        ])
        .ok();
    assert_eq!(copy_plainly(postgres, "platform", "plain"), "");
    assert_equal(postgres, "plain", "restored");
    assert_equal(postgres, "platform", "restored");

    // All of it, into a server that has nothing.
    let Some(empty) = Postgres::start_stranger(major) else { return };
    let there = bench.entry("there", "all_databases = true");
    bench
        .add(&there.replace(&postgres.socket().display().to_string(), &empty.socket().display().to_string()));
    bench.run(&["restore", "whole@latest", "--target", "there", "--globals", "--yes"]).ok();
    for args in [&["--schema-only"][..], &["--data-only"]] {
        assert_same(&definitions(postgres, "platform", args), &definitions(&empty, "platform", args));
    }
    assert_eq!(postgres.psql("postgres", ABOUT_ROLES), empty.psql("postgres", ABOUT_ROLES));
}

on_each!(check_platform as a_platform_with_row_security_comes_back: 15, 18);
