//! How a source looks: what it says of itself, how long it is, and what is never in one.

use crate::tree::{files, read, rust, rust_in};

/// The most lines of a file that people write.
const MAX_LINES: usize = 500;

#[test]
fn every_file_says_what_it_is() {
    for file in rust() {
        assert!(file.text.starts_with("//! "), "{}: the first line is not `//! …`", file.path);
    }
}

#[test]
fn a_file_fits_in_the_head() {
    let written = [".rs", ".sql", ".css", ".js", ".toml", ".service"];
    for file in files().iter().filter(|it| written.iter().any(|end| it.path.ends_with(end))) {
        let lines = file.text.lines().count();
        assert!(lines <= MAX_LINES, "{}: {lines} lines, split it", file.path);
    }
}

/// Clippy counts the lines of functions; this sees that it does.
#[test]
fn a_function_fits_on_a_screen() {
    assert!(read("clippy.toml").contains("too-many-lines-threshold = 70"));
    assert!(read("Cargo.toml").contains("too_many_lines = \"warn\""));
    assert!(read("xtask/src/test/lint.rs").contains("\"-D\", \"warnings\""));
    let silenced = concat!("expect(clippy::", "too_many_lines");
    for file in rust() {
        assert!(!file.text.contains(silenced), "{}: split the function", file.path);
    }
}

#[test]
fn nothing_is_silenced_skipped_or_left_for_later() {
    let banned = [
        concat!("#[", "allow("),
        concat!("#![", "allow("),
        concat!("#[", "ignore"),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
    ];
    for file in rust() {
        for word in banned {
            assert!(!file.text.contains(word), "{}: {word}", file.path);
        }
    }
}

/// Time, ids and tasks come through the context: Clippy bans the ways around it.
#[test]
fn time_ids_and_tasks_are_handed_in() {
    let bans = read("clippy.toml");
    for way in [
        "std::time::SystemTime::now",
        "uuid::Uuid::now_v7",
        "tokio::spawn",
        "std::process::Command::new",
    ] {
        assert!(bans.contains(&format!("path = \"{way}\"")), "clippy.toml bans {way}");
    }
    let excuse = concat!("expect(", "clippy::disallowed_methods");
    for file in rust_in("server/src").chain(rust_in("app/src")).filter(|file| !file.is_test()) {
        let excused = file.text.contains(excuse) && file.path != "server/src/system.rs";
        assert!(!excused, "{}: the clock and the tasks stand in server/src/system.rs", file.path);
    }
}

/// The tree is for whoever reads it, wherever that is.
#[test]
fn nothing_speaks_of_where_it_was_written() {
    let told = [
        concat!("/wo", "rk/ma", "in"),
        concat!("/wo", "rk/sha", "red"),
        concat!("/tmp/br", "ief"),
        concat!("/tmp/cla", "ude"),
        concat!("cla", "ude"),
        concat!("anthro", "pic"),
        concat!("chat", "gpt"),
        concat!("language mo", "del"),
        concat!("co-authored", "-by"),
        concat!("as an a", "i "),
        concat!("sub-ag", "ent"),
        concat!("helper sess", "ion"),
        concat!("another help", "er"),
    ];
    for file in files().iter().filter(|file| !file.path.ends_with("Cargo.lock")) {
        let text = file.text.to_lowercase();
        for word in told {
            assert!(!text.contains(word), "{}: it says {word:?}", file.path);
        }
    }
}

/// A test that bears a promise's number is about a promise that we make.
#[test]
fn every_promise_that_a_test_names_is_made() {
    let list = read("xtask/src/promises/text.rs");
    let mut named = 0;
    for file in rust() {
        for rest in file.text.split("fn p").skip(1) {
            let Some((number, _)) = rest.split_once('_') else { continue };
            if number.len() != 2 || !number.bytes().all(|it| it.is_ascii_digit()) {
                continue;
            }
            named += 1;
            let id = format!("\"p{number}\"");
            assert!(list.contains(&id), "{}: there is no promise {id}", file.path);
        }
    }
    assert!(10 < named, "the tests of promises were found");
}
