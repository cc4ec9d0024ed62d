//! The one shape in which bytes move through jagad.

use std::pin::Pin;
use tokio::io::AsyncRead;

/// A stream of bytes that is pulled. A stage of the pipeline is a function from one `ByteReader` to another.
///
/// End of file is a claim that needs proof: every reader in this crate ends well only when its source has proven
/// to be whole (exit status 0, last chunk, matching hash). Anything else is an [`std::io::Error`], and every stage
/// hands it on.
pub type ByteReader<'a> = Pin<Box<dyn AsyncRead + Send + 'a>>;
