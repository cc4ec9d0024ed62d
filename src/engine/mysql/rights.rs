//! Rights that a restore needs, by what the backup holds. Each was found by taking it away (MySQL 9.7, MariaDB 10.11 and
//! 11.8).

use super::definition::kinds;
use super::facts::MySqlServer;
use super::preflight::{error, warning};
use super::quote::pattern;
use super::target::{Accounts, Target};
use crate::engine::{EngineError, Finding, Ownership, RestoreTarget};
use crate::model::{EngineKind, Help, help};
use std::collections::BTreeMap;

/// Without these nothing can be restored, and a database that was dropped would not even come back empty.
const ALWAYS: [&str; 5] = ["CREATE", "DROP", "ALTER", "INSERT", "SELECT"];

/// Rights on the database by kinds of objects.
const BY_KIND: [(&str, &[&str]); 8] = [
    (kinds::VIEW, &["CREATE VIEW"]),
    (kinds::TRIGGER, &["TRIGGER"]),
    // `DROP FUNCTION IF EXISTS` stands before each routine.
    (kinds::FUNCTION, &["CREATE ROUTINE", "ALTER ROUTINE"]),
    (kinds::PROCEDURE, &["CREATE ROUTINE", "ALTER ROUTINE"]),
    (kinds::PACKAGE, &["CREATE ROUTINE", "ALTER ROUTINE"]),
    (kinds::EVENT, &["EVENT"]),
    (kinds::SEQUENCE, &[]),
    (kinds::TABLE, &[]),
];

impl MySqlServer {
    /// That nothing is dropped by somebody who may not create it again, whatever errors are accepted.
    pub(super) fn demand_basic_rights(
        &self,
        target: &RestoreTarget,
        accounts: &Accounts,
    ) -> Result<(), EngineError> {
        let missing = self.missing_rights(&target.database, &ALWAYS);
        if missing.is_empty() || target.stop_at_first_error {
            return Ok(());
        }
        let problem =
            format!("without {} nothing can be restored into `{}`", missing.join(", "), target.database);
        Err(EngineError::Privilege { problem, help: grant(&missing, &target.database, accounts) })
    }

