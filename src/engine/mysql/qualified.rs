//! Names of databases inside a statement: `shop`.`item` in a view, `shop.audit` in a trigger, `shop`.`s` in a default.
//!
//! Two names with a dot between them are either a table of a database or a column of a table. Where they stand tells: the
//! grammar allows tables after certain keywords only, and columns nowhere there.

use super::words::{Kind, QuoteRules, Word, words};
use std::ops::Range;

/// Where a statement names a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    /// The database.
    pub(super) database: String,
    /// Where its name stands, with its quotes.
    pub(super) place: Range<usize>,
    pub(super) what: Referred,
}

/// What of that database is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Referred {
    /// A table, a view, a sequence, or a trigger.
    Table,
    Routine,
    /// The database itself.
    Database,
}

/// Keywords behind which something of a database is named.
const INTRODUCING: [&str; 17] = [
    "table",
    "tables",
    "view",
    "trigger",
    "procedure",
    "function",
    "event",
    "sequence",
    "package",
    "body",
    "library",
    "call",
    "references",
    "describe",
    "truncate",
    "handler",
    "join",
];

/// Keywords that may stand between those and the name.
const BETWEEN: [&str; 15] = [
    "if",
    "not",
    "exists",
    "ignore",
    "low_priority",
    "high_priority",
    "delayed",
    "quick",
    "only",
    "lateral",
    "temporary",
    "into",
    "extended",
    "or",
    "replace",
];

/// Keywords that end a list of tables.
const ENDING: [&str; 18] = [
    "where",
    "set",
    "group",
    "order",
    "having",
    "limit",
    "values",
    "value",
    "union",
    "except",
    "intersect",
    "window",
    "for",
    "begin",
    "then",
    "else",
    "do",
    "loop",
];

/// Functions of sequences, whose argument is a sequence.
const SEQUENCE_FUNCTIONS: [&str; 3] = ["nextval", "lastval", "setval"];

/// What is known inside one pair of parentheses.
#[derive(Debug, Clone, Copy, Default)]
struct Level {
    /// A query or a change has begun: `FROM` is not that of `TRIM(… FROM …)`.
    query: bool,
    /// In a list of tables: a comma is followed by another.
    list: bool,
    /// The next name is that of a table.
    table: bool,
}

/// Every place of `statement` that names a database.
pub(super) fn references(statement: &[u8], rules: QuoteRules) -> Vec<Reference> {
    let words = words(statement, rules);
    let outer = Level { query: true, ..Level::default() };
    let mut walk = Walk { words: &words, levels: vec![outer], trigger: false, found: Vec::new() };
    let mut at = 0;
    while at < words.len() {
        at += walk.step(at);
    }
    walk.found
}

/// `statement` with the database `from` called `to` wherever it is named; `None` where it is not.
pub(super) fn renamed(statement: &[u8], rules: QuoteRules, change: &Renaming) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(statement.len() + 64);
    let mut done = 0;
    let found = references(statement, rules);
    for reference in found.iter().filter(|reference| change.concerns(&reference.database)) {
        text.extend_from_slice(&statement[done..reference.place.start]);
        text.extend_from_slice(super::quote::identifier(&change.to).as_bytes());
        done = reference.place.end;
    }
    if done == 0 {
        return None;
    }
    text.extend_from_slice(&statement[done..]);
    Some(text)
}

/// A database that gets another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Renaming {
    pub(super) from: String,
    pub(super) to: String,
    /// Whether names that differ in case alone are the same.
    pub(super) folds_case: bool,
}

impl Renaming {
    /// Whether `database` is the one.
    pub(super) fn concerns(&self, database: &str) -> bool {
        self.from == database || (self.folds_case && self.from.to_lowercase() == database.to_lowercase())
    }
}

struct Walk<'w> {
    words: &'w [Word<'w>],
    levels: Vec<Level>,
    /// In the head of a trigger, whose `ON` is followed by its table.
    trigger: bool,
    found: Vec<Reference>,
}

