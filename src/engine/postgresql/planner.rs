//! The planner of restores into one database: the parts that all its plans have in common.

use super::archive::ArchiveFacts;
use super::facts::PostgreSqlServer;
use super::ignored::passed_over;
use super::properties::{DatabaseProperties, Finish, Surroundings};
use super::psql::statements;
use super::quote::{connection_string, identifier};
use super::target::TargetFacts;
use super::tools::{self, ToolSet};
use crate::engine::{Consumer, EngineError, Finding, Lifetime, Ownership, RestoreTarget, Step};
use crate::model::help;
use crate::process::{Argument, Runner, ToolSpec};

/// pg_restore of this major version and newer sets a variable that older servers do not know, which is an error there.
const SETS_TRANSACTION_TIMEOUT: u32 = 17;

/// Plans the restore of one archive into one database.
pub(super) struct LoadPlanner<'a> {
    pub(super) server: &'a PostgreSqlServer,
    pub(super) runner: &'a dyn Runner,
    pub(super) target: &'a RestoreTarget,
    /// What the server has, and what will be created on it before the load begins.
    pub(super) facts: &'a TargetFacts,
}

/// The contents of a new database.
pub(super) struct Filling<'a> {
    /// The head of the archive; `None` if the version of the archive is unknown.
    pub(super) archive: Option<&'a ArchiveFacts>,
    /// The chosen entries; `None` for all.
    pub(super) list: Option<String>,
}

/// How a database is created.
pub(super) struct Creation {
    /// Statements that create it.
    pub(super) create: String,
    /// Statements that give it its comment, settings and rights once it is full.
    pub(super) finish: String,
    pub(super) notes: Vec<String>,
    pub(super) findings: Vec<Finding>,
}

impl<'a> LoadPlanner<'a> {
    /// A step that runs `sql` in `database`.
    pub(super) fn step(&self, database: &str, sql: &str) -> Result<Step, EngineError> {
        statements(&self.server.connection, &self.server.tool, database, sql).map(Step::from)
    }

    /// Checks that no database has one of the names that the restore gives to databases for a while. Undoing the restore
    /// would drop such a database, or take it for the one that was put aside.
    pub(super) fn check_unused(&self, names: [&str; 2]) -> Result<(), EngineError> {
        let Some(taken) = self.facts.databases.iter().find(|name| names.contains(&name.as_str())) else {
            return Ok(());
        };
        Err(EngineError::Refused {
            problem: format!("the restore would create the database `{taken}`, which exists already"),
            help: help!("Start the restore again: it chooses another name."),
        })
    }

    /// How the database is created. Findings name the properties that the target refuses.
    pub(super) async fn creation(&self, filling: &str) -> Result<Creation, EngineError> {
        if self.target.properties.is_null() {
            return Ok(Creation {
                create: format!("CREATE DATABASE {} TEMPLATE template0;", identifier(filling)),
                finish: String::new(),
                notes: vec![
                    "the backup does not say how its database was created: the target's defaults apply"
                        .to_owned(),
                ],
                findings: Vec::new(),
            });
        }
        let properties: DatabaseProperties =
            serde_json::from_value(self.target.properties.clone()).map_err(|error| EngineError::Archive {
                problem: format!("the properties of its database: {error}"),
            })?;
        let tablespaces = match self.target.tablespaces {
            Ownership::Keep => self.facts.usable_tablespaces.as_slice(),
            Ownership::Skip => &[],
        };
        let mut notes = Vec::new();
        let own = &properties.tablespace;
        if own != "pg_default" && self.target.tablespaces == Ownership::Keep && !tablespaces.contains(own) {
            let problem =
                if self.facts.tablespaces.contains(own) { "may not be used" } else { "does not exist" };
            notes.push(format!("tablespace `{own}` {problem}: the default one is used"));
        }
        let owner = Some(properties.owner.as_str()).filter(|owner| {
            self.target.owners == Ownership::Keep && self.facts.usable_roles.iter().any(|role| role == owner)
        });
        let refused = match self.target.lifetime {
            Lifetime::Lasting => self.server.refused_settings(self.runner, &properties, self.facts).await?,
            Lifetime::ThrownAway => Vec::new(),
        };
        let surroundings = Surroundings { major: self.server.major, owner, tablespaces };
        let finish = Finish { roles: &self.facts.roles, grants: self.target.privileges, refused: &refused };
        Ok(Creation {
            create: properties.create_sql(filling, &surroundings)?,
            finish: properties.finish_sql(filling, &finish),
            notes,
            findings: refused
                .iter()
                .map(|refused| self.server.setting_finding(&self.target.database, refused))
                .collect(),
        })
    }

