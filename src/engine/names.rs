//! Names that people ask for: matched by pattern, or missed by a letter.

use crate::engine::EngineError;
use crate::model::help;

/// Whether `name` matches `pattern`, in which `*` is any text and `?` any character.
pub(in crate::engine) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, n));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == name[n]) {
            p += 1;
            n += 1;
        } else if let Some((star_p, star_n)) = star {
            p = star_p + 1;
            n = star_n + 1;
            star = Some((star_p, n));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|char| *char == '*')
}

/// The first few of `names`, and how many more there are: "a, b, c and 4 more".
pub(in crate::engine) fn some_of(names: impl ExactSizeIterator<Item = String>) -> String {
    const SHOWN: usize = 3;
    let more = names.len().saturating_sub(SHOWN);
    let mut text = names.take(SHOWN).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// That there is no `name` of this `kind` in `place`, with what comes close or what there is.
pub(in crate::engine) fn not_found<'a>(
    kind: &str,
    name: &str,
    place: &str,
    existing: impl IntoIterator<Item = &'a str>,
) -> EngineError {
    const SHOWN: usize = 5;
    let mut ranked: Vec<(usize, &str)> = existing
        .into_iter()
        .map(|other| (strsim::damerau_levenshtein(&name.to_lowercase(), &other.to_lowercase()), other))
        .collect();
    ranked.sort_unstable();
    ranked.dedup();
    let near = ranked.iter().filter(|(distance, other)| {
        *distance <= 1 + name.chars().count() / 4 || other.to_lowercase().contains(&name.to_lowercase())
    });
    let near: Vec<String> = near.take(SHOWN).map(|(_, other)| format!("`{other}`")).collect();
    let help = if !near.is_empty() {
        help!("Did you mean {}?", near.join(" or "))
    } else if ranked.is_empty() {
        help!("There is no {kind}{place} at all.")
    } else {
        let mut all: Vec<&str> = ranked.iter().map(|(_, other)| *other).collect();
        all.sort_unstable();
        let more = if all.len() > SHOWN { ", …" } else { "" };
        let shown: Vec<String> = all.iter().take(SHOWN).map(|other| format!("`{other}`")).collect();
        help!("There are {}{more}.", shown.join(", "))
    };
    EngineError::NotFound { what: format!("{kind} `{name}`"), place: place.to_owned(), help }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("test_*", "test_1", true),
            ("test_*", "my_test_1", false),
            ("*_old", "a_old_old", true),
            ("a?c", "aäc", true),
            ("a?c", "ac", false),
            ("**x*", "abx", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_missed_name_tells_what_comes_close_or_what_there_is() {
        let error = not_found("database", "shpo", " on db:5432", ["shop", "billing"]);
        let EngineError::NotFound { help, .. } = &error else { panic!() };
        assert_eq!(
            (error.to_string().as_str(), &**help),
            ("database `shpo` not found on db:5432", "Did you mean `shop`?")
        );
        let EngineError::NotFound { help, .. } = not_found("table", "zzz", "", ["b", "a"]) else { panic!() };
        assert_eq!(&*help, "There are `a`, `b`.");
    }
}
