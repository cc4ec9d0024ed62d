//! Plans of restores of some tables or schemas.

use super::archive::{Outline, TableOfContents, TocEntry};
use super::planner::{Filling, LoadPlanner};
use super::psql::{Patience, Question};
use super::quote::text_array;
use super::roles::use_list;
use super::selection::{Chosen, RELATIONS, publishes_schema, qualified};
use crate::engine::{EngineError, LoadPlan, TargetEffect};
use crate::model::help;
use serde::Deserialize;

/// Objects that the target database already has.
#[derive(Debug, Deserialize)]
struct Present {
    schemas: Vec<String>,
    /// `schema.name` of relations and types.
    objects: Vec<String>,
    /// `schema.name(arguments)`.
    routines: Vec<String>,
    /// Publications to which the connected role may add single tables.
    publications: Vec<String>,
}

const ROUTINES: [&str; 3] = ["FUNCTION", "PROCEDURE", "AGGREGATE"];
const TYPES: [&str; 2] = ["TYPE", "DOMAIN"];

impl LoadPlanner<'_> {
    pub(super) async fn load_selection(&self, toc: &TableOfContents) -> Result<LoadPlan, EngineError> {
        let (server, target, facts) = (self.server, self.target, self.facts);
        let mut chosen = Chosen::new(toc, &target.selection)?;
        let mut notes = Vec::new();
        let existing = facts.database.is_some();
        if existing {
            chosen.add_schemas();
            self.fit_into_existing(&mut chosen, &mut notes).await?;
            drop_inheritance(&mut chosen, &mut notes);
        } else {
            server.check_beside(target, facts)?;
            let read = chosen.add_rows_of_views();
            notes.extend(
                read.iter()
                    .map(|read| format!("`{}` is restored too: a chosen view reads it", qualified(read))),
            );
            drop_keys(&mut chosen, &mut notes, |_| true);
            // A new database for a few objects has no publications.
            drop_memberships(&mut chosen, &mut notes, |_, _| true);
            drop_inheritance(&mut chosen, &mut notes);
            chosen.remove_foreign_ownership();
            chosen.add_needs();
        }
        let lacks = server.lacks(target, &Outline::of(&toc.facts, chosen.entries()), facts);
        let list = use_list(chosen.entries());
        let mut plan = if existing {
            let feed = self.consumer(self.feed_existing(&toc.facts, &list)?);
            LoadPlan { filling: target.database.clone(), ..LoadPlan::new(TargetEffect::AddsTo, feed) }
        } else {
            let contents = Filling { archive: Some(&toc.facts), list: Some(list) };
            self.load_beside(contents).await?
        };
        let filled = chosen.filled();
        plan.tables = Some(filled.map(|entry| (entry.namespace.clone(), entry.tag.clone())).collect());
        plan.notes.extend(notes);
        plan.findings.extend(lacks.findings);
        server.make_roles(&mut plan, target, lacks.roles)?;
        Ok(plan)
    }

    /// Leaves out schemas that exist, and refuses a restore of other objects that exist.
    async fn fit_into_existing(
        &self,
        chosen: &mut Chosen<'_>,
        notes: &mut Vec<String>,
    ) -> Result<(), EngineError> {
        let target = self.target;
        let present = self.present(chosen).await?;
        for schema in &present.schemas {
            chosen.remove_schema(schema);
        }
        let in_the_way: Vec<String> = chosen
            .entries()
            .filter(|entry| match entry.kind.as_str() {
                kind if RELATIONS.contains(&kind) || TYPES.contains(&kind) => {
                    present.objects.contains(&qualified(entry))
                }
                kind if ROUTINES.contains(&kind) => present.routines.contains(&qualified(entry)),
                _ => false,
            })
            .map(|entry| format!("`{}`", qualified(entry)))
            .collect();
        if let (Some(first), true) = (in_the_way.first(), target.stop_at_first_error) {
            let more = match in_the_way.len() - 1 {
                0 => String::new(),
                more => format!(" and {more} more objects"),
            };
            return Err(EngineError::Refused {
                problem: format!("{first}{more} already exists in `{}`", target.database),
                help: help!("Rename or drop it first, or restore into another database with `--into`."),
            });
        }
        let read = chosen.read_by_views();
        if let Some(first) = read.iter().find(|read| !present.objects.contains(&qualified(read))) {
            return Err(EngineError::Refused {
                problem: format!(
                    "a chosen view reads `{}`, which is not in `{}`",
                    qualified(first),
                    target.database
                ),
                help: help!("Choose it too with `--table {}`.", qualified(first)),
            });
        }
        notes.extend(
            read.iter().map(|read| {
                format!("a chosen view reads `{}`: it shows what is in there now", qualified(read))
            }),
        );
        drop_memberships(chosen, notes, |entry, publication| {
            let known = present.publications.iter().any(|name| name == publication);
            !known || (publishes_schema(entry) && !self.server.superuser)
        });
        drop_keys(chosen, notes, |referred| !present.objects.contains(&qualified(referred)));
        Ok(())
    }

    async fn present(&self, chosen: &Chosen<'_>) -> Result<Present, EngineError> {
        let database = &self.target.database;
        let referred = chosen.outward_keys().into_iter().map(|(_, referred)| referred);
        let entries: Vec<&TocEntry> =
            chosen.entries().chain(referred).chain(chosen.read_by_views()).collect();
        let of = |kinds: &[&str]| -> Vec<&TocEntry> {
            entries.iter().copied().filter(|entry| kinds.contains(&entry.kind.as_str())).collect()
        };
        let schemas = of(&["SCHEMA"]);
        let objects: Vec<String> = of(&RELATIONS).into_iter().chain(of(&TYPES)).map(qualified).collect();
        let routines = of(&ROUTINES);
        let sql = format!(
            "SELECT json_build_object(
  'schemas', (SELECT coalesce(json_agg(nspname), '[]') FROM pg_namespace WHERE nspname = ANY ({})),
  'objects', (SELECT coalesce(json_agg(o.name), '[]') FROM (
      SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      UNION SELECT n.nspname || '.' || t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    ) o (name) WHERE o.name = ANY ({})),
  'routines', (SELECT coalesce(json_agg(o.name), '[]') FROM (
      SELECT n.nspname || '.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')'
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace) o (name) WHERE o.name = ANY ({})),
  'publications', (SELECT coalesce(json_agg(pubname), '[]') FROM pg_publication
    WHERE NOT puballtables AND pg_has_role(pubowner, 'USAGE')));",
            text_array(schemas.iter().map(|entry| &entry.tag)),
            text_array(&objects),
            text_array(routines.into_iter().map(qualified)),
        );
        let doing = format!("look for the objects in `{database}`");
        let question = Question { doing: &doing, database, sql: &sql, patience: Patience::Small };
        self.server.ask(self.runner, question).await
    }
}

