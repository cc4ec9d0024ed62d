//! Plans of restores of roles and tablespaces.

use super::facts::PostgreSqlServer;
use super::globals::{Actor, Existing, missing_globals};
use super::psql::statements;
use crate::engine::{Consumer, EngineError, LoadPlan, RestoreTarget, Step, TargetEffect};
use crate::model::ByteReader;
use crate::process::{Runner, ToolSpec};
use tokio::io::AsyncReadExt as _;

/// The largest globals that are read: some 50,000 roles.
const LIMIT_BYTES: u64 = 16 * 1024 * 1024;

impl PostgreSqlServer {
    /// Reads the globals to their proven end. The statements for what the target lacks run after the stream is proven a second
    /// time: roles in one transaction, then tablespaces one by one, because a transaction cannot create them.
    pub(super) async fn load_globals(
        &self,
        runner: &dyn Runner,
        target: &RestoreTarget,
        globals: ByteReader<'static>,
    ) -> Result<LoadPlan, EngineError> {
        let mut text = Vec::new();
        let doing = "read the globals of the backup".to_owned();
        let read = globals.take(LIMIT_BYTES + 1).read_to_end(&mut text).await;
        read.map_err(|source| EngineError::Read { doing, source })?;
        if text.len() as u64 > LIMIT_BYTES {
            return Err(EngineError::Archive { problem: "the globals are larger than 16 MiB".to_owned() });
        }
        let text = String::from_utf8(text)
            .map_err(|_| EngineError::Archive { problem: "the globals are not UTF-8 text".to_owned() })?;
        let maintenance = self.connection.settings.maintenance_database.clone();
        let facts = self.target_facts(runner, &maintenance).await?;
        let existing = Existing {
            roles: facts.roles.into_iter().collect(),
            tablespaces: facts.tablespaces.into_iter().collect(),
            actor: if self.superuser { Actor::Superuser } else { Actor::Ordinary },
            lifetime: target.lifetime,
        };
        let missing = missing_globals(&text, &existing)
            .map_err(|problem| EngineError::Archive { problem: format!("its globals: {problem}") })?;
        let run = |sql: &str| statements(&self.connection, &self.tool, &maintenance, sql).map(Step::from);
        let mut after = Vec::new();
        if missing.has_roles {
            after.push(run(&format!("BEGIN;\n{}COMMIT;", missing.roles))?);
        }
        if missing.has_tablespaces {
            after.push(run(&missing.tablespaces)?);
        }
        Ok(LoadPlan {
            after,
            new_roles: missing.new_roles,
            new_tablespaces: missing.new_tablespaces,
            notes: missing
                .left_alone
                .iter()
                .map(|what| format!("{what} already exists and is left unchanged"))
                .collect(),
            // The stream is only read to prove it: the statements that run are in `after`.
            ..LoadPlan::new(TargetEffect::AddsGlobals, Consumer::Tool(ToolSpec::new("cat")))
        })
    }
}
