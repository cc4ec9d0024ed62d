//! The stages that the bytes of a dump pass between its tool and its store. Each stage is pulled by the next.
//!
//! Out: [`measure`] the plain bytes, [`witness`] them, [`pack()`] them, cut the packed stream into [`Segments`]. Sealing and
//! storing each segment is the caller's. Back: [`unpack()`] asks a [`SegmentSource`] for the stored segments and gives plain
//! bytes; its end of file is the proof that every length and every digest agreed.
//!
//! Stages run in the task that pulls. Measured on two cores: Zstandard keeps its own threads busy at 200 MB/s of plain
//! bytes, while hashing and sealing take 740 MB/s on the pulling thread, so a task and a channel between them would add
//! copies and no speed; and blocks of 64 KiB are sealed and hashed as fast as blocks of 1 MiB.

mod cancel;
mod error;
mod gauge;
mod pack;
mod proof;
mod segments;
mod unpack;
#[cfg(test)]
mod walk;
mod witness;

pub use cancel::cancellable;
pub use error::PipelineError;
pub use gauge::{Gauge, measure};
pub use pack::{PackGauges, Recipe, pack};
pub use segments::Segments;
pub use unpack::{
    CheckedDepth, PartExpectation, Sealing, SegmentExpectation, SegmentSource, UnpackGauges, check_stored,
    stored, unpack,
};
pub use witness::{WitnessedContents, witness};