/// Takes out the entries that would add objects to publications that `refused` names.
fn drop_memberships(
    chosen: &mut Chosen<'_>,
    notes: &mut Vec<String>,
    refused: impl Fn(&TocEntry, &str) -> bool,
) {
    for (entry, publication) in chosen.memberships() {
        if !refused(entry, &publication) {
            continue;
        }
        chosen.remove(entry.id);
        let member = entry.tag.strip_prefix(&format!("{publication} ")).unwrap_or(&entry.tag);
        notes.push(format!(
            "`{member}` stays out of the publication `{publication}`, which does not exist or which this role may not change"
        ));
    }
}

/// Notes that a partition without its table becomes a table of its own, and takes out its inherited triggers.
fn drop_inheritance(chosen: &mut Chosen<'_>, notes: &mut Vec<String>) {
    for (child, parent) in chosen.orphans() {
        chosen.remove_inherited_triggers(child);
        notes.push(format!(
            "`{}` is restored as a table of its own, without the triggers and foreign keys that it has from `{}`",
            qualified(child),
            qualified(parent)
        ));
    }
}

/// Takes out foreign keys to tables that do not exist.
fn drop_keys(chosen: &mut Chosen<'_>, notes: &mut Vec<String>, missing: impl Fn(&TocEntry) -> bool) {
    for (key, referred) in chosen.outward_keys().into_iter().filter(|(_, referred)| missing(referred)) {
        chosen.remove(key.id);
        notes.push(format!(
            "the foreign key `{}` is left out: `{}` does not exist",
            key.tag,
            qualified(referred)
        ));
    }
}
