//! What a value of each type looks like in an RDB stream: enough to know where it ends.

use super::Dialect;

/// One piece of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    /// So many bytes.
    Bytes(u64),
    /// A number in the variable-length form.
    Number,
    /// A string: plain, a small integer, or compressed.
    Text,
    /// A number as text, with a byte of length that has special values (sorted sets before RDB 8).
    Score,
    /// A number, and so many times these.
    Times(&'static [Item]),
    /// What a module wrote: items with a type each, up to an end mark.
    Module,
}

use Item::{Bytes, Module, Number, Score, Text, Times};

pub(super) const NUMBER: &[Item] = &[Number];
pub(super) const TEXT: &[Item] = &[Text];
pub(super) const TWO_NUMBERS: &[Item] = &[Number, Number];
pub(super) const THREE_NUMBERS: &[Item] = &[Number, Number, Number];
pub(super) const TWO_TEXTS: &[Item] = &[Text, Text];
pub(super) const MODULE_AUXILIARY: &[Item] = &[Number, Number, Number, Module];
pub(super) const SLOT_IMPORT: &[Item] = &[Text, Times(TWO_NUMBERS)];
pub(super) const ONE_BYTE: &[Item] = &[Bytes(1)];
pub(super) const FOUR_BYTES: &[Item] = &[Bytes(4)];
pub(super) const EIGHT_BYTES: &[Item] = &[Bytes(8)];

const TEXTS: &[Item] = &[Times(TEXT)];
const PAIRS: &[Item] = &[Times(TWO_TEXTS)];
/// Radix tree of listpacks: first identifier and nodes; then length and last identifier.
const STREAM_1: &[Item] = &[Times(TWO_TEXTS), Number, Number, Number, Times(GROUP_1)];
/// And first identifier, largest deleted one, entries added; groups know how much they have read.
const STREAM_2: &[Item] =
    &[Times(TWO_TEXTS), Number, Number, Number, Number, Number, Number, Number, Number, Times(GROUP_2)];
/// And consumers know when they were last active.
const STREAM_3: &[Item] =
    &[Times(TWO_TEXTS), Number, Number, Number, Number, Number, Number, Number, Number, Times(GROUP_3)];
const GROUP_1: &[Item] = &[Text, Number, Number, Times(PENDING), Times(CONSUMER_1)];
const GROUP_2: &[Item] = &[Text, Number, Number, Number, Times(PENDING), Times(CONSUMER_1)];
const GROUP_3: &[Item] = &[Text, Number, Number, Number, Times(PENDING), Times(CONSUMER_3)];
/// Identifier, time of delivery, count of deliveries.
const PENDING: &[Item] = &[Bytes(16), Bytes(8), Number];
const CONSUMER_1: &[Item] = &[Text, Bytes(8), Times(&[Bytes(16)])];
const CONSUMER_3: &[Item] = &[Text, Bytes(8), Bytes(8), Times(&[Bytes(16)])];

/// The shape of a value of type `kind`; `None` for one that is not known.
pub(super) fn value(kind: u8, dialect: Dialect) -> Option<&'static [Item]> {
    Some(match (kind, dialect) {
        // A string, or one of the encodings that are a string to the outside: zipmap, ziplist, intset, listpack.
        // 22 and 23 of Redis are hashes whose fields have times to live, and never left the previews.
        (0 | 9..=13 | 16 | 17 | 20, _) | (23, Dialect::Redis) => TEXT,
        (1 | 2 | 14, _) => TEXTS,
        (3, _) => &[Times(&[Text, Score])],
        (4, _) => PAIRS,
        (5, _) => &[Times(&[Text, Bytes(8)])],
        (7, _) => &[Number, Module],
        (15, _) => STREAM_1,
        (18, _) => &[Times(&[Number, Text])],
        (19, _) => STREAM_2,
        (21, _) => STREAM_3,
        (22, Dialect::Valkey) => &[Times(&[Text, Text, Bytes(8)])],
        (22, Dialect::Redis) => &[Times(&[Number, Text, Text])],
        (24, Dialect::Redis) => &[Bytes(8), Times(&[Number, Text, Text])],
        (25, Dialect::Redis) => &[Bytes(8), Text],
        _ => return None,
    })
}

/// The word that `TYPE` answers for a value of type `kind`; `None` for a module's.
pub(in crate::engine::redis) fn type_word(kind: u8) -> Option<&'static str> {
    Some(match kind {
        0 => "string",
        1 | 10 | 14 | 18 => "list",
        2 | 11 | 20 => "set",
        3 | 5 | 12 | 17 => "zset",
        4 | 9 | 13 | 16 | 22..=25 => "hash",
        15 | 19 | 21 => "stream",
        _ => return None,
    })
}

/// Whether fields of such a value have times to live of their own, so that it may vanish though its key has none.
pub(in crate::engine::redis) const fn has_fleeting_fields(kind: u8) -> bool {
    matches!(kind, 22..=25)
}

/// The name of a module's type: nine letters of six bits each stand above ten bits of version.
pub(in crate::engine::redis) fn module_word(id: u64) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    (0..9).map(|place| char::from(LETTERS[(id >> (58 - 6 * place) & 63) as usize])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_type_has_a_word_and_unknown_ones_have_no_shape() {
        for kind in 0..=255 {
            for dialect in [Dialect::Redis, Dialect::Valkey] {
                let known = value(kind, dialect).is_some();
                assert!(!known || kind == 7 || type_word(kind).is_some(), "{kind}");
            }
        }
        assert_eq!(value(6, Dialect::Redis), None);
        assert_eq!(value(26, Dialect::Redis), None);
        assert_eq!(value(23, Dialect::Valkey), None);
    }

    #[test]
    fn a_module_type_tells_its_name() {
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let id = b"ReJSON-RL".iter().fold(0u64, |id, letter| {
            id << 6 | letters.iter().position(|other| other == letter).unwrap() as u64
        });
        assert_eq!(module_word(id << 10 | 3), "ReJSON-RL");
    }
}
