//! Checks of a target before anything on it is changed.

use super::archive::Outline;
use super::cron::{CRON, CRON_DATABASE};
use super::facts::PostgreSqlServer;
use super::properties::DatabaseProperties;
use super::psql::statements;
use super::quote::{identifier, literal};
use super::settings::split_names;
use super::target::{ExistingDatabase, TargetFacts};
use crate::engine::{
    EngineError, Finding, Lifetime, LoadPlan, MissingRoles, Occupied, Ownership, RestoreTarget, Step,
};
use crate::model::{Help, help};
use std::collections::BTreeSet;

/// Since this major version each membership has options that say which rights it gives.
const MEMBERSHIPS_HAVE_OPTIONS: u32 = 16;

impl PostgreSqlServer {
    /// Checks that the role may create a database and may replace an existing one of that name.
    pub(super) fn check_beside(
        &self,
        target: &RestoreTarget,
        facts: &TargetFacts,
    ) -> Result<(), EngineError> {
        let me = identifier(self.user());
        let name = &target.database;
        if !facts.createdb {
            return Err(EngineError::Privilege {
                problem: format!("`{}` may not create databases", self.user()),
                help: if facts.database.is_some() && target.selection.is_everything() {
                    help!(
                        "ALTER ROLE {me} CREATEDB; or empty `{name}` and fill it with `--clean`, which is not atomic."
                    )
                } else {
                    help!("ALTER ROLE {me} CREATEDB;")
                },
            });
        }
        let Some(existing) = &facts.database else { return Ok(()) };
        let refused = |problem: String, help: Help| Err(EngineError::Refused { problem, help });
        self.check_owned(target, existing)?;
        if existing.foreign_sessions > 0 {
            return Err(EngineError::Privilege {
                problem: format!(
                    "`{}` may not end {} of the sessions of `{name}`",
                    self.user(),
                    existing.foreign_sessions
                ),
                help: help!("GRANT pg_signal_backend TO {me}; or end these sessions first."),
            });
        }
        if let Some(gid) = existing.prepared.first() {
            return refused(
                format!("`{name}` has prepared transactions, the first is `{gid}`"),
                help!("Commit or roll them back first."),
            );
        }
        if let Some(slot) = existing.slots.first() {
            return refused(
                format!("`{name}` has the logical replication slot `{slot}`, which would lose its database"),
                help!("Drop the slot first, or restore under another name."),
            );
        }
        check_subscriptions(target, existing)
    }

    /// Checks that the role may replace the database.
    pub(super) fn check_owned(
        &self,
        target: &RestoreTarget,
        existing: &ExistingDatabase,
    ) -> Result<(), EngineError> {
        let name = &target.database;
        if existing.template {
            return Err(EngineError::Refused {
                problem: format!("`{name}` is a template"),
                help: help!("Restore under another name."),
            });
        }
        if !existing.owned {
            return Err(EngineError::Privilege {
                problem: format!(
                    "`{name}` belongs to `{}`, so `{}` may not replace it",
                    existing.owner,
                    self.user()
                ),
                help: self.membership([&existing.owner], existing.inherits),
            });
        }
        Ok(())
    }

    /// Compares what `outline` needs with what the target has. Missing roles are listed when the restore is to create them.
    pub(super) fn lacks(&self, target: &RestoreTarget, outline: &Outline, facts: &TargetFacts) -> Lacks {
        let needed = needed_roles(target, outline, facts);
        let mut lacks = Lacks::default();
        match target.missing_roles {
            MissingRoles::Refuse => lacks.findings.extend(missing_roles(&needed, facts)),
            MissingRoles::Make => {
                let all = [&needed.owners, &needed.grantees, &needed.subjects].into_iter().flatten();
                lacks.roles = missing(&all.cloned().collect(), facts);
            }
        }
        lacks.findings.extend(self.unusable_owners(&needed, facts));
        lacks.findings.extend(self.extension_findings(outline, facts));
        if target.tablespaces == Ownership::Keep {
            lacks.findings.extend(self.tablespace_findings(outline, facts));
        }
        lacks.findings.extend(preload_findings(target, facts));
        lacks
    }

    /// Lets `plan` begin with creating roles, without rights, that objects refer to.
    pub(super) fn make_roles(
        &self,
        plan: &mut LoadPlan,
        target: &RestoreTarget,
        names: Vec<String>,
    ) -> Result<(), EngineError> {
        if names.is_empty() {
            return Ok(());
        }
        let each = |doing: &str| -> Vec<String> {
            names.iter().map(|name| format!("{doing} {};\n", identifier(name))).collect()
        };
        let beside = self.maintenance_beside(&target.database);
        let run = |sql: &str| statements(&self.connection, &self.tool, &beside, sql).map(Step::from);
        plan.before.insert(0, run(&format!("BEGIN;\n{}COMMIT;", each("CREATE ROLE").concat()))?);
        plan.undo.push(run(&each("DROP ROLE IF EXISTS").concat())?);
        plan.new_roles.extend(names);
        Ok(())
    }

