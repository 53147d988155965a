//! The gallery, as a browser without JavaScript uses it.

use std::fs;

use myrelay_plugin_package::Package;

use super::{Portal, Setup};
use crate::{plugins::testing, testing::World};

const GALLERY: &str = "/operator/plugins/gallery";

/// The beginning of a picture of so many pixels.
fn png(side: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    bytes.extend(side.to_be_bytes());
    bytes.extend(side.to_be_bytes());
    bytes.extend(b"<script>alert(1)</script>");
    bytes
}

fn package(id: &str, icon: Option<(&str, Vec<u8>)>) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("plugin.toml", testing::manifest(id, &["account.created.v1"]).as_bytes());
    write("plugin.wasm", b"\0asm\x0d\0\x01\0 and the rest");
    write("README.md", b"# It\n\nTells a [desk](https://desk.example) <b>all</b>, 1 \\< 2.\n");
    if let Some((name, bytes)) = icon {
        write(name, &bytes);
    }
    Package::from_folder(folder.path()).unwrap().pack().unwrap()
}

async fn portal() -> Portal {
    let mut world = World::on_sqlite().await;
    let folder = world.dir.path().join("packages");
    fs::create_dir(&folder).unwrap();
    world.context = world.portal_set(|it| it.plugin_dir = Some(folder)).await;
    world.operator("olga").await;
    Portal::of(world, Setup::default())
}

#[tokio::test]
async fn an_operator_chooses_from_cards_and_installs_as_ever() {
    let portal = portal().await;
    let folder = portal.world.dir.path().join("packages");
    let one = package("dev.example.one", Some(("icon.png", png(64))));
    fs::write(folder.join("one.pplug"), &one).unwrap();
    fs::write(folder.join("broken.pplug"), "<script>").unwrap();
    let mut olga = portal.operator("olga").await;
    assert!(olga.get("/operator/plugins").await.text().contains(GALLERY));
    let page = olga.get(GALLERY).await;
    assert_eq!(page.status, 200, "a broken package is no error of the page");
    let text = page.text();
    // Marks are gone, and what is left is text.
    assert!(text.contains("Tells a desk all, 1 &lt; 2."), "{text}");
    assert!(text.contains("Not readable") && text.contains("it is no plugin package"), "{text}");
    let address = format!("{GALLERY}/{}", Package::digest(&one));
    assert!(text.contains(&format!("action=\"{address}\"")), "{text}");
    assert!(text.contains(&format!("src=\"{address}/icon.png\"")), "{text}");
    assert!(olga.get(&address).await.text().contains("one.pplug"));

    let form = [("publisher", "RW<nonsense>")];
    let refused = olga.post(&address, &form).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("<title>Error: "), "{}", refused.text());
    assert_eq!(olga.post(&address, &[("path", "/etc/passwd")]).await.status, 422);
    let chosen = olga.post(&address, &[]).await;
    assert_eq!(chosen.status, 303, "{}", chosen.text());
    let path = chosen.header("location").to_owned();
    assert!(path.starts_with("/operator/plugins/install/upl_"), "{path}");
    assert!(olga.get(&path).await.text().contains("POST https://api.example.org/"));
    let form = [("before", ""), ("private", ""), ("secret-0", "hush")];
    let done = olga.post(&path, &form).await;
    assert_eq!(done.status, 303, "{}", done.text());
    let text = olga.get(GALLERY).await.text();
    assert!(text.contains("This is what is installed") && text.contains(done.header("location")));
    let unknown = format!("{GALLERY}/{}", "0".repeat(64));
    assert_eq!(olga.get(&unknown).await.status, 404);
    assert_eq!(olga.get(&format!("{GALLERY}/..%2Fone.pplug")).await.status, 404);
}

#[tokio::test]
async fn a_picture_is_a_picture_whatever_is_in_it() {
    let portal = portal().await;
    let folder = portal.world.dir.path().join("packages");
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec();
    let mut olga = portal.operator("olga").await;
    for (name, icon, shown) in [
        ("dev.example.small", Some(("icon.png", png(64))), true),
        ("dev.example.large", Some(("icon.png", png(60_000))), false),
        ("dev.example.drawn", Some(("icon.svg", svg)), false),
        ("dev.example.none", None, false),
    ] {
        let bytes = package(name, icon);
        fs::write(folder.join(format!("{name}.pplug")), &bytes).unwrap();
        let path = format!("{GALLERY}/{}/icon.png", Package::digest(&bytes));
        let answer = olga.get(&path).await;
        assert_eq!(answer.status, if shown { 200 } else { 404 }, "{name}");
        let text = olga.get(GALLERY).await.text();
        assert_eq!(text.contains(&path), shown, "{name}");
        if !shown {
            continue;
        }
        assert_eq!(answer.body, png(64));
        assert_eq!(answer.header("content-type"), "image/png");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cache-control"), "private, max-age=86400, immutable");
        let policy = answer.header("content-security-policy");
        assert_eq!(policy, "default-src 'none'; sandbox; frame-ancestors 'none'");
        assert_eq!(portal.browser().get(&path).await.status, 303, "nobody else sees it");
    }
}

#[tokio::test]
async fn whoever_looks_at_too_many_packages_is_told_when_to_come_again() {
    let portal = portal().await;
    let folder = portal.world.dir.path().join("packages");
    let one = package("dev.example.one", None);
    fs::write(folder.join("one.pplug"), &one).unwrap();
    let address = format!("{GALLERY}/{}", Package::digest(&one));
    let mut olga = portal.operator("olga").await;
    let path = olga.post(&address, &[]).await.header("location").to_owned();
    let plugins = &portal.world.context.plugins;
    let held: Vec<_> = std::iter::from_fn(|| plugins.place_to_look().ok()).collect();
    for answer in [olga.get(&path).await, olga.post(&address, &[]).await] {
        assert_eq!((answer.status, answer.header("retry-after")), (503, "5"), "{}", answer.text());
    }
    drop(held);
    assert_eq!(olga.get(&path).await.status, 200);
}
