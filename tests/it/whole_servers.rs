//! Backups and restores of all databases of a server, of which some are in no state for it.

use crate::bench::Bench;
use crate::place::Place;
use std::os::unix::fs::PermissionsExt as _;

fn bench(databases: &[&str]) -> Option<Bench> {
    let bench = Bench::new(15, Place::Local)?;
    for name in databases {
        bench.postgres.psql("postgres", &format!("CREATE DATABASE {name};"));
        bench.postgres.psql(name, "CREATE TABLE public.t AS SELECT 1 AS a;");
    }
    bench.add(&bench.entry("all", "all_databases = true"));
    Some(bench)
}

#[test]
fn databases_that_cannot_be_dumped_are_told_and_the_rest_is_taken() {
    let Some(bench) = bench(&["aa", "bad", "closed", "shop__jagad_a1b2c3"]) else { return };
    let postgres = &bench.postgres;
    // What an interrupted DROP DATABASE leaves.
    postgres.psql("postgres", "UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'bad';");
    postgres.psql("postgres", "ALTER DATABASE closed ALLOW_CONNECTIONS false;");

    let run = bench.run(&["backup", "all", "--json"]).expect(3).says("`shop__jagad_a1b2c3` is left out");
    let backup = &run.json()["backups"][0];
    assert_eq!(backup["databases"], serde_json::json!(["aa", "postgres"]));
    let left: Vec<&str> =
        backup["left_out"].as_array().unwrap().iter().map(|one| one["database"].as_str().unwrap()).collect();
    assert_eq!(left, ["bad", "closed"]);
    let checked = bench.run(&["check", "all"]).stdout;
    for words in ["invalid", "DROP DATABASE \"bad\";", "ALLOW_CONNECTIONS true"] {
        assert!(checked.contains(words), "{words}: {checked}");
    }
    assert!(bench.run(&["show", "all@latest"]).ok().stdout.contains("left out"));
    // Whoever names one of them wants that one.
    bench.run(&["backup", "all", "--dbname", "bad"]).expect(7).says("DROP DATABASE \"bad\";");
    // Excluded databases are not missed.
    bench.add(&bench.entry("some", "all_databases = true\nexclude_databases = [\"bad\", \"clos*\"]"));
    bench.run(&["backup", "some"]).ok();
}

#[test]
fn a_database_that_goes_away_while_others_are_dumped_costs_only_itself() {
    for (happens, says) in [
        ("DROP DATABASE bb", "dropped or renamed"),
        ("ALTER DATABASE bb RENAME TO cc", "dropped or renamed"),
        ("ALTER DATABASE bb ALLOW_CONNECTIONS false", "accepts no connections"),
        ("UPDATE pg_database SET datconnlimit = -2 WHERE datname = $$bb$$", "it is being dropped"),
    ] {
        let Some(bench) = bench(&["aa", "bb", "dd"]) else { return };
        let programs = bench.path("programs");
        std::fs::create_dir(&programs).unwrap();
        for program in std::fs::read_dir(bench.postgres.bin()).unwrap().flatten() {
            if program.file_name() != "pg_dump" {
                std::os::unix::fs::symlink(program.path(), programs.join(program.file_name())).unwrap();
            }
        }
        let script = format!(
            "#!/bin/sh\n[ \"$PGDATABASE\" != aa ] || PGDATABASE=postgres {0}/psql -qc '{happens}' </dev/null >&2\nexec {0}/pg_dump \"$@\"\n",
            bench.postgres.bin().display()
        );
        std::fs::write(programs.join("pg_dump"), script).unwrap();
        std::fs::set_permissions(programs.join("pg_dump"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let own = bench.entry("other", "all_databases = true");
        let from = bench.postgres.bin().display().to_string();
        bench.add(&own.replace(&from, &programs.display().to_string()));

        let run = bench.run(&["backup", "other", "--json"]).expect(3).says(says);
        let backup = &run.json()["backups"][0];
        assert_eq!(backup["databases"], serde_json::json!(["aa", "dd", "postgres"]), "{happens}");
        assert_eq!(backup["left_out"][0]["database"], "bb");
        bench.run(&["verify", "other@latest", "--level", "read"]).ok();
        assert!(!bench.objects().keys().any(|key| key.contains("bb.dump")));
    }
}

#[test]
fn one_database_that_cannot_be_restored_does_not_keep_the_others_from_it() {
    let Some(bench) = bench(&["aa", "bb", "cc"]) else { return };
    let postgres = &bench.postgres;
    postgres.psql("postgres", "CREATE ROLE gone;");
    postgres.psql("bb", "ALTER TABLE public.t OWNER TO gone;");
    bench.run(&["backup", "all"]).ok();
    postgres.psql("bb", "ALTER TABLE public.t OWNER TO postgres;");
    postgres.psql("postgres", "DROP ROLE gone;");
    for name in ["aa", "bb", "cc"] {
        postgres.psql(name, "UPDATE public.t SET a = 2;");
    }
    let args =
        ["restore", "all@latest", "--dbname", "aa", "--dbname", "bb", "--dbname", "cc", "--yes", "--json"];
    let state = || ["aa", "bb", "cc"].map(|name| postgres.psql(name, "SELECT a FROM public.t"));

    bench.run(&args).expect(7).says("`gone`");
    assert_eq!(state(), ["2", "2", "2"]);

    let plan = bench.run(&[&args[..], &["--keep-going", "--plan"]].concat()).expect(3).json();
    assert_eq!(plan["failed"][0]["database"], "bb");
    let done = bench.run(&[&args[..], &["--keep-going"]].concat()).expect(3).json();
    assert_eq!((&done["status"], &done["failed"][0]["database"]), (&"partial".into(), &"bb".into()));
    assert_eq!(done["loads"].as_array().unwrap().len(), 2);
    assert_eq!(state(), ["1", "2", "1"]);
    // All that was asked for failed.
    bench.run(&["restore", "all@latest", "--dbname", "bb", "--yes", "--keep-going"]).expect(7);
}

#[test]
fn rows_that_a_failed_statement_has_cost_are_not_reported() {
    let Some(bench) = bench(&["aa"]) else { return };
    let postgres = &bench.postgres;
    postgres.psql(
        "aa",
        "CREATE FUNCTION public.even(int) RETURNS bool LANGUAGE sql AS 'SELECT $1 % 2 = 0';
        CREATE TABLE public.checked (a int); INSERT INTO public.checked SELECT generate_series(1, 4);
        ALTER TABLE public.checked ADD CHECK (public.even(a)) NOT VALID;",
    );
    // The rows that break the check are in the dump, and their table is created with it.
    postgres.psql(
        "aa",
        "UPDATE pg_constraint SET convalidated = true WHERE conrelid = 'public.checked'::regclass;",
    );
    bench.run(&["backup", "all", "--dbname", "aa"]).ok();
    let args = ["restore", "all@latest", "--dbname", "aa", "--into", "copy", "--yes", "--json"];
    let id = bench.listed()[0]["id"].as_str().unwrap().to_owned();
    let args: Vec<&str> =
        args.iter().map(|arg| if *arg == "all@latest" { id.as_str() } else { *arg }).collect();

    let done = bench.run(&[&args[..], &["--allow-errors"]].concat()).expect(3).json();

    assert_eq!(done["loads"][0]["rows"], 1);
    let errors: Vec<&str> =
        done["ignored_errors"].as_array().unwrap().iter().map(|error| error.as_str().unwrap()).collect();
    assert!(errors[0].contains("COPY failed for table \"checked\""), "{errors:?}");
    assert!(errors[1].contains("public.checked has 0 rows, 4 were dumped"), "{errors:?}");
}
