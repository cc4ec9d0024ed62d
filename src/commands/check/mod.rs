//! `jagad check`: every store, key, database and notifier is tried for real, and every failure says how to mend it.

mod host;
mod notifier;

pub use notifier::Trial;

use super::backup::source::{self, ReplicaSearch, SourceSurvey};
use super::{App, Class, Failure};
use crate::config::DatabaseEntry;
use crate::engine::{self, EngineError, Finding, FindingLevel, Scope, Server};
use crate::model::{ByteReader, ByteSize, KeyName, SourceChoice, StoreName, random_word};
use crate::store::{self, KeyPrefix, ObjectKey, ObjectRole, Store, StoreError, StoreSettings};
use futures_util::TryStreamExt as _;
use serde::Serialize;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;

/// Clocks that differ by more are worth a warning.
const SKEW: Duration = Duration::from_secs(60);

/// What was tried on one thing.
#[derive(Debug, Serialize)]
pub struct Section {
    /// `host`, `store`, `key`, `database` or `notifier`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub place: String,
    /// What was looked at, in order.
    pub findings: Vec<FindingReport>,
}

/// One finding.
#[derive(Debug, Serialize)]
pub struct FindingReport {
    /// `ok`, `warning` or `error`.
    pub level: &'static str,
    /// What was looked at.
    pub subject: String,
    /// What is wrong; empty when all is well.
    pub problem: String,
    /// How to mend it.
    pub help: String,
}

/// Everything that was tried.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The sections.
    pub sections: Vec<Section>,
    /// The class of the first error.
    #[serde(skip)]
    pub verdict: Option<Class>,
}

/// A section while it is filled.
struct Findings {
    list: Vec<FindingReport>,
    verdict: Option<Class>,
}

impl Findings {
    fn new() -> Self {
        Self { list: Vec::new(), verdict: None }
    }

    fn add(&mut self, level: FindingLevel, subject: &str, (problem, help): (String, String)) {
        let word = match level {
            FindingLevel::Ok => "ok",
            FindingLevel::Warning => "warning",
            FindingLevel::Error => "error",
        };
        self.list.push(FindingReport { level: word, subject: subject.to_owned(), problem, help });
    }

    fn ok(&mut self, subject: &str) {
        self.add(FindingLevel::Ok, subject, (String::new(), String::new()));
    }

    fn warning(&mut self, subject: &str, problem: impl Into<String>, help: &str) {
        self.add(FindingLevel::Warning, subject, (problem.into(), help.to_owned()));
    }

    /// Notes a result; `None` when it failed.
    fn result<T>(&mut self, subject: &str, result: Result<T, Failure>) -> Option<T> {
        match result {
            Ok(value) => {
                self.ok(subject);
                Some(value)
            }
            Err(failure) => {
                self.verdict.get_or_insert(failure.class);
                self.add(
                    FindingLevel::Error,
                    subject,
                    (failure.message(), failure.help.map_or_else(String::new, |help| help.to_string())),
                );
                None
            }
        }
    }

    fn section(self, kind: &'static str, name: String, place: String) -> (Section, Option<Class>) {
        (Section { kind, name, place, findings: self.list }, self.verdict)
    }
}

/// What to try.
#[derive(Debug, Clone)]
pub struct Request {
    /// Stores, keys, database entries and notifiers; empty means all.
    pub names: Vec<String>,
    /// Whether notifiers send a test.
    pub trial: Trial,
}

