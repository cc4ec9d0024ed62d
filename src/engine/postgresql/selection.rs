//! A choice of tables or schemas inside an archive: them, and all that belongs to them.

use super::archive::{TableOfContents, TocEntry};
use super::words::words;
use crate::engine::names::not_found;
use crate::engine::{EngineError, Selection};
use crate::model::help;
use std::collections::{HashMap, HashSet};

/// Kinds that `--table` can name.
pub(super) const RELATIONS: [&str; 5] = ["TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE", "SEQUENCE"];

/// Those that show rows of others.
const VIEWS: [&str; 2] = ["VIEW", "MATERIALIZED VIEW"];

/// Kinds that belong to the relation they depend on.
const PARTS: [&str; 19] = [
    "ACL",
    "CHECK CONSTRAINT",
    "COMMENT",
    "CONSTRAINT",
    "DEFAULT",
    "FK CONSTRAINT",
    "INDEX",
    "MATERIALIZED VIEW DATA",
    "POLICY",
    "PUBLICATION TABLE",
    "ROW SECURITY",
    "RULE",
    "SECURITY LABEL",
    "SEQUENCE OWNED BY",
    "SEQUENCE SET",
    "STATISTICS",
    "STATISTICS DATA",
    "TABLE DATA",
    "TRIGGER",
];

/// Kinds that tie two relations and make sense only when both are chosen.
const TIES: [&str; 2] = ["TABLE ATTACH", "INDEX ATTACH"];

/// Kinds that put something into a publication, which itself belongs to the database.
const MEMBERSHIPS: [&str; 2] = ["PUBLICATION TABLE", IN_SCHEMA];
const IN_SCHEMA: &str = "PUBLICATION TABLES IN SCHEMA";

/// The chosen part of an archive.
#[derive(Debug)]
pub(super) struct Chosen<'a> {
    toc: &'a TableOfContents,
    by_id: HashMap<i32, &'a TocEntry>,
    ids: HashSet<i32>,
}

impl<'a> Chosen<'a> {
    /// What `selection` means in `toc`. A name that is not there is an error.
    pub(super) fn new(toc: &'a TableOfContents, selection: &Selection) -> Result<Self, EngineError> {
        let by_id = toc.entries.iter().map(|entry| (entry.id, entry)).collect();
        let mut chosen = Self { toc, by_id, ids: HashSet::new() };
        for schema in &selection.schemas {
            chosen.add_schema(schema)?;
        }
        for table in &selection.tables {
            chosen.add_table(table)?;
        }
        chosen.add_parts();
        Ok(chosen)
    }

