//! What must be true of a target before anything on it is changed.

use super::archive::Entry;
use super::facts::PostgreSqlServer;
use super::properties::DatabaseProperties;
use super::quote::identifier;
use super::roles::needed_roles;
use super::target::TargetFacts;
use crate::engine::{EngineError, Ownership, RestoreTarget};

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
        Ok(())
    }

    /// That the roles and extensions of `entries` are there. With errors allowed they only become notes.
    pub(super) fn check_needs(
        &self,
        target: &RestoreTarget,
        entries: &[&Entry],
        facts: &TargetFacts,
        notes: &mut Vec<String>,
    ) -> Result<(), EngineError> {
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
        let missing = |names: &std::collections::BTreeSet<String>| -> Vec<String> {
            names.iter().filter(|name| !facts.roles.contains(name)).cloned().collect()
        };
        let unusable = needed
            .owners
            .iter()
            .find(|name| facts.roles.contains(name) && !facts.usable_roles.contains(name));
        let extension = |open: bool| {
            entries.iter().filter(|entry| entry.kind == "EXTENSION").map(|entry| entry.tag.as_str()).find(
                |name| match facts.extensions.iter().find(|extension| extension.name == *name) {
                    None => !open,
                    Some(extension) => open && !extension.open,
                },
            )
        };
        let problem = match (missing(&needed.owners), missing(&needed.grantees), unusable) {
            (owners, ..) if !owners.is_empty() => Some(missing_roles("own objects", &owners, "--no-owner")),
            (_, grantees, _) if !grantees.is_empty() => {
                Some(missing_roles("are granted something", &grantees, "--no-privileges"))
            }
            (.., Some(owner)) => Some(EngineError::Privilege {
                problem: format!("`{}` may not give objects to their owner `{owner}`", self.user()),
                help: format!(
                    "GRANT {} TO {}; or leave owners out with `--no-owner`",
                    identifier(owner),
                    identifier(self.user())
                ),
            }),
            _ => None,
        };
        let problem = problem.or_else(|| {
            let subjects = missing(&needed.subjects);
            (!subjects.is_empty()).then(|| EngineError::Prerequisite {
                problem: format!(
                    "roles that policies are for are missing on the target: {}",
                    subjects.iter().map(|role| format!("`{role}`")).collect::<Vec<_>>().join(", ")
                ),
                help: "Restore them first with `--globals`, or accept errors with `--allow-errors`."
                    .to_owned(),
            })
        });
        let problem = problem.or_else(|| {
            extension(false).map(|name| EngineError::Prerequisite {
                problem: format!("the extension `{name}` is not installed on {}", self.connection.address()),
                help: format!("Install the package that holds `{name}` on the server's machine."),
            })
        });
        let problem = problem.or_else(|| {
            extension(true).map(|name| EngineError::Privilege {
                problem: format!("only a superuser may create the extension `{name}`"),
                help: "Restore as a superuser.".to_owned(),
            })
        });
        match problem {
            Some(error) if target.stop_at_first_error => Err(error),
            Some(error) => {
                notes.push(error.to_string());
                Ok(())
            }
            None => Ok(()),
        }
    }
}

fn missing_roles(what: &str, roles: &[String], option: &str) -> EngineError {
    let names: Vec<String> = roles.iter().map(|role| format!("`{role}`")).collect();
    EngineError::Prerequisite {
        problem: format!("roles that {what} are missing on the target: {}", names.join(", ")),
        help: format!("Restore them first with `--globals`, or go without them with `{option}`."),
    }
}
