//! What must be true of a target before anything on it is changed.

use super::archive::Entry;
use super::facts::PostgreSqlServer;
use super::properties::DatabaseProperties;
use super::psql::statements;
use super::quote::identifier;
use super::roles::{NeededRoles, needed_roles};
use super::target::TargetFacts;
use crate::engine::{EngineError, LoadPlan, MissingRoles, Ownership, RestoreTarget, Step};
use std::collections::BTreeSet;

impl PostgreSqlServer {
    /// That the role may create a database and, where there is one of that name, put it aside.
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
                help: format!("ALTER ROLE {me} CREATEDB;"),
            });
        }
        let Some(existing) = &facts.database else { return Ok(()) };
        let refused = |problem: String, help: String| Err(EngineError::Refused { problem, help });
        if existing.template {
            return refused(format!("`{name}` is a template"), "Restore into another name.".to_owned());
        }
        if !existing.owned {
            return Err(EngineError::Privilege {
                problem: format!(
                    "`{name}` belongs to `{}`, so `{}` may not replace it",
                    existing.owner,
                    self.user()
                ),
                help: format!("GRANT {} TO {me};", identifier(&existing.owner)),
            });
        }
        if existing.foreign_sessions > 0 {
            return Err(EngineError::Privilege {
                problem: format!(
                    "{} sessions of `{name}` may not be ended by `{}`",
                    existing.foreign_sessions,
                    self.user()
                ),
                help: format!("GRANT pg_signal_backend TO {me}; or end them first"),
            });
        }
        if let Some(gid) = existing.prepared.first() {
            return refused(
                format!("`{name}` has prepared transactions, the first is `{gid}`"),
                "Commit or roll them back first.".to_owned(),
            );
        }
        if let Some(slot) = existing.slots.first() {
            return refused(
                format!("`{name}` has the logical replication slot `{slot}`, which would lose its database"),
                "Drop the slot first, or restore into another name.".to_owned(),
            );
        }
        if let Some(subscription) = existing.subscriptions.first() {
            let quoted = identifier(subscription);
            return refused(
                format!(
                    "`{name}` has the subscription `{subscription}`, which would go on applying changes to the database \
                     that is replaced"
                ),
                format!(
                    "Drop it first, in `{name}`: ALTER SUBSCRIPTION {quoted} DISABLE; ALTER SUBSCRIPTION {quoted} SET \
                     (slot_name = NONE); DROP SUBSCRIPTION {quoted}; the publisher keeps its slot. Or restore into another \
                     name with `--into`."
                ),
            );
        }
        Ok(())
    }

    /// That the roles and extensions of `entries` are there. With errors allowed they only become notes. Where missing
    /// roles are to be made, they come back instead.
    pub(super) fn check_needs(
        &self,
        target: &RestoreTarget,
        entries: &[&Entry],
        facts: &TargetFacts,
        notes: &mut Vec<String>,
    ) -> Result<Vec<String>, EngineError> {
        let needed = needed_roles_of(target, entries, facts);
        let (absent, made) = match target.missing_roles {
            MissingRoles::Refuse => (missing_role(&needed, facts), Vec::new()),
            MissingRoles::Make => {
                let all = [&needed.owners, &needed.grantees, &needed.subjects].into_iter().flatten();
                let all: BTreeSet<String> = all.cloned().collect();
                (None, missing(&all, facts))
            }
        };
        let problem = absent
            .or_else(|| self.unusable_owner(&needed, facts))
            .or_else(|| self.missing_extension(entries, facts));
        match problem {
            Some(error) if target.stop_at_first_error => Err(error),
            Some(error) => {
                notes.push(error.to_string());
                Ok(made)
            }
            None => Ok(made),
        }
    }

    /// Lets `plan` begin with making roles that only have to be there.
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

    fn unusable_owner(&self, needed: &NeededRoles, facts: &TargetFacts) -> Option<EngineError> {
        let there = needed.owners.iter().filter(|name| facts.roles.contains(name));
        let owner = there.into_iter().find(|name| !facts.usable_roles.contains(name))?;
        Some(EngineError::Privilege {
            problem: format!("`{}` may not give objects to their owner `{owner}`", self.user()),
            help: format!(
                "GRANT {} TO {}; or leave owners out with `--no-owner`",
                identifier(owner),
                identifier(self.user())
            ),
        })
    }

    fn missing_extension(&self, entries: &[&Entry], facts: &TargetFacts) -> Option<EngineError> {
        let needed = || {
            let extensions = entries.iter().filter(|entry| entry.kind == "EXTENSION");
            extensions.map(|entry| entry.tag.as_str())
        };
        let available = |name: &str| facts.extensions.iter().find(|extension| extension.name == name);
        if let Some(name) = needed().find(|name| available(name).is_none()) {
            return Some(EngineError::Prerequisite {
                problem: format!("the extension `{name}` is not installed on {}", self.connection.address()),
                help: format!("Install the package that holds `{name}` on the server's machine."),
            });
        }
        let closed = needed().find(|name| available(name).is_some_and(|extension| !extension.open))?;
        Some(EngineError::Privilege {
            problem: format!("only a superuser may create the extension `{closed}`"),
            help: "Restore as a superuser.".to_owned(),
        })
    }
}

/// The roles that `entries`, and the database where it is made anew, need.
fn needed_roles_of(target: &RestoreTarget, entries: &[&Entry], facts: &TargetFacts) -> NeededRoles {
    let mut needed = needed_roles(entries.iter().copied(), target);
    // An existing database that only gets some objects keeps its own owner and rights.
    let makes_database = target.selection.is_everything() || facts.database.is_none();
    if makes_database
        && let Ok(properties) = serde_json::from_value::<DatabaseProperties>(target.properties.clone())
    {
        if target.owners == Ownership::Keep {
            needed.owners.insert(properties.owner.clone());
        }
        if target.privileges == Ownership::Keep {
            needed.grantees.extend(properties.roles().cloned());
        }
    }
    needed
}

fn missing(names: &BTreeSet<String>, facts: &TargetFacts) -> Vec<String> {
    names.iter().filter(|name| !facts.roles.contains(name)).cloned().collect()
}

/// What to say of the first kind of roles of which some are missing.
fn missing_role(needed: &NeededRoles, facts: &TargetFacts) -> Option<EngineError> {
    let without = |option: &str| format!("go without them with `{option}`");
    let kinds = [
        (&needed.owners, "own objects", without("--no-owner")),
        (&needed.grantees, "are granted something", without("--no-privileges")),
        // No option of pg_restore leaves policies out.
        (&needed.subjects, "policies are for", "accept errors with `--allow-errors`".to_owned()),
    ];
    kinds.into_iter().find_map(|(names, what, otherwise)| {
        let names: Vec<String> = missing(names, facts).iter().map(|role| format!("`{role}`")).collect();
        (!names.is_empty()).then(|| EngineError::Prerequisite {
            problem: format!("roles that {what} are missing on the target: {}", names.join(", ")),
            help: format!("Restore them first with `--globals`, or {otherwise}."),
        })
    })
}
