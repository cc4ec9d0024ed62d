//! Watches a part of the log go by: its structure proves that it is whole, and what it holds is walked.

use super::frame::Frames;
use super::walk::Walker;
use crate::engine::mysql::binlog::frame::Frame;
use crate::model::{Contents, LogPosition, Witness, WitnessError};
use std::sync::{Arc, Mutex, PoisonError};

/// A walk that several parts share, one after the other.
pub(super) type SharedWalk = Arc<Mutex<Walker>>;

/// Which part of the log goes by.
#[derive(Debug, Clone)]
pub(super) struct Range {
    pub(super) file: String,
    pub(super) number: u64,
    pub(super) from: u64,
}

/// A witness of one part.
pub(super) struct LogWitness {
    frames: Frames,
    /// What it holds is not looked at where nobody asks.
    walk: Option<(Range, SharedWalk)>,
    begun: bool,
}

impl LogWitness {
    /// Of a part of the log, as a step of `walk`.
    pub(super) fn of(range: Range, walk: SharedWalk) -> Self {
        Self { frames: Frames::at(range.from), walk: Some((range, walk)), begun: false }
    }
}

/// Of the structure alone.
pub(in crate::engine::mysql) fn structure() -> Box<dyn Witness> {
    Box::new(LogWitness { frames: Frames::at(super::frame::FIRST_OFFSET), walk: None, begun: false })
}

impl Witness for LogWitness {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), WitnessError> {
        let Self { frames, walk, begun } = self;
        let Some((range, walk)) = walk else { return frames.feed(bytes, &mut |_| Ok(())) };
        let mut walker = walk.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(begun, true) {
            walker.begin_part(range.number);
        }
        let mut actions = Vec::new();
        frames.feed(bytes, &mut |frame: Frame| {
            walker.take(&frame, &mut actions);
            actions.clear();
            Ok(())
        })
    }

    fn finish(&mut self) -> Result<Option<Contents>, WitnessError> {
        self.frames.finish()?;
        let position = self.walk.as_ref().map(|(range, _)| LogPosition {
            file: range.file.clone(),
            offset: self.frames.offset(),
            gtid: None,
        });
        Ok(position.map(|position| Contents { position: Some(position), ..Contents::default() }))
    }
}
