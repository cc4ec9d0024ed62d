//! Definitions of a backup are given to the target before the database that it replaces is dropped: into a database of
//! their own, without rows, that is removed again. What the target does not take is known then, whatever it is.

use super::facts::MySqlServer;
use super::leftovers::trial_database;
use super::preflight::Preflight;
use super::properties::DatabaseProperties;
use super::qualified::Renaming;
use super::quote::identifier;
use super::rewrite::{Changes, Rows, rewrite};
use crate::engine::{Ownership, RestoreTarget, Trial};

/// Engines whose tables are the server's own. A table of another may be made, or written to, in another place.
const OWN_ENGINES: [&str; 9] =
    ["INNODB", "MYISAM", "ARIA", "MEMORY", "CSV", "ARCHIVE", "BLACKHOLE", "MRG_MYISAM", "ROCKSDB"];

impl MySqlServer {
    /// The trial of what `target` restores; `None` where it may touch something else, or where errors are accepted.
    pub(super) fn trial(
        &self,
        target: &RestoreTarget,
        preflight: &Preflight,
        properties: Option<&DatabaseProperties>,
    ) -> Option<Trial> {
        let recorded = target.recorded.as_ref()?;
        let own = |engine: &String| OWN_ENGINES.contains(&engine.as_str());
        if !target.stop_at_first_error || !recorded.needs.engines.keys().all(own) {
            return None;
        }
        let database = trial_database(self.facts.time, &target.token);
        let name = identifier(&database);
        let how = properties.map_or_else(String::new, DatabaseProperties::clauses);
        let mut changes = Changes {
            renaming: Some(Renaming {
                from: target.source_database.clone(),
                to: database.clone(),
                folds_case: self.same_in_any_case(),
            }),
            rows: Rows::LeaveOut,
            // Other databases may be restored after this one, and before their views are needed.
            absent: recorded.needs.databases.keys().cloned().collect(),
            ..Changes::none(target.definers)
        };
        changes.absent.retain(|other| {
            !other.eq_ignore_ascii_case(&target.source_database) && !preflight.lasting.contains(other)
        });
        changes.left_out.directories = true;
        changes.left_out.tablespaces = recorded.needs.tablespaces.keys().cloned().collect();
        if !target.coming_roles.is_empty() {
            changes.definers = Ownership::Skip;
        }
        let mut session = preflight.session.clone();
        // While rows go by, nothing is said to the server.
        session.push("wait_timeout = 86400");
        let beside = RestoreTarget { database, ..target.clone() };
        Some(Trial {
            before: vec![self.run(&format!("CREATE DATABASE {name}{how};"))],
            rewrite: rewrite(changes),
            feed: self.feed(&beside, &session),
            undo: vec![self.run(&format!("DROP DATABASE IF EXISTS {name};"))],
        })
    }
}
