//! Plans of restores of one logical database.

use super::client::{Client, Question};
use super::definition::kinds;
use super::dropping::drop_database;
use super::events::EnableEvents;
use super::facts::MySqlServer;
use super::postponed::CreateViews;
use super::preflight::Preflight;
use super::properties::DatabaseProperties;
use super::qualified::Renaming;
use super::quote::{identifier, literal, literals};
use super::reserved::{SYSTEM_DATABASES, UNFINISHED_MARK};
use super::rewrite::{Changes, rewrite};
use super::version::ToolVersion;
use crate::engine::{
    Completion, Consumer, EngineError, Lifetime, LoadPlan, LogicalDatabase, OpenArchive, RestoreTarget, Step,
    TargetEffect,
};
use crate::model::{ByteSize, Help, PartKind, ServerRole, help};
use crate::process::{Runner, ToolRun};
use std::sync::{Arc, PoisonError};

/// How the clients begin an error of a statement, and one of their own: of the connection.
const ERROR: &str = "ERROR ";
const CONNECTION_LOST: &str = "ERROR 20";

impl MySqlServer {
    pub(super) async fn plan_load(
        &self,
        runner: &dyn Runner,
        target: &RestoreTarget,
        archive: &dyn OpenArchive,
    ) -> Result<LoadPlan, EngineError> {
        self.check_writable()?;
        match target.kind {
            PartKind::Database => {
                self.check_target(target)?;
                let mut plan = if target.selection.tables.is_empty() {
                    self.load_everything(runner, target).await?
                } else {
                    self.load_tables(runner, target).await?
                };
                // Once for all databases of a restore.
                if target.preceding == 0 && target.lifetime == Lifetime::Lasting {
                    self.remove_leftovers(runner, &mut plan).await?;
                }
                Ok(plan)
            }
            PartKind::Globals => {
                let doing = "open the backup".to_owned();
                let users = archive.open().await.map_err(|source| EngineError::Read { doing, source })?;
                self.load_users(runner, target, users).await
            }
            kind => Err(EngineError::not_loadable(kind)),
        }
    }

    fn check_target(&self, target: &RestoreTarget) -> Result<(), EngineError> {
        let refused = |problem: String, help: Help| EngineError::Refused { problem, help };
        if !target.selection.schemas.is_empty() {
            let name = self.flavor().name;
            return Err(refused(
                format!("a database of {name} has no schemas"),
                help!("Leave out --schema."),
            ));
        }
        if SYSTEM_DATABASES.contains(&target.database.to_ascii_lowercase().as_str()) {
            let problem = format!("`{}` is the server's own", target.database);
            return Err(refused(problem, help!("Restore into another name with --into.")));
        }
        let dumped = ToolVersion::parse(&target.server_version);
        if let Some(dumped) = dumped.filter(|dumped| *dumped > self.version && target.stop_at_first_error) {
            let name = self.flavor().name;
            return Err(EngineError::Version {
                problem: format!(
                    "a dump of {name} {dumped} does not fit into the older {name} {}",
                    self.version
                ),
                help: help!("Restore into {name} {dumped} or newer, or accept errors with `--allow-errors`."),
            });
        }
        Ok(())
    }

    /// That it is a primary that takes writes.
    fn check_writable(&self) -> Result<(), EngineError> {
        let refused = |problem: String, help: Help| EngineError::Refused { problem, help };
        if self.facts.role == ServerRole::Replica {
            let problem = format!("{} follows another server", self.client.connection.address());
            return Err(refused(problem, help!("Restore into the server that it follows.")));
        }
        let variables = ["super_read_only", "read_only", "innodb_read_only"];
        if let Some(variable) = variables.into_iter().find(|variable| self.is_on(variable)) {
            let problem = format!("{} takes no writes: `{variable}` is on", self.client.connection.address());
            return Err(refused(
                problem,
                help!("Restore into a server that takes writes, or SET GLOBAL read_only = 0;"),
            ));
        }
        Ok(())
    }

    /// The database that has this name already. Where names of files are not told apart by case, databases are not.
    fn existing(&self, name: &str) -> Option<&LogicalDatabase> {
        let same = |other: &str| {
            if self.same_in_any_case() { other.to_lowercase() == name.to_lowercase() } else { other == name }
        };
        self.facts.databases.iter().find(|database| same(&database.name))
    }

