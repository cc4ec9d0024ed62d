//! Encrypted tables: whether the server that they are restored into has keys for them.

use super::client::Question;
use super::definition::kinds;
use super::facts::MySqlServer;
use super::preflight::Preflight;
use super::quote::identifier;
use super::target::Target;
use crate::engine::Finding;
use crate::process::Runner;

/// The right to make a table that is encrypted where the server's default is that it is not.
const RIGHT: &str = "TABLE_ENCRYPTION_ADMIN";

impl MySqlServer {
    /// What keeps encrypted tables away. A server that is thrown away has no keys, and tables without encryption prove as
    /// much of a backup.
    pub(super) async fn encryption(
        &self,
        runner: &dyn Runner,
        target: &Target<'_>,
        preflight: &mut Preflight,
    ) {
        let table = target.table(kinds::ENCRYPTED);
        preflight.left_out.encryption = target.is_thrown_away();
        let whole = target.restore.selection.tables.is_empty();
        let database = target.is_encrypted() && whole;
        if table.is_none() && !database {
            return;
        }
        if target.is_thrown_away() {
            preflight.notes.push("encrypted tables are restored without encryption".to_owned());
            return;
        }
        let subject = table.map_or_else(
            || format!("database {}", identifier(&target.restore.database)),
            |table| format!("table `{table}`"),
        );
        preflight.findings.extend(self.keyring_finding(runner, target, &subject).await);
        let checked =
            target.is_on("table_encryption_privilege_check") && !target.is_on("default_table_encryption");
        if checked && !self.grants.everywhere(RIGHT) {
            preflight.findings.push(Finding::error(
                subject,
                format!("it is encrypted, which takes {RIGHT} here (`table_encryption_privilege_check`)"),
                format!("GRANT {RIGHT} ON *.* TO {};", target.accounts.grantee()),
            ));
        }
    }

    async fn keyring_finding(
        &self,
        runner: &dyn Runner,
        target: &Target<'_>,
        subject: &str,
    ) -> Option<Finding> {
        let flavor = self.flavor();
        let question = Question::short("ask for keys of encrypted tables", flavor.keyrings);
        let Ok(answer) = self.client.ask_row(runner, &question, 1).await else {
            let problem = "it is encrypted, and whether the server has a keyring may not be seen";
            let grant = format!("GRANT {} TO {};", flavor.keyring_right, target.accounts.grantee());
            return Some(Finding::warning(subject, problem, grant));
        };
        if answer[0] != "0" {
            return None;
        }
        if target.table(kinds::ENCRYPTED).is_some() {
            let problem = "it is encrypted, and the server has no keys for encrypted tables";
            return Some(Finding::error(subject, problem, flavor.keyring_help));
        }
        let problem =
            "its new tables are to be encrypted, and the server has no keys: none can be created in it";
        Some(Finding::warning(subject, problem, flavor.keyring_help))
    }
}
