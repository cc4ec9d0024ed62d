//! Everything that would make a dump fail or leave something out, found before the night it matters. The tools pass over
//! what they may not see, and end well.

use super::client::Question;
use super::columns::UTF8;
use super::dump::{ConversionReason, Coordinates, Text};
use super::facts::{DATABASE_RIGHTS, MySqlServer, unseen_finding};
use super::flavor::RoutinesRight;
use super::quote::{account, identifier, literal, literals, pattern};
use super::users::accounts_help;
use super::views::Rights;
use crate::engine::names::some_of;
use crate::engine::{DatabaseChoice, EngineError, Finding, FindingLevel, Scope};
use crate::process::{Runner, ToolError};
use tokio::io::AsyncReadExt as _;

impl MySqlServer {
    pub(super) async fn findings(
        &self,
        runner: &dyn Runner,
        scope: &Scope,
    ) -> Result<Vec<Finding>, EngineError> {
        let mut findings = vec![self.tool_finding()];
        let grantee = self.grantee(runner).await?;
        let (scope, unseen) = self.visible(scope, &grantee);
        findings.extend(unseen);
        let databases = scope.choose(&self.facts.databases, |name| self.database(name))?;
        if scope.globals {
            findings.push(self.accounts_finding(&grantee));
        }
        for database in databases {
            let before = findings.len();
            findings.extend(self.rights_finding(&database.name, &grantee)?);
            findings.extend(self.callers_finding(runner, &database.name, &grantee).await?);
            let missing = findings[before..].iter().any(|finding| finding.level == FindingLevel::Error);
            let rights = if missing { Rights::Missing } else { Rights::Complete };
            findings.extend(self.engines_finding(runner, &database.name).await?);
            findings.extend(self.views_finding(runner, &database.name).await?);
            findings.extend(self.broken_finding(runner, &database.name, rights).await?);
            findings.extend(self.history_finding(&database.name)?);
            findings.extend(self.text_finding(runner, &database.name).await?);
            findings.extend(self.lists_finding(runner, &database.name).await?);
        }
        findings.extend(self.routines_finding(&grantee));
        findings.push(self.coordinates_finding(&grantee));
        findings.extend(self.leftover_findings(runner).await?);
        Ok(findings)
    }

    /// What of `scope` the user can see, and what is said of the rest: nobody can tell a database that is hidden from one
    /// that is not there.
    fn visible(&self, scope: &Scope, grantee: &str) -> (Scope, Vec<Finding>) {
        let mut scope = scope.clone();
        if self.sees_every_database() {
            return (scope, Vec::new());
        }
        let mut unseen = Vec::new();
        match &mut scope.databases {
            DatabaseChoice::All { .. } => unseen.push(Finding::error(
                "see every database".to_owned(),
                "a database on which the user has no right is left out in silence".to_owned(),
                format!(
                    "GRANT SHOW DATABASES ON *.* TO {grantee}; or name the databases with `dbnames` instead of \
                     `all_databases`"
                ),
            )),
            DatabaseChoice::Named(names) => names.retain(|name| {
                let seen = self.facts.databases.iter().any(|database| database.name == *name);
                if !seen {
                    unseen.push(unseen_finding(name, grantee));
                }
                seen
            }),
        }
        (scope, unseen)
    }

    /// The account that was let in, as a statement names it: not always the user that was asked for.
    pub(super) async fn grantee(&self, runner: &dyn Runner) -> Result<String, EngineError> {
        let doing = "ask who is connected";
        let question = Question::short(doing, "SELECT CURRENT_USER();");
        let name = self.client.ask_row(runner, &question, 1).await?.remove(0);
        Ok(name.rsplit_once('@').map_or_else(|| identifier(&name), |(user, host)| account(user, host)))
    }

    fn tool_finding(&self) -> Finding {
        let subject = format!("{} for {} {}", self.facts.tool, self.flavor().name, self.facts.version);
        if self.client.tools.dump.version >= self.version {
            return ok(subject);
        }
        let problem = "the dump tool is older than the server, and may not know all that it holds".to_owned();
        let help = format!("apt install {} of version {}", self.flavor().client_package, self.version);
        Finding::warning(subject, problem, help)
    }

