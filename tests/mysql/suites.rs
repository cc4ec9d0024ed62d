//! Databases made of the servers' own test suites come back as the plain tools bring them back.

#[path = "suites/compare.rs"]
mod compare;
#[path = "suites/script.rs"]
mod script;

use super::support::mysql::{Release, Sql};
use super::support::plans::{dump_all, restore, scope};
use super::support::presence::{Need, server_from};
use compare::{plain_copy, shape};
use jagad::process::SystemRunner;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Seconds for the statements of one file.
const FILLING: Duration = Duration::from_secs(60);

/// The test suite of one family: where its package was unpacked, and folders of tests below.
struct Suite {
    variable: &'static str,
    below: &'static str,
    folders: &'static [&'static str],
    /// Tried in every run: files with many kinds of objects.
    sample: &'static [&'static str],
}

const MARIADB: Suite = Suite {
    variable: "JAGAD_TEST_MARIADB_SUITE",
    below: "usr/share/mariadb/mariadb-test",
    folders: &[
        "main",
        "suite/gcol/t",
        "suite/vcol/t",
        "suite/versioning/t",
        "suite/period/t",
        "suite/sql_sequence",
        "suite/json/t",
        "suite/compat/oracle/t",
        "suite/innodb/t",
        "suite/innodb_fts/t",
        "suite/innodb_gis/t",
        "suite/parts/t",
        "suite/maria",
        "suite/heap",
        "suite/merge",
        "suite/csv",
        "suite/archive",
        "suite/events",
        "suite/funcs_1/t",
        "suite/jp/t",
    ],
    sample: &[
        "main/trigger",
        "suite/versioning/t/create",
        "suite/sql_sequence/next",
        "suite/gcol/t/gcol_view_innodb",
        "suite/compat/oracle/t/sp-package-mysqldump",
    ],
};

/// What of it MySQL takes as well: its own package is too large to be fetched for every run.
const SHARED: Suite = Suite {
    sample: &["main/trigger", "suite/events/events_bugs", "suite/gcol/t/gcol_view_innodb"],
    ..MARIADB
};

const MYSQL: Suite = Suite {
    variable: "JAGAD_TEST_MYSQL_SUITE",
    below: "usr/lib/mysql-test",
    folders: &[
        "t",
        "suite/gcol/t",
        "suite/gis/t",
        "suite/innodb/t",
        "suite/innodb_fts/t",
        "suite/innodb_gis/t",
        "suite/json/t",
        "suite/jdv/t",
        "suite/jp/t",
        "suite/collations/t",
        "suite/parts/t",
        "suite/funcs_1/t",
        "suite/funcs_2/t",
    ],
    sample: &[],
};

/// What is tried of a suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Amount {
    Sample,
    All,
}

/// The first batch that is tried. All of them take hours: a run that was cut short goes on with `JAGAD_SUITE_FROM=…`.
fn first_batch() -> usize {
    std::env::var("JAGAD_SUITE_FROM").map_or(0, |text| text.parse().unwrap())
}

fn amount() -> Amount {
    if std::env::var_os("JAGAD_SOAK").is_some() { Amount::All } else { Amount::Sample }
}

impl Suite {
    /// The files of this run, by name.
    fn files(&self) -> Option<Vec<(String, PathBuf)>> {
        let root = Path::new(&server_from(self.variable, Need::Required)?).join(self.below);
        if amount() == Amount::Sample {
            return Some(
                self.sample
                    .iter()
                    .map(|name| ((*name).to_owned(), root.join(format!("{name}.test"))))
                    .collect(),
            );
        }
        let mut files = Vec::new();
        for folder in self.folders {
            for entry in std::fs::read_dir(root.join(folder)).unwrap().flatten() {
                let path = entry.path();
                if path.extension().is_some_and(|extension| extension == "test") {
                    files.push((format!("{folder}/{}", path.file_stem().unwrap().to_string_lossy()), path));
                }
            }
        }
        // Folders are mixed, so that a run that is cut short has seen some of each.
        let mixed = |name: &String| {
            name.bytes()
                .fold(7_u32, |mixed, byte| mixed.wrapping_mul(31).wrapping_add(byte.into()).rotate_left(9))
        };
        files.sort_by_key(|(name, _)| mixed(name));
        Some(files)
    }
}

