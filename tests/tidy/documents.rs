//! What is written for people says what is so.

use std::collections::BTreeSet;

use crate::tree::{File, files, read, root, rust};

fn documents() -> impl Iterator<Item = &'static File> {
    files().iter().filter(|file| file.path.ends_with(".md"))
}

#[test]
fn every_link_leads_somewhere() {
    for document in documents() {
        let folder = root().join(&document.path).parent().unwrap().to_owned();
        for rest in document.text.split("](").skip(1) {
            let link = rest.split([')', '#', ' ']).next().unwrap();
            let elsewhere = link.is_empty() || link.contains("://");
            assert!(
                elsewhere || folder.join(link).exists(),
                "{}: {link} is not there",
                document.path
            );
        }
    }
}

/// A text line by line, without indents and empty lines.
fn bare(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.fold("\n".to_owned(), |bare, line| bare + line + "\n")
}

/// The first part of a quotation that does not stand in the file behind those before it. `…` as a
/// comment is where something is left out.
fn misquoted(quotation: &str, file: &str) -> Option<String> {
    let (quotation, file) = (bare(quotation), bare(file));
    let mut rest = file.as_str();
    for part in quotation.split("\n// …\n").flat_map(|it| it.split("\n# …\n")) {
        let part = part.trim_matches('\n');
        let found = rest.split_once(&format!("\n{part}\n")).map(|(_, behind)| behind);
        let Some(behind) = found else { return Some(part.to_owned()) };
        // The end of a line is where the next one begins.
        rest = &rest[rest.len() - behind.len() - 1..];
    }
    None
}

/// Behind the language of a block of code stands the file that it is of, if it is of one.
#[test]
fn what_is_quoted_stands_in_its_file() {
    let mut quoted = 0;
    for document in documents() {
        for block in document.text.split("\n```").skip(1).step_by(2) {
            let (head, code) = block.split_once('\n').unwrap_or((block, ""));
            let Some((_, path)) = head.split_once(' ') else { continue };
            if let Some(part) = misquoted(code, read(path)) {
                panic!("{}: this is not in {path}:\n{part}", document.path);
            }
            quoted += 1;
        }
    }
    assert!(10 < quoted, "{quoted} quotations were found");
}

/// What nobody builds is soon wrong. Commands are in no language.
#[test]
fn all_code_of_the_cookbook_is_quoted() {
    let cookbook = read("docs/plugin-cookbook.md");
    let mut heads = cookbook.split("\n```").skip(1).step_by(2).map(|it| it.lines().next());
    let loose = heads.find_map(|it| it.filter(|it| !it.is_empty() && !it.contains(' ')));
    assert_eq!(loose, None, "docs/plugin-cookbook.md: say which file that code is of");
}

#[test]
fn a_quotation_is_compared() {
    let file = "fn a() {\n    b();\n\n    c();\n    d();\n}\n";
    for right in ["b();\nc();", "fn a() {\n  // …\n  d();", "  b();\n# …\nc();\nd();"] {
        assert_eq!(misquoted(right, file), None, "{right}");
    }
    for wrong in ["b();\nd();", "d();\n// …\nb();", "b()", "e();"] {
        assert!(misquoted(wrong, file).is_some(), "{wrong}");
    }
}

/// The map of the code names files, and the invariants name their tests.
#[test]
fn the_map_names_what_is_there() {
    let map = read("ARCHITECTURE.md");
    let functions: BTreeSet<&str> = rust()
        .flat_map(|file| file.text.split("fn ").skip(1))
        .filter_map(|rest| crate::tree::words(rest).next())
        .collect();
    let quoted = map.split('`').skip(1).step_by(2);
    for word in quoted {
        let path = word.split("::").next().unwrap();
        if path.contains('/') && path.split('.').next_back().is_some_and(is_ending) {
            assert!(root().join(path).exists(), "ARCHITECTURE.md: {path} is not there");
        }
        let sentence = 2 < word.matches('_').count();
        if sentence
            && word.bytes().all(|it| it.is_ascii_lowercase() || b"_0123456789".contains(&it))
        {
            assert!(functions.contains(word), "ARCHITECTURE.md: there is no test {word}");
        }
    }
}

fn is_ending(text: &str) -> bool {
    ["rs", "toml", "sql", "css", "js", "md", "service"].contains(&text)
}

/// The operator's guide explains every setting, and none that is gone.
#[test]
fn the_guide_explains_every_setting() {
    let table = read("server/src/config/table.rs");
    let table = table.split("pub const SETTINGS").nth(1).unwrap();
    let table = table.split("\n];").next().unwrap();
    let mut names = BTreeSet::new();
    for start in ["text(", "list(", "switch(", "name:"] {
        for rest in table.split(start).skip(1) {
            names.extend(rest.trim_start().strip_prefix('"').and_then(|it| it.split('"').next()));
        }
    }
    assert!(10 < names.len(), "the table was read: {names:?}");
    let guide = read("docs/operator-guide.md");
    let explained: BTreeSet<&str> = guide
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .filter(|name| !name.contains(' ') && !name.starts_with("--"))
        .collect();
    assert_eq!(names, explained, "docs/operator-guide.md and server/src/config/table.rs differ");
}

#[test]
fn decisions_are_numbered_and_all_alike() {
    let decisions: Vec<&File> =
        documents().filter(|file| file.path.starts_with("docs/decisions/")).collect();
    for (at, decision) in decisions.iter().enumerate() {
        let path = &decision.path;
        assert!(path.contains(&format!("/{:04}-", at + 1)), "{path}: the next is {:04}", at + 1);
        for part in ["# ", "\nStatus: ", "\n## Context\n", "\n## Decision\n", "\n## Consequences\n"]
        {
            assert!(decision.text.contains(part), "{path}: without {part:?}");
        }
    }
    assert!(!decisions.is_empty());
}
