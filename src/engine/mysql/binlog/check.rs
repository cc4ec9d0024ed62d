//! What has to be so that ranges of the log are backups, each with the statement that makes it so.

use super::status::LogStatus;
use crate::engine::mysql::client::Question;
use crate::engine::mysql::dump::Coordinates;
use crate::engine::mysql::facts::MySqlServer;
use crate::engine::mysql::tables::VersionedTable;
use crate::engine::{EngineError, Finding, Scope};
use crate::model::{EngineKind, ServerRole};
use crate::process::Runner;
use std::collections::BTreeMap;

const SUBJECT: &str = "read the binary log";

/// A log that is kept for less is easily missed by a plan.
const SHORT_SECONDS: u64 = 24 * 3600;

impl MySqlServer {
    pub(super) async fn log_findings(
        &self,
        runner: &dyn Runner,
        scope: &Scope,
    ) -> Result<Vec<Finding>, EngineError> {
        let mysql = self.flavor().kind == EngineKind::MySql;
        if !self.is_on("log_bin") {
            let name = if mysql { "[mysqld]" } else { "[mariadb]" };
            return Ok(vec![Finding::no_incrementals(
                "the server keeps no binary log",
                format!(
                    "Write `log_bin = binlog`, `binlog_format = ROW` and a `server_id` below {name}, and restart the server."
                ),
            )]);
        }
        let grantee = self.grantee(runner).await?;
        let mut findings: Vec<Finding> = self.log_rights(&grantee).into_iter().collect();
        let variables = self.log_variables(runner).await?;
        findings.extend(self.format_finding(&variables));
        findings.extend(self.replica_finding(&variables));
        findings.extend(expiry_finding(&variables, mysql));
        findings.extend(self.filter_finding());
        findings.extend(self.history_in(scope));
        if findings.iter().all(|finding| !finding.is_no_incrementals()) {
            findings.extend(self.session_findings(scope).await);
        }
        Ok(findings)
    }

    fn log_rights(&self, grantee: &str) -> Option<Finding> {
        let status =
            if self.flavor().kind == EngineKind::MySql { "REPLICATION CLIENT" } else { "BINLOG MONITOR" };
        let has = |right: &str| self.grants.everywhere(right) || self.grants.everywhere("SUPER");
        let mut missing: Vec<&str> =
            ["REPLICATION SLAVE", status].into_iter().filter(|right| !has(right)).collect();
        if self.coordinates() == Coordinates::NotAllowed && !self.grants.everywhere("FLUSH_TABLES") {
            missing.extend(["RELOAD"].iter().filter(|right| !self.grants.everywhere(right)));
        }
        (!missing.is_empty()).then(|| {
            let missing = missing.join(", ");
            let problem = format!("the user does not have {missing}");
            Finding::no_incrementals(problem, format!("GRANT {missing} ON *.* TO {grantee};"))
        })
    }

    async fn log_variables(&self, runner: &dyn Runner) -> Result<BTreeMap<String, String>, EngineError> {
        let sql = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('binlog_format', 'log_replica_updates', 'log_slave_updates', \
                   'binlog_expire_logs_seconds', 'expire_logs_days');";
        let rows = self.ask(runner, &Question::short("ask how the binary log is written", sql)).await?;
        let pair = |row: Vec<String>| Some((row.first()?.to_lowercase(), row.get(1)?.clone()));
        Ok(rows.into_iter().filter_map(pair).collect())
    }

    /// Statements need not do the same elsewhere as they did here; rows do.
    fn format_finding(&self, variables: &BTreeMap<String, String>) -> Option<Finding> {
        let format = variables.get("binlog_format").filter(|format| !format.eq_ignore_ascii_case("row"))?;
        let fix = if self.flavor().kind == EngineKind::MySql {
            "SET PERSIST binlog_format = 'ROW'; and connect applications anew".to_owned()
        } else {
            "SET GLOBAL binlog_format = 'ROW'; write `binlog_format = ROW` below [mariadb] for the next start; and connect \
             applications anew"
                .to_owned()
        };
        let problem = format!(
            "binlog_format is {format}: a statement that is replayed needs not change the same rows (LIMIT without ORDER BY, UUID()), \
             and what it changes cannot be told beforehand"
        );
        Some(Finding::no_incrementals(problem, fix))
    }

