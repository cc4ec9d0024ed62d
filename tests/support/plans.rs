//! Runs the engine's plans as the commands do, with the dump kept in memory.

use async_trait::async_trait;
use jagad::engine::plan::DatabaseChoice;
use jagad::engine::{
    Completion, EngineError, Finding, FindingLevel, Lifetime, LoadPlan, MissingRoles, Naming, Occupied,
    OpenArchive, Ownership, RestoreTarget, Scope, Selection, Server,
};
use jagad::model::{ByteReader, Contents, PartKind};
use jagad::process::SystemRunner;
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;

/// One dumped part.
pub struct Dump {
    pub bytes: Arc<[u8]>,
    pub contents: Option<Contents>,
    pub properties: serde_json::Value,
    pub server_version: String,
    pub database: String,
    pub kind: PartKind,
}

#[async_trait]
impl OpenArchive for Dump {
    async fn open(&self) -> std::io::Result<ByteReader<'static>> {
        Ok(Box::pin(std::io::Cursor::new(Arc::clone(&self.bytes))))
    }
}

/// Only these databases.
pub fn scope(names: &[&str]) -> Scope {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    Scope { databases: DatabaseChoice::Named(names), globals: false }
}

/// Dumps every part of `scope`.
pub async fn dump_all(server: &dyn Server, scope: &Scope) -> Result<Vec<Dump>, EngineError> {
    let mut dumps = Vec::new();
    for mut part in server.logical().dump(scope)? {
        let failed = |source| EngineError::Read { doing: "dump".to_owned(), source };
        let opened = part.source.open(&SystemRunner).await;
        let (mut body, mut bytes) =
            (opened.map_err(|error| failed(std::io::Error::other(error)))?, Vec::new());
        body.read_to_end(&mut bytes).await.map_err(failed)?;
        // In pieces of no round size, as a pipe may cut them.
        bytes.chunks(4093).for_each(|piece| part.witness.feed(piece).unwrap());
        dumps.push(Dump {
            bytes: bytes.into(),
            contents: part.witness.finish().unwrap(),
            properties: part.properties,
            server_version: server.facts().version.clone(),
            database: part.database.unwrap_or_default(),
            kind: part.kind,
        });
    }
    Ok(dumps)
}

/// Dumps one database.
pub async fn dump(server: &dyn Server, name: &str) -> Dump {
    dump_all(server, &scope(&[name])).await.unwrap().remove(0)
}

impl Dump {
    /// All of it, as it was, under another name.
    pub fn target(&self, database: &str) -> RestoreTarget {
        RestoreTarget {
            kind: self.kind,
            source_database: self.database.clone(),
            database: database.to_owned(),
            properties: self.properties.clone(),
            server_version: self.server_version.clone(),
            recorded: self.contents.clone(),
            selection: Selection::default(),
            owners: Ownership::Keep,
            privileges: Ownership::Keep,
            tablespaces: Ownership::Keep,
            definers: Ownership::Keep,
            occupied: Occupied::Refuse,
            naming: Naming::Temporary,
            preceding: 0,
            stop_at_first_error: true,
            coming_roles: Vec::new(),
            coming_databases: Vec::new(),
            following_databases: Vec::new(),
            coming_tablespaces: Vec::new(),
            missing_roles: MissingRoles::Refuse,
            lifetime: Lifetime::Lasting,
            completion: Completion::Whole,
            token: "t0k3n0".to_owned(),
        }
    }

    /// Some tables of it.
    pub fn tables(&self, database: &str, tables: &[&str]) -> RestoreTarget {
        let tables = tables.iter().map(|table| (*table).to_owned()).collect();
        RestoreTarget { selection: Selection { tables, ..Selection::default() }, ..self.target(database) }
    }
}

/// Plans and runs a restore of `dump`; the plan and what was counted before it became visible.
pub async fn restore(
    server: &dyn Server,
    dump: &Dump,
    target: &RestoreTarget,
) -> Result<(LoadPlan, Option<Contents>), String> {
    let plan =
        server.logical().load(&SystemRunner, target, dump).await.map_err(|error| format!("{error:?}"))?;
    let fails = |finding: &&Finding| finding.level == FindingLevel::Error && target.stop_at_first_error;
    if let Some(finding) = plan.findings.iter().find(fails) {
        return Err(format!("{finding:?}"));
    }
    let bytes: ByteReader<'_> = Box::pin(&*dump.bytes);
    let counted = run(server, &plan, bytes).await?;
    Ok((plan, counted))
}

/// Runs a plan; undoes it when a step fails.
pub async fn run(
    server: &dyn Server,
    plan: &LoadPlan,
    body: ByteReader<'_>,
) -> Result<Option<Contents>, String> {
    let done = steps(server, plan, body).await;
    let rest = if done.is_ok() { &plan.cleanup } else { &plan.undo };
    for step in rest {
        step.run(&SystemRunner).await.map_err(|error| format!("{error:?}"))?;
    }
    if done.is_ok() {
        for step in plan.last.iter().chain(&plan.finally) {
            // A command tells a failure, and goes on.
            let _ = step.run(&SystemRunner).await;
        }
    }
    done
}

async fn steps(
    server: &dyn Server,
    plan: &LoadPlan,
    body: ByteReader<'_>,
) -> Result<Option<Contents>, String> {
    for step in &plan.before {
        step.run(&SystemRunner).await.map_err(|error| error.to_string())?;
    }
    plan.feed(&SystemRunner, body).await.map_err(|error| format!("{error:?}"))?;
    let counted = if plan.filling.is_empty() {
        None
    } else {
        Some(server.logical().count(&SystemRunner, &plan.filling).await.map_err(|error| error.to_string())?)
    };
    for step in &plan.after {
        step.run(&SystemRunner).await.map_err(|error| error.to_string())?;
    }
    Ok(counted)
}
