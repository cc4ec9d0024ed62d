//! Backups and restores of all databases of a MySQL or MariaDB server, of which some go away, need each other, or fail.

use crate::program::{Run, wait_until};
use crate::sql_bench::SqlBench;
use crate::support::mysql::Release;

/// Databases `aa`, `bb` and `dd`, and an entry of all.
fn bench(release: Release) -> Option<SqlBench> {
    let bench = SqlBench::new(release)?;
    for name in ["aa", "bb", "dd"] {
        bench.sql.run(
            "",
            &format!(
                "CREATE DATABASE {name}; CREATE TABLE {name}.t (a INT); INSERT INTO {name}.t VALUES (1);"
            ),
        );
    }
    bench.add(&bench.entry("all", "all_databases = true"));
    Some(bench)
}

fn a_database_that_goes_away_costs_only_itself(release: Release) {
    let Some(bench) = bench(release) else { return };
    let client = bench.sql.bin().join(bench.sql.client_name()).display().to_string();
    let socket = bench.sql.socket().display().to_string();
    let plain = if release == Release::MySql97 { "" } else { "--skip-ssl" };
    // Before the second dump begins, its database is dropped.
    let set = bench.with_dump(&format!(
        "case \"$*\" in *\" aa\") {client} --no-defaults {plain} -u root --socket={socket} -e 'DROP DATABASE bb' </dev/null >&2 ;; esac
         exec $real \"$@\""
    ));
    let set = set.replace("databases.shop", "databases.all");
    let run = bench
        .run(&["backup", "all", "--json", "--set", &set])
        .expect(3)
        .says("`bb` is left out: it was dropped or renamed");
    let backup = &run.json()["backups"][0];
    assert_eq!(backup["databases"], serde_json::json!(["aa", "dd"]));
    assert_eq!(backup["left_out"][0]["database"], "bb");
    bench.run(&["verify", "all@latest", "--level", "read"]).ok();
    assert!(!bench.data_objects().iter().any(|key| key.contains("bb.sql")));
    // A dump that fails for another reason still costs the whole backup.
    let set = bench.with_dump("case \"$*\" in *\" aa\") echo broken >&2; exit 2 ;; esac; exec $real \"$@\"");
    let set = set.replace("databases.shop", "databases.all");
    bench.run(&["backup", "all", "--set", &set]).expect(1);
}

on_each!(a_database_that_goes_away_costs_only_itself as a_database_that_goes_away_costs_only_itself: MySql97, MariaDb1011, MariaDb118);

/// The server refuses a view of one database, and the others are restored all the same.
fn a_trial_that_fails_costs_only_its_database(release: Release) {
    let Some(bench) = bench(release) else { return };
    bench.sql.run(
        "bb",
        "CREATE VIEW base AS SELECT a FROM t WHERE a > 0; CREATE VIEW above AS SELECT a FROM base WITH CHECK OPTION;",
    );
    bench.run(&["backup", "all"]).ok();
    for name in ["aa", "bb", "dd"] {
        bench.sql.run(name, "UPDATE t SET a = 2;");
    }
    let state = || ["aa", "bb", "dd"].map(|name| bench.sql.run(name, "SELECT a FROM t"));
    bench.run(&["restore", "all@latest", "--yes"]).expect(1).says("1368");
    assert_eq!(state(), ["2", "2", "2"]);
    let done = bench.run(&["restore", "all@latest", "--yes", "--keep-going", "--json"]).expect(3).json();
    assert_eq!((&done["status"], &done["failed"][0]["database"]), (&"partial".into(), &"bb".into()));
    assert!(done["failed"][0]["error"].to_string().contains("1368"), "{done}");
    assert_eq!(done["failed"].as_array().unwrap().len(), 1);
    assert_eq!(state(), ["1", "2", "1"]);
}

on_each!(a_trial_that_fails_costs_only_its_database as a_trial_that_fails_costs_only_its_database: MySql97, MariaDb118);

/// Views of two databases that read each other: neither can be made first.
fn databases_that_read_each_other_come_back(release: Release) {
    let Some(bench) = SqlBench::new(release) else { return };
    bench.sql.run(
        "",
        "CREATE DATABASE aa; CREATE DATABASE bb; CREATE USER o@localhost; GRANT ALL ON *.* TO o@localhost;",
    );
    bench.sql.run("", "CREATE TABLE aa.t (a INT); INSERT INTO aa.t VALUES (1); CREATE TABLE bb.t (b INT); INSERT INTO bb.t VALUES (2);");
    bench.sql.run(
        "aa",
        "SET NAMES latin1; CREATE DEFINER = o@localhost SQL SECURITY INVOKER VIEW reads_bb AS SELECT b, 'é' AS c FROM bb.t;
         SET NAMES utf8mb4; CREATE VIEW above AS SELECT b + 1 AS b FROM reads_bb;",
    );
    bench.sql.run("bb", "CREATE VIEW reads_aa AS SELECT t.a, v.b FROM aa.t JOIN aa.above v;");
    let shape = || format!("{}{}", bench.sql.fingerprint("aa"), bench.sql.fingerprint("bb"));
    let before = shape();
    bench.add(&bench.entry("both", "all_databases = true"));
    bench.run(&["backup", "both"]).ok();
    bench.run(&["verify", "both@latest", "--level", "restore"]).ok();
    bench.sql.run("", "DROP DATABASE aa; DROP DATABASE bb;");
    bench.run(&["restore", "both@latest", "--yes"]).ok();
    assert_eq!(shape(), before);
    assert_eq!(bench.sql.run("bb", "SELECT * FROM reads_aa"), "1\t3");
    // What is there is older than the backup, and does not matter.
    bench.sql.run("", "DROP VIEW aa.reads_bb; ALTER TABLE bb.t CHANGE b x INT; INSERT INTO bb.t VALUES (9);");
    bench.run(&["restore", "both@latest", "--yes"]).ok();
    assert_eq!(shape(), before);
}