/// Tries the things of these names, or everything.
pub async fn run(app: &App, request: &Request) -> Result<Report, Failure> {
    let names = &request.names;
    let inventory = &app.inventory;
    let wanted = |name: &str| names.is_empty() || names.iter().any(|other| other == name);
    let known = |name: &String| {
        inventory.stores.keys().any(|other| other.as_str() == name)
            || inventory.keys.keys().any(|other| other.as_str() == name)
            || inventory.databases.keys().any(|other| other.as_str() == name)
            || inventory.notifiers.keys().any(|other| other.as_str() == name)
    };
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        let message = format!("no store, key, database or notifier is named `{unknown}`");
        return Err(Failure::new(Class::NotFound, message).help("See `jagad config show`."));
    }
    let mut done = Vec::new();
    if names.is_empty() {
        done.push(host::check(app));
    }
    for name in inventory.stores.keys().filter(|name| wanted(name.as_str())) {
        done.push(check_store(app, name).await);
    }
    for name in inventory.keys.keys().filter(|name| wanted(name.as_str())) {
        done.push(check_key(app, name).await);
    }
    for entry in inventory.databases.values().filter(|entry| wanted(entry.name.as_str())) {
        app.cancel.check()?;
        done.push(check_database(app, entry).await);
    }
    for entry in inventory.notifiers.values().filter(|entry| wanted(entry.name.as_str())) {
        app.cancel.check()?;
        done.push(notifier::check(app, entry, request.trial).await);
    }
    let verdict = done.iter().find_map(|(_, verdict)| *verdict);
    Ok(Report { sections: done.into_iter().map(|(section, _)| section).collect(), verdict })
}

async fn check_key(app: &App, name: &KeyName) -> (Section, Option<Class>) {
    let mut findings = Findings::new();
    let key = findings.result("read the key", app.inventory.key(name).await.map_err(Failure::from));
    let place = key.and_then(|key| key.id()).map(|id| format!("id {id}")).unwrap_or_default();
    findings.section("key", name.to_string(), place)
}

async fn check_store(app: &App, name: &StoreName) -> (Section, Option<Class>) {
    let mut findings = Findings::new();
    let mut place = String::new();
    let settings = app.inventory.store_settings(Some(name)).await.map_err(Failure::from);
    if let Some(settings) = findings.result("settings and secrets", settings)
        && let Some(store) = findings.result("open", store::open(&settings).map_err(Failure::from))
    {
        place = store.describe();
        probe(app, store.as_ref(), &settings, &mut findings).await;
    }
    findings.section("store", name.to_string(), place)
}

/// Puts, gets, lists and deletes; looks at what the server can do besides.
async fn probe(app: &App, store: &dyn Store, settings: &StoreSettings, findings: &mut Findings) {
    let Ok(folder) = KeyPrefix::root().folder("check") else { return };
    let Ok(key) = folder.object(&random_word(20)) else { return };
    let put = store::write_small(store, &key, b"jagad".to_vec(), ObjectRole::Mutable).await;
    if findings.result("put an object", put.map_err(Failure::from)).is_none() {
        return;
    }
    let got =
        store::read_small(store, &key, 16).await.map_err(Failure::from).and_then(|bytes| match &bytes[..] {
            b"jagad" => Ok(()),
            _ => Err(Failure::new(Class::Store, "another object came back than was put")),
        });
    findings.result("get it", got);
    let listed: Result<Vec<_>, _> = store.list(&folder).try_collect().await;
    let seen = listed.map_err(Failure::from).and_then(|objects| {
        let there = objects.iter().any(|object| object.key == key);
        there
            .then_some(())
            .ok_or_else(|| Failure::new(Class::Store, "the object just put is not in the listing"))
    });
    findings.result("list it", seen);
    compare_clocks(app, store, findings).await;
    try_conditional(store, settings, (&folder, findings)).await;
    try_large(store, settings, (&folder, findings)).await;
    let swept = store.sweep_unfinished(&folder, Duration::from_secs(3600)).await;
    match swept {
        Ok(_) => findings.ok("list and abort unfinished uploads"),
        // Nothing but the bill depends on it.
        Err(error) => findings.warning(
            "list and abort unfinished uploads",
            Failure::from(error).message(),
            "Give the key s3:ListBucketMultipartUploads and s3:AbortMultipartUpload, or let a lifecycle rule of the bucket abort them.",
        ),
    }
    try_deletion(store, &key, (&folder, findings)).await;
}

