//! The calls that the authors' guide shows: all that there are, and each as it is read.

use std::{collections::BTreeSet, fs, path::Path};

use myrelay_plugin_host::Call;
use serde_json::Value;

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The examples: those in the last column of the table, and the blocks below it.
fn examples(chapter: &str) -> Vec<&str> {
    let cells = chapter.lines().filter_map(|line| {
        let (_, cell) = line.strip_suffix(" |")?.rsplit_once(" | ")?;
        cell.strip_prefix('`')?.strip_suffix('`')
    });
    let blocks = chapter.split("\n```json\n").skip(1).filter_map(|it| it.split("\n```").next());
    cells.chain(blocks).collect()
}

/// Which call an example is.
fn name(example: &Value) -> &str {
    match example {
        Value::String(name) => name,
        Value::Object(fields) => fields.keys().next().unwrap(),
        other => panic!("{other} is no call"),
    }
}

/// The names of all calls.
fn calls() -> BTreeSet<String> {
    let source = read("server/plugin-host/src/messages.rs");
    let variants = source.split("\npub enum Call {\n").nth(1).unwrap();
    let variants = variants.split("\n}\n").next().unwrap().lines();
    let names = variants.filter_map(|it| it.trim().split([' ', '(', ',']).next());
    names.map(str::to_owned).collect()
}

#[test]
fn the_guide_shows_every_call_as_it_is_read() {
    let guide = read("docs/plugins.md");
    let chapter = guide.split("\n## Calls\n").nth(1).unwrap();
    let chapter = chapter.split("\n## ").next().unwrap();
    let mut shown = BTreeSet::new();
    for example in examples(chapter) {
        let written: Value =
            serde_json::from_str(example).unwrap_or_else(|error| panic!("{example}: {error}"));
        let call: Call =
            serde_json::from_str(example).unwrap_or_else(|error| panic!("{example}: {error}"));
        // It leaves nothing out, and has nothing that is passed over.
        assert_eq!(serde_json::to_value(&call).unwrap(), written);
        shown.insert(name(&written).to_owned());
    }
    assert_eq!(shown, calls(), "docs/plugins.md and the calls differ");
}
