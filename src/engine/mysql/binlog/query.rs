//! Statements in the log, with the settings of the session that ran them.

use super::frame::{Frame, kinds, little_u32};
use crate::engine::mysql::syntax::QuoteRules;
use std::io::Read as _;

/// The longest that a packed event may become.
const LONGEST_UNPACKED: u64 = 1 << 30;

const FLAGS: u8 = 0;
const SQL_MODE: u8 = 1;
const AUTO_INCREMENT: u8 = 3;
const CHARACTER_SET: u8 = 4;
const TIME_ZONE: u8 = 5;
const CATALOG: u8 = 6;
const LC_TIME_NAMES: u8 = 7;
const DATABASE_COLLATION: u8 = 8;
const TABLE_MAP_FOR_UPDATE: u8 = 9;
const MASTER_DATA_WRITTEN: u8 = 10;
const INVOKER: u8 = 11;
const UPDATED_DATABASES: u8 = 12;
const MICROSECONDS: u8 = 13;
const EXPLICIT_DEFAULTS: u8 = 16;
const DDL_XID: u8 = 17;
const UTF8MB4_COLLATION: u8 = 18;
const REQUIRE_PRIMARY_KEY: u8 = 19;
const TABLE_ENCRYPTION: u8 = 20;
const UNNAMED: u8 = 21;
const MARIADB_MICROSECONDS: u8 = 128;
const MARIADB_XID: u8 = 129;
const MARIADB_GTID_FLAGS: u8 = 130;
const MARIADB_COLLATIONS: u8 = 131;

/// What every character set means by itself: numbers of collations, which a server knows the names of.
pub(super) const COLLATIONS: &str = "character_set_collations = #";

const NO_FOREIGN_KEY_CHECKS: u32 = 1 << 26;
const RELAXED_UNIQUE_CHECKS: u32 = 1 << 27;
const AUTO_IS_NULL: u32 = 1 << 14;

const ANSI_QUOTES: u64 = 4;
const NO_BACKSLASH_ESCAPES: u64 = 1 << 20;

/// Collations of character sets in which a byte of a character can be a quote or a backslash: big5, sjis, gbk, cp932, gb18030.
const MISLEADING: [u16; 11] = [1, 84, 13, 88, 28, 87, 95, 96, 248, 249, 250];

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) sql: Vec<u8>,
    /// The database that was in use; empty where none was.
    pub(super) database: String,
    /// The error that it ended with; 0 where it ended well.
    pub(super) error: u16,
    pub(super) rules: QuoteRules,
    /// Settings of its session, as `SET` writes them.
    pub(super) settings: Vec<String>,
    /// Whether all of these settings are known.
    pub(super) understood: bool,
    /// Whether its bytes may mislead whoever reads them without knowing the character set.
    pub(super) misleading: bool,
}

/// Takes apart an event of a statement; `None` where it is none that is known.
pub(super) fn query(frame: &Frame) -> Option<Query> {
    let body = frame.body();
    let fixed = body.get(..13)?;
    let (name_length, error) = (usize::from(fixed[8]), u16::from_le_bytes([fixed[9], fixed[10]]));
    let status_length = usize::from(u16::from_le_bytes([fixed[11], fixed[12]]));
    let status = body.get(13..13 + status_length)?;
    let name = body.get(13 + status_length..13 + status_length + name_length)?;
    let sql = body.get(14 + status_length + name_length..)?;
    let sql = if frame.kind() == kinds::MARIADB_QUERY_PACKED { unpacked(sql)? } else { sql.to_vec() };
    let mut query = Query {
        misleading: false,
        understood: true,
        database: String::from_utf8_lossy(name).into_owned(),
        error,
        rules: QuoteRules::default(),
        settings: Vec::new(),
        sql,
    };
    let mut micros = 0;
    query.understood = settings(&mut query, status, &mut micros).is_some();
    query.settings.push(format!("timestamp = {}.{micros:06}", frame.time()));
    Some(query)
}

