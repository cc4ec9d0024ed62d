//! Whether a backup can be restored here: what it needs, compared with the server's settings, engines and rights.

use super::client::Question;
use super::definition::kinds;
use super::facts::MySqlServer;
use super::places::LeftOut;
use super::properties::DatabaseProperties;
use super::quote::{identifier, literal};
use super::target::{Target, recorded};
use crate::engine::{EngineError, Finding, FindingLevel, LogicalDatabase, Ownership, RestoreTarget};
use crate::model::{Contents, EngineKind};
use crate::process::Runner;
use std::collections::{BTreeMap, BTreeSet};

/// The largest page of InnoDB that can be compressed.
const LARGEST_COMPRESSED_PAGE: u32 = 16384;

/// MariaDB's engines that come as a library, with its name.
pub(super) const ENGINE_LIBRARIES: [(&str, &str); 9] = [
    ("ARCHIVE", "ha_archive"),
    ("BLACKHOLE", "ha_blackhole"),
    ("CONNECT", "ha_connect"),
    ("FEDERATED", "ha_federatedx"),
    ("MROONGA", "ha_mroonga"),
    ("OQGRAPH", "ha_oqgraph"),
    ("ROCKSDB", "ha_rocksdb"),
    ("SPHINX", "ha_sphinx"),
    ("SPIDER", "ha_spider"),
];

/// What was found out, and what the restore does about it.
#[derive(Debug, Default)]
pub(super) struct Preflight {
    pub(super) findings: Vec<Finding>,
    /// What the restore does otherwise than the backup says, for people.
    pub(super) notes: Vec<String>,
    /// Settings of the session that loads.
    pub(super) session: Vec<&'static str>,
    pub(super) left_out: LeftOut,
    /// Databases that views read and that are not there.
    pub(super) absent: BTreeSet<String>,
    /// Databases that are there, and that this restore leaves alone.
    pub(super) lasting: BTreeSet<String>,
    /// Said before the database is dropped.
    pub(super) before_drop: &'static str,
}

impl MySqlServer {
    /// Compares what was recorded with this server.
    pub(super) async fn preflight(
        &self,
        runner: &dyn Runner,
        restore: &RestoreTarget,
        existing: Option<&LogicalDatabase>,
    ) -> Result<Preflight, EngineError> {
        let recorded = recorded(restore);
        let accounts = self.restoring_accounts(runner).await?;
        self.demand_basic_rights(restore, &accounts)?;
        let Contents { needs, owners, .. } = &recorded;
        let server = self.target_server(runner, restore, needs).await?;
        let (accounts, replaces) = (&accounts, existing.is_some());
        let target = Target { restore, needs, owners, accounts, replaces, server };
        let mut preflight = Preflight { findings: self.rights_findings(&target), ..Preflight::default() };
        self.session_settings(&target, &mut preflight);
        let lasting = recorded.needs.databases.keys().filter(|database| target.is_lasting(database));
        preflight.lasting = lasting.cloned().collect();
        preflight.findings.extend(engine_findings(&target, self.flavor().kind));
        preflight.findings.extend(setting_findings(&target));
        self.place_findings(&target, &mut preflight);
        self.encryption(runner, &target, &mut preflight).await;
        database_findings(&target, &mut preflight);
        preflight.findings.extend(self.name_findings(&recorded));
        preflight.findings.extend(self.lasting_name_finding(&target));
        preflight.findings.extend(self.packet(restore).finding);
        if let Some(existing) = existing {
            preflight.findings.extend(locked_finding(existing));
            preflight.findings.extend(self.users_finding(runner, &existing.name).await);
            self.referring_tables(runner, existing, &mut preflight).await?;
        }
        Ok(preflight)
    }

