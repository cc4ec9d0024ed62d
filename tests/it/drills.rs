//! A restore drill proves a backup and touches nothing else: no path, no server, no program that the backup speaks of.

use crate::bench::Bench;
use crate::place::Place;
use crate::support::postgres::Postgres;
use crate::support::presence::EXTENDED;

/// What the backed up database would do to others, and how it shows that it was done.
const OTHER: &str = "CREATE TABLE seen (at timestamptz DEFAULT clock_timestamp());
CREATE FUNCTION note() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO public.seen DEFAULT VALUES; RETURN 1; END $$;
CREATE VIEW watched AS SELECT public.note() AS n;";

fn bench() -> Option<Bench> {
    let bench = Bench::new(15, Place::Local)?;
    bench.open_shop();
    bench.postgres.psql("postgres", "CREATE DATABASE other;");
    bench.postgres.psql("other", OTHER);
    Some(bench)
}

fn seen(bench: &Bench) -> String {
    bench.postgres.psql("other", "SELECT count(*) FROM seen")
}

#[test]
fn a_drill_fills_no_view_from_elsewhere_and_writes_into_no_path_of_the_source() {
    let Some(bench) = bench() else { return };
    let (postgres, folder) = (&bench.postgres, bench.postgres.socket().display().to_string());
    postgres.new_folder("space");
    postgres.psql("postgres", &format!("CREATE TABLESPACE \"the fast\" LOCATION '{folder}/space';"));
    postgres.psql("shop", "CREATE TABLE apart TABLESPACE \"the fast\" AS SELECT 1 AS a;");
    postgres.psql(
        "shop",
        &format!(
            "CREATE EXTENSION postgres_fdw; CREATE EXTENSION file_fdw;
             CREATE SERVER there FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{folder}', dbname 'other');
             CREATE USER MAPPING FOR postgres SERVER there OPTIONS (user 'postgres', password 'secret word');
             CREATE FOREIGN TABLE watched (n bigint) SERVER there;
             CREATE MATERIALIZED VIEW from_there AS SELECT n FROM watched;
             CREATE ROLE far_user; CREATE USER MAPPING FOR far_user SERVER there OPTIONS (password 'x');
             CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
             CREATE FOREIGN TABLE run (n bigint) SERVER files OPTIONS (program 'echo x >> {folder}/marks; echo 1');
             CREATE MATERIALIZED VIEW from_run AS SELECT n FROM run;
             CREATE MATERIALIZED VIEW usual AS SELECT count(*) FROM sale;"
        ),
    );
    let marks = || std::fs::read_to_string(format!("{folder}/marks")).unwrap();
    let space = || std::fs::read_dir(format!("{folder}/space")).unwrap().count();
    // Without the roles of the server, so that the drill does not have the role that logs in elsewhere.
    let both = bench.entry("both", "dbnames = [\"other\", \"shop\"]");
    bench.add(&format!("{both}[databases.both.dump]\nglobals = false\n"));
    bench.run(&["backup", "both"]).ok();
    assert_eq!((seen(&bench), marks(), space()), ("1".to_owned(), "x\n".to_owned(), 1));

    bench.run(&["verify", "both@latest", "--level", "restore"]).ok();

    assert_eq!((seen(&bench), marks(), space()), ("1".to_owned(), "x\n".to_owned(), 1));

    // A restore does fill them, and the views are as they were.
    bench.run(&["restore", "both@latest", "--dbname", "shop", "--yes"]).ok();
    assert_eq!((seen(&bench), marks()), ("2".to_owned(), "x\nx\n".to_owned()));
    let sums = "SELECT (SELECT sum(n) FROM from_there), (SELECT sum(n) FROM from_run), (SELECT * FROM usual)";
    assert_eq!(postgres.psql("shop", sums), "1|1|2000");
}

#[test]
fn a_constraint_that_calls_another_server_reaches_none_and_the_drill_says_what_it_lacks() {
    let Some(bench) = bench() else { return };
    let folder = bench.postgres.socket().display().to_string();
    bench.postgres.psql(
        "shop",
        &format!(
            "CREATE EXTENSION dblink;
             CREATE FUNCTION tells(int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
               PERFORM public.dblink_exec('host={folder} dbname=other user=postgres', 'INSERT INTO seen DEFAULT VALUES');
               RETURN true; END $$;
             CREATE TABLE told (a int CHECK (tells(a))); INSERT INTO told VALUES (1);"
        ),
    );
    bench.back_up(&[]);
    assert_eq!(seen(&bench), "1");

    bench
        .run(&["verify", "shop@latest", "--level", "restore"])
        .expect(7)
        .says("could not establish connection");

    assert_eq!(seen(&bench), "1");
}

#[test]
fn a_view_that_cannot_be_filled_costs_no_restore_and_is_told() {
    let Some(bench) = bench() else { return };
    bench.postgres.psql(
        "shop",
        "CREATE TABLE sides (a int); INSERT INTO sides VALUES (1);
         CREATE MATERIALIZED VIEW \"it's\" AS SELECT 10 / a AS ten FROM sides;
         CREATE MATERIALIZED VIEW above AS SELECT ten + 1 AS more FROM \"it's\";
         CREATE MATERIALIZED VIEW usual AS SELECT count(*) FROM sale;
         CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$;
         CREATE EVENT TRIGGER no_refresh ON ddl_command_start WHEN TAG IN ('REFRESH MATERIALIZED VIEW') EXECUTE FUNCTION refuse();
         UPDATE sides SET a = 0;",
    );
    bench.back_up(&[]);

    let told = bench.run(&["restore", "shop@latest", "--into", "copy", "--yes"]);

    told.ok().says("it's").says("division by zero");
    let populated = "SELECT string_agg(relname || ' ' || relispopulated, ', ' ORDER BY relname) FROM pg_class WHERE relkind = 'm'";
    assert_eq!(bench.postgres.psql("copy", populated), "above false, it's false, usual true");
}

#[test]
fn a_drill_runs_no_job_of_the_source() {
    let Some(mut postgres) = Postgres::start(EXTENDED) else { return };
    let folder = postgres.socket().display().to_string();
    let file = postgres.socket().join("data/postgresql.auto.conf");
    let settings = "shared_preload_libraries = 'pg_cron'\ncron.database_name = 'postgres'\ncron.launch_active_jobs = off\n";
    std::fs::write(&file, settings).unwrap();
    postgres.crash();
    postgres.start_again();
    let bench = Bench::with(postgres, Place::Local);
    let job = format!("COPY (SELECT 1) TO PROGRAM ''touch {folder}/ran''");
    bench.postgres.psql("postgres", "CREATE EXTENSION pg_cron;");
    bench.postgres.psql("postgres", &format!("SELECT cron.schedule('often', '1 seconds', '{job}');"));
    bench.add(&bench.entry("jobs", "dbnames = [\"postgres\"]"));
    bench.run(&["backup", "jobs"]).ok();

    let log = bench.run(&["verify", "jobs@latest", "--level", "restore"]).ok().stderr;

    assert!(log.contains("DRILL: postgres: "), "{log}");
    assert!(!std::path::Path::new(&format!("{folder}/ran")).exists());
    // It goes back over the database that it lives in, which is the one that jagad itself asks.
    bench.postgres.psql("postgres", "SELECT cron.unschedule('often');");
    bench.run(&["restore", "jobs@latest", "--yes"]).ok();
    assert_eq!(bench.postgres.psql("postgres", "SELECT jobname FROM cron.job"), "often");
    assert_eq!(bench.postgres.databases(), ["postgres"]);
}
