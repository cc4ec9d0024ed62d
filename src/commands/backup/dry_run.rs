//! `jagad backup --dry-run`: what would be run, after looking at the server.

use super::Request;
use super::base;
use super::preflight::{self, Wanted, refuse_what_would_fail};
use super::source::{self, ReplicaReport, ReplicaSearch, Source};
use crate::commands::selection::select;
use crate::commands::{App, Failure};
use crate::config::DatabaseEntry;
use crate::engine::{self, DelegateBase, Server};
use crate::model::{BackupKind, DatabaseName, Demand, Method, ServerRole};
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
    /// Address of the server that it would be taken from.
    pub address: String,
    /// Whether that is the primary or a replica.
    pub role: ServerRole,
    /// Why that one.
    pub reason: String,
    /// Every declared replica, where one may be used.
    pub replicas: Vec<ReplicaReport>,
    /// Version of the server.
    pub version: String,
    /// The parts, in order.
    pub parts: Vec<PlannedPart>,
}

/// One part.
#[derive(Debug, Serialize)]
pub struct PlannedPart {
    /// Logical database; absent for globals and files.
    pub database: Option<String>,
    /// Whether it is the files of the server.
    pub files: bool,
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
        let survey = source::survey(app, entry, request.choices.source, ReplicaSearch::All).await?;
        let replicas = survey.reports();
        let chosen = survey.decide()?;
        let server = chosen.reached.server.as_ref();
        let scope = entry.scope(&request.choices.databases);
        let demand = entry.demand(request.choices.kind);
        base::refuse_impossible(entry, demand)?;
        refuse_what_would_fail(app, server, Wanted { demand, scope: &scope }, &log).await?;
        if demand.method.takes_whole_server() {
            let argv = argv(app, entry, server, demand).await?;
            databases.push(PlannedDatabase {
                parts: vec![PlannedPart { database: None, files: true, estimate: 0, argv }],
                ..planned(entry, &chosen, replicas)
            });
            continue;
        }
        if demand.kind == BackupKind::Incremental {
            let argv = preflight::log(server)?.plan_log();
            databases.push(PlannedDatabase {
                parts: vec![PlannedPart { database: None, files: true, estimate: 0, argv }],
                ..planned(entry, &chosen, replicas)
            });
            continue;
        }
        let part = |part: engine::DumpPart| PlannedPart {
            database: part.database,
            files: false,
            estimate: part.estimate,
            argv: part.source.display_args(),
        };
        databases.push(PlannedDatabase {
            parts: server.logical().dump(&scope)?.into_iter().map(part).collect(),
            ..planned(entry, &chosen, replicas)
        });
    }
    Ok(Plan { databases })
}

/// What is asked or run for a backup of the whole server.
async fn argv(
    app: &App,
    entry: &DatabaseEntry,
    server: &dyn Server,
    demand: Demand,
) -> Result<Vec<String>, Failure> {
    if demand.method != Method::PgBackRest {
        return Ok(preflight::physical(server)?.plan_copy(app.runner.as_ref(), demand.kind).await?);
    }
    let policy = app.inventory.policy_of(entry);
    let base = match demand.kind {
        BackupKind::Full => DelegateBase::None,
        BackupKind::Incremental => {
            base::delegate_base(policy.map(|policy| policy.incremental_base).unwrap_or_default())
        }
    };
    Ok(preflight::delegate(server)?.plan_delegate(base)?)
}

/// An entry without its parts.
fn planned(entry: &DatabaseEntry, chosen: &Source, replicas: Vec<ReplicaReport>) -> PlannedDatabase {
    PlannedDatabase {
        database: entry.name.clone(),
        address: chosen.record.address.clone(),
        role: chosen.record.role,
        reason: chosen.record.reason.clone(),
        replicas,
        version: chosen.reached.server.facts().version.clone(),
        parts: Vec::new(),
    }
}
