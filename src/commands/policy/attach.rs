//! `jagad policy attach` and `detach`.

use crate::catalog::{Attachment, Catalog, Operation};
use crate::commands::backup::{self, Choices, Wanted};
use crate::commands::lease_guard::{LeaseRequest, acquire_lease, release};
use crate::commands::{App, Class, Failure, RunLog, findings, protection};
use crate::config::{DatabaseEntry, PolicyEntry};
use crate::engine::{self, Finding, FindingLevel};
use crate::model::kind::word_enum;
use crate::model::{BackupId, DatabaseName, PolicyName, ServerRole};
use serde::Serialize;
use std::time::Duration;

/// What to attach.
#[derive(Debug, Clone)]
pub struct AttachRequest {
    /// To which policy.
    pub policy: PolicyName,
    /// Which entries.
    pub databases: Vec<DatabaseName>,
    /// How long to wait for a slot and for each lease.
    pub wait: Duration,
    /// Longest life of one initial backup; `None` is unbounded.
    pub timeout: Option<Duration>,
}

/// What was attached.
#[derive(Debug, Serialize)]
pub struct Attachments {
    /// One per entry that was named.
    pub attached: Vec<Attached>,
    #[serde(skip)]
    pub(super) failures: Vec<(DatabaseName, Failure)>,
}

word_enum! {
    /// What `policy attach` found and did.
    AttachStatus {
        /// It is attached now.
        Attached = "attached",
        /// It was before.
        AlreadyAttached = "already_attached",
    }
}

/// One entry.
#[derive(Debug, Serialize)]
pub struct Attached {
    /// The entry.
    pub database: DatabaseName,
    /// Its policy.
    pub policy: PolicyName,
    /// Whether it was attached now.
    pub status: AttachStatus,
    /// The initial backup; absent when it failed or was not needed.
    pub backup: Option<BackupId>,
}

/// What was detached.
#[derive(Debug, Serialize)]
pub struct Detached {
    /// The entries.
    pub detached: Vec<DatabaseName>,
}

impl Attachments {
    /// What failed, by entry. An entry of which only the initial backup failed stays attached.
    pub fn failures(&self) -> &[(DatabaseName, Failure)] {
        &self.failures
    }

    /// What it all means.
    pub fn verdict(&self) -> Option<Class> {
        let (_, first) = self.failures.first()?;
        let alone = self.failures.len() == 1 && self.attached.iter().all(|one| one.backup.is_none());
        Some(if alone { first.class } else { Class::Partial })
    }
}

/// Looks before, attaches, and takes the first full at once. One entry that fails does not stop the others.
pub async fn attach(app: &App, request: &AttachRequest) -> Result<Attachments, Failure> {
    let policy = app.inventory.policy(&request.policy)?;
    let mut report = Attachments { attached: Vec::new(), failures: Vec::new() };
    for name in &request.databases {
        app.cancel.check()?;
        let entry = app.database(name)?;
        match attach_one(app, request, entry, policy).await {
            Ok((attached, failure)) => {
                report.attached.push(attached);
                report.failures.extend(failure.map(|failure| (name.clone(), failure)));
            }
            Err(failure) => report.failures.push((name.clone(), failure)),
        }
    }
    match (report.attached.is_empty(), report.failures.len()) {
        (true, 1) => Err(report.failures.remove(0).1),
        _ => Ok(report),
    }
}

/// What came of one entry, and why its initial backup failed if it did.
pub(super) async fn attach_one(
    app: &App,
    request: &AttachRequest,
    entry: &DatabaseEntry,
    policy: &PolicyEntry,
) -> Result<(Attached, Option<Failure>), Failure> {
    let attached =
        |status| Attached { database: entry.name.clone(), policy: policy.name.clone(), status, backup: None };
    if let Some(found) = protection::find(app, entry).await? {
        refuse_another(&found.attachment, policy)?;
        return Ok((attached(AttachStatus::AlreadyAttached), None));
    }
    attach_where_it_belongs(app, request, entry, policy).await
}

