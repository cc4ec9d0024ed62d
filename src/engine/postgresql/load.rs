//! Plans of restores.

use super::archive::{Outline, SkippedEntries, TableOfContents};
use super::cron::needs_own_name;
use super::facts::PostgreSqlServer;
use super::planner::{Filling, LoadPlanner};
use crate::engine::{EngineError, Lifetime, LoadPlan, Naming, Occupied, OpenArchive, RestoreTarget};
use crate::model::{PartKind, ServerRole, help};
use crate::process::Runner;

impl PostgreSqlServer {
    pub(super) async fn plan_load(
        &self,
        runner: &dyn Runner,
        target: &RestoreTarget,
        archive: &dyn OpenArchive,
    ) -> Result<LoadPlan, EngineError> {
        if self.facts.role == ServerRole::Replica {
            return Err(EngineError::Refused {
                problem: format!("{} is a replica and takes no writes", self.connection.address()),
                help: help!("Restore into the primary."),
            });
        }
        if target.occupied == Occupied::Clean && !target.selection.is_everything() {
            return Err(EngineError::Refused {
                problem: "--clean empties a database, so it cannot be used with a choice of objects"
                    .to_owned(),
                help: help!("Leave out --clean: the chosen objects are added to the database."),
            });
        }
        self.check_server_versions(target)?;
        match target.kind {
            PartKind::Database => self.plan_database(runner, target, archive).await,
            PartKind::Globals => self.load_globals(runner, target, open(archive).await?).await,
            kind => Err(EngineError::not_loadable(kind)),
        }
    }

    async fn plan_database(
        &self,
        runner: &dyn Runner,
        target: &RestoreTarget,
        archive: &dyn OpenArchive,
    ) -> Result<LoadPlan, EngineError> {
        let mut facts = self.target_facts(runner, &target.database).await?;
        if facts.read_only {
            return Err(EngineError::Refused {
                problem: format!("{} is set to be read-only", self.connection.address()),
                help: help!(
                    "Set `default_transaction_read_only` to off for this role or for the server first."
                ),
            });
        }
        facts.expect(target);
        let planner = LoadPlanner { server: self, runner, target, facts: &facts };
        if !target.selection.is_everything() {
            let toc = TableOfContents::read(open(archive).await?).await?;
            let toc = toc.ok_or_else(|| EngineError::Archive {
                problem: "its version is unknown, so no objects can be chosen from it".to_owned(),
            })?;
            return planner.load_selection(&toc).await;
        }
        let outline = Outline::read(open(archive).await?).await?;
        match facts.database.as_ref().filter(|_| target.occupied == Occupied::Clean) {
            Some(existing) => planner.load_emptied(outline.as_ref(), existing).await,
            None => planner.load_everything(outline.as_ref()).await,
        }
    }

    fn check_server_versions(&self, target: &RestoreTarget) -> Result<(), EngineError> {
        let dumped = Self::major_of_dump(&target.server_version);
        if dumped <= self.major || !target.stop_at_first_error {
            return Ok(());
        }
        Err(EngineError::Version {
            problem: format!(
                "a dump of PostgreSQL {dumped} does not fit into the older PostgreSQL {}",
                self.major
            ),
            help: help!("Restore into PostgreSQL {dumped} or newer, or accept errors with `--allow-errors`."),
        })
    }
}

impl LoadPlanner<'_> {
    async fn load_everything(&self, outline: Option<&Outline>) -> Result<LoadPlan, EngineError> {
        let (server, target, facts) = (self.server, self.target, self.facts);
        server.check_beside(target, facts)?;
        let Some(outline) = outline else {
            let contents = Filling { archive: None, list: None };
            let mut plan = self.load_beside(contents).await?;
            let note = "the version of the archive is unknown: its owners and extensions were not checked";
            plan.notes.push(note.to_owned());
            return Ok(plan);
        };
        let list = outline.list(&SkippedEntries {
            extension_comments: !server.superuser,
            views: true,
            user_mappings: target.lifetime == Lifetime::ThrownAway,
        });
        let mut plan = if target.naming == Naming::Own || needs_own_name(outline) {
            self.load_named(outline, list).await?
        } else {
            let contents = Filling { archive: Some(&outline.facts), list };
            self.load_beside(contents).await?
        };
        plan.findings.extend(server.cron_findings(target, outline, facts));
        let lacks = server.lacks(target, outline, facts);
        plan.findings.extend(lacks.findings);
        server.fill_views(&mut plan, target, &outline.views)?;
        server.make_roles(&mut plan, target, lacks.roles)?;
        if outline.has_subscriptions {
            server.undo_subscriptions(&mut plan, target);
        }
        Ok(plan)
    }
}

async fn open(archive: &dyn OpenArchive) -> Result<crate::model::ByteReader<'static>, EngineError> {
    let doing = "open the backup".to_owned();
    archive.open().await.map_err(|source| EngineError::Read { doing, source })
}
