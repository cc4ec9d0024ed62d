//! What restoring all of an archive asks for, gathered entry by entry: names, and a number for each entry.

use super::contents::read_head;
use super::head::{ArchiveFacts, Definitions, TocEntry};
use crate::engine::EngineError;
use crate::engine::postgresql::roles::{about_the_database, list_of, roles_after_to, roles_of_policy};
use crate::model::ByteReader;
use std::collections::{BTreeMap, BTreeSet};

/// The largest outline that is kept.
const KEPT_LIMIT_BYTES: usize = 64 * 1024 * 1024;

/// A table, view or the like, by its names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Relation {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
}

/// What an archive asks of the server that it goes into. Unlike a table of contents it stays small: each name is kept
/// once, and of an entry its number and kind of part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    /// What wrote it.
    pub facts: ArchiveFacts,
    /// Roles that objects are given to.
    pub owners: BTreeSet<String>,
    /// Roles that are granted something.
    pub grantees: BTreeSet<String>,
    /// Roles that policies are for, which no option leaves out.
    pub subjects: BTreeSet<String>,
    /// Extensions that are created.
    pub extensions: BTreeSet<String>,
    /// Tablespaces that objects are put into, each with the first of them.
    pub tablespaces: BTreeMap<String, String>,
    /// Materialized views that are filled, in the order in which that works.
    pub views: Vec<Relation>,
    /// Whether it has subscriptions: a database with one is not dropped.
    pub has_subscriptions: bool,
    entries: Vec<(i32, Section)>,
    kept_bytes: usize,
}

/// What an entry is to somebody who leaves some of them out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    /// It is always restored.
    Usual,
    /// A comment on an extension, which only its owner may set and which creating the extension sets anyway.
    ExtensionComment,
    /// It fills a materialized view.
    View,
    /// How a role logs in to a foreign server.
    UserMapping,
}

impl Outline {
    /// Reads `archive` up to the end of its table of contents, and no further. `None` when it is an archive of a version
    /// whose layout is not known here.
    pub async fn read(archive: ByteReader<'_>) -> Result<Option<Self>, EngineError> {
        let mut outline = Self::default();
        let facts = read_head(archive, Definitions::OfRoles, |entry| {
            outline.enter(&entry);
            if outline.kept_bytes > KEPT_LIMIT_BYTES {
                Err("its table of contents is too large".to_owned())
            } else {
                Ok(())
            }
        })
        .await?;
        Ok(facts.map(|facts| Self { facts, ..outline }))
    }

    /// The outline of some entries.
    pub fn of<'a>(facts: &ArchiveFacts, entries: impl IntoIterator<Item = &'a TocEntry>) -> Self {
        let mut outline = Self { facts: facts.clone(), ..Self::default() };
        entries.into_iter().for_each(|entry| outline.enter(entry));
        outline
    }

    fn enter(&mut self, entry: &TocEntry) {
        let part = match entry.kind.as_str() {
            "COMMENT" if entry.tag.starts_with("EXTENSION ") => Section::ExtensionComment,
            "MATERIALIZED VIEW DATA" => Section::View,
            "USER MAPPING" => Section::UserMapping,
            _ => Section::Usual,
        };
        self.has_subscriptions |= entry.kind == "SUBSCRIPTION";
        self.entries.push((entry.id, part));
        self.kept_bytes += size_of::<(i32, Section)>();
        if about_the_database(entry) {
            return;
        }
        if part == Section::View {
            self.kept_bytes += entry.namespace.len() + entry.tag.len() + size_of::<Relation>();
            self.views.push(Relation { schema: entry.namespace.clone(), name: entry.tag.clone() });
        }
        if entry.kind == "EXTENSION" {
            self.keep_extension(&entry.tag);
        }
        if !entry.tablespace.is_empty() && !self.tablespaces.contains_key(&entry.tablespace) {
            let first = format!("{}.{}", entry.namespace, entry.tag);
            self.kept_bytes += entry.tablespace.len() + first.len();
            self.tablespaces.insert(entry.tablespace.clone(), first);
        }
        self.enter_roles(entry);
    }

    fn keep_extension(&mut self, name: &str) {
        self.kept_bytes += name.len();
        self.extensions.insert(name.to_owned());
    }

    fn enter_roles(&mut self, entry: &TocEntry) {
        let grants = matches!(entry.kind.as_str(), "ACL" | "DEFAULT ACL");
        // Of the kinds that only say something about another object nothing is given to the owner; names with `pg_`
        // are the server's own.
        let gives = !grants && !matches!(entry.kind.as_str(), "COMMENT" | "SECURITY LABEL");
        let owner = &entry.owner;
        if gives && !owner.is_empty() && !owner.starts_with("pg_") && !self.owners.contains(owner) {
            self.kept_bytes += owner.len();
            self.owners.insert(owner.clone());
        }
        let (set, roles) = match entry.kind.as_str() {
            "ACL" | "DEFAULT ACL" => (&mut self.grantees, roles_after_to(&entry.definition)),
            "POLICY" => (&mut self.subjects, roles_of_policy(&entry.definition)),
            _ => return,
        };
        for role in roles.into_iter().filter(|role| !set.contains(role)).collect::<Vec<_>>() {
            self.kept_bytes += role.len();
            set.insert(role);
        }
    }

    /// The entries to restore as a list for `pg_restore --use-list`; `None` when that is all of them.
    pub fn list(&self, left: &SkippedEntries) -> Option<String> {
        let stays = |part: Section| match part {
            Section::Usual => true,
            Section::ExtensionComment => !left.extension_comments,
            Section::View => !left.views,
            Section::UserMapping => !left.user_mappings,
        };
        if self.entries.iter().all(|(_, part)| stays(*part)) {
            return None;
        }
        let stay = self.entries.iter().filter(|(_, part)| stays(*part));
        Some(list_of(stay.map(|(id, _)| *id)))
    }
}

