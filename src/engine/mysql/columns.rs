//! The columns of a table, read off its definition, and of the rows that follow it.

use super::head::{Token, Tokens};

/// How the values of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnKind {
    /// As the tool wrote them.
    AsWritten,
    /// As text: it is UTF-8.
    Text,
    /// As bytes: it is text of another character set, or no text.
    Bytes,
    /// As the tool wrote it: when the version of the row began.
    Begun,
    /// When it ended: after it began.
    Ended,
}

/// A table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: String,
    columns: Vec<(String, ColumnKind)>,
    /// Whether it keeps the versions of its rows.
    versioned: bool,
}

/// What the server calls the columns of the times that no definition names.
const HIDDEN: [(&str, ColumnKind); 2] = [("row_start", ColumnKind::Begun), ("row_end", ColumnKind::Ended)];

/// What stands in front of rows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RowsHead {
    /// Up to behind `VALUES`.
    pub(super) length: usize,
    /// Their columns, where they are named.
    pub(super) columns: Option<Vec<String>>,
}

/// Types of text, which has a character set.
const TEXT: [&str; 8] = ["char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"];

/// Types of bytes.
const BYTES: [&str; 6] = ["binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"];

/// Character sets whose bytes are UTF-8. Those of `ascii` need not be: MariaDB keeps every byte there.
pub(super) const UTF8: [&str; 3] = ["utf8mb4", "utf8mb3", "utf8"];

impl Table {
    /// What the values of a row are: of these columns, or of all.
    pub(super) fn kinds(&self, columns: Option<&[String]>) -> Vec<ColumnKind> {
        let kind = |name: &String| {
            let own = self.columns.iter().find(|(own, _)| own == name).map(|(_, kind)| *kind);
            // A column that is not in the definition is one that the server keeps by itself, of a time.
            let hidden = HIDDEN.iter().find(|(hidden, _)| self.versioned && hidden == name);
            own.or(hidden.map(|(_, kind)| *kind)).unwrap_or(ColumnKind::AsWritten)
        };
        match columns {
            Some(columns) => columns.iter().map(kind).collect(),
            None => self.columns.iter().map(|(_, kind)| *kind).collect(),
        }
    }
}

/// Where the reading of a definition stands.
#[derive(PartialEq, Eq)]
enum ColumnPlace {
    /// At the beginning of an item: of a column, or of something else.
    Item,
    /// Behind the name of a column.
    Type,
    /// In the rest of a column of text.
    Text,
    /// In something that does not matter.
    Rest,
}

