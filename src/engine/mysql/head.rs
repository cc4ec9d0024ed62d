//! What a statement of a dump is, by its first bytes.

use std::borrow::Cow;
use std::ops::Range;

/// What matters of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Statement {
    /// `CREATE TABLE`, and not the placeholder of a view.
    CreateTable(String),
    /// Rows for a table; whether columns are named before them.
    Insert { table: String, columns: bool },
    /// A trigger, and the table it belongs to.
    Trigger { table: String },
    /// Something else about a table: dropping, keys.
    About { table: String, drops: bool },
    /// `LOCK TABLES` or `UNLOCK TABLES`.
    Lock,
    /// A setting of the session.
    Session,
    /// A view, routine, event or sequence.
    Other,
}

/// One token, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token<'a> {
    text: Cow<'a, [u8]>,
    pub(super) quoted: bool,
    pub(super) place: Range<usize>,
}

impl Token<'_> {
    /// Whether it is this word, in letters of any case and not in quotes.
    pub(super) fn is(&self, word: &str) -> bool {
        !self.quoted && self.text.eq_ignore_ascii_case(word.as_bytes())
    }

    /// Its text, without quotes.
    pub(super) fn name(&self) -> String {
        String::from_utf8_lossy(&self.text).into_owned()
    }
}

/// Walks over the tokens of a head, through comments that hold code.
pub(super) struct Tokens<'a> {
    head: &'a [u8],
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(head: &'a [u8]) -> Self {
        Self { head, at: 0 }
    }

    /// Behind the last token.
    pub(super) fn place(&self) -> usize {
        self.at
    }

    /// Over white space and the signs around code in comments.
    fn skip(&mut self) {
        loop {
            let rest = &self.head[self.at..];
            if rest.first().is_some_and(u8::is_ascii_whitespace) {
                self.at += 1;
            } else if rest.starts_with(b"*/") {
                self.at += 2;
            } else if let Some(code) = rest.strip_prefix(b"/*!").or_else(|| rest.strip_prefix(b"/*M!")) {
                let digits = code.iter().take_while(|byte| byte.is_ascii_digit()).count();
                self.at = self.head.len() - code.len() + digits;
            } else {
                return;
            }
        }
    }

    fn quoted(&mut self, quote: u8) -> Token<'a> {
        let begin = self.at;
        let mut text = Vec::new();
        self.at += 1;
        while let Some(byte) = self.head.get(self.at) {
            self.at += 1;
            if *byte == quote {
                if self.head.get(self.at) != Some(&quote) {
                    break;
                }
                self.at += 1;
            } else if *byte == b'\\' && quote == b'\'' {
                text.extend(self.head.get(self.at));
                self.at += 1;
                continue;
            }
            text.push(*byte);
        }
        self.at = self.at.min(self.head.len());
        Token { text: Cow::Owned(text), quoted: true, place: begin..self.at }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip();
        let begin = self.at;
        let first = *self.head.get(begin)?;
        if matches!(first, b'`' | b'"' | b'\'') {
            return Some(self.quoted(first));
        }
        let is_word = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte >= 0x80 || b"_$.%".contains(byte);
        let length = self.head[begin..].iter().take_while(is_word).count().max(1);
        self.at = begin + length;
        let text = Cow::Borrowed(&self.head[begin..self.at]);
        Some(Token { text, quoted: false, place: begin..self.at })
    }
}

/// Words that may stand between `INSERT` or `REPLACE` and the table.
const INSERT_WORDS: [&str; 4] = ["into", "ignore", "delayed", "low_priority"];

/// What the statement that begins with `head` is.
pub(super) fn statement(head: &[u8]) -> Statement {
    let mut tokens = Tokens::of(head);
    let Some(first) = tokens.next() else { return Statement::Other };
    if first.is("insert") || first.is("replace") {
        let table = tokens.find(|token| token.quoted || !INSERT_WORDS.iter().any(|word| token.is(word)));
        let columns = tokens.next().is_some_and(|token| token.is("("));
        return table.map_or(Statement::Other, |table| Statement::Insert { table: table.name(), columns });
    }
    if first.is("lock") || first.is("unlock") {
        return Statement::Lock;
    }
    if first.is("set") || first.is("commit") {
        return Statement::Session;
    }
    if first.is("drop") || first.is("alter") {
        let Some(kind) = tokens.next() else { return Statement::Other };
        let table = tokens.find(|token| token.quoted || !(token.is("if") || token.is("exists")));
        return match table {
            Some(table) if kind.is("table") || kind.is("tables") => {
                Statement::About { table: table.name(), drops: first.is("drop") }
            }
            _ => Statement::Other,
        };
    }
    if first.is("create") { created(head, tokens) } else { Statement::Other }
}

