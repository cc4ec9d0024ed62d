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
        preflight.findings.extend(forced_finding(target));
        if table.is_none() && !database {
            // One encrypted table is recorded by name: a chosen one may be another.
            if !target.is_thrown_away() && recorded(target, kinds::ENCRYPTED).is_some() {
                let finding = self.keyring_finding(runner, target, "encrypted tables").await;
                preflight.findings.extend(finding);
            }
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
        if !target.restore.selection.tables.is_empty() {
            let problem =
                "the chosen tables may be some of them, and the server has no keys for encrypted tables";
            return Some(Finding::warning(subject, problem, flavor.keyring_help));
        }
        let problem =
            "its new tables are to be encrypted, and the server has no keys: none can be created in it";
        Some(Finding::warning(subject, problem, flavor.keyring_help))
    }
}

/// A table with that option which the backup has, chosen or not.
fn recorded<'t>(target: &'t Target<'_>, option: &str) -> Option<&'t String> {
    target.restore.recorded.as_ref()?.needs.tables.get(option)
}

/// MariaDB may be set to take no table that says that it is not encrypted.
fn forced_finding(target: &Target<'_>) -> Option<Finding> {
    if target.setting("innodb_encrypt_tables") != "FORCE" || target.is_thrown_away() {
        return None;
    }
    let help = "SET GLOBAL innodb_encrypt_tables = ON;";
    let problem = "its definition says `ENCRYPTED=NO`, which `innodb_encrypt_tables = FORCE` does not take";
    if let Some(table) = target.table(kinds::UNENCRYPTED) {
        return Some(Finding::error(format!("table `{table}`"), problem, help));
    }
    let table = recorded(target, kinds::UNENCRYPTED)?;
    let problem = format!("{problem}; the chosen tables may be like it");
    Some(Finding::warning(format!("table `{table}`"), problem, help))
}