/// Attaches an entry in the store of its policy, and takes the first full there.
async fn attach_where_it_belongs(
    app: &App,
    request: &AttachRequest,
    entry: &DatabaseEntry,
    policy: &PolicyEntry,
) -> Result<(Attached, Option<Failure>), Failure> {
    let log = app.log();
    let attached =
        |status| Attached { database: entry.name.clone(), policy: policy.name.clone(), status, backup: None };
    let entry = &entry.under(policy);
    refuse_unfit(app, entry, policy, &log).await?;
    let catalog = app.catalog_or_new(app.inventory.store_of(entry, None).as_ref()).await?;
    let lease =
        acquire_lease(app, &catalog, entry, &LeaseRequest::new(Operation::Policy, request.wait, &log))
            .await?;
    let written = write(app, &catalog, entry, policy).await;
    release(lease, &log).await;
    written?;
    log.say(format!("POLICY: `{}` is attached to `{}`", entry.name, policy.name));
    let choices =
        Choices { verify: policy.verify, wait: request.wait, timeout: request.timeout, ..Choices::default() };
    log.say(format!("POLICY: taking the first full of `{}`", entry.name));
    match backup::and_retain(app, entry, &choices).await {
        Ok(report) => Ok((Attached { backup: Some(report.id), ..attached(AttachStatus::Attached) }, None)),
        Err(failure) => {
            let failure =
                failure.doing(format!("take the first full of `{}`, which stays attached", entry.name));
            Ok((attached(AttachStatus::Attached), Some(failure)))
        }
    }
}

/// Moves an attached entry to another policy. It is attached at every moment, whatever fails: in its store the attachment is
/// rewritten, and nothing else is asked for; in another store it is attached first, and only then detached here.
pub(super) async fn move_one(
    app: &App,
    request: &AttachRequest,
    entry: &DatabaseEntry,
    policy: &PolicyEntry,
) -> Result<(), Failure> {
    let Some(found) = protection::find(app, entry).await? else {
        return attach_where_it_belongs(app, request, entry, policy).await?.1.map_or(Ok(()), Err);
    };
    let log = app.log();
    let (catalog, name) = (&found.catalog, &entry.name);
    let target = app.inventory.store_of(&entry.under(policy), None);
    let elsewhere = entry.store.is_none() && target.is_some() && target != found.entry.store;
    let failure =
        if elsewhere { attach_where_it_belongs(app, request, entry, policy).await?.1 } else { None };
    let lease =
        acquire_lease(app, catalog, &found.entry, &LeaseRequest::new(Operation::Policy, request.wait, &log))
            .await?;
    let moved = async {
        if elsewhere {
            return catalog.detach(name).await;
        }
        let mut state = catalog.state(name).await?;
        // What was to be tried again was planned by the other policy.
        state.retry = None;
        catalog.write_state(name, &state).await?;
        catalog.attach(name, &Attachment::new(policy.name.clone(), app.clock.now())).await
    }
    .await;
    release(lease, &log).await;
    moved?;
    log.say(format!("POLICY: `{name}` has moved from `{}` to `{}`", found.attachment.policy, policy.name));
    failure.map_or(Ok(()), Err)
}

/// Exactly one policy protects a database.
fn refuse_another(found: &Attachment, policy: &PolicyEntry) -> Result<(), Failure> {
    if found.policy == policy.name {
        return Ok(());
    }
    Err(Failure::new(Class::Refused, "Database is already attached to another backup policy")
        .help(format!("It is attached to `{}`: detach it first, its backups stay.", found.policy)))
}