/// What `CREATE` creates.
fn created(head: &[u8], mut tokens: Tokens<'_>) -> Statement {
    let placeholder = head.starts_with(b"/*");
    while let Some(token) = tokens.next() {
        if token.is("table") && !placeholder {
            let skipped = ["if", "not", "exists"];
            let name = tokens.find(|token| token.quoted || !skipped.iter().any(|word| token.is(word)));
            return name.map_or(Statement::Other, |name| Statement::CreateTable(name.name()));
        }
        if token.is("trigger") {
            let mut name_follows =
                tokens.by_ref().skip_while(|token| token.quoted || !token.is("on")).skip(1);
            let table = name_follows.next();
            return table
                .map_or(Statement::Other, |table| Statement::Trigger { table: last_name(&table, tokens) });
        }
        let ends = ["view", "procedure", "function", "event", "sequence", "package", "table", "("];
        if ends.iter().any(|word| token.is(word)) {
            return Statement::Other;
        }
    }
    Statement::Other
}

/// The table of `database.table` and of `table`: in MariaDB a trigger is written as it once was made.
fn last_name(first: &Token<'_>, mut rest: Tokens<'_>) -> String {
    if !first.quoted {
        let name = first.name();
        return name.rsplit('.').next().unwrap_or_default().to_owned();
    }
    match rest.next() {
        Some(dot) if dot.is(".") => rest.next().map_or_else(|| first.name(), |token| token.name()),
        Some(joined) if !joined.quoted && joined.text.starts_with(b".") => joined.name().split_off(1),
        _ => first.name(),
    }
}

/// The view that the statement creates, also as a placeholder.
pub(super) fn created_view(head: &[u8]) -> Option<String> {
    let mut tokens = Tokens::of(head);
    tokens.next().filter(|token| token.is("create"))?;
    let ends = ["table", "procedure", "function", "event", "sequence", "package", "trigger", "("];
    let view = tokens.find(|token| token.is("view") || ends.iter().any(|word| token.is(word)))?;
    if !view.is("view") {
        return None;
    }
    tokens.next().map(|token| token.name())
}

/// Whether the statement creates an event.
pub(super) fn creates_event(head: &[u8]) -> bool {
    let mut tokens = Tokens::of(head);
    if !tokens.next().is_some_and(|token| token.is("create")) {
        return false;
    }
    let kinds = ["event", "table", "view", "procedure", "function", "sequence", "package", "trigger", "("];
    let kind = tokens.find(|token| kinds.iter().any(|kind| token.is(kind)));
    kind.is_some_and(|kind| kind.is("event"))
}

/// The definer of a view, routine, trigger or event: where it stands, and who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Definer {
    /// From `DEFINER` to behind the account.
    pub(super) place: Range<usize>,
    /// "root@localhost".
    pub(super) account: String,
}

/// The definer in the head of a `CREATE` statement, if it names one.
pub(super) fn definer(head: &[u8]) -> Option<Definer> {
    let mut tokens = Tokens::of(head);
    if !tokens.next()?.is("create") {
        return None;
    }
    // In front of it stand a few words at most; behind it begins what users wrote.
    for _ in 0..12 {
        let token = tokens.next()?;
        if !token.is("definer") {
            let stops = ["table", "view", "trigger", "procedure", "function", "event", "package"];
            if token.quoted || stops.iter().any(|word| token.is(word)) {
                return None;
            }
            continue;
        }
        tokens.next().filter(|token| token.is("="))?;
        let user = tokens.next()?;
        let mut last = user.place.end;
        let mut account = user.name();
        if head.get(last) == Some(&b'@') {
            tokens.next();
            let host = tokens.next()?;
            account = format!("{account}@{}", host.name());
            last = host.place.end;
        }
        return Some(Definer { place: token.place.start..last, account });
    }
    None
}

/// What a statement about an account is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subject {
    /// `user@host`, or the role.
    pub(super) account: String,
    /// Whether it creates the account.
    pub(super) creates: bool,
    /// Whether it speaks of a single table or routine, which must be there.
    pub(super) on_object: bool,
}

/// The account that `CREATE USER`, `CREATE ROLE`, `GRANT`, `REVOKE` or `SET DEFAULT ROLE` is about.
pub(super) fn account_of(statement: &str) -> Option<Subject> {
    let tokens: Vec<Token<'_>> = Tokens::of(statement.as_bytes()).collect();
    let first = tokens.first()?;
    let creates = first.is("create");
    let after = |words: &[&str]| tokens.iter().position(|token| words.iter().any(|word| token.is(word)));
    let at = if creates || first.is("alter") {
        after(&["user", "role"])? + if tokens.get(2)?.is("if") { 4 } else { 1 }
    } else if first.is("grant") {
        after(&["to"])? + 1
    } else if first.is("revoke") {
        after(&["from"])? + 1
    } else if first.is("set") {
        after(&["for"])? + 1
    } else {
        return None;
    };
    let user = tokens.get(at)?.name();
    let host = tokens.get(at + 1).filter(|token| token.is("@")).and_then(|_| tokens.get(at + 2));
    let account = host.map_or_else(|| user.clone(), |host| format!("{user}@{}", host.name()));
    // `ON db.*` and `ON *.*` name no object; `ON db.table` and `ON PROCEDURE db.name` do.
    let target = after(&["on"]).filter(|on| *on < at).map(|on| &tokens[on + 1..at - 1]);
    let on_object = target
        .is_some_and(|target| !target.iter().any(|token| !token.quoted && token.text.contains(&b'*')))
        && target
            .is_some_and(|target| target.iter().any(|token| !token.quoted && token.text.starts_with(b".")));
    Some(Subject { account, creates, on_object })
}