    fn accounts_finding(&self, grantee: &str) -> Finding {
        let subject = "read users and grants".to_owned();
        if self.accounts.is_some() {
            return ok(subject);
        }
        Finding::error(subject, "users and grants may not be read".to_owned(), accounts_help(grantee))
    }

    fn rights_finding(&self, database: &str, grantee: &str) -> Result<Vec<Finding>, EngineError> {
        let subject = format!("read everything in `{database}`");
        let choice = self.choice(database)?;
        let allowed = |right: &str| {
            let each = |table: &String| self.grants.on_table(right, database, table);
            self.grants.in_database(right, database)
                || (!choice.tables.is_empty() && (right == "EVENT" || choice.tables.iter().all(each)))
        };
        let missing: Vec<&str> = DATABASE_RIGHTS.into_iter().filter(|right| !allowed(right)).collect();
        if missing.is_empty() {
            return Ok(vec![ok(subject)]);
        }
        let rights = missing.join(", ");
        let problem =
            format!("without {rights} the dump fails, or leaves out in silence what may not be seen");
        let help = format!("GRANT {rights} ON {}.* TO {grantee};", pattern(database));
        Ok(vec![Finding::error(subject, problem, help)])
    }

    /// Routines that may not be seen are left out, and nobody can tell whether there are any.
    fn routines_finding(&self, grantee: &str) -> Option<Finding> {
        if !self.client.connection.settings.filter.tables.is_empty() {
            return None;
        }
        let (readable, right) = match self.flavor().routines {
            RoutinesRight::Everywhere(right) => (self.grants.everywhere(right), format!("{right} ON *.*")),
            RoutinesRight::Table(table) => {
                (self.grants.on_table("SELECT", "mysql", table), format!("SELECT ON mysql.{table}"))
            }
        };
        if readable || self.grants.everywhere("SELECT") {
            return Some(ok("read procedures and functions".to_owned()));
        }
        let problem = "they would be left out in silence".to_owned();
        let help = format!("GRANT {right} TO {grantee};");
        Some(Finding::error("read procedures and functions".to_owned(), problem, help))
    }

    fn coordinates_finding(&self, grantee: &str) -> Finding {
        let subject = "place in the binary log".to_owned();
        let warning = |problem: &str, help: String| {
            Finding::warning("place in the binary log", problem.to_owned(), help)
        };
        match self.coordinates() {
            Coordinates::Told => ok(subject),
            Coordinates::NoLog => warning(
                "the binary log is off: a later recovery can only go back to whole backups",
                "Set `log_bin` in the server's configuration and restart it.".to_owned(),
            ),
            Coordinates::NotAllowed => warning(
                "it is not recorded, because the user may not ask for it",
                format!("GRANT RELOAD, REPLICATION CLIENT ON *.* TO {grantee};"),
            ),
        }
    }

    /// Rows of tables without transactions are not part of the one moment that a dump shows.
    async fn engines_finding(
        &self,
        runner: &dyn Runner,
        database: &str,
    ) -> Result<Option<Finding>, EngineError> {
        let doing = format!("ask for the engines of the tables of `{database}`");
        let sql = format!(
            "SELECT t.TABLE_NAME FROM information_schema.TABLES t JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
WHERE t.TABLE_SCHEMA = {} AND t.TABLE_TYPE = 'BASE TABLE' AND COALESCE(e.TRANSACTIONS, 'NO') <> 'YES'
ORDER BY t.TABLE_NAME;",
            literal(database)
        );
        let tables = self.ask(runner, &Question::short(&doing, &sql)).await?;
        let names: Vec<String> = tables.into_iter().flatten().map(|name| format!("`{name}`")).collect();
        if names.is_empty() {
            return Ok(None);
        }
        Ok(Some(Finding::warning(
            format!("one moment of all of `{database}`"),
            format!(
                "{} know no transactions: rows that change during a dump may not fit the rest",
                some_of(names.iter().cloned())
            ),
            format!("ALTER TABLE {}.{} ENGINE = InnoDB;", identifier(database), names[0]),
        )))
    }

