//! A backup that pgBackRest keeps becomes a data directory.

use super::facts::DelegatedFacts;
use super::files::{Completion, Fetch, Preparation, Restore};
use super::info::{Info, Tablespace};
use super::tool::Program;
use super::{NAME, wal};
use crate::engine::postgresql::base_backup::Lsn;
use crate::engine::{
    EngineError, FilledFolder, Recovery, RecoveryPoint, RecoveryRequest, RecoveryStep, RecoveryTarget,
    RecoveryWhat, ServerSettings, Step,
};
use crate::model::{Timestamp, help};
use crate::process::{Runner, ToolSpec};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Whatever pgBackRest's configuration says of restores, this one goes into its own folders alone, and is of everything.
const ALONE: [&str; 7] = [
    "--delta",
    "--archive-mode=off",
    "--no-link-all",
    "--reset-link-map",
    "--reset-tablespace-map-all",
    "--reset-db-include",
    "--reset-db-exclude",
];

/// Plans the way from the repository into the folders. pgBackRest follows the chain itself.
pub(in crate::engine::postgresql) async fn recover(
    runner: &dyn Runner,
    settings: &ServerSettings,
    request: &RecoveryRequest<'_>,
) -> Result<Recovery, EngineError> {
    let link = request.links.first();
    let link = link.ok_or_else(|| EngineError::Archive { problem: "there is no backup".to_owned() })?;
    let facts = DelegatedFacts::read(&link.facts)?;
    let settings = ServerSettings {
        pgbackrest: Some(settings.pgbackrest.clone().unwrap_or_default()),
        ..settings.clone()
    };
    let program = Program::of(&settings).map(|program| program.for_stanza(&facts.stanza));
    let program = program.ok_or_else(|| not_kept(&facts))?;
    let held = held_tablespaces(runner, &program, &facts).await?;
    let tablespaces = places(request, &held)?;
    refuse_early(&facts, request.until)?;
    let folder = request.folder.to_owned();
    let restore = restore(&program, &facts, request.until, &folder, &tablespaces)?;
    let owner = program.account();
    let mut folders = vec![FilledFolder { path: folder.clone(), bytes: facts.bytes }];
    folders.extend(tablespaces.iter().map(|place| FilledFolder { path: place.folder.clone(), bytes: 0 }));
    let mut steps: Vec<Step> = vec![
        Step::Native(Arc::new(Preparation {
            folders: folders.iter().map(|filled| filled.path.clone()).collect(),
            around: request.others.map(Path::to_owned),
            owner: owner.clone(),
        })),
        Step::Native(Arc::new(Restore {
            program: program.clone(),
            label: facts.label.clone(),
            tool: restore,
        })),
    ];
    if *request.until == RecoveryPoint::Backup {
        let segments = wal::segments(&facts)?;
        let folder = PathBuf::from(text(&folder)?);
        steps.push(Step::Native(Arc::new(Fetch { program: program.clone(), segments, folder })));
    }
    let minimum = facts.minimum_settings;
    steps.push(Step::Native(Arc::new(Completion { folder, owner, minimum })));
    Ok(Recovery {
        steps: steps.into_iter().map(RecoveryStep::Run).collect(),
        folders,
        notes: notes(&link.server_version, &facts, &program, request.until),
    })
}

fn not_kept(facts: &DelegatedFacts) -> EngineError {
    EngineError::NotFound {
        what: format!("backup {} of stanza `{}`", facts.label, facts.stanza),
        place: format!(" in {NAME}'s repository"),
        help: help!(
            "{NAME} has expired it, or its configuration on this host names another repository. Choose another backup from `jagad list`."
        ),
    }
}

/// The tablespaces of the backup, which must still be there, and of the same server.
async fn held_tablespaces(
    runner: &dyn Runner,
    program: &Program,
    facts: &DelegatedFacts,
) -> Result<Vec<Tablespace>, EngineError> {
    let all = Info::ask(runner, program, None).await?;
    let backup = all.backup(&facts.label).ok_or_else(|| not_kept(facts))?;
    if all.origin(backup).is_none_or(|(system, _)| system != facts.system_id) {
        return Err(not_kept(facts));
    }
    let one = Info::ask(runner, program, Some(&facts.label)).await?;
    let backup = one.backup(&facts.label).ok_or_else(|| not_kept(facts))?;
    Ok(backup.tablespace.clone().unwrap_or_default())
}

/// Where a tablespace goes.
struct Place {
    oid: u32,
    folder: PathBuf,
}

/// Where each tablespace goes. pgBackRest would put one that nobody names where the source has it.
fn places(request: &RecoveryRequest<'_>, spaces: &[Tablespace]) -> Result<Vec<Place>, EngineError> {
    let known =
        || spaces.iter().map(|space| format!("{} (`{}`)", space.oid, space.destination)).collect::<Vec<_>>();
    let is_known = |oid: &&String| spaces.iter().any(|space| space.oid.to_string() == **oid);
    if let Some(unknown) = request.tablespaces.keys().find(|oid| !is_known(oid)) {
        let help = if spaces.is_empty() {
            help!("It has no tablespace outside of its data directory: leave out --tablespace.")
        } else {
            help!("It has {}.", known().join(", "))
        };
        let what = format!("tablespace `{unknown}`");
        return Err(EngineError::NotFound { what, place: " in the backup".to_owned(), help });
    }
    spaces
        .iter()
        .map(|space| {
            let named = request.tablespaces.get(&space.oid.to_string()).cloned();
            let folder = named.or_else(|| Some(request.others?.join(format!("ts-{}", space.oid))));
            folder.map(|folder| Place { oid: space.oid, folder }).ok_or_else(|| EngineError::Refused {
                problem: format!(
                    "tablespace {} was at `{}`, and nothing says where it goes",
                    space.oid, space.destination
                ),
                help: help!("Say so with --tablespace OID=DIR for each of {}.", known().join(", ")),
            })
        })
        .collect()
}

