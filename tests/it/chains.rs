//! Chains under a policy: incrementals between fulls, on real servers whose files are copied, with a clock that is set.

use crate::bench::Bench;
use crate::folder::{Folder, open};
use crate::place::Place;
use crate::program::{Output, Run};
use crate::sql_bench::SqlBench;
use crate::support::mysql::Release;
use crate::support::postgres::Postgres;
use serde_json::Value;
use std::ops::Deref;

/// A PostgreSQL server that can say what has changed, and the entry `whole` of its files.
pub(crate) fn postgresql() -> Option<Bench> {
    let bench = Bench::with(Postgres::start_primary(18)?, Place::Local);
    bench.add(&bench.entry("whole", "method = \"physical\""));
    bench.open_shop();
    bench.postgres.psql("postgres", "ALTER SYSTEM SET summarize_wal = on; SELECT pg_reload_conf();");
    Some(bench)
}

/// The same of MariaDB.
pub(crate) fn mariadb() -> Option<SqlBench> {
    let bench = SqlBench::small(Release::MariaDb1011)?;
    bench.add(&bench.entry("whole", "method = \"physical\""));
    Some(bench)
}

/// The entry `whole` of a bench, at a time that is set.
pub(crate) struct Chain<'a>(pub(crate) &'a Folder);

impl Deref for Chain<'_> {
    type Target = Folder;

    fn deref(&self) -> &Folder {
        self.0
    }
}

impl<'a> Chain<'a> {
    /// The entry under a policy that takes a full each night at 02:00 and an incremental each hour, attached at 12:10 with a
    /// first full; `more` are further lines of the policy.
    pub(crate) fn attached(folder: &'a Folder, more: &str) -> Self {
        Self::attached_to(folder, &format!("incremental = \"1h\"\n{more}"))
    }

    /// The same without a word about incrementals but in `lines`.
    pub(crate) fn attached_to(folder: &'a Folder, lines: &str) -> Self {
        folder.add(&format!(
            "[policies.prod]\nfull = {{ every = \"daily\", at = \"02:00\" }}\nretries = 0\n{lines}\n"
        ));
        let chain = Self(folder);
        chain.at("2027-03-01T12:10:00Z", &["policy", "attach", "prod", "whole"]).ok();
        chain
    }

    /// A run at another time.
    #[track_caller]
    pub(crate) fn at(&self, time: &str, args: &[&str]) -> Output {
        Run::start(self.command(args).env("JAGAD_CLOCK", time)).wait()
    }

    /// What a tick at `time` did about it.
    #[track_caller]
    pub(crate) fn tick(&self, time: &str) -> String {
        let report = self.at(time, &["schedule", "run", "--json"]).json();
        let rows = report["databases"].as_array().unwrap();
        let row = rows.iter().find(|row| row["database"] == "whole").unwrap();
        row["action"].as_str().unwrap().to_owned()
    }

    /// Takes a backup by hand at `time`; its manifest.
    #[track_caller]
    pub(crate) fn take(&self, time: &str, kind: &str) -> Value {
        self.at(time, &["backup", "whole", "--type", kind]).ok();
        self.newest()
    }

    /// Manifests of what succeeded, the oldest first.
    pub(crate) fn good(&self) -> Vec<Value> {
        let mut rows = self.listed();
        rows.retain(|row| row["status"] == "success" && row["database"] == "whole");
        let manifest = |row: &Value| self.run(&["show", id(row), "--json"]).ok().json()["manifest"].clone();
        rows.iter().rev().map(manifest).collect()
    }

    #[track_caller]
    pub(crate) fn newest(&self) -> Value {
        self.good().pop().unwrap()
    }

    /// Damages a stored backup, and lets a verification find it.
    fn spoil(&self, id: &str) {
        self.damage(id);
        self.run(&["verify", id]).expect(4);
    }

    /// Damages a stored backup.
    pub(crate) fn damage(&self, id: &str) {
        let folder = self.path(&format!("store/databases/whole/backups/{id}"));
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let stored = files
            .filter(|file| file.to_string_lossy().ends_with(".zst.enc"))
            .max_by_key(|file| std::fs::metadata(file).unwrap().len());
        let stored = stored.unwrap();
        let mut bytes = std::fs::read(&stored).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        open(&stored, 0o600);
        std::fs::write(&stored, bytes).unwrap();
    }
}