/// The table that `definition`, a whole `CREATE TABLE`, makes.
pub(super) fn table(definition: &[u8]) -> Result<Table, String> {
    let mut tokens = Tokens::of(definition);
    tokens.find(|token| token.is("table"));
    let skipped = ["if", "not", "exists"];
    let name = tokens.find(|token| token.quoted || !skipped.iter().any(|word| token.is(word)));
    let name = name.ok_or_else(|| "a definition of a table has no name".to_owned())?.name();
    // Of text, the character set; `None` is the table's own.
    let mut columns: Vec<(String, Type)> = Vec::new();
    let mut period: Vec<String> = Vec::new();
    let (mut depth, mut place) = (0_u32, ColumnPlace::Rest);
    let mut tokens = tokens.peekable();
    while let Some(token) = tokens.next() {
        match (depth, &place) {
            _ if token.is("(") => {
                depth += 1;
                if depth == 1 {
                    place = ColumnPlace::Item;
                }
            }
            _ if token.is(")") => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    break;
                }
            }
            (1, _) if token.is(",") => place = ColumnPlace::Item,
            (1, ColumnPlace::Item) if token.quoted => {
                columns.push((token.name(), Type::Other));
                place = ColumnPlace::Type;
            }
            (1, ColumnPlace::Item) => {
                place = ColumnPlace::Rest;
                if token.is("period") {
                    // PERIOD FOR SYSTEM_TIME (`from`, `to`)
                    let named: Vec<Token<'_>> = tokens.by_ref().take_while(|token| !token.is(")")).collect();
                    if named.iter().any(|token| token.is("system_time")) {
                        period = named.iter().filter(|token| token.quoted).map(Token::name).collect();
                    }
                }
            }
            (1, ColumnPlace::Type) => {
                place = ColumnPlace::Rest;
                if let Some((_, kind)) = columns.last_mut() {
                    *kind = type_of(&token);
                    if matches!(kind, Type::Text(_)) {
                        place = ColumnPlace::Text;
                    }
                }
            }
            (1, ColumnPlace::Text)
                if token.is("character") && tokens.peek().is_some_and(|next| next.is("set")) =>
            {
                let charset = tokens.nth(1).map(|token| token.name());
                if let Some((_, kind)) = columns.last_mut() {
                    *kind = Type::Text(charset);
                }
                place = ColumnPlace::Rest;
            }
            _ => {}
        }
    }
    let options: Vec<Token<'_>> = tokens.collect();
    let default = options
        .iter()
        .skip_while(|token| !token.is("charset"))
        .find(|token| token.quoted || !(token.is("charset") || token.is("=")));
    let default = default.map(Token::name);
    let versioned = options.windows(2).any(|pair| pair[0].is("system") && pair[1].is("versioning"));
    let mut kinds = Vec::with_capacity(columns.len());
    for (column, kind) in columns {
        let kind = match kind {
            Type::Other if versioned && period.first() == Some(&column) => ColumnKind::Begun,
            Type::Other if versioned && period.last() == Some(&column) => ColumnKind::Ended,
            Type::Other => ColumnKind::AsWritten,
            Type::Bytes => ColumnKind::Bytes,
            Type::Text(charset) => match charset.as_ref().or(default.as_ref()) {
                Some(charset) if UTF8.contains(&charset.as_str()) => ColumnKind::Text,
                Some(_) => ColumnKind::Bytes,
                None => return Err(format!("the definition of `{name}` tells no character set")),
            },
        };
        kinds.push((column, kind));
    }
    Ok(Table { name, columns: kinds, versioned })
}

enum Type {
    /// Its character set, where it says one.
    Text(Option<String>),
    Bytes,
    Other,
}

fn type_of(token: &Token<'_>) -> Type {
    let one_of = |words: &[&str]| words.iter().any(|word| token.is(word));
    if one_of(&TEXT) {
        Type::Text(None)
    } else if one_of(&BYTES) {
        Type::Bytes
    } else {
        Type::Other
    }
}

