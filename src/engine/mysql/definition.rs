//! What a definition needs of the server that it goes into.

use super::qualified::{Referred, references};
use super::syntax::QuoteRules;
use super::words::{Word, WordKind, words};
use crate::model::Needs;
use std::collections::{BTreeMap, BTreeSet};

/// Kinds of objects and options of tables, as [`Needs`] names them.
pub(super) mod kinds {
    pub(in crate::engine::mysql) const TABLE: &str = "table";
    pub(in crate::engine::mysql) const FOREIGN_KEY: &str = "foreign key";
    pub(in crate::engine::mysql) const VIEW: &str = "view";
    /// A view that calls a stored function.
    pub(in crate::engine::mysql) const CALLING_VIEW: &str = "view with a function";
    pub(in crate::engine::mysql) const TRIGGER: &str = "trigger";
    pub(in crate::engine::mysql) const FUNCTION: &str = "function";
    /// A function that says nothing of what it does to data.
    pub(in crate::engine::mysql) const UNDECLARED_FUNCTION: &str = "undeclared function";
    pub(in crate::engine::mysql) const PROCEDURE: &str = "procedure";
    pub(in crate::engine::mysql) const PACKAGE: &str = "package";
    pub(in crate::engine::mysql) const EVENT: &str = "event";
    pub(in crate::engine::mysql) const SEQUENCE: &str = "sequence";
    /// Neither a primary key, nor a unique one without NULL.
    pub(in crate::engine::mysql) const NO_KEY: &str = "no key";
    /// Compressed pages of InnoDB.
    pub(in crate::engine::mysql) const COMPRESSED: &str = "compressed";
    /// Encrypted tables, for which a server needs keys.
    pub(in crate::engine::mysql) const ENCRYPTED: &str = "encrypted";
    /// Tables of MariaDB that say that they are not encrypted, which a server may forbid.
    pub(in crate::engine::mysql) const UNENCRYPTED: &str = "unencrypted";
    /// Named by a trigger in another case than the table has: a server that tells names apart does not find it.
    pub(in crate::engine::mysql) const OTHER_CASE: &str = "trigger in another case";
    /// Options that InnoDB takes only when it is not strict.
    pub(in crate::engine::mysql) const LENIENT: &str = "lenient";
}

/// More than that many names of one sort say nothing new.
const NAMES_LIMIT: usize = 1000;

/// Kinds that `CREATE` is followed by, after definers and the like.
const CREATED: [&str; 8] =
    ["table", "view", "trigger", "function", "procedure", "package", "event", "sequence"];

fn note(names: &mut BTreeMap<String, String>, name: &str, object: &str) {
    if names.len() < NAMES_LIMIT && !names.contains_key(name) {
        names.insert(name.to_owned(), object.to_owned());
    }
}

/// Adds what `statement`, a whole one, needs.
pub(super) fn add_needs(needs: &mut Needs, statement: &[u8], rules: QuoteRules) {
    let words = words(statement, rules);
    if !words.first().is_some_and(|word| word.is("create")) {
        return;
    }
    let Some(at) = words.iter().position(|word| word.is_any(&CREATED)) else { return };
    let rest = &words[at + 1..];
    let Some(first) = rest.iter().position(|word| word.is_name() && !word.is_any(&BEFORE_NAME)) else {
        return;
    };
    // MariaDB writes a trigger as it once was made: `shop.item_ai`.
    let qualified = rest.get(first + 1).is_some_and(|word| word.is_sign(b'.'));
    let Some(name) = rest.get(if qualified { first + 2 } else { first }) else { return };
    let (kind, name) = (&words[at], name.name());
    let object = |needs: &mut Needs, kind: &str| note(&mut needs.objects, kind, &name);
    if !kind.is_any(&["table", "view", "sequence"]) {
        let object = format!("{} `{name}`", kind.name().to_lowercase());
        rest.iter().filter(|word| word.kind == WordKind::Text).for_each(|text| {
            for qualifier in qualifiers(&text.text) {
                note(&mut needs.texts, &qualifier, &object);
            }
        });
    }
    // The tools write a placeholder of a view as a view or as a table, in a comment; the view itself follows.
    let placeholder = kind.is("table") && statement.starts_with(b"/*");
    if kind.is("table") && !placeholder {
        object(needs, kinds::TABLE);
        table_needs(needs, rest, &name);
        note_databases(&mut needs.referenced, statement, rules, &name);
    } else if kind.is("view") {
        object(needs, kinds::VIEW);
        note_databases(&mut needs.databases, statement, rules, &name);
        // The server's own functions are written without quotes.
        let calls =
            rest.windows(2).skip(1).any(|pair| pair[0].kind == WordKind::Name && pair[1].is_sign(b'('));
        if calls {
            object(needs, kinds::CALLING_VIEW);
        }
    } else if kind.is("function") {
        object(needs, kinds::FUNCTION);
        if !declares_itself(rest) {
            object(needs, kinds::UNDECLARED_FUNCTION);
        }
    } else {
        let same = [kinds::TRIGGER, kinds::PROCEDURE, kinds::PACKAGE, kinds::EVENT, kinds::SEQUENCE];
        if let Some(kind) = same.into_iter().find(|same| kind.is(same)) {
            object(needs, kind);
        }
    }
}