    fn unusable_owners(&self, needed: &NeededRoles, facts: &TargetFacts) -> Option<Finding> {
        let there = needed.owners.iter().filter(|name| facts.roles.contains(name));
        let owners: Vec<&String> = there.filter(|name| !facts.usable_roles.contains(name)).collect();
        (!owners.is_empty()).then(|| {
            Finding::error(
                "owners",
                format!("`{}` may not give objects to {}", self.user(), listed(owners.iter().copied())),
                format!(
                    "{} Or leave owners out with `--no-owner`.",
                    self.membership(owners.iter().copied(), facts.inherits)
                ),
            )
        })
    }

    /// The statements that let the connected role give objects to `roles` and change the objects of `roles`.
    pub(super) fn membership<'a>(&self, roles: impl IntoIterator<Item = &'a String>, inherits: bool) -> Help {
        let names: Vec<String> = roles.into_iter().map(|name| identifier(name)).collect();
        let (names, me) = (names.join(", "), identifier(self.user()));
        if self.major >= MEMBERSHIPS_HAVE_OPTIONS {
            help!("GRANT {names} TO {me} WITH INHERIT TRUE, SET TRUE;")
        } else if inherits {
            help!("GRANT {names} TO {me};")
        } else {
            help!("GRANT {names} TO {me}; ALTER ROLE {me} INHERIT;")
        }
    }

    fn extension_findings(&self, outline: &Outline, facts: &TargetFacts) -> Vec<Finding> {
        let available = |name: &str| facts.extensions.iter().find(|extension| extension.name == name);
        let (mut absent, mut closed) = (Vec::new(), Vec::new());
        for name in &outline.extensions {
            match available(name) {
                None => absent.push(name),
                Some(extension) if !extension.open => closed.push(name),
                Some(_) => {}
            }
        }
        let mut findings = Vec::new();
        if !absent.is_empty() {
            let names = listed(absent);
            findings.push(Finding::error(
                "extensions",
                format!("not installed on {}: {names}", self.connection.address()),
                format!("Install the packages with {names} on the machine of the server."),
            ));
        }
        if !closed.is_empty() {
            findings.push(Finding::error(
                "extensions",
                format!("only a superuser may create {}", listed(closed)),
                "Restore as a superuser.",
            ));
        }
        findings
    }

    fn tablespace_findings(&self, outline: &Outline, facts: &TargetFacts) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (tablespace, first) in &outline.tablespaces {
            let name = identifier(tablespace);
            let (problem, help) = if !facts.tablespaces.contains(tablespace) {
                let help = format!("CREATE TABLESPACE {name} LOCATION '…'; or restore it with `--globals`");
                (format!("it does not exist, and `{first}` is stored in it"), help)
            } else if !facts.usable_tablespaces.contains(tablespace) {
                let help = format!("GRANT CREATE ON TABLESPACE {name} TO {};", identifier(self.user()));
                (format!("`{}` may not create `{first}` in it", self.user()), help)
            } else {
                continue;
            };
            let help =
                format!("{help}; or put everything into the default tablespace with `--no-tablespaces`");
            findings.push(Finding::error(
                format!("tablespace `{tablespace}`"),
                problem,
                help.replace(";;", ";"),
            ));
        }
        findings
    }

    /// Checks that `pg_cron` can be created in the target, if the archive has it.
    pub(super) fn cron_findings(
        &self,
        target: &RestoreTarget,
        outline: &Outline,
        facts: &TargetFacts,
    ) -> Option<Finding> {
        let known = facts.extensions.iter().any(|extension| extension.name == CRON);
        // Only a superuser sees the setting, and only a superuser creates the extension.
        if !outline.extensions.contains(CRON) || !known || !self.superuser {
            return None;
        }
        let name = &target.database;
        match &facts.cron_database {
            Some(database) if database == name => Some(Finding::warning(
                format!("`{CRON}` in `{name}`"),
                "its jobs may run as soon as they are loaded, before the restore has ended",
                "If that does harm, set `cron.launch_active_jobs` to off during the restore, or stop the jobs in another way.",
            ))
            .filter(|_| target.lifetime == Lifetime::Lasting),
            Some(database) => Some(Finding::error(
                format!("`{CRON}` in `{name}`"),
                format!("this server has it in `{database}`"),
                format!(
                    "Restore into `{database}`, or ALTER SYSTEM SET {CRON_DATABASE} = {}; and restart the server.",
                    literal(name)
                ),
            )),
            None => Some(Finding::error(
                format!("`{CRON}` in `{name}`"),
                "the server does not load its library at the start",
                format!(
                    "Add `{CRON}` to `shared_preload_libraries`, ALTER SYSTEM SET {CRON_DATABASE} = {}; and restart the server.",
                    literal(name)
                ),
            )),
        }
    }
}

