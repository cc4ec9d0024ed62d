//! From the plain bytes of a dump to the packed stream.

use super::gauge::{Gauge, measure};
use crate::compress::compress;
use crate::model::{ByteReader, Codec};

/// How a part is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipe {
    /// The codec.
    pub codec: Codec,
    /// Its level, within [`crate::compress::levels`].
    pub level: i32,
}

/// What is measured while packing.
#[derive(Debug, Clone)]
pub struct PackGauges {
    /// The plain bytes: count.
    pub plain: Gauge,
    /// The packed bytes: count, and SHA-256 after the end.
    pub packed: Gauge,
}

impl PackGauges {
    /// Gauges at zero.
    pub fn new() -> Self {
        Self { plain: Gauge::counting(), packed: Gauge::hashing() }
    }
}

impl Default for PackGauges {
    fn default() -> Self {
        Self::new()
    }
}

/// Measures, compresses, measures and hashes. The end of file comes only after that of `source`; its error is passed
/// on.
pub fn pack<'a>(source: ByteReader<'a>, recipe: &Recipe, gauges: &PackGauges) -> ByteReader<'a> {
    let plain = measure(source, &gauges.plain);
    measure(compress(plain, recipe.codec, recipe.level), &gauges.packed)
}
