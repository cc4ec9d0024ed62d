//! How an engine may look into a stored part without knowing where it is stored.

use crate::model::ByteReader;
use async_trait::async_trait;

/// Opens the plain bytes of one stored part from their beginning; may be called more than once, and the reader may
/// be dropped early.
#[async_trait]
pub trait OpenArchive: Send + Sync {
    /// A fresh reader of the plain dump.
    async fn open(&self) -> std::io::Result<ByteReader<'static>>;
}
