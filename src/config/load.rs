//! From a file on this host to the inventory that it declares.

use super::document::Document;
use super::error::ConfigError;
use super::inventory::Inventory;
use super::{resolve, search};
use std::path::PathBuf;

/// Which files to read.
#[derive(Debug, Clone, Default)]
pub struct ConfigRequest {
    /// The main file; `None` searches the usual places.
    pub path: Option<PathBuf>,
    /// `KEY=VALUE` assignments.
    pub set: Vec<String>,
}

impl Inventory {
    /// Reads and checks the configuration; no secret is fetched and no key is read.
    pub fn load(request: &ConfigRequest) -> Result<Self, ConfigError> {
        let file = search::find(request.path.as_deref())?;
        resolve::resolve(Document::load(&file, &request.set)?, &file)
    }
}
