//! From an empty database to an encrypted ping, with scripts and without.

use std::{
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
    time::Duration,
};

use myrelay_tests::{
    browser::{Browser, Scripts},
    network::End,
    program::run_line,
    root,
    story::{Stage, private_key, public_key_of},
    vpn_client::wg_quick,
};
use tempfile::TempDir;

use crate::leaks::{assert_absent, assert_absent_below};

const PATIENCE: Duration = Duration::from_secs(60);

/// Everything a portal or an agent keeps is its user's alone.
fn assert_private(folder: &Path) {
    assert_eq!(std::fs::metadata(folder).unwrap().mode() & 0o777, 0o700, "{}", folder.display());
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let facts = std::fs::metadata(&path).unwrap();
        if facts.is_dir() {
            assert_private(&path);
        } else {
            assert_eq!(facts.permissions().mode() & 0o777, 0o600, "{}", path.display());
        }
    }
}

/// Where a link on a page leads.
async fn linked(stage: &Stage, browser: &Browser, page: &str, css: &str) -> String {
    browser.open(&stage.page(page)).await.unwrap();
    let path = browser.find(css).await.unwrap().attr("href").await.unwrap().unwrap();
    stage.page(&path)
}

/// What somebody sees who has not signed in: pages without scripts.
async fn look_from_outside(stage: &Stage, browser: &Browser) {
    for (path, name) in
        [("/", "front"), ("/sign-in", "sign-in"), ("/operator/sign-in", "operator-sign-in")]
    {
        browser.open(&stage.page(path)).await.unwrap();
        browser.picture(name).await.unwrap();
        assert_eq!(browser.count("script[src]").await.unwrap(), 0, "{path} loads no script");
    }
}

/// Every other page is looked at, and the browser has nothing to complain about.
async fn look_around(stage: &Stage, browser: &Browser, pod: &str) {
    browser.open(pod).await.unwrap();
    browser.picture("pod").await.unwrap();
    browser.follow("Ana's phone").await.unwrap();
    browser.wait_text("Check connection").await.unwrap();
    browser.picture("device").await.unwrap();
    let device = browser.url().await.unwrap();
    let node = linked(stage, browser, "/operator/nodes", "a[href^='/operator/nodes/node_']").await;
    let suspend = linked(stage, browser, "/operator/accounts", "a[href$='/suspend']").await;
    for (url, name) in [
        (format!("{pod}/delete"), "pod-delete"),
        (format!("{device}/remove"), "device-remove"),
        (stage.page("/home"), "home"),
        (stage.page("/operator"), "operator-overview"),
        (node.clone(), "operator-node"),
        (format!("{node}/retire"), "operator-node-retire"),
        (stage.page("/operator/pods"), "operator-pods"),
        (stage.page("/operator/accounts"), "operator-accounts"),
        (suspend, "operator-account-suspend"),
        (stage.page("/nowhere"), "not-found"),
    ] {
        browser.open(&url).await.unwrap();
        browser.picture(name).await.unwrap();
    }
    // The one complaint is about the page that is not there.
    let complaints = browser.complaints().await.unwrap();
    let severe: Vec<_> = complaints.iter().filter(|it| !it.contains("404")).collect();
    assert!(severe.is_empty(), "{severe:?}");
}

