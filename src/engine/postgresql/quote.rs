//! Names and values in the three languages spoken to PostgreSQL: SQL, connection strings, and `LIKE`-free patterns.
//!
//! SQL goes to psql by standard input, where a backslash outside of quotes begins a command of psql's own, such as `\!` for a
//! shell. So nothing that is made here has a backslash in it, whatever it is made from: there is none to begin a command
//! with, even if psql and this file should ever disagree about where quotes end.

/// `name` as an SQL identifier.
pub(super) fn identifier(name: &str) -> String {
    quoted(name, '"')
}

/// `text` as an SQL string, for sessions with `standard_conforming_strings`.
pub(super) fn literal(text: &str) -> String {
    quoted(text, '\'')
}

fn quoted(text: &str, quote: char) -> String {
    let doubled = text.replace(quote, &format!("{quote}{quote}"));
    if text.contains('\\') {
        let escaped = doubled.replace('!', "!!").replace('\\', "!005c");
        format!("U&{quote}{escaped}{quote} UESCAPE '!'")
    } else {
        format!("{quote}{doubled}{quote}")
    }
}

/// `statement` with the same names and texts and no backslash in any of them; `None` when there is one outside of quotes.
/// Strings follow the standard, or are escape strings (`E'…'`) as pg_dumpall writes them, which doubles backslashes and quotes.
pub(super) fn without_backslashes(statement: &str) -> Option<String> {
    let mut safe = String::with_capacity(statement.len());
    let mut chars = statement.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\\' => return None,
            '\'' | '"' => {
                let escapes = char == '\'' && takes_escape_mark(&mut safe);
                let mut text = String::new();
                while let Some(next) = chars.next() {
                    if next == char && chars.next_if_eq(&char).is_none() {
                        break;
                    }
                    if escapes && next == '\\' {
                        // Any other escape is none of pg_dumpall's.
                        chars.next_if_eq(&'\\')?;
                    }
                    text.push(next);
                }
                safe.push_str(&quoted(&text, char));
            }
            other => safe.push(other),
        }
    }
    Some(safe)
}

/// Takes the `E` of an escape string off the end of `sql`, where one stands there by itself.
fn takes_escape_mark(sql: &mut String) -> bool {
    let mut back = sql.chars().rev();
    let marked = matches!(back.next(), Some('E' | 'e'));
    let alone = !back.next().is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '$') || !c.is_ascii());
    if marked && alone {
        sql.pop();
    }
    marked && alone
}

/// `texts` as an SQL array of text.
pub(super) fn text_array<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = texts.into_iter().map(|text| literal(text.as_ref())).collect();
    format!("ARRAY[{}]::text[]", items.join(","))
}

/// A connection string that names only the database: a bare name with `=` in it, or one that begins like a URI, would
/// be taken for a connection string itself.
pub(super) fn connection_string(database: &str) -> String {
    format!("dbname='{}'", database.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// `name` cut to what is left of PostgreSQL's 63 bytes, and `suffix`.
pub(super) fn with_suffix(name: &str, suffix: &str) -> String {
    let mut end = name.len().min(63 - suffix.len().min(63));
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{suffix}", &name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hostile_names_stay_one_name() {
        assert_eq!(identifier("a\"b c"), "\"a\"\"b c\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'b!"), "U&'a!005c''b!!' UESCAPE '!'");
        assert_eq!(identifier("a\\\"b"), "U&\"a!005c\"\"b\" UESCAPE '!'");
        assert_eq!(connection_string("a=b 'c'\\"), "dbname='a=b \\'c\\'\\\\'");
        assert_eq!(text_array(["a", "b'"]), "ARRAY['a','b''']::text[]");
    }

    #[test]
    fn a_statement_loses_its_backslashes_and_nothing_else() {
        for (statement, safe) in [
            ("COMMENT ON ROLE \"a\"\"b\" IS 'it''s';", Some("COMMENT ON ROLE \"a\"\"b\" IS 'it''s';")),
            ("COMMENT ON ROLE a IS 'x\n\\! id'", Some("COMMENT ON ROLE a IS U&'x\n!005c!! id' UESCAPE '!'")),
            ("CREATE ROLE a;\n\\! id\n", None),
            ("CREATE ROLE a \\gexec", None),
            ("COMMENT ON ROLE a IS E'b\\\\!''c'", Some("COMMENT ON ROLE a IS U&'b!005c!!''c' UESCAPE '!'")),
            ("COMMENT ON ROLE a IS E'b'", Some("COMMENT ON ROLE a IS 'b'")),
            ("COMMENT ON ROLE a IS E'\\';\n\\! id'", None),
            ("COMMENT ON ROLE a IS E'\\n'", None),
        ] {
            assert_eq!(without_backslashes(statement).as_deref(), safe);
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_quoted_has_a_backslash(text in "[a-z'\"!\\\\\n;]{0,30}") {
            for made in [identifier(&text), literal(&text)] {
                prop_assert!(!made.contains('\\'));
                prop_assert_eq!(without_backslashes(&made), Some(made));
            }
            if let Some(made) = without_backslashes(&text) {
                prop_assert!(!made.contains('\\'));
            }
        }
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let name = "ä".repeat(31);
        let cut = with_suffix(&name, "__jagad_a1b2c3");
        assert_eq!(cut, format!("{}__jagad_a1b2c3", "ä".repeat(24)));
        assert!(cut.len() <= 63);
        assert_eq!(with_suffix("shop", "__old_x"), "shop__old_x");
    }
}