/// Whether its backups could succeed, and whether they would be of the right server.
async fn refuse_unfit(
    app: &App,
    entry: &DatabaseEntry,
    policy: &PolicyEntry,
    log: &RunLog,
) -> Result<(), Failure> {
    let name = &entry.name;
    if !entry.active {
        let refused = Failure::new(Class::Refused, format!("`{name}` is not active"));
        return Err(refused.help(format!("Set databases.{name}.active = true.")));
    }
    if policy.incremental.is_some() && !entry.takes_incrementals() {
        let problem = format!(
            "the policy `{}` plans incremental backups, and {}",
            policy.name,
            entry.without_incrementals()
        );
        return Err(Failure::new(Class::Refused, problem).help(
            "Attach it to a policy without `incremental`; PostgreSQL (17 and newer) can have them with method = \"physical\", and of every version with method = \"pgbackrest\".",
        ));
    }
    let engine = engine::open(app.inventory.engine_settings(entry).await?);
    let server = engine.inspect(app.runner.as_ref()).await?;
    if server.facts().role == ServerRole::Replica {
        let problem = format!("`{name}` at {} is a replica; a policy protects a primary", engine.address());
        return Err(Failure::new(Class::Refused, problem)
            .help("Name the primary in the entry; a replica can be declared beside it."));
    }
    let wanted = Wanted { demand: entry.demand(policy.hardest_kind(entry)), scope: &entry.scope(&[]) };
    let findings = backup::look(app.runner.as_ref(), server.as_ref(), wanted).await?;
    if let Some(failure) = findings::failure_of(&findings) {
        return Err(failure);
    }
    if let Some(finding) = findings.iter().find(|finding| finding.is_no_incrementals()) {
        return Err(without_incrementals(name, policy, finding));
    }
    findings.iter().filter(|finding| finding.level == FindingLevel::Warning).for_each(|finding| {
        log.warn(findings::line(finding));
    });
    Ok(())
}

/// What a policy plans has to be possible when it begins. Later a full is taken in the place of an incremental.
fn without_incrementals(name: &DatabaseName, policy: &PolicyEntry, finding: &Finding) -> Failure {
    let problem = format!(
        "the policy `{}` plans incremental backups, and the server of `{name}` cannot give them: {}",
        policy.name, finding.problem
    );
    let other = "Or attach it to a policy without `incremental`.";
    Failure::new(Class::Refused, problem).help(format!("{}\n{other}", finding.hint()))
}

async fn write(
    app: &App,
    catalog: &Catalog,
    entry: &DatabaseEntry,
    policy: &PolicyEntry,
) -> Result<(), Failure> {
    // Somebody may have been faster before the lease was taken.
    if let Some(found) = catalog.attachment(&entry.name).await? {
        return refuse_another(&found, policy);
    }
    let attachment = Attachment::new(policy.name.clone(), app.clock.now());
    Ok(catalog.attach(&entry.name, &attachment).await?)
}

/// Detaches entries; their backups stay.
pub async fn detach(app: &App, names: &[DatabaseName], wait: Duration) -> Result<Detached, Failure> {
    let mut detached = Vec::new();
    for name in names {
        // What has left the configuration can be left in peace too.
        let entry = app.inventory.databases.get(name).cloned();
        let entry = entry.unwrap_or_else(|| DatabaseEntry::bare(name.clone()));
        let failure = match detach_one(app, &entry, wait).await {
            Ok(()) => {
                detached.push(name.clone());
                continue;
            }
            Err(failure) => failure,
        };
        // Nothing of that name is attached, and the configuration says best what may be meant.
        return Err(app.database(name).err().filter(|_| failure.class == Class::NotFound).unwrap_or(failure));
    }
    Ok(Detached { detached })
}

pub(super) async fn detach_one(app: &App, entry: &DatabaseEntry, wait: Duration) -> Result<(), Failure> {
    let log = app.log();
    let (catalog, policy) = protection::find_place(app, entry)
        .await?
        .ok_or_else(|| Failure::new(Class::NotFound, format!("`{}` is attached to no policy", entry.name)))?;
    let lease =
        acquire_lease(app, &catalog, entry, &LeaseRequest::new(Operation::Policy, wait, &log)).await?;
    let detached = catalog.detach(&entry.name).await;
    release(lease, &log).await;
    detached?;
    let from = policy.map(|policy| format!(" from `{policy}`")).unwrap_or_default();
    log.say(format!("POLICY: `{}` is detached{from}; its backups stay", entry.name));
    Ok(())
}
