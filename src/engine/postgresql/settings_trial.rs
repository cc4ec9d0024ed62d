//! Finds the settings of a database that the target of a restore would refuse. The server decides: each setting is tried in
//! a transaction that is rolled back.

use super::facts::PostgreSqlServer;
use super::properties::DatabaseProperties;
use super::psql::{Patience, Question};
use super::quote::{identifier, literal, text_array};
use super::settings::{RefusedSetting, Setting, variable_of};
use super::target::TargetFacts;
use crate::engine::{EngineError, Finding};
use crate::process::Runner;

/// Since this major version the right to set a single variable can be granted.
const GRANTS_PARAMETERS: u32 = 15;

/// The SQLSTATE that ends a successful try.
const TRIED: &str = "JG000";

impl PostgreSqlServer {
    /// The settings among `properties` that the connected role cannot make on this server. Nothing is changed.
    pub(super) async fn refused_settings(
        &self,
        runner: &dyn Runner,
        properties: &DatabaseProperties,
        facts: &TargetFacts,
    ) -> Result<Vec<RefusedSetting>, EngineError> {
        let settings: Vec<&Setting> = properties.settings.iter().flatten().collect();
        let database = self.connection.settings.maintenance_database.as_str();
        let tries: Vec<String> = settings.iter().map(|setting| tries_of(setting, database, facts)).collect();
        if tries.iter().all(String::is_empty) {
            return Ok(Vec::new());
        }
        let sql = trial_sql(&tries);
        let doing = "try the settings of the database";
        let question = Question { doing, database, sql: &sql, patience: Patience::Small };
        let said: Vec<String> = self.ask(runner, question).await?;
        let refused = settings.into_iter().zip(said).filter(|(_, why)| !why.is_empty());
        Ok(refused.map(|(setting, why)| RefusedSetting { setting: setting.clone(), why }).collect())
    }

    /// The finding about a setting that is left out.
    pub(super) fn setting_finding(&self, database: &str, refused: &RefusedSetting) -> Finding {
        let variable = variable_of(&refused.setting.setting);
        let whose = refused.setting.role.as_ref().map(|role| format!(" of role `{role}`"));
        let problem = format!(
            "`{}`{} is left out: {}",
            refused.setting.setting,
            whose.unwrap_or_default(),
            refused.why
        );
        let help = if !refused.why.contains("permission denied to set parameter") {
            String::new()
        } else if self.major >= GRANTS_PARAMETERS {
            format!("GRANT SET ON PARAMETER {variable} TO {};", identifier(self.user()))
        } else {
            "Restore as a superuser, or set it by hand.".to_owned()
        };
        Finding::warning(format!("settings of `{database}`"), problem, help)
    }
}

/// The statements that show whether a setting is accepted, tried with the database `elsewhere`.
fn tries_of(setting: &Setting, elsewhere: &str, facts: &TargetFacts) -> String {
    let Some(assignment) = setting.assignment() else { return String::new() };
    // The role may set its own variables, so what is found out is whether this one can be set to this value. A role that is
    // not there yet is made by the same restore, which may then do with it what it wants.
    let role = setting.role.as_ref().filter(|role| facts.present_roles.contains(role));
    let whose = role.map_or_else(|| "CURRENT_USER".to_owned(), |role| identifier(role));
    let alter = format!("ALTER ROLE {whose} IN DATABASE {} SET {assignment};", identifier(elsewhere));
    // A library that cannot be loaded would make every connection fail.
    let loads = setting.libraries().into_iter().map(|library| format!(" LOAD {};", literal(&library)));
    alter + &loads.collect::<String>()
}

/// Runs each of `tries` and takes it back; gives what the server said against it, or nothing, one by one.
fn trial_sql(tries: &[String]) -> String {
    let body = format!(
        "DECLARE said text[] := '{{}}'; attempt text;
BEGIN
  FOREACH attempt IN ARRAY {} LOOP
    BEGIN
      EXECUTE attempt;
      RAISE EXCEPTION USING ERRCODE = '{TRIED}';
    EXCEPTION WHEN SQLSTATE '{TRIED}' THEN said := array_append(said, '');
      WHEN OTHERS THEN said := array_append(said, SQLERRM);
    END;
  END LOOP;
  PERFORM set_config('jagad.said', to_json(said)::text, true);
END",
        text_array(tries)
    );
    format!("BEGIN;\nDO {};\nSELECT current_setting('jagad.said');\nROLLBACK;", literal(&body))
}
