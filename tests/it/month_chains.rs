//! A month of fulls and incrementals, with everything that can go wrong between them: runs that are killed, backups that are
//! damaged or deleted, a server that crashes, a store that is away. Afterwards every chain that is kept gives back what the
//! server held at its moment. Two days by default; `scripts/test --soak` runs the month.

use crate::bench::Bench;
use crate::chains::{Chain, id, mariadb, postgresql};
use crate::program::{Run, wait_until};
use crate::sql_bench::SqlBench;
use crate::sql_physical::contents;
use crate::support::mysql::{Release, Sql};
use crate::support::postgres::Postgres;
use jagad::model::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

const POLICY: &str =
    "retention = { full = 3, incremental = \"2d\" }\nincremental = \"6h\"\nverify = \"checksum\"\n";
/// The first midnight after [`Chain::attached_to`] has taken the first full.
const MIDNIGHT: &str = "2027-03-02T00:00:00Z";
const HOUR: u64 = 3600;
/// Hours of a day at which something is planned: a full at two, incrementals at the others.
const HOURS: [u64; 5] = [0, 2, 6, 12, 18];
const POINTS: [&str; 5] = ["after-lease", "after-begin", "after-part", "before-commit", "after-commit"];

fn days() -> u64 {
    if std::env::var_os("JAGAD_SOAK").is_some() { 30 } else { 2 }
}

/// Of so many backups that are kept one is restored.
fn sample() -> usize {
    if std::env::var_os("JAGAD_SOAK").is_some() { 1 } else { 3 }
}

/// What the simulation asks of a server.
struct Source<'a> {
    /// Runs statements in the database.
    change: &'a dyn Fn(&str),
    /// What the database holds.
    content: &'a dyn Fn() -> String,
    crash: &'a dyn Fn(),
    /// What a server on restored files holds.
    restored: &'a dyn Fn(&Path) -> String,
}

/// What a month does to a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    KilledRun,
    Damage,
    Deletion,
    Crash,
    NoStore,
}

impl Trouble {
    fn of(chance: &mut StdRng) -> Self {
        match chance.random_range(0..24) {
            0..=3 => Self::KilledRun,
            4 => Self::Damage,
            5 => Self::Deletion,
            6 => Self::Crash,
            7 => Self::NoStore,
            _ => Self::None,
        }
    }
}

struct Month<'a> {
    chain: &'a Chain<'a>,
    source: &'a Source<'a>,
    chance: StdRng,
    seed: u64,
    /// What the server held when each backup was taken.
    held: BTreeMap<String, String>,
    /// Backups with a damaged object.
    damaged: BTreeSet<String>,
    changes: u64,
}

