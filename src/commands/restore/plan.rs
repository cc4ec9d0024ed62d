//! What a restore would do, worked out before anything is touched.

use super::order::in_order;
use super::outcome::FailedLoad;
use super::{Globals, OnError, OnFailure, Request, RestoreChecks};
use crate::catalog::{Manifest, Part};
use crate::commands::replay::{self, PlannedReplay, Restored};
use crate::commands::stored::{StoredBackup, StoredPart};
use crate::commands::verify::{contents, levels};
use crate::commands::{App, Class, Failure, Tone, findings};
use crate::config::DatabaseEntry;
use crate::engine::{
    self, Completion, FindingLevel, Lifetime, LoadPlan, MissingRoles, RestoreTarget, Server, TargetEffect,
};
use crate::model::{ByteSize, Contents, Count, DatabaseName, PartKind, random_word};
use std::collections::BTreeMap;

/// A restore that could be started.
pub struct RestorePlan {
    /// The entry restored into.
    pub target: DatabaseName,
    /// Its address.
    pub address: String,
    /// The inspected server.
    pub server: Box<dyn Server>,
    /// What is loaded, in order.
    pub loads: Vec<PlannedLoad>,
    /// What cannot be loaded, when the others are restored anyway.
    pub refused: Vec<FailedLoad>,
    /// The log of changes that is replayed then.
    pub(super) replay: Option<PlannedReplay>,
}

/// One part and how it is loaded.
pub struct PlannedLoad {
    /// The part.
    pub part: Part,
    /// Name of the logical database on the target; `globals` for globals.
    pub database: String,
    /// How.
    pub plan: LoadPlan,
    /// Whether all of the part is restored, or a choice of its objects.
    pub everything: bool,
}

impl PlannedLoad {
    /// Whether what is there gives way.
    pub fn replaces(&self) -> bool {
        matches!(
            self.plan.effect,
            TargetEffect::Replaces { .. } | TargetEffect::PutsAside { .. } | TargetEffect::Overwrites { .. }
        )
    }

    /// What is worth knowing of it before it is started.
    pub(super) fn notes(&self) -> Vec<String> {
        let found = self.plan.findings.iter().filter(|finding| finding.level != FindingLevel::Ok);
        self.plan.notes.iter().cloned().chain(found.map(findings::line)).collect()
    }

    /// One sentence for people.
    pub fn describe(&self) -> String {
        let size = ByteSize(self.part.plain_bytes);
        let database = &self.database;
        match &self.plan.effect {
            TargetEffect::Creates if !self.everything => {
                format!("Database \"{database}\" is created with the chosen objects.")
            }
            TargetEffect::Creates => format!("Database \"{database}\" is created from {size} of dump."),
            TargetEffect::Replaces { bytes, sessions } => format!(
                "Database \"{database}\" ({}) is replaced by {size} of dump; {} ended. It stays in \
                 use until the new one is whole.",
                ByteSize(*bytes),
                are(*sessions)
            ),
            TargetEffect::PutsAside { bytes, sessions } => format!(
                "Database \"{database}\" ({}) is put aside first, {} ended, and a new one is filled from {size} \
                 of dump under its name: it cannot be used during that time. If that fails, the old one gets its name back.",
                ByteSize(*bytes),
                are(*sessions)
            ),
            TargetEffect::Overwrites { holds } => format!(
                "\"{database}\" is emptied first ({holds}) and filled from {size} of dump; it cannot be used during that time."
            ),
            TargetEffect::Fills => format!("\"{database}\" is filled from {size} of dump."),
            TargetEffect::AddsTo => {
                format!("Objects are added to database \"{database}\"; what is there stays as it is.")
            }
            TargetEffect::AddsGlobals => "Missing roles and tablespaces are created.".to_owned(),
        }
    }
}

/// `1 session is`, `2 sessions are`.
fn are(sessions: u64) -> String {
    format!("{} {}", Count(sessions, "session"), if sessions == 1 { "is" } else { "are" })
}

impl RestorePlan {
    /// What would be done, line by line.
    pub fn lines(&self) -> Vec<String> {
        let of =
            |load: &PlannedLoad| std::iter::once(load.describe()).chain(load.notes()).collect::<Vec<_>>();
        let refused = self.refused.iter().map(|failed| {
            format!("Database \"{}\" cannot be restored: {}", failed.database, failed.error.message)
        });
        let replay = self.replay.iter().map(|planned| planned.report.describe(true));
        self.loads.iter().flat_map(of).chain(refused).chain(replay).collect()
    }
}

