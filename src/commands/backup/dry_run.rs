//! `jagad backup --dry-run`: what would be run, after looking at the server.

use super::one::refuse_what_would_fail;
use super::{Request, select};
use crate::commands::{App, Failure};
use crate::engine;
use crate::model::DatabaseName;
use serde::Serialize;

/// What would be run.
#[derive(Debug, Serialize)]
pub struct Plan {
    /// One per database entry.
    pub databases: Vec<PlannedDatabase>,
}

/// One database entry.
#[derive(Debug, Serialize)]
pub struct PlannedDatabase {
    /// Its name.
    pub database: DatabaseName,
    /// Its address.
    pub address: String,
    /// Version of the server.
    pub version: String,
    /// The parts, in order.
    pub parts: Vec<PlannedPart>,
}

/// One part.
#[derive(Debug, Serialize)]
pub struct PlannedPart {
    /// Logical database; absent for globals.
    pub database: Option<String>,
    /// Size on the server in bytes, where known.
    pub estimate: u64,
    /// The command line.
    pub argv: Vec<String>,
}

/// Looks at every server, checks privileges, and shows the command lines. Nothing is stored.
pub async fn plan(app: &App, request: &Request) -> Result<Plan, Failure> {
    let log = app.log();
    let mut databases = Vec::new();
    for entry in select(app, &request.choice)? {
        let engine = engine::open(app.inventory.engine_settings(entry).await?);
        let server = engine.inspect(app.runner.as_ref()).await?;
        let scope = entry.scope(&request.choices.databases);
        refuse_what_would_fail(app, server.as_ref(), &scope, &log).await?;
        let part = |part: engine::DumpPart| PlannedPart {
            database: part.database,
            estimate: part.estimate,
            argv: part.source.display_args(),
        };
        databases.push(PlannedDatabase {
            database: entry.name.clone(),
            address: engine.address(),
            version: server.facts().version.clone(),
            parts: server.dump(&scope)?.into_iter().map(part).collect(),
        });
    }
    Ok(Plan { databases })
}
