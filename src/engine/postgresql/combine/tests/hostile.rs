//! Archives that PostgreSQL never writes, and damaged ones: refused, and nothing outside of the folder is touched.

use super::*;
use proptest::prelude::*;

fn start() -> Tar {
    Tar::backup(1, None)
}

#[test]
fn paths_stay_inside() {
    for path in
        ["/etc/x", "../x", "base/../../x", "base//x", "./../x", "..", ".", "", "base/./x", "/", "base/5/.."]
    {
        let said = refusal(&[start().file(path, b"x").whole()]);
        assert!(said.contains("could be outside of the folder"), "{path}: {said}");
        let said = refusal(&[start().entry(b'5', path, b"").whole()]);
        assert!(said.contains("could be outside of the folder"), "{path}: {said}");
    }
    let deep = "x/".repeat(48);
    assert!(refusal(&[start().entry(b'5', &deep, b"").whole()]).contains("could be outside"));
}

#[test]
fn what_postgresql_never_writes_is_refused() {
    for (kind, name) in [
        (b'1', "a hard link"),
        (b'3', "a device"),
        (b'4', "a device"),
        (b'6', "a named pipe"),
        (b'S', "a sparse file"),
        (b'L', "an extended header"),
        (b'x', "an extended header"),
        (b'g', "an extended header"),
        (b'7', "of the unknown kind 55"),
        (0, "of the unknown kind 0"),
    ] {
        let said = refusal(&[start().entry(kind, "base/x", b"").whole()]);
        assert!(said.contains(name), "{kind}: {said}");
    }
    for link in ["base/5/16384", "pg_wal", "pg_tblspc/x", "pg_tblspc/1/2"] {
        assert!(refusal(&[start().entry(b'2', link, b"").whole()]).contains("is a symbolic link"), "{link}");
    }
    // A link that means a tablespace, of which there is no archive.
    let said = refusal(&[start().entry(b'2', "pg_tblspc/16384", b"").whole()]);
    assert!(said.contains("names the tablespaces [16384]"), "{said}");
    let long = "n".repeat(100);
    assert!(refusal(&[start().file(&long, b"").whole()]).contains("longer than PostgreSQL writes"));
    let mut prefixed = header(b'0', "x", 0);
    prefixed[345] = b'p';
    let tar = Tar([start().0, sealed(prefixed).to_vec()].concat());
    assert!(refusal(&[tar.whole()]).contains("longer than PostgreSQL writes"));
}

#[test]
fn a_name_is_there_once() {
    let said = refusal(&[start().file(FILE, b"a").file(FILE, b"b").whole()]);
    assert!(said.contains("`base/5/16384` is there twice"), "{said}");
    let said = refusal(&[start().file("./base/5/16384", b"a").file(CHANGED, &incremental(0, &[])).whole()]);
    assert!(said.contains("is there twice"), "{said}");
    assert!(
        refusal(&[start().file("backup_label", b"START WAL LOCATION: 0/1\nSTART TIMELINE: 1\n").whole()])
            .contains("twice")
    );
    assert!(refusal(&[start().file("global/pg_control", &[7; 64]).whole()]).contains("twice"));
    // A folder under the name of a file, and the other way round.
    let (_folder, done) = merged(&[start().file("x", b"").folder("x").whole()]);
    assert!(done.is_err());
    let (_folder, done) = merged(&[start().folder("x").file("x", b"").whole()]);
    assert!(done.is_err());
    assert!(refusal(&[start().file("nowhere/x", b"").whole()]).contains("comes before its folder"));
}

#[test]
fn headers_of_incremental_files_must_make_sense() {
    let patched = |at: usize, value: u32, bytes: Vec<u8>| {
        let mut bytes = bytes;
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        bytes
    };
    let good = || incremental(4, &[(1, b'a'), (3, b'b')]);
    let cut = |count: usize| good()[..count].to_vec();
    for (bytes, expected) in [
        (patched(0, 7, good()), "begins with 0x7"),
        (patched(4, u32::MAX, good()), "speaks of 4294967295 blocks"),
        (patched(4, SEGMENT + 1, good()), "speaks of 65 blocks"),
        (patched(8, u32::MAX, good()), "speaks of 4294967295 blocks"),
        (patched(8, SEGMENT + 1, good()), "speaks of 65 blocks"),
        (patched(4, 3, good()), "with 3 blocks it would have"),
        (patched(12, u32::MAX, good()), "make no sense"),
        (patched(16, SEGMENT, good()), "make no sense"),
        (patched(16, 1, good()), "make no sense"),
        (patched(12, 3, good()), "make no sense"),
        (cut(3 * PAGE - 1), "with 2 blocks it would have"),
        (cut(20), "with 2 blocks it would have"),
        (cut(11), "11 bytes cannot say"),
        (Vec::new(), "0 bytes cannot say"),
        (
            incremental(4, &[])[..].iter().copied().chain([0; 1012]).collect(),
            "with 0 blocks it would have 12",
        ),
    ] {
        let said = refusal(&[start().file(CHANGED, &bytes).whole()]);
        assert!(said.contains(expected) && said.contains(CHANGED), "{expected}: {said}");
    }
    for odd in [
        "base/5/INCREMENTAL.x",
        "global/INCREMENTAL.pg_control",
        "base/5/INCREMENTAL.",
        "base/INCREMENTAL.5/",
    ] {
        let tar = start().file(odd.trim_end_matches('/'), &incremental(0, &[])).whole();
        let (_folder, done) = merged(&[tar]);
        assert_eq!(done.is_err(), !odd.ends_with('/'), "{odd}");
    }
}

