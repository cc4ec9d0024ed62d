//! What the target does not take is found before the database that is replaced is dropped.

use crate::sql_bench::SqlBench;
use crate::support::mysql::Release;

/// The dump tools write a view before the one that it is made of, which no server takes with a check option (1368).
const NO_SERVER_TAKES: &str = "CREATE VIEW base AS SELECT id FROM item WHERE id > 0;
    CREATE VIEW above AS SELECT id FROM base WITH CHECK OPTION;";

fn check_trial(release: Release) {
    let Some(bench) = SqlBench::small(release) else { return };
    bench.sql.run("", "CREATE DATABASE bystander; CREATE TABLE bystander.t (a INT);");
    let event = "CREATE EVENT e ON SCHEDULE EVERY 1 SECOND DO INSERT INTO bystander.t VALUES (1);";
    bench.sql.run("shop", &format!("SET GLOBAL event_scheduler = OFF; {event}"));
    let good = bench.back_up(&[]);
    bench.sql.run("shop", NO_SERVER_TAKES);
    let bad = bench.back_up(&[]);
    bench.sql.run("shop", "DELETE FROM sale WHERE id > 10;");
    let before = bench.sql.fingerprint("shop");

    let failed = bench.run(&["restore", &bad, "--yes"]).expect(1);
    let failed = failed.says("1368").says("try the definitions of `shop` before anything is removed");
    assert!(!failed.stderr.contains("incomplete"), "{}", failed.stderr);
    assert_eq!(bench.sql.fingerprint("shop"), before, "nothing was touched");
    assert_eq!(bench.sql.databases(), ["bystander", "shop"], "nothing is left of the trial");
    let plan = bench.run(&["restore", &good, "--plan", "--json"]).ok();
    assert!(plan.stdout.contains("__jagad_trial_"), "{}", plan.stdout);
    bench.run(&["restore", &good, "--yes"]).ok();
    assert_eq!(bench.sql.run("shop", "SELECT COUNT(*) FROM sale"), "2000");
    assert_eq!(bench.sql.run("bystander", "SELECT COUNT(*) FROM t"), "0", "no event ran in the trial");

    // Who may not make a database beside restores without a trial, and is told.
    let rights = "CREATE USER narrow@'%' IDENTIFIED BY 'pw'; GRANT ALL PRIVILEGES ON shop.* TO narrow@'%';";
    bench.sql.run("", rights);
    let set = ["--set", "databases.shop.user=narrow", "--set", "databases.shop.password=pw"];
    let args: Vec<&str> =
        ["restore", &good, "--yes", "--strip-definer"].iter().chain(&set).copied().collect();
    bench.run(&args).ok().says("are not tried beforehand");
    bench.sql.run("", "GRANT ALL PRIVILEGES ON `\\_\\_jagad\\_trial\\_%`.* TO narrow@'%';");
    let tried = bench.run(&args).ok();
    assert!(!tried.stderr.contains("not tried"), "{}", tried.stderr);
    assert_eq!(bench.sql.databases(), ["bystander", "shop"]);
    // What a trial that was cut short has left is told, and not backed up.
    bench.sql.run("", "CREATE DATABASE __jagad_trial_abc123;");
    bench.add(&bench.entry("all", "all_databases = true"));
    let taken = bench.run(&["backup", "all", "--json"]).ok().says("may have left it behind").json();
    assert_eq!(taken["backups"][0]["databases"], serde_json::json!(["bystander", "shop"]));
}

on_each!(check_trial as definitions_are_tried_before_anything_is_removed: MySql97, MariaDb1011, MariaDb118);

/// Views that read each other's databases are loaded in the order that they need, and drilled too.
#[test]
fn databases_are_restored_after_those_that_they_read() {
    for release in [Release::MySql97, Release::MariaDb1011] {
        let Some(bench) = SqlBench::small(release) else { return };
        bench.sql.run("", "CREATE DATABASE alpha; CREATE VIEW alpha.v AS SELECT id FROM shop.item;");
        bench.sql.run("", "CREATE TABLE alpha.t (a INT); INSERT INTO alpha.t VALUES (1);");
        bench.add(&bench.entry("both", "dbnames = [\"alpha\", \"shop\"]"));
        let id = bench.run(&["backup", "both", "--json"]).ok().json()["backup"].as_str().map(str::to_owned);
        let id = id.unwrap_or_else(|| "both@latest".to_owned());
        bench.run(&["verify", &id, "--level", "restore"]).ok();
        bench.sql.run("", "DROP DATABASE alpha; DROP DATABASE shop;");
        bench.run(&["restore", &id, "--yes"]).ok();
        assert_eq!(bench.sql.run("alpha", "SELECT COUNT(*) FROM v"), "1000");
        // And into what is there.
        bench.run(&["restore", &id, "--yes"]).ok();
        assert_eq!(bench.sql.run("alpha", "SELECT COUNT(*) FROM v"), "1000");
    }
}
