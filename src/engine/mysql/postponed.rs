//! Views that read a database which the same restore brings later: two databases whose views read each other have no order
//! in which both can be made. Such a view stays a placeholder, and is made when everything is in its place.

use super::client::Client;
use super::quote::identifier;
use super::session::SessionSettings;
use crate::engine::{Action, EngineError};
use crate::process::Runner;
use async_trait::async_trait;
use std::sync::{Arc, Mutex, PoisonError};

/// A view that is not made yet.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PostponedView {
    name: String,
    /// Settings of the session, and the statement.
    sql: Vec<u8>,
}

/// Views that stayed placeholders, in the order of the dump: filled by the stream that goes in.
#[derive(Debug, Clone, Default)]
pub(super) struct Postponed(Arc<Mutex<Vec<PostponedView>>>);

impl Postponed {
    /// A stream begins.
    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Keeps the view that `statement` makes.
    pub(super) fn keep(&self, name: &str, session: &SessionSettings, statement: &[u8]) {
        let sql = [session.sql().as_bytes(), statement, b";\n"].concat();
        let view = PostponedView { name: name.to_owned(), sql };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(view);
    }
}

#[cfg(test)]
impl Postponed {
    /// Each view with the statement that makes it.
    pub(super) fn statements(&self) -> Vec<(String, String)> {
        let views = self.0.lock().unwrap();
        let told = |view: &PostponedView| (view.name.clone(), String::from_utf8(view.sql.clone()).unwrap());
        views.iter().map(told).collect()
    }
}

/// Makes the views.
#[derive(Debug)]
pub(super) struct CreateViews {
    pub(super) client: Client,
    pub(super) database: String,
    pub(super) views: Postponed,
}

#[async_trait]
impl Action for CreateViews {
    fn describe(&self) -> Vec<String> {
        vec![self.client.describe(), format!("CREATE VIEW {}.…;", identifier(&self.database))]
    }

    async fn run(&self, runner: &dyn Runner) -> Result<(), EngineError> {
        let views = self.views.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut failed = Ok(());
        for PostponedView { name, sql } in views {
            let place = identifier(&self.database);
            let head = format!("USE {place};\nDROP VIEW IF EXISTS {};\n", identifier(&name));
            let doing = format!("make the view `{name}`");
            let sql = [head.as_bytes(), &sql].concat();
            let made = self.client.run_bytes(runner, &doing, &sql);
            // Each is tried; the first failure is told.
            failed = failed.and(made.await);
        }
        failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_keeps_the_settings_that_were_said_before_it() {
        let (views, mut session) = (Postponed::default(), SessionSettings::default());
        session.note(b"/*!50001 SET character_set_client      = latin1 */");
        views.keep("v", &session, b"/*!50001 CREATE VIEW `v` AS select '\xe4' */");
        session.note(b"/*!50001 SET character_set_client      = utf8mb4 */");
        let kept = views.0.lock().unwrap().clone();
        let sql =
            b"SET SESSION character_set_client = latin1;\n/*!50001 CREATE VIEW `v` AS select '\xe4' */;\n"
                .to_vec();
        assert_eq!(kept, [PostponedView { name: "v".to_owned(), sql }]);
    }
}