impl Month<'_> {
    /// Rows come, change and go; tables are made, emptied, dropped and made again.
    fn change(&mut self) {
        self.changes += 1;
        let number = self.changes;
        (self.source.change)(&format!("INSERT INTO ledger VALUES ({number}, 'change {number}');"));
        let more = match self.chance.random_range(0..6) {
            0 => format!("UPDATE ledger SET what = 'again {number}' WHERE id < {};", number / 2),
            1 => format!("DELETE FROM ledger WHERE id = {};", self.chance.random_range(0..number)),
            2 => format!(
                "DROP TABLE IF EXISTS fleeting; CREATE TABLE fleeting (n INT); INSERT INTO fleeting VALUES ({number});"
            ),
            3 => "DROP TABLE IF EXISTS fleeting;".to_owned(),
            4 => format!("CREATE TABLE kept_{number} (n INT); INSERT INTO kept_{number} VALUES ({number});"),
            _ => "INSERT INTO ledger SELECT id + 1000000, what FROM ledger WHERE id < 1000000 AND id NOT IN
                (SELECT id - 1000000 FROM ledger WHERE id >= 1000000);"
                .to_owned(),
        };
        (self.source.change)(&more);
    }

    /// What is listed as good, the oldest first.
    fn good(&self) -> Vec<Value> {
        let mut rows = self.chain.listed();
        rows.retain(|row| row["status"] == "success" && row["database"] == "whole");
        rows.reverse();
        rows
    }

    /// Whatever is due at `now`, whatever happens before it.
    fn tick(&mut self, now: Timestamp, trouble: Trouble) {
        let Self { chain, seed, .. } = *self;
        let time = now.to_string();
        let before = self.good();
        self.change();
        let said = format!("{trouble:?} at {time}, seed {seed}");
        match trouble {
            Trouble::KilledRun => {
                let point = POINTS[self.chance.random_range(0..POINTS.len())];
                let mut command = chain.command(&["schedule", "run", "--db", "whole"]);
                let killed = Run::start(command.env("JAGAD_CLOCK", &time).env("JAGAD_CRASH_AT", point));
                assert_eq!(killed.wait().code, 137, "{point}: {said}");
                chain.at(&time, &["unlock", "whole", "--yes"]).ok();
            }
            Trouble::Damage => {
                let newest = id(before.last().unwrap()).to_owned();
                chain.damage(&newest);
                chain.at(&time, &["verify", &newest]).expect(4);
                self.damaged.insert(newest);
            }
            Trouble::Deletion if before.len() > 1 => {
                chain.at(&time, &["delete", id(before.last().unwrap()), "--yes"]).ok();
            }
            Trouble::None | Trouble::Deletion => {}
            Trouble::Crash => (self.source.crash)(),
            Trouble::NoStore => {
                let (store, away) = (chain.path("store"), chain.path("away"));
                std::fs::rename(&store, &away).unwrap();
                let failed = chain.at(&time, &["schedule", "run"]);
                assert_ne!(failed.code, 0, "{said}: {failed:?}");
                let _ = std::fs::remove_dir_all(&store);
                std::fs::rename(&away, &store).unwrap();
            }
        }
        // Now: the servers of tests do not wait for their disks, and forget a little in a crash.
        let content = (self.source.content)();
        // Who died in the middle is made up for by one of the next ticks, after what it left has been verified.
        let mut said = said;
        let newest = (0..4).find_map(|minute| {
            let time = now.plus(Duration::from_secs(60 * minute)).to_string();
            let tick = chain.at(&time, &["schedule", "run", "--json"]);
            assert_eq!(tick.code, 0, "{said}: {tick:?}");
            said = format!("{said}, {}", tick.json()["databases"][0]["action"]);
            self.good().pop().filter(|newest| before.iter().all(|old| id(old) != id(newest)))
        });
        let newest = newest.unwrap_or_else(|| panic!("nothing was taken: {said}"));
        self.held.insert(id(&newest).to_owned(), content);
        self.judge(&newest, &said);
        let time = now.plus(Duration::from_secs(300)).to_string();
        assert!(["waiting", "verified"].contains(&&*chain.tick(&time)), "it is done once: {said}");
        assert_eq!(id(self.good().last().unwrap()), id(&newest), "{said}");
    }

    /// An incremental builds on a backup that is there and good, and a full that takes its place says why.
    fn judge(&self, newest: &Value, said: &str) {
        if let Some(parent) = newest["parent"].as_str() {
            assert!(self.good().iter().any(|other| id(other) == parent), "{said}: {newest}");
            assert!(!self.damaged.contains(parent), "{said}: {newest}");
        }
        if let Some(reason) = newest["fallback_reason"].as_str() {
            assert_eq!(newest["kind"], "full");
            assert!(
                !reason.is_empty() && !self.damaged.is_empty() || said.starts_with("Deletion"),
                "{said}: {reason}"
            );
        }
    }

    /// What must hold of the bucket whatever happened.
    fn end(&self, now: Timestamp) {
        let Self { chain, seed, .. } = *self;
        let time = now.to_string();
        chain.at(&time, &["prune", "--yes"]).ok();
        let good = self.good();
        let fulls = good.iter().filter(|backup| backup["kind"] == "full").count();
        assert!(fulls >= 3.min(usize::try_from(days()).unwrap()), "{fulls} fulls, seed {seed}");
        let parents: BTreeMap<&str, Option<&str>> =
            good.iter().map(|backup| (id(backup), backup["parent"].as_str())).collect();
        let plan = chain.at(&time, &["prune", "--dry-run", "--json"]).ok().json();
        for row in plan["databases"][0]["backups"].as_array().unwrap() {
            let failed = row["reasons"].to_string().contains("failed long ago");
            assert!(row["action"] == "keep" || failed, "retention is up to date, seed {seed}: {row}");
        }
        let folder = chain.path("store/databases/whole");
        for backup in std::fs::read_dir(folder.join("backups")).unwrap() {
            let path = backup.unwrap().path();
            assert!(path.join("manifest.json").exists(), "{} is an orphan, seed {seed}", path.display());
        }
        assert_eq!(std::fs::read_dir(folder.join("lease")).map_or(0, Iterator::count), 0, "seed {seed}");
        for (number, backup) in good.iter().rev().enumerate().step_by(sample()) {
            let mut link = Some(id(backup));
            let mut whole = true;
            while let Some(name) = link {
                let parent = parents.get(name);
                whole &= parent.is_some() && !self.damaged.contains(name);
                link = parent.copied().flatten();
            }
            let target = format!("files{number}");
            let restored = chain.run(&["restore", id(backup), "--target-dir", &target]);
            assert_eq!(restored.code == 0, whole, "{}, seed {seed}: {restored:?}", id(backup));
            if whole {
                let content = (self.source.restored)(&chain.path(&target));
                assert_eq!(content, self.held[id(backup)], "{}, seed {seed}", id(backup));
                let _ = std::fs::remove_dir_all(chain.path(&target));
            }
        }
    }
}