    fn replica_finding(&self, variables: &BTreeMap<String, String>) -> Option<Finding> {
        if self.facts.role != ServerRole::Replica {
            return None;
        }
        let name = ["log_replica_updates", "log_slave_updates"]
            .into_iter()
            .find(|name| variables.get(*name).is_some_and(|value| value.eq_ignore_ascii_case("off")))?;
        let help = format!(
            "Write `{name} = ON` into its configuration and restart it, or take incrementals from its primary."
        );
        Some(Finding::no_incrementals(
            format!("the server is a replica, and {name} is off: its log lacks what it replicates"),
            help,
        ))
    }

    /// Tables that no dump holds cannot take rows.
    fn filter_finding(&self) -> Option<Finding> {
        let filter = &self.client.connection.settings.filter;
        let partial = !filter.tables.is_empty()
            || !filter.exclude_tables.is_empty()
            || !filter.exclude_table_data.is_empty()
            || filter.skip_broken_views;
        partial.then(|| {
            Finding::no_incrementals("the entry leaves out tables, rows or views, which the binary log does not",
                "Leave out `dump.tables`, `dump.exclude_tables`, `dump.exclude_table_data` and `dump.skip_broken_views`, or take fulls only.",
            )
        })
    }

    /// Rows of system-versioned tables say when they were made, which is another time where they are made anew.
    fn history_in(&self, scope: &Scope) -> Option<Finding> {
        let databases = scope.choose(&self.facts.databases, |name| self.database(name)).ok()?;
        let chosen =
            |table: &&VersionedTable| databases.iter().any(|database| database.name == table.database);
        let table = self.versioned.iter().find(chosen)?;
        Some(Finding::no_incrementals(
            format!(
                "`{}`.`{}` keeps the history of its rows, which a replay does not date right",
                table.database, table.name
            ),
            "Take full backups only, or with `method = \"physical\"`.",
        ))
    }

    /// What jagad's own connection finds.
    async fn session_findings(&self, scope: &Scope) -> Vec<Finding> {
        let asked = async {
            let mut session = self.session(SUBJECT).await?;
            self.log_status(&mut session).await
        };
        match asked.await {
            Ok(Some(status)) => {
                let unlogged = self.unlogged(scope, &status);
                vec![unlogged.unwrap_or_else(|| Finding::good(SUBJECT))]
            }
            Ok(None) => vec![Finding::no_incrementals(
                "the server tells no place in its binary log",
                "Check `log_bin` of the server.",
            )],
            Err(error) => {
                let help = match &error {
                    EngineError::Prerequisite { help, .. } | EngineError::Privilege { help, .. } => {
                        help.to_string()
                    }
                    _ => "Look at the log of the server.".to_owned(),
                };
                vec![Finding::no_incrementals(error.to_string(), help)]
            }
        }
    }

    /// A database whose changes the server does not log.
    fn unlogged(&self, scope: &Scope, status: &LogStatus) -> Option<Finding> {
        let databases = scope.choose(&self.facts.databases, |name| self.database(name)).ok()?;
        let unlogged = databases.into_iter().map(|database| &database.name).find(|name| {
            (!status.only.is_empty() && !status.only.contains(name)) || status.ignored.contains(name)
        })?;
        Some(Finding::no_incrementals(
            format!("`binlog_do_db` or `binlog_ignore_db` keeps `{unlogged}` out of the binary log"),
            "Remove both from the server's configuration, and restart it.",
        ))
    }
}

/// How long the server keeps its log; zero is forever.
fn expiry_finding(variables: &BTreeMap<String, String>, mysql: bool) -> Option<Finding> {
    let number = |name: &str| variables.get(name).and_then(|value| value.parse::<f64>().ok());
    let days = number("expire_logs_days").filter(|days| *days > 0.0);
    let seconds = number("binlog_expire_logs_seconds").filter(|seconds| *seconds > 0.0);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "seconds of a setting that has a small bound"
    )]
    let kept = seconds.or_else(|| days.map(|days| days * 86400.0))? as u64;
    if kept >= SHORT_SECONDS {
        return None;
    }
    let fix = if mysql {
        "SET PERSIST binlog_expire_logs_seconds = 604800;"
    } else {
        "SET GLOBAL expire_logs_days = 7; and in the configuration"
    };
    Some(Finding::warning(
        "keep the binary log",
        format!("the server keeps its binary log for {kept} s: an incremental that comes later is a full"),
        fix,
    ))
}
