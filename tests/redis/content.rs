//! Everything that a backup must carry, and whether it came back.

use crate::support::redis::{Answer, Client, Kind, Server};
use std::fmt::Write as _;

/// Bytes that do not compress.
fn noise(bytes: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..bytes).map(|_| next()).collect()
}

/// Fills a server with every type in every encoding.
pub(crate) fn fill(server: &Server) {
    let mut c = server.client();
    for database in (1..16).rev() {
        c.ok(&format!("SELECT {database}"));
        c.ok(&format!("SET here {database}"));
    }
    c.ok("SELECT 0");
    strings(&mut c);
    collections(&mut c);
    streams(&mut c);
    times_to_live(&mut c, server.kind);
    c.ask(&[b"FUNCTION", b"LOAD", b"#!lua name=one\nredis.register_function('f', function() return 1 end)"]);
    let long = format!(
        "#!lua name=two\n-- {}\nredis.register_function('g', function() return 2 end)",
        "x".repeat(5000)
    );
    c.ask(&[b"FUNCTION", b"LOAD", long.as_bytes()]);
    if server.kind == Kind::Redis8 {
        // Vector sets are a module of Redis 8, where it was built with them.
        c.say("VADD vectors VALUES 3 0.1 0.2 0.3 a");
    }
}

fn strings(c: &mut Client) {
    c.ok("SET number 12345");
    c.ok("SET 42 key-is-a-number");
    c.ok("SET -7000000 too");
    c.ask(&[b"SET", b"empty", b""]);
    c.ask(&[b"SET", b"", b"the empty key"]);
    c.ask(&[b"SET", b"bin\x00\r\n\xff key", b"\x00\r\n\xff value"]);
    c.ask(&[b"SET", b"compresses", &b"abcdef".repeat(10_000)]);
    c.ask(&[b"SET", b"noise", &noise(300_000, 1)]);
    c.ask(&[b"SET", &b"long key ".repeat(100), b"1"]);
    for n in 0..3000 {
        c.ok(&format!("SET many:{n} {}", n * n));
    }
}

fn collections(c: &mut Client) {
    c.ok("RPUSH list:short a b 3");
    c.ok("SADD set:numbers 1 2 300000 -4");
    c.ok("SADD set:short a b c");
    c.ok("ZADD zset:short 1.5 a -inf b +inf c 3 d");
    c.ok("HSET hash:short a 1 b two");
    for n in 0..5000 {
        c.ok(&format!("RPUSH list:long item-{n}"));
        c.ok(&format!("SADD set:long member-{n}"));
        c.ok(&format!("ZADD zset:long {n}.25 member-{n}"));
        c.ok(&format!("HSET hash:long field-{n} value-{n}"));
    }
    c.ask(&[b"RPUSH", b"list:wide", &noise(20_000, 2), b"small", &b"x".repeat(20_000)]);
    c.ask(&[b"HSET", b"hash:wide", b"f", &noise(70_000, 3)]);
}

fn streams(c: &mut Client) {
    for n in 1..500 {
        c.ok(&format!("XADD stream {n}-1 field value-{n} n {n}"));
    }
    c.ok("XDEL stream 3-1");
    c.ok("XGROUP CREATE stream readers 0");
    c.ok("XGROUP CREATE stream late $");
    c.ok("XREADGROUP GROUP readers ann COUNT 20 STREAMS stream >");
    c.ok("XREADGROUP GROUP readers bob COUNT 5 STREAMS stream >");
    c.ok("XACK stream readers 1-1 2-1");
    c.ok("XADD stream:empty 1-1 a b");
    c.ok("XDEL stream:empty 1-1");
}

fn times_to_live(c: &mut Client, kind: Kind) {
    c.ok("SET passing 1 PX 100000000");
    c.ok("HSET hash:passing a 1");
    c.ok("PEXPIREAT hash:passing 4102444800000");
    if kind != Kind::Redis7 {
        c.ok("HSET fields:short a 1 b 2 c 3");
        c.ok("HPEXPIREAT fields:short 4102444800000 FIELDS 1 a");
        c.ok("HPEXPIREAT fields:short 4102444900000 FIELDS 1 b");
        for n in 0..2000 {
            c.ok(&format!("HSET fields:long field-{n} value-{n}"));
        }
        c.ok("HPEXPIREAT fields:long 4102444800000 FIELDS 2 field-7 field-8");
    }
}

/// What `DEBUG DIGEST` does not look at: groups, functions, times to live to the millisecond.
pub(crate) fn portrait(server: &Server) -> String {
    let mut c = server.client();
    let mut text = format!("digest {}\n", server.digest());
    for line in [
        "DBSIZE",
        "XINFO GROUPS stream",
        "XPENDING stream readers",
        "XINFO STREAM stream",
        "XINFO GROUPS stream:empty",
        "PEXPIRETIME passing",
        "PEXPIRETIME hash:passing",
        "PEXPIRETIME number",
        "HPEXPIRETIME fields:short FIELDS 3 a b c",
        "HPEXPIRETIME fields:long FIELDS 3 field-7 field-8 field-9",
        "VSIM vectors VALUES 3 0.1 0.2 0.3",
    ] {
        writeln!(text, "{line}: {}", stable(&c.say(line).text())).unwrap();
    }
    writeln!(text, "functions {:?}", functions(&c.say("FUNCTION LIST WITHCODE"))).unwrap();
    for database in 1..16 {
        c.ok(&format!("SELECT {database}"));
        writeln!(text, "db{database} {}", c.ok("GET here").text()).unwrap();
    }
    text
}

/// The sources, in an order: the server tells them in none.
fn functions(list: &Answer) -> Vec<String> {
    let Answer::List(libraries) = list else { return Vec::new() };
    let code = |library: &Answer| match library {
        Answer::List(fields) => fields.last().unwrap().text().replace('x', ""),
        other => panic!("{other:?}"),
    };
    let mut found: Vec<String> = libraries.iter().map(code).collect();
    found.sort_unstable();
    found
}

/// Without what depends on how the server built its trees.
fn stable(text: &str) -> String {
    // A server that does not know a command says so in its own words; one that does finds no such key.
    if text.starts_with("-ERR unknown command") || ["[-2, -2, -2]", "[]"].contains(&text) {
        return "unknown".to_owned();
    }
    let mut words: Vec<&str> = text.split(", ").collect();
    for name in ["radix-tree-keys", "radix-tree-nodes"] {
        if let Some(at) = words.iter().position(|word| *word == name) {
            words.drain(at..at + 2);
        }
    }
    words.join(", ")
}
