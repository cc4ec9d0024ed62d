//! Compares the recorded contents of a dump with those of a server.

use crate::catalog::Manifest;
use crate::commands::stored::{StoredBackup, StoredPart};
use crate::commands::{Class, Failure};
use crate::engine::Server;
use crate::model::{Contents, Count, PartKind};
use crate::pipeline::UnpackGauges;
use std::borrow::Cow;
use std::collections::BTreeMap;
use tokio::io::AsyncReadExt as _;

/// Enough for more than a million tables.
const LIMIT: u64 = 256 << 20;

/// The recorded contents of every logical database; empty when the backup recorded none.
pub(in crate::commands) async fn read(
    reading: &StoredBackup<'_>,
    manifest: &Manifest,
) -> Result<BTreeMap<String, Contents>, Failure> {
    let Some(part) = manifest.parts_of(PartKind::Contents).next() else { return Ok(BTreeMap::new()) };
    let mut bytes = Vec::new();
    let mut body = StoredPart::new(reading, manifest, part).plain(&UnpackGauges::new()).take(LIMIT);
    body.read_to_end(&mut bytes).await?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Failure::new(Class::Integrity, format!("`{}` cannot be read: {error}", part.name)))
}

/// The recorded contents with the table names as `server` spells them.
pub(in crate::commands) fn as_named_on<'c>(server: &dyn Server, recorded: &'c Contents) -> Cow<'c, Contents> {
    if server.logical().folds_names() { Cow::Owned(recorded.folded()) } else { Cow::Borrowed(recorded) }
}

/// An error that names what differs: the first tables, and the number of large objects.
pub(in crate::commands) fn compare(
    database: &str,
    expected: &Contents,
    found: &Contents,
) -> Result<(), Failure> {
    let by_name: BTreeMap<String, u64> =
        found.tables.iter().map(|table| (table.name(), table.rows)).collect();
    let mut differences = Vec::new();
    for table in &expected.tables {
        let (name, rows) = (table.name(), table.rows);
        match by_name.get(&name) {
            Some(now) if *now == rows || (table.fleeting && *now < rows) => {}
            None if table.fleeting => {}
            Some(now) => differences.push(format!("{name} has {}, {rows} were dumped", Count(*now, "row"))),
            None => differences.push(format!("{name} is missing, {} dumped", Count(rows, "row"))),
        }
    }
    let mut summary = Vec::new();
    if !differences.is_empty() {
        let shown = differences.iter().take(5).cloned().collect::<Vec<_>>().join("; ");
        let count = differences.len();
        let differ = if count == 1 { "table differs" } else { "tables differ" };
        summary.push(format!("{count} {differ}: {shown}"));
    }
    if let (Some(dumped), Some(now)) = (expected.large_objects, found.large_objects)
        && dumped != now
    {
        summary.push(format!("{}, {dumped} were dumped", Count(now, "large object")));
    }
    if summary.is_empty() {
        return Ok(());
    }
    Err(Failure::new(Class::Integrity, format!("{database}: {}", summary.join("; "))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TableRows;

    fn contents(rows: &[(&str, u64)]) -> Contents {
        let table = |(table, rows): &(&str, u64)| TableRows {
            schema: "public".to_owned(),
            table: (*table).to_owned(),
            rows: *rows,
            fleeting: false,
        };
        Contents { tables: rows.iter().map(table).collect(), ..Contents::default() }
    }

    #[test]
    fn a_missing_table_and_a_missing_row_are_both_named() {
        let dumped = contents(&[("a", 2), ("b", 0), ("c", 1)]);
        assert!(compare("shop", &dumped, &dumped).is_ok());
        let failure = compare("shop", &dumped, &contents(&[("a", 1), ("c", 1)])).unwrap_err();
        assert_eq!(failure.class, Class::Integrity);
        assert_eq!(
            failure.message(),
            "shop: 2 tables differ: public.a has 1 row, 2 were dumped; public.b is missing, 0 rows dumped"
        );
    }

    #[test]
    fn a_missing_large_object_is_a_difference() {
        let with = |large_objects| Contents { large_objects, ..contents(&[("a", 2)]) };
        assert!(compare("shop", &with(Some(37)), &with(Some(37))).is_ok());
        // An older backup did not count them.
        assert!(compare("shop", &with(None), &with(Some(37))).is_ok());
        let failure = compare("shop", &with(Some(37)), &with(Some(36))).unwrap_err();
        assert_eq!(failure.message(), "shop: 36 large objects, 37 were dumped");
    }
}
