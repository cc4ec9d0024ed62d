//! Plans of restores of users and grants: missing accounts are created and get their rights, existing ones stay as they
//! are.

use super::accounts::{Account, EVERYBODY, PARTIAL_REVOKES, UNFINISHED, is_own};
use super::client::Question;
use super::facts::MySqlServer;
use super::head::{Tokens, account_of};
use super::quote::{account, identifier, literal, literals};
use super::scanner::{Current, Piece, Scanner, Sink};
use super::user_lines::ACCOUNTS;
use crate::engine::{Consumer, EngineError, Finding, Lifetime, LoadPlan, RestoreTarget, Step, TargetEffect};
use crate::model::{ByteReader, help};
use crate::process::{Runner, ToolSpec};
use std::collections::BTreeSet;
use std::fmt::Write as _;
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
    /// Accounts that nobody can use yet, and rights on databases: they need nothing else to be there.
    pub(super) accounts: Vec<String>,
    /// Lets those be used that may be.
    pub(super) unlocks: Vec<String>,
    /// Rights on single tables, columns and routines, which must be there first.
    pub(super) objects: Vec<String>,
    /// The accounts that are created.
    pub(super) created: Vec<NewAccount>,
    /// The accounts that are there already.
    pub(super) left_alone: Vec<String>,
    /// Whether rights are taken away again inside a database.
    pub(super) revokes: bool,
    /// Whether everybody gets rights.
    pub(super) everybody: bool,
}

/// An account that is created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NewAccount {
    /// As it is compared: `user@host`, or the role.
    pub(super) key: String,
    /// As a statement names it.
    sql: String,
    role: bool,
}

