//! From what a server says of its accounts to statements that give the same accounts, one in a line where its texts have
//! no ends of lines. What cannot be read back fails the dump.

use super::accounts::{Account, MARKER};
use super::client::unescaped;
use super::edit::Edit;
use super::head::Tokens;
use super::quote::literal;
use super::scanner::{Current, Piece, Scanner, Sink};
use crate::engine::EngineError;
use std::io;
use std::sync::Arc;

/// The longest statement that is believed.
const LINE_LIMIT: usize = 1024 * 1024;

/// In front of the number of accounts, on the line before the last.
pub(super) const ACCOUNTS: &str = "-- Accounts: ";

/// Makes statements of the client's rows.
pub(super) struct Lines {
    line: Vec<u8>,
    /// Accounts whose certificates MySQL writes without escapes.
    odd: Arc<[Account]>,
    accounts: u64,
    /// Why the list must not be believed.
    problem: Option<String>,
}

impl Lines {
    pub(super) fn new(odd: Arc<[Account]>) -> Self {
        Self { line: Vec::new(), odd, accounts: 0, problem: None }
    }

    fn statement(&mut self, line: &str) -> String {
        let text = unescaped(line.trim_end_matches('\n'));
        if text == MARKER {
            return format!("{ACCOUNTS}{}\n{text}\n", self.accounts);
        }
        if text.starts_with("--") {
            return format!("{text}\n");
        }
        let text = self.with_escapes(text);
        let mut statement = without_login(&text).unwrap_or(text);
        for created in ["CREATE USER ", "CREATE ROLE "] {
            if let Some(rest) = statement.strip_prefix(created) {
                statement = format!("{created}IF NOT EXISTS {rest}");
                self.accounts += 1;
                break;
            }
        }
        let statement = format!("{statement};\n");
        if !is_one_statement(&statement) {
            let beginning: String = statement.chars().take(60).collect();
            self.problem.get_or_insert(format!("`{beginning}…` does not end where it ends"));
        }
        statement
    }

    /// MySQL puts what a certificate must say between quotes as it is, with quotes and backslashes in it.
    fn with_escapes(&self, text: String) -> String {
        let whose = |account: &&Account| {
            let begins = text.strip_prefix("CREATE USER ").and_then(|rest| rest.strip_prefix(&account.sql()));
            begins.is_some_and(|rest| rest.starts_with(' '))
        };
        let Some(account) = self.odd.iter().find(whose) else { return text };
        account.details.demands.iter().fold(text, |text, (what, value)| {
            text.replacen(&format!(" {what} '{value}'"), &format!(" {what} {}", literal(value)), 1)
        })
    }
}

impl Edit for Lines {
    fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for slice in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(slice);
            if slice.ends_with(b"\n") || self.line.len() > LINE_LIMIT {
                let line = std::mem::take(&mut self.line);
                out.extend_from_slice(self.statement(&String::from_utf8_lossy(&line)).as_bytes());
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            out.extend_from_slice(self.statement(&String::from_utf8_lossy(&line)).as_bytes());
        }
        match self.problem.take() {
            None => Ok(()),
            Some(problem) => {
                let question = "ask for the users and their rights".to_owned();
                Err(io::Error::other(EngineError::Answer { question, problem }))
            }
        }
    }
}

/// MariaDB says in a grant once more how its account logs in, and whoever runs that sets the password anew: it does not
/// expire any more. `None` where nothing of that is in the grant.
fn without_login(grant: &str) -> Option<String> {
    if !grant.starts_with("GRANT ") {
        return None;
    }
    let tokens: Vec<_> = Tokens::of(grant.as_bytes()).collect();
    let login = tokens.iter().position(|token| token.is("identified") || token.is("require"))?;
    let rest = &tokens[login..];
    let grants =
        rest.windows(3).any(|words| words[0].is("with") && words[1].is("grant") && words[2].is("option"));
    let kept = grant[..tokens[login].place.start].trim_end();
    Some(format!("{kept}{}", if grants { " WITH GRANT OPTION" } else { "" }))
}

#[derive(Default)]
struct Ends(u32);

impl Sink for Ends {
    fn piece(&mut self, piece: Piece<'_>, _current: &Current) {
        self.0 += u32::from(matches!(piece, Piece::End(_)));
    }
}

/// Whether a client reads one whole statement of it.
pub(super) fn is_one_statement(text: &str) -> bool {
    let (mut scanner, mut ends) = (Scanner::new(), Ends::default());
    scanner.feed(text.as_bytes(), &mut ends);
    scanner.finish(&mut ends) && ends.0 == 1
}

#[cfg(test)]
mod tests {
    use super::super::accounts::Details;
    use super::*;

    fn lines(text: &str, odd: &[Account]) -> Result<String, String> {
        let mut lines = Lines::new(odd.into());
        let mut out = Vec::new();
        text.as_bytes().chunks(7).for_each(|piece| lines.feed(piece, &mut out));
        lines.finish(&mut out).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn what_a_certificate_must_say_is_written_with_escapes() {
        let details = Details {
            demands: vec![("SUBJECT", "/CN=O'Brien\\x".to_owned()), ("ISSUER", String::new())],
            second_password: false,
        };
        let (user, host) = ("a".to_owned(), "%".to_owned());
        let odd = Account { user, host, role: false, default_role: String::new(), details };
        let said = "CREATE USER `a`@`%` IDENTIFIED WITH 'x' REQUIRE SUBJECT '/CN=O'Brien\\\\x' ACCOUNT UNLOCK\n-- Dump completed\n";
        assert_eq!(
            lines(said, &[odd]).unwrap(),
            "CREATE USER IF NOT EXISTS `a`@`%` IDENTIFIED WITH 'x' REQUIRE SUBJECT '/CN=O''Brien\\\\x' ACCOUNT UNLOCK;\n\
             -- Accounts: 1\n-- Dump completed\n"
        );
        let failed = lines(said, &[]).unwrap_err();
        assert!(failed.contains("CREATE USER IF NOT EXISTS `a`"), "{failed}");
    }

    #[test]
    fn a_grant_says_nothing_of_the_login() {
        for (said, kept) in [
            ("GRANT USAGE ON *.* TO `a`@`%` IDENTIFIED BY PASSWORD '*X'", "GRANT USAGE ON *.* TO `a`@`%`"),
            (
                "GRANT SELECT ON *.* TO `a`@`%` IDENTIFIED VIA x OR y USING 'WITH' REQUIRE SSL WITH GRANT OPTION MAX_QUERIES_PER_HOUR 5",
                "GRANT SELECT ON *.* TO `a`@`%` WITH GRANT OPTION",
            ),
            (
                "GRANT SELECT ON `identified`.* TO `a`@`%` WITH GRANT OPTION",
                "GRANT SELECT ON `identified`.* TO `a`@`%` WITH GRANT OPTION",
            ),
            ("GRANT USAGE ON *.* TO `a`@`%` REQUIRE ISSUER 'x'", "GRANT USAGE ON *.* TO `a`@`%`"),
        ] {
            assert_eq!(lines(&format!("{said}\n"), &[]).unwrap(), format!("{kept};\n"));
        }
    }
}
