//! Merges several files and `--set` into one tree of values that records where each value was written.

use super::ConfigError;
use super::error::nearest;
use crate::model::Help;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// A configuration file never grows beyond this.
const FILE_LIMIT: u64 = 16 << 20;
/// Tables of named entries: one entry lives in one file.
const NAMED: [&str; 3] = ["keys", "stores", "databases"];

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    File(PathBuf, usize),
    Set(String),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Set(key) => write!(f, "--set {key}"),
        }
    }
}

/// The merged configuration.
#[derive(Default)]
pub(super) struct Document {
    root: Table,
    origins: BTreeMap<Vec<String>, Origin>,
    /// The files it was read from, in order.
    pub(super) files: Vec<PathBuf>,
}

impl std::fmt::Debug for Document {
    /// The files only: the values may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.files).finish()
    }
}

impl Document {
    /// Reads `file`, then the files of its folder `settings.config_dir`, then applies `set`.
    pub(super) fn load(file: &Path, set: &[String]) -> Result<Self, ConfigError> {
        let mut document = Self::default();
        document.add_file(file)?;
        for path in document.folder(file)? {
            document.add_file(&path)?;
        }
        for assignment in set {
            document.set(assignment)?;
        }
        Ok(document)
    }

    /// The `*.toml` files beside the main one, by name.
    fn folder(&self, file: &Path) -> Result<Vec<PathBuf>, ConfigError> {
        let configured = self.root.get("settings").and_then(|settings| settings.get("config_dir"));
        let name = configured.and_then(Value::as_str).unwrap_or("conf.d");
        if name.is_empty() {
            return Ok(Vec::new());
        }
        let folder = file.parent().unwrap_or(Path::new("")).join(name);
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && name == "conf.d" => {
                return Ok(Vec::new());
            }
            Err(source) => return Err(ConfigError::Read { path: folder, source }),
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(|source| ConfigError::Read { path: folder.clone(), source })?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    fn add_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let read = |source| ConfigError::Read { path: path.to_owned(), source };
        let bytes = std::fs::metadata(path).map_err(read)?.len();
        if bytes > FILE_LIMIT {
            return Err(wrong(path.display(), format!("it is larger than {FILE_LIMIT} bytes"), None));
        }
        let text = std::fs::read_to_string(path).map_err(read)?;
        let malformed = |span: Option<std::ops::Range<usize>>, message: &str| {
            let origin = Origin::File(path.to_owned(), line_of(&text, span.map_or(0, |span| span.start)));
            wrong(origin, format!("not valid TOML: {}", message.lines().next().unwrap_or_default()), None)
        };
        let table: Table = toml::from_str(&text).map_err(|error| malformed(error.span(), error.message()))?;
        let spans = toml_edit::Document::parse(text.as_str())
            .map_err(|error| malformed(error.span(), error.message()))?;
        let mut origins = BTreeMap::new();
        let at = |position: usize| Origin::File(path.to_owned(), line_of(&text, position));
        collect_origins(spans.as_table(), &mut Vec::new(), &at, &mut origins);
        self.merge(table, &mut Vec::new(), &origins)?;
        self.origins.extend(origins);
        self.files.push(path.to_owned());
        Ok(())
    }

    /// Tables are merged; any other value, and each named entry, may be given only once.
    fn merge(
        &mut self,
        from: Table,
        path: &mut Vec<String>,
        origins: &BTreeMap<Vec<String>, Origin>,
    ) -> Result<(), ConfigError> {
        for (key, value) in from {
            path.push(key.clone());
            let entry = path.len() == 2 && NAMED.contains(&path[0].as_str());
            let there = lookup(&self.root, path);
            match (there, value) {
                (None, value) => insert(&mut self.root, path, value),
                (Some(Value::Table(_)), Value::Table(inner)) if !entry => self.merge(inner, path, origins)?,
                (Some(_), _) => {
                    let first = self.origin(path);
                    let second = origins.get(path).map(ToString::to_string).unwrap_or_default();
                    return Err(wrong(
                        second,
                        format!("`{}` is declared already, at {first}", path.join(".")),
                        None,
                    ));
                }
            }
            path.pop();
        }
        Ok(())
    }

