//! What the copy tool says of a copy: two small files of `key = value`.

use crate::engine::EngineError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Names of the files, in the order of the versions.
const CHECKPOINTS: [&str; 2] = ["mariadb_backup_checkpoints", "xtrabackup_checkpoints"];
const INFO: [&str; 2] = ["mariadb_backup_info", "xtrabackup_info"];
/// The file of the system tablespace, as old as the server.
pub(super) const FIRST_FILE: &str = "ibdata1";
/// Neither ever has more.
const LIMIT: u64 = 1 << 20;

/// What is recorded of a physical backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CopyFacts {
    /// Where the copy begins in the redo log: 0 for a full.
    pub(super) from_lsn: u64,
    /// Where an incremental on top of it begins.
    pub(super) to_lsn: u64,
    /// Where the copied redo log ends.
    pub(super) last_lsn: u64,
    /// The place in the binary log, in the tool's own words; absent where the server writes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) binlog: Option<String>,
    /// Which files were copied. A restored server has the identity of its backup, and numbers its redo log as if nothing had
    /// happened since: an incremental on a later backup would lack what changed in between.
    pub(super) lineage: String,
    /// Settings of the server that one which is started on the files must have too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) settings: BTreeMap<String, String>,
    /// The copy tool: its version has to be that of the server that prepares it.
    pub(super) tool: String,
}

/// What is known of the server whose files are copied.
pub(super) struct CopiedServer {
    /// [`lineage`] of its files.
    pub(super) lineage: String,
    /// [`CopyFacts::settings`].
    pub(super) settings: BTreeMap<String, String>,
}

impl CopyFacts {
    /// Reads what the tool left in `folder`.
    pub(super) fn read(folder: &Path, tool: &str, server: &CopiedServer) -> Result<Self, EngineError> {
        let checkpoints = pairs(folder, &CHECKPOINTS)?;
        let info = pairs(folder, &INFO)?;
        let number = |name: &str| {
            let value = checkpoints.get(name);
            value.and_then(|value| value.parse().ok()).ok_or_else(|| EngineError::Answer {
                question: "read what the copy tool says of its copy".to_owned(),
                problem: format!("it does not say `{name}`"),
            })
        };
        Ok(Self {
            from_lsn: number("from_lsn")?,
            to_lsn: number("to_lsn")?,
            last_lsn: number("last_lsn")?,
            binlog: info.get("binlog_pos").filter(|place| !place.is_empty()).cloned(),
            lineage: server.lineage.clone(),
            settings: server.settings.clone(),
            tool: tool.to_owned(),
        })
    }
}

/// What tells these files from those that a restore would put in their place: when and where the first of them was made.
pub(super) fn lineage(data: &Path) -> std::io::Result<String> {
    use std::os::unix::fs::MetadataExt as _;
    let first = std::fs::metadata(data.join(FIRST_FILE))?;
    let made = first.created().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    Ok(format!("{}-{}", first.ino(), made.map_or(0, |made| made.as_nanos())))
}

fn pairs(folder: &Path, names: &[&str]) -> Result<BTreeMap<String, String>, EngineError> {
    use std::io::Read as _;
    let open = names.iter().find_map(|name| std::fs::File::open(folder.join(name)).ok());
    let mut text = String::new();
    let read = open.map(|file| file.take(LIMIT).read_to_string(&mut text));
    if !matches!(read, Some(Ok(_))) {
        return Err(EngineError::Answer {
            question: "read what the copy tool says of its copy".to_owned(),
            problem: format!("it has not written `{}`", names[0]),
        });
    }
    let lines = text.lines().filter_map(|line| line.split_once('='));
    Ok(lines.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).collect())
}