    fn missing_rights(&self, database: &str, rights: &[&'static str]) -> Vec<&'static str> {
        rights.iter().copied().filter(|right| !self.grants.in_database(right, database)).collect()
    }

    /// Rights that are missing for what `needs` says.
    pub(super) fn rights_findings(&self, target: &Target<'_>) -> Vec<Finding> {
        let Target { restore, needs, accounts, .. } = target;
        let mut rights = ALWAYS.to_vec();
        for (kind, more) in BY_KIND {
            if needs.objects.contains_key(kind) {
                rights.extend(more.iter().filter(|right| !rights.contains(right)).collect::<Vec<_>>());
            }
        }
        // MariaDB asks it for tables of other databases only.
        if self.flavor().kind == EngineKind::MySql && needs.objects.contains_key(kinds::FOREIGN_KEY) {
            rights.push("REFERENCES");
        }
        let mine = restore.definers == Ownership::Skip || target.owners.contains(&accounts.own);
        if mine && needs.objects.contains_key(kinds::CALLING_VIEW) {
            rights.push("EXECUTE");
        }
        let mut findings = Vec::new();
        let missing = self.missing_rights(&restore.database, &rights);
        if !missing.is_empty() {
            findings.push(error(
                &format!("rights on `{}`", restore.database),
                format!("without {} the restore fails half-way", missing.join(", ")),
                grant(&missing, &restore.database, accounts),
            ));
        }
        findings.extend(self.foreign_rights(target));
        findings.extend(self.definer_findings(target));
        findings.extend(self.binary_log_findings(target));
        findings
    }

    /// Foreign keys and views that go into other databases.
    fn foreign_rights(&self, target: &Target<'_>) -> Vec<Finding> {
        let of = |(databases, right): (&BTreeMap<String, String>, &'static str)| {
            let others = databases.iter().filter(|(database, _)| target.is_other(database));
            let others = others.filter(|(database, _)| !self.grants.somewhere_in(right, database));
            let finding = |(database, object): (&String, &String)| {
                error(
                    &format!("rights on `{database}`"),
                    format!("`{object}` refers to it, which takes {right}"),
                    grant(&[right], database, target.accounts),
                )
            };
            others.map(finding).collect::<Vec<_>>()
        };
        let needs = target.needs;
        [(&needs.databases, "SELECT"), (&needs.referenced, "REFERENCES")].into_iter().flat_map(of).collect()
    }

    /// Objects whose definer is another account.
    fn definer_findings(&self, target: &Target<'_>) -> Vec<Finding> {
        let Target { restore, owners, accounts, .. } = target;
        let others: Vec<&String> = owners.iter().filter(|owner| **owner != accounts.own).collect();
        let Some(first) = others.first() else { return Vec::new() };
        if restore.definers == Ownership::Skip {
            return Vec::new();
        }
        let holds = |rights: &[&str]| rights.iter().any(|right| self.grants.everywhere(right));
        let help = |right: &str| {
            format!("GRANT {right} ON *.* TO {}; or restore with --strip-definer.", accounts.grantee())
        };
        let subject = format!("definer `{first}`");
        let flavor = self.flavor();
        let before_11 = flavor.kind == EngineKind::MariaDb && self.version.major < 11;
        if !(holds(flavor.definer_rights) || (before_11 && holds(&["SUPER"]))) {
            let right = self.definer_right();
            return vec![error(&subject, format!("what belongs to others takes {right}"), help(right))];
        }
        if flavor.kind == EngineKind::MariaDb {
            return Vec::new();
        }
        let Some(all) = &accounts.all else { return self.unseen_definers(target, &subject) };
        let mut findings = Vec::new();
        let above = others.iter().find(|owner| all.get(**owner) == Some(&true));
        if let Some(owner) = above.filter(|_| !holds(&["SYSTEM_USER"])) {
            let problem = "it is a system user, and what belongs to one takes SYSTEM_USER".to_owned();
            findings.push(error(&format!("definer `{owner}`"), problem, help("SYSTEM_USER")));
        }
        let coming = |owner: &String| restore.coming_roles.contains(owner);
        let absent = others.iter().find(|owner| !all.contains_key(**owner) && !coming(owner));
        if let Some(owner) = absent.filter(|_| !holds(&["ALLOW_NONEXISTENT_DEFINER", "SET_USER_ID", "SUPER"]))
        {
            let problem = "it is not there, which takes ALLOW_NONEXISTENT_DEFINER".to_owned();
            findings.push(error(&format!("definer `{owner}`"), problem, help("ALLOW_NONEXISTENT_DEFINER")));
        }
        findings
    }

    /// Who may not see accounts cannot know which right their objects take: both do.
    fn unseen_definers(&self, target: &Target<'_>, subject: &str) -> Vec<Finding> {
        let rights = ["SYSTEM_USER", "ALLOW_NONEXISTENT_DEFINER"];
        let missing: Vec<&str> = rights.into_iter().filter(|right| !self.grants.everywhere(right)).collect();
        if missing.is_empty() {
            return Vec::new();
        }
        let problem = format!(
            "it may be a system user, or not be there: that takes {}, and accounts may not be read",
            missing.join(" or ")
        );
        let help = format!(
            "GRANT {} ON *.* TO {}; or GRANT SELECT ON mysql.* to have it looked up; or restore with --strip-definer.",
            missing.join(", "),
            target.accounts.grantee()
        );
        // Only where something would be lost is that too little.
        let level = if target.replaces { error } else { warning };
        vec![level(subject, problem, help)]
    }

    fn definer_right(&self) -> &'static str {
        let renamed =
            self.flavor().kind == EngineKind::MySql && (self.version.major, self.version.minor) < (8, 2);
        if renamed { "SET_USER_ID" } else { self.flavor().definer_rights[0] }
    }

    /// A server with a binary log takes triggers and functions from few, and some functions from nobody.
    fn binary_log_findings(&self, target: &Target<'_>) -> Vec<Finding> {
        let Target { needs, accounts, .. } = target;
        if !self.is_on("log_bin") || target.is_on("log_bin_trust_function_creators") {
            return Vec::new();
        }
        let trust = "SET GLOBAL log_bin_trust_function_creators = 1;";
        let object = |kind: &str| needs.objects.get(kind).map(|name| format!("{kind} `{name}`"));
        if let Some(name) = needs.objects.get(kinds::UNDECLARED_FUNCTION) {
            let problem =
                "with a binary log the server takes no function that says neither DETERMINISTIC nor NO SQL \
                           nor READS SQL DATA (1418)"
                    .to_owned();
            return vec![error(&format!("function `{name}`"), problem, trust)];
        }
        if self.grants.everywhere("SUPER") {
            return Vec::new();
        }
        let first = object(kinds::TRIGGER).or_else(|| object(kinds::FUNCTION));
        let problem = "with a binary log the server takes triggers and functions from SUPER alone (1419)";
        let help = format!("{trust} or GRANT SUPER ON *.* TO {};", accounts.grantee());
        first.map(|subject| error(&subject, problem.to_owned(), help)).into_iter().collect()
    }
}

fn grant(rights: &[&str], database: &str, accounts: &Accounts) -> Help {
    help!("GRANT {} ON {}.* TO {};", rights.join(", "), pattern(database), accounts.grantee())
}
