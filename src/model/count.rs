//! A number with its noun, for people.

use std::fmt;

/// A number and its noun: `1 table`, `12345 rows`; `12,345 rows` as `{:#}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count<'a>(pub u64, pub &'a str);

impl Count<'_> {
    /// The count of a list with `number` elements.
    pub fn len(number: usize, noun: &str) -> Count<'_> {
        Count(number as u64, noun)
    }
}

impl fmt::Display for Count<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number, noun) = self;
        let digits = number.to_string();
        for (at, digit) in digits.chars().enumerate() {
            if f.alternate() && at > 0 && (digits.len() - at).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        write!(f, " {noun}{}", if *number == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_thousands_are_set_apart() {
        let text = |number| Count(number, "row").to_string();
        assert_eq!([0, 1, 2, 1000].map(text), ["0 rows", "1 row", "2 rows", "1000 rows"]);
        let text = |number| format!("{:#}", Count(number, "row"));
        assert_eq!([999, 1000, 12_345_678].map(text), ["999 rows", "1,000 rows", "12,345,678 rows"]);
    }
}
