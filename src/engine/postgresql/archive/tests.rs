//! Archives built byte by byte; archives of real tools are in `tests/postgresql.rs`.

use super::{ArchiveWitness, TableOfContents};
use crate::model::{Contents, Witness as _, WitnessError};
use proptest::prelude::*;

/// Writes archives as pg_dump does.
struct Builder {
    minor: u8,
    bytes: Vec<u8>,
}

impl Builder {
    fn int(&mut self, value: i32) {
        self.bytes.push(u8::from(value < 0));
        self.bytes.extend(value.unsigned_abs().to_le_bytes());
    }

    fn text(&mut self, text: Option<&str>) {
        self.int(text.map_or(-1, |text| i32::try_from(text.len()).unwrap()));
        self.bytes.extend(text.unwrap_or("").bytes());
    }

    fn head(minor: u8, entries: i32, compression: u8) -> Self {
        let mut new = Self { minor, bytes: b"PGDMP\x01".to_vec() };
        new.bytes.extend([minor, 0, 4, 8, 1]);
        if minor >= 15 {
            new.bytes.push(compression);
        } else {
            new.int(compression.into());
        }
        (0..7).for_each(|part| new.int(part));
        for text in ["shop", "15.18", "15.20"] {
            new.text(Some(text));
        }
        new.int(entries);
        new
    }

    fn entry(mut self, id: i32, kind: &str, tag: &str, copy: Option<&str>) -> Self {
        self.int(id);
        self.int(i32::from(copy.is_some()));
        self.text(Some("1259"));
        self.text(Some("16384"));
        self.text(Some(tag));
        self.text(Some(kind));
        self.int(2);
        self.text(Some("CREATE ..."));
        self.text(None);
        self.text(copy.filter(|copy| !copy.is_empty()));
        self.text(Some("public"));
        self.text(None);
        self.text(Some("heap"));
        if self.minor >= 16 {
            self.int(114);
        }
        self.text(Some("owner of it"));
        self.text(Some("false"));
        for dependency in ["1", "2"] {
            self.text(Some(dependency));
        }
        self.text(None);
        self.bytes.push(if copy.is_some() { 1 } else { 3 });
        self.bytes.extend([0; 8]);
        self
    }

    fn pieces(mut self, pieces: &[&str]) -> Self {
        for piece in pieces {
            self.text(Some(piece));
        }
        self.int(0);
        self
    }

    fn block(mut self, kind: u8, id: i32) -> Self {
        self.bytes.push(kind);
        self.int(id);
        self
    }

    fn blob(mut self, oid: i32) -> Self {
        self.int(oid);
        self
    }
}

fn archive(minor: u8) -> Vec<u8> {
    let mut builder = Builder::head(minor, 5, 0)
        .entry(10, "EXTENSION", "hstore", None)
        .entry(11, "TABLE", "t", None)
        .entry(12, "TABLE DATA", "t", Some("COPY t FROM stdin;\n"))
        .entry(13, "TABLE DATA", "empty", Some("COPY empty FROM stdin;\n"))
        .entry(14, "BLOBS", "BLOBS", Some(""))
        .block(1, 12)
        .pieces(&["1\tx\\ny\n", "\\\\.\n", "\n", "a\nlong row of more than eight bytes\n", "\\.\n\n\n"])
        .block(1, 13)
        .pieces(&["\\.\n\n\n"])
        .block(3, 14)
        .blob(16400)
        .pieces(&["abc\n", "\n"])
        .blob(16401)
        .pieces(&[]);
    builder.int(0);
    builder.bytes
}

fn witness(pieces: &[&[u8]]) -> Result<Option<Contents>, WitnessError> {
    let mut witness = ArchiveWitness::new();
    for piece in pieces {
        witness.feed(piece)?;
    }
    witness.finish()
}

#[test]
fn rows_owners_and_extensions_are_told_for_every_known_version() {
    for minor in [14, 15, 16] {
        let contents = witness(&[&archive(minor)]).unwrap().unwrap();
        let rows: Vec<_> = contents.tables.iter().map(|table| (table.table.as_str(), table.rows)).collect();
        assert_eq!(rows, [("empty", 0), ("t", 5)]);
        assert_eq!(contents.owners, ["owner of it"]);
        assert_eq!(contents.extensions, ["hstore"]);
    }
}

#[test]
fn every_true_beginning_of_an_archive_is_incomplete() {
    let whole = archive(16);
    for end in 0..whole.len() {
        let cut = witness(&[&whole[..end]]);
        assert!(matches!(cut, Err(WitnessError::Incomplete { .. })), "{end}: {cut:?}");
    }
}