    /// `a.b.c=VALUE`: VALUE is TOML, or else plain text.
    fn set(&mut self, assignment: &str) -> Result<(), ConfigError> {
        let refused = |problem: &str| wrong(format!("--set {assignment}"), problem.to_owned(), None);
        let (key, text) = assignment.split_once('=').ok_or_else(|| refused("write KEY=VALUE"))?;
        let path: Vec<String> = key.trim().split('.').map(ToOwned::to_owned).collect();
        if path.iter().any(String::is_empty) {
            return Err(refused("the key has an empty part"));
        }
        let parsed: Result<Table, _> = toml::from_str(&format!("value = {text}"));
        let value =
            parsed.ok().and_then(|mut table| if table.len() == 1 { table.remove("value") } else { None });
        for length in 1..path.len() {
            if lookup(&self.root, &path[..length]).is_some_and(|value| !value.is_table()) {
                return Err(refused(&format!("`{}` is not a table", path[..length].join("."))));
            }
        }
        insert(&mut self.root, &path, value.unwrap_or_else(|| Value::String(text.to_owned())));
        self.origins.retain(|other, _| !other.starts_with(&path));
        self.origins.insert(path, Origin::Set(key.to_owned()));
        Ok(())
    }

    /// Where the value at `path`, or the nearest table around it, was written.
    pub(super) fn origin(&self, path: &[String]) -> String {
        (0..=path.len())
            .rev()
            .find_map(|length| self.origins.get(&path[..length]))
            .map(ToString::to_string)
            .or_else(|| self.files.first().map(|file| file.display().to_string()))
            .unwrap_or_default()
    }

    /// The file that holds the value at `path`, if a file does.
    pub(super) fn file_of(&self, path: &[&str]) -> Option<&Path> {
        let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        match self.origins.get(&path)? {
            Origin::File(file, _) => Some(file),
            Origin::Set(_) => None,
        }
    }

    /// The merged values.
    pub(super) fn root(&self) -> &Table {
        &self.root
    }

    /// The values as `T`; an error names file, line, key and the likely correct key.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        serde_path_to_error::deserialize(Value::Table(self.root.clone())).map_err(|error| {
            let mut path: Vec<String> = error.path().iter().map(ToString::to_string).collect();
            let message = error.into_inner().message().trim().to_owned();
            if let Some((key, known)) = unknown_field(&message) {
                if path.last().is_some_and(|last| last == key || last == "?") {
                    path.pop();
                }
                let table = if path.is_empty() {
                    "the top level".to_owned()
                } else {
                    format!("[{}]", path.join("."))
                };
                path.push(key.to_owned());
                let problem = format!("unknown key `{key}` in {table}");
                return wrong(self.origin(&path), problem, nearest(key, known));
            }
            let key = path.join(".");
            let problem = if key.is_empty() || key == "." { message } else { format!("`{key}`: {message}") };
            wrong(self.origin(&path), problem, None)
        })
    }
}

/// An error at `origin`.
pub(super) fn wrong(origin: impl std::fmt::Display, problem: String, help: Option<String>) -> ConfigError {
    let help = help.and_then(|help| Help::new(&help));
    ConfigError::Wrong { origin: origin.to_string(), problem, help }
}

/// The unknown name and the known names in serde's error for an unknown field.
fn unknown_field(message: &str) -> Option<(&str, Vec<&str>)> {
    let rest = message.strip_prefix("unknown field `")?;
    let (key, rest) = rest.split_once('`')?;
    Some((key, rest.split('`').skip(1).step_by(2).collect()))
}

fn line_of(text: &str, position: usize) -> usize {
    memchr::memchr_iter(b'\n', &text.as_bytes()[..position.min(text.len())]).count() + 1
}

fn lookup<'t>(table: &'t Table, path: &[String]) -> Option<&'t Value> {
    let (last, parents) = path.split_last()?;
    parents.iter().try_fold(table, |table, key| table.get(key)?.as_table())?.get(last)
}

/// Puts `value` at `path` and creates missing tables; callers have checked that only tables are on the way.
fn insert(table: &mut Table, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        table.insert(first.clone(), value);
        return;
    }
    let inner = table.entry(first.clone()).or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(inner) = inner {
        insert(inner, rest, value);
    }
}

fn collect_origins(
    table: &dyn toml_edit::TableLike,
    path: &mut Vec<String>,
    at: &dyn Fn(usize) -> Origin,
    origins: &mut BTreeMap<Vec<String>, Origin>,
) {
    for (name, item) in table.iter() {
        path.push(name.to_owned());
        let key = table.key(name).and_then(toml_edit::Key::span);
        if let Some(span) = key.or_else(|| item.span()) {
            origins.insert(path.clone(), at(span.start));
        }
        if let Some(inner) = item.as_table_like() {
            collect_origins(inner, path, at, origins);
        }
        path.pop();
    }
}
