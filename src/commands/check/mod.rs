//! `jagad check`: every store, key, database and notifier is tried for real, and every failure says how to fix it.

mod database;
mod host;
mod notifier;
mod store;

pub use notifier::NotifierTest;

use super::{App, Class, Failure};
use crate::engine::Finding;
pub use crate::engine::FindingLevel;
use crate::model::kind::word_enum;
use crate::model::{Help, KeyName};
use serde::Serialize;

word_enum! {
    /// What a section of the report is about.
    SectionKind {
        /// This host.
        Host = "host",
        /// A store.
        Store = "store",
        /// A key.
        Key = "key",
        /// A database entry.
        Database = "database",
        /// A notifier.
        Notifier = "notifier",
    }
}

/// The checks of one subject.
#[derive(Debug, Serialize)]
pub struct Section {
    /// What it is.
    pub kind: SectionKind,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub place: String,
    /// The checks, in order.
    pub findings: Vec<FindingReport>,
}

/// One finding.
#[derive(Debug, Serialize)]
pub struct FindingReport {
    /// How serious.
    pub level: FindingLevel,
    /// What was checked.
    pub subject: String,
    /// What is wrong; empty when all is well.
    pub problem: String,
    /// How to fix it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<Help>,
}

/// All checks.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The sections.
    pub sections: Vec<Section>,
    /// The class of the first error.
    #[serde(skip)]
    pub verdict: Option<Class>,
}

/// A section that is being filled.
struct Findings {
    list: Vec<FindingReport>,
    verdict: Option<Class>,
}

impl Findings {
    fn new() -> Self {
        Self { list: Vec::new(), verdict: None }
    }

    fn add(&mut self, finding: Finding) {
        if finding.level == FindingLevel::Error {
            self.verdict.get_or_insert(Class::Prerequisite);
        }
        let Finding { subject, problem, help, .. } = finding;
        self.list.push(FindingReport { level: finding.level, subject, problem, help });
    }

    fn ok(&mut self, subject: &str) {
        self.add(Finding::good(subject));
    }

    fn warning(&mut self, subject: &str, problem: &str, help: &str) {
        self.add(Finding::warning(subject, problem, help));
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
                self.add(failed(FindingLevel::Error, subject, &failure));
                None
            }
        }
    }

    fn section(self, kind: SectionKind, name: String, place: String) -> (Section, Option<Class>) {
        (Section { kind, name, place, findings: self.list }, self.verdict)
    }
}

fn failed(level: FindingLevel, subject: &str, failure: &Failure) -> Finding {
    Finding { level, subject: subject.to_owned(), problem: failure.message(), help: failure.help.clone() }
}

/// What to try.
#[derive(Debug, Clone)]
pub struct Request {
    /// Stores, keys, database entries and notifiers; empty means all.
    pub names: Vec<String>,
    /// Whether notifiers send a test.
    pub trial: NotifierTest,
}

/// Checks the named subjects, or everything.
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
        done.push(store::check(app, name).await);
    }
    for name in inventory.keys.keys().filter(|name| wanted(name.as_str())) {
        done.push(check_key(app, name).await);
    }
    for entry in inventory.databases.values().filter(|entry| wanted(entry.name.as_str())) {
        app.cancel.check()?;
        done.push(database::check(app, entry).await);
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
    findings.section(SectionKind::Key, name.to_string(), place)
}
