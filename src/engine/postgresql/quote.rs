//! Names and values in the three languages spoken to PostgreSQL: SQL, connection strings, and `LIKE`-free patterns.

/// `name` as an SQL identifier.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `text` as an SQL string, whatever `standard_conforming_strings` says.
pub(super) fn literal(text: &str) -> String {
    if text.contains('\\') {
        format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
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

    #[test]
    fn hostile_names_stay_one_name() {
        assert_eq!(identifier("a\"b c"), "\"a\"\"b c\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'b"), "E'a\\\\''b'");
        assert_eq!(connection_string("a=b 'c'\\"), "dbname='a=b \\'c\\'\\\\'");
        assert_eq!(text_array(["a", "b'"]), "ARRAY['a','b''']::text[]");
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
