//! What the command line and the configuration choose: which entries, how fast, and what may fail.

use crate::bench::Bench;
use crate::place::Place;
use crate::support::postgres::programs;
use serde_json::Value;
use std::time::{Duration, Instant};

/// The entries that a run backed up, in its order.
fn taken(report: &Value) -> Vec<&str> {
    report["backups"].as_array().unwrap().iter().map(|backup| backup["database"].as_str().unwrap()).collect()
}

#[test]
fn labels_choose_the_active_entries_that_bear_all_of_them() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    for (name, rest) in [
        ("a", "labels = { team = \"x\", tier = \"1\" }"),
        ("b", "labels = { team = \"x\", tier = \"2\" }"),
        ("c", "labels = { team = \"y\", tier = \"1\" }"),
        ("d", "labels = { team = \"x\", tier = \"1\" }\nactive = false"),
    ] {
        bench.add(&bench.entry(name, &format!("dbnames = [\"shop\"]\n{rest}")));
    }
    let chosen = |args: &[&str]| -> Vec<String> {
        let args: Vec<&str> = ["backup", "--json"].iter().chain(args).copied().collect();
        taken(&bench.run(&args).ok().json()).into_iter().map(str::to_owned).collect()
    };
    assert_eq!(chosen(&["--all"]), ["a", "b", "c", "shop"]);
    assert_eq!(chosen(&["--label", "team=x"]), ["a", "b"]);
    assert_eq!(chosen(&["--label", "team=x", "--label", "tier=1"]), ["a"]);
    assert_eq!(chosen(&["--label", "tier=1", "--all"]), ["a", "c"]);
    // What is not active is taken when it is named.
    assert_eq!(chosen(&["d"]), ["d"]);
    let ran = bench.listed().len();
    bench.run(&["backup", "--label", "team=z"]).expect(5).helps();
    bench.run(&["backup", "--label", "team"]).expect(2);
    bench.run(&["backup", "shop", "--all"]).expect(2);
    bench.run(&["backup"]).expect(2);
    bench.run(&["backup", "--all", "--dbname", "shop"]).expect(2);
    assert_eq!(bench.listed().len(), ran);
}

#[test]
fn one_entry_that_fails_does_not_keep_the_others_from_their_backup() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    bench.add(&bench.entry("broken", "dbnames = [\"nowhere\"]"));
    let report = bench.run(&["backup", "--all", "--json"]).expect(3).json();
    assert_eq!(bench.statuses().iter().filter(|status| *status == "success").count(), 1, "{report}");
    bench.run(&["verify", "shop@latest", "--level", "read"]).ok();
}

#[test]
fn statements_that_fail_are_counted_where_that_is_allowed() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let postgres = &bench.postgres;
    postgres.psql(
        "shop",
        "CREATE ROLE \"gone 'role\"; CREATE POLICY p ON item TO \"gone 'role\" USING (true);
         CREATE POLICY q ON sale TO \"gone 'role\" USING (true);",
    );
    let id = bench.back_up(&[]);
    postgres.psql("shop", "DROP POLICY p ON item; DROP POLICY q ON sale; DROP ROLE \"gone 'role\";");
    let before = postgres.databases();
    bench.run(&["restore", &id, "--into", "copy", "--yes"]).expect(7).helps();
    assert_eq!(postgres.databases(), before);
    let args = ["restore", &id, "--into", "copy", "--yes", "--allow-errors", "--json"];
    let output = bench.run(&args).expect(3).says("2 statements failed");
    let report = output.json();
    assert_eq!(report["status"], "partial");
    let ignored = report["ignored_errors"].as_array().unwrap();
    assert_eq!(ignored.len(), 2, "{ignored:?}");
    assert!(ignored.iter().all(|error| error.as_str().unwrap().contains("gone 'role")), "{ignored:?}");
    assert_eq!(postgres.psql("copy", "SELECT count(*) FROM sale JOIN item ON item.id = sale.item"), "2000");
    // Nothing fails any more, so nothing is partial.
    postgres.psql("shop", "CREATE ROLE \"gone 'role\";");
    let args = ["restore", &id, "--into", "whole", "--yes", "--allow-errors", "--json"];
    assert_eq!(bench.run(&args).ok().json()["status"], "success");
}

#[test]
fn an_upload_is_no_faster_than_its_store_allows() {
    let Some(bench) = Bench::small(Place::server()) else { return };
    bench.fill(2);
    let rate: u64 = 1 << 20;
    let args = ["backup", "shop", "--compression", "none", "--set", "stores.main.bandwidth=1MiB", "--json"];
    let began = Instant::now();
    let report = bench.run(&args).ok().json();
    let took = began.elapsed();
    let bytes = report["backups"][0]["stored_bytes"].as_u64().unwrap();
    assert!(bytes > 3 * rate, "{bytes} bytes are too few to tell");
    let shortest = Duration::from_millis(bytes * 1000 / rate / 2);
    assert!(took >= shortest, "{bytes} bytes took {took:?} where {shortest:?} is the least");
}

#[test]
fn a_dump_by_a_newer_program_than_the_server_is_warned_of_in_its_log() {
    let (Some(bench), Some(newer)) = (Bench::small(Place::Local), programs(18)) else { return };
    let set = format!("databases.shop.tools.bin_dir={}", newer.display());
    let warning = "can be read only by pg_restore 18 and newer";
    bench.run(&["backup", "shop", "--set", &set]).ok().says(warning).says("postgresql-client-15");
    let log = bench.run(&["logs", "shop@latest"]).ok().stdout;
    assert!(log.contains(warning) && log.contains("postgresql-client-15"), "{log}");
    bench.back_up(&[]);
    assert!(!bench.run(&["logs", "shop@latest"]).ok().stdout.contains(warning));
}
