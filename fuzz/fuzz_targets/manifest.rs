//! The records in the bucket: read or refused, and a manifest that was read can be summed up and printed.

#![no_main]

use jagad::catalog::manifest::{self, PinRecord, RestoreRecord, Verification};
use jagad::catalog::{LeaseRecord, Manifest};
use jagad::model::PartKind;
use jagad::store::ObjectKey;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let key: ObjectKey = "manifest.json".parse().expect("a key");
    let _ = manifest::parse::<PinRecord>(&key, input);
    let _ = manifest::parse::<Verification>(&key, input);
    let _ = manifest::parse::<RestoreRecord>(&key, input);
    let _ = manifest::parse::<LeaseRecord>(&key, input);
    let Ok(read) = manifest::parse::<Manifest>(&key, input) else { return };
    let _ = (read.stored_bytes(), read.plain_bytes(), read.parts_of(PartKind::Database).count());
    manifest::parse::<Manifest>(&key, &manifest::print(&read)).expect("what was printed is read again");
});
