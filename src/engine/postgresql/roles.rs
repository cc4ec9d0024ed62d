//! Roles that an archive needs: owners, and those that are granted something.

use super::archive::{Entry, TableOfContents};
use super::globals::{Word, words};
use crate::engine::{Ownership, RestoreTarget};
use std::collections::BTreeSet;

/// Roles that restoring the chosen entries of `toc` into `target` needs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct NeededRoles {
    /// Objects are given to them.
    pub(super) owners: BTreeSet<String>,
    /// They are granted something.
    pub(super) grantees: BTreeSet<String>,
    /// Policies are for them, which no option leaves out.
    pub(super) subjects: BTreeSet<String>,
}

/// Names that stand for a role and are none.
const NO_ROLES: [&str; 4] = ["public", "current_user", "current_role", "session_user"];

pub(super) fn needed_roles<'a>(
    entries: impl IntoIterator<Item = &'a Entry>,
    target: &RestoreTarget,
) -> NeededRoles {
    let mut needed = NeededRoles::default();
    for entry in entries.into_iter().filter(|entry| !about_the_database(entry)) {
        let grants = matches!(entry.kind.as_str(), "ACL" | "DEFAULT ACL");
        // Of the kinds that only say something about another object nothing is given to the owner; names with `pg_`
        // are the server's own.
        let gives = !grants && !matches!(entry.kind.as_str(), "COMMENT" | "SECURITY LABEL");
        if target.owners == Ownership::Keep
            && gives
            && !entry.owner.is_empty()
            && !entry.owner.starts_with("pg_")
        {
            needed.owners.insert(entry.owner.clone());
        }
        if grants && target.privileges == Ownership::Keep {
            needed.grantees.extend(roles_after_to(&entry.definition));
        }
        if entry.kind == "POLICY" {
            needed.subjects.extend(roles_of_policy(&entry.definition));
        }
    }
    needed
}

/// Entries that only `pg_restore --create` replays, which is never used.
pub(super) fn about_the_database(entry: &Entry) -> bool {
    entry.kind.starts_with("DATABASE") || (entry.namespace.is_empty() && entry.tag.starts_with("DATABASE "))
}

/// The roles that the statements of `sql` name behind `TO`, `FROM` and `FOR ROLE`.
fn roles_after_to(sql: &str) -> Vec<String> {
    let words = words(sql);
    let mut roles = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let opens = matches!(words[at].bare.as_str(), "TO" | "FROM")
            || (words[at].bare == "ROLE" && at > 0 && words[at - 1].bare == "FOR");
        at += 1;
        // A list of names, with commas between them.
        while opens && at < words.len() {
            roles.extend(role(&words[at]));
            at += 1;
            if words.get(at).is_none_or(|word| word.bare != ",") {
                break;
            }
            at += 1;
        }
    }
    roles
}

/// The roles of `CREATE POLICY … TO …`. The clause stands in front of the conditions, which may say anything.
fn roles_of_policy(sql: &str) -> Vec<String> {
    let words = words(sql);
    let clauses = words.iter().take_while(|word| !matches!(word.bare.as_str(), "USING" | "WITH" | "("));
    clauses.skip_while(|word| word.bare != "TO").skip(1).filter_map(role).collect()
}

fn role(word: &Word) -> Option<String> {
    let pseudo = !word.bare.is_empty() && NO_ROLES.contains(&word.bare.to_lowercase().as_str());
    (!pseudo && !word.name.is_empty()).then(|| word.name.clone())
}

/// The entries of `toc` as a list for `pg_restore --use-list`.
pub(super) fn use_list<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> String {
    let lines: Vec<String> =
        entries.into_iter().map(|entry| format!("{}; {}\n", entry.id, entry.kind)).collect();
    lines.concat()
}

/// What a role that is no superuser must leave out: comments on extensions, which only their owner may set and which
/// creating the extension sets anyway.
pub(super) fn without_extension_comments(toc: &TableOfContents) -> Option<Vec<&Entry>> {
    let is_one = |entry: &&Entry| entry.kind == "COMMENT" && entry.tag.starts_with("EXTENSION ");
    toc.entries
        .iter()
        .any(|entry| is_one(&entry))
        .then(|| toc.entries.iter().filter(|entry| !is_one(entry)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grantees_are_found_in_every_kind_of_grant() {
        for (sql, expected) in [
            ("GRANT SELECT ON TABLE public.\"TO x\" TO reader;\n", &["reader"][..]),
            (
                "GRANT ALL ON TABLE t TO \"odd \"\"r\" WITH GRANT OPTION;\nGRANT SELECT(a) ON TABLE t TO PUBLIC;",
                &["odd \"r"],
            ),
            (
                "REVOKE ALL ON FUNCTION f(text) FROM owner;\nGRANT ALL ON FUNCTION f(text) TO a;",
                &["owner", "a"],
            ),
            ("ALTER DEFAULT PRIVILEGES FOR ROLE o IN SCHEMA s GRANT SELECT ON TABLES TO r;", &["o", "r"]),
        ] {
            assert_eq!(roles_after_to(sql), expected, "{sql}");
        }
    }

    #[test]
    fn a_policy_names_roles_in_its_to_clause_only() {
        for (sql, expected) in [
            (
                "CREATE POLICY p ON public.t FOR SELECT TO a, \"B\" USING ((x = 'TO z'::text));",
                &["a", "B"][..],
            ),
            ("CREATE POLICY p ON t TO CURRENT_USER USING (true);", &[]),
            ("CREATE POLICY p ON t USING ((x IN ( SELECT m.x\n   FROM public.members m)));", &[]),
            ("CREATE POLICY p ON t TO r WITH CHECK ((EXTRACT(dow FROM now()) < (6)::numeric));", &["r"]),
            (
                "CREATE POLICY \"TO x\" ON t AS RESTRICTIVE FOR UPDATE TO \"USING\" USING (true) WITH CHECK (true);",
                &["USING"],
            ),
        ] {
            assert_eq!(roles_of_policy(sql), expected, "{sql}");
        }
    }
}
