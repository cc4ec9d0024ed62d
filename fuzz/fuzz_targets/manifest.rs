//! The records in the bucket: read or refused, and a manifest that was read can be summed up and printed.

#![no_main]

use jagad::catalog::{LeaseRecord, Manifest, PinRecord, RestoreRecord, Verification, record};
use jagad::model::PartKind;
use jagad::store::ObjectKey;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let key: ObjectKey = "manifest.json".parse().expect("a key");
    let _ = record::parse::<PinRecord>(&key, input);
    let _ = record::parse::<Verification>(&key, input);
    let _ = record::parse::<RestoreRecord>(&key, input);
    let _ = record::parse::<LeaseRecord>(&key, input);
    let Ok(read) = record::parse::<Manifest>(&key, input) else { return };
    let _ = (read.stored_bytes(), read.plain_bytes(), read.parts_of(PartKind::Database).count());
    record::parse::<Manifest>(&key, &record::print(&read)).expect("what was printed is read again");
});