/// A server stops at the first moment that it is consistent, which is later than what was asked for.
fn refuse_early(facts: &DelegatedFacts, until: &RecoveryPoint) -> Result<(), EngineError> {
    let RecoveryPoint::Target(RecoveryTarget { what, .. }) = until else { return Ok(()) };
    let (early, end) = match what {
        RecoveryWhat::Time(time) => {
            (*time < facts.stopped_at, format!("at {} UTC", facts.stopped_at.table()))
        }
        RecoveryWhat::Lsn(text) => {
            let lsn: Lsn = text.parse().map_err(|error| EngineError::Refused {
                problem: format!("{error}"),
                help: help!("Give a place as the server writes it, such as 0/2000028."),
            })?;
            (wal::is_before_end(facts, lsn), format!("at {}", facts.end_lsn))
        }
        RecoveryWhat::Xid(_) | RecoveryWhat::Name(_) => (false, String::new()),
    };
    if !early {
        return Ok(());
    }
    Err(EngineError::Refused {
        problem: format!("the backup ended {end}, after what it is to be restored to"),
        help: help!(
            "Name a backup that ended before: `jagad list` shows them; DATABASE@TIME is the last one that began by TIME."
        ),
    })
}

fn restore(
    program: &Program,
    facts: &DelegatedFacts,
    until: &RecoveryPoint,
    folder: &Path,
    tablespaces: &[Place],
) -> Result<ToolSpec, EngineError> {
    let mut tool = program.command("restore").arg(format!("--set={}", facts.label));
    tool = tool.arg(format!("--repo={}", facts.repository));
    tool = tool.arg(format!("--pg1-path={}", text(folder)?)).args(ALONE);
    if tablespaces.is_empty() {
        tool = tool.arg("--reset-tablespace-map");
    }
    for place in tablespaces {
        tool = tool.arg(format!("--tablespace-map={}={}", place.oid, text(&place.folder)?));
    }
    let promoted = "--target-action=promote";
    Ok(match until {
        // With its WAL beside it, the folder needs nothing more of the repository.
        RecoveryPoint::Backup => {
            tool.args(["--type=immediate", promoted, "--recovery-option=restore_command=false"])
        }
        RecoveryPoint::Latest => tool.args(["--type=default", "--reset-recovery-option"]),
        RecoveryPoint::Target(target) => {
            let (kind, text) = match &target.what {
                RecoveryWhat::Time(time) => ("time", server_time(*time)),
                RecoveryWhat::Lsn(lsn) => ("lsn", lsn.clone()),
                RecoveryWhat::Xid(xid) => ("xid", xid.to_string()),
                RecoveryWhat::Name(name) => ("name", name.clone()),
            };
            tool = tool.args([format!("--type={kind}"), format!("--target={text}")]);
            if target.exclusive {
                tool = tool.arg("--target-exclusive");
            }
            tool.args([promoted, "--reset-recovery-option"])
        }
    })
}

/// A time as PostgreSQL and pgBackRest take it; both refuse a `Z` at its end.
fn server_time(time: Timestamp) -> String {
    format!("{}+00", time.to_string().trim_end_matches('Z').replace('T', " "))
}

/// Paths go into files of settings line by line.
fn text(folder: &Path) -> Result<String, EngineError> {
    let absolute = std::path::absolute(folder).ok();
    let text = absolute.as_deref().and_then(Path::to_str).filter(|text| !text.contains(['\n', '\r', '\'']));
    text.map(ToOwned::to_owned).ok_or_else(|| EngineError::Refused {
        problem: format!(
            "`{}` has characters that {NAME} cannot write into a configuration",
            folder.display()
        ),
        help: help!("Choose another folder."),
    })
}

/// What somebody has to know before a server is started.
fn notes(version: &str, facts: &DelegatedFacts, program: &Program, until: &RecoveryPoint) -> Vec<String> {
    let major = version.split('.').next().unwrap_or(version);
    let mut notes = vec![
        format!(
            "{NAME} restores {} of stanza `{}` and what it builds on, and answers for it.",
            facts.label, facts.stanza
        ),
        match until {
            RecoveryPoint::Backup => format!(
                "Start PostgreSQL {major} on it: it replays what is there and begins a new timeline; `archive_mode` is off."
            ),
            _ => format!(
                "Start PostgreSQL {major} on it, on a host where the server can run {NAME} with `{}`: it fetches the WAL itself, and begins a new timeline at the target; if its log says that recovery ended before the target, the archive does not reach there. `archive_mode` is off.",
                program.config()
            ),
        },
    ];
    let minimum = facts.minimum_settings.said();
    if !minimum.is_empty() {
        notes.push(format!("The server needs at least {minimum}."));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_the_server_takes_it() {
        let time: Timestamp = "2026-11-27T14:15:00.25+01:00".parse().unwrap();
        assert_eq!(server_time(time), "2026-11-27 13:15:00.250+00");
    }
}
