//! Known answers, and what must hold for any history.

use super::*;
use crate::catalog::{CatalogError, Verification};
use crate::model::{DatabaseName, VerificationStatus, VerifyLevel};
use crate::store::ObjectKey;
use proptest::prelude::*;
use std::time::Duration;

const NOW: &str = "2026-02-01T00:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn hour(number: u64) -> Timestamp {
    "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap().plus(Duration::from_secs(number * 3600))
}

fn id(number: u64, kind: BackupKind) -> BackupId {
    format!("{}-{kind}-{number:06}", hour(number).compact()).parse().unwrap()
}

/// A good full that began in the hour `number` and holds `shop` and `wiki`.
fn full(number: u64) -> ListedBackup {
    let part = |name: &str| {
        format!(
            r#"{{"name":"{name}.dump","kind":"database","database":"{name}","plain_bytes":1,"packed_bytes":1,
            "packed_sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","stored_bytes":1,
            "segments":[],"tables":1,"rows":2}}"#
        )
    };
    let text = format!(
        r#"{{"format":1,"id":"{}","repository":"0123456789abcdef0123456789abcdef","database":"shop",
        "engine":"postgresql","server":null,"tool":null,"method":"logical","kind":"full","purpose":"scheduled",
        "parent":null,"source":null,"started_at":"{}","finished_at":"{}","duration_ms":1,"span":null,"status":"success",
        "error":null,"fallback_reason":null,"note":null,"jagad":"0.1.0","host":"h",
        "recipe":{{"codec":"zstd","level":3,"cipher":null,"key_id":null}},"parts":[{},{}]}}"#,
        id(number, BackupKind::Full),
        hour(number),
        hour(number).plus(Duration::from_secs(60)),
        part("shop"),
        part("wiki")
    );
    ListedBackup {
        proof: crate::catalog::Proof::Given,
        manifest: serde_json::from_str(&text).unwrap(),
        pin: SideRecord::Absent,
        verification: SideRecord::Absent,
        verifying: None,
        gone: None,
    }
}

fn incremental(number: u64, parent: &ListedBackup) -> ListedBackup {
    let mut entry = full(number);
    entry.manifest.id = id(number, BackupKind::Incremental);
    entry.manifest.kind = BackupKind::Incremental;
    entry.manifest.parent = Some(parent.manifest.id.clone());
    entry
}

fn looked_at(mut entry: ListedBackup, status: VerificationStatus) -> ListedBackup {
    let look = Verification {
        format: 1,
        level: VerifyLevel::Checksum,
        status,
        verified_at: now(),
        duration_ms: 1,
        bytes: 1,
        host: "h".to_owned(),
        error: None,
        passed: BTreeMap::new(),
        found_bad: None,
    };
    entry.verification = SideRecord::Known(look.after(None));
    entry
}

fn safety(number: u64) -> ListedBackup {
    let mut entry = full(number);
    entry.manifest.purpose = BackupPurpose::Safety;
    entry
}

/// A backup of only `wiki`.
fn partial(number: u64) -> ListedBackup {
    let mut entry = full(number);
    entry.manifest.partial = true;
    entry.manifest.parts.retain(|part| part.database.as_deref() == Some("wiki"));
    entry
}

fn failed(number: u64) -> ListedBackup {
    let mut entry = full(number);
    entry.manifest.status = BackupStatus::Failed;
    entry.manifest.parts.clear();
    entry
}

fn unreadable(number: u64) -> UnreadableBackup {
    let key: ObjectKey = "manifest.json".parse().unwrap();
    let database: DatabaseName = "shop".parse().unwrap();
    let error = CatalogError::UnknownFormat { key, found: 2 };
    UnreadableBackup { database, id: id(number, BackupKind::Full), error, pinned: false }
}

