//! What a dump says of the session that makes its next view or event: the server keeps it with what is made, and reads the
//! bytes of the statement by it.

use super::head::Tokens;
use std::collections::BTreeMap;

/// Settings that are kept.
const KEPT: [&str; 2] = ["character_set_client", "collation_connection"];

/// Their values so far.
#[derive(Debug, Default)]
pub(super) struct SessionSettings(BTreeMap<&'static str, String>);

impl SessionSettings {
    /// `SET character_set_client = utf8mb4`: other settings, and those that are taken back, do not matter.
    pub(super) fn note(&mut self, statement: &[u8]) {
        let mut tokens = Tokens::of(statement);
        if !tokens.next().is_some_and(|token| token.is("set")) {
            return;
        }
        let Some(name) = tokens.next() else { return };
        let Some(setting) = KEPT.into_iter().find(|setting| name.is(setting)) else { return };
        let value = tokens.nth(1).map(|token| token.name()).unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !value.is_empty() && value.chars().all(plain) {
            self.0.insert(setting, value);
        }
    }

    /// Statements that make another session like it.
    pub(super) fn sql(&self) -> String {
        let statements: Vec<String> =
            self.0.iter().map(|(setting, value)| format!("SET SESSION {setting} = {value};\n")).collect();
        statements.concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_session_is_known() {
        let mut session = SessionSettings::default();
        for statement in [
            "/*!50001 SET @saved_cs_client          = @@character_set_client */",
            "/*!50001 SET character_set_client      = koi8r */",
            "/*!50001 SET character_set_results     = utf8mb4 */",
            "/*!50001 SET collation_connection      = koi8r_general_ci */",
            "/*!50001 SET character_set_client      = @saved_cs_client */",
            "CREATE TABLE `set` (`character_set_client` int)",
        ] {
            session.note(statement.as_bytes());
        }
        let sql = "SET SESSION character_set_client = koi8r;\nSET SESSION collation_connection = koi8r_general_ci;\n";
        assert_eq!(session.sql(), sql);
    }
}