pub(crate) fn id(manifest: &Value) -> &str {
    manifest["id"].as_str().unwrap()
}

/// Ticks through a day and a night, and through an incremental that becomes a full.
fn a_day_of_ticks(chain: &Chain<'_>, change: &dyn Fn(), spoil: &dyn Fn(&str)) {
    assert_eq!(chain.tick("2027-03-01T12:30:00Z"), "waiting", "the first full is newer than the last hour");
    let mut before = chain.newest();
    assert_eq!(before["kind"], "full");
    for hour in [13, 14] {
        change();
        let due =
            chain.at(&format!("2027-03-01T{hour}:00:00Z"), &["schedule", "run", "--dry-run"]).ok().stdout;
        assert!(due.contains("whole: due"), "{due}");
        assert_eq!(chain.tick(&format!("2027-03-01T{hour}:00:00Z")), "backed_up");
        let newest = chain.newest();
        assert_eq!((&newest["kind"], &newest["parent"]), (&"incremental".into(), &before["id"]));
        assert_eq!(newest["purpose"], "scheduled");
        assert_eq!(chain.tick(&format!("2027-03-01T{hour}:01:00Z")), "waiting");
        before = newest;
    }
    // Of all that was missed one is made up for, and the full does what the incremental would have done.
    assert_eq!(chain.tick("2027-03-02T02:00:00Z"), "backed_up");
    let full = chain.newest();
    assert_eq!((&full["kind"], &full["fallback_reason"]), (&"full".into(), &Value::Null));
    for time in ["2027-03-02T02:01:00Z", "2027-03-02T02:59:00Z"] {
        assert_eq!(chain.tick(time), "waiting");
    }
    assert_eq!(chain.tick("2027-03-02T03:00:00Z"), "backed_up");
    let newest = chain.newest();
    assert_eq!((&newest["kind"], &newest["parent"]), (&"incremental".into(), &full["id"]));
    // One that cannot be built on is followed by a full, which was the run of that hour.
    spoil(id(&newest));
    assert_eq!(chain.tick("2027-03-02T04:00:00Z"), "backed_up");
    let fallen = chain.newest();
    assert_eq!((&fallen["kind"], &fallen["parent"]), (&"full".into(), &Value::Null));
    assert!(fallen["fallback_reason"].is_string(), "{fallen}");
    assert_eq!(chain.tick("2027-03-02T04:01:00Z"), "waiting");
}

#[test]
fn a_policy_takes_incrementals_between_fulls_of_postgresql() {
    let Some(bench) = postgresql() else { return };
    let chain = Chain::attached(&bench, "retention = { full = 9 }");
    let change = || drop(bench.postgres.psql("shop", "UPDATE item SET name = name || '+' WHERE id < 9;"));
    let spoil = |_: &str| {
        bench.postgres.psql("postgres", "ALTER SYSTEM SET summarize_wal = off; SELECT pg_reload_conf();");
    };
    a_day_of_ticks(&chain, &change, &spoil);
}

#[test]
fn a_policy_takes_incrementals_between_fulls_of_mariadb() {
    let Some(bench) = mariadb() else { return };
    let chain = Chain::attached(&bench, "retention = { full = 9 }");
    let change = || drop(bench.sql.run("shop", "UPDATE item SET name = CONCAT(name, '+') WHERE id < 9;"));
    a_day_of_ticks(&chain, &change, &|id: &str| chain.spoil(id));
}

#[test]
fn each_incremental_builds_on_the_last_full_where_the_policy_says_so() {
    let Some(bench) = mariadb() else { return };
    let chain = Chain::attached(&bench, "incremental_base = \"full\"\nretention = { full = 9 }");
    let full = chain.newest();
    for hour in [13, 14] {
        assert_eq!(chain.tick(&format!("2027-03-01T{hour}:00:00Z")), "backed_up");
        assert_eq!(chain.newest()["parent"], full["id"], "a differential");
    }
    chain.change("incremental_base = \"full\"", "incremental_base = \"last\"");
    let last = chain.newest();
    assert_eq!(chain.take("2027-03-01T14:10:00Z", "incremental")["parent"], last["id"]);
    assert_eq!(chain.tick("2027-03-01T14:11:00Z"), "waiting");
    let next = chain.take("2027-03-01T14:20:00Z", "full");
    assert_eq!(chain.tick("2027-03-01T15:00:00Z"), "backed_up");
    assert_eq!(chain.newest()["parent"], next["id"]);
}

