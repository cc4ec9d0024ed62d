//! Databases that a killed restore has left behind: those in which it tried definitions. Who may remove one is the question:
//! a restore that runs has one too, and so may another host.

use super::client::Question;
use super::facts::MySqlServer;
use super::quote::{identifier, literal};
use super::reserved::TRIAL_DATABASE;
use crate::engine::{EngineError, Finding, LoadPlan};
use crate::model::Timestamp;
use crate::process::Runner;

/// A restore connects to its trial at once, and stays connected until it is over. One that is older than this, and that
/// nobody is connected to, belongs to no restore that runs.
const DEAD_AFTER_SECONDS: i64 = 600;

/// The name of a trial that begins now, by the server's clock.
pub(super) fn trial_database(now: Timestamp, token: &str) -> String {
    format!("{TRIAL_DATABASE}{}_{token}", now.unix_seconds())
}

/// When the trial of that name began; `None` for a name that no restore has made.
fn began(name: &str) -> Option<i64> {
    name.strip_prefix(TRIAL_DATABASE)?.split_once('_')?.0.parse().ok()
}

/// A trial that no restore uses, as far as that can be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Leftover {
    name: String,
    /// Whether it is certain, and this user may remove it.
    removable: bool,
}

impl MySqlServer {
    async fn leftovers(&self, runner: &dyn Runner) -> Result<Vec<Leftover>, EngineError> {
        let sql = format!(
            "SELECT s.SCHEMA_NAME, UNIX_TIMESTAMP(), (SELECT COUNT(*) FROM information_schema.PROCESSLIST p WHERE p.DB = s.SCHEMA_NAME)
FROM information_schema.SCHEMATA s WHERE LEFT(s.SCHEMA_NAME, {}) = {} ORDER BY s.SCHEMA_NAME;",
            TRIAL_DATABASE.len(),
            literal(TRIAL_DATABASE)
        );
        let rows =
            self.ask(runner, &Question::short("look for what killed restores have left", &sql)).await?;
        let rows = rows.into_iter().filter_map(|row| <[String; 3]>::try_from(row).ok());
        // Without this right only the user's own connections are seen.
        let sees_everybody = self.grants.everywhere("PROCESS");
        let leftover = |[name, now, users]: [String; 3]| {
            let age = began(&name).zip(now.parse::<i64>().ok()).map(|(began, now)| now - began);
            let dead = age.is_none_or(|age| age > DEAD_AFTER_SECONDS);
            let removable = age.is_some() && sees_everybody && self.grants.in_database("DROP", &name);
            (users == "0" && dead).then_some(Leftover { name, removable })
        };
        Ok(rows.filter_map(leftover).collect())
    }

    /// What is said of them before a backup.
    pub(super) async fn leftover_findings(&self, runner: &dyn Runner) -> Result<Vec<Finding>, EngineError> {
        Ok(self
            .leftovers(runner)
            .await?
            .iter()
            .map(|leftover| self.told(leftover, "the next restore"))
            .collect())
    }

    /// Adds to a restore that it removes them, once it has succeeded.
    pub(super) async fn remove_leftovers(
        &self,
        runner: &dyn Runner,
        plan: &mut LoadPlan,
    ) -> Result<(), EngineError> {
        for leftover in self.leftovers(runner).await? {
            plan.findings.push(self.told(&leftover, "this restore"));
            if leftover.removable {
                plan.cleanup.push(self.run(&drop_sql(&leftover.name)));
            }
        }
        Ok(())
    }

    fn told(&self, leftover: &Leftover, who: &str) -> Finding {
        let Leftover { name, removable } = leftover;
        let subject = format!("database {}", identifier(name));
        let drop = drop_sql(name);
        if *removable {
            let problem = "a restore that was killed has left it behind";
            return Finding::warning(
                subject,
                problem,
                format!("It is removed by {who}, or at once by {drop}"),
            );
        }
        let problem =
            "a restore that was killed may have left it behind: whether one still uses it may not be seen";
        let help = format!(
            "When no restore is running: {drop} With PROCESS ON *.* and DROP, the user `{}` removes such databases in a \
             restore.",
            self.client.connection.settings.user
        );
        Finding::warning(subject, problem, help)
    }
}

fn drop_sql(name: &str) -> String {
    format!("DROP DATABASE IF EXISTS {};", identifier(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_tells_when_it_began() {
        let name = trial_database(Timestamp::from_unix_seconds(1_800_000_000), "abc_12");
        assert_eq!(name, "__jagad_trial_1800000000_abc_12");
        assert_eq!(began(&name), Some(1_800_000_000));
        for other in ["__jagad_trial_abc123", "__jagad_trial_", "shop"] {
            assert_eq!(began(other), None, "{other}");
        }
    }
}
