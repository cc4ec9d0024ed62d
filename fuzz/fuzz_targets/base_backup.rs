//! Archives and manifests of base backups: what their witnesses say does not depend on where the stream is cut.

#![no_main]

use jagad::engine::postgresql::base_backup::{ManifestWitness, SeenManifest, SeenWal, TarWitness};
use jagad::model::Witness;
use libfuzzer_sys::fuzz_target;

fn witnessed(witness: &mut dyn Witness, bytes: &[u8], piece: usize) -> bool {
    bytes.chunks(piece).all(|piece| witness.feed(piece).is_ok()) && witness.finish().is_ok()
}

fuzz_target!(|input: &[u8]| {
    let Some((piece, bytes)) = input.split_first() else { return };
    let pieces = [usize::from(*piece).max(1), bytes.len().max(1)];
    let archive = pieces.map(|piece| witnessed(&mut TarWitness::base(SeenWal::default()), bytes, piece));
    assert_eq!(archive[0], archive[1]);
    let manifest = pieces.map(|piece| witnessed(&mut ManifestWitness::new(SeenManifest::default()), bytes, piece));
    assert_eq!(manifest[0], manifest[1]);
});