    /// Settings that would keep tables away and that the session may do without.
    fn session_settings(&self, target: &Target<'_>, preflight: &mut Preflight) {
        let rights = self.flavor().session_rights;
        let may = rights.is_empty() || rights.iter().any(|right| self.grants.everywhere(right));
        let keyless = target.needs.tables.iter().find(|(option, _)| option.starts_with(kinds::NO_KEY));
        let keyless = keyless.map(|(_, table)| format!("table `{table}`"));
        // What was made by a lenient server goes back: rows that are too wide, odd formats and block sizes.
        let strict = target.is_on("innodb_strict_mode");
        if strict && may {
            preflight.session.push("innodb_strict_mode = 0");
        } else if let Some(table) = target.table(kinds::LENIENT).filter(|_| strict) {
            preflight.findings.push(error(
                &format!("table `{table}`"),
                "`innodb_strict_mode` does not take its ROW_FORMAT or KEY_BLOCK_SIZE".to_owned(),
                self.session_help(target, "SET GLOBAL innodb_strict_mode = 0;"),
            ));
        } else if strict && target.is_lenient() {
            let level = if target.replaces { error } else { warning };
            preflight.findings.push(level(
                "rows that may become too wide",
                "the source was not strict about them, and `innodb_strict_mode` may refuse their tables (1118)"
                    .to_owned(),
                self.session_help(target, "SET GLOBAL innodb_strict_mode = 0;"),
            ));
        }
        if self.flavor().kind == EngineKind::MariaDb {
            return;
        }
        for (setting, off, level, problem) in [
            (
                "sql_require_primary_key",
                "sql_require_primary_key = 0",
                FindingLevel::Error,
                "it has no primary key, and `sql_require_primary_key` demands one",
            ),
            (
                "sql_generate_invisible_primary_key",
                "sql_generate_invisible_primary_key = 0",
                FindingLevel::Warning,
                "it gets a column `my_row_id` that was not dumped (`sql_generate_invisible_primary_key`)",
            ),
        ] {
            let Some(subject) = keyless.as_ref().filter(|_| target.is_on(setting)) else { continue };
            if may {
                preflight.session.push(off);
            } else {
                let help = self.session_help(target, &format!("SET GLOBAL {off};"));
                preflight.findings.push(finding(level, subject, problem.to_owned(), help));
            }
        }
    }

    fn session_help(&self, target: &Target<'_>, global: &str) -> String {
        let right = self.flavor().session_rights.first().copied().unwrap_or_default();
        format!(
            "{global} or GRANT {right} ON *.* TO {}, so that only the restore does without it.",
            target.accounts.grantee()
        )
    }

    /// Tables that live outside of the server's directory.
    fn place_findings(&self, target: &Target<'_>, preflight: &mut Preflight) {
        if target.restore.tablespaces == Ownership::Skip {
            preflight.left_out.tablespaces = target.needs.tablespaces.keys().cloned().collect();
            preflight.left_out.directories = true;
            return;
        }
        for (space, table) in &target.needs.tablespaces {
            let own = space.to_ascii_lowercase().starts_with("innodb_");
            if own || target.server.tablespaces.as_ref().is_some_and(|spaces| spaces.contains(space)) {
                continue;
            }
            preflight.left_out.tablespaces.push(space.clone());
            preflight.findings.push(warning(
                &format!("tablespace {}", identifier(space)),
                format!("it is not there, or may not be seen: `{table}` and others get files of their own"),
                format!("CREATE TABLESPACE {} ADD DATAFILE '….ibd'; brings it back.", identifier(space)),
            ));
        }
        let Some((directory, table)) = target.needs.directories.first_key_value() else { return };
        let mysql = self.flavor().kind == EngineKind::MySql;
        let reason = if target.restore.database != target.restore.source_database {
            "a copy does not live where the original does"
        } else if mysql && !self.grants.everywhere("FILE") {
            "that takes FILE"
        } else if mysql && !self.knows_directories(target) {
            "`innodb_directories` does not name it"
        } else {
            return;
        };
        preflight.left_out.directories = true;
        preflight.findings.push(warning(
            &format!("directory `{directory}`"),
            format!("`{table}` and others go into the server's own directory: {reason}"),
            String::new(),
        ));
    }

    fn knows_directories(&self, target: &Target<'_>) -> bool {
        let known = target.setting("innodb_directories");
        let own = self.variables.get("datadir").map_or("", String::as_str);
        let inside = |directory: &String| {
            let mut known = known.split(';').chain([own]).filter(|known| !known.is_empty());
            known.any(|known| directory.starts_with(known.trim_end_matches('/')))
        };
        target.needs.directories.keys().all(inside)
    }