#[test]
fn large_texts_are_not_read_into_memory() {
    let mut label = header(b'0', "backup_label", 0);
    label[124..136].copy_from_slice(b"77777777777 ");
    let said = refusal(&[Tar(sealed(label).to_vec()).whole()]);
    assert!(said.contains("`backup_label` holds 8589934591 bytes; at most 65536 are expected"), "{said}");
    let mut huge = header(b'0', "tablespace_map", 0);
    huge[124..136].copy_from_slice(b"\x80\0\0\0\x0f\xff\xff\xff\xff\xff\xff\xff");
    assert!(refusal(&[Tar([start().0, sealed(huge).to_vec()].concat()).whole()]).contains("at most 4194304"));
    for size in [
        b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"9999999999  ",
        b"            ",
        b"0000000001x ",
    ] {
        let mut odd = header(b'0', "x", 0);
        odd[124..136].copy_from_slice(size);
        assert!(
            refusal(&[Tar([start().0, sealed(odd).to_vec()].concat()).whole()])
                .contains("a size that makes no sense")
        );
    }
}

#[test]
fn an_archive_ends_with_its_mark() {
    let whole = start().file(FILE, &[1; 5000]).whole();
    for keep in [0, 100, 512, 700, whole.len() - 1024, whole.len() - 600, whole.len() - 1] {
        let said = refusal(&[whole[..keep].to_vec()]);
        assert!(said.contains("it ends "), "{keep}: {said}");
    }
    let more = [whole.clone(), vec![0; 9000]].concat();
    assert!(merged(std::slice::from_ref(&more)).1.is_ok());
    assert!(refusal(&[[more, vec![1]].concat()]).contains("goes on behind its mark"));
    let mut half = whole.clone();
    let last = half.len() - 1;
    half[last] = 1;
    assert!(refusal(&[half]).contains("half there"));
    let mut broken = whole;
    broken[3] ^= 1;
    assert!(refusal(&[broken]).contains("not one of PostgreSQL's"));
}

#[test]
fn a_folder_without_the_signs_of_a_server_is_not_called_one() {
    let bare = || {
        Tar::default().file("backup_label", b"START WAL LOCATION: 0/1\nSTART TIMELINE: 1\n").folder("global")
    };
    assert!(refusal(&[bare().whole()]).contains("no `PG_VERSION`"));
    assert!(refusal(&[start().end()]).contains("no `PG_VERSION` or `global/pg_control`"));
    assert!(
        refusal(&[Tar::default().folder("global").file("PG_VERSION", b"18\n").whole()])
            .contains("no `backup_label`")
    );
    assert!(refusal(&[bare().file("global/pg_control", b"short").end()]).contains("too short"));
    assert!(refusal(&[bare().file("global/pg_control", &[0; 8193]).end()]).contains("at most 8192"));
}

#[test]
fn every_backup_is_of_one_system() {
    let newest = Tar::backup(2, Some(1)).whole();
    let other = Tar::backup(1, None).file("global/pg_control", &[8; 64]).end();
    let said = refusal(&[newest, other]);
    assert!(
        said.contains("backup 0: it is of the database system 578721382704613384, but backup 1 is of"),
        "{said}"
    );
}

/// A chain in which every kind of entry is there.
fn sample() -> Vec<Vec<u8>> {
    let newest = Tar::backup(2, Some(1)).file(CHANGED, &incremental(6, &[(1, b'n'), (4, b'n')]));
    let full = Tar::backup(1, None).file(FILE, &whole(b"ffffff"));
    vec![newest.entry(b'2', "pg_tblspc/7", b"").file("pg_wal/x", &[3; 700]).whole(), full.whole()]
}

fn nothing_bad_happens(chain: &[Vec<u8>]) {
    let (folder, done) = merged(chain);
    let names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| name == "data"), "{names:?}");
    assert!(done.is_ok() || !folder.path().join("data/global/pg_control").exists());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn mutations_never_write_elsewhere(
        changes in prop::collection::vec((any::<usize>(), any::<u8>()), 1..6),
        keep in any::<usize>(),
        link in 0..2_usize,
        reseal in any::<bool>(),
    ) {
        let mut chain = sample();
        for (at, byte) in changes {
            let length = chain[link].len();
            chain[link][at % length] = byte;
        }
        if reseal {
            // Every block that could be a header gets a valid sum, so that what is behind it is tried.
            for block in chain[link].chunks_exact_mut(512).filter(|block| &block[257..262] == b"ustar") {
                let valid = sealed((&*block).try_into().unwrap());
                block.copy_from_slice(&valid);
            }
        }
        if keep % 3 == 0 {
            let length = keep % (chain[link].len() + 1);
            chain[link].truncate(length);
        }
        nothing_bad_happens(&chain);
    }

    #[test]
    fn random_headers_of_incremental_files_are_read_or_refused(
        mut bytes in prop::collection::vec(any::<u8>(), 0..3000),
        sensible in any::<bool>(),
    ) {
        if sensible && bytes.len() >= 12 {
            bytes[..12].copy_from_slice(&incremental(4, &[(0, 0)])[..12]);
        }
        let tar = Tar::default().file(CHANGED, &bytes).end();
        let mut reader = TarReader::new(tar.as_slice());
        let entry = reader.next_entry().unwrap().unwrap();
        if let Ok(header) = IncrementalHeader::read(&mut reader, &entry, layout()) {
            prop_assert!(header.length() <= SEGMENT && header.blocks.len() <= SEGMENT as usize);
        }
    }
}

#[test]
fn an_error_is_of_the_kind_that_means_a_damaged_backup() {
    assert!(matches!(merged(&[start().end()]).1, Err(EngineError::Archive { .. })));
    assert!(matches!(damaged(String::new()), EngineError::Archive { .. }));
}
