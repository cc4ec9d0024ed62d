//! How a database was created, beside what is in it.

use super::client::{Client, Question};
use super::quote::{identifier, literal};
use crate::process::Runner;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a database was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DatabaseProperties {
    /// Default character set.
    pub(super) charset: CollationName,
    /// Default collation.
    pub(super) collation: CollationName,
    #[serde(flatten)]
    pub(super) options: DatabaseOptions,
}

/// What only one of the families knows of a database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct DatabaseOptions {
    /// What is said about it (MariaDB).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) comment: String,
    /// Whether nothing in it may change (MySQL).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) read_only: bool,
    /// Whether new tables are encrypted (MySQL).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) encrypted: bool,
    /// Whether its server took tables that others refuse (`innodb_strict_mode = OFF`): rows that may become too wide.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) lenient: bool,
}

/// The name of a character set or a collation: letters, digits and underscores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct CollationName(String);

impl TryFrom<String> for CollationName {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if (1..=64).contains(&text.len()) && text.bytes().all(safe) {
            Ok(Self(text))
        } else {
            Err(format!("`{text}` is not the name of a character set or a collation"))
        }
    }
}

impl From<CollationName> for String {
    fn from(name: CollationName) -> Self {
        name.0
    }
}

impl DatabaseProperties {
    /// What follows the name in `CREATE DATABASE`.
    pub(super) fn clauses(&self) -> String {
        let mut text = format!(
            " CHARACTER SET {} COLLATE {}",
            identifier(&self.charset.0),
            identifier(&self.collation.0)
        );
        if !self.options.comment.is_empty() {
            text.push_str(&format!(" COMMENT {}", literal(&self.options.comment)));
        }
        text
    }
}

/// The options of every database, by name. A server that is too old to have them has none.
pub(super) async fn ask_options(runner: &dyn Runner, client: &Client) -> BTreeMap<String, DatabaseOptions> {
    let sql = client.connection.flavor.database_options;
    let doing = "ask for the options of the databases";
    let rows = client.ask(runner, &Question::short(doing, sql)).await.unwrap_or_default();
    let rows = rows.into_iter().filter_map(|row| <[String; 5]>::try_from(row).ok());
    let options = |[name, comment, read_only, encrypted, lenient]: [String; 5]| {
        let [read_only, encrypted, lenient] = [read_only, encrypted, lenient].map(|value| value == "1");
        (name, DatabaseOptions { comment, read_only, encrypted, lenient })
    };
    rows.map(options).collect()
}