/// What of an archive is not restored by pg_restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SkippedEntries {
    /// Comments on extensions.
    pub extension_comments: bool,
    /// Filling materialized views.
    pub views: bool,
    /// How roles log in to foreign servers.
    pub user_mappings: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: i32, kind: &str, tag: &str) -> TocEntry {
        TocEntry {
            id,
            kind: kind.to_owned(),
            namespace: "public".to_owned(),
            tag: tag.to_owned(),
            owner: "app".to_owned(),
            tablespace: if kind == "TABLE" { "fast".to_owned() } else { String::new() },
            definition: "GRANT SELECT ON TABLE public.t TO reader;".to_owned(),
            ..TocEntry::default()
        }
    }

    #[test]
    fn what_an_archive_asks_for_is_kept_and_what_is_left_out_is_not_listed() {
        let entries = [
            entry(1, "EXTENSION", "hstore"),
            entry(2, "COMMENT", "EXTENSION hstore"),
            entry(3, "TABLE", "t"),
            entry(4, "ACL", "TABLE t"),
            entry(5, "USER MAPPING", "USER MAPPING a SERVER b"),
            entry(6, "MATERIALIZED VIEW DATA", "v"),
            entry(7, "DATABASE PROPERTIES", "shop"),
            entry(8, "SUBSCRIPTION", "feed"),
        ];
        let outline = Outline::of(&ArchiveFacts::default(), &entries);
        assert_eq!(outline.extensions, BTreeSet::from(["hstore".to_owned()]));
        assert_eq!(outline.grantees, BTreeSet::from(["reader".to_owned()]));
        assert_eq!(outline.tablespaces["fast"], "public.t");
        assert_eq!(outline.views, [Relation { schema: "public".to_owned(), name: "v".to_owned() }]);
        assert!(outline.has_subscriptions);
        let mut left = SkippedEntries { extension_comments: false, views: false, user_mappings: false };
        assert_eq!(outline.list(&left), None, "all of it needs no list");
        left.views = true;
        assert_eq!(outline.list(&left).unwrap(), "1;\n2;\n3;\n4;\n5;\n7;\n8;\n");
        left = SkippedEntries { extension_comments: true, views: true, user_mappings: true };
        assert_eq!(outline.list(&left).unwrap(), "1;\n3;\n4;\n7;\n8;\n");
    }

    #[test]
    fn an_outline_of_very_many_objects_stays_small() {
        const OBJECTS: i32 = 420_000;
        let mut outline = Outline::default();
        for id in 1..=OBJECTS {
            outline.enter(&entry(id, "TABLE", &format!("table {id}")));
        }
        let bytes = outline.kept_bytes;
        assert!(bytes < 8 << 20, "{bytes} bytes");
    }
}
