//! The commands, in the words of each version.

/// The first version whose options stand in parentheses, and whose archives come in one stream with their names.
pub(super) const ONE_STREAM: u32 = 15;
/// The first version with incremental backups.
pub(super) const INCREMENTAL: u32 = 17;

/// Which backup is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    Full,
    /// What has changed since the backup whose manifest was uploaded.
    Incremental,
}

/// The command that begins a backup with all of its WAL.
pub(super) fn base_backup(major: u32, label: &str, extent: Extent) -> String {
    let label = quoted(label, '\'');
    if major < ONE_STREAM {
        return format!(
            "BASE_BACKUP LABEL {label} PROGRESS FAST WAL NOWAIT TABLESPACE_MAP MANIFEST 'yes' MANIFEST_CHECKSUMS 'SHA256'"
        );
    }
    let more = if extent == Extent::Incremental { ", INCREMENTAL" } else { "" };
    format!(
        "BASE_BACKUP (LABEL {label}, PROGRESS, CHECKPOINT 'fast', WAL, WAIT 'false', TABLESPACE_MAP, MANIFEST 'yes', \
         MANIFEST_CHECKSUMS 'SHA256'{more})"
    )
}

/// The command that makes a slot which holds the WAL from now on, for as long as its session lives.
pub(super) fn temporary_slot(major: u32, name: &str) -> String {
    let name = quoted(name, '"');
    let option = if major < ONE_STREAM { "RESERVE_WAL" } else { "(RESERVE_WAL)" };
    format!("CREATE_REPLICATION_SLOT {name} TEMPORARY PHYSICAL {option}")
}

/// This language knows no backslashes: a quote is doubled, and all else stands for itself.
fn quoted(text: &str, quote: char) -> String {
    format!("{quote}{}{quote}", text.replace(quote, &format!("{quote}{quote}")))
}

/// A name for a slot that says whose it is: those of PostgreSQL have small letters, digits and underscores, and 63 of them.
pub(super) fn slot_name(id: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let id: String = id.chars().map(plain).collect();
    let kept = id.len().saturating_sub(63 - "jagad_".len());
    format!("jagad_{}", &id[kept..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_is_asked_in_its_own_words() {
        let old = base_backup(14, "jagad it's", Extent::Full);
        assert!(old.starts_with("BASE_BACKUP LABEL 'jagad it''s' PROGRESS FAST WAL NOWAIT "), "{old}");
        let new = base_backup(18, "jagad x", Extent::Incremental);
        assert!(
            new.starts_with("BASE_BACKUP (LABEL 'jagad x', ") && new.ends_with(", INCREMENTAL)"),
            "{new}"
        );
        assert_eq!(temporary_slot(13, "s"), "CREATE_REPLICATION_SLOT \"s\" TEMPORARY PHYSICAL RESERVE_WAL");
        assert_eq!(temporary_slot(15, "s"), "CREATE_REPLICATION_SLOT \"s\" TEMPORARY PHYSICAL (RESERVE_WAL)");
    }

    #[test]
    fn a_slot_is_named_after_its_backup() {
        assert_eq!(slot_name("20261120T020000Z-full-k3v9x2"), "jagad_20261120t020000z_full_k3v9x2");
        assert_eq!(slot_name(&"a".repeat(100)).len(), 63);
    }
}
