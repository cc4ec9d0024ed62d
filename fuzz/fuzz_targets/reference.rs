//! How people name a backup, and the keys of objects: read or refused; what was read prints as it was written.

#![no_main]

use jagad::catalog::BackupReference;
use jagad::store::ObjectKey;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(BackupReference::Id(id)) = text.parse() {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(key) = text.parse::<ObjectKey>() {
        assert_eq!(key.as_str(), text);
    }
});
