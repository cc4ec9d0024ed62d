//! Proof, from the bytes of a backup themselves, that its archives and its manifest are whole.

mod files;
mod manifest;
mod seen;
mod tar;

pub use files::TarWitness;
pub use manifest::ManifestWitness;
pub use seen::{SeenManifest, SeenWal};