    async fn load_everything(
        &self,
        runner: &dyn Runner,
        target: &RestoreTarget,
    ) -> Result<LoadPlan, EngineError> {
        let existing = self.existing(&target.database);
        let preflight = self.preflight(runner, target, existing).await?;
        let effect = existing.map_or(TargetEffect::Creates, |existing| TargetEffect::Overwrites {
            holds: ByteSize(existing.bytes).to_string(),
        });
        let name = identifier(&target.database);
        let properties = properties(target)?;
        let mut before: Vec<Step> = self.packet(target).before.into_iter().collect();
        if existing.is_some() {
            before.push(drop_database(&self.client, &target.database, preflight.before_drop));
        }
        before.push(self.run(&create_sql(target, properties.as_ref())));
        // What was there is gone: there is nothing to go back to, and what has come may be worth a look.
        let undo = if existing.is_some() { Vec::new() } else { vec![self.run(&undo_sql(target))] };
        let mut after = vec![self.run(&format!("DROP TABLE IF EXISTS {name}.{};", mark(target)))];
        if let Some(encrypt) = encrypt_sql(target, properties.as_ref()) {
            after.push(self.run(&encrypt));
        }
        if properties.as_ref().is_some_and(|properties| properties.options.read_only) {
            after.push(self.run(&format!("ALTER DATABASE {name} READ ONLY = 1;")));
        }
        let feed = self.feed(target, &preflight.session);
        let trial = existing.and_then(|_| self.trial(target, &preflight, properties.as_ref()));
        let changes = self.changes(target, &preflight);
        let (mut finally, mut notes) = self.events(target, &changes);
        let mut last = Vec::new();
        notes.extend(preflight.notes);
        if !target.following_databases.is_empty() {
            let views = CreateViews {
                client: self.client.clone(),
                database: target.database.clone(),
                views: changes.postponed.clone(),
            };
            last.push(Step::Native(Arc::new(views)));
        }
        if target.completion == Completion::BroughtForward {
            // Until the log is replayed the database is not what it is to be.
            finally.splice(0..0, std::mem::take(&mut after));
        }
        Ok(LoadPlan {
            trial,
            before,
            rewrite: Some(rewrite(changes)),
            after,
            last,
            finally,
            notes,
            undo,
            filling: target.database.clone(),
            findings: preflight.findings,
            ..LoadPlan::new(effect, feed)
        })
    }

    /// What becomes of events, which are created disabled, and what is said of it.
    fn events(&self, target: &RestoreTarget, changes: &Changes) -> (Vec<Step>, Vec<String>) {
        if changes.renaming.is_none() {
            let mut known = self.events.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(target.database.clone(), changes.events.clone());
            let enable = EnableEvents {
                client: self.client.clone(),
                database: target.database.clone(),
                events: changes.events.clone(),
            };
            return (vec![Step::Native(Arc::new(enable))], Vec::new());
        }
        let has =
            target.recorded.as_ref().is_none_or(|recorded| recorded.needs.objects.contains_key(kinds::EVENT));
        let note = || {
            let name = identifier(&target.database);
            format!("events of the copy are created disabled: ALTER EVENT {name}.… ENABLE; lets one run")
        };
        (Vec::new(), has.then(note).into_iter().collect())
    }

    /// What is changed of the dump for this target.
    fn changes(&self, target: &RestoreTarget, preflight: &Preflight) -> Changes {
        let renaming = Renaming {
            from: target.source_database.clone(),
            to: target.database.clone(),
            folds_case: self.same_in_any_case(),
        };
        Changes {
            renaming: (renaming.from != renaming.to).then_some(renaming),
            left_out: preflight.left_out.clone(),
            absent: preflight.absent.clone(),
            escapes: self.packet(target).escapes,
            ..Changes::none(target.definers)
        }
    }