    /// Names that become one, or other ones, where the server does not tell them apart by case.
    fn name_findings(&self, recorded: &Contents) -> Vec<Finding> {
        if !self.same_in_any_case() {
            let named = recorded.needs.tables.get(kinds::OTHER_CASE);
            return named.map(|table| unfound_finding(table)).into_iter().collect();
        }
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for table in &recorded.tables {
            if let Some(other) = seen.insert(table.table.to_lowercase(), &table.table) {
                return vec![error(
                    &format!("tables `{other}` and `{}`", table.table),
                    "they are one to this server (`lower_case_table_names`)".to_owned(),
                    "Restore into a server with `lower_case_table_names = 0`, or rename one on the source.",
                )];
            }
        }
        let changed = recorded.tables.iter().find(|table| table.table != table.table.to_lowercase());
        let changed = changed
            .filter(|_| self.variables.get("lower_case_table_names").is_some_and(|value| value == "1"));
        let finding = |name: &str| {
            warning(
                &format!("table `{name}`"),
                format!(
                    "it and others get names in lower case: `{}` (`lower_case_table_names`)",
                    name.to_lowercase()
                ),
                String::new(),
            )
        };
        changed.map(|table| finding(&table.table)).into_iter().collect()
    }

    /// Texts that a copy may use as statements, and that name the original.
    fn lasting_name_finding(&self, target: &Target<'_>) -> Option<Finding> {
        let original = &target.restore.source_database;
        if *original == target.restore.database {
            return None;
        }
        let fold = self.same_in_any_case();
        let means = |word: &str| word == original || (fold && word.to_lowercase() == original.to_lowercase());
        let (_, object) = target.needs.texts.iter().find(|(word, _)| means(word))?;
        Some(warning(
            object,
            format!("a text in it names `{original}`, and still does in the copy"),
            "Look at it where such a text becomes a statement (PREPARE, EXECUTE IMMEDIATE).",
        ))
    }

    /// Whether names that differ in case alone are one.
    pub(super) fn same_in_any_case(&self) -> bool {
        self.variables.get("lower_case_table_names").is_some_and(|value| value != "0")
    }

    /// Foreign keys of other databases. With them `DROP DATABASE` fails, on MariaDB after most tables are gone.
    async fn referring_tables(
        &self,
        runner: &dyn Runner,
        existing: &LogicalDatabase,
        preflight: &mut Preflight,
    ) -> Result<(), EngineError> {
        let name = literal(&existing.name);
        let sql = format!(
            "SELECT DISTINCT CONSTRAINT_SCHEMA, TABLE_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS
WHERE UNIQUE_CONSTRAINT_SCHEMA = {name} AND CONSTRAINT_SCHEMA <> {name} ORDER BY 1, 2;"
        );
        let doing = format!("look for foreign keys on `{}`", existing.name);
        for row in self.ask(runner, &Question::short(&doing, &sql)).await? {
            let Ok([database, table]) = <[String; 2]>::try_from(row) else { continue };
            preflight.before_drop = "SET SESSION foreign_key_checks = 0;\n";
            preflight.findings.push(warning(
                &format!("table `{database}`.`{table}`"),
                format!(
                    "it has a foreign key on `{}`: whether its rows fit what is restored is not checked",
                    existing.name
                ),
                String::new(),
            ));
        }
        Ok(())
    }
}

/// A trigger that this server cannot make.
fn unfound_finding(table: &str) -> Finding {
    error(
        &format!("trigger on `{table}`"),
        "the table has this name in another case, and this server tells them apart (1146)".to_owned(),
        "Make the trigger anew on the source with the name that the table has, restore into a server with \
         `lower_case_table_names = 1`, or leave the trigger out with --allow-errors.",
    )
}

