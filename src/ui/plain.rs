//! Makes foreign text safe to print: notes, names, messages and logs may come from a bucket, a server or a tool, and a
//! terminal interprets control characters.

/// Whether `c` can mislead a terminal or a reader: control characters, also C1 ones (U+009B begins a command as ESC [
/// does), and characters that change the text direction.
fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text` with line feeds and tabs, and every other such character replaced.
pub(super) fn visible(text: &str) -> String {
    text.replace(|c: char| misleads(c) && !matches!(c, '\n' | '\t'), "\u{fffd}")
}

/// As [`visible`], on one line: a value in a row or behind a name must not look like the next row.
pub(super) fn one_line(text: &str) -> String {
    visible(text).trim_end().replace(['\n', '\t'], " ")
}

/// JSON in which such characters, which stand in texts only, are escaped.
pub(super) fn json(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if misleads(c) && !matches!(c, '\n' | '\t') {
            safe.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_that_a_terminal_interprets_is_left() {
        let text = "a\x1b[2Jb\u{9b}31mc\rd\x07e\u{202e}f\x7fg\th\n";
        assert_eq!(visible(text), "a\u{fffd}[2Jb\u{fffd}31mc\u{fffd}d\u{fffd}e\u{fffd}f\u{fffd}g\th\n");
        assert_eq!(one_line("a\nauthenticated  yes\n"), "a authenticated  yes");
        assert_eq!(visible("größe 日本 👍"), "größe 日本 👍");
    }

    #[test]
    fn json_says_the_same_without_them() {
        let value = serde_json::json!({ "note": "a\x1b[2Jb\u{9b}31m\u{202e}\x7f\n" });
        let text = json(&format!("{value:#}\n"));
        assert!(!text.contains(|c: char| misleads(c) && c != '\n'));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
