//! Our own plugins and the portal agree, though neither knows the other.

use std::collections::BTreeSet;

use toml::Table;

use crate::tree::{read, rust_in, words};

/// The names of the published schemas. That each is of an event, the portal's own tests say.
fn published() -> BTreeSet<String> {
    let lines = read("plugins/events/published");
    lines.lines().filter_map(|it| it.split(' ').next()).map(str::to_owned).collect()
}

/// Whoever adds an event tells it here too. What becomes of plugins is not told to them.
#[test]
fn our_webhook_plugin_listens_to_every_event() {
    let manifest: Table = read("plugins/webhook/plugin.toml").parse().unwrap();
    let named = manifest["capabilities"]["events"].as_array().unwrap();
    let named: BTreeSet<String> = named.iter().map(|it| it.as_str().unwrap().to_owned()).collect();
    let told: BTreeSet<String> =
        published().into_iter().filter(|it| !it.starts_with("plugin.")).collect();
    assert!(10 < told.len(), "the table was read: {told:?}");
    assert_eq!(named, told, "plugins/webhook/plugin.toml and plugins/events differ");
}

/// Authors read there what is called and what is not yet, and a function that got a caller is called.
#[test]
fn the_authors_guide_says_what_is_called() {
    let guide = read("docs/plugins.md").split("\n## What this portal calls\n").nth(1).unwrap();
    let table = guide.split("\n## ").next().unwrap();
    // What each call is called there.
    let names = "server/src/plugins/call.rs";
    let callers: Vec<String> = rust_in("server/src")
        .filter(|file| !file.is_test() && file.path != names)
        .chain(rust_in("server/plugin-host/src").filter(|it| it.path.ends_with("/runner.rs")))
        .map(crate::tree::File::code)
        .collect();
    let mut found = 0;
    for line in read(names).lines() {
        let Some((call, name)) =
            line.trim().strip_prefix("Call::").and_then(|it| it.split_once(" => \""))
        else {
            continue;
        };
        let call = format!("Call::{}", words(call).next().unwrap());
        let name = name.trim_end_matches("\",");
        let is_called = callers.iter().any(|code| {
            let mut behind = code.split(&call).skip(1);
            behind.any(|it| !it.starts_with(|c: char| c.is_alphanumeric()))
        });
        let row = table.lines().find_map(|it| it.strip_prefix(&format!("| `{name}` | ")));
        let row = row.unwrap_or_else(|| panic!("docs/plugins.md says nothing of {name}"));
        assert_eq!(!row.starts_with("not yet"), is_called, "docs/plugins.md: {name}: {row}");
        found += 1;
    }
    assert!(20 < found, "{found} calls were found");
}

/// Authors read there what they may listen to.
#[test]
fn the_authors_guide_names_every_event() {
    let guide = read("docs/plugins.md");
    for name in published() {
        assert!(guide.contains(&format!("| `{name}` |")), "docs/plugins.md lacks {name}");
    }
}

/// Authors read there what each rule of `test` wants of them.
#[test]
fn the_authors_guide_explains_every_rule() {
    let rules = read("server/plugin-tools/src/conformance/rules.rs");
    let named: BTreeSet<&str> = rules
        .lines()
        .filter_map(|line| line.split_once(": &str = \"")?.1.strip_suffix("\";"))
        .collect();
    assert!(20 < named.len(), "the names were read: {named:?}");
    let table = read("docs/plugins.md").split("\n| rule | of | wants |\n").nth(1).unwrap();
    let explained: BTreeSet<&str> = table
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with("| "))
        .filter_map(|row| row.strip_prefix("| ")?.split(" | ").next())
        .flat_map(|names| names.split(", "))
        .collect();
    assert_eq!(named, explained, "docs/plugins.md and the rules of `test` differ");
}

/// Authors read there what is to be asked of the fake providers.
#[test]
fn the_authors_guide_names_what_fake_providers_serve() {
    let guide = read("docs/plugins.md");
    let mut found = 0;
    for file in rust_in("plugins/fake-providers/src") {
        for path in file.text.split(".route(\"").skip(1).filter_map(|it| it.split('"').next()) {
            assert!(guide.contains(&format!("`{path}`")), "docs/plugins.md lacks {path}");
            found += 1;
        }
    }
    assert!(10 < found, "{found} paths were found");
}
