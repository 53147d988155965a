//! Misdeeds against the machine: CPU, memory, stack, and what the host keeps.

use std::hint::black_box;

use myrelay_plugin_sdk::{config, kv, log, random, tell_panics, types::Error};

use crate::told;

pub(crate) fn commit(deed: &str, data: &str) -> Result<(), Error> {
    match deed {
        "spin" => spin(),
        "recurse" => {
            black_box(recurse(black_box(1)));
        }
        "grow" => grow(),
        "huge-string" => {
            let text = "x".repeat(5 << 20);
            log::log(log::Level::Info, &text, &[]);
        }
        "many-fields" => {
            let fields = vec![(String::new(), String::new()); 500_000];
            log::log(log::Level::Info, "", &fields);
        }
        "log" => {
            for _ in 0..data.parse::<u32>().unwrap_or_default() {
                log::log(log::Level::Info, "flood\r\n\u{1b}[2Jflood", &[]);
            }
        }
        "long-lines" => {
            for _ in 0..20 {
                log::log(log::Level::Info, &"long ".repeat(2000), &[]);
            }
        }
        "random" => drop(random::bytes(5000)),
        "panic" => {
            tell_panics();
            panic!("on purpose");
        }
        "trap-mid-write" => {
            set("a", "1")?;
            set("b", "2")?;
            log::log(log::Level::Info, "two of three", &[]);
            std::process::abort();
        }
        "error-mid-write" => {
            set("a", "1")?;
            return Err(told("changed my mind"));
        }
        "spin-mid-write" => {
            set("a", "1")?;
            spin();
        }
        "write" => set("a", data)?,
        "keys" => keys()?,
        "peek" => return peek(data),
        // No misdeed: what a good plugin does, to be measured.
        "usual" => usual()?,
        _ => return Err(told("no such misdeed")),
    }
    Ok(())
}

fn set(key: &str, value: &str) -> Result<(), Error> {
    kv::set(key, value.as_bytes(), None).map_err(|why| told(format!("{why:?}")))
}

fn spin() {
    let mut count = 0_u64;
    loop {
        count = black_box(count.wrapping_add(1));
    }
}

/// Without anything in memory: that would run into its end before the stack does.
#[inline(never)]
fn recurse(depth: u64) -> u64 {
    if depth == u64::MAX { 0 } else { recurse(depth + 1).rotate_left(3) ^ depth }
}

fn grow() {
    let mut kept = Vec::new();
    loop {
        kept.push(vec![1_u8; 1 << 20]);
        black_box(&kept);
    }
}

/// Every limit of the store; each has to say which it is.
fn keys() -> Result<(), Error> {
    let expect = |what: &str, result: Result<(), kv::Error>| match result {
        Err(why) => {
            log::log(log::Level::Info, what, &[("why".to_owned(), format!("{why:?}"))]);
            Ok(())
        }
        Ok(()) => Err(told(format!("{what} was taken"))),
    };
    expect("an empty key", kv::set("", b"", None))?;
    expect("a long key", kv::set(&"k".repeat(257), b"", None))?;
    expect("a key with a line break", kv::set("a\nb", b"", None))?;
    expect("a long value", kv::set("k", &vec![0; (64 << 10) + 1], None))?;
    expect("another version", kv::compare_and_set("k", Some(7), b"", None).map(drop))?;
    let mut stored = 0;
    let why = loop {
        match kv::set(&format!("k{stored}"), &vec![0; 60 << 10], None) {
            Ok(()) => stored += 1,
            Err(why) => break why,
        }
    };
    log::log(log::Level::Info, "full", &[("why".to_owned(), format!("{stored}: {why:?}"))]);
    while kv::get("k").is_ok() {}
    expect("one more read", kv::get("k").map(drop))
}

/// Settings, a line of the log, and something remembered.
fn usual() -> Result<(), Error> {
    let settings = config::get();
    let entry = kv::get("usual").map_err(|why| told(format!("{why:?}")))?;
    let version = entry.map_or(0, |it| it.version);
    log::log(log::Level::Info, &settings, &[("version".to_owned(), version.to_string())]);
    Ok(())
}

/// Everything that the store shows, as an error.
fn peek(prefix: &str) -> Result<(), Error> {
    let page = kv::scan(prefix, None, 100).map_err(|why| told(format!("{why:?}")))?;
    let keys: Vec<String> = page.entries.into_iter().map(|it| it.key).collect();
    Err(told(format!("{keys:?}")))
}