/// Checks that no subscription goes on filling the database that is replaced.
pub(super) fn check_subscriptions(
    target: &RestoreTarget,
    existing: &ExistingDatabase,
) -> Result<(), EngineError> {
    let name = &target.database;
    if let Some(subscription) = existing.subscriptions.first() {
        let quoted = identifier(subscription);
        return Err(EngineError::Refused {
            problem: format!(
                "`{name}` has the subscription `{subscription}`, which would go on applying changes to the database \
                 that is replaced"
            ),
            help: help!(
                "Drop it first, in `{name}`: ALTER SUBSCRIPTION {quoted} DISABLE; ALTER SUBSCRIPTION {quoted} SET \
                 (slot_name = NONE); DROP SUBSCRIPTION {quoted}; the publisher keeps its slot. Or restore into another \
                 name with `--into`."
            ),
        });
    }
    Ok(())
}

/// What a target lacks.
#[derive(Debug, Default)]
pub(super) struct Lacks {
    /// Text.
    pub(super) findings: Vec<Finding>,
    /// Roles that are to be made first.
    pub(super) roles: Vec<String>,
}

/// Roles that a restore needs.
struct NeededRoles {
    owners: BTreeSet<String>,
    grantees: BTreeSet<String>,
    subjects: BTreeSet<String>,
}

/// The roles that the outline, and the database where it is made anew, need.
fn needed_roles(target: &RestoreTarget, outline: &Outline, facts: &TargetFacts) -> NeededRoles {
    let kept = |roles: &BTreeSet<String>, ownership| match ownership {
        Ownership::Keep => roles.clone(),
        Ownership::Skip => BTreeSet::new(),
    };
    let mut needed = NeededRoles {
        owners: kept(&outline.owners, target.owners),
        grantees: kept(&outline.grantees, target.privileges),
        subjects: outline.subjects.clone(),
    };
    // An existing database that only gets some objects keeps its own owner and rights.
    let makes_database = target.selection.is_everything() || facts.database.is_none();
    if makes_database
        && let Ok(properties) = serde_json::from_value::<DatabaseProperties>(target.properties.clone())
    {
        // A database that is only emptied keeps its owner.
        let made = target.occupied == Occupied::Refuse || facts.database.is_none();
        if target.owners == Ownership::Keep && made {
            needed.owners.insert(properties.owner.clone());
        }
        if target.privileges == Ownership::Keep {
            needed.grantees.extend(properties.roles().cloned());
        }
    }
    needed
}

/// Extensions that the dumped server loaded at its start, and this one does not: most work as far as a restore goes.
fn preload_findings(target: &RestoreTarget, facts: &TargetFacts) -> Vec<Finding> {
    let Some(recorded) = &target.recorded else { return Vec::new() };
    let wanted = recorded.needs.preloaded.iter().filter(|library| recorded.extensions.contains(library));
    let here = facts.preloaded.as_deref().map(split_names).unwrap_or_default();
    let absent: Vec<&String> = wanted.filter(|library| !here.contains(library)).collect();
    if absent.is_empty() || facts.preloaded.is_none() || target.lifetime == Lifetime::ThrownAway {
        return Vec::new();
    }
    let problem = format!("the dumped server loads {} at its start, and this one does not", listed(absent));
    let help = "Add it to `shared_preload_libraries` and restart the server, or the extension does not work.";
    vec![Finding::warning("extensions", problem, help)]
}

fn missing(names: &BTreeSet<String>, facts: &TargetFacts) -> Vec<String> {
    names.iter().filter(|name| !facts.roles.contains(name)).cloned().collect()
}

/// What to say of each kind of roles of which some are missing.
fn missing_roles(needed: &NeededRoles, facts: &TargetFacts) -> Vec<Finding> {
    let without = |option: &str| format!("go without them with `{option}`");
    let kinds = [
        (&needed.owners, "own objects", without("--no-owner")),
        (&needed.grantees, "are granted something", without("--no-privileges")),
        // No option of pg_restore leaves policies out.
        (&needed.subjects, "policies are for", "accept errors with `--allow-errors`".to_owned()),
    ];
    let found = kinds.into_iter().filter_map(|(names, what, otherwise)| {
        let names = missing(names, facts);
        (!names.is_empty()).then(|| {
            Finding::error(
                format!("roles that {what}"),
                format!("missing on the target: {}", listed(&names)),
                format!("Restore them first with `--globals`, or {otherwise}."),
            )
        })
    });
    found.collect()
}

fn listed<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
