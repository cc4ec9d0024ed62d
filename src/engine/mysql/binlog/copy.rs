//! A range of the log becomes an incremental backup.

use super::facts::{LogFacts, PartFacts};
use super::frame::FIRST_OFFSET;
use super::pull::LogPull;
use super::replay::LogReplay;
use super::scope::{Chosen, LogScope, Place, file_number};
use super::status::LogStatus;
use super::walk::Walker;
use super::witness::{LogWitness, Range, SharedWalk};
use super::xa::Groups;
use crate::engine::mysql::facts::MySqlServer;
use crate::engine::mysql::version::ToolVersion;
use crate::engine::mysql::wire::Session;
use crate::engine::{
    CopyEnd, DumpPart, EngineError, Finding, LogParent, LogRequest, LogSource, PhysicalCopy, Producer,
    Replay, ReplayRequest, Scope,
};
use crate::model::{BackupId, LogPosition, PartKind, Span};
use crate::process::Runner;
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// What parts of the log are called after the name of their file.
const EXTENSION: &str = "binlog";
const TOOL: &str = "COM_BINLOG_DUMP";

#[async_trait]
impl LogSource for MySqlServer {
    async fn check_log(&self, runner: &dyn Runner, scope: &Scope) -> Result<Vec<Finding>, EngineError> {
        self.log_findings(runner, scope).await
    }

    fn plan_log(&self) -> Vec<String> {
        vec![TOOL.to_owned(), "<end of the last backup>".to_owned()]
    }

    async fn begin_log(
        &self,
        _runner: &dyn Runner,
        request: LogRequest<'_>,
    ) -> Result<Box<dyn PhysicalCopy>, EngineError> {
        let LogRequest { scope, parent } = request;
        let no_base = |reason: String| EngineError::NoBase { backup: parent.backup.clone(), reason };
        self.same_server(parent).map_err(no_base)?;
        self.same_databases(scope, parent)?;
        let (begin, facts) = begin_of(parent).map_err(no_base)?;
        let mut session = self.session("read the binary log").await?;
        let Some(status) = self.log_status(&mut session).await? else {
            return Err(no_base("the server keeps no binary log".to_owned()));
        };
        self.continues(&mut session, &begin, facts.as_ref(), &status).await?.map_err(no_base)?;
        let log_scope = self.chosen(parent).map_err(no_base)?;
        let groups = Groups::unknown(facts.map(|facts| facts.prepared).unwrap_or_default());
        let walk = Arc::new(Mutex::new(Walker::new(log_scope, groups)));
        let ranges = ranges(&begin, &status).map_err(no_base)?;
        let last = ranges.back().map_or_else(|| begin.file.clone(), |pull| pull.0.clone());
        let pull = |(file, from, to): (String, u64, Option<u64>)| LogPull {
            connection: self.client.connection.clone(),
            file,
            from,
            to,
        };
        let created = pull((last, FIRST_OFFSET, None)).created().await?;
        Ok(Box::new(LogCopy {
            backup: parent.backup.clone(),
            begin,
            end: status.end,
            created,
            ranges: ranges.into_iter().map(pull).collect(),
            walk,
        }))
    }

    async fn plan_replay(
        &self,
        runner: &dyn Runner,
        request: ReplayRequest,
    ) -> Result<Box<dyn Replay>, EngineError> {
        Ok(Box::new(LogReplay::new(self, runner, request).await?))
    }
}

impl MySqlServer {
    fn same_server(&self, parent: &LogParent) -> Result<(), String> {
        if parent.identity != self.facts.identity || self.facts.identity.is_none() {
            return Err("it is of another server, or nobody knows of which".to_owned());
        }
        if ToolVersion::parse(&parent.server_version) != ToolVersion::parse(&self.facts.version) {
            return Err(format!(
                "its server was {}, and is {} now",
                parent.server_version, self.facts.version
            ));
        }
        Ok(())
    }

    /// A database that is new has no dump that the log goes on from.
    fn same_databases(&self, scope: &Scope, parent: &LogParent) -> Result<(), EngineError> {
        let now = scope.choose(&self.facts.databases, |name| self.database(name))?;
        let now: BTreeSet<&str> = now.iter().map(|database| database.name.as_str()).collect();
        let then: BTreeSet<&str> = parent.databases.iter().map(|dumped| dumped.database.as_str()).collect();
        let reason = match (now.difference(&then).next(), then.difference(&now).next()) {
            (Some(new), _) => format!("it does not hold the database `{new}`"),
            (None, Some(gone)) => format!("the database `{gone}` is gone"),
            (None, None) => return Ok(()),
        };
        Err(EngineError::NoBase { backup: parent.backup.clone(), reason })
    }

    /// Whether the log goes on where the parent ends.
    async fn continues(
        &self,
        session: &mut Session,
        begin: &LogPosition,
        facts: Option<&LogFacts>,
        status: &LogStatus,
    ) -> Result<Result<(), String>, EngineError> {
        let Some(place) = Place::of(begin) else {
            return Ok(Err(format!("its place in the log, `{}`, is not understood", begin.file)));
        };
        if !status.files.contains(&begin.file) {
            return Ok(Err(format!("the server has removed `{}` of its binary log", begin.file)));
        }
        if place > status.place {
            return Ok(Err("the binary log of the server ends before it: it was begun anew".to_owned()));
        }
        let connection = self.client.connection.clone();
        let pull = LogPull { connection, file: begin.file.clone(), from: begin.offset, to: None };
        match pull.created().await {
            Ok(created) if facts.is_none_or(|facts| facts.created == created) => {}
            Ok(_) => return Ok(Err(format!("`{}` of the server is another file of this name", begin.file))),
            // The server does not find the place.
            Err(EngineError::Answer { problem, .. }) => return Ok(Err(problem)),
            Err(error) => return Err(error),
        }
        if !self.holds(session, begin).await? {
            return Ok(Err("the server does not have all transactions that are in it".to_owned()));
        }
        Ok(Ok(()))
    }

