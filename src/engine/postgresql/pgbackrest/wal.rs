//! The WAL that a backup cannot do without. pgBackRest's own verification does not miss a segment that is gone.

use super::facts::{DelegatedFacts, Segment};
use super::tool::Program;
use super::{NAME, damaged};
use crate::engine::EngineError;
use crate::engine::postgresql::base_backup::Lsn;
use crate::process::Runner;
use std::collections::{BTreeMap, BTreeSet};

/// Digits of a segment's name that are its folder in the repository.
const FOLDER_DIGITS: usize = 16;
/// No backup runs while so many segments are written: 16 TiB of WAL.
const MOST_SEGMENTS: u64 = 1 << 20;

/// The segments between the first and the last, both included.
pub(super) fn segments(facts: &DelegatedFacts) -> Result<Vec<Segment>, EngineError> {
    let senseless = || EngineError::Archive {
        problem: format!("{} is no range of WAL: {} to {}", facts.label, facts.wal_start, facts.wal_stop),
    };
    let size = facts.wal_segment_size;
    if !size.is_power_of_two() || !(1 << 20..=1 << 30).contains(&size) {
        return Err(senseless());
    }
    let per_file = (1_u64 << 32) / size;
    let number = |segment: &Segment| {
        let half = |range: std::ops::Range<usize>| u64::from_str_radix(&segment[range], 16).ok();
        let (high, low) = (half(8..16)?, half(16..24)?);
        (low < per_file).then(|| high * per_file + low)
    };
    let (first, last) = number(&facts.wal_start).zip(number(&facts.wal_stop)).ok_or_else(senseless)?;
    let timeline = &facts.wal_start[..8];
    if first > last || last - first > MOST_SEGMENTS || timeline != &facts.wal_stop[..8] {
        return Err(senseless());
    }
    let name = |number| format!("{timeline}{:08X}{:08X}", number / per_file, number % per_file);
    (first..=last).map(|number| Segment::try_from(name(number)).map_err(|_| senseless())).collect()
}

/// Every segment that the backup needs is in the repository.
pub(super) async fn every_segment_is_there(
    runner: &dyn Runner,
    program: &Program,
    facts: &DelegatedFacts,
) -> Result<(), EngineError> {
    let mut folders: BTreeMap<String, Vec<Segment>> = BTreeMap::new();
    for segment in segments(facts)? {
        folders.entry(segment[..FOLDER_DIGITS].to_owned()).or_default().push(segment);
    }
    for (folder, wanted) in folders {
        let there = listed(runner, program, facts, &folder).await?;
        if let Some(missing) = wanted.iter().find(|segment| !there.contains(&segment[..])) {
            return Err(damaged(facts, &format!("the WAL segment {missing}, which it needs, is missing")));
        }
    }
    Ok(())
}

/// The segments in one folder of the repository.
async fn listed(
    runner: &dyn Runner,
    program: &Program,
    facts: &DelegatedFacts,
    folder: &str,
) -> Result<BTreeSet<String>, EngineError> {
    let doing = format!("list the WAL in {NAME}'s repository");
    let place = format!("archive/{}/{}/{folder}", facts.stanza, facts.archive);
    let tool = program.question("repo-ls").arg(place).arg("--output=json");
    let tool = tool.arg(format!("--repo={}", facts.repository));
    let run = program.run(runner, &tool, &doing).await?;
    let names: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&run.stdout)
        .map_err(|error| EngineError::Answer { question: doing, problem: error.to_string() })?;
    // `000000010000000000000009-<digest>.gz`; what is only on its way there has another end.
    let whole = |name: &String| name.as_bytes().get(24) == Some(&b'-') && !name.ends_with(".pgbackrest.tmp");
    Ok(names.into_keys().filter(whole).filter_map(|name| name.get(..24).map(ToOwned::to_owned)).collect())
}

/// Whether the backup can be restored to `lsn`: not before its own end.
pub(super) fn is_before_end(facts: &DelegatedFacts, lsn: Lsn) -> bool {
    facts.end_lsn.parse::<Lsn>().is_ok_and(|end| lsn < end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(start: &str, stop: &str, size: u64) -> DelegatedFacts {
        DelegatedFacts::read(&serde_json::json!({
            "stanza": "main", "label": "20261130-142717F", "type": "full", "prior": null, "repository": 1,
            "system_id": "7", "archive": "15-1", "wal_segment_size": size, "wal_start": start, "wal_stop": stop,
            "start_lsn": "0/900028", "end_lsn": "0/A00000", "stopped_at": "2026-01-02T03:04:05Z", "bytes": 1,
            "stored_bytes": 1, "minimum_settings": {}
        }))
        .unwrap()
    }

    #[test]
    fn a_range_of_wal_is_every_segment_of_it() {
        let names = |start: &str, stop: &str, size| {
            segments(&facts(start, stop, size))
                .map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(
            names("0000000100000000000000FE", "000000010000000100000001", 16 << 20).unwrap(),
            "0000000100000000000000FE 0000000100000000000000FF 000000010000000100000000 000000010000000100000001"
        );
        let one = "000000010000000000000FFF";
        assert_eq!(names(one, one, 1 << 20).unwrap(), one);
        for (start, stop, size) in [
            ("000000010000000000000002", "000000010000000000000001", 16 << 20),
            ("000000010000000000000001", "000000020000000000000002", 16 << 20),
            ("000000010000000000000001", "00000001FFFFFFFF00000002", 1 << 20),
            ("000000010000000000000001", "000000010000000000000101", 16 << 20),
            ("000000010000000000000001", "000000010000000000000002", 0),
        ] {
            assert!(names(start, stop, size).is_err(), "{start} {stop}");
        }
    }

    #[test]
    fn a_target_before_the_end_of_the_backup_is_none() {
        let facts = facts("000000010000000000000009", "000000010000000000000009", 1 << 20);
        assert!(is_before_end(&facts, "0/9FFFFF".parse().unwrap()));
        assert!(!is_before_end(&facts, "0/A00000".parse().unwrap()));
    }
}
