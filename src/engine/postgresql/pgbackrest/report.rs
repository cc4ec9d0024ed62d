//! `pgbackrest verify`: it ends with 0 whatever it finds, so its report is read.

use super::facts::DelegatedFacts;
use super::tool::{Program, STATUS_FORMAT};
use super::{NAME, damaged};
use crate::engine::EngineError;
use crate::process::{Runner, ToolError};

/// What the report says of one thing.
#[derive(Debug, PartialEq, Eq)]
struct Counted {
    checked: u64,
    valid: u64,
}

/// Has every file of the backup read by pgBackRest, with what it builds on and its WAL.
pub(super) async fn verify(
    runner: &dyn Runner,
    program: &Program,
    facts: &DelegatedFacts,
) -> Result<Vec<String>, EngineError> {
    let tool = program.telling("info", "verify").args(["--output=text", "--verbose"]);
    // Versions before 2.52 take the name and look at everything.
    let tool = tool.arg(format!("--set={}", facts.label)).arg(format!("--repo={}", facts.repository));
    let run = match runner.output(&tool).await {
        Ok(run) => run,
        // Newer versions give up at a file that they cannot decompress.
        Err(ToolError::Failed { status: STATUS_FORMAT, stderr, .. }) => {
            return Err(damaged(facts, &format!("{NAME} cannot read it: {}", last_error(&stderr))));
        }
        Err(error) => return Err(program.failure("verify the backup", error)),
    };
    let text = String::from_utf8_lossy(&run.stdout);
    let files = of_backup(&text, facts)?;
    let mut said =
        vec![format!("{NAME} has read {} files of {} and found them whole", files.checked, facts.label)];
    if let Some(wal) = of_archive(&text, facts).filter(|wal| wal.valid < wal.checked) {
        let bad = wal.checked - wal.valid;
        let named = segments_in(&run.stderr);
        if named.is_empty() || named.iter().any(|name| needs(facts, name)) {
            return Err(damaged(facts, &format!("{bad} of the WAL segments in the archive are damaged")));
        }
        said.push(format!(
            "{bad} WAL segments that this backup does not need are damaged: {}; nothing can be recovered past them",
            named.join(", ")
        ));
    }
    Ok(said)
}

/// The line of the backup: without one, it was not looked at.
fn of_backup(text: &str, facts: &DelegatedFacts) -> Result<Counted, EngineError> {
    let unclear = |problem: &str| EngineError::Answer {
        question: format!("read {NAME}'s report on {}", facts.label),
        problem: problem.to_owned(),
    };
    let line =
        line_of(text, "backup: ", &facts.label).ok_or_else(|| unclear("it says nothing of this backup"))?;
    let status = field(line, "status: ").ok_or_else(|| unclear(line))?;
    let counted = Counted {
        checked: number(line, "total files checked: ").ok_or_else(|| unclear(line))?,
        valid: number(line, "total valid files: ").ok_or_else(|| unclear(line))?,
    };
    if status != "valid" || counted.valid != counted.checked || counted.checked == 0 {
        let bad = counted.checked.saturating_sub(counted.valid);
        return Err(damaged(
            facts,
            &format!("{NAME} says: {status}, {bad} of {} files are bad", counted.checked),
        ));
    }
    Ok(counted)
}

fn of_archive(text: &str, facts: &DelegatedFacts) -> Option<Counted> {
    let line = line_of(text, "archiveId: ", &facts.archive)?;
    Some(Counted { checked: number(line, "total WAL checked: ")?, valid: number(line, "total valid WAL: ")? })
}

/// The line that begins with `what` and `name`.
fn line_of<'t>(text: &'t str, what: &str, name: &str) -> Option<&'t str> {
    text.lines().map(str::trim).find(|line| {
        line.strip_prefix(what)
            .and_then(|rest| rest.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with(','))
    })
}

fn field<'t>(line: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = line.split_once(name)?;
    rest.split(',').next().map(str::trim)
}

fn number(line: &str, name: &str) -> Option<u64> {
    field(line, name)?.parse().ok()
}

/// Names of segments in what it complains of.
fn segments_in(stderr: &str) -> Vec<String> {
    let complaints = stderr.lines().filter(|line| line.contains("invalid") && line.contains('/'));
    let digits = |word: &str| word.len() == 24 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let words = complaints.flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric()));
    let mut names: Vec<String> = words.filter(|word| digits(word)).map(ToOwned::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

/// Whether a segment is one that the backup needs. Names of one timeline sort as they follow each other.
fn needs(facts: &DelegatedFacts, name: &str) -> bool {
    *facts.wal_start <= *name && *name <= *facts.wal_stop
}

fn last_error(stderr: &str) -> String {
    let line = stderr.lines().rev().find(|line| line.contains("ERROR")).unwrap_or(stderr);
    line.trim().chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> DelegatedFacts {
        DelegatedFacts::read(&serde_json::json!({
            "stanza": "main", "label": "20261130-142717F", "type": "full", "prior": null, "repository": 1,
            "system_id": "7", "archive": "15-1", "wal_segment_size": 1 << 20,
            "wal_start": "000000010000000000000009", "wal_stop": "00000001000000000000000A",
            "start_lsn": "0/900028", "end_lsn": "0/A00000", "stopped_at": "2026-01-02T03:04:05Z", "bytes": 1,
            "stored_bytes": 1, "minimum_settings": {}
        }))
        .unwrap()
    }

    const GOOD: &str = "stanza: main\nstatus: ok\n  archiveId: 15-1, total WAL checked: 8, total valid WAL: 8\n    \
        missing: 0, checksum invalid: 0, size invalid: 0, other: 0\n  backup: 20261130-142717F, status: valid, \
        total files checked: 967, total valid files: 967\n    missing: 0\n  backup: 20261130-142717F_20261130-142725I, \
        status: invalid, total files checked: 967, total valid files: 966\n";

    #[test]
    fn a_report_is_read_and_its_silence_is_no_praise() {
        let facts = facts();
        assert_eq!(of_backup(GOOD, &facts).unwrap(), Counted { checked: 967, valid: 967 });
        assert_eq!(of_archive(GOOD, &facts), Some(Counted { checked: 8, valid: 8 }));
        for bad in [
            GOOD.replacen("status: valid", "status: invalid", 1),
            GOOD.replacen("total valid files: 967", "total valid files: 966", 1),
            GOOD.replace("967", "0"),
        ] {
            assert!(matches!(of_backup(&bad, &facts), Err(EngineError::Damaged { .. })), "{bad}");
        }
        for silent in ["", "stanza: main\nstatus: ok\n", "  backup: 20261130-142717F, nonsense"] {
            assert!(matches!(of_backup(silent, &facts), Err(EngineError::Answer { .. })), "{silent}");
        }
    }

    #[test]
    fn a_damaged_segment_counts_where_the_backup_needs_it() {
        let facts = facts();
        let said = "INFO: invalid checksum '15-1/0000000100000000/00000001000000000000000A-ec66.gz'";
        let named = segments_in(said);
        assert_eq!(named, ["00000001000000000000000A"]);
        assert!(needs(&facts, &named[0]));
        assert!(!needs(&facts, "00000001000000000000000B"));
    }
}