on_each!(databases_that_read_each_other_come_back as databases_that_read_each_other_come_back: MySql97, MariaDb1011, MariaDb118);

/// A restore that waits for somebody's lock says so in its log while it waits.
fn a_restore_that_waits_says_so(release: Release) {
    let Some(bench) = SqlBench::small(release) else { return };
    let id = bench.back_up(&[]);
    let holder = bench.sql.hold("shop.sale");
    let number = &holder.connection;
    let run = Run::start(&mut bench.command(&["restore", &id, "--yes"]));
    let said = || run.stderr();
    wait_until("it says for whom it waits", || said().contains("the restore waits to drop `shop`"));
    assert!(said().contains(&format!("connection {number} of root@localhost")), "{}", said());
    assert!(said().contains(&format!("KILL {number};")), "{}", said());
    holder.finish();
    run.wait().ok();
    assert_eq!(bench.sql.run("shop", "SELECT COUNT(*) FROM sale"), "2000");
}

on_each!(a_restore_that_waits_says_so as a_restore_that_waits_says_so: MySql97, MariaDb1011);

/// A step that refuses has removed nothing, and nothing else is said.
fn a_removal_that_is_refused_is_no_loss(release: Release) {
    let Some(bench) = SqlBench::small(release) else { return };
    let id = bench.back_up(&[]);
    let before = bench.sql.fingerprint("shop");
    // As with a server whose lock is never to be had: each try of the removal ends at once, and somebody uses it.
    let client = bench.sql.client_name();
    let set = bench.with_dump("exec $real \"$@\"");
    let folder = bench.path("bin");
    let real = bench.sql.bin().join(client).display().to_string();
    std::fs::remove_file(folder.join(client)).unwrap();
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *--batch*) ;; *) exec {real} \"$@\" ;; esac\ncat >{0}/asked.$$\n\
         if grep -q PROCESSLIST {0}/asked.$$; then rm {0}/asked.$$; printf '7\tsomebody@here\tSleep\t9\n'; exit 0; fi
         if grep -q 'DROP DATABASE IF EXISTS `shop`' {0}/asked.$$; then rm {0}/asked.$$
         echo 'ERROR 1205 (HY000) at line 3: Lock wait timeout exceeded' >&2; exit 1; fi\n\
         {real} \"$@\" <{0}/asked.$$; status=$?; rm {0}/asked.$$; exit $status\n",
        bench.path("t").display()
    );
    std::fs::write(folder.join(client), script).unwrap();
    crate::folder::open(&folder.join(client), 0o755);
    let failed = bench
        .run(&["restore", &id, "--yes", "--set", &set])
        .expect(6)
        .says("used by connection 7 of somebody@here");
    let failed = failed.says("Nothing was removed").helps();
    assert!(!failed.stderr.contains("may be gone"), "{}", failed.stderr);
    assert_eq!(bench.sql.fingerprint("shop"), before);
}

on_each!(a_removal_that_is_refused_is_no_loss as a_removal_that_is_refused_is_no_loss: MySql97, MariaDb118);

/// What a throw-away server has only when the backup needs it: MariaDB's `sys`, and engines that are libraries.
fn a_drill_has_what_the_backup_needs(release: Release) {
    let Some(bench) = SqlBench::new(release) else { return };
    bench.sql.run("", "CREATE DATABASE shop;");
    if release == Release::MySql97 {
        bench.sql.run("shop", "CREATE VIEW reads_sys AS SELECT variable, value FROM sys.sys_config;");
    } else {
        let sys = std::fs::read_to_string(bench.sql.share().join(if release == Release::MariaDb118 {
            "mariadb_sys_schema.sql"
        } else {
            "mysql_sys_schema.sql"
        }));
        bench.sql.run("", &sys.unwrap());
        bench.sql.run("shop", "CREATE VIEW reads_sys AS SELECT variable, value FROM sys.sys_config;");
    }
    // The packages of the others have no such libraries.
    if release == Release::MariaDb1011 {
        bench.sql.run(
            "shop",
            "INSTALL SONAME 'ha_archive'; INSTALL SONAME 'ha_blackhole'; CREATE TABLE none (a INT) ENGINE=BLACKHOLE;
             CREATE TABLE old (a INT) ENGINE=ARCHIVE; INSERT INTO old VALUES (1);",
        );
    }
    let id = bench.back_up(&[]);
    let verified = bench.run(&["verify", &id, "--level", "restore", "--json"]).ok().json();
    assert_eq!(verified["verified"][0]["status"], "passed", "{verified}");
}

on_each!(a_drill_has_what_the_backup_needs as a_drill_has_what_the_backup_needs: MySql97, MariaDb1011, MariaDb118);
