//! How users name a backup.

use super::error::CatalogError;
use crate::model::{BackupId, DatabaseName, Timestamp};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// `BACKUP` of the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackupReference {
    /// A whole id.
    Id(BackupId),
    /// The first characters of an id.
    Prefix(String),
    /// `DB@latest`: the newest good backup.
    Latest(DatabaseName),
    /// `DB@TIME`: the newest good backup that had started by then. A time without seconds means the whole minute.
    At(DatabaseName, Timestamp),
}

impl BackupReference {
    /// Whether it selects the best of several backups instead of naming one.
    pub fn is_symbolic(&self) -> bool {
        matches!(self, Self::Latest(_) | Self::At(..))
    }
}

impl fmt::Display for BackupReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Prefix(prefix) => f.write_str(prefix),
            Self::Latest(database) => write!(f, "{database}@latest"),
            Self::At(database, time) => write!(f, "{database}@{time}"),
        }
    }
}

impl FromStr for BackupReference {
    type Err = CatalogError;
    fn from_str(text: &str) -> Result<Self, CatalogError> {
        let refused = |problem: String| CatalogError::Reference { text: text.to_owned(), problem };
        if let Some((database, point)) = text.split_once('@') {
            let database: DatabaseName = database.parse().map_err(|error| refused(format!("{error}")))?;
            if point == "latest" {
                return Ok(Self::Latest(database));
            }
            let time: Timestamp = point.parse().map_err(|error| refused(format!("{error}")))?;
            let whole_minute = point.matches(':').count() == 1;
            let end = if whole_minute { Duration::from_secs(59) } else { Duration::ZERO };
            return Ok(Self::At(database, time.plus(end)));
        }
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        let plausible = text.len() >= 4
            && text.starts_with(|c: char| c.is_ascii_digit())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if plausible {
            Ok(Self::Prefix(text.to_owned()))
        } else {
            Err(refused("give an id, at least four of its first characters, DB@latest or DB@TIME".to_owned()))
        }
    }
}

/// The subject of `show` and `logs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A backup.
    Backup(BackupReference),
    /// The restore whose id begins so.
    Restore(String),
}

impl FromStr for Subject {
    type Err = CatalogError;
    fn from_str(text: &str) -> Result<Self, CatalogError> {
        // `20260102T030405Z-r` can be the beginning of a restore only.
        let of_restore = text.split_once("Z-r").is_some_and(|(started, word)| {
            let known = |c: char| c.is_ascii_alphanumeric() || c == '-';
            Timestamp::from_compact(&format!("{started}Z")).is_ok() && word.chars().all(known)
        });
        if of_restore { Ok(Self::Restore(text.to_owned())) } else { text.parse().map(Self::Backup) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn references_parse_and_the_malformed_are_refused() {
        let shop: DatabaseName = "shop".parse().unwrap();
        let table = [
            ("shop@latest", BackupReference::Latest(shop.clone())),
            (
                "shop@2026-01-02T03:04",
                BackupReference::At(shop.clone(), "2026-01-02T03:04:59Z".parse().unwrap()),
            ),
            ("shop@2026-01-02T03:04:05Z", BackupReference::At(shop, "2026-01-02T03:04:05Z".parse().unwrap())),
            ("20261120T02", BackupReference::Prefix("20261120T02".to_owned())),
        ];
        for (text, reference) in table {
            assert_eq!(text.parse::<BackupReference>().unwrap(), reference);
        }
        for bad in ["", "shop", "shop@", "@latest", "shop@yesterday", "202", "../../x@latest", "2026/11"] {
            assert!(bad.parse::<BackupReference>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn restores_and_backups_are_told_apart() {
        for text in ["20260102T030405Z-restore-k3v9x2", "20260102T030405Z-r", "20260102T030405Z-restore-k3"] {
            assert_eq!(text.parse::<Subject>().unwrap(), Subject::Restore(text.to_owned()));
        }
        for text in ["20260102T030405Z-full-k3v9x2", "20260102T0304", "shop@latest"] {
            assert!(matches!(text.parse().unwrap(), Subject::Backup(_)), "{text}");
        }
        for bad in ["Z-r", "20260102T030405Z-restore-../x", "x Z-r"] {
            assert!(bad.parse::<Subject>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_reference_or_refused(
            text in "\\PC{0,40}|[a-z]{0,3}@[+-]?[0-9]{0,7}[-/T :0-9Z+.UTC]{0,30}|[0-9]{4,8}T[0-9]{0,6}Z?-[a-z0-9-]{0,12}",
        ) {
            if let Ok(BackupReference::Id(id)) = text.parse() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