#[test]
fn data_that_was_not_promised_or_comes_twice_is_malformed() {
    for (id, kind) in [(99, 1), (11, 1), (12, 1), (14, 2), (14, 9)] {
        let mut bytes = archive(15);
        bytes.extend(Builder { minor: 15, bytes: Vec::new() }.block(kind, id).pieces(&["\\.\n\n\n"]).bytes);
        assert!(matches!(witness(&[&bytes]), Err(WitnessError::Malformed { .. })), "{id} {kind}");
    }
}

#[test]
fn rows_without_their_terminator_are_malformed() {
    for rows in [&["1\n", "2\n"][..], &["1\\.\n\n\n"], &["1\n\\.\n\n"], &[]] {
        let bytes =
            Builder::head(16, 1, 0).entry(5, "TABLE DATA", "t", Some("COPY")).block(1, 5).pieces(rows).bytes;
        assert!(matches!(witness(&[&bytes]), Err(WitnessError::Malformed { .. })), "{rows:?}");
    }
}

#[test]
fn statements_compressed_rows_and_unknown_versions_are_whole_but_not_counted() {
    let inserts =
        Builder::head(16, 1, 0).entry(5, "TABLE DATA", "t", Some("")).block(1, 5).pieces(&["INSERT"]);
    assert_eq!(witness(&[&inserts.bytes]).unwrap(), None);
    let packed = Builder::head(15, 1, 1).entry(5, "TABLE DATA", "t", Some("COPY")).block(1, 5).pieces(&["x"]);
    assert_eq!(witness(&[&packed.bytes]).unwrap(), None);
    let cut = &packed.bytes[..packed.bytes.len() - 1];
    assert!(witness(&[cut]).is_err(), "compressed rows are followed all the same");
    let mut newer = archive(16);
    newer[6] = 17;
    assert_eq!(witness(&[&newer]).unwrap(), None);
}

#[test]
fn rows_of_an_extensions_own_table_are_not_counted() {
    let bytes = Builder::head(16, 2, 0)
        .entry(1, "EXTENSION", "postgis", None)
        .entry(5, "TABLE DATA", "spatial_ref_sys", Some("COPY"))
        .block(1, 5)
        .pieces(&["1\n", "\\.\n\n\n"])
        .bytes;
    assert_eq!(witness(&[&bytes]).unwrap().unwrap().tables, []);
}

#[test]
fn other_bytes_are_refused_at_once() {
    for other in [&b"-- a plain dump\n"[..], b"PGDMQ", b"\x1f\x8b", b"PGDMP\x01\x10\x00\x04\x08\x03"] {
        assert!(matches!(witness(&[other]), Err(WitnessError::Malformed { .. })), "{other:?}");
    }
}

#[tokio::test]
async fn the_table_of_contents_is_read_without_the_data() {
    let bytes = archive(16);
    let toc = TableOfContents::read(Box::pin(bytes.as_slice())).await.unwrap().unwrap();
    assert_eq!(toc.facts.dump_version, "15.20");
    let entry = &toc.entries[2];
    assert_eq!((entry.id, entry.kind.as_str(), entry.tag.as_str()), (12, "TABLE DATA", "t"));
    assert!(entry.has_data && entry.copies && entry.definition.is_empty());
    assert_eq!((entry.oid, entry.dependencies.as_slice()), (16384, &[1, 2][..]));
    assert!(TableOfContents::read(Box::pin(&bytes[..300])).await.is_err());
}

proptest! {
    #[test]
    fn any_cut_into_pieces_gives_the_same_result(cuts in prop::collection::vec(0..2000_usize, 0..40), minor in 14..17_u8) {
        let whole = archive(minor);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % whole.len()).collect();
        cuts.extend([0, whole.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &whole[pair[0]..pair[1]]).collect();
        prop_assert_eq!(witness(&pieces).unwrap(), witness(&[&whole]).unwrap());
    }

    #[test]
    fn mutations_and_random_bytes_never_panic(
        changes in prop::collection::vec((any::<usize>(), any::<u8>()), 0..8),
        noise in prop::collection::vec(any::<u8>(), 0..200),
        keep in any::<usize>(),
    ) {
        let mut bytes = archive(16);
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        bytes.truncate(keep % (bytes.len() + 1));
        bytes.extend(&noise);
        let _ = witness(&bytes.chunks(7).collect::<Vec<_>>());
        let _ = witness(&[&noise]);
    }
}
