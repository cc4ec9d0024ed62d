//! Events of a restored database: what they do while it is being filled would be in it, and counted. They are created
//! disabled, and those of a database that comes back in its own place are enabled when everything is there.

use super::client::Client;
use super::head::{self, Tokens};
use super::quote::identifier;
use super::session::SessionSettings;
use super::syntax::QuoteRules;
use super::words::{Word, words};
use crate::engine::{Action, EngineError};
use crate::process::Runner;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// An event that was enabled. Names are bytes of the character set that the dump says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EnabledEvent {
    /// In its quotes.
    name: Vec<u8>,
    /// `DEFINER=…`, as it stands in the dump; empty where that is not kept.
    definer: Vec<u8>,
    /// Makes a session like the one that created it: an `ALTER EVENT` in another character set gives the event that one,
    /// and leaves its body as it is (seen on MySQL 9.7).
    session: String,
}

/// Events that were created disabled, in the order of the dump: filled by the stream that goes in.
#[derive(Debug, Clone, Default)]
pub(super) struct Disabled(Arc<Mutex<Vec<EnabledEvent>>>);

/// The same of each database, by its name on the target.
pub(super) type DisabledEvents = Arc<Mutex<BTreeMap<String, Disabled>>>;

impl Disabled {
    /// A stream begins.
    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// `statement` with the event disabled that it creates; `None` where it creates no enabled one.
    pub(super) fn disabled(&self, statement: &[u8], session: &SessionSettings) -> Option<Vec<u8>> {
        let mut tokens = Tokens::of(statement);
        if !tokens.next()?.is("create") {
            return None;
        }
        let name = loop {
            let token = tokens.next()?;
            if token.is("event") {
                let skipped = ["if", "not", "exists"];
                let name = tokens.find(|token| token.quoted || !skipped.iter().any(|word| token.is(word)))?;
                break statement[name.place].to_vec();
            }
            if token.is("definer") {
                tokens.nth(1)?;
                if statement.get(tokens.place()) == Some(&b'@') {
                    tokens.nth(1);
                }
            } else if token.quoted || !is_in_front(&token) {
                return None;
            }
        };
        // What it does begins with `DO`, and only users' words come behind it.
        let state = tokens.find(|token| ["enable", "disable", "do"].iter().any(|word| token.is(word)))?;
        if !state.is("enable") {
            return None;
        }
        // Without a definer it would become the one of whoever restores.
        let definer =
            head::definer(statement).map_or_else(Vec::new, |definer| statement[definer.place].to_vec());
        let event = EnabledEvent { name, definer, session: session.sql() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        let mut text = statement.to_owned();
        text.splice(state.place, *b"DISABLE");
        Some(text)
    }
}

#[cfg(test)]
impl Disabled {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl Disabled {
    /// A statement about an event that follows the dump: what it enables is created disabled and kept in mind, what it disables or
    /// drops is not enabled in the end. `session` makes a session like its own.
    pub(super) fn followed(&self, statement: &[u8], rules: QuoteRules, session: &str) -> Vec<u8> {
        let words = words(statement, rules);
        let mut text = statement.to_owned();
        let Some(kind) = words.iter().position(|word| word.is("event")) else { return text };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_name = |word: &&Word<'_>| !word.is_any(&["if", "not", "exists"]);
        let behind: Vec<&Word<'_>> = words[kind + 1..].iter().filter(is_name).collect();
        let qualified = behind.get(1).is_some_and(|word| word.is_sign(b'.'));
        let Some(name) = behind.get(if qualified { 2 } else { 0 }) else { return text };
        let called =
            |event: &EnabledEvent, name: &Word<'_>| unquoted(&event.name).eq_ignore_ascii_case(&name.text);
        let verb = &words[0];
        if verb.is("drop") {
            known.retain(|event| !called(event, name));
            return text;
        }
        let first = behind.iter().position(|word| word.is_any(&["enable", "disable", "comment", "do"]));
        let state = first.map(|at| behind[at]);
        let renamed = behind.iter().take(first.unwrap_or(behind.len())).position(|word| word.is("rename"));
        let new_name = renamed.and_then(|at| {
            let qualified = behind.get(at + 3).is_some_and(|word| word.is_sign(b'.'));
            behind.get(if qualified { at + 4 } else { at + 2 })
        });
        let creates = verb.is("create");
        let (was, enabled) =
            (known.iter().any(|event| called(event, name)), state.is_some_and(|word| word.is("enable")));
        let stays = state.is_none_or(|word| word.is_any(&["comment", "do"]));
        known.retain(|event| !called(event, name));
        if enabled || (stays && (creates || was)) {
            let definer =
                head::definer(statement).map_or_else(Vec::new, |definer| statement[definer.place].to_vec());
            let name = identifier(&new_name.unwrap_or(name).name()).into_bytes();
            known.push(EnabledEvent { name, definer, session: session.to_owned() });
        }
        match state {
            Some(state) if enabled => drop(text.splice(state.place.clone(), *b"DISABLE")),
            Some(state) if stays && creates => {
                drop(text.splice(state.place.start..state.place.start, *b"DISABLE "));
            }
            _ => {}
        }
        text
    }
}

/// A name without its backticks.
fn unquoted(name: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(name).into_owned();
    let inner = text.strip_prefix('`').and_then(|text| text.strip_suffix('`'));
    inner.map_or_else(|| text.clone(), |inner| inner.replace("``", "`")).into_bytes()
}

/// Whether a word stands between `CREATE` and what is created.
fn is_in_front(token: &super::head::Token<'_>) -> bool {
    ["or", "replace", "="].iter().any(|word| token.is(word))
}

/// Enables events.
#[derive(Debug)]
pub(super) struct EnableEvents {
    pub(super) client: Client,
    pub(super) database: String,
    pub(super) events: Disabled,
}

#[async_trait]
impl Action for EnableEvents {
    fn describe(&self) -> Vec<String> {
        vec![self.client.describe(), format!("ALTER EVENT {}.… ENABLE;", identifier(&self.database))]
    }