/// MariaDB writes its own functions as if they were those of databases, where their meaning depends on the SQL mode.
const BUILT_IN: [&str; 3] = ["mariadb_schema", "oracle_schema", "maxdb_schema"];

/// Words between the kind and the name.
const BEFORE_NAME: [&str; 4] = ["if", "not", "exists", "body"];

/// Words that stand in front of a dot, with or without quotes.
fn qualifiers(text: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.iter().enumerate().filter(|(_, byte)| **byte == b'.') {
        let before = text[..at].strip_suffix(b"`").unwrap_or(&text[..at]);
        let is_word = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte >= 0x80 || b"_$-".contains(byte);
        let length = before.iter().rev().take_while(is_word).count();
        if length > 0 {
            found.push(String::from_utf8_lossy(&before[before.len() - length..]).into_owned());
        }
    }
    found
}

/// Databases that must be there for the server to take the statement.
fn note_databases(
    databases: &mut BTreeMap<String, String>,
    statement: &[u8],
    rules: QuoteRules,
    object: &str,
) {
    for reference in references(statement, rules) {
        let built_in = reference.what == Referred::Routine
            && BUILT_IN.iter().any(|name| reference.database.eq_ignore_ascii_case(name));
        if reference.what != Referred::Database && !built_in {
            note(databases, &reference.database, object);
        }
    }
}