/// Every setting of the session. Text stands in quotes without backslashes, so only what needs none is believed.
fn settings(query: &mut Query, mut status: &[u8], micros: &mut u32) -> Option<()> {
    while let Some((code, rest)) = status.split_first() {
        let (value, rest) = rest.split_at_checked(length_of(*code, rest)?)?;
        status = rest;
        let number = |at: usize| u16::from_le_bytes([value[at], value[at + 1]]);
        match *code {
            FLAGS => {
                let flags = little_u32(value, 0);
                let off = |flag: u32| u8::from(flags & flag == 0);
                query.settings.push(format!("foreign_key_checks = {}", off(NO_FOREIGN_KEY_CHECKS)));
                query.settings.push(format!("unique_checks = {}", off(RELAXED_UNIQUE_CHECKS)));
                query.settings.push(format!("sql_auto_is_null = {}", 1 - off(AUTO_IS_NULL)));
            }
            SQL_MODE => {
                let mode = u64::from_le_bytes(value.try_into().ok()?);
                query.rules.quoted_names = mode & ANSI_QUOTES != 0;
                query.rules.plain_backslashes = mode & NO_BACKSLASH_ESCAPES != 0;
                query.settings.push(format!("sql_mode = {mode}"));
            }
            AUTO_INCREMENT => {
                query.settings.push(format!("auto_increment_increment = {}", number(0)));
                query.settings.push(format!("auto_increment_offset = {}", number(2)));
            }
            CHARACTER_SET => {
                query.misleading = MISLEADING.contains(&number(0)) && !query.sql.is_ascii();
                query.settings.push(format!("character_set_client = {}", number(0)));
                query.settings.push(format!("collation_connection = {}", number(2)));
                query.settings.push(format!("collation_server = {}", number(4)));
            }
            TIME_ZONE if value.len() > 1 => {
                let zone = String::from_utf8(value[1..].to_vec()).ok()?;
                let plain = |c: char| c.is_ascii_alphanumeric() || "+-:/_".contains(c);
                query
                    .settings
                    .push(format!("time_zone = '{}'", Some(zone).filter(|zone| zone.chars().all(plain))?));
            }
            LC_TIME_NAMES => query.settings.push(format!("lc_time_names = {}", number(0))),
            MICROSECONDS | MARIADB_MICROSECONDS => {
                *micros = u32::from_le_bytes([value[0], value[1], value[2], 0]);
            }
            EXPLICIT_DEFAULTS => {
                query.settings.push(format!("explicit_defaults_for_timestamp = {}", value[0]));
            }
            UTF8MB4_COLLATION => {
                query.settings.push(format!("default_collation_for_utf8mb4 = {}", number(0)));
            }
            MARIADB_COLLATIONS => {
                let collations =
                    value[1..].chunks_exact(4).map(|pair| u16::from_le_bytes([pair[2], pair[3]]).to_string());
                query.settings.push(format!("{COLLATIONS}{}", collations.collect::<Vec<_>>().join(",")));
            }
            REQUIRE_PRIMARY_KEY => query.settings.push(format!("sql_require_primary_key = {}", value[0])),
            TABLE_ENCRYPTION => query.settings.push(format!("default_table_encryption = {}", value[0])),
            _ => {}
        }
    }
    Some(())
}

/// How long the value of a setting is.
fn length_of(code: u8, rest: &[u8]) -> Option<usize> {
    Some(match code {
        FLAGS | AUTO_INCREMENT | MASTER_DATA_WRITTEN => 4,
        SQL_MODE | TABLE_MAP_FOR_UPDATE | DDL_XID | MARIADB_XID => 8,
        CHARACTER_SET => 6,
        TIME_ZONE | CATALOG => 1 + usize::from(*rest.first()?),
        LC_TIME_NAMES | DATABASE_COLLATION | UTF8MB4_COLLATION => 2,
        MICROSECONDS | MARIADB_MICROSECONDS => 3,
        EXPLICIT_DEFAULTS | REQUIRE_PRIMARY_KEY | TABLE_ENCRYPTION => 1,
        // MySQL 9.7 writes it with statements that change rows, and says 0.
        UNNAMED if rest.first() == Some(&0) => 1,
        INVOKER => {
            let user = usize::from(*rest.first()?);
            2 + user + usize::from(*rest.get(1 + user)?)
        }
        UPDATED_DATABASES => {
            let count = *rest.first()?;
            let mut at = 1;
            // More than fit are not named.
            for _ in 0..if count == 254 { 0 } else { count } {
                at += rest.get(at..)?.iter().position(|byte| *byte == 0)? + 1;
            }
            at
        }
        MARIADB_GTID_FLAGS => 1 + if rest.first()? & (2 | 4 | 8) != 0 { 8 } else { 0 },
        MARIADB_COLLATIONS => 1 + 4 * usize::from(*rest.first()?),
        // Behind a setting that is not known nothing is understood.
        _ => return None,
    })
}

/// What a packed text or list of rows was: one byte says how, and how long the length is that follows.
pub(super) fn unpacked(packed: &[u8]) -> Option<Vec<u8>> {
    let (head, rest) = packed.split_first()?;
    // The first bit is always there, and the algorithm is zlib's.
    if head & 0xf0 != 0x80 {
        return None;
    }
    let (length, data) = rest.split_at_checked(usize::from(head & 7))?;
    let length = length.iter().fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
    if length > LONGEST_UNPACKED {
        return None;
    }
    let mut text = Vec::new();
    flate2::read::ZlibDecoder::new(data).take(length + 1).read_to_end(&mut text).ok()?;
    (text.len() as u64 == length).then_some(text)
}