/// What a restore is planned from.
pub(super) struct Planning<'a> {
    pub(super) app: &'a App,
    pub(super) request: &'a Request,
    /// The backup and what it builds on, the newest first, its full last.
    pub(super) chain: &'a [Manifest],
    pub(super) target: &'a DatabaseEntry,
    pub(super) reading: &'a StoredBackup<'a>,
}

impl Planning<'_> {
    /// Plans the restore: the right parts, all objects present, the key at hand, the server able.
    pub(super) async fn plan(&self) -> Result<RestorePlan, Failure> {
        let Self { app, request, chain, reading, .. } = self;
        let parts = choose(request, chain)?;
        for manifest in chain.iter().filter(|_| request.proof == RestoreChecks::Full) {
            levels::every_object_is_there(reading.store.as_ref(), manifest).await?;
        }
        let engine = engine::open(app.inventory.engine_settings(self.target).await?);
        let server = engine.inspect(app.runner.as_ref()).await?;
        let recorded = self.recorded().await?;
        let mut loads: Vec<PlannedLoad> = Vec::new();
        let mut refused: Vec<(String, Failure)> = Vec::new();
        let parts = in_order(&parts, &recorded);
        for (number, part) in parts.iter().copied().enumerate() {
            let Some(database) = self.name_of(part) else { continue };
            let following = parts.iter().skip(number + 1).filter_map(|part| part.database.clone());
            let restore = RestoreTarget {
                following_databases: following.collect(),
                ..self.target_of(part, &database, &recorded, &loads)
            };
            let goes_on = request.on_failure == OnFailure::GoOn && part.kind == PartKind::Database;
            match self.load(server.as_ref(), part, &restore, goes_on).await {
                Ok(plan) => {
                    let everything = request.selection.is_everything();
                    loads.push(PlannedLoad { part: part.clone(), database, plan, everything });
                }
                Err(failure) if goes_on => refused.push((database, failure)),
                Err(failure) => return Err(failure),
            }
        }
        if request.on_error == OnError::Stop
            && let Some(failure) = findings::failure_of(loads.iter().flat_map(|load| &load.plan.findings))
        {
            return Err(failure);
        }
        // Where nothing is left to restore, that is no partial success.
        let any = loads.iter().any(|load| load.part.kind == PartKind::Database);
        if !any && !refused.is_empty() {
            return Err(refused.remove(0).1);
        }
        let refused = refused.iter().map(|(database, failure)| FailedLoad::new(database, failure)).collect();
        let replay = self.replay(server.as_ref(), &loads).await?;
        Ok(RestorePlan {
            replay,
            target: self.target.name.clone(),
            address: engine.address(),
            server,
            loads,
            refused,
        })
    }

    /// The log of changes that brings the databases forward, read to its end.
    async fn replay(
        &self,
        server: &dyn Server,
        loads: &[PlannedLoad],
    ) -> Result<Option<PlannedReplay>, Failure> {
        let databases = loads.iter().filter(|load| load.part.kind == PartKind::Database);
        let restored =
            databases.map(|load| Restored { part: load.part.clone(), target: load.database.clone() });
        let restored: Vec<Restored> = restored.collect();
        let log = replay::Chain { app: self.app, reading: self.reading, links: self.chain };
        let planned = log.plan(server, &restored, self.request.definers, Lifetime::Lasting).await?;
        if let Some(obstacle) = planned.as_ref().and_then(|planned| planned.replay.obstacle()) {
            return Err(obstacle.into());
        }
        match planned.as_ref().and_then(|planned| findings::failure_of(&planned.replay.findings())) {
            Some(failure) => Err(failure),
            None => Ok(planned),
        }
    }

    /// The name that `part` gets on the target; `None` for a dump of no database.
    fn name_of(&self, part: &Part) -> Option<String> {
        match part.kind {
            PartKind::Globals => Some("globals".to_owned()),
            _ => self.request.into.clone().or_else(|| part.database.clone()),
        }
    }

    /// What becomes of `part`, after `loads`.
    fn target_of(
        &self,
        part: &Part,
        database: &str,
        recorded: &BTreeMap<String, Contents>,
        loads: &[PlannedLoad],
    ) -> RestoreTarget {
        let request = self.request;
        let manifest = backup_of(self.chain, part);
        RestoreTarget {
            completion: match self.chain {
                [_, _, ..] => Completion::BroughtForward,
                _ => Completion::Whole,
            },
            kind: part.kind,
            source_database: part.database.clone().unwrap_or_default(),
            database: database.to_owned(),
            properties: part.properties.clone(),
            server_version: manifest.server.as_ref().map(|server| server.version.clone()).unwrap_or_default(),
            recorded: part.database.as_ref().and_then(|database| recorded.get(database)).cloned(),
            selection: request.selection.clone(),
            owners: request.owners,
            privileges: request.privileges,
            tablespaces: request.tablespaces,
            definers: request.definers,
            occupied: request.occupied,
            naming: request.naming,
            preceding: loads.len(),
            stop_at_first_error: request.on_error == OnError::Stop,
            missing_roles: MissingRoles::Refuse,
            lifetime: Lifetime::Lasting,
            following_databases: Vec::new(),
            coming_databases: loads.iter().map(|load| load.database.clone()).collect(),
            coming_roles: loads.iter().flat_map(|load| load.plan.new_roles.clone()).collect(),
            coming_tablespaces: loads.iter().flat_map(|load| load.plan.new_tablespaces.clone()).collect(),
            token: random_word(6),
        }
    }

    /// How `part` is loaded. Where the restore `goes_on` without it, what the target lacks is its failure.
    async fn load(
        &self,
        server: &dyn Server,
        part: &Part,
        restore: &RestoreTarget,
        goes_on: bool,
    ) -> Result<LoadPlan, Failure> {
        let archive = StoredPart::new(self.reading, backup_of(self.chain, part), part);
        let plan = server.logical().load(self.app.runner.as_ref(), restore, &archive).await?;
        match findings::failure_of(&plan.findings) {
            Some(failure) if goes_on && self.request.on_error == OnError::Stop => Err(failure),
            _ => Ok(plan),
        }
    }

    /// What was recorded of each database, for what the target must have. Who asked for no proof wants what can be had without.
    async fn recorded(&self) -> Result<BTreeMap<String, Contents>, Failure> {
        match contents::read(self.reading, full_of(self.chain)).await {
            Err(failure)
                if self.request.proof == RestoreChecks::DigestsOnly && failure.class == Class::Integrity =>
            {
                let problem = failure.message();
                let told = format!("what the backup needs of a target is not known: {problem}");
                self.app.watch.say(Tone::Warning, &told);
                Ok(BTreeMap::new())
            }
            read => read,
        }
    }
}

