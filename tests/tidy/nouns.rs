//! The portal's nouns: each is its own master, and knows only those that came before it.

use crate::tree::{File, rust_in};

/// The nouns in their order. Each may name those before it; what must flow the other way is an
/// event.
pub(crate) const NOUNS: &[&str] = &[
    "outbox",
    "deployment",
    "plugins",
    "deliveries",
    "jobs",
    "plans",
    "accounts",
    "ledger",
    "subscriptions",
    "operators",
    "sessions",
    "nodes",
    "usage",
    "pods",
    "peers",
    "tokens",
    "payments",
    "channels",
    "messages",
    "desired_state",
];

/// What stands above the nouns: they do not know who calls.
const ABOVE: [&str; 5] = ["api", "cli", "config", "http", "tls"];

/// The noun whose file this is.
pub(crate) fn noun_of(file: &File) -> Option<&'static str> {
    let rest = file.path.strip_prefix("server/src/")?;
    let first = rest.split('/').next()?.trim_end_matches(".rs");
    NOUNS.iter().copied().find(|noun| *noun == first)
}

#[test]
fn nouns_name_only_the_nouns_before_them() {
    for file in rust_in("server/src").filter(|file| !file.is_test()) {
        let Some(noun) = noun_of(file) else { continue };
        let rank = NOUNS.iter().position(|it| *it == noun);
        for named in named(&file.code()) {
            let later = NOUNS.iter().position(|it| *it == named) > rank;
            assert!(!later, "{}: {noun} comes before {named}; let an event tell it", file.path);
        }
    }
}

#[test]
fn nouns_never_name_who_calls_them() {
    for file in rust_in("server/src").filter(|file| !file.is_test()) {
        let Some(noun) = noun_of(file) else { continue };
        let code = file.code();
        for named in named(&code) {
            assert!(!ABOVE.contains(&named.as_str()), "{}: {noun} names {named}", file.path);
        }
        for library in ["axum::", "http::", "hyper::", "leptos::", "clap::", "tower_http::"] {
            let found = code.contains(&format!("use {library}"));
            assert!(!found, "{}: {noun} speaks HTTP or command line: {library}", file.path);
        }
    }
}

#[test]
fn nouns_are_all_alike() {
    for noun in NOUNS {
        let path = format!("server/src/{noun}/mod.rs");
        let found = rust_in("server/src").any(|file| file.path == path);
        assert!(found, "{noun} has no mod.rs: the operations are the only way in");
    }
    let folders = rust_in("server/src").filter(|file| file.path.ends_with("/store.rs"));
    for file in folders {
        assert!(noun_of(file).is_some(), "{}: a noun? Put it into the order", file.path);
    }
}

/// The modules of this crate that a source names: after `crate::`, in groups too.
fn named(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, start) in code.match_indices("crate::") {
        let rest = &code[at + start.len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(heads(group)),
            None => found.extend(head(rest)),
        }
    }
    found
}

/// The first names of a group `a::{b, c}, d}`, up to the brace that closes it.
fn heads(group: &str) -> Vec<String> {
    let (mut depth, mut found, mut part) = (0, Vec::new(), String::new());
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => found.extend(head(&std::mem::take(&mut part))),
            _ => {}
        }
        if depth == 0 && c != ',' {
            part.push(c);
        }
    }
    found.extend(head(&part));
    found
}

fn head(path: &str) -> Option<String> {
    crate::tree::words(path.trim_start()).next().map(str::to_owned)
}

#[test]
fn a_group_is_read_to_its_end() {
    let code = "use crate::{\n    Error, accounts,\n    context::{Caller, Context},\n    pods::{self},\n};\ncrate::api::page(x)";
    assert_eq!(named(code), ["Error", "accounts", "context", "pods", "api"]);
}
