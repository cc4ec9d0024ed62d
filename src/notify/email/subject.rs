//! The subject of a mail: words and placeholders.

use crate::notify::Event;
use crate::notify::event::line;
use std::str::FromStr;

/// The placeholders that a subject may contain.
const PLACEHOLDERS: [&str; 5] = ["event", "database", "policy", "host", "backup"];

/// Longer ones are cut by mail programs anyway.
const SUBJECT_BYTES: usize = 200;

/// `[jagad] {host}: {event} {database}`. No value can bring a line feed into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectTemplate(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Words(String),
    Placeholder(String),
}

impl SubjectTemplate {
    /// The default subject.
    pub const DEFAULT: &'static str = "[jagad] {host}: {event} {database}";

    /// The subject for this event, on one line.
    pub(super) fn fill(&self, event: &Event) -> String {
        let filled: String = self
            .0
            .iter()
            .map(|piece| match piece {
                Piece::Words(words) => words.clone(),
                Piece::Placeholder(name) => event.placeholder(name).unwrap_or_default(),
            })
            .collect();
        line(&filled, SUBJECT_BYTES)
    }
}

impl FromStr for SubjectTemplate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.chars().any(char::is_control) {
            return Err("it must be one line".to_owned());
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((words, behind)) = rest.split_once('{') {
            let (name, behind) = behind.split_once('}').ok_or("a `{` is not closed")?;
            if !PLACEHOLDERS.contains(&name) {
                let known = PLACEHOLDERS.map(|known| format!("{{{known}}}")).join(", ");
                return Err(format!("there is no placeholder {{{name}}}; known are {known}"));
            }
            pieces.push(Piece::Words(words.to_owned()));
            pieces.push(Piece::Placeholder(name.to_owned()));
            rest = behind;
        }
        pieces.push(Piece::Words(rest.to_owned()));
        Ok(Self(pieces))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::EventKind;

    #[test]
    fn a_subject_is_filled_on_one_line_and_knows_only_its_placeholders() {
        let at = "2026-11-20T02:00:00Z".parse().unwrap();
        let event = Event::new(EventKind::BackupFailed, at, "db1\r\nBcc: x", "m").failures_in_a_row(3);
        let fill = |template: &str| template.parse::<SubjectTemplate>().map(|template| template.fill(&event));
        assert_eq!(
            fill(SubjectTemplate::DEFAULT).unwrap(),
            "[jagad] db1 Bcc: x: Backup Failed (3rd failure in a row)"
        );
        assert_eq!(fill("{host}{host} }").unwrap(), "db1 Bcc: xdb1 Bcc: x }");
        assert_eq!(
            fill("{password}").unwrap_err(),
            "there is no placeholder {password}; known are {event}, {database}, {policy}, {host}, {backup}"
        );
        assert_eq!(fill("{event").unwrap_err(), "a `{` is not closed");
        assert!(fill("a\r\nBcc: x").is_err());
    }
}
