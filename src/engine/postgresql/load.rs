//! Plans of restores.

use super::archive::{ArchiveFacts, LeftOut, Outline, TableOfContents};
use super::cron::needs_own_name;
use super::facts::PostgreSqlServer;
use super::ignored::passed_over;
use super::properties::{DatabaseProperties, Finish, Surroundings};
use super::psql::statements;
use super::quote::{connection_string, with_suffix};
use super::swap::{FILLING_MARK, REPLACED_MARK, drop_sql, leftovers, swap_sql};
use super::target::TargetFacts;
use super::tools::{self, ToolSet};
use crate::engine::{
    Consumer, EngineError, Finding, Lifetime, LoadPlan, Naming, Occupied, OpenArchive, Ownership,
    RestoreTarget, Step, TargetEffect,
};
use crate::model::{PartKind, ServerRole};
use crate::process::{Argument, Runner, ToolSpec};

/// pg_restore of this major and newer sets a variable that older servers do not have, which is an error there.
const SETS_TRANSACTION_TIMEOUT: u32 = 17;

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
                help: "Restore into the primary.".to_owned(),
            });
        }
        if target.occupied == Occupied::Clean && !target.selection.is_everything() {
            return Err(EngineError::Refused {
                problem: "--clean empties a database, so it does not go with a choice of its objects"
                    .to_owned(),
                help: "Leave it out: chosen objects are added to what is there.".to_owned(),
            });
        }
        self.check_server_versions(target)?;
        match target.kind {
            PartKind::Database => {
                let mut facts = self.target_facts(runner, &target.database).await?;
                if facts.read_only {
                    return Err(EngineError::Refused {
                        problem: format!("{} is set read-only", self.connection.address()),
                        help: "Set `default_transaction_read_only` off for this role or server first."
                            .to_owned(),
                    });
                }
                facts.expect(target);
                if target.selection.is_everything() {
                    let outline = Outline::read(open(archive).await?).await?;
                    let wanted = (outline.as_ref(), &facts);
                    match facts.database.as_ref().filter(|_| target.occupied == Occupied::Clean) {
                        Some(existing) => self.load_emptied(runner, target, wanted, existing).await,
                        None => self.load_everything(runner, target, wanted).await,
                    }
                } else {
                    let toc = TableOfContents::read(open(archive).await?).await?;
                    let toc = toc.ok_or_else(|| EngineError::Archive {
                        problem: "its version is not known here, so nothing can be chosen from it".to_owned(),
                    })?;
                    self.load_selection(runner, target, &toc, &facts).await
                }
            }
            PartKind::Globals => self.load_globals(runner, target, open(archive).await?).await,
            PartKind::Contents => Err(EngineError::Refused {
                problem: "a list of contents cannot be restored".to_owned(),
                help: "Restore the databases of the backup.".to_owned(),
            }),
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
            help: format!(
                "Restore into PostgreSQL {dumped} or newer, or accept errors with `--allow-errors`."
            ),
        })
    }

    /// pg_restore of the target's major, where it can read the archive.
    fn restore_tool(
        &self,
        target: &RestoreTarget,
        archive: Option<&ArchiveFacts>,
    ) -> Result<&ToolSet, EngineError> {
        let dumper = archive.map_or(0, |archive| Self::major_of_dump(&archive.dump_version));
        let bin_dir = self.connection.settings.bin_dir.as_deref();
        let needed = dumper.max(self.major);
        let set = tools::fitting(&self.tools, needed)
            .ok_or_else(|| tools::missing("pg_restore", Some(needed), bin_dir))?;
        let breaks = set.major >= SETS_TRANSACTION_TIMEOUT && self.major < SETS_TRANSACTION_TIMEOUT;
        if !breaks || !target.stop_at_first_error {
            return Ok(set);
        }
        if dumper < SETS_TRANSACTION_TIMEOUT {
            return Err(tools::missing("pg_restore", Some(self.major), bin_dir));
        }
        Err(EngineError::Version {
            problem: format!(
                "the dump was written by pg_dump {dumper}, and pg_restore {} cannot restore into PostgreSQL {} without errors",
                set.major, self.major
            ),
            help: format!(
                "Restore into PostgreSQL {SETS_TRANSACTION_TIMEOUT} or newer, or accept errors with `--allow-errors`."
            ),
        })
    }

    async fn load_everything(
        &self,
        runner: &dyn Runner,
        target: &RestoreTarget,
        (outline, facts): (Option<&Outline>, &TargetFacts),
    ) -> Result<LoadPlan, EngineError> {
        self.check_beside(target, facts)?;
        let Some(outline) = outline else {
            let contents = Filling { archive: None, list: None };
            let mut plan = self.load_beside(runner, target, (facts, contents)).await?;
            let note =
                "the version of the archive is not known here: its owners and extensions were not checked";
            plan.notes.push(note.to_owned());
            return Ok(plan);
        };
        let list = outline.list(&LeftOut {
            extension_comments: !self.superuser,
            views: true,
            user_mappings: target.lifetime == Lifetime::ThrownAway,
        });
        let mut plan = if target.naming == Naming::Own || needs_own_name(outline) {
            self.load_named(runner, target, (outline, facts), list).await?
        } else {
            let contents = Filling { archive: Some(&outline.facts), list };
            self.load_beside(runner, target, (facts, contents)).await?
        };
        plan.findings.extend(self.cron_findings(target, outline, facts));
        let lacks = self.lacks(target, outline, facts);
        plan.findings.extend(lacks.findings);
        self.fill_views(&mut plan, target, &outline.views)?;
        self.make_roles(&mut plan, target, lacks.roles)?;
        if outline.has_subscriptions {
            self.undo_subscriptions(&mut plan, target);
        }
        Ok(plan)
    }

    /// Fills a database beside the target, which [`Self::check_beside`] has found possible, and gives it the target's
    /// name at the end.
    pub(super) async fn load_beside(
        &self,
        runner: &dyn Runner,
        target: &RestoreTarget,
        (facts, contents): (&TargetFacts, Filling<'_>),
    ) -> Result<LoadPlan, EngineError> {
        let filling = with_suffix(&target.database, &format!("{FILLING_MARK}{}", target.token));
        let replaced = with_suffix(&target.database, &format!("{REPLACED_MARK}{}", target.token));
        if let Some(taken) = facts.databases.iter().find(|name| **name == filling || **name == replaced) {
            return Err(EngineError::Refused {
                problem: format!("the database `{taken}` is there already"),
                help: "Try again: another name will be taken.".to_owned(),
            });
        }
        let Creation { create, finish, mut notes, findings } =
            self.creation(runner, target, facts, &filling).await?;
        let feed = self.feed_into(target, contents, &filling)?;
        let beside = self.maintenance_beside(&target.database);
        let run = |sql: &str| statements(&self.connection, &self.tool, &beside, sql).map(Step::from);
        let effect = facts.database.as_ref().map_or(TargetEffect::Creates, |existing| {
            TargetEffect::Replaces { bytes: existing.bytes, sessions: existing.sessions }
        });
        let old = facts.database.as_ref().map(|_| replaced.as_str());
        let mut after = Vec::new();
        if !finish.is_empty() {
            after.push(run(&finish)?);
        }
        after.push(run(&swap_sql(&target.database, &filling, old))?);
        notes.extend(leftovers(&facts.databases).map(|name| {
            format!(
                "database `{name}` was left by an interrupted restore; when none is running: {}",
                drop_sql(name)
            )
        }));
        Ok(LoadPlan {
            before: vec![run(&create)?],
            after,
            undo: vec![run(&drop_sql(&filling))?],
            cleanup: old.iter().map(|replaced| run(&drop_sql(replaced))).collect::<Result<_, _>>()?,
            filling,
            notes,
            findings,
            ..LoadPlan::new(effect, feed)
        })
    }

    /// How the database comes to be. What it was created with and the target refuses is told.
    pub(super) async fn creation(
        &self,
        runner: &dyn Runner,
        target: &RestoreTarget,
        facts: &TargetFacts,
        filling: &str,
    ) -> Result<Creation, EngineError> {
        if target.properties.is_null() {
            return Ok(Creation {
                create: format!("CREATE DATABASE {} TEMPLATE template0;", super::quote::identifier(filling)),
                finish: String::new(),
                notes: vec![
                    "the backup does not say how its database was created: the target's defaults apply"
                        .to_owned(),
                ],
                findings: Vec::new(),
            });
        }
        let properties: DatabaseProperties =
            serde_json::from_value(target.properties.clone()).map_err(|error| EngineError::Archive {
                problem: format!("the properties of its database: {error}"),
            })?;
        let tablespaces = match target.tablespaces {
            Ownership::Keep => facts.usable_tablespaces.as_slice(),
            Ownership::Skip => &[],
        };
        let mut notes = Vec::new();
        let own = &properties.tablespace;
        if own != "pg_default" && target.tablespaces == Ownership::Keep && !tablespaces.contains(own) {
            let problem = if facts.tablespaces.contains(own) { "may not be used" } else { "is not there" };
            notes.push(format!("tablespace `{own}` {problem}: the default one is used"));
        }
        let owner = Some(properties.owner.as_str()).filter(|owner| {
            target.owners == Ownership::Keep && facts.usable_roles.iter().any(|role| role == owner)
        });
        let refused = match target.lifetime {
            Lifetime::Lasting => self.refused_settings(runner, &properties, facts).await?,
            Lifetime::ThrownAway => Vec::new(),
        };
        let surroundings = Surroundings { major: self.major, owner, tablespaces };
        let finish = Finish { roles: &facts.roles, grants: target.privileges, refused: &refused };
        Ok(Creation {
            create: properties.create_sql(filling, &surroundings)?,
            finish: properties.finish_sql(filling, &finish),
            notes,
            findings: refused.iter().map(|refused| self.setting_finding(&target.database, refused)).collect(),
        })
    }

    /// What fills `database`, which nobody needs when that fails.
    pub(super) fn feed_into(
        &self,
        target: &RestoreTarget,
        contents: Filling<'_>,
        database: &str,
    ) -> Result<Consumer, EngineError> {
        let feed = self.feed(target, contents.archive, database)?;
        let feed = match contents.list {
            Some(list) => feed.arg(list_argument(&list)),
            None => feed,
        };
        Ok(consumer(target, feed))
    }

    /// pg_restore into a database that nobody else uses: it is thrown away when anything fails, so it needs no
    /// transaction around everything, whose locks on every object would exceed the server's lock table.
    fn feed(
        &self,
        target: &RestoreTarget,
        archive: Option<&ArchiveFacts>,
        database: &str,
    ) -> Result<ToolSpec, EngineError> {
        // The rename at the end is committed for good, and with it everything before it.
        let connection = self.connection.with_option("synchronous_commit=off");
        let tool = connection.tool(self.restore_tool(target, archive)?, "pg_restore", database);
        let tool = restore_args(tool, target, database);
        Ok(if target.stop_at_first_error { tool.arg("--exit-on-error") } else { tool })
    }

    /// pg_restore into a database that is in use: all or nothing.
    pub(super) fn feed_existing(
        &self,
        target: &RestoreTarget,
        archive: &ArchiveFacts,
        list: &str,
    ) -> Result<ToolSpec, EngineError> {
        let set = self.restore_tool(target, Some(archive))?;
        let tool =
            restore_args(self.connection.tool(set, "pg_restore", &target.database), target, &target.database);
        let tool = tool.arg(list_argument(list));
        Ok(if target.stop_at_first_error {
            tool.args(["--exit-on-error", "--single-transaction"])
        } else {
            tool
        })
    }
}

