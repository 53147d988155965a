//! Our own plugins and the portal agree, though neither knows the other.

use std::collections::BTreeSet;

use toml::Table;

use crate::tree::read;

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

/// Authors read there what they may listen to.
#[test]
fn the_authors_guide_names_every_event() {
    let guide = read("docs/plugins.md");
    for name in published() {
        assert!(guide.contains(&format!("| `{name}` |")), "docs/plugins.md lacks {name}");
    }
}