impl Walk<'_> {
    /// Takes the word at `at`; how many words it was.
    fn step(&mut self, at: usize) -> usize {
        let word = &self.words[at];
        match word.kind {
            Kind::Text => {
                self.level().table = false;
                1
            }
            Kind::Sign => {
                self.sign(at);
                1
            }
            Kind::Plain | Kind::Name => {
                let parts = self.parts(at);
                if parts > 1 || word.kind == Kind::Name || !self.keyword(at) {
                    self.chain(at, parts);
                }
                2 * parts - 1
            }
        }
    }

    fn level(&mut self) -> &mut Level {
        if self.levels.is_empty() {
            self.levels.push(Level::default());
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    fn before(&self, at: usize, keywords: &[&str]) -> bool {
        at > 0 && self.words[at - 1].is_any(keywords)
    }

    fn sign_at(&self, at: usize, sign: u8) -> bool {
        self.words.get(at).is_some_and(|word| word.is_sign(sign))
    }

    /// How many names are joined by dots from here on.
    fn parts(&self, at: usize) -> usize {
        let mut parts = 1;
        if !self.words[at].is_name() {
            return parts;
        }
        while self.sign_at(at + 2 * parts - 1, b'.')
            && self.words.get(at + 2 * parts).is_some_and(Word::is_name)
        {
            parts += 1;
        }
        parts
    }

    fn sign(&mut self, at: usize) {
        match *self.words[at].text {
            [b'('] => {
                let outer = *self.level();
                // `FROM (a JOIN b)`, `UNION=(a, b)` of a MERGE table, and `NEXTVAL(s)`.
                let merge = at > 1 && self.sign_at(at - 1, b'=') && self.words[at - 2].is("union");
                let list = (outer.list && outer.table) || merge;
                let table = list || self.before(at, &SEQUENCE_FUNCTIONS);
                self.levels.push(Level { query: false, list, table });
            }
            [b')'] => {
                self.levels.pop();
                self.level().table = false;
            }
            [b','] => {
                let level = self.level();
                level.table = level.list;
            }
            [b';'] => *self.level() = Level { query: true, ..Level::default() },
            _ => self.level().table = false,
        }
    }

    /// Whether the word at `at` is a keyword that matters.
    fn keyword(&mut self, at: usize) -> bool {
        let word = &self.words[at];
        let follows = |keywords: &[&str]| self.before(at, keywords);
        let event = follows(&["after", "before", "or", "on", "for", "key"]) || self.trigger;
        let next = |level: &mut Level, list: bool| {
            *level = Level { query: true, list, table: true };
        };
        if word.is("select") {
            *self.level() = Level { query: true, ..Level::default() };
        } else if word.is("from") {
            let level = self.level();
            if level.query {
                next(level, true);
            } else {
                level.table = false;
            }
        } else if word.is_any(&["update", "delete"]) {
            if !event {
                next(self.level(), true);
            }
        } else if word.is_any(&["insert", "replace"]) && !self.sign_at(at + 1, b'(') {
            if !event {
                next(self.level(), false);
            }
        } else if word.is("on") {
            self.level().table = self.trigger;
            self.trigger = false;
        } else if word.is_any(&["using", "straight_join"]) {
            let level = self.level();
            level.table = level.list;
        } else if word.is_any(&["database", "schema"]) {
            self.whole_database(at);
        } else if word.is_any(&INTRODUCING) {
            self.trigger |= word.is("trigger");
            let level = self.level();
            let list = level.list && word.is("join") || follows_drop(self.words, at) || word.is("tables");
            let level = self.level();
            level.list = list;
            level.table = true;
        } else if word.is("like") {
            let created = self.words[..at].iter().rev().take(6).any(|word| word.is("table"));
            self.level().table = created;
        } else if word.is("for") && follows(&["value"]) || word.is("of") && follows(&["type"]) {
            self.level().table = true;
        } else if word.is_any(&ENDING) {
            let query = self.level().query;
            *self.level() = Level { query, ..Level::default() };
        } else {
            return word.is_any(&BETWEEN);
        }
        true
    }

    /// `ALTER DATABASE shop`: a name alone.
    fn whole_database(&mut self, at: usize) {
        let rest = self.words.iter().skip(at + 1);
        let name = rest.skip_while(|word| word.is_any(&BETWEEN)).take(1).find(|word| word.is_name());
        if let Some(name) = name.filter(|name| !name.is_any(&["character", "charset", "collate", "default"]))
        {
            let (database, place) = (name.name(), name.place.clone());
            self.found.push(Reference { database, place, what: Referred::Database });
        }
    }

    /// A name, or several that are joined by dots.
    fn chain(&mut self, at: usize, parts: usize) {
        let table = std::mem::take(&mut self.level().table);
        // `@a.b` is one variable, and `.b` goes on with what is no name.
        let whole = at == 0 || !(self.sign_at(at - 1, b'@') || self.sign_at(at - 1, b'.'));
        let after = at + 2 * parts - 1;
        let routine = self.sign_at(after, b'(') && !table || self.before(at, &["call"]);
        let row_type =
            self.sign_at(after, b'%') && self.words.get(after + 1).is_some_and(|word| word.is("rowtype"));
        if whole && (parts > 2 || (parts == 2 && (table || routine || row_type))) {
            let first = &self.words[at];
            let what = if routine { Referred::Routine } else { Referred::Table };
            self.found.push(Reference { database: first.name(), place: first.place.clone(), what });
        }
    }
}

/// `DROP TABLE a, b` names several.
fn follows_drop(words: &[Word<'_>], at: usize) -> bool {
    let before = &words[..at];
    before.iter().rev().find(|word| !word.is("temporary")).is_some_and(|word| word.is("drop"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The statement with `shop` called `copy`.
    fn copied(statement: &str) -> String {
        let change = Renaming { from: "shop".to_owned(), to: "copy".to_owned(), folds_case: false };
        let renamed = renamed(statement.as_bytes(), QuoteRules::default(), &change);
        renamed.map_or_else(|| statement.to_owned(), |text| String::from_utf8(text).unwrap())
    }

    #[test]
    fn what_names_the_database_is_renamed() {
        for statement in [
            "ALTER DATABASE @ CHARACTER SET utf8mb4",
            "CREATE DEFINER=`a`@`b` TRIGGER @.`t` AFTER INSERT ON @.item FOR EACH ROW INSERT INTO @.audit(w) VALUES (1)",
            "create trigger t before update on @.item for each row begin update @.a, @.b set x = 1; delete from @.c; end",
            "CREATE TABLE `o` (`id` bigint DEFAULT nextval(@.`s`), `n` int DEFAULT (lastval(@.`s`) + 1), CHECK (@.`o`.`n` > 0))",
            "CREATE TABLE m (a int) ENGINE=MRG_MyISAM UNION=(@.`m1`,@.`m2`,`m3`)",
            "CREATE TABLE f (a int, FOREIGN KEY (`a`) REFERENCES @.`item` (`id`) ON DELETE CASCADE ON UPDATE SET NULL)",
            "/*!50001 VIEW `v` AS select @.`f`(`i`.`id`),extract(year from `i`.`d`) from (@.`item` `i` join `third`.`t` `x` on(`x`.`a` = `i`.`id`))",
            "create view v as select @.pk.g(), @.item.id from @.item where exists(select 1 from (@.a, @.b) where @.a.x = 1)",
            "create procedure p() begin declare c cursor for select n from item, @.x; call @.q; set y = @.f(1); end",
            "create procedure p() begin replace into @.a select * from b; truncate table @.a; drop table if exists @.t, @.u; end",
            "create procedure p() begin declare r row type of @.item; declare s @.item.n%TYPE; declare u @.item%ROWTYPE; end",
            "create event e on schedule every 1 day do insert into @.audit select next value for @.s",
            "create function f() returns int return (select max(id) from @.item)",
            "create procedure p() with c as (select 1 from @.a) select * from c left join @.b using (id) where 1 in (select 1 from @.d)",
            "create procedure p() if exists (select 1 from @.a) then delete @.a from @.a join @.b; else lock tables @.a read, @.b write; end if",
        ] {
            let (before, after) = (statement.replace('@', "`shop`"), statement.replace('@', "`copy`"));
            let (before, after) =
                (before.replace("`a``shop``b`", "`a`@`b`"), after.replace("`a``copy``b`", "`a`@`b`"));
            assert_eq!(copied(&before), after);
            // Without quotes, and with space around dots.
            assert_eq!(copied(&before.replace("`shop`", "shop")), after);
        }
    }

    #[test]
    fn what_only_looks_like_it_stays() {
        for statement in [
            "create procedure p() insert into audit(w) select shop.n from item shop where shop.id > 1 and f(shop.a, shop.b)",
            "create procedure p() update item shop set shop.n = 1 where shop.id = 2",
            "create procedure p() insert into a (x) select shop.x from b shop on duplicate key update x = shop.y",
            "create trigger t after update on item for each row set @shop.x = new.shop",
            "create view v as select `shop`.`id` AS `id`,trim(leading `shop`.`a` from `shop`.`b`) from `item` `shop` order by `shop`.`a`,`shop`.`b`",
            "create procedure p() select 'shop.item', \"shop.item\" /* shop.item */ -- from shop.item\n from shop",
            "create procedure p() select replace(shop.a, shop.b, shop.c), insert(shop.a, 1, 2, shop.b) from x shop group by shop.a, shop.b",
            "CREATE TABLE `shop` (`shop` int COMMENT 'from shop.item', KEY `shop` (`shop`))",
            "create procedure p() select 1 from a join b on a.x = b.x and shop.y like shop.z",
            "create procedure p() select 1.5, shop.5",
        ] {
            assert_eq!(copied(statement), statement);
        }
    }

    #[test]
    fn names_in_double_quotes_are_names_where_the_mode_says_so() {
        let change = Renaming { from: "shop".to_owned(), to: "a`b".to_owned(), folds_case: true };
        let rules = QuoteRules { quoted_names: true, ..QuoteRules::default() };
        let text = renamed(b"insert into \"SHOP\".\"x\" values ('y')", rules, &change).unwrap();
        assert_eq!(text, b"insert into `a``b`.\"x\" values ('y')");
        assert_eq!(renamed(b"insert into \"SHOP\".\"x\" values ('y')", QuoteRules::default(), &change), None);
    }

    #[test]
    fn no_input_is_too_odd() {
        for statement in [")))", "(((", "from", ".", "a.", ".a.b", "@", "alter database", "union=(", "for of"]
        {
            let _ = references(statement.as_bytes(), QuoteRules::default());
        }
    }
}