/// What goes into a new database.
pub(super) struct Filling<'a> {
    /// What wrote the archive; `None` where its version is not known here.
    pub(super) archive: Option<&'a ArchiveFacts>,
    /// The chosen entries; `None` for all.
    pub(super) list: Option<String>,
}

/// How a database comes to be.
pub(super) struct Creation {
    /// Makes it.
    pub(super) create: String,
    /// Gives it what it has, once it is full.
    pub(super) finish: String,
    pub(super) notes: Vec<String>,
    pub(super) findings: Vec<Finding>,
}

/// pg_restore goes on after errors unless it is told to stop, and says by its status that there were some.
pub(super) fn consumer(target: &RestoreTarget, tool: ToolSpec) -> Consumer {
    if target.stop_at_first_error { Consumer::Tool(tool) } else { Consumer::Tolerant(tool, passed_over) }
}

fn restore_args(tool: ToolSpec, target: &RestoreTarget, database: &str) -> ToolSpec {
    let skips = [
        (target.owners, "--no-owner"),
        (target.privileges, "--no-privileges"),
        (target.tablespaces, "--no-tablespaces"),
    ];
    let skips =
        skips.into_iter().filter(|(ownership, _)| *ownership == Ownership::Skip).map(|(_, option)| option);
    tool.arg(format!("--dbname={}", connection_string(database))).args(skips)
}

fn list_argument(list: &str) -> Argument {
    Argument::File { name: "list of objects", prefix: "--use-list=", contents: list.as_bytes().into() }
}

async fn open(archive: &dyn OpenArchive) -> Result<crate::model::ByteReader<'static>, EngineError> {
    let doing = "open the backup".to_owned();
    archive.open().await.map_err(|source| EngineError::Read { doing, source })
}