/// The full of a chain, which comes last in it.
pub(in crate::commands) fn full_of(chain: &[Manifest]) -> &Manifest {
    &chain[chain.len() - 1]
}

/// The backup of a chain that a part is of: databases were dumped for the full, and accounts for each.
pub(in crate::commands) fn backup_of<'m>(chain: &'m [Manifest], part: &Part) -> &'m Manifest {
    if part.kind == PartKind::Globals { &chain[0] } else { full_of(chain) }
}

/// The parts of a chain that were asked for: globals first, so that owners exist.
pub(super) fn choose<'m>(request: &Request, chain: &'m [Manifest]) -> Result<Vec<&'m Part>, Failure> {
    let mut parts: Vec<&Part> = Vec::new();
    let manifest = full_of(chain);
    if request.globals == Globals::Restore {
        parts.extend(chain[0].parts_of(PartKind::Globals));
        if parts.is_empty() {
            return Err(Failure::new(Class::NotFound, format!("backup {} holds no globals", manifest.id))
                .help("It was taken with `dump.globals = false`; leave out --globals."));
        }
    }
    let dumps: Vec<&Part> = manifest.parts_of(PartKind::Database).collect();
    let names = || dumps.iter().filter_map(|part| part.database.as_deref()).collect::<Vec<_>>().join(", ");
    let chosen: Vec<&Part> = if request.databases.is_empty() {
        dumps.clone()
    } else {
        let mut chosen = Vec::new();
        for wanted in &request.databases {
            let part = dumps.iter().find(|part| part.database.as_ref() == Some(wanted)).ok_or_else(|| {
                Failure::new(Class::NotFound, format!("backup {} holds no database `{wanted}`", manifest.id))
                    .help(format!("It holds {}", names()))
            })?;
            chosen.push(*part);
        }
        chosen
    };
    if chosen.len() != 1 && needs_one_database(request) {
        let help = format!("Choose one with --dbname: {}", names());
        return Err(Failure::new(Class::Usage, ONE_DATABASE).help(help));
    }
    parts.extend(chosen);
    Ok(parts)
}

/// What is wrong with some options and several databases.
pub(super) const ONE_DATABASE: &str = "--into, --schema and --table go with exactly one logical database";

/// Whether options were given that are of one database.
pub(super) fn needs_one_database(request: &Request) -> bool {
    request.into.is_some() || !request.selection.is_everything()
}
