//! What the server says when something went wrong, or is worth knowing.

use super::message::{Problem, text};
use bytes::{Buf as _, Bytes};

/// The longest text of a field that is kept.
const FIELD_LIMIT_BYTES: usize = 4 << 10;
/// Notices that are kept word by word; others are counted.
const KEPT_LIMIT: usize = 100;

/// An error or a notice of the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// `ERROR`, `FATAL`, `WARNING`, in the server's own language-free words.
    pub severity: String,
    /// SQLSTATE.
    pub code: String,
    /// What happened.
    pub message: String,
    /// More of it; often empty.
    pub detail: String,
    /// The server's own advice; often empty.
    pub hint: String,
}

impl Report {
    pub(super) fn parse(mut body: Bytes) -> Result<Self, Problem> {
        let mut report = Self::default();
        while body.first().is_some_and(|kind| *kind != 0) {
            let kind = body.get_u8();
            let value = shortened(text(&mut body)?);
            match kind {
                b'S' if report.severity.is_empty() => report.severity = value,
                b'V' => report.severity = value,
                b'C' => report.code = value,
                b'M' => report.message = value,
                b'D' => report.detail = value,
                b'H' => report.hint = value,
                _ => {}
            }
        }
        Ok(report)
    }

    /// On one line, without the server's advice.
    pub fn said(&self) -> String {
        let Self { severity, message, detail, .. } = self;
        let message = if severity.is_empty() { message.clone() } else { format!("{severity}: {message}") };
        if detail.is_empty() { message } else { format!("{message} ({detail})") }
    }
}

fn shortened(mut value: String) -> String {
    if value.len() > FIELD_LIMIT_BYTES {
        let mut end = FIELD_LIMIT_BYTES;
        while !value.is_char_boundary(end) {
            end -= 1;
        }
        value.truncate(end);
        value.push('…');
    }
    value
}

/// The notices of a session: the first of them, and how many there were.
#[derive(Debug, Clone, Default)]
pub struct Notices {
    kept: Vec<Report>,
    count: u64,
}

impl Notices {
    pub(super) fn add(&mut self, notice: Report) {
        self.count += 1;
        if self.kept.len() < KEPT_LIMIT {
            self.kept.push(notice);
        }
    }

    /// The warnings among them, each on one line, and a line that counts the rest.
    pub fn warnings(&self) -> Vec<String> {
        let warnings = self.kept.iter().filter(|notice| notice.severity == "WARNING");
        let mut lines: Vec<String> = warnings
            .map(|notice| match notice.detail.as_str() {
                "" => notice.message.clone(),
                detail => format!("{} ({detail})", notice.message),
            })
            .collect();
        let more = self.count - self.kept.len() as u64;
        if more > 0 {
            lines.push(format!("and {more} more messages"));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(fields: &[(u8, &str)]) -> Bytes {
        let mut bytes = Vec::new();
        for (kind, value) in fields {
            bytes.push(*kind);
            bytes.extend_from_slice(value.as_bytes());
            bytes.push(0);
        }
        bytes.push(0);
        Bytes::from(bytes)
    }

    #[test]
    fn a_report_has_its_fields_and_forgets_those_it_has_no_use_for() {
        let fields =
            [(b'S', "FEHLER"), (b'V', "ERROR"), (b'C', "42501"), (b'M', "no"), (b'R', "f"), (b'D', "d")];
        let report = Report::parse(body(&fields)).unwrap();
        assert_eq!((report.code.as_str(), report.said().as_str()), ("42501", "ERROR: no (d)"));
    }

    #[test]
    fn a_torn_report_is_refused_and_a_long_one_is_cut() {
        assert!(Report::parse(Bytes::from_static(b"Mno end")).is_err());
        let long = "ä".repeat(FIELD_LIMIT_BYTES);
        let report = Report::parse(body(&[(b'M', &long)])).unwrap();
        assert!(report.message.len() <= FIELD_LIMIT_BYTES + 4 && report.message.ends_with('…'));
    }

    #[test]
    fn only_so_many_notices_are_kept() {
        let mut notices = Notices::default();
        for _ in 0..150 {
            notices.add(Report {
                severity: "WARNING".to_owned(),
                message: "m".to_owned(),
                ..Report::default()
            });
        }
        let lines = notices.warnings();
        assert_eq!((lines.len(), lines.last().map(String::as_str)), (101, Some("and 50 more messages")));
    }
}
