//! The stream type that all bytes of a backup go through.

use std::pin::Pin;
use tokio::io::AsyncRead;

/// A stream of bytes that is pulled. A stage of the pipeline is a function from one `ByteReader` to another.
///
/// A reader of this crate reports end of file only when its source is known to be whole (exit status 0, last chunk,
/// matching hash). Anything else is an [`std::io::Error`], which every stage passes on.
pub type ByteReader<'a> = Pin<Box<dyn AsyncRead + Send + 'a>>;
