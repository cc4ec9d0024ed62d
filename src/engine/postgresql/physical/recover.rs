//! A physical backup, or a chain, becomes a data directory.

use super::facts::CopyFacts;
use crate::engine::postgresql::combine::{ArchiveName, Merge, MergeLink, MergeRequest};
use crate::engine::{
    EngineError, FilledFolder, Recovery, RecoveryLink, RecoveryPart, RecoveryRequest, RecoveryStep,
    RecoveryWrite,
};
use crate::model::{PartKind, PartName, help};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Plans the way from the chain to the folders.
pub(in crate::engine::postgresql) fn recover(request: &RecoveryRequest<'_>) -> Result<Recovery, EngineError> {
    let facts = request.links.iter().map(|link| CopyFacts::read(&link.backup, &link.facts));
    let facts: Vec<CopyFacts> = facts.collect::<Result<_, _>>()?;
    let (Some(newest), Some(link)) = (facts.first(), request.links.first()) else {
        return Err(EngineError::Archive { problem: "there is no backup".to_owned() });
    };
    let tablespaces = folders(request, newest);
    let request = &RecoveryRequest { tablespaces: &tablespaces, ..*request };
    refuse_other_systems(request.links, &facts)?;
    refuse_unknown_tablespaces(request, newest)?;
    let merge = Merge::new(merge_request(request, &facts)?)?;
    let mut steps = Vec::new();
    if let Some(settings) = link.parts.iter().find(|part| part.kind == PartKind::Settings) {
        steps.push(write(0, &settings.name, request.folder.to_owned(), merge.configuration()));
    }
    for (index, link) in request.links.iter().enumerate() {
        for part in files_of(link) {
            let archive = archive(part)?;
            let folder = match archive {
                ArchiveName::Tablespace(oid) => request.tablespaces.get(&oid.to_string()).cloned(),
                ArchiveName::Base => None,
            };
            let folder = folder.unwrap_or_else(|| request.folder.to_owned());
            steps.push(write(index, &part.name, folder, merge.consumer(index, archive)));
        }
    }
    steps.push(RecoveryStep::Run(merge.finish()));
    Ok(Recovery { steps, folders: filled(request, newest), notes: notes(&link.server_version, newest) })
}

/// The data directory and the folders of tablespaces, each with what it will hold.
fn filled(request: &RecoveryRequest<'_>, newest: &CopyFacts) -> Vec<FilledFolder> {
    let outside = newest.tablespaces.iter().filter_map(|space| {
        let path = request.tablespaces.get(&space.oid.to_string())?.clone();
        Some(FilledFolder { path, bytes: space.bytes })
    });
    let outside: Vec<FilledFolder> = outside.collect();
    let elsewhere = outside.iter().fold(0_u64, |sum, folder| sum.saturating_add(folder.bytes));
    let bytes = newest.disk_bytes().saturating_sub(elsewhere);
    let mut folders = vec![FilledFolder { path: request.folder.to_owned(), bytes }];
    folders.extend(outside);
    folders
}

/// Where each tablespace that was outside of the data directory goes, as far as the request says so.
fn folders(request: &RecoveryRequest<'_>, newest: &CopyFacts) -> BTreeMap<String, PathBuf> {
    let mut folders = request.tablespaces.clone();
    let Some(below) = request.others else { return folders };
    for space in newest.tablespaces.iter().filter(|space| !space.is_in_place()) {
        folders.entry(space.oid.to_string()).or_insert_with(|| below.join(format!("ts-{}", space.oid)));
    }
    folders
}

fn write(link: usize, part: &PartName, folder: PathBuf, consumer: crate::engine::Consumer) -> RecoveryStep {
    RecoveryStep::Write(RecoveryWrite { link, part: part.clone(), folder, consumer })
}

/// Archives know their server only by its log, and another server's may look like it.
fn refuse_other_systems(links: &[RecoveryLink], facts: &[CopyFacts]) -> Result<(), EngineError> {
    for (above, below) in links.iter().zip(facts).zip(links.iter().zip(facts).skip(1)) {
        let ((link, of), (parent, of_parent)) = (above, below);
        if of.system_id != of_parent.system_id {
            return Err(EngineError::Archive {
                problem: format!(
                    "{} is of the system {}, and {}, which it builds on, is of {}",
                    link.backup, of.system_id, parent.backup, of_parent.system_id
                ),
            });
        }
    }
    Ok(())
}

fn refuse_unknown_tablespaces(request: &RecoveryRequest<'_>, newest: &CopyFacts) -> Result<(), EngineError> {
    let known: Vec<String> = newest
        .tablespaces
        .iter()
        .filter(|space| !space.is_in_place())
        .map(|space| format!("{} (`{}`)", space.oid, space.path))
        .collect();
    let is_known = |oid: &&String| {
        newest.tablespaces.iter().any(|space| !space.is_in_place() && space.oid.to_string() == **oid)
    };
    let Some(unknown) = request.tablespaces.keys().find(|oid| !is_known(oid)) else { return Ok(()) };
    let what = format!("tablespace `{unknown}`");
    let help = if known.is_empty() {
        help!("It has no tablespace outside of its data directory: leave out --tablespace.")
    } else {
        help!("It has {}.", known.join(", "))
    };
    Err(EngineError::NotFound { what, place: " in the backup".to_owned(), help })
}

fn merge_request(request: &RecoveryRequest<'_>, facts: &[CopyFacts]) -> Result<MergeRequest, EngineError> {
    let newest =
        facts.first().ok_or_else(|| EngineError::Archive { problem: "there is no backup".to_owned() })?;
    let mut tablespaces = BTreeMap::new();
    for space in &newest.tablespaces {
        let folder = request.tablespaces.get(&space.oid.to_string());
        if let Some(place) = space.place(folder.map(PathBuf::as_path)) {
            tablespaces.insert(space.oid, place);
        }
    }
    let mut links = Vec::with_capacity(request.links.len());
    for (link, facts) in request.links.iter().zip(facts) {
        let archives = files_of(link).map(archive).collect::<Result<_, _>>()?;
        links.push(MergeLink { name: link.backup.to_string(), archives, start: facts.start() });
    }
    Ok(MergeRequest { folder: request.folder.to_owned(), tablespaces, links, layout: newest.layout()? })
}

fn files_of(link: &RecoveryLink) -> impl Iterator<Item = &RecoveryPart> {
    link.parts.iter().filter(|part| part.kind == PartKind::Files)
}

fn archive(part: &RecoveryPart) -> Result<ArchiveName, EngineError> {
    part.name.parse()
}

/// What somebody has to know before a server is started.
fn notes(version: &str, newest: &CopyFacts) -> Vec<String> {
    let major = version.split('.').next().unwrap_or(version);
    let minimum = newest.minimum_settings.said();
    let mut notes = vec![format!(
        "Start PostgreSQL {major} on it: it replays what is there and begins a new timeline; `archive_mode` is off."
    )];
    if !minimum.is_empty() {
        notes.push(format!("The server needs at least {minimum}; `postgresql.auto.conf` says so."));
    }
    notes
}