/// Engines that would be others without a word: the dump's own mode lets the server choose.
fn engine_findings(target: &Target<'_>, kind: EngineKind) -> Vec<Finding> {
    let enforced = target.setting("enforce_storage_engine").to_ascii_uppercase();
    let disabled = target.setting("disabled_storage_engines").to_ascii_uppercase();
    let disabled: BTreeSet<&str> = disabled.split(',').map(str::trim).collect();
    let of = |(engine, table): (&String, &String)| {
        let subject = format!("storage engine {engine}");
        let lost = format!("`{table}` and others would become tables of another engine");
        if !target.server.engines.contains(engine) {
            let library = ENGINE_LIBRARIES.iter().find(|(name, _)| name == engine);
            let help = library.filter(|_| kind == EngineKind::MariaDb).map_or_else(
                || format!("Start the server with {engine} enabled."),
                |(_, library)| format!("INSTALL SONAME '{library}';"),
            );
            return Some(error(&subject, format!("the target does not have it: {lost}"), help));
        }
        if disabled.contains(engine.as_str()) {
            let help = format!("Take {engine} out of `disabled_storage_engines`, and restart the server.");
            return Some(error(&subject, format!("it is disabled: {lost}"), help));
        }
        let other = !enforced.is_empty() && enforced != *engine;
        other.then(|| {
            let help = "SET GLOBAL enforce_storage_engine = NULL;".to_owned();
            error(&subject, format!("`enforce_storage_engine` is {enforced}: {lost}"), help)
        })
    };
    target.needs.engines.iter().filter_map(of).collect()
}

/// Settings that are the server's alone.
fn setting_findings(target: &Target<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let keyless = target.table(&format!("{} INNODB", kinds::NO_KEY));
    if let Some(table) = keyless.filter(|_| target.is_on("innodb_force_primary_key")) {
        findings.push(error(
            &format!("table `{table}`"),
            "it has no primary key, and `innodb_force_primary_key` demands one (1173)".to_owned(),
            "SET GLOBAL innodb_force_primary_key = 0;",
        ));
    }
    let Some(table) = target.table(kinds::COMPRESSED) else { return findings };
    let subject = format!("table `{table}`");
    if target.is_on("innodb_read_only_compressed") {
        findings.push(error(
            &subject,
            "it is compressed, and `innodb_read_only_compressed` takes no such table (4047)".to_owned(),
            "SET GLOBAL innodb_read_only_compressed = 0;",
        ));
    }
    let page = target.setting("innodb_page_size").parse::<u32>().unwrap_or(0);
    if target.setting("innodb_file_per_table") == "OFF" || page > LARGEST_COMPRESSED_PAGE {
        findings.push(warning(
            &subject,
            "it and others come back without compression (`innodb_file_per_table`, `innodb_page_size`)"
                .to_owned(),
            String::new(),
        ));
    }
    findings
}

/// Databases that views read.
fn database_findings(target: &Target<'_>, preflight: &mut Preflight) {
    let following = target.needs.databases.keys().filter(|database| target.follows(database));
    preflight.absent.extend(following.cloned());
    let missing = |database: &&String| {
        target.is_other(database)
            && !target.follows(database)
            && !target.server.databases.contains(&database.to_lowercase())
    };
    for database in target.needs.databases.keys().filter(missing) {
        let view = &target.needs.databases[database];
        if target.is_thrown_away() {
            preflight.absent.insert(database.clone());
            continue;
        }
        preflight.findings.push(error(
            &format!("view `{view}`"),
            format!("it reads `{database}`, which is not there"),
            format!("Restore or create `{database}` first, or leave the view out with --allow-errors."),
        ));
    }
}

/// A database that is locked against changes (MySQL: 3989).
fn locked_finding(existing: &LogicalDatabase) -> Option<Finding> {
    let properties: DatabaseProperties = serde_json::from_value(existing.properties.clone()).ok()?;
    properties.options.read_only.then(|| {
        error(
            &format!("database `{}`", existing.name),
            "it is READ ONLY, so it cannot be replaced".to_owned(),
            format!("ALTER DATABASE {} READ ONLY = 0;", identifier(&existing.name)),
        )
    })
}

fn finding(level: FindingLevel, subject: &str, problem: String, help: impl AsRef<str>) -> Finding {
    Finding { level, ..Finding::warning(subject, problem, help) }
}

pub(super) fn error(subject: &str, problem: String, help: impl AsRef<str>) -> Finding {
    finding(FindingLevel::Error, subject, problem, help)
}

pub(super) fn warning(subject: &str, problem: String, help: impl AsRef<str>) -> Finding {
    finding(FindingLevel::Warning, subject, problem, help)
}
