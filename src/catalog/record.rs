//! The records of a repository: JSON objects that say their format.

use super::error::CatalogError;
use crate::store::{self, ObjectKey, ObjectRole, Store, StoreError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// No record grows beyond this: a manifest with ten thousand parts stays below it.
pub(super) const RECORD_LIMIT: u64 = 64 << 20;

/// Reads a record of `key`. A higher format is refused before any other field is read.
pub fn parse<T: DeserializeOwned>(key: &ObjectKey, bytes: &[u8]) -> Result<T, CatalogError> {
    let damaged =
        |error: serde_json::Error| CatalogError::Damaged { key: key.clone(), problem: error.to_string() };
    let value: serde_json::Value = serde_json::from_slice(bytes).map_err(damaged)?;
    match value.get("format").and_then(serde_json::Value::as_u64) {
        Some(found) if found > u64::from(super::FORMAT) => {
            Err(CatalogError::UnknownFormat { key: key.clone(), found })
        }
        Some(_) => serde_json::from_value(value).map_err(damaged),
        None => Err(CatalogError::Damaged { key: key.clone(), problem: "it has no `format`".to_owned() }),
    }
}

/// The bytes of a record: readable JSON with a line feed at its end.
pub fn print<T: Serialize>(record: &T) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(record).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Reads the record at `key`; `None` when there is none.
pub(super) async fn read<T: DeserializeOwned>(
    store: &dyn Store,
    key: &ObjectKey,
) -> Result<Option<T>, CatalogError> {
    match read_bytes(store, key).await? {
        Some(bytes) => parse(key, &bytes).map(Some),
        None => Ok(None),
    }
}

pub(super) async fn read_bytes(store: &dyn Store, key: &ObjectKey) -> Result<Option<Vec<u8>>, CatalogError> {
    match store.read(key, RECORD_LIMIT).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(source) => Err(CatalogError::Store { doing: format!("read `{key}`"), source }),
    }
}

/// Writes `record` to `key`.
pub(super) async fn write<T: Serialize>(
    store: &dyn Store,
    key: &ObjectKey,
    record: &T,
    role: ObjectRole,
) -> Result<(), CatalogError> {
    write_bytes(store, key, print(record), role).await
}

pub(super) async fn write_bytes(
    store: &dyn Store,
    key: &ObjectKey,
    bytes: Vec<u8>,
    role: ObjectRole,
) -> Result<(), CatalogError> {
    store::write_small(store, key, bytes, role)
        .await
        .map(|_| ())
        .map_err(CatalogError::store(format!("write `{key}`")))
}

#[cfg(test)]
mod tests {
    use super::super::manifest::PinRecord;
    use super::*;

    #[test]
    fn a_record_of_a_newer_format_is_refused_before_its_fields_are_read() {
        let key: ObjectKey = "x.json".parse().unwrap();
        let newer = parse::<PinRecord>(&key, br#"{"format": 2, "pinned_at": 7}"#);
        assert!(matches!(newer, Err(CatalogError::UnknownFormat { found: 2, .. })), "{newer:?}");
        for bad in [&b"{}"[..], b"", b"[]", b"{\"format\":1}", b"\xff"] {
            assert!(matches!(parse::<PinRecord>(&key, bad), Err(CatalogError::Damaged { .. })));
        }
    }
}