fn simulate(chain: &Chain<'_>, source: &Source<'_>) {
    // Another one is tried with JAGAD_TEST_SEED=….
    let seed: u64 = std::env::var("JAGAD_TEST_SEED").map_or(2027, |text| text.parse().unwrap());
    let chance = StdRng::seed_from_u64(seed);
    let (held, damaged) = (BTreeMap::new(), BTreeSet::new());
    let mut month = Month { chain, source, chance, seed, held, damaged, changes: 0 };
    month.held.insert(id(&chain.newest()).to_owned(), (source.content)());
    let midnight: Timestamp = MIDNIGHT.parse().unwrap();
    let mut now = midnight;
    for day in 0..days() {
        for hour in HOURS {
            now = midnight.plus(Duration::from_secs((day * 24 + hour) * HOUR));
            let trouble = Trouble::of(&mut month.chance);
            month.tick(now, trouble);
        }
    }
    month.end(now.plus(Duration::from_secs(60)));
}

const LEDGER: &str = "CREATE TABLE ledger (id INT PRIMARY KEY, what VARCHAR(100));";

#[test]
fn a_month_of_chains_gives_back_every_moment_on_postgresql() {
    let Some((folder, server)) = postgresql().map(Bench::into_parts) else { return };
    server.psql("shop", LEDGER);
    let chain = Chain::attached_to(&folder, POLICY);
    let server = RefCell::new(server);
    let source = Source {
        change: &|sql| drop(server.borrow().psql("shop", sql)),
        content: &|| server.borrow().fingerprint("shop"),
        crash: &|| {
            server.borrow_mut().crash();
            server.borrow_mut().start_again();
        },
        restored: &|folder| {
            let restored = Postgres::start_from(18, folder).unwrap();
            wait_until("the recovery has ended", || {
                restored.psql("postgres", "SELECT pg_is_in_recovery();").trim() == "f"
            });
            restored.fingerprint("shop")
        },
    };
    simulate(&chain, &source);
}

#[test]
fn a_month_of_chains_gives_back_every_moment_on_mariadb() {
    let Some((folder, server)) = mariadb().map(SqlBench::into_parts) else { return };
    server.run("shop", LEDGER);
    let chain = Chain::attached_to(&folder, POLICY);
    let server = RefCell::new(server);
    let source = Source {
        change: &|sql| drop(server.borrow().run("shop", sql)),
        content: &|| contents(&server.borrow()),
        crash: &|| {
            server.borrow_mut().crash();
            server.borrow_mut().start_again();
        },
        restored: &|folder| contents(&Sql::start_on(Release::MariaDb1011, folder)),
    };
    simulate(&chain, &source);
}