#[test]
fn incrementals_that_become_fulls_again_and_again_are_told_once_and_are_a_problem() {
    let Some(bench) = postgresql() else { return };
    bench.add(&format!(
        "[notify.ops]\ntype = \"exec\"\ncommand = [\"/bin/sh\", \"-c\", \"cat >> {0}; echo >> {0}\"]\non = [\"overdue\"]\n",
        bench.path("told").display()
    ));
    let chain = Chain::attached(&bench, "retention = { full = 9 }\nnotify = [\"ops\"]");
    let told = || std::fs::read_to_string(bench.path("told")).unwrap_or_default();
    let problems = |time: &str| -> Vec<String> {
        let status = chain.at(time, &["status", "whole", "--json"]).json();
        let problems = status["databases"][0]["problems"].as_array().unwrap();
        problems.iter().map(|problem| format!("{}: {}", problem["kind"], problem["message"])).collect()
    };
    bench.postgres.psql("postgres", "ALTER SYSTEM SET summarize_wal = off; SELECT pg_reload_conf();");
    assert_eq!(chain.tick("2027-03-01T13:00:00Z"), "backed_up");
    assert_eq!((told(), problems("2027-03-01T13:01:00Z")), (String::new(), Vec::new()), "once is no news");
    for hour in [14, 15] {
        assert_eq!(chain.tick(&format!("2027-03-01T{hour}:00:00Z")), "backed_up");
        let found = problems(&format!("2027-03-01T{hour}:01:00Z"));
        assert!(found.len() == 1 && found[0].contains("no_incrementals"), "{found:?}");
        assert!(found[0].contains(&format!("{} incrementals in a row became fulls", hour - 12)), "{found:?}");
        let told = told();
        assert_eq!(told.matches("in a row became fulls").count(), 1, "{told}");
        assert!(told.contains("summari") && told.contains("jagad check whole"), "{told}");
    }
    // A full that was planned says nothing of incrementals; the first that succeeds does.
    assert_eq!(chain.tick("2027-03-02T02:00:00Z"), "backed_up");
    assert_eq!(problems("2027-03-02T02:01:00Z").len(), 1);
    bench.postgres.psql("postgres", "ALTER SYSTEM SET summarize_wal = on; SELECT pg_reload_conf();");
    chain.take("2027-03-02T02:10:00Z", "full");
    assert_eq!(chain.tick("2027-03-02T03:00:00Z"), "backed_up");
    assert_eq!(chain.newest()["kind"], "incremental");
    assert_eq!(problems("2027-03-02T03:01:00Z"), [""; 0]);
}

#[test]
fn people_see_what_builds_on_what() {
    let Some(bench) = mariadb() else { return };
    let chain = Chain::attached(&bench, "retention = { full = 9 }");
    let full = chain.newest();
    let one = chain.take("2027-03-01T12:20:00Z", "incremental");
    let two = chain.take("2027-03-01T12:30:00Z", "incremental");
    let status = chain.at("2027-03-01T12:40:30Z", &["status", "whole"]).ok().stdout;
    let line = "whole: 2 incrementals since the full of 2027-03-01 12:10:00; the last 10m ago\n";
    assert!(status.contains(line), "{status}");
    let standing = chain.at("2027-03-01T12:31:00Z", &["status", "whole", "--json"]).ok().json();
    let found = &standing["databases"][0]["chain"];
    assert_eq!((&found["newest"], &found["full"]), (&two["id"], &full["id"]));
    assert_eq!(found["length"], 3);
    chain.spoil(id(&two));
    let fallen = chain.take("2027-03-01T12:40:00Z", "incremental");
    let listed = chain.run(&["list", "whole"]).ok().stdout;
    assert!(listed.contains(&format!("changed since {}", id(&full))), "{listed}");
    assert!(listed.contains("a full because"), "{listed}");
    let rows = chain.listed();
    assert_eq!((&rows[1]["parent"], &rows[1]["method"]), (&one["id"], &"physical".into()));
    assert_eq!(rows[0]["fallback_reason"], fallen["fallback_reason"]);
    let shown = |manifest: &Value| chain.run(&["show", id(manifest)]).ok().stdout;
    let text = shown(&two);
    assert!(text.contains("kind           incremental, physical\n"), "{text}");
    assert!(text.contains(&format!("builds on      {}\n", id(&one))), "{text}");
    assert!(shown(&fallen).contains("a full because "), "{}", shown(&fallen));
    let standing = chain.at("2027-03-01T12:41:00Z", &["status", "whole", "--json"]).json();
    assert_eq!(standing["databases"][0]["chain"], Value::Null, "the newest is a full");
}

