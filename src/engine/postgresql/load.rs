//! Plans of restores.

use super::archive::TableOfContents;
use super::facts::PostgreSqlServer;
use super::properties::{DatabaseProperties, Surroundings};
use super::psql::statements;
use super::quote::{connection_string, with_suffix};
use super::roles::{use_list, without_extension_comments};
use super::swap::{FILLING_MARK, REPLACED_MARK, drop_sql, leftovers, swap_sql};
use super::target::TargetFacts;
use super::tools::{self, ToolSet};
use crate::engine::{
    Consumer, EngineError, LoadPlan, Occupied, OpenArchive, Ownership, RestoreTarget, Step, TargetEffect,
};
use crate::model::{PartKind, ServerRole};
use crate::process::{Argument, Runner, ToolRun, ToolSpec};

/// pg_restore of this major and newer sets a variable that older servers do not have, which is an error there.
const SETS_TRANSACTION_TIMEOUT: u32 = 17;

/// The status of a pg_restore that went on after errors.
const STATUS_SOME_FAILED: i32 = 1;

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
        if target.occupied == Occupied::Clean {
            return Err(EngineError::Refused {
                problem: "--clean empties a server that is restored as a whole, and PostgreSQL is not"
                    .to_owned(),
                help: "Leave it out: a database that exists is replaced once the new one is whole."
                    .to_owned(),
            });
        }
        self.check_server_versions(target)?;
        match target.kind {
            PartKind::Database => {
                let toc = TableOfContents::read(open(archive).await?).await?;
                let mut facts = self.target_facts(runner, &target.database).await?;
                if facts.read_only {
                    return Err(EngineError::Refused {
                        problem: format!("{} is set read-only", self.connection.address()),
                        help: "Set `default_transaction_read_only` off for this role or server first."
                            .to_owned(),
                    });
                }
                facts.roles.extend(target.coming_roles.iter().cloned());
                facts.usable_roles.extend(target.coming_roles.iter().cloned());
                if target.selection.is_everything() {
                    self.load_everything(target, toc.as_ref(), &facts)
                } else {
                    let toc = toc.ok_or_else(|| EngineError::Archive {
                        problem: "its version is not known here, so nothing can be chosen from it".to_owned(),
                    })?;
                    self.load_selection(runner, target, &toc, &facts).await
                }
            }
            PartKind::Globals => self.load_globals(runner, open(archive).await?).await,
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
        toc: Option<&TableOfContents>,
    ) -> Result<&ToolSet, EngineError> {
        let dumper = toc.map_or(0, |toc| Self::major_of_dump(&toc.facts.dump_version));
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

    fn load_everything(
        &self,
        target: &RestoreTarget,
        toc: Option<&TableOfContents>,
        facts: &TargetFacts,
    ) -> Result<LoadPlan, EngineError> {
        self.check_beside(target, facts)?;
        let mut notes = Vec::new();
        let mut list = None;
        let mut roles = Vec::new();
        match toc {
            Some(toc) => {
                let left = if self.superuser { None } else { without_extension_comments(toc) };
                list = left.map(use_list);
                roles =
                    self.check_needs(target, &toc.entries.iter().collect::<Vec<_>>(), facts, &mut notes)?;
            }
            None => notes.push(
                "the version of the archive is not known here: its owners and extensions were not checked"
                    .to_owned(),
            ),
        }
        let mut plan = self.load_beside(target, toc, facts, list)?;
        plan.notes.extend(notes);
        self.make_roles(&mut plan, target, roles)?;
        Ok(plan)
    }

    /// Fills a database beside the target, which [`Self::check_beside`] has found possible, and gives it the target's
    /// name at the end.
    pub(super) fn load_beside(
        &self,
        target: &RestoreTarget,
        toc: Option<&TableOfContents>,
        facts: &TargetFacts,
        list: Option<String>,
    ) -> Result<LoadPlan, EngineError> {
        let filling = with_suffix(&target.database, &format!("{FILLING_MARK}{}", target.token));
        let replaced = with_suffix(&target.database, &format!("{REPLACED_MARK}{}", target.token));
        if let Some(taken) = facts.databases.iter().find(|name| **name == filling || **name == replaced) {
            return Err(EngineError::Refused {
                problem: format!("the database `{taken}` is there already"),
                help: "Try again: another name will be taken.".to_owned(),
            });
        }
        let mut notes = Vec::new();
        let (create, finish) = self.creation(target, facts, &filling, &mut notes)?;
        let mut feed = self.feed(target, toc, &filling)?;
        if let Some(list) = list {
            feed = feed.arg(list_argument(&list));
        }
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
            ..LoadPlan::new(effect, consumer(target, feed))
        })
    }

    /// The statements that create the database and those that finish it.
    fn creation(
        &self,
        target: &RestoreTarget,
        facts: &TargetFacts,
        filling: &str,
        notes: &mut Vec<String>,
    ) -> Result<(String, String), EngineError> {
        if target.properties.is_null() {
            notes.push(
                "the backup does not say how its database was created: the target's defaults apply"
                    .to_owned(),
            );
            let create = format!("CREATE DATABASE {} TEMPLATE template0;", super::quote::identifier(filling));
            return Ok((create, String::new()));
        }
        let properties: DatabaseProperties =
            serde_json::from_value(target.properties.clone()).map_err(|error| EngineError::Archive {
                problem: format!("the properties of its database: {error}"),
            })?;
        if properties.tablespace != "pg_default" && !facts.tablespaces.contains(&properties.tablespace) {
            notes.push(format!(
                "tablespace `{}` is not there: the default one is used",
                properties.tablespace
            ));
        }
        let owner = Some(properties.owner.as_str()).filter(|owner| {
            target.owners == Ownership::Keep && facts.usable_roles.iter().any(|role| role == owner)
        });
        let surroundings = Surroundings { major: self.major, owner, tablespaces: &facts.tablespaces };
        let create = properties.create_sql(filling, &surroundings)?;
        Ok((create, properties.finish_sql(filling, &facts.roles, target.privileges)))
    }

    /// pg_restore into a database that nobody else uses: it is thrown away when anything fails, so it needs no
    /// transaction around everything, whose locks on every object would exceed the server's lock table.
    fn feed(
        &self,
        target: &RestoreTarget,
        toc: Option<&TableOfContents>,
        database: &str,
    ) -> Result<ToolSpec, EngineError> {
        let mut connection = self.connection.clone();
        // The rename at the end is committed for good, and with it everything before it.
        connection.options.push("synchronous_commit=off");
        let tool = connection.tool(self.restore_tool(target, toc)?, "pg_restore", database);
        let tool = restore_args(tool, target, database);
        Ok(if target.stop_at_first_error { tool.arg("--exit-on-error") } else { tool })
    }

    /// pg_restore into a database that is in use: all or nothing.
    pub(super) fn feed_existing(
        &self,
        target: &RestoreTarget,
        toc: &TableOfContents,
        list: &str,
    ) -> Result<ToolSpec, EngineError> {
        let set = self.restore_tool(target, Some(toc))?;
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

/// pg_restore goes on after errors unless it is told to stop, and says by its status that there were some.
pub(super) fn consumer(target: &RestoreTarget, tool: ToolSpec) -> Consumer {
    if target.stop_at_first_error { Consumer::Tool(tool) } else { Consumer::Lenient(tool, passed_over) }
}

fn passed_over(run: &ToolRun) -> Option<Vec<String>> {
    match run.status {
        0 => Some(Vec::new()),
        STATUS_SOME_FAILED => {
            let lines = run.stderr.lines().filter(|line| line.contains("error:"));
            let errors: Vec<String> = lines.map(ToOwned::to_owned).collect();
            Some(if errors.is_empty() { vec![run.stderr.clone()] } else { errors })
        }
        _ => None,
    }
}

fn restore_args(tool: ToolSpec, target: &RestoreTarget, database: &str) -> ToolSpec {
    let skips = [(target.owners, "--no-owner"), (target.privileges, "--no-privileges")];
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
