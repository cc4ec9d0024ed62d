//! Configuration files and one `--set`, after a line feed and a NUL: loaded or refused. No secret is fetched.

#![no_main]

use jagad::config::{ConfigRequest, Inventory};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (file, set) = match text.split_once("\n\0") {
        Some((file, set)) => (file, vec![set.to_owned()]),
        None => (text, Vec::new()),
    };
    // A folder of more files could be anywhere on this machine.
    if text.contains("config_dir") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("jagad.toml");
    std::fs::write(&path, file).expect("a file");
    match Inventory::load(&ConfigRequest { path: Some(path), set }) {
        Ok(inventory) => drop(inventory.shown()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