/// The head of `INSERT INTO … VALUES`; `None` while it is not whole.
pub(super) fn rows_head(statement: &[u8]) -> Option<RowsHead> {
    let mut columns: Option<Vec<String>> = None;
    let mut named = false;
    for token in Tokens::of(statement) {
        if token.is("values") {
            // Cut here, it could be the beginning of another word.
            return (token.place.end < statement.len())
                .then_some(RowsHead { length: token.place.end, columns });
        }
        if token.is("(") {
            columns = Some(Vec::new());
            named = true;
        } else if token.is(")") {
            named = false;
        } else if named
            && !token.is(",")
            && let Some(columns) = &mut columns
        {
            // The tool writes the columns of hidden times without quotes.
            columns.push(token.name());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_told_by_their_types_and_character_sets() {
        let definition = "CREATE TABLE `a``b` (
  `id` int NOT NULL AUTO_INCREMENT COMMENT 'text, char(5) CHARACTER SET latin1',
  `plain` varchar(20) DEFAULT 'CHARACTER SET latin1, (',
  `own` text CHARACTER SET latin1 COLLATE latin1_bin NOT NULL,
  `wide``,(` enum('a','b,)','CHARACTER SET x') CHARACTER SET cp932 DEFAULT 'a',
  `same` set('x') CHARACTER SET utf8mb3 DEFAULT NULL,
  `packed` longtext /*M!100301 COMPRESSED*/ CHARACTER SET ujis DEFAULT NULL,
  `b` varbinary(20) DEFAULT x'00',
  `j` json DEFAULT NULL,
  `made` char(4) GENERATED ALWAYS AS (concat(`own`,'(',`plain`)) VIRTUAL,
  PRIMARY KEY (`id`),
  KEY `text` (`own`(10),`plain`),
  CONSTRAINT `c` CHECK (`own` <> 'CHARACTER SET big5')
) ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='DEFAULT CHARSET=latin1'
/*!50100 PARTITION BY LIST COLUMNS(`own`) (PARTITION p VALUES IN ('CHARSET=koi8r') ENGINE = InnoDB) */";
        let table = table(definition.as_bytes()).unwrap();
        assert_eq!(table.name, "a`b");
        let kinds = table.kinds(None);
        let (same, text, bytes) = (ColumnKind::AsWritten, ColumnKind::Text, ColumnKind::Bytes);
        assert_eq!(kinds, [same, text, bytes, bytes, text, bytes, bytes, same, text]);
        let named = ["own", "plain", "row_start"].map(str::to_owned);
        assert_eq!(table.kinds(Some(&named)), [bytes, text, same]);
    }

    #[test]
    fn the_table_tells_the_character_set_of_columns_that_do_not() {
        let with =
            |end: &str| table(format!("CREATE TABLE `t` (\n  `c` char(1)\n) ENGINE=MyISAM{end}").as_bytes());
        assert_eq!(with(" DEFAULT CHARSET=cp932").unwrap().kinds(None), [ColumnKind::Bytes]);
        assert_eq!(with(" DEFAULT CHARSET=utf8mb4").unwrap().kinds(None), [ColumnKind::Text]);
        assert!(with("").unwrap_err().contains("`t`"));
    }

    #[test]
    fn the_times_of_versions_are_columns_of_their_own() {
        let kinds = |definition: &str, named: &[&str]| {
            let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
            table(definition.as_bytes()).unwrap().kinds(Some(&named))
        };
        let (same, begun, ended) = (ColumnKind::AsWritten, ColumnKind::Begun, ColumnKind::Ended);
        let end = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 WITH SYSTEM VERSIONING";
        let own =
            "CREATE TABLE `t` (`a` int, `from` timestamp(6) GENERATED ALWAYS AS ROW START, `to` timestamp(6)
            GENERATED ALWAYS AS ROW END, PRIMARY KEY (`a`,`to`), PERIOD FOR SYSTEM_TIME (`from`, `to`)) ";
        assert_eq!(kinds(&format!("{own}{end}"), &["a", "from", "to"]), [same, begun, ended]);
        let hidden = "CREATE TABLE `t` (`a` int) ";
        assert_eq!(kinds(&format!("{hidden}{end}"), &["a", "row_start", "row_end"]), [same, begun, ended]);
        // Columns of these names are nothing special elsewhere, and neither is another period.
        let plain = "CREATE TABLE `t` (`row_start` int, `row_end` int) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4";
        assert_eq!(kinds(plain, &["row_start", "row_end"]), [same, same]);
        let period =
            "CREATE TABLE `t` (`f` date, `t` date, PERIOD FOR `p` (`f`, `t`)) DEFAULT CHARSET=utf8mb4";
        assert_eq!(kinds(period, &["f", "t"]), [same, same]);
    }

    #[test]
    fn the_head_of_rows_is_found_when_it_is_whole() {
        let head = |text: &str| rows_head(text.as_bytes());
        let whole = head("INSERT INTO `VALUES` VALUES (1)").unwrap();
        assert_eq!((whole.length, whole.columns), ("INSERT INTO `VALUES` VALUES".len(), None));
        let named = head("INSERT  IGNORE INTO `t` (`a`, `b``,(`, row_start) VALUES\n(1,2,3)").unwrap();
        assert_eq!(named.columns.unwrap(), ["a", "b`,(", "row_start"]);
        for cut in ["INSERT INTO `t` VALUES", "INSERT INTO `t` (`a`, `VALU", "INSERT INTO"] {
            assert_eq!(head(cut), None, "{cut}");
        }
    }
}
