//! Archives of pg_dump: what the witness says does not depend on where a pipe cuts them, and their heads are read or
//! refused.

#![no_main]

use jagad::engine::postgresql::archive::{ArchiveWitness, TableOfContents};
use jagad::model::{Contents, Witness as _};
use libfuzzer_sys::fuzz_target;

fn witnessed(archive: &[u8], piece: usize) -> Option<Option<Contents>> {
    let mut witness = ArchiveWitness::new();
    for piece in archive.chunks(piece) {
        witness.feed(piece).ok()?;
    }
    witness.finish().ok()
}

fuzz_target!(|input: &[u8]| {
    let Some((piece, archive)) = input.split_first() else { return };
    let whole = witnessed(archive, archive.len().max(1));
    assert_eq!(witnessed(archive, usize::from(*piece).max(1)), whole);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let _ = runtime.block_on(TableOfContents::read(Box::pin(archive)));
});