/// The hour of the chosen backup, and those of the ones passed over; or why none was chosen.
fn chosen(
    entries: &[ListedBackup],
    wanted: &Wanted<'_>,
    hidden: &[UnreadableBackup],
) -> Result<(u64, Vec<u64>), String> {
    let number = |id: &BackupId| id.to_string().rsplit('-').next().unwrap().parse::<u64>().unwrap();
    match Chains::new(entries, now()).choose(wanted, hidden) {
        Ok(chosen) => Ok((
            number(&chosen.entry.manifest.id),
            chosen.passed_over.iter().map(|one| number(&one.id)).collect(),
        )),
        Err(Unclear::Unreadable { backups, .. }) => Err(format!("unreadable {}", number(&backups[0].id))),
        Err(Unclear::NoneGood(candidates)) => Err(format!("none of {}", candidates.len())),
    }
}

#[test]
fn latest_is_the_newest_that_is_good_and_whole() {
    let bad = looked_at(full(4), VerificationStatus::Failed);
    let entries = [full(1), full(2), partial(3), bad, safety(5), failed(6)];
    assert_eq!(chosen(&entries, &Wanted::default(), &[]), Ok((2, vec![5, 4, 3])));
    assert_eq!(chosen(&entries[2..], &Wanted::default(), &[]), Err("none of 3".to_owned()));
    assert_eq!(chosen(&entries[5..], &Wanted::default(), &[]), Err("none of 0".to_owned()));
    let unsure = [full(1), looked_at(full(2), VerificationStatus::Inconclusive)];
    assert_eq!(chosen(&unsure, &Wanted::default(), &[]), Ok((2, vec![])));
}

#[test]
fn a_record_that_cannot_be_read_makes_no_backup_bad() {
    let mut unsure = full(2);
    unsure.verification = SideRecord::Unreadable { unreadable: "format 2".to_owned() };
    assert_eq!(chosen(&[full(1), unsure], &Wanted::default(), &[]), Ok((2, vec![])));
}

#[test]
fn a_named_database_is_taken_from_the_newest_that_holds_it_whole() {
    let wiki = ["wiki".to_owned()];
    let wanted = Wanted { started_by: None, databases: &wiki };
    assert_eq!(chosen(&[full(1), partial(3)], &wanted, &[]), Ok((3, vec![])));
    let mut without = full(4);
    without.manifest.parts.retain(|part| part.database.as_deref() == Some("shop"));
    assert_eq!(chosen(&[full(1), without, safety(5)], &wanted, &[]), Ok((1, vec![5, 4])));
}

#[test]
fn a_time_means_the_newest_that_had_started_by_then() {
    let entries = [full(1), full(2), full(3)];
    let by = |started_by| Wanted { started_by: Some(started_by), databases: &[] };
    assert_eq!(chosen(&entries, &by(hour(2)), &[]), Ok((2, vec![])));
    assert_eq!(chosen(&entries, &by(hour(0)), &[]), Err("none of 0".to_owned()));
    // What came later does not matter.
    assert_eq!(chosen(&entries, &by(hour(2)), &[unreadable(3)]), Ok((2, vec![])));
}

#[test]
fn a_newer_backup_that_cannot_be_read_is_never_passed_over() {
    let entries = [full(1), full(3)];
    assert_eq!(chosen(&entries, &Wanted::default(), &[unreadable(2)]), Ok((3, vec![])));
    assert_eq!(chosen(&entries, &Wanted::default(), &[unreadable(4)]), Err("unreadable 4".to_owned()));
    assert_eq!(chosen(&[], &Wanted::default(), &[unreadable(4)]), Err("unreadable 4".to_owned()));
}