    /// The consumer that fills `database`, a database that is dropped if that fails.
    pub(super) fn feed_into(&self, contents: Filling<'_>, database: &str) -> Result<Consumer, EngineError> {
        let feed = self.feed(contents.archive, database)?;
        let feed = match contents.list {
            Some(list) => feed.arg(list_argument(&list)),
            None => feed,
        };
        Ok(self.consumer(feed))
    }

    /// pg_restore into a database that nobody else uses. The database is dropped if anything fails, so pg_restore needs no
    /// transaction around everything, whose locks would exceed the lock table of the server.
    fn feed(&self, archive: Option<&ArchiveFacts>, database: &str) -> Result<ToolSpec, EngineError> {
        // The commit of the rename at the end is synchronous, and it makes all earlier commits durable.
        let connection = self.server.connection.with_option("synchronous_commit=off");
        let tool = connection.tool(self.restore_tool(archive)?, "pg_restore", database);
        let tool = restore_args(tool, self.target, database);
        Ok(if self.target.stop_at_first_error { tool.arg("--exit-on-error") } else { tool })
    }

    /// pg_restore into a database that is in use: all or nothing.
    pub(super) fn feed_existing(&self, archive: &ArchiveFacts, list: &str) -> Result<ToolSpec, EngineError> {
        let database = &self.target.database;
        let set = self.restore_tool(Some(archive))?;
        let tool =
            restore_args(self.server.connection.tool(set, "pg_restore", database), self.target, database);
        let tool = tool.arg(list_argument(list));
        Ok(if self.target.stop_at_first_error {
            tool.args(["--exit-on-error", "--single-transaction"])
        } else {
            tool
        })
    }

    /// pg_restore goes on after errors unless it is told to stop. Its exit status then tells that there were errors.
    pub(super) fn consumer(&self, tool: ToolSpec) -> Consumer {
        if self.target.stop_at_first_error {
            Consumer::Tool(tool)
        } else {
            Consumer::Tolerant(tool, passed_over)
        }
    }

    /// pg_restore of the target's major version, or of a newer one if the archive needs that.
    fn restore_tool(&self, archive: Option<&ArchiveFacts>) -> Result<&'a ToolSet, EngineError> {
        let dumper = archive.map_or(0, |archive| PostgreSqlServer::major_of_dump(&archive.dump_version));
        let bin_dir = self.server.connection.settings.bin_dir.as_deref();
        let needed = dumper.max(self.server.major);
        let set = tools::fitting(&self.server.tools, needed)
            .ok_or_else(|| tools::missing("pg_restore", Some(needed), bin_dir))?;
        let breaks = set.major >= SETS_TRANSACTION_TIMEOUT && self.server.major < SETS_TRANSACTION_TIMEOUT;
        if !breaks || !self.target.stop_at_first_error {
            return Ok(set);
        }
        if dumper < SETS_TRANSACTION_TIMEOUT {
            return Err(tools::missing("pg_restore", Some(self.server.major), bin_dir));
        }
        Err(EngineError::Version {
            problem: format!(
                "the dump was written by pg_dump {dumper}, and pg_restore {} cannot restore into PostgreSQL {} without errors",
                set.major, self.server.major
            ),
            help: help!(
                "Restore into PostgreSQL {SETS_TRANSACTION_TIMEOUT} or newer, or accept errors with `--allow-errors`."
            ),
        })
    }
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
