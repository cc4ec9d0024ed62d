//! Roles that the statements of an archive name.

use super::archive::TocEntry;
use super::words::{Word, words};
use std::fmt::Write as _;

/// Names that stand for a role and are none.
const NO_ROLES: [&str; 4] = ["public", "current_user", "current_role", "session_user"];

/// Entries that only `pg_restore --create` replays, which is never used.
pub(super) fn about_the_database(entry: &TocEntry) -> bool {
    entry.kind.starts_with("DATABASE") || (entry.namespace.is_empty() && entry.tag.starts_with("DATABASE "))
}

/// The roles that the statements of `sql` name behind `TO`, `FROM` and `FOR ROLE`.
pub(super) fn roles_after_to(sql: &str) -> Vec<String> {
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
pub(super) fn roles_of_policy(sql: &str) -> Vec<String> {
    let words = words(sql);
    let clauses = words.iter().take_while(|word| !matches!(word.bare.as_str(), "USING" | "WITH" | "("));
    clauses.skip_while(|word| word.bare != "TO").skip(1).filter_map(role).collect()
}

fn role(word: &Word) -> Option<String> {
    let pseudo = !word.bare.is_empty() && NO_ROLES.contains(&word.bare.to_lowercase().as_str());
    (!pseudo && !word.name.is_empty()).then(|| word.name.clone())
}

/// The entries of `toc` as a list for `pg_restore --use-list`.
pub(super) fn use_list<'a>(entries: impl IntoIterator<Item = &'a TocEntry>) -> String {
    list_of(entries.into_iter().map(|entry| entry.id))
}

/// The same of the entries' numbers.
pub(super) fn list_of(ids: impl IntoIterator<Item = i32>) -> String {
    let mut list = String::new();
    for id in ids {
        let _ = writeln!(list, "{id};");
    }
    list
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
