//! What a card says of a package: its name, its kinds, how its README begins, and its picture.

use myrelay_app::contract::PluginKind;
use myrelay_plugin_host::{Kind, Manifest};
use myrelay_plugin_package::Package;

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

/// The first paragraph of a README in one line, without its marks; none where it has no words.
fn summary(readme: &str) -> Option<String> {
    let is_words =
        |it: &&str| !it.is_empty() && !it.starts_with(['#', '|', '!', '<', '>', '=', '`']);
    let lines = readme.lines().map(str::trim);
    let words: Vec<&str> = lines.skip_while(|it| !is_words(it)).take_while(is_words).collect();
    let text = shown(&without_marks(&words.join(" ")));
    let mut short: String = text.chars().take(SUMMARY).collect();
    if short.len() < text.len() {
        short.truncate(short.rfind(' ').unwrap_or(short.len()));
        short.push('…');
    }
    Some(short).filter(|it| !it.is_empty())
}

/// A text without marks of Markdown: of links stays what people read.
fn without_marks(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        let link = after.split_once("](").filter(|(words, _)| !words.contains('['));
        match link.and_then(|(words, target)| Some((words, target.split_once(')')?.1))) {
            Some((words, after)) => {
                out.push_str(words);
                rest = after;
            }
            None => {
                out.push('[');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out.replace("**", "").replace('`', "")
}

/// A line as pages show it: of what turns the direction of others' texts, or is no text, nothing
/// stays.
pub(super) fn shown(text: &str) -> String {
    let turns = |it: char| matches!(it, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|it| !it.is_control() && !turns(*it)).collect()
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
            ("# Only a heading", None),
            ("", None),
        ] {
            assert_eq!(summary(readme).as_deref(), expected, "{readme}");
        }
        let long = summary(&"word ".repeat(100)).unwrap();
        assert!(long.chars().count() <= SUMMARY + 1 && long.ends_with("word…"), "{long}");
        assert_eq!(summary(&"é".repeat(300)).unwrap().chars().count(), SUMMARY + 1);
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