    /// The chosen entries in the order of the archive: a stream cannot be restored in another.
    pub(super) fn entries(&self) -> impl Iterator<Item = &'a TocEntry> {
        self.toc.entries.iter().filter(|entry| self.ids.contains(&entry.id))
    }

    /// Takes an entry out again, and what is only said about it.
    pub(super) fn remove(&mut self, id: i32) {
        self.ids.remove(&id);
        let about = |entry: &&TocEntry| {
            matches!(entry.kind.as_str(), "COMMENT" | "SECURITY LABEL") && entry.dependencies.contains(&id)
        };
        let about: Vec<i32> = self.entries().filter(about).map(|entry| entry.id).collect();
        self.ids.retain(|id| !about.contains(id));
    }

    /// Tables whose rows are chosen.
    pub(super) fn filled(&self) -> impl Iterator<Item = &'a TocEntry> {
        self.entries().filter(|entry| entry.kind == "TABLE DATA" && entry.has_data)
    }

    /// The chosen views, materialized or not.
    fn views(&self) -> impl Iterator<Item = &'a TocEntry> {
        self.entries().filter(|entry| VIEWS.contains(&entry.kind.as_str()))
    }

    /// The relations that the chosen views read, through other views too, and that are not chosen. A sequence is one of them:
    /// it has a value.
    pub(super) fn read_by_views(&self) -> Vec<&'a TocEntry> {
        let mut open: Vec<&TocEntry> = self.views().collect();
        let mut seen: HashSet<i32> = open.iter().map(|entry| entry.id).collect();
        let mut read = Vec::new();
        while let Some(entry) = open.pop() {
            for relation in self.relations_of(entry) {
                if !seen.insert(relation.id) {
                    continue;
                }
                if VIEWS.contains(&relation.kind.as_str()) {
                    open.push(relation);
                } else {
                    // Whoever reads a table reads what inherits from it.
                    let heirs = self.toc.entries.iter().filter(|entry| entry.kind == "TABLE");
                    let heirs = heirs.filter(|entry| entry.dependencies.contains(&relation.id));
                    read.extend(heirs.filter(|heir| seen.insert(heir.id) && !self.ids.contains(&heir.id)));
                }
                if !self.ids.contains(&relation.id) {
                    read.push(relation);
                }
            }
        }
        read.sort_by_key(|entry| entry.id);
        read
    }

    /// Chooses what the chosen views read, with its rows; says what that is.
    pub(super) fn add_rows_of_views(&mut self) -> Vec<&'a TocEntry> {
        let read = self.read_by_views();
        self.ids.extend(read.iter().map(|entry| entry.id));
        self.add_parts();
        read
    }

    /// Chosen partitions whose table is not chosen, with that table: they come back as tables of their own.
    pub(super) fn orphans(&self) -> Vec<(&'a TocEntry, &'a TocEntry)> {
        let ties = self.toc.entries.iter().filter(|entry| entry.kind == "TABLE ATTACH");
        let orphans = ties.filter_map(|tie| {
            let relations = self.relations_of(tie);
            let is_child =
                |relation: &&&TocEntry| relation.tag == tie.tag && relation.namespace == tie.namespace;
            let child = relations.iter().find(is_child)?;
            let parent = relations.iter().find(|relation| relation.id != child.id)?;
            (self.ids.contains(&child.id) && !self.ids.contains(&parent.id)).then_some((*child, *parent))
        });
        orphans.collect()
    }

    /// Takes out what is said of triggers that `orphan` has only from its table.
    pub(super) fn remove_inherited_triggers(&mut self, orphan: &TocEntry) {
        let inherited = |entry: &&TocEntry| {
            // A trigger of the table's own is created; of an inherited one it is said whether it is enabled.
            entry.kind == "TRIGGER"
                && entry.definition.trim_start().starts_with("ALTER TABLE")
                && self.bearer(entry).is_some_and(|bearer| bearer.id == orphan.id)
        };
        let inherited: Vec<i32> = self.entries().filter(inherited).map(|entry| entry.id).collect();
        for id in inherited {
            self.remove(id);
        }
    }

    fn add_schema(&mut self, schema: &str) -> Result<(), EngineError> {
        let before = self.ids.len();
        for entry in &self.toc.entries {
            let inside = entry.namespace == schema && !TIES.contains(&entry.kind.as_str());
            let itself = entry.kind == "SCHEMA" && entry.tag == schema;
            let about = entry.tag == format!("SCHEMA {schema}") && entry.namespace.is_empty();
            if inside || itself || about {
                self.ids.insert(entry.id);
            }
        }
        if self.ids.len() > before {
            return Ok(());
        }
        let schemas = self.toc.entries.iter().filter(|entry| !entry.namespace.is_empty());
        Err(not_found("schema", schema, " in the backup", schemas.map(|entry| entry.namespace.as_str())))
    }

    fn add_table(&mut self, wanted: &str) -> Result<(), EngineError> {
        let relations = || self.toc.entries.iter().filter(|entry| RELATIONS.contains(&entry.kind.as_str()));
        let mut found: Vec<&TocEntry> = relations().filter(|entry| qualified(entry) == wanted).collect();
        if found.is_empty() {
            found = relations().filter(|entry| entry.tag == wanted).collect();
        }
        match found.as_slice() {
            [] => {
                let names: Vec<String> = relations().map(qualified).collect();
                Err(not_found("table", wanted, " in the backup", names.iter().map(String::as_str)))
            }
            [one] => {
                self.ids.insert(one.id);
                Ok(())
            }
            several => Err(EngineError::Refused {
                problem: format!("`{wanted}` could be any of several tables in the backup"),
                help: help!(
                    "Name one of {}.",
                    several
                        .iter()
                        .map(|entry| format!("`{}`", qualified(entry)))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            }),
        }
    }

    /// Adds what belongs to the chosen until nothing more is found.
    fn add_parts(&mut self) {
        loop {
            let more: Vec<i32> = self
                .toc
                .entries
                .iter()
                .filter(|entry| !self.ids.contains(&entry.id) && self.belongs(entry))
                .map(|entry| entry.id)
                .collect();
            // The partition of a chosen table is not a part by its own entry, but by the one that attaches it.
            let partitions: Vec<i32> = self.partitions().filter(|id| !self.ids.contains(id)).collect();
            if more.is_empty() && partitions.is_empty() {
                return;
            }
            self.ids.extend(more);
            self.ids.extend(partitions);
        }
    }

    fn partitions(&self) -> impl Iterator<Item = i32> {
        self.toc.entries.iter().filter(|entry| entry.kind == "TABLE ATTACH").filter_map(|entry| {
            let relations = self.relations_of(entry);
            let parent_chosen =
                relations.iter().any(|relation| relation.tag != entry.tag && self.ids.contains(&relation.id));
            let child = relations
                .into_iter()
                .find(|relation| relation.tag == entry.tag && relation.namespace == entry.namespace);
            child.filter(|_| parent_chosen).map(|child| child.id)
        })
    }

    fn belongs(&self, entry: &TocEntry) -> bool {
        let kind = entry.kind.as_str();
        if TIES.contains(&kind) {
            let known: Vec<i32> =
                entry.dependencies.iter().copied().filter(|id| self.by_id.contains_key(id)).collect();
            return known.len() >= 2 && known.iter().all(|id| self.ids.contains(id));
        }
        if kind == "SEQUENCE" {
            return self.owned_by_chosen(entry);
        }
        if !PARTS.contains(&kind) {
            return false;
        }
        match kind {
            "FK CONSTRAINT" | "TRIGGER" | "RULE" | "POLICY" | "DEFAULT" | "CONSTRAINT"
            | "CHECK CONSTRAINT" => self.bearer(entry).is_some_and(|bearer| self.ids.contains(&bearer.id)),
            "TABLE DATA"
            | "SEQUENCE SET"
            | "MATERIALIZED VIEW DATA"
            | "ROW SECURITY"
            | "SEQUENCE OWNED BY" => self.relations_of(entry).iter().any(|relation| {
                relation.tag == entry.tag
                    && relation.namespace == entry.namespace
                    && self.ids.contains(&relation.id)
            }),
            _ => entry.dependencies.iter().any(|id| self.ids.contains(id)),
        }
    }

    /// The table whose name stands in front of the object's own in its tag.
    fn bearer(&self, entry: &TocEntry) -> Option<&'a TocEntry> {
        let relations =
            self.relations_of(entry).into_iter().filter(|relation| relation.namespace == entry.namespace);
        relations
            .filter(|relation| {
                entry.tag.strip_prefix(&relation.tag).is_some_and(|rest| rest.starts_with(' '))
            })
            .max_by_key(|relation| relation.tag.len())
    }

    fn relations_of(&self, entry: &TocEntry) -> Vec<&'a TocEntry> {
        let known = entry.dependencies.iter().filter_map(|id| self.by_id.get(id).copied());
        known.filter(|known| RELATIONS.contains(&known.kind.as_str())).collect()
    }

    /// A sequence that belongs to a column: of an identity column it depends on the table itself, of a serial column
    /// another entry ties the two.
    fn owned_by_chosen(&self, sequence: &TocEntry) -> bool {
        let chosen_table =
            |id: &i32| self.ids.contains(id) && self.by_id.get(id).is_some_and(|entry| entry.kind == "TABLE");
        let identity = sequence.dependencies.iter().any(chosen_table);
        let tie = self
            .toc
            .entries
            .iter()
            .find(|entry| entry.kind == "SEQUENCE OWNED BY" && entry.dependencies.contains(&sequence.id));
        identity || tie.is_some_and(|tie| tie.dependencies.iter().any(chosen_table))
    }

    /// Foreign keys to tables that are not chosen, with the table they refer to.
    pub(super) fn outward_keys(&self) -> Vec<(&'a TocEntry, &'a TocEntry)> {
        let keys = self.entries().filter(|entry| entry.kind == "FK CONSTRAINT");
        keys.filter_map(|key| {
            let bearer = self.bearer(key).map(|bearer| bearer.id);
            let referred =
                key.dependencies.iter().filter_map(|id| self.by_id.get(id).copied()).find_map(|entry| {
                    let table = if entry.kind == "CONSTRAINT" { self.bearer(entry)? } else { entry };
                    (table.kind == "TABLE" && Some(table.id) != bearer).then_some(table)
                })?;
            (!self.ids.contains(&referred.id)).then_some((key, referred))
        })
        .collect()
    }

    /// Chosen sequences whose column is not chosen belong to nobody.
    pub(super) fn remove_foreign_ownership(&mut self) {
        let foreign = |entry: &&TocEntry| {
            // The table is what the sequence depends on.
            let sequences = self.relations_of(entry).into_iter();
            let mut tables = sequences.flat_map(|sequence| self.relations_of(sequence));
            entry.kind == "SEQUENCE OWNED BY"
                && tables.any(|table| table.kind == "TABLE" && !self.ids.contains(&table.id))
        };
        let foreign: Vec<i32> = self.entries().filter(foreign).map(|entry| entry.id).collect();
        for id in foreign {
            self.remove(id);
        }
    }

    /// What puts the chosen objects into publications, with the name of each publication.
    pub(super) fn memberships(&self) -> Vec<(&'a TocEntry, String)> {
        let memberships = self.entries().filter(|entry| MEMBERSHIPS.contains(&entry.kind.as_str()));
        // ALTER PUBLICATION name ADD …
        let name = |entry: &TocEntry| words(&entry.definition).into_iter().nth(2).map(|word| word.name);
        memberships.map(|entry| (entry, name(entry).unwrap_or_default())).collect()
    }

    /// Adds what the chosen objects need to be created in an empty database: schemas, types, functions, extensions. What ties
    /// them to others that are not chosen must have been dropped before.
    pub(super) fn add_needs(&mut self) {
        let mut open: Vec<i32> = self.ids.iter().copied().collect();
        while let Some(id) = open.pop() {
            let Some(entry) = self.by_id.get(&id) else { continue };
            // A sequence can be without the table whose column it belongs to, but for that of an identity column.
            let stands_alone =
                entry.kind == "SEQUENCE" && !entry.definition.trim_start().starts_with("ALTER TABLE");
            for needed in entry.dependencies.iter().filter_map(|id| self.by_id.get(id)) {
                if !(stands_alone && needed.kind == "TABLE") && self.ids.insert(needed.id) {
                    open.push(needed.id);
                }
            }
            // The schema is no dependency of what is in it.
            let schema =
                self.toc.entries.iter().find(|other| other.kind == "SCHEMA" && other.tag == entry.namespace);
            if let Some(schema) = schema.filter(|_| !entry.namespace.is_empty())
                && self.ids.insert(schema.id)
            {
                open.push(schema.id);
            }
        }
    }

    /// For an existing database: the schemas of the chosen objects, to be made where they are missing.
    pub(super) fn add_schemas(&mut self) {
        let wanted: HashSet<&str> = self.entries().map(|entry| entry.namespace.as_str()).collect();
        let schemas = self
            .toc
            .entries
            .iter()
            .filter(|entry| entry.kind == "SCHEMA" && wanted.contains(entry.tag.as_str()));
        self.ids.extend(schemas.map(|entry| entry.id));
    }

    /// Takes out schema `name` and what is said about it.
    pub(super) fn remove_schema(&mut self, name: &str) {
        let about = format!("SCHEMA {name}");
        let gone = self.entries().filter(|entry| {
            (entry.kind == "SCHEMA" && entry.tag == name)
                || (entry.kind == IN_SCHEMA && entry.namespace == name)
                || (entry.namespace.is_empty() && entry.tag == about)
        });
        let gone: Vec<i32> = gone.map(|entry| entry.id).collect();
        for id in gone {
            self.remove(id);
        }
    }
}

/// Whether `membership` is that of a schema, of which only a superuser may decide.
pub(super) fn publishes_schema(membership: &TocEntry) -> bool {
    membership.kind == IN_SCHEMA
}

/// `schema.name`.
pub(super) fn qualified(entry: &TocEntry) -> String {
    format!("{}.{}", entry.namespace, entry.tag)
}
