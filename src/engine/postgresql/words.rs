//! The words of a statement of PostgreSQL: keywords and names.

/// One word of a statement: a keyword or a name, quotes taken off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// As written, when it was not quoted.
    pub(super) bare: String,
    /// The name it is, quoted or not.
    pub(super) name: String,
}

/// The words of a statement; strings and punctuation are left out.
pub(super) fn words(statement: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut chars = statement.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\'' => skip_string(&mut chars),
            '"' => words.push(Word { bare: String::new(), name: quoted_name(&mut chars) }),
            char if is_word(char) => {
                let mut word = String::from(char);
                while let Some(next) = chars.next_if(|next| is_word(*next)) {
                    word.push(next);
                }
                words.push(Word { bare: word.clone(), name: word });
            }
            ',' | ';' | '(' | ')' => words.push(Word { bare: char.to_string(), name: String::new() }),
            _ => {}
        }
    }
    words
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_' || char == '$' || !char.is_ascii()
}

fn skip_string(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while let Some(char) = chars.next() {
        if char == '\'' && chars.next_if_eq(&'\'').is_none() {
            return;
        }
    }
}

fn quoted_name(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let mut name = String::new();
    while let Some(char) = chars.next() {
        if char == '"' && chars.next_if_eq(&'"').is_none() {
            break;
        }
        name.push(char);
    }
    name
}