/// The statements of `sql` about accounts that are not among `existing`; why they cannot be told, where they cannot.
pub(super) fn missing_users(
    sql: &str,
    existing: &BTreeSet<String>,
    own: impl Fn(&str) -> bool,
) -> Result<MissingUsers, String> {
    let mut statements = Statements::default();
    let mut scanner = Scanner::new();
    scanner.feed(sql.as_bytes(), &mut statements);
    if !scanner.finish(&mut statements) {
        return Err("the list of users ends inside a statement".to_owned());
    }
    let (mut accounts, mut defaults, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    let mut missing = MissingUsers::default();
    let mut seen = 0_u64;
    for statement in statements.all {
        let Some(subject) = account_of(&statement) else { continue };
        seen += u64::from(subject.creates);
        if own(&subject.account) {
            continue;
        }
        if existing.contains(&subject.account) {
            let told = missing.left_alone.contains(&subject.account);
            if subject.creates || (subject.account == EVERYBODY && !told) {
                missing.left_alone.push(subject.account);
            }
            continue;
        }
        missing.everybody |= subject.account == EVERYBODY;
        missing.revokes |= statement.starts_with("REVOKE ");
        if subject.creates {
            let account = NewAccount::of(subject.account, &statement);
            let (created, unlock) = locked(&statement, &account);
            missing.unlocks.extend(unlock);
            missing.created.push(account);
            // Its default role must be there.
            let list = if created.contains(" DEFAULT ROLE ") { &mut defaults } else { &mut accounts };
            list.push(format!("{created};"));
        } else if subject.on_object {
            missing.objects.push(format!("{statement};"));
        } else {
            rest.push(format!("{statement};"));
        }
    }
    let told = sql.lines().rev().find_map(|line| line.strip_prefix(ACCOUNTS));
    if told.is_some_and(|told| told.trim() != seen.to_string()) {
        return Err(format!("the list of users has {seen} accounts, and says {}", told.unwrap_or_default()));
    }
    missing.accounts = accounts.into_iter().chain(defaults).chain(rest).collect();
    Ok(missing)
}

impl NewAccount {
    fn of(key: String, statement: &str) -> Self {
        let role = statement.starts_with("CREATE ROLE ");
        let sql = match key.rsplit_once('@').filter(|_| !role) {
            Some((user, host)) => account(user, host),
            None => identifier(&key),
        };
        Self { key, sql, role }
    }
}

/// The statement that creates an account so that nobody can use it, and what changes that. Whoever is cut short leaves
/// accounts that tell by it that they are incomplete.
fn locked(statement: &str, account: &NewAccount) -> (String, Option<String>) {
    if account.role {
        return (statement.to_owned(), None);
    }
    let tokens: Vec<_> = Tokens::of(statement.as_bytes()).collect();
    let state = tokens
        .windows(2)
        .find(|words| words[0].is("account") && (words[1].is("lock") || words[1].is("unlock")));
    let unlock = format!("ALTER USER {} ACCOUNT UNLOCK;", account.sql);
    match state {
        Some(words) if words[1].is("lock") => (statement.to_owned(), None),
        Some(words) => {
            let mut created = statement.to_owned();
            created.replace_range(words[1].place.clone(), "LOCK");
            (created, Some(unlock))
        }
        None => (format!("{statement} ACCOUNT LOCK"), Some(unlock)),
    }
}

impl MySqlServer {
    /// The list is read here to its end, and what the target lacks of it is run after the stream has proven itself once
    /// more. Rights on tables and routines wait until those have come.
    pub(super) async fn load_users(
        &self,
        runner: &dyn Runner,
        target: &RestoreTarget,
        users: ByteReader<'static>,
    ) -> Result<LoadPlan, EngineError> {
        let text = read_list(users).await?;
        let accounts = self.accounts.as_ref().ok_or_else(|| EngineError::Privilege {
            problem: "whether users are there already may not be seen".to_owned(),
            help: help!("Let a user with SELECT on mysql.* restore them, or leave out --globals."),
        })?;
        let incomplete = self.incomplete(runner).await?;
        let everybody_has_some = self.everybody_has_rights(runner, accounts).await?;
        let is_there = |account: &&Account| {
            !incomplete.as_ref().is_some_and(|locked| account.role || locked.contains(&account.key()))
                && (everybody_has_some || !account.is_everybody())
        };
        let existing: BTreeSet<String> = accounts.iter().filter(is_there).map(Account::key).collect();
        let missing = missing_users(&text, &existing, |key| is_own(self.flavor(), key))
            .map_err(|problem| EngineError::Archive { problem })?;
        let there: BTreeSet<String> = accounts.iter().map(Account::key).collect();
        let run = |sql: &str| Step::from(self.client.script(sql));
        let mut plan = LoadPlan {
            last: missing.objects.iter().map(|grant| run(grant)).collect(),
            notes: notes(&missing),
            findings: self.revokes_findings(target, &text, &missing),
            new_roles: missing.created.iter().map(|account| account.key.clone()).collect(),
            // Only the proof of the stream is wanted: everything that runs is in `after` and `last`.
            ..LoadPlan::new(TargetEffect::AddsGlobals, Consumer::Tool(ToolSpec::new("cat")))
        };
        if target.lifetime == Lifetime::ThrownAway && missing.revokes {
            plan.before.push(run("SET GLOBAL partial_revokes = ON;"));
        }
        if !missing.created.is_empty() || missing.everybody || incomplete.is_some() {
            plan.after.push(run(&create_sql(&missing, &there)));
            plan.undo.push(run(&undo_sql(&missing)));
        }
        Ok(plan)
    }

    /// Whether somebody has given rights to everybody.
    async fn everybody_has_rights(
        &self,
        runner: &dyn Runner,
        accounts: &[Account],
    ) -> Result<bool, EngineError> {
        if !accounts.iter().any(Account::is_everybody) {
            return Ok(false);
        }
        let doing = "ask for the rights that everybody has";
        let sql = format!("SHOW GRANTS FOR {EVERYBODY};");
        Ok(!self.ask(runner, &Question::short(doing, &sql)).await?.is_empty())
    }

    /// Accounts that nobody can use, where an earlier restore was cut short; it may have made them.
    async fn incomplete(&self, runner: &dyn Runner) -> Result<Option<BTreeSet<String>>, EngineError> {
        let doing = "look for a restore of users that was cut short";
        let sql = format!("SELECT COUNT(*) FROM mysql.user WHERE User = {};", literal(UNFINISHED));
        if self.client.ask_row(runner, &Question::short(doing, &sql), 1).await?[0] == "0" {
            return Ok(None);
        }
        let rows = self.ask(runner, &Question::short(doing, self.flavor().locked_accounts)).await?;
        Ok(Some(rows.into_iter().map(|row| row.join("@")).collect()))
    }

    /// Where rights can be taken away again inside a database, and names of databases mean themselves, and where not.
    fn revokes_findings(&self, target: &RestoreTarget, text: &str, missing: &MissingUsers) -> Vec<Finding> {
        let source = text.lines().any(|line| line == PARTIAL_REVOKES);
        let own = self.is_on("partial_revokes");
        if source == own || target.lifetime == Lifetime::ThrownAway {
            return Vec::new();
        }
        let subject = "rights of users".to_owned();
        let set = format!("SET PERSIST partial_revokes = {};", if source { "ON" } else { "OFF" });
        if missing.revokes {
            let problem = "some are taken away again inside a database, which this server does not know \
                           (`partial_revokes` is off)";
            return vec![Finding::error(subject, problem.to_owned(), set)];
        }
        let wild = missing.accounts.iter().any(|statement| has_pattern(statement));
        let problem = format!(
            "`partial_revokes` was {}, so `_` and `%` in names of databases stand for {} here",
            if source { "on" } else { "off" },
            if source { "others" } else { "themselves" }
        );
        let finding = Finding::warning(subject, problem, set);
        if wild { vec![finding] } else { Vec::new() }
    }
}

/// Creates the accounts, gives them their rights, and lets them be used, in this order.
fn create_sql(missing: &MissingUsers, there: &BTreeSet<String>) -> String {
    let mark = identifier(UNFINISHED);
    let new: Vec<&str> = missing
        .created
        .iter()
        .map(|account| account.key.as_str())
        .filter(|key| !there.contains(*key))
        .collect();
    // One that came since the plan was made is somebody else's, and is not to be touched.
    let appeared = format!(
            "SET @jagad_appeared = (SELECT COUNT(*) FROM mysql.user WHERE CONCAT(User, '@', Host) IN ({list})
  OR (Host = '' AND User IN ({list})));
SET @jagad_check = IF(@jagad_appeared = 0, 'DO 0', 'SELECT 1 FROM mysql.`an account of the backup was created by another session`');
PREPARE jagad_check FROM @jagad_check;
EXECUTE jagad_check;",
            list = literals(new.iter().copied())
        );
    let lines = [appeared, format!("CREATE ROLE IF NOT EXISTS {mark};")];
    let lines = lines.iter().chain(&missing.accounts).chain(&missing.unlocks).map(String::as_str);
    let mut sql = lines.collect::<Vec<_>>().join("\n");
    let _ = write!(sql, "\nDROP ROLE {mark};");
    sql
}