/// Whether a function says before its body what it does: with a binary log, others are refused (1418).
fn declares_itself(words: &[Word<'_>]) -> bool {
    let head = words.iter().take_while(|word| !word.is_any(&["begin", "return", "if", "declare"]));
    let head: Vec<&Word<'_>> = head.collect();
    let pair =
        |first: &str, second: &str| head.windows(2).any(|pair| pair[0].is(first) && pair[1].is(second));
    let determined = head.iter().any(|word| word.is("deterministic")) && !pair("not", "deterministic");
    determined || pair("no", "sql") || pair("reads", "sql")
}

/// Options of a table, from the words behind `TABLE`.
fn table_needs(needs: &mut Needs, words: &[Word<'_>], table: &str) {
    let mut depth = 0_usize;
    let mut facts = TableFacts::default();
    for (at, word) in words.iter().enumerate() {
        let value = || words[at + 1..].iter().find(|word| !word.is_sign(b'=')).map(Word::name);
        let follows = |second: &str| words.get(at + 1).is_some_and(|word| word.is(second));
        if word.is_sign(b'(') {
            depth += 1;
        } else if word.is_sign(b')') {
            depth = depth.saturating_sub(1);
        } else if word.is("foreign") && follows("key") {
            note(&mut needs.objects, kinds::FOREIGN_KEY, table);
        } else if word.is("tablespace") {
            if let Some(space) = value() {
                note(&mut needs.tablespaces, &space, table);
            }
        } else if word.is_any(&["data", "index"]) && follows("directory") {
            let directory = words[at + 2..].iter().find(|word| word.kind == WordKind::Text);
            if let Some(directory) = directory {
                note(&mut needs.directories, &directory.name(), table);
            }
        } else if depth == 0 && is_option(word) {
            let option = word.name().to_ascii_lowercase();
            facts.options.insert(option, value().unwrap_or_default().to_ascii_uppercase());
        }
    }
    facts.has_key = has_key(words);
    facts.add_to(needs, table);
}

/// Whether it is an option of a table that matters. MariaDB writes its own options in the quotes of names.
fn is_option(word: &Word<'_>) -> bool {
    word.is_any(&["engine", "row_format", "key_block_size", "encryption"]) || word.is_called("encrypted")
}

/// What tells of a table which settings take it.
#[derive(Debug, Default)]
struct TableFacts {
    options: BTreeMap<String, String>,
    has_key: bool,
}

impl TableFacts {
    fn add_to(&self, needs: &mut Needs, table: &str) {
        let option = |name: &str| self.options.get(name).map_or("", String::as_str);
        let engine = option("engine");
        if !engine.is_empty() {
            note(&mut needs.engines, engine, table);
        }
        if !self.has_key {
            // MariaDB asks it of InnoDB alone, MySQL of every engine.
            note(&mut needs.tables, &format!("{} {engine}", kinds::NO_KEY), table);
        }
        if option("encryption") == "Y" || option("encrypted") == "YES" {
            note(&mut needs.tables, kinds::ENCRYPTED, table);
        }
        if option("encrypted") == "NO" {
            note(&mut needs.tables, kinds::UNENCRYPTED, table);
        }
        if engine != "INNODB" {
            return;
        }
        let (format, block) = (option("row_format"), option("key_block_size"));
        let compressed = format == "COMPRESSED" || (format.is_empty() && !block.is_empty() && block != "0");
        if compressed {
            note(&mut needs.tables, kinds::COMPRESSED, table);
        }
        let known = ["", "DEFAULT", "DYNAMIC", "COMPACT", "REDUNDANT", "COMPRESSED"].contains(&format);
        let sized = matches!(block, "" | "0") || (compressed && ["1", "2", "4", "8", "16"].contains(&block));
        if !known || !sized {
            note(&mut needs.tables, kinds::LENIENT, table);
        }
    }
}

/// Whether the table has a primary key, or a unique one of columns without NULL.
fn has_key(words: &[Word<'_>]) -> bool {
    let mut never_null: BTreeSet<Vec<u8>> = BTreeSet::new();
    let mut depth = 0_usize;
    let mut column: Option<Vec<u8>> = None;
    for (at, word) in words.iter().enumerate() {
        let begins = depth == 1 && (words[at - 1].is_sign(b'(') || words[at - 1].is_sign(b','));
        if word.is_sign(b'(') {
            depth += 1;
        } else if word.is_sign(b')') {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return false;
            }
        } else if begins && word.kind == WordKind::Name {
            column = Some(word.text.to_vec());
        } else if begins && word.is("primary") {
            return true;
        } else if begins && word.is("unique") {
            let columns = words[at..].iter().skip_while(|word| !word.is_sign(b'(')).skip(1);
            let mut columns =
                columns.take_while(|word| !word.is_sign(b')')).filter(|word| !word.is_sign(b','));
            if columns.all(|word| word.kind == WordKind::Name && never_null.contains(word.text.as_ref())) {
                return true;
            }
        } else if depth == 1 && word.is("not") && words.get(at + 1).is_some_and(|word| word.is("null")) {
            never_null.extend(column.take());
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(statements: &[&str]) -> Needs {
        let mut needs = Needs::default();
        for statement in statements {
            add_needs(&mut needs, statement.as_bytes(), QuoteRules::default());
        }
        needs
    }

    fn needs_of_a_view(query: &str) -> Needs {
        needs(&[&format!("/*!50001 CREATE VIEW `v` AS {query} */")])
    }

    fn keys(names: &BTreeMap<String, String>) -> Vec<&str> {
        names.keys().map(String::as_str).collect()
    }

    #[test]
    fn objects_are_told_apart() {
        let needs = needs(&[
            "CREATE TABLE `t` (\n `a` int,\n CONSTRAINT `c` FOREIGN KEY (`a`) REFERENCES `third`.`t` (`a`)\n) ENGINE=InnoDB",
            "/*!50001 CREATE TABLE `p` (`a` int) */",
            "/*!50001 CREATE ALGORITHM=UNDEFINED */ /*!50013 DEFINER=`table`@`h` SQL SECURITY DEFINER */ /*!50001 VIEW `v` AS select `f`(`o`.`x`.`a`) from `o`.`x` */",
            "/*!50003 CREATE*/ /*!50017 DEFINER=`u`@`h`*/ /*!50003 TRIGGER x BEFORE UPDATE ON shop.item FOR EACH ROW SET @a = q.f(1)",
            "CREATE DEFINER=`u`@`%` FUNCTION `f`() RETURNS int READS SQL DATA return 1",
            "CREATE DEFINER=`u`@`%` PROCEDURE `p`() CREATE TABLE x (a int)",
            "/*!50106 CREATE*/ /*!50117 DEFINER=`root`@`localhost`*/ /*!50106 EVENT `e` ON SCHEDULE EVERY 1 DAY DO SET @a = 1",
            "CREATE SEQUENCE `s` start with 1",
            "CREATE DEFINER=`u`@`%` PACKAGE BODY `pk` AS FUNCTION g RETURN INT AS BEGIN RETURN 1; END; END",
        ]);
        let expected = [
            ("event", "e"),
            ("foreign key", "t"),
            ("function", "f"),
            ("package", "pk"),
            ("procedure", "p"),
            ("sequence", "s"),
            ("table", "t"),
            ("trigger", "x"),
            ("view", "v"),
            ("view with a function", "v"),
        ];
        let found: Vec<(&str, &str)> =
            needs.objects.iter().map(|(kind, name)| (kind.as_str(), name.as_str())).collect();
        assert_eq!(found, expected);
        let built_in = needs_of_a_view("select `oracle_schema`.concat('x'),mariadb_schema.length('y')");
        assert_eq!(keys(&built_in.databases), [""; 0]);
        // What a trigger names matters when it runs, not before.
        assert_eq!((keys(&needs.databases), keys(&needs.referenced)), (vec!["o"], vec!["third"]));
        assert_eq!(needs.databases["o"], "v");
    }

    #[test]
    fn texts_that_may_name_a_database_are_noticed() {
        let needs = needs(&[
            "CREATE DEFINER=`a`@`b` PROCEDURE `p`() begin set @s = 'insert into `shop`.audit select 1.5 from other.t'; end",
            "CREATE TABLE `t` (`a` int COMMENT 'see www.example.com')",
        ]);
        assert_eq!(keys(&needs.texts), ["1", "other", "shop"]);
        assert_eq!(needs.texts["shop"], "procedure `p`");
    }

    #[test]
    fn functions_that_a_binary_log_refuses_are_noticed() {
        for (head, declared) in [
            ("() RETURNS int DETERMINISTIC begin return 1; end", true),
            ("() RETURNS int NO SQL return 1", true),
            ("() RETURNS int NOT DETERMINISTIC READS SQL DATA return 1", true),
            ("() RETURNS int NOT DETERMINISTIC return 1", false),
            ("() RETURNS int MODIFIES SQL DATA begin /* DETERMINISTIC */ return 'NO SQL'; end", false),
        ] {
            let needs = needs(&[&format!("CREATE DEFINER=`a`@`b` FUNCTION `f`{head}")]);
            assert_eq!(needs.objects.contains_key(kinds::UNDECLARED_FUNCTION), !declared, "{head}");
        }
    }

    #[test]
    fn options_of_tables_are_noticed() {
        let of = |rest: &str| {
            needs(&[&format!("CREATE TABLE `t` (\n  `engine` int NOT NULL,\n  `b` int DEFAULT NULL{rest}")])
        };
        for (rest, tables) in [
            (",\n PRIMARY KEY (`b`)\n) ENGINE=InnoDB", vec![]),
            (",\n UNIQUE KEY `u` (`engine`)\n) ENGINE=InnoDB", vec![]),
            (",\n UNIQUE KEY `u` (`engine`,`b`)\n) ENGINE=MyISAM", vec!["no key MYISAM"]),
            (
                ",\n UNIQUE KEY `u` (`b`)\n) ENGINE=InnoDB ROW_FORMAT=COMPRESSED",
                vec!["compressed", "no key INNODB"],
            ),
            (
                ",\n PRIMARY KEY (`b`)\n) ENGINE=InnoDB ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=3",
                vec!["compressed", "lenient"],
            ),
            (",\n PRIMARY KEY (`b`)\n) ENGINE=InnoDB KEY_BLOCK_SIZE=8", vec!["compressed"]),
            (",\n PRIMARY KEY (`b`)\n) ENGINE=InnoDB ROW_FORMAT=DYNAMIC KEY_BLOCK_SIZE=8", vec!["lenient"]),
            (",\n PRIMARY KEY (`b`)\n) ENGINE=InnoDB ROW_FORMAT=FIXED COMMENT='ENGINE=x'", vec!["lenient"]),
            (",\n PRIMARY KEY (`b`)\n) ENGINE=MyISAM ROW_FORMAT=FIXED", vec![]),
        ] {
            assert_eq!(keys(&of(rest).tables), tables, "{rest}");
        }
        let needs = of(
            ",\n PRIMARY KEY (`b`)\n) /*!50100 TABLESPACE `ts` */ ENGINE=InnoDB DATA DIRECTORY='/a' \n/*!50100 PARTITION BY HASH (`b`)\n(PARTITION p0 DATA DIRECTORY = '/b' ENGINE = InnoDB) */",
        );
        assert_eq!(keys(&needs.tablespaces), ["ts"]);
        assert_eq!(keys(&needs.directories), ["/a", "/b"]);
        assert_eq!(keys(&needs.engines), ["INNODB"]);
    }
}
