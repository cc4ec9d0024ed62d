//! Plans of backups.

use super::archive::ArchiveWitness;
use super::drill_files;
use super::facts::PostgreSqlServer;
use super::globals;
use super::quote::connection_string;
use crate::engine::{DumpPart, EngineError, Filter, Producer, Scope};
use crate::model::{Needs, PartKind, help};
use crate::process::{Argument, ToolSpec};

impl PostgreSqlServer {
    pub(super) fn plan_dump(&self, scope: &Scope) -> Result<Vec<DumpPart>, EngineError> {
        let settings = &self.connection.settings;
        check_extra_args(&settings.extra_args)?;
        let databases = self.chosen(scope)?;
        if databases.is_empty() && !scope.globals {
            return Err(EngineError::Refused {
                problem: format!("no database of {} is chosen", self.connection.address()),
                help: help!("Name databases, or exclude fewer of them."),
            });
        }
        let mut parts = Vec::with_capacity(databases.len() + 1);
        if scope.globals {
            parts.push(DumpPart {
                kind: PartKind::Globals,
                database: None,
                archive: None,
                extension: "sql",
                source: Producer::Tool(self.dump_globals()),
                witness: Box::new(globals::witness()),
                estimate: 0,
                properties: serde_json::Value::Null,
            });
        }
        parts.extend(databases.into_iter().map(|database| DumpPart {
            kind: PartKind::Database,
            database: Some(database.name.clone()),
            archive: None,
            extension: "dump",
            source: Producer::Tool(self.dump_database(&database.name)),
            witness: Box::new(ArchiveWitness::with_needs(Needs {
                preloaded: self.preloaded.clone(),
                ..Needs::default()
            })),
            estimate: database.bytes,
            properties: database.properties.clone(),
        }));
        Ok(parts)
    }

    /// Whether it is a server of ours on the files of a backup. Its tablespaces are in its folder, where nobody else can have
    /// them.
    fn is_throw_away(&self) -> bool {
        self.user() == drill_files::ROLE
    }

    fn dump_globals(&self) -> ToolSpec {
        let maintenance = &self.connection.settings.maintenance_database;
        // pg_dumpall takes the database to connect to from this option alone, and as a connection string.
        let tool = self
            .connection
            .tool(&self.tool, "pg_dumpall", maintenance)
            .arg(if self.is_throw_away() { "--roles-only" } else { "--globals-only" })
            .arg(format!("--database={}", connection_string(maintenance)));
        if self.connection.settings.role_passwords { tool } else { tool.arg("--no-role-passwords") }
    }

    /// pg_dump of one database, uncompressed because jagad's own compression is faster and better.
    pub(super) fn dump_database(&self, name: &str) -> ToolSpec {
        let settings = &self.connection.settings;
        self.connection
            .tool(&self.tool, "pg_dump", name)
            .args(["-Fc", "-Z0"])
            .args(filter_args(&settings.filter))
            .args(settings.extra_args.iter().map(|arg| Argument::Text(arg.clone())))
    }
}

/// The options of a filter.
pub(super) fn filter_args(filter: &Filter) -> Vec<String> {
    let options = [
        ("--schema", &filter.schemas),
        ("--exclude-schema", &filter.exclude_schemas),
        ("--table", &filter.tables),
        ("--exclude-table", &filter.exclude_tables),
        ("--exclude-table-data", &filter.exclude_table_data),
    ];
    options
        .iter()
        .flat_map(|(option, patterns)| patterns.iter().map(move |p| format!("{option}={p}")))
        .collect()
}

/// Long options that would send the dump elsewhere, change its format, or connect to another place.
const REFUSED_LONG: [&str; 11] = [
    "file", "format", "compress", "jobs", "dbname", "host", "port", "username", "password", "help", "version",
];
const REFUSED_SHORT: &str = "fFZjdhpUWV?";

/// Options whose value may be the next argument.
const LONG_WITH_VALUE: [&str; 18] = [
    "schema",
    "exclude-schema",
    "table",
    "exclude-table",
    "exclude-table-data",
    "table-and-children",
    "exclude-table-and-children",
    "exclude-table-data-and-children",
    "extension",
    "exclude-extension",
    "encoding",
    "lock-wait-timeout",
    "rows-per-insert",
    "extra-float-digits",
    "role",
    "section",
    "snapshot",
    "filter",
];
const SHORT_WITH_VALUE: &str = "eEnNStT";

/// Refuses extra arguments of pg_dump that would break the stream. A word that belongs to no option is refused as
/// well: pg_dump would take it for the name of the database.
pub(super) fn check_extra_args(args: &[String]) -> Result<(), EngineError> {
    let refused = |arg: &str, why: &str| EngineError::Refused {
        problem: format!("the extra argument `{arg}` of pg_dump {why}"),
        help: help!("Take it out of `extra_args`; write the value of an option as `--option=value`."),
    };
    let mut value_follows = false;
    for arg in args {
        if std::mem::take(&mut value_follows) {
            continue;
        }
        if let Some(long) = arg.strip_prefix("--") {
            let (name, value) =
                long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let exact = LONG_WITH_VALUE.contains(&name);
            // getopt accepts every unambiguous beginning of a long option.
            if name.is_empty() || (!exact && REFUSED_LONG.iter().any(|option| option.starts_with(name))) {
                return Err(refused(arg, "would change where or how the dump is written"));
            }
            value_follows = exact && value.is_none();
        } else if let Some(cluster) = arg.strip_prefix('-').filter(|cluster| !cluster.is_empty()) {
            for (at, option) in cluster.char_indices() {
                if REFUSED_SHORT.contains(option) {
                    return Err(refused(arg, "would change where or how the dump is written"));
                }
                if SHORT_WITH_VALUE.contains(option) {
                    value_follows = at + option.len_utf8() == cluster.len();
                    break;
                }
            }
        } else {
            return Err(refused(arg, "would be taken for the name of a database"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extra_arguments_that_would_break_the_stream_are_refused() {
        let check =
            |args: &[&str]| check_extra_args(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>());
        for good in [
            &["--no-comments"][..],
            &["--lock-wait-timeout=5s", "-v"],
            &["--schema", "a b", "-n", "x", "-nshop"],
            &["-Ox"],
            &["--inserts", "--filter=/f"],
            &["-b", "--exclude-table-data", "-f"],
        ] {
            assert!(check(good).is_ok(), "{good:?}");
        }
        for bad in [
            &["-f", "x"][..],
            &["-fx"],
            &["--file=x"],
            &["--fil=x"],
            &["--f=x"],
            &["-Fp"],
            &["--format=plain"],
            &["-Z9"],
            &["-vZ9"],
            &["--compress=9"],
            &["-j4"],
            &["--jobs", "4"],
            &["otherdb"],
            &["--no-owner", "otherdb"],
            &["-dother"],
            &["--dbname=o"],
            &["-h", "x"],
            &["-O", "-Uroot"],
            &["--"],
            &["-"],
        ] {
            assert!(check(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn filters_become_options_of_one_word_each() {
        let filter = Filter {
            schemas: vec!["a b".into(), "c*".into()],
            exclude_tables: vec!["t".into()],
            ..Filter::default()
        };
        assert_eq!(filter_args(&filter), ["--schema=a b", "--schema=c*", "--exclude-table=t"]);
    }
}