    /// Some tables of the backup, into a database that may have others.
    async fn load_tables(
        &self,
        runner: &dyn Runner,
        target: &RestoreTarget,
    ) -> Result<LoadPlan, EngineError> {
        let source = format!("{}.", target.source_database);
        let bare = |table: &String| table.strip_prefix(&source).unwrap_or(table).to_owned();
        let tables: Vec<String> = target.selection.tables.iter().map(bare).collect();
        if self.existing(&target.database).is_none() {
            let everything = self.load_everything(runner, target).await?;
            let preflight = self.preflight(runner, target, None).await?;
            let rewrite = Some(rewrite(Changes { tables, ..self.changes(target, &preflight) }));
            return Ok(LoadPlan { rewrite, filling: String::new(), ..everything });
        }
        let preflight = self.preflight(runner, target, None).await?;
        let doing = format!("look for the tables in `{}`", target.database);
        let sql = format!(
            "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = {} AND TABLE_NAME IN ({});",
            literal(&target.database),
            literals(tables.iter().map(String::as_str))
        );
        let there = self.ask(runner, &Question::short(&doing, &sql)).await?;
        let there: Vec<String> = there.into_iter().flatten().map(|table| format!("`{table}`")).collect();
        if !there.is_empty() {
            return Err(EngineError::Refused {
                problem: format!("{} exists already in `{}`", there.join(", "), target.database),
                help: help!("Rename or drop it first, or restore into another database with `--into`."),
            });
        }
        let drops = tables.iter().map(|table| {
            format!("DROP TABLE IF EXISTS {}.{};", identifier(&target.database), identifier(table))
        });
        let drops: Vec<String> = drops.collect();
        let feed = self.feed(target, &preflight.session);
        Ok(LoadPlan {
            undo: vec![self.run(&format!("SET SESSION foreign_key_checks = 0;\n{}", drops.join("\n")))],
            rewrite: Some(rewrite(Changes { tables, ..self.changes(target, &preflight) })),
            notes: vec!["tables are added one after the other, not in one transaction".to_owned()],
            findings: preflight.findings,
            ..LoadPlan::new(TargetEffect::AddsTo, feed)
        })
    }

    /// The client that takes the dump. It stops at the first error unless it is told to go on.
    pub(super) fn feed(&self, target: &RestoreTarget, session: &[&str]) -> Consumer {
        let Client { connection, tools } = &self.client;
        let mut tool =
            connection.tool(&tools.client).args(["--binary-mode", "--default-character-set=utf8mb4"]);
        if !session.is_empty() {
            let settings: Vec<String> = session.iter().map(|setting| format!("SESSION {setting}")).collect();
            tool = tool.arg(format!("--init-command=SET {}", settings.join(", ")));
        }
        let tool = tool.args(self.flavor().client_options.iter().copied());
        let database = format!("--database={}", target.database);
        if target.stop_at_first_error {
            Consumer::Tool(tool.arg(database))
        } else {
            Consumer::Tolerant(tool.arg("--force").arg(database), passed_over)
        }
    }

    pub(super) fn run(&self, sql: &str) -> Step {
        Step::from(self.client.script(sql))
    }
}

/// A client that was told to go on ends well, even when its connection was lost on the way.
fn passed_over(run: &ToolRun) -> Option<Vec<String>> {
    let lost = run.stderr.lines().any(|line| line.starts_with(CONNECTION_LOST));
    let errors = run.stderr.lines().filter(|line| line.starts_with(ERROR));
    (run.status == 0 && !lost).then(|| errors.map(ToOwned::to_owned).collect())
}

fn properties(target: &RestoreTarget) -> Result<Option<DatabaseProperties>, EngineError> {
    if target.properties.is_null() {
        return Ok(None);
    }
    let failed = |error| EngineError::Archive { problem: format!("the properties of its database: {error}") };
    serde_json::from_value(target.properties.clone()).map(Some).map_err(failed)
}

fn create_sql(target: &RestoreTarget, properties: Option<&DatabaseProperties>) -> String {
    let name = identifier(&target.database);
    let how = properties.map_or_else(String::new, DatabaseProperties::clauses);
    format!("CREATE DATABASE {name}{how};\nCREATE TABLE {name}.{} (restored INT PRIMARY KEY);", mark(target))
}

/// Has new tables of the database encrypted, as before. Only when everything is there: each table of the dump says whether it
/// is encrypted, and a table of MyISAM is none that an encrypted database takes (1178, MySQL 9.7).
fn encrypt_sql(target: &RestoreTarget, properties: Option<&DatabaseProperties>) -> Option<String> {
    let encrypted = properties.is_some_and(|properties| properties.options.encrypted);
    (encrypted && target.lifetime == Lifetime::Lasting)
        .then(|| format!("ALTER DATABASE {} ENCRYPTION 'Y';", identifier(&target.database)))
}

fn mark(target: &RestoreTarget) -> String {
    identifier(&format!("{UNFINISHED_MARK}{}", target.token))
}

/// Drops the database if it is the one that this restore made.
fn undo_sql(target: &RestoreTarget) -> String {
    let drop = format!("DROP DATABASE {}", identifier(&target.database));
    format!(
        "SET @jagad_undo = IF((SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = {} AND TABLE_NAME = {}) = 1,
  {}, 'DO 0');
PREPARE jagad_undo FROM @jagad_undo;
EXECUTE jagad_undo;",
        literal(&target.database),
        literal(&format!("{UNFINISHED_MARK}{}", target.token)),
        literal(&drop)
    )
}