/// As a backup is deleted: several keys at once, and then they must be gone.
async fn try_deletion(store: &dyn Store, key: &ObjectKey, (folder, findings): (&KeyPrefix, &mut Findings)) {
    let mut keys = vec![key.clone()];
    for _ in 0..2 {
        let Ok(key) = folder.object(&random_word(20)) else { return };
        let put = store::write_small(store, &key, b"jagad".to_vec(), ObjectRole::Mutable).await;
        if findings.result("put another", put.map_err(Failure::from)).is_none() {
            break;
        }
        keys.push(key);
    }
    let subject = format!("delete {} at once", keys.len());
    if findings.result(&subject, store.delete(&keys).await.map_err(Failure::from)).is_none() {
        return;
    }
    let mut left = Vec::new();
    for key in &keys {
        match store.head(key).await {
            Ok(None) => {}
            Ok(Some(_)) => left.push(key.to_string()),
            Err(error) => {
                findings.result("look whether they are gone", Err::<(), _>(Failure::from(error)));
                return;
            }
        }
    }
    let gone = match left.as_slice() {
        [] => Ok(()),
        left => Err(Failure::new(
            Class::Store,
            format!("the store says that it deleted {}, and still has it", left.join(", ")),
        )),
    };
    findings.result("look whether they are gone", gone);
}

async fn compare_clocks(app: &App, store: &dyn Store, findings: &mut Findings) {
    let clock = store.clock().await.map_err(Failure::from);
    let Some(theirs) = findings.result("ask for the time", clock) else { return };
    let ours = app.clock.now();
    let skew = ours.since(theirs).max(theirs.since(ours));
    if skew > SKEW {
        let problem = format!("this machine's clock is off by {} s", skew.as_secs());
        findings.warning("compare clocks", problem, "set the clock (NTP); S3 refuses more than 15 minutes");
    }
}

/// Whether write-once is enforced by the server; only a belt, so not having it is no error.
async fn try_conditional(
    store: &dyn Store,
    settings: &StoreSettings,
    (folder, findings): (&KeyPrefix, &mut Findings),
) {
    const SUBJECT: &str = "write once (conditional put)";
    if let StoreSettings::S3(settings) = settings
        && settings.object_lock_days > 0
    {
        // The probe could not be deleted again.
        findings.ok("write once (not tried: object lock is on)");
        return;
    }
    let Ok(key) = folder.object(&random_word(20)) else { return };
    let first = store::write_small(store, &key, b"1".to_vec(), ObjectRole::Record).await;
    if findings.result("put a write-once object", first.map_err(Failure::from)).is_none() {
        return;
    }
    match store::write_small(store, &key, b"2".to_vec(), ObjectRole::Record).await {
        Err(StoreError::AlreadyExists { .. }) => findings.ok(SUBJECT),
        Ok(_) => findings.warning(
            SUBJECT,
            "the server ignores the condition",
            "nothing to do: jagad does not rely on it",
        ),
        Err(error) => {
            findings.result(SUBJECT, Err::<(), _>(Failure::from(error)));
        }
    }
    let deleted = store.delete(std::slice::from_ref(&key)).await;
    findings.result("delete it again", deleted.map_err(Failure::from));
}

/// One byte more than a part, so that the upload takes two.
async fn try_large(
    store: &dyn Store,
    settings: &StoreSettings,
    (folder, findings): (&KeyPrefix, &mut Findings),
) {
    let StoreSettings::S3(settings) = settings else { return };
    let bytes = settings.part_size.bytes() + 1;
    let Ok(key) = folder.object(&random_word(20)) else { return };
    let body: ByteReader<'static> = Box::pin(tokio::io::repeat(0).take(bytes));
    let put = store.put(&key, body, ObjectRole::Mutable).await.map_err(Failure::from);
    let subject = format!("multipart upload of two parts ({})", ByteSize(bytes));
    if findings.result(&subject, put).is_some() {
        let key: ObjectKey = key;
        findings.result("delete it", store.delete(std::slice::from_ref(&key)).await.map_err(Failure::from));
    }
}