#[test]
fn a_policy_whose_incrementals_the_server_cannot_give_is_refused() {
    let Some(bench) = postgresql() else { return };
    bench.add("[policies.prod]\nfull = { every = \"daily\", at = \"02:00\" }\nincremental = \"1h\"\n");
    bench.postgres.psql("postgres", "ALTER SYSTEM SET summarize_wal = off; SELECT pg_reload_conf();");
    let attach = || bench.run(&["policy", "attach", "prod", "whole"]);
    let refused = attach().expect(6).says("plans incremental backups").says("no summaries of its WAL");
    refused.says("ALTER SYSTEM SET summarize_wal = on").says("without `incremental`");
    bench.run(&["policy", "attach", "prod", "shop"]).expect(6).says("its method is logical").helps();
    assert!(bench.listed().is_empty(), "nothing was taken");
    // What could not be attached can be backed up by hand, with a full in the place of an incremental.
    bench.run(&["backup", "whole", "--type", "incremental"]).ok();
    bench.postgres.psql("postgres", "ALTER SYSTEM SET summarize_wal = on; SELECT pg_reload_conf();");
    attach().ok();
}

#[test]
fn an_older_server_is_not_attached_to_a_policy_with_incrementals() {
    let Some(server) = Postgres::start_primary(15) else { return };
    let bench = Bench::with(server, Place::Local);
    bench.add(&bench.entry("whole", "method = \"physical\""));
    bench.add("[policies.prod]\nincremental = \"1h\"\n[policies.fulls]\n");
    let refused = bench.run(&["policy", "attach", "prod", "whole"]).expect(6).says("PostgreSQL 15");
    refused.says("Upgrade the server").helps();
    bench.run(&["policy", "attach", "fulls", "whole"]).ok();
}

/// An incremental that no store could take is a failure like any other: told once, and made up for.
#[test]
fn an_incremental_that_no_store_takes_is_told_and_made_up_for() {
    let Some(bench) = mariadb() else { return };
    let chain = Chain::attached(&bench, "");
    assert_eq!(chain.tick("2027-03-01T13:00:00Z"), "backed_up");
    let (store, away) = (bench.path("store"), bench.path("away"));
    std::fs::rename(&store, &away).unwrap();
    let tick = |time: &str| chain.at(time, &["schedule", "run", "--db", "whole"]);
    let failed = tick("2027-03-01T14:00:00Z");
    assert_ne!(failed.code, 0, "{failed:?}");
    assert!(failed.stderr.contains("what was planned for 2027-03-01 14:00:00 UTC"), "{failed:?}");
    // It is said until the next one is planned, and fails once.
    tick("2027-03-01T14:10:00Z").ok();
    assert_ne!(tick("2027-03-01T15:00:00Z").code, 0);
    std::fs::rename(&away, &store).unwrap();
    assert_eq!(chain.tick("2027-03-01T15:20:00Z"), "backed_up");
    let newest = chain.newest();
    assert_eq!((&newest["kind"], &newest["purpose"]), (&"incremental".into(), &"scheduled".into()));
    let failed: Vec<Value> = chain.listed().into_iter().filter(|row| row["status"] == "failed").collect();
    assert_eq!(failed.len(), 2, "each is recorded once the store is back: {failed:?}");
    assert!(failed.iter().all(|row| row["kind"] == "incremental"), "{failed:?}");
    // Nothing is planned any more for what was detached.
    chain.at("2027-03-01T15:30:00Z", &["policy", "detach", "whole", "--yes"]).ok();
    tick("2027-03-01T15:31:00Z").ok();
    std::fs::rename(&store, &away).unwrap();
    tick("2027-03-01T16:01:00Z").ok();
}