/// Asserts for p02, p05, p06, p09, p28, p29 and p30 stand where the story makes them true.
#[tokio::test]
async fn p05_a_key_made_in_the_browser_opens_the_tunnel_and_never_leaves_the_device() {
    let folder = TempDir::new().unwrap();
    let pictures = root().join("target/pictures");
    let stage = Stage::set("mre", 21, folder.path()).await.unwrap();
    let browser = Browser::start(Scripts::On, &pictures).await.unwrap();
    look_from_outside(&stage, &browser).await;

    stage.become_owner(&browser).await.unwrap();
    let mut node = stage.add_node(&browser, "fra-1", "Frankfurt").await.unwrap();
    browser.open(&stage.page("/sign-up")).await.unwrap();
    browser.picture("sign-up").await.unwrap();
    assert_eq!(browser.count("script[src]").await.unwrap(), 0, "nor does one for signing up");
    stage.sign_up(&browser, "ana@example.org").await.unwrap();
    browser.picture("home-empty").await.unwrap();
    stage.create_pod(&browser).await.unwrap();
    browser.picture("pod-empty").await.unwrap();
    let pod = browser.url().await.unwrap();

    let file = stage.add_device(&browser, "Ana's phone").await.unwrap();
    let key = private_key(&file).unwrap();
    assert_eq!(file.file_name().unwrap(), "anas-phone.conf");
    browser.find("svg[role='img']").await.unwrap();
    browser.picture("add-device-done").await.unwrap();

    // p02: the key is one that `wg` takes, and the public half that was sent is its own.
    let public_key = public_key_of(&key).await.unwrap();
    let said = browser.execute("return document.getElementById('sent').textContent").await.unwrap();
    let said = said.as_str().unwrap();
    assert!(said.contains(&public_key) && !said.contains(&key), "the page says: {said}");
    let sent = String::from_utf8_lossy(&stage.recorder.sent()).into_owned();
    assert!(sent.contains(said), "what the page says was sent is what was sent: {said}");

    let client = stage.use_tunnel(&file).await.unwrap();
    browser.click("#check").await.unwrap();
    browser.wait_text("Connected").await.unwrap();
    let interfaces = node.interfaces(&stage.network).await.unwrap();
    for name in &interfaces {
        let name = name.split('@').next().unwrap();
        assert!(name.len() <= 15 && !name.contains("ana"), "p09: {name}");
    }

    look_around(&stage, &browser, pod.as_str()).await;

    // The private key is nowhere but in the file that the browser saved.
    assert_absent(&key, "what the browser sent", &stage.recorder.sent());
    assert!(assert_absent_below(&key, folder.path()) > 5, "database, logs and state were read");
    let status = node.status(&stage.network).await.unwrap();
    assert_absent(&key, "the agent's status", status.as_bytes());
    assert_private(&folder.path().join("portal"));
    assert_private(&folder.path().join("fra-1"));

    // What is removed is gone from the node: the tunnel is dead, and the page says so.
    browser.open(pod.as_str()).await.unwrap();
    browser.follow("Ana's phone").await.unwrap();
    browser.follow("Remove this device").await.unwrap();
    browser.click("main form button[type='submit']").await.unwrap();
    browser.wait_text("Frankfurt").await.unwrap();
    let server = stage.network.server()[0];
    client.goes_silent(server, PATIENCE).await.expect("a removed device has no tunnel");
    drop(client);
    node.stop().await.unwrap();
    let links = stage.network.inside(End::Node, "ip -brief link").await.unwrap();
    assert!(links.contains("eth0"), "what is not ours stays");
    browser.close().await.unwrap();
}

#[tokio::test]
async fn p05_without_scripts_a_key_of_ones_own_opens_the_tunnel() {
    let folder = TempDir::new().unwrap();
    let pictures = root().join("target/pictures/no-scripts");
    let stage = Stage::set("mrn", 22, folder.path()).await.unwrap();
    let browser = Browser::start(Scripts::Off, &pictures).await.unwrap();
    stage.become_owner(&browser).await.unwrap();
    let node = stage.add_node(&browser, "hel-1", "Helsinki").await.unwrap();
    stage.sign_up(&browser, "bob@example.org").await.unwrap();
    stage.create_pod(&browser).await.unwrap();
    let pod = browser.url().await.unwrap();

    let key = run_line("wg genkey").await.unwrap().trim().to_owned();
    let public_key = public_key_of(&key).await.unwrap();
    browser.open(&format!("{pod}/devices/new")).await.unwrap();
    browser.picture("add-device").await.unwrap();
    let action = format!("{}/devices/new", pod.path());

    // What is no key is refused by the field's name, and what was typed stays.
    browser.click("details:has(form[action$='/devices/new']) > summary").await.unwrap();
    let wrong = [("name", "laptop"), ("public_key", "not a key")];
    browser.submit(&action, &wrong).await.unwrap();
    browser.wait_text("There is a problem").await.unwrap();
    browser.picture("add-device-error").await.unwrap();

    browser.submit(&action, &[("name", "laptop"), ("public_key", &*public_key)]).await.unwrap();
    browser.wait_text("laptop").await.unwrap();
    browser.picture("device").await.unwrap();
    let shown = browser.text_of("pre").await.unwrap();
    let finished: String = shown
        .lines()
        .map(|line| match line.contains("PrivateKey") {
            true => format!("PrivateKey = {key}\n"),
            false => format!("{line}\n"),
        })
        .collect();
    let file = folder.path().join("laptop.conf");
    std::fs::write(&file, finished).unwrap();
    let client = stage.use_tunnel(&file).await.unwrap();
    browser.click("form[action$='/check'] button[type='submit']").await.unwrap();
    browser.wait_text("Connected").await.unwrap();

    // A second account's pod: another interface and key, and no way from one to the other.
    browser.forget().await.unwrap();
    stage.sign_up(&browser, "eve@example.org").await.unwrap();
    browser.open(pod.as_str()).await.unwrap();
    browser.wait_text("does not exist").await.unwrap();
    stage.create_pod(&browser).await.unwrap();
    let interfaces = node.interfaces(&stage.network).await.unwrap();
    assert_eq!(interfaces.len(), 2, "p07: one for each customer: {interfaces:?}");

    assert_absent(&key, "what the browser sent", &stage.recorder.sent());
    assert_absent_below(&key, &folder.path().join("portal"));
    assert_absent(&key, "the portal's log", stage.portal.said().as_bytes());
    drop(client);

    // And so does the line that people are told to type.
    wg_quick(&stage.network, &file).await.unwrap();
    browser.close().await.unwrap();
}
