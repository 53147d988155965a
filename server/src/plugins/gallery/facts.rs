//! What a card says of a package: its name, its kinds, how its README begins, and its picture.

use myrelay_app::contract::PluginKind;
use myrelay_plugin_host::{Kind, Manifest};
use myrelay_plugin_package::Package;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::text::plain;

/// The picture's name in packages.
const ICON: &str = "icon.png";
/// The most pixels of a picture each way: a small file may be a picture that no browser can hold.
const ICON_SIDE: u32 = 1024;
/// The most characters of how a README begins.
const SUMMARY: usize = 200;

/// What a card says.
pub(super) struct Facts {
    pub(super) plugin: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) kinds: Vec<PluginKind>,
    pub(super) summary: Option<String>,
    pub(super) icon: Option<Vec<u8>>,
    /// The SHA-256 of the component.
    pub(super) component_hash: String,
    /// That of the manifest.
    pub(super) manifest_hash: String,
}

impl Facts {
    pub(super) fn of(package: &Package, manifest: &Manifest) -> Self {
        Self {
            plugin: manifest.id.clone(),
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            kinds: manifest.kinds.iter().map(|it| kind(*it)).collect(),
            summary: package.readme().and_then(summary),
            icon: package.file(ICON).filter(|it| is_small(it)).map(<[u8]>::to_vec),
            component_hash: Package::digest(package.wasm()),
            manifest_hash: Package::digest(package.manifest_text().as_bytes()),
        }
    }
}

fn kind(kind: Kind) -> PluginKind {
    match kind {
        Kind::Billing => PluginKind::Billing,
        Kind::Notification => PluginKind::Notification,
        Kind::Event => PluginKind::Event,
        Kind::Invoicing => PluginKind::Invoicing,
    }
}

/// Whether a PNG says at its beginning that it has no more pixels than are shown
/// (<https://www.w3.org/TR/png-3/#11IHDR>).
fn is_small(png: &[u8]) -> bool {
    let number = |at: usize| {
        let bytes: Option<[u8; 4]> = png.get(at..at + 4).and_then(|it| it.try_into().ok());
        bytes.map(u32::from_be_bytes)
    };
    let fits = |at| number(at).is_some_and(|it| (1..=ICON_SIDE).contains(&it));
    png.get(12..16) == Some(b"IHDR") && fits(16) && fits(20)
}

/// The words of a README's first paragraph in one line; none where it has no words.
fn summary(readme: &str) -> Option<String> {
    let mut words = String::new();
    let (mut in_paragraph, mut in_pictures) = (false, 0_usize);
    for event in Parser::new_ext(readme, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Paragraph) => in_paragraph = true,
            Event::End(TagEnd::Paragraph) if !words.trim().is_empty() => break,
            Event::End(TagEnd::Paragraph) => in_paragraph = false,
            Event::Start(Tag::Image { .. }) => in_pictures += 1,
            Event::End(TagEnd::Image) => in_pictures = in_pictures.saturating_sub(1),
            // What stands for a picture is no word.
            _ if !in_paragraph || 0 < in_pictures => {}
            Event::Text(it) | Event::Code(it) => words.push_str(&it),
            Event::SoftBreak | Event::HardBreak => words.push(' '),
            _ => {}
        }
    }
    Some(plain(&words, SUMMARY)).filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_readme_begins_with_its_first_paragraph() {
        for (readme, expected) in [
            ("# One\n\nDo this first.\n\nThen that.", Some("Do this first.")),
            ("# One\r\n\r\nTwo\r\nlines\r\n", Some("Two lines")),
            ("By [Post](https://p.example/) or [Re](https://r.example/).", Some("By Post or Re.")),
            ("![a](b.png)\n\nA **bold** `word` [x] \u{202e}here", Some("A bold word [x] here")),
            ("One\n===\n\n> quoted <b>words</b>", Some("quoted words")),
            ("| a | b |\n|---|---|\n\n<script>x</script>\n\nTrue.", Some("True.")),
            ("# ![logo](a.png) One\n\nDo ![this ![or that](b.png)](c.png)it.", Some("Do it.")),
            ("# ![logo](a.png) Only a heading", None),
            ("", None),
        ] {
            assert_eq!(summary(readme).as_deref(), expected, "{readme}");
        }
        let long = summary(&"word ".repeat(100)).unwrap();
        assert!(long.chars().count() == SUMMARY && long.ends_with('…'), "{long}");
    }

    #[test]
    fn a_picture_says_how_large_it_is() {
        let png = |width: u32, height: u32| {
            let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
            bytes.extend(width.to_be_bytes());
            bytes.extend(height.to_be_bytes());
            bytes
        };
        assert!(is_small(&png(1, 1)) && is_small(&png(1024, 64)));
        assert!(!is_small(&png(1025, 1)) && !is_small(&png(64, 0)) && !is_small(&png(1, 60_000)));
        assert!(!is_small(&png(64, 64)[..22]) && !is_small(b"\x89PNG\r\n\x1a\n"));
    }
}
