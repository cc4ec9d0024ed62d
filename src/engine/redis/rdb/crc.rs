//! The checksum of RDB files and of `DUMP` payloads: CRC-64 as Redis has it (polynomial ad93d23594c935a9 reflected, from
//! zero, nothing inverted).

const POLYNOMIAL: u64 = 0x95ac_9329_ac4b_c9b5;

/// Table `n` advances a byte that stands `n` places before the end of eight.
static TABLES: [[u64; 256]; 8] = tables();

const fn tables() -> [[u64; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut place = 1;
    while place < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[place - 1][byte];
            tables[place][byte] = tables[0][(before & 0xff) as usize] ^ (before >> 8);
            byte += 1;
        }
        place += 1;
    }
    tables
}

/// A checksum that grows with what it is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::engine::redis) struct Crc64(u64);

impl Crc64 {
    /// Takes in the next bytes, eight at a time.
    pub(in crate::engine::redis) fn update(&mut self, bytes: &[u8]) {
        let mut crc = self.0;
        let mut eights = bytes.chunks_exact(8);
        for eight in &mut eights {
            let mut word = [0; 8];
            word.copy_from_slice(eight);
            let mixed = (crc ^ u64::from_le_bytes(word)).to_le_bytes();
            crc = 0;
            for (place, byte) in mixed.iter().enumerate() {
                crc ^= TABLES[7 - place][usize::from(*byte)];
            }
        }
        for byte in eights.remainder() {
            crc = TABLES[0][usize::from(crc.to_le_bytes()[0] ^ byte)] ^ (crc >> 8);
        }
        self.0 = crc;
    }

    /// The checksum of everything so far.
    pub(in crate::engine::redis) fn value(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> u64 {
        let mut crc = Crc64::default();
        crc.update(bytes);
        crc.value()
    }

    #[test]
    fn the_known_checksums_come_out() {
        assert_eq!(of(b""), 0);
        // The check value of CRC-64/REDIS in the catalogue of parametrised CRC algorithms.
        assert_eq!(of(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
    }

    #[test]
    fn pieces_give_what_the_whole_gives() {
        let bytes: Vec<u8> = (0..1000u32).map(|n| (n * 7 % 251) as u8).collect();
        for cut in [0, 1, 7, 8, 9, 500, 999, 1000] {
            let mut crc = Crc64::default();
            crc.update(&bytes[..cut]);
            crc.update(&bytes[cut..]);
            assert_eq!(crc.value(), of(&bytes), "{cut}");
        }
    }
}
