//! Which server of MySQL and MariaDB a backup is taken from, with real replicas.

use crate::program::{Run, wait_until};
use crate::sql_bench::SqlBench;
use crate::support::mysql::{Release, Sql};
use crate::support::replicas::{sql_catch_up, sql_primary, sql_replica, sql_stop};

/// A bench whose `shop` has a replica.
struct Pair {
    bench: SqlBench,
    replica: Sql,
}

impl Pair {
    fn start(release: Release) -> Option<Self> {
        let (primary, port) = sql_primary(release)?;
        let replica = sql_replica((&primary, port))?;
        let pair = Self { bench: SqlBench::with(primary), replica };
        pair.bench.open_shop();
        pair.catch_up();
        Some(pair)
    }

    fn catch_up(&self) {
        sql_catch_up(&self.bench.sql, &self.replica);
    }

    fn declare(&self, replica: &Sql, more: &str) {
        self.bench.declare_replica(&replica.socket(), more);
    }
}

#[test]
fn a_healthy_replica_is_used_and_one_that_stands_still_is_not() {
    for release in Release::ALL {
        let Some(pair) = Pair::start(release) else { return };
        let (bench, replica) = (&pair.bench, &pair.replica);
        pair.declare(replica, "");
        let id = bench.back_up(&[]);
        let taken = pair.bench.source();
        assert_eq!(taken["role"], "replica", "{release:?}: {taken}");
        assert_eq!(taken["address"], replica.socket().display().to_string().as_str());
        bench.run(&["verify", &id, "--level", "restore"]).ok();
        let plan = bench.run(&["backup", "shop", "--dry-run"]).ok().stdout;
        assert!(plan.contains("is used: lag"), "{plan}");

        sql_stop(replica, "SQL_THREAD");
        pair.bench.assert_primary("it applies nothing");
        bench.run(&["backup", "shop", "--source", "replica"]).expect(6).says("it applies nothing").helps();
        sql_stop(replica, "IO_THREAD");
        pair.bench.assert_primary("it receives nothing");

        // A restore never goes to a replica, not even of users.
        bench.add(&crate::sql_bench::entry_of(replica, "copy", "dbnames = [\"shop\"]"));
        let to_copy = ["restore", &id, "--target", "copy", "--yes"];
        bench.run(&to_copy).expect(6).says("follows another server");
        let globals: Vec<&str> = to_copy.iter().chain(&["--globals-only"]).copied().collect();
        let refused = bench.run(&globals);
        assert!(refused.code == 6 || refused.code == 2, "{refused:?}");
    }
}

#[test]
fn a_replica_that_is_behind_is_passed_over() {
    let Some(pair) = Pair::start(Release::MySql97) else { return };
    let replica = &pair.replica;
    pair.declare(replica, "max_lag = \"0s\"");
    replica.run("", "STOP REPLICA SQL_THREAD; CHANGE REPLICATION SOURCE TO source_delay = 3600; START REPLICA SQL_THREAD;");
    pair.bench.sql.run("shop", "INSERT INTO sale (item) VALUES (1);");
    // It counts in whole seconds, so for a moment it is not behind.
    let plan = || pair.bench.run(&["backup", "shop", "--dry-run"]).ok().stdout;
    wait_until("the replica says that it is behind", || plan().contains("passed over: it is"));
    pair.bench.assert_primary("behind, and `max_lag` is 0s");
}

#[test]
fn strangers_and_servers_that_follow_nobody_are_passed_over() {
    for release in [Release::MySql97, Release::MariaDb1011, Release::MariaDb118] {
        let Some(pair) = Pair::start(release) else { return };
        let Some((other, port)) = sql_primary(release) else { return };
        let Some(stranger) = sql_replica((&other, port)) else { return };
        pair.declare(&stranger, "");
        pair.bench.assert_primary("it is of another system");
        pair.declare(&other, "");
        pair.bench.assert_primary("it has no primary");
        pair.declare(&pair.replica, "");
        pair.bench.run(&["backup", "shop"]).ok().says("SOURCE: replica").says("passed over");
    }
}

#[test]
fn a_user_that_may_not_ask_is_told_the_grant_that_mends() {
    for (release, right) in [(Release::MySql97, "REPLICATION CLIENT"), (Release::MariaDb118, "SLAVE MONITOR")]
    {
        let Some(pair) = Pair::start(release) else { return };
        pair.bench.sql.run(
            "",
            "CREATE USER j@'%' IDENTIFIED BY 'pw'; GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON *.* TO j@'%';",
        );
        pair.catch_up();
        pair.declare(&pair.replica, "user = \"j\"\npassword = \"pw\"");
        let check = pair.bench.run(&["check", "shop"]).ok().stdout;
        assert!(check.contains(&format!("GRANT {right} ON *.* TO `j`@`%`;")), "{check}");
        pair.bench.assert_primary("Access denied");
        pair.bench.run(&["backup", "shop", "--source", "replica"]).expect(7).says(right);
        pair.bench.sql.run("", &format!("GRANT {right} ON *.* TO j@'%';"));
        pair.catch_up();
        pair.bench.run(&["backup", "shop", "--source", "replica"]).ok().says("SOURCE: replica");
        // The password stands in a list of tables, and is hidden there too.
        let shown = pair.bench.run(&["config", "show"]).ok().stdout;
        assert!(shown.contains("***") && !shown.contains("\"pw\""), "{shown}");
    }
}

#[test]
fn a_replica_that_goes_away_in_the_middle_is_replaced_by_the_primary() {
    for release in [Release::MySql97, Release::MariaDb118] {
        let Some(mut pair) = Pair::start(release) else { return };
        pair.bench.fill(4);
        pair.catch_up();
        pair.declare(&pair.replica, "");
        let gate = pair.bench.path("t/gate");
        let waits = format!(
            "exec /bin/bash -c 'set -o pipefail; \"$@\" | {{ head -c 4096; : > {g}.reached;
             while [ ! -e {g}.go ]; do sleep 0.02; done; cat; }}' - $real \"$@\"",
            g = gate.display()
        );
        let set = pair.bench.with_dump(&waits);
        let run = Run::start(&mut pair.bench.command(&["backup", "shop", "--set", &set]));
        wait_until("the dump has begun", || gate.with_extension("reached").exists());
        pair.replica.crash();
        std::fs::write(gate.with_extension("go"), "").unwrap();
        run.wait().ok().says("SOURCE: replica").says("it is taken again from the primary");
        let taken = pair.bench.source();
        assert_eq!(taken["role"], "primary", "{release:?}: {taken}");
        assert!(taken["reason"].as_str().unwrap().contains("failed"), "{taken}");
        assert_eq!(pair.bench.statuses(), ["success"]);
        pair.bench.run(&["verify", "shop@latest", "--level", "restore"]).ok();
    }
}