    /// The databases of the parent, from where each was dumped.
    fn chosen(&self, parent: &LogParent) -> Result<LogScope, String> {
        let mut databases = BTreeMap::new();
        for dumped in &parent.databases {
            let begins =
                dumped.position.as_ref().and_then(Place::of).ok_or_else(|| unplaced(&dumped.database))?;
            databases.insert(dumped.database.clone(), Chosen { begins, name: dumped.database.clone() });
        }
        Ok(LogScope::new(databases, self.same_in_any_case()))
    }
}

fn unplaced(database: &str) -> String {
    format!("the dump of `{database}` does not say where it is in the binary log")
}

/// Where the range begins: behind the parent, or where the first of its databases was dumped.
fn begin_of(parent: &LogParent) -> Result<(LogPosition, Option<LogFacts>), String> {
    if let Some(facts) = &parent.facts {
        let facts: LogFacts = serde_json::from_value(facts.clone())
            .map_err(|_| "it does not say where it ends in the binary log".to_owned())?;
        return Ok((facts.end.clone(), Some(facts)));
    }
    let mut first: Option<&LogPosition> = None;
    for dumped in &parent.databases {
        let position = dumped.position.as_ref().ok_or_else(|| unplaced(&dumped.database))?;
        if first.is_none_or(|first| Place::of(position) < Place::of(first)) {
            first = Some(position);
        }
    }
    first.map(|first| (first.clone(), None)).ok_or_else(|| "it holds no database".to_owned())
}

type FileRange = (String, u64, Option<u64>);

/// The files of the range, and what of each.
fn ranges(begin: &LogPosition, status: &LogStatus) -> Result<VecDeque<FileRange>, String> {
    let first = file_number(&begin.file).ok_or("its place in the log is not understood")?;
    let mut ranges = VecDeque::new();
    let mut expected = first;
    for file in &status.files {
        let Some(number) = file_number(file).filter(|number| (first..=status.place.file).contains(number))
        else {
            continue;
        };
        if number != expected {
            return Err(format!("files of the binary log are missing in front of `{file}`"));
        }
        expected += 1;
        let from = if number == first { begin.offset } else { FIRST_OFFSET };
        let to = (number == status.place.file).then_some(status.place.offset);
        if to != Some(from) {
            ranges.push_back((file.clone(), from, to));
        }
    }
    Ok(ranges)
}

/// A range of the log under way.
struct LogCopy {
    backup: BackupId,
    begin: LogPosition,
    end: LogPosition,
    created: u32,
    ranges: VecDeque<LogPull>,
    walk: SharedWalk,
}

#[async_trait]
impl PhysicalCopy for LogCopy {
    async fn next_part(&mut self, _runner: &dyn Runner) -> Result<Option<DumpPart>, EngineError> {
        let Some(pull) = self.ranges.pop_front() else { return Ok(None) };
        let (file, from) = (pull.file.clone(), pull.from);
        let estimate = pull.to.map_or(0, |to| to - from);
        let range = Range { number: file_number(&file).unwrap_or_default(), file: file.clone(), from };
        let properties = serde_json::to_value(PartFacts { file: file.clone(), from })
            .map_err(|error| undescribed(&error))?;
        Ok(Some(DumpPart {
            kind: PartKind::Log,
            database: None,
            // Names of parts have no dots but the one in front of what they are.
            archive: Some(file.replace('.', "-")),
            extension: EXTENSION,
            source: Producer::Native(Arc::new(pull)),
            witness: Box::new(LogWitness::of(range, Arc::clone(&self.walk))),
            estimate,
            properties,
        }))
    }

    async fn finish(self: Box<Self>, _runner: &dyn Runner) -> Result<CopyEnd, EngineError> {
        let walk = self.walk.lock().unwrap_or_else(PoisonError::into_inner);
        let unfinished = || "the range of the log ends inside a transaction".to_owned();
        let hindrance = walk.hindrance.clone().or_else(|| (!walk.is_between()).then(unfinished));
        if let Some(reason) = hindrance {
            return Err(EngineError::NoBase { backup: self.backup.clone(), reason });
        }
        let shown = |position: &LogPosition| format!("{}:{}", position.file, position.offset);
        let span = Span { start: shown(&self.begin), end: shown(&self.end) };
        let facts = LogFacts { end: self.end.clone(), created: self.created, prepared: walk.groups.open() };
        let facts = serde_json::to_value(facts).map_err(|error| undescribed(&error))?;
        Ok(CopyEnd { span, facts, tool: TOOL.to_owned(), notes: Vec::new() })
    }
}

fn undescribed(error: &serde_json::Error) -> EngineError {
    EngineError::Answer { question: "describe the range of the log".to_owned(), problem: error.to_string() }
}