#[test]
fn an_incremental_is_as_good_as_what_it_builds_on() {
    let base = full(1);
    let child = incremental(2, &base);
    let grandchild = incremental(3, &child);
    let all = [base.clone(), child.clone(), grandchild.clone()];
    assert_eq!(chosen(&all, &Wanted::default(), &[]), Ok((3, vec![])));
    let torn = [base.clone(), looked_at(child.clone(), VerificationStatus::Failed), grandchild.clone()];
    assert_eq!(chosen(&torn, &Wanted::default(), &[]), Ok((1, vec![3, 2])));
    let orphans = [child, grandchild];
    assert_eq!(chosen(&orphans, &Wanted::default(), &[]), Err("none of 2".to_owned()));
    let chains = Chains::new(&orphans, now());
    assert_eq!((chains.health(&orphans[1]), chains.good().count()), (Health::Broken, 0));
}

#[test]
fn a_backup_from_a_clock_that_was_years_ahead_is_not_the_latest() {
    let mut ahead = full(1);
    ahead.manifest.finished_at = "2031-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(chosen(&[ahead.clone(), full(2)], &Wanted::default(), &[]), Ok((2, vec![])));
    // It is better than nothing.
    assert_eq!(chosen(&[ahead], &Wanted::default(), &[]), Ok((1, vec![])));
}

fn histories() -> impl Strategy<Value = Vec<ListedBackup>> {
    let one = (0_u8..9, proptest::option::of(0_usize..12));
    proptest::collection::vec(one, 0..12).prop_map(|rows| {
        let mut entries: Vec<ListedBackup> = Vec::new();
        for (number, (kind, parent)) in (0_u64..).zip(rows) {
            let parent = parent.and_then(|place| entries.get(place)).cloned();
            let entry = match (kind, parent) {
                (0, _) => failed(number),
                (1, _) => partial(number),
                (2, _) => safety(number),
                (3, _) => looked_at(full(number), VerificationStatus::Failed),
                (4, Some(parent)) => looked_at(incremental(number, &parent), VerificationStatus::Failed),
                (5..=7, Some(parent)) => incremental(number, &parent),
                _ => full(number),
            };
            entries.push(entry);
        }
        entries
    })
}

proptest! {
    #[test]
    fn the_chosen_backup_is_good_and_no_newer_one_is(
        entries in histories(),
        hidden in proptest::collection::vec(0_u64..12, 0..2),
        gone in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut entries = entries;
        if let Some(gone) = gone && !entries.is_empty() {
            entries.remove(gone.index(entries.len()));
        }
        let hidden: Vec<UnreadableBackup> = hidden.into_iter().map(unreadable).collect();
        let chains = Chains::new(&entries, now());
        let good = |entry: &&ListedBackup| chains.health(entry) == Health::Good;
        let newest = entries.iter().filter(good).max_by_key(|entry| entry.manifest.finished_at);
        match chains.choose(&Wanted::default(), &hidden) {
            Ok(chosen) => {
                prop_assert_eq!(Some(&chosen.entry.manifest.id), newest.map(|entry| &entry.manifest.id));
                let started = chosen.entry.manifest.id.started();
                prop_assert!(hidden.iter().all(|one| one.id.started() < started));
                // Every newer one that succeeded is listed.
                let newer = entries.iter().filter(|entry| entry.manifest.status == BackupStatus::Success);
                let newer = newer.filter(|entry| entry.manifest.finished_at > chosen.entry.manifest.finished_at);
                prop_assert_eq!(newer.count(), chosen.passed_over.len());
                // Everything that it builds on exists, and is good itself.
                let mut next = chosen.entry.manifest.parent.clone();
                while let Some(parent) = next {
                    let link = entries.iter().find(|entry| entry.manifest.id == parent).unwrap();
                    prop_assert_eq!(own_health(link), Health::Good);
                    next = link.manifest.parent.clone();
                }
            }
            Err(Unclear::Unreadable { best, .. }) => {
                prop_assert_eq!(best, newest.map(|entry| &entry.manifest.id));
                prop_assert!(!hidden.is_empty());
            }
            Err(Unclear::NoneGood(_)) => prop_assert!(newest.is_none()),
        }
    }
}
