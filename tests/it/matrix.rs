//! Every kind of request that a backup makes, failed in every way that a store has. Whatever happens: what is called a backup is one,
//! what failed is recorded and leaves nothing, nobody waits for long, and the next run succeeds.

use crate::folder::Folder;
use crate::place::Server;
use crate::support::faulty::{Asked, BUCKET, Fault, error};
use crate::support::redis::{Kind, Server as Redis};
use http::Method;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Cells that are tried; `scripts/test --soak` tries all of them.
const CELLS: usize = 14;
const LONGEST: Duration = Duration::from_secs(60);
const LONGEST_COMPLETION: Duration = Duration::from_secs(180);

/// A request of a backup, by what it is for.
type Request = (&'static str, fn(&Asked) -> bool);

const REQUESTS: [Request; 11] = [
    ("begin", Asked::is_begin),
    ("part", |asked| asked.is_part(1)),
    ("complete", Asked::is_complete),
    ("contents", |asked| put(asked, "/contents.json.enc")),
    ("log", |asked| put(asked, "/log.txt")),
    ("manifest", |asked| put(asked, "/manifest.json")),
    ("lease", |asked| asked.method == Method::PUT && asked.path.contains("/lease/")),
    ("end of the lease", |asked| asked.method == Method::DELETE && asked.path.contains("/lease/")),
    ("look", |asked| asked.method == Method::HEAD),
    ("listing", |asked| {
        asked.method == Method::GET
            && asked.query.starts_with("list-type")
            && !asked.query.contains("max-keys")
    }),
    ("clock", |asked| asked.query.contains("max-keys")),
];

fn put(asked: &Asked, end: &str) -> bool {
    asked.method == Method::PUT && asked.path.ends_with(end)
}

/// What the store does, and whether to every such request or only to the first.
type StoreFault = (&'static str, bool, fn() -> Fault);

const STORE_FAULTS: [StoreFault; 8] = [
    ("drops it once", false, || Fault::Drop),
    ("loses the answer once", false, || Fault::DropAfter),
    ("is busy once", false, || error(503, "SlowDown")),
    ("is out of order", true, || error(500, "InternalError")),
    ("denies it", true, || error(403, "AccessDenied")),
    ("is full", true, || error(403, "QuotaExceeded")),
    ("says yes and does nothing", true, || Fault::Swallow),
    ("never answers", true, || Fault::Delay(Duration::from_secs(3600))),
];

struct Bench {
    folder: Folder,
    store: Server,
    redis: Redis,
}

impl Bench {
    fn new() -> Option<Self> {
        let redis = Redis::start(Kind::Redis7)?;
        // Longer than a part, and nothing that compresses.
        let mut chance = StdRng::seed_from_u64(1);
        let letters: Vec<u8> = (0..6 << 20).map(|_| chance.random_range(b'a'..=b'z')).collect();
        redis.client().ask(&[b"SET", b"big", &letters]);
        let bench = Self { folder: Folder::new("t", "cache"), store: Server::start(), redis };
        bench.folder.write(&format!(
            "version = 1\n[settings]\nlease_lifetime = \"5s\"\nstate_dir = \"state\"\n[keys.main]\nkey_file = \"main.key\"\n\
             [stores.main]\ntype = \"s3\"\nendpoint = \"{}\"\nbucket = \"{BUCKET}\"\nprefix = \"p\"\naccess_key = \"AK\"\n\
             secret_key = \"SK\"\nallow_http = true\npart_size = \"5MiB\"\nanswer_timeout = \"1s\"\n\
             [databases.cache]\nengine = \"redis\"\nsocket = \"{}\"\ncompression = \"none\"\n",
            bench.store.endpoint(),
            bench.redis.socket().display()
        ));
        bench.folder.back_up(&[]);
        Some(bench)
    }

    /// Files of each run's folder that are no records, by its id, and whether there is a manifest.
    fn folders(&self) -> BTreeMap<String, (bool, Vec<String>)> {
        let backups = self.store.folder().join("p/databases/cache/backups");
        let mut found = BTreeMap::new();
        for run in std::fs::read_dir(backups).unwrap().flatten() {
            let names = std::fs::read_dir(run.path()).unwrap().flatten();
            let names: Vec<String> = names.map(|file| file.file_name().into_string().unwrap()).collect();
            let manifest = names.iter().any(|name| name == "manifest.json");
            let is_data = |name: &String| {
                !matches!(name.as_str(), "manifest.json" | "log.txt" | "verified" | "pin.json")
            };
            let data = names.into_iter().filter(is_data).collect();
            found.insert(run.file_name().into_string().unwrap(), (manifest, data));
        }
        found
    }

    fn try_cell(&self, (request, is_meant): Request, (fault_name, lasting, fault): StoreFault) {
        let cell = format!("the store {fault_name}: {request}");
        let mut done = false;
        self.store.fail(move |asked| {
            if !is_meant(asked) || (done && !lasting) {
                return Fault::Pass;
            }
            done = true;
            fault()
        });
        // A store may take half a minute to put the parts together, and each try is waited for.
        let longest =
            if (request, fault_name) == ("complete", "never answers") { LONGEST_COMPLETION } else { LONGEST };
        let began = Instant::now();
        let output = self.folder.program(&["backup", "cache"]).wait_within(longest);
        assert!(began.elapsed() < longest, "{cell}: {:?}", began.elapsed());
        self.store.end_faults();
        let said_ok = output.stderr.contains("BACKUP: OK");
        assert_eq!(output.code == 0, said_ok, "{cell}: {output:?}");
        assert!(said_ok || output.stderr.contains(" help: "), "{cell}: {output:?}");
        if said_ok {
            let id = output.stderr.split("BACKUP: OK ").nth(1).unwrap().lines().next().unwrap().trim();
            self.folder.run(&["verify", id, "--level", "read"]).ok();
        }
        // The next run records and clears up what the store did not let this one do.
        self.folder.run(&["backup", "cache", "--wait", "20s"]).ok();
        let listed = self.folder.run(&["list", "--limit", "1000", "--json"]).ok().json();
        let failed: Vec<&str> = listed["backups"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["status"] == "failed")
            .map(|row| row["id"].as_str().unwrap())
            .collect();
        for (id, (manifest, data)) in self.folders() {
            assert!(manifest, "{cell}: {id} is an orphan: {data:?}");
            assert!(
                !failed.contains(&id.as_str()) || data.is_empty(),
                "{cell}: {id} failed and left {data:?}"
            );
        }
    }
}

#[test]
fn whatever_a_store_does_to_a_request_what_is_called_a_backup_is_one() {
    let Some(bench) = Bench::new() else { return };
    let seed: u64 = std::env::var("JAGAD_TEST_SEED").map_or(2026, |text| text.parse().unwrap());
    let mut cells: Vec<(Request, StoreFault)> = REQUESTS
        .iter()
        .flat_map(|request| STORE_FAULTS.iter().map(|fault_name| (*request, *fault_name)))
        .collect();
    // A part is waited for as long as its bytes would need on the slowest line: minutes, and longer than a run of a test may take.
    cells.retain(|((request, _), (fault_name, ..))| (*request, *fault_name) != ("part", "never answers"));
    if std::env::var_os("JAGAD_SOAK").is_none() {
        cells.shuffle(&mut StdRng::seed_from_u64(seed));
        cells.truncate(CELLS);
    }
    for (request, fault_name) in cells {
        bench.try_cell(request, fault_name);
    }
}