    /// A warning where characters of `database` may change.
    async fn text_finding(
        &self,
        runner: &dyn Runner,
        database: &str,
    ) -> Result<Option<Finding>, EngineError> {
        let Text::Converted(reason) = self.text() else { return Ok(None) };
        let doing = format!("ask for the character sets of `{database}`");
        let sql = format!(
            "SELECT DISTINCT CHARACTER_SET_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = {}
AND CHARACTER_SET_NAME NOT IN ({}) ORDER BY CHARACTER_SET_NAME;",
            literal(database),
            literals(UTF8)
        );
        let charsets: Vec<String> =
            self.ask(runner, &Question::short(&doing, &sql)).await?.into_iter().flatten().collect();
        if charsets.is_empty() {
            return Ok(None);
        }
        let (why, help) = match reason {
            ConversionReason::Argument(arg) => {
                (format!("because of `{arg}`"), "Take it out of `extra_args`.".to_owned())
            }
            ConversionReason::OldTool => (
                format!("because {} cannot do otherwise", self.facts.tool),
                "Install a newer `mysqldump`: one that has `--init-command`.".to_owned(),
            ),
        };
        Ok(Some(Finding::warning(
            format!("characters in `{database}`"),
            format!(
                "text in {} becomes UTF-8 and back, {why}: characters that have several places there may come back in \
                 another",
                some_of(charsets.iter().cloned())
            ),
            help,
        )))
    }

    /// A warning of lists of values that the server itself cannot write: it shows `?` for a character that has no place in
    /// Unicode (MySQL 9.7, MariaDB 10.11 and 11.8), so the column that is created anew does not take its own values.
    async fn lists_finding(
        &self,
        runner: &dyn Runner,
        database: &str,
    ) -> Result<Option<Finding>, EngineError> {
        let doing = format!("ask for the enumerations of `{database}`");
        let sql = format!(
            "SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = {}
AND DATA_TYPE IN ('enum', 'set') AND CHARACTER_SET_NAME NOT IN ({}) AND LOCATE('?', COLUMN_TYPE) > 0
ORDER BY TABLE_NAME, ORDINAL_POSITION;",
            literal(database),
            literals(UTF8)
        );
        let rows = self.ask(runner, &Question::short(&doing, &sql)).await?;
        let columns = rows.into_iter().filter_map(|row| <[String; 2]>::try_from(row).ok());
        let columns: Vec<String> = columns.map(|[table, column]| format!("`{table}`.`{column}`")).collect();
        if columns.is_empty() {
            return Ok(None);
        }
        Ok(Some(Finding::warning(
            format!("characters in `{database}`"),
            format!(
                "the list of values of {} has a `?`: where that stands for a character that Unicode does not have, its \
                 values come back empty",
                some_of(columns.iter().cloned())
            ),
            "Make it a column of text before it has to be restored, or ignore this where the list has a question mark.",
        )))
    }

    /// The dump tool reads every definition, and no rows.
    pub(super) async fn rehearsals(
        &self,
        runner: &dyn Runner,
        scope: &Scope,
    ) -> Result<Vec<Finding>, EngineError> {
        let mut findings = Vec::new();
        for database in scope.choose(&self.facts.databases, |name| self.database(name))? {
            let subject = format!("{} reads every definition of `{}`", self.facts.tool, database.name);
            let tool = self.dump_database(&database.name, &["--no-data"])?;
            findings.push(match read_to_end(runner, &tool).await {
                Ok(()) => ok(subject),
                Err(failed) => Finding::error(subject, failed.to_string(), String::new()),
            });
        }
        Ok(findings)
    }
}

async fn read_to_end(runner: &dyn Runner, tool: &crate::process::ToolSpec) -> Result<(), ToolError> {
    let mut running = runner.read(tool).await?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match running.body.read(&mut buffer).await {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(failed) => {
                let label = tool.label.clone();
                return Err(failed
                    .downcast::<ToolError>()
                    .unwrap_or_else(|source| ToolError::Pipe { label, source }));
            }
        }
    }
}

fn ok(subject: String) -> Finding {
    Finding::good(subject)
}
