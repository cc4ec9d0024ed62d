//! Databases that go away while others are dumped.

use super::client::Question;
use super::facts::MySqlServer;
use super::grants::ask_grants;
use crate::engine::EngineError;
use crate::process::Runner;

impl MySqlServer {
    /// Why `database`, which was there, cannot be dumped any more; `None` where it is still there, or may be.
    pub(super) async fn ask_vanished(
        &self,
        runner: &dyn Runner,
        database: &str,
    ) -> Result<Option<String>, EngineError> {
        let sql = "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA;";
        let question = Question::short("look whether the database is still there", sql);
        let there = self.ask_names(runner, &question).await?;
        if there.contains(database) {
            return Ok(None);
        }
        // Whose rights were taken away meanwhile cannot tell what is gone from what is hidden.
        let grants = ask_grants(runner, &self.client).await?;
        let sees_all = grants.hides_nothing(|name| there.contains(name));
        Ok(sees_all.then(|| "it was dropped or renamed meanwhile".to_owned()))
    }
}
