//! How a stage can fail.

/// Why a stream ended without being whole. Inside a stream it travels as `io::Error::other(PipelineError)`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// The run was cancelled.
    #[error("the run was cancelled")]
    Cancelled,
    /// What was read differs from what was recorded.
    #[error("{what} differs from the record: expected {expected}, found {found}")]
    Mismatch {
        /// What was compared: "the SHA-256 of stored segment 2".
        what: String,
        /// The recorded value.
        expected: String,
        /// The value found.
        found: String,
    },
    /// A segment was not read to its end before the next one was asked for.
    #[error("segment {index} was given up before its end")]
    Unfinished {
        /// Its number, from 0.
        index: u32,
    },
    /// The store's largest object is too small for a segment of one byte.
    #[error("the largest object that the store takes is too small for a segment")]
    NoRoom,
    /// More segments than a part can have.
    #[error("a part cannot have more than 10,000 segments")]
    TooManySegments,
    /// The stream is read on after it has failed.
    #[error("the stream failed before")]
    Failed,
}

impl From<PipelineError> for std::io::Error {
    fn from(error: PipelineError) -> Self {
        Self::other(error)
    }
}