/// The database that is filled.
const DATABASE: &str = "suite";

/// Bytes of tests that fill one database.
const BATCH_BYTES: usize = 50_000;

/// Files that are put into one database each.
fn batches(files: Vec<(String, PathBuf)>) -> Vec<Vec<(String, PathBuf)>> {
    let (mut batches, mut bytes) = (Vec::new(), usize::MAX);
    for file in files {
        let size = usize::try_from(file.1.metadata().unwrap().len()).unwrap();
        if bytes.saturating_add(size) > BATCH_BYTES {
            batches.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        batches.last_mut().unwrap().push(file);
    }
    batches
}

fn fresh(release: Release) -> Option<Sql> {
    Sql::start_with(release, &["--skip-log-bin", "--event-scheduler=OFF"])
}

/// Whether a statement goes on whose client was ended.
fn is_at_work(sql: &Sql) -> bool {
    let others = "SELECT COUNT(*) FROM information_schema.PROCESSLIST
        WHERE ID <> CONNECTION_ID() AND USER = 'root' AND COMMAND <> 'Sleep';";
    let start = Instant::now();
    while sql.try_run("root", "", others).is_ok_and(|count| count.trim() != "0") {
        if start.elapsed() > Duration::from_secs(10) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

/// One server has the databases, another gets them.
struct Pair {
    from: Sql,
    to: Sql,
}

impl Pair {
    fn start(release: Release) -> Option<Self> {
        Some(Self { from: fresh(release)?, to: fresh(release)? })
    }

    /// Both as they were at the beginning. A statement of a test may have crashed one.
    fn clear(&mut self) {
        for sql in [&mut self.from, &mut self.to] {
            // What a statement of a test has begun, its server may undo for an hour, and a database stays locked until then.
            if is_at_work(sql) {
                *sql = fresh(sql.release).unwrap();
            }
            if sql.try_run("root", "", "SELECT 1;").is_err() {
                sql.crash();
                sql.start_again();
            }
            for database in sql.databases() {
                sql.run("", &format!("SET SESSION foreign_key_checks = 0; DROP DATABASE `{database}`;"));
            }
        }
    }

    /// Fills the database with all of `files`; whether the server has survived that, and can be asked for it.
    fn fill(&self, files: &[(String, PathBuf)]) -> bool {
        self.from.run("", &format!("CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4;"));
        let mut names = script::Names::default();
        for (_, path) in files {
            let test = std::fs::read(path).unwrap();
            compare::fill(&self.from, DATABASE, &script::statements(&test, DATABASE, &mut names), FILLING);
            if self.from.try_run("root", "", "SELECT 1;").is_err() || is_at_work(&self.from) {
                return false;
            }
        }
        compare::drop_broken_views(&self.from, DATABASE);
        true
    }

    /// What jagad loses of `database` that the plain tools bring back, in words.
    async fn differences(&mut self, database: &str) -> Vec<String> {
        let source = compare::shape(&self.from, database);
        let plain = plain_copy(&self.from, &self.to, database);
        let restored = match self.through_jagad(database).await {
            Ok(()) => shape(&self.to, database),
            // The plain client goes on after an error; a restore of ours ends.
            Err(_) if plain.failed => return Vec::new(),
            Err(problem) => return vec![problem],
        };
        let mut differences = Vec::new();
        for name in source.keys().chain(restored.keys().filter(|name| !source.contains_key(*name))) {
            let (was, is) = (source.get(name), restored.get(name));
            let (same_as_plain, plain_differs) = (plain.shape.get(name) == is, plain.shape.get(name) != was);
            // Where the dump tool refuses the history of a database, rows are as old as the restore.
            let young = was.is_some_and(|was| was.contains("SYSTEM VERSIONING")) && plain_differs;
            // A list with a character outside Unicode: `check` tells that its values come back empty.
            let unwritable = was.is_some_and(|was| was.contains("enum('?')") || was.contains("set('?')"));
            if was != is && !same_as_plain && !young && !unwritable {
                differences.push(format!("{name}\n  was {was:?}\n  is  {is:?}"));
            }
        }
        differences
    }

    /// A backup goes into the place of what is on the other server, and beside the original.
    async fn through_jagad(&self, database: &str) -> Result<(), String> {
        let server = self.from.inspect().await;
        let dumps = dump_all(server.as_ref(), &scope(&[database])).await;
        let taken = dumps.map_err(|error| format!("dump: {error:?}"))?.remove(0);
        let other = self.to.inspect().await;
        let target = taken.target(database);
        let plan = other
            .logical()
            .load(&SystemRunner, &target, &taken)
            .await
            .map_err(|error| format!("plan: {error:?}"))?;
        let trial = plan.trial.as_ref().ok_or("no trial was planned")?;
        for step in &trial.before {
            step.run(&SystemRunner).await.map_err(|error| format!("trial: {error:?}"))?;
        }
        let tried = trial
            .feed
            .take(&SystemRunner, (trial.rewrite.0)(Box::pin(std::io::Cursor::new(taken.bytes.clone()))));
        tried.await.map_err(|error| format!("trial: {error:?}"))?;
        for step in &trial.undo {
            step.run(&SystemRunner).await.map_err(|error| format!("trial: {error:?}"))?;
        }
        for (server, name) in [(&other, database.to_owned()), (&server, format!("{database} copy"))] {
            let restored = restore(server.as_ref(), &taken, &taken.target(&name)).await;
            let (_, counted) = restored.map_err(|error| format!("restore of {name}: {error}"))?;
            let (counted, recorded) =
                (counted.unwrap_or_default(), taken.contents.clone().unwrap_or_default());
            if counted.tables != recorded.tables {
                return Err(format!(
                    "{name}: {:?} were counted, {:?} dumped",
                    counted.tables, recorded.tables
                ));
            }
        }
        Ok(())
    }
}

async fn check_suite(release: Release, suite: &Suite) {
    let (Some(files), Some(mut pair)) = (suite.files(), Pair::start(release)) else { return };
    let (mut faults, mut objects) = (Vec::new(), 0);
    for (number, files) in batches(files).into_iter().enumerate().skip(first_batch()) {
        let start = Instant::now();
        pair.clear();
        let filled = pair.fill(&files);
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        if !filled {
            eprintln!("{}: the server crashed, or is still at work", names.join(", "));
            continue;
        }
        let made = compare::shape(&pair.from, DATABASE).len();
        objects += made;
        let found = pair.differences(DATABASE).await;
        let (faults_here, seconds) = (found.len(), start.elapsed().as_secs());
        eprintln!(
            "batch {number}: {faults_here} faults in {made} objects of {} ({seconds} s)",
            names.join(", ")
        );
        for difference in &found {
            eprintln!("FAULT {difference}");
        }
        faults.extend(found.into_iter().map(|difference| format!("{release:?}, {names:?}: {difference}")));
    }
    assert!(objects > 100, "{objects} objects were made");
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[tokio::test]
async fn databases_of_a_suite_come_back_on_mysql_9_7() {
    let suite = if amount() == Amount::All { &MYSQL } else { &SHARED };
    check_suite(Release::MySql97, suite).await;
}

#[tokio::test]
async fn databases_of_a_suite_come_back_on_mariadb_10_11() {
    check_suite(Release::MariaDb1011, &MARIADB).await;
}

#[tokio::test]
async fn databases_of_a_suite_come_back_on_mariadb_11_8() {
    check_suite(Release::MariaDb118, &MARIADB).await;
}