async fn check_database(app: &App, entry: &DatabaseEntry) -> (Section, Option<Class>) {
    let mut findings = Findings::new();
    let mut place = String::new();
    let settings = app.inventory.engine_settings(entry).await.map_err(Failure::from);
    if let Some(settings) = findings.result("settings and secrets", settings) {
        let engine = engine::open(settings);
        place = engine.address();
        let server = engine.inspect(app.runner.as_ref()).await.map_err(Failure::from);
        if let Some(server) = findings.result("find the tools and connect", server) {
            let facts = server.facts();
            place = format!("{place}, {} {}, {}, {}", entry.engine, facts.version, facts.role, facts.tool);
            let scope = entry.scope(&[]);
            let looked = look(app, server.as_ref(), &scope).await.map_err(Failure::from);
            match looked {
                Ok(list) => list.into_iter().for_each(|finding| take(&mut findings, finding)),
                Err(failure) => {
                    findings.result("look at privileges", Err::<(), _>(failure));
                }
            }
        }
    }
    if !entry.replicas.is_empty() {
        match source::survey(app, entry, (None, ReplicaSearch::All)).await {
            Ok(survey) => check_replicas(app, entry, (&survey, &mut findings)).await,
            Err(failure) => {
                findings.result("look at its replicas", Err::<(), _>(failure));
            }
        }
    }
    findings.section("database", entry.name.to_string(), place)
}

/// Which replicas would be used, why not the others, and whether a dump of the one that would be used works.
async fn check_replicas(
    app: &App,
    entry: &DatabaseEntry,
    (survey, findings): (&SourceSurvey, &mut Findings),
) {
    if entry.source == SourceChoice::Primary {
        findings.ok("its replicas are not asked: `source` is primary");
    }
    let first = survey.replicas.iter().find_map(|looked| looked.verdict.as_ref().ok());
    for looked in &survey.replicas {
        let subject = format!("take a backup from replica {}", looked.address);
        match &looked.verdict {
            Ok((reached, reason)) => {
                let used = first.is_some_and(|(other, _)| std::ptr::eq(other, reached));
                let used = if used { "it is used" } else { "it fits, and another comes before it" };
                findings.ok(&format!("{subject}: {used}, {reason}"));
            }
            Err(failure) => {
                let needed = entry.source == SourceChoice::Replica && first.is_none();
                let level = if needed { FindingLevel::Error } else { FindingLevel::Warning };
                if needed {
                    findings.verdict.get_or_insert(Class::Prerequisite);
                }
                let told = (failure.message(), failure.help.as_deref().unwrap_or_default().to_owned());
                findings.add(level, &subject, told);
            }
        }
    }
    if let Some((reached, _)) = first {
        let address = reached.engine.address();
        let looked = look(app, reached.server.as_ref(), &entry.scope(&[])).await.map_err(Failure::from);
        for mut finding in findings.result(&format!("look at {address}"), looked).unwrap_or_default() {
            finding.subject = format!("{address}: {}", finding.subject);
            take(findings, finding);
        }
    }
}

/// Questions first; if they found nothing wrong, the tool itself is tried.
async fn look(app: &App, server: &dyn Server, scope: &Scope) -> Result<Vec<Finding>, EngineError> {
    let mut findings = server.check_dump(app.runner.as_ref(), scope).await?;
    if findings.iter().all(|finding| finding.level != FindingLevel::Error) {
        findings.extend(server.rehearse_dump(app.runner.as_ref(), scope).await?);
    }
    Ok(findings)
}

fn take(findings: &mut Findings, finding: Finding) {
    if finding.level == FindingLevel::Error {
        findings.verdict.get_or_insert(Class::Prerequisite);
    }
    findings.add(finding.level, &finding.subject, (finding.problem, finding.help));
}
