//! Ways to pack a backup, and ways to get it out without a database.

use crate::bench::Bench;
use crate::place::Place;
use std::process::Command;

#[test]
fn every_codec_and_cipher_comes_back() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let before = bench.fingerprint();
    let ways: [(&[&str], &str); 5] = [
        (&["--compression", "gzip"], "shop.dump.gz.enc"),
        (&["--compression", "none"], "shop.dump.enc"),
        (&["--no-encrypt"], "shop.dump.zst"),
        (&["--no-encrypt", "--compression", "none"], "shop.dump"),
        (&["--set", "databases.shop.encryption.cipher=chacha20-poly1305"], "shop.dump.zst.enc"),
    ];
    for (way, file) in ways {
        let id = bench.back_up(way);
        let key = format!("databases/shop/backups/{id}/{file}");
        assert!(bench.objects().contains_key(&key), "{key}");
        bench.run(&["verify", &id, "--level", "read"]).ok();
        bench.postgres.psql("shop", "DROP TABLE sale;");
        bench.run(&["restore", &id, "--yes"]).ok();
        assert_eq!(bench.fingerprint(), before, "{way:?}");
    }
}

#[test]
fn a_download_is_what_pg_restore_reads() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    bench.back_up(&[]);
    bench.run(&["download", "shop@latest", "-o", "out.dump"]).ok();
    bench.run(&["download", "shop@latest", "-o", "out.dump"]).expect(6).helps();
    let mut download = bench.command(&["download", "shop@latest", "-o", "-"]);
    let piped = download.output().unwrap();
    assert!(piped.status.success() && piped.stdout == std::fs::read(bench.path("out.dump")).unwrap());
    let mut tool = Command::new(bench.postgres.bin().join("pg_restore"));
    let listed = tool.args(["-f", "-"]).arg(bench.path("out.dump")).output().unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let script = String::from_utf8(listed.stdout).unwrap();
    assert!(script.contains("CREATE TABLE public.item") && script.contains("1000\titem 1000"));
    let globals = bench.run(&["download", "shop@latest", "--dbname", "globals", "-o", "-"]).ok().stdout;
    assert!(globals.contains("CREATE ROLE postgres"), "{globals}");
}

#[test]
fn a_raw_download_opens_with_nothing_but_the_key() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    bench.back_up(&[]);
    bench.run(&["download", "shop@latest", "-o", "plain.dump"]).ok();
    let folder = bench.path("elsewhere");
    std::fs::create_dir(&folder).unwrap();
    let raw = folder.join("shop.dump.zst.enc");
    bench.run(&["download", "shop@latest", "--raw", "-o", raw.to_str().unwrap()]).ok();
    let decrypt = |key: &str, file: &str| {
        let mut command = bench.command(&["decrypt", file, "--key-file"]);
        command.arg(bench.path(key)).current_dir(&folder).env("HOME", &folder);
        crate::program::Run::start(&mut command).wait()
    };
    decrypt("main.key", "shop.dump.zst.enc").ok();
    assert!(
        std::fs::read(folder.join("shop.dump")).unwrap() == std::fs::read(bench.path("plain.dump")).unwrap()
    );

    std::fs::remove_file(folder.join("shop.dump")).unwrap();
    bench.run(&["key", "generate", "wrong", "-o", "wrong.key"]).ok();
    decrypt("wrong.key", "shop.dump.zst.enc").expect(12).says("DECRYPT ERROR").helps();
    let mut bytes = std::fs::read(&raw).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(folder.join("bent.dump.zst.enc"), &bytes).unwrap();
    decrypt("main.key", "bent.dump.zst.enc").expect(4).says("DECRYPT ERROR").helps();
    bytes.truncate(middle);
    std::fs::write(folder.join("bent.dump.zst.enc"), &bytes).unwrap();
    decrypt("main.key", "bent.dump.zst.enc").expect(4).helps();
    decrypt("main.key", "absent.enc").expect(1);
    // What failed leaves no file that could be taken for a dump.
    let left: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn a_part_longer_than_an_object_is_cut_into_segments_and_put_together_again() {
    let Some(bench) = Bench::small(Place::server()) else { return };
    bench.fill(14);
    let before = bench.fingerprint();
    let one_part = ["--set", "stores.main.max_parts=1", "--compression", "none"];
    let id = bench.back_up(&one_part);
    let shown = bench.run(&["show", &id, "--json"]).json();
    let parts = shown["manifest"]["parts"].as_array().unwrap();
    let dump = parts.iter().find(|part| part["name"] == "shop.dump").unwrap();
    let keys: Vec<&str> =
        dump["segments"].as_array().unwrap().iter().filter_map(|s| s["key"].as_str()).collect();
    assert!(keys.len() >= 3, "{keys:?}");
    assert!(keys[0].ends_with("shop.dump.enc") && keys[1].ends_with("shop.dump.enc.0001"), "{keys:?}");
    assert!(
        dump["segments"].as_array().unwrap().iter().all(|segment| segment["bytes"].as_u64() <= Some(5 << 20))
    );
    bench.run(&["verify", &id, "--level", "restore"]).ok();
    bench.postgres.psql("shop", "DROP TABLE filler;");
    bench.run(&["restore", &id, "--yes"]).ok();
    assert_eq!(bench.fingerprint(), before);
}
