//! Plans of restores of users and grants: missing accounts are created and get their rights, existing ones stay as they
//! are.

use super::facts::MySqlServer;
use super::head::account_of;
use super::query::script;
use super::scanner::{Current, Piece, Scanner, Sink};
use super::users::is_own;
use crate::engine::{Consumer, EngineError, LoadPlan, Step, TargetEffect};
use crate::model::ByteReader;
use crate::process::ToolSpec;
use std::collections::BTreeSet;
use tokio::io::AsyncReadExt as _;

/// The largest list of users that is read: some 50,000.
const LIMIT_BYTES: u64 = 16 * 1024 * 1024;

/// The statements of a script, each whole.
#[derive(Debug, Default)]
struct Statements {
    current: Vec<u8>,
    all: Vec<String>,
}

impl Sink for Statements {
    fn piece(&mut self, piece: Piece<'_>, _current: &Current) {
        match piece {
            Piece::Statement(bytes) => self.current.extend_from_slice(bytes),
            Piece::End(_) => {
                let statement = std::mem::take(&mut self.current);
                self.all.push(String::from_utf8_lossy(&statement).into_owned());
            }
            _ => {}
        }
    }
}

/// What a server lacks of some users.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct MissingUsers {
    /// Accounts, and rights on databases: they need nothing else to be there.
    pub(super) accounts: Vec<String>,
    /// Rights on single tables, columns and routines, which must be there first.
    pub(super) objects: Vec<String>,
    /// The accounts that are created.
    pub(super) created: Vec<String>,
    /// The accounts that are there already.
    pub(super) left_alone: Vec<String>,
}

/// The statements of `sql` about accounts that are not among `existing`.
pub(super) fn missing_users(
    sql: &str,
    existing: &BTreeSet<String>,
    own: impl Fn(&str) -> bool,
) -> MissingUsers {
    let mut statements = Statements::default();
    let mut scanner = Scanner::new();
    scanner.feed(sql.as_bytes(), &mut statements);
    scanner.finish(&mut statements);
    let (mut accounts, mut defaults, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    let mut missing = MissingUsers::default();
    for statement in statements.all {
        let Some(subject) = account_of(&statement) else { continue };
        if own(&subject.account) {
            continue;
        }
        if existing.contains(&subject.account) {
            if subject.creates {
                missing.left_alone.push(subject.account);
            }
            continue;
        }
        let statement = format!("{statement};");
        match (subject.creates, subject.on_object) {
            (true, _) => {
                missing.created.push(subject.account);
                // Its default role must be there.
                let list = if statement.contains(" DEFAULT ROLE ") { &mut defaults } else { &mut accounts };
                list.push(statement);
            }
            (false, true) => missing.objects.push(statement),
            (false, false) => rest.push(statement),
        }
    }
    missing.accounts = accounts.into_iter().chain(defaults).chain(rest).collect();
    missing
}

impl MySqlServer {
    /// The list is read here to its end, and what the target lacks of it is run after the stream has proven itself once
    /// more. Rights on tables and routines wait until those have come.
    pub(super) async fn load_users(&self, users: ByteReader<'static>) -> Result<LoadPlan, EngineError> {
        let mut text = Vec::new();
        let doing = "read the users of the backup".to_owned();
        let read = users.take(LIMIT_BYTES + 1).read_to_end(&mut text).await;
        read.map_err(|source| EngineError::Read { doing, source })?;
        if text.len() as u64 > LIMIT_BYTES {
            return Err(EngineError::Archive {
                problem: "the list of users is larger than 16 MiB".to_owned(),
            });
        }
        let text = String::from_utf8(text)
            .map_err(|_| EngineError::Archive { problem: "the list of users is no UTF-8 text".to_owned() })?;
        let accounts = self.accounts.as_ref().ok_or_else(|| EngineError::Privilege {
            problem: "whether users are there already may not be seen".to_owned(),
            help: "Let a user with SELECT on mysql.* restore them, or leave out --globals.".to_owned(),
        })?;
        let existing = accounts.iter().map(super::users::Account::key).collect();
        let missing = missing_users(&text, &existing, |key| is_own(self.flavor(), key));
        let run = |statements: &[String]| script(&self.connection, &self.tools, &statements.join("\n"));
        let step = |statements: &[String]| (!statements.is_empty()).then(|| Step::from(run(statements)));
        Ok(LoadPlan {
            after: step(&missing.accounts).into_iter().collect(),
            last: missing.objects.iter().map(|grant| Step::from(run(std::slice::from_ref(grant)))).collect(),
            new_roles: missing.created,
            notes: missing
                .left_alone
                .iter()
                .map(|account| format!("user `{account}` is there already and stays as it is"))
                .collect(),
            // Only the proof of the stream is wanted: everything that runs is in `after` and `last`.
            ..LoadPlan::new(TargetEffect::AddsGlobals, Consumer::Tool(ToolSpec::new("cat")))
        })
    }
}
