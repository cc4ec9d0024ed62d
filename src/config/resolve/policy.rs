//! `[policies.NAME]`.

use super::Place;
use crate::config::entry::PolicyEntry;
use crate::config::error::ConfigError;
use crate::config::file::{CountOrAge, PolicyFile};
use crate::retention::{IncrementalRule, Retention};
use chrono_tz::Tz;

/// One `[policies.NAME]` table; its days are those of `zone`.
pub(super) fn resolve(
    place: &Place<'_>,
    name: &str,
    written: &PolicyFile,
    zone: Tz,
) -> Result<PolicyEntry, ConfigError> {
    let kept = &written.retention;
    let min_keep = kept.min_keep.unwrap_or(1);
    place.bounded("retention.min_keep", min_keep.into(), 1..=1_000_000)?;
    let default = Retention::default();
    let notify = written.notify.iter().map(|name| place.name("notify", name));
    Ok(PolicyEntry {
        notify: notify.collect::<Result<_, _>>()?,
        name: place.name("", name)?,
        store: written.store.as_ref().map(|store| place.name("store", store)).transpose()?,
        retention: Retention {
            full: kept.full.unwrap_or(default.full),
            incremental: match kept.incremental {
                None => default.incremental,
                Some(CountOrAge::Count(count)) => IncrementalRule::Count(count),
                Some(CountOrAge::Age(age)) => IncrementalRule::Age(age.0),
            },
            hourly: kept.keep_hourly,
            daily: kept.keep_daily,
            weekly: kept.keep_weekly,
            monthly: kept.keep_monthly,
            yearly: kept.keep_yearly,
            min_keep,
            zone,
        },
    })
}