/// Removes what this restore has created, and nothing where it had not begun.
fn undo_sql(missing: &MissingUsers) -> String {
    let mut sql = format!(
        "SET @jagad_begun = (SELECT COUNT(*) FROM mysql.user WHERE User = {});\n",
        literal(UNFINISHED)
    );
    let of = |wanted: bool| {
        let accounts = missing.created.iter().filter(move |account| account.role == wanted);
        accounts.map(|account| account.sql.as_str()).collect::<Vec<_>>().join(", ")
    };
    let removed = [("DROP USER IF EXISTS ", of(false)), ("DROP ROLE IF EXISTS ", of(true))];
    let mut undone: Vec<String> = removed
        .iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(verb, names)| format!("{verb}{names}"))
        .collect();
    if missing.everybody {
        undone.push(format!("REVOKE ALL PRIVILEGES, GRANT OPTION FROM {EVERYBODY}"));
    }
    for undo in undone {
        let undo = literal(&undo);
        let _ = write!(
            sql,
            "SET @jagad_undo = IF(@jagad_begun > 0, {undo}, 'DO 0');
PREPARE jagad_undo FROM @jagad_undo;
EXECUTE jagad_undo;\n"
        );
    }
    let _ = write!(sql, "DROP ROLE IF EXISTS {};", identifier(UNFINISHED));
    sql
}

/// Whether a grant names a database with a character that may stand for others.
fn has_pattern(statement: &str) -> bool {
    let tokens: Vec<_> = Tokens::of(statement.as_bytes()).collect();
    let on = tokens.iter().position(|token| token.is("on"));
    let Some(name) = on.and_then(|at| tokens.get(at + 1)).filter(|token| token.quoted) else { return false };
    name.name().replace("\\_", "").replace("\\%", "").contains(['_', '%'])
}

fn notes(missing: &MissingUsers) -> Vec<String> {
    let stays = |account: &String| {
        if account == EVERYBODY {
            return format!("everybody has rights here already ({EVERYBODY}), and they stay as they are");
        }
        format!("user `{account}` already exists and is left unchanged")
    };
    let mut notes: Vec<String> = missing.left_alone.iter().map(stays).collect();
    if missing.everybody {
        notes.push(format!(
            "every user of the server gets the rights that everybody has in the backup ({EVERYBODY})"
        ));
    }
    notes.push(format!(
        "{} users and roles of the backup are created, with {} statements about their rights; {} are there already",
        missing.created.len(),
        missing.accounts.len() - missing.created.len() + missing.objects.len(),
        missing.left_alone.len()
    ));
    notes
}

async fn read_list(users: ByteReader<'static>) -> Result<String, EngineError> {
    let mut text = Vec::new();
    let doing = "read the users of the backup".to_owned();
    let read = users.take(LIMIT_BYTES + 1).read_to_end(&mut text).await;
    read.map_err(|source| EngineError::Read { doing, source })?;
    if text.len() as u64 > LIMIT_BYTES {
        return Err(EngineError::Archive { problem: "the list of users is larger than 16 MiB".to_owned() });
    }
    String::from_utf8(text)
        .map_err(|_| EngineError::Archive { problem: "the list of users is no UTF-8 text".to_owned() })
}
