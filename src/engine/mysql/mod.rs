//! MySQL and MariaDB through their own tools.

use super::{Drill, Engine, EngineError, Reading, Server, ServerSettings};
use crate::model::{EngineKind, PartKind};
use crate::process::Runner;
use async_trait::async_trait;
use std::path::Path;

/// A server.
#[derive(Debug)]
pub struct MySql {
    settings: ServerSettings,
}

impl MySql {
    /// Addressed by `settings`; nothing is done yet.
    pub fn new(settings: ServerSettings) -> Self {
        Self { settings }
    }
}

#[async_trait]
impl Engine for MySql {
    fn kind(&self) -> EngineKind {
        self.settings.kind
    }

    fn address(&self) -> String {
        todo!()
    }

    async fn inspect(&self, _runner: &dyn Runner) -> Result<Box<dyn Server>, EngineError> {
        todo!()
    }

    fn reading(&self, _part: PartKind, _server_version: &str) -> Result<Reading, EngineError> {
        todo!()
    }

    fn drill(&self, _server_version: &str, _folder: &Path) -> Result<Drill, EngineError> {
        todo!()
    }
}