    async fn run(&self, runner: &dyn Runner) -> Result<(), EngineError> {
        let events = self.events.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut failed = Ok(());
        for EnabledEvent { name, definer, session } in events {
            let doing = format!("enable the event {}", String::from_utf8_lossy(&name));
            let before = format!("USE {};\n{session}ALTER ", identifier(&self.database));
            let sql = [before.as_bytes(), &definer, b" EVENT ", &name, b" ENABLE;\n"].concat();
            let enabled = self.client.run_bytes(runner, &doing, &sql);
            // Each is tried; the first failure is told.
            failed = failed.and(enabled.await);
        }
        failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enabled_events_are_created_disabled_and_kept_in_mind() {
        let (events, session) = (Disabled::default(), SessionSettings::default());
        let written = "/*!50106 CREATE*/ /*!50117 DEFINER=`o``x`@`%`*/ /*!50106 EVENT `e``;` ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' ON COMPLETION NOT PRESERVE ENABLE COMMENT 'ENABLE' DO SET @enable = 1 */";
        let disabled = events.disabled(written.as_bytes(), &session).unwrap();
        assert_eq!(String::from_utf8(disabled).unwrap(), written.replacen(" ENABLE ", " DISABLE ", 1));
        assert!(
            events
                .disabled(b"CREATE EVENT `plain` ON SCHEDULE AT 'x' ENABLE DO SELECT 1", &session)
                .is_some()
        );
        for other in [
            "CREATE EVENT `e` ON SCHEDULE AT 'x' ON COMPLETION PRESERVE DISABLE DO SELECT 'ENABLE'",
            "CREATE EVENT `e` ON SCHEDULE AT 'x' DISABLE ON SLAVE DO ENABLE",
            "CREATE DEFINER=`a`@`b` PROCEDURE `p`() SELECT EVENT, ENABLE",
            "CREATE TABLE `event` (`enable` int)",
            "DROP EVENT `e`",
        ] {
            assert_eq!(events.disabled(other.as_bytes(), &session), None, "{other}");
        }
        let event = |name: &str, definer: &str| EnabledEvent {
            name: name.into(),
            definer: definer.into(),
            session: String::new(),
        };
        let known = events.0.lock().unwrap().clone();
        assert_eq!(known, [event("`e``;`", "DEFINER=`o``x`@`%`"), event("`plain`", "")]);
    }
}
