//! A portal as the internet sees it: by TLS, with cookies that belong to it alone.

use std::net::SocketAddr;

use myrelay_tests::{
    browser::{Browser, Scripts},
    portal::{Options, Portal, free_port},
    programs, root,
    story::PASSWORD,
};
use tempfile::TempDir;

/// Exactly one cookie, of this host only, by TLS only, and out of reach of scripts.
async fn assert_one_host_cookie(browser: &Browser) {
    let cookies = browser.cookies().await.unwrap();
    assert_eq!(cookies.len(), 1, "{cookies:?}");
    let cookie = &cookies[0];
    assert_eq!(cookie.name(), "__Host-myrelay_account");
    assert_eq!((cookie.secure(), cookie.http_only()), (Some(true), Some(true)));
    assert_eq!(cookie.path(), Some("/"));
    let seen = browser.execute("return document.cookie").await.unwrap();
    assert_eq!(seen, "", "no script sees it");
}

#[tokio::test]
async fn p15_by_tls_a_session_is_a_cookie_of_this_host_only() {
    let folder = TempDir::new().unwrap();
    let listen: SocketAddr = ([127, 0, 0, 1], free_port().unwrap()).into();
    let node_port = free_port().unwrap();
    let options = Options {
        programs: programs(),
        data: folder.path().join("portal"),
        log: folder.path().join("portal.log"),
        listen,
        public_url: format!("https://localhost:{}", listen.port()),
        node_listen: ([127, 0, 0, 1], node_port).into(),
        node_url: format!("https://127.0.0.1:{node_port}"),
        flags: Vec::new(),
        verbose: false,
    };
    let url = options.public_url.clone();
    let mut portal = Portal::start(options).await.unwrap();
    let browser = Browser::start(Scripts::On, &root().join("target/pictures/tls")).await.unwrap();
    let account = [("email", "ana@example.org"), ("password", PASSWORD)];

    browser.open(&format!("{url}/sign-up")).await.unwrap();
    browser.submit("/sign-up", &account).await.unwrap();
    browser.wait_text("Locations").await.unwrap();
    assert_one_host_cookie(&browser).await;

    browser.click("form[action='/sign-out'] button").await.unwrap();
    browser.wait_text("Sign in").await.unwrap();
    browser.open(&format!("{url}/home")).await.unwrap();
    browser.find("form[action^='/sign-in']").await.unwrap();

    browser.open(&format!("{url}/sign-in")).await.unwrap();
    browser.submit("/sign-in", &account).await.unwrap();
    browser.wait_text("Locations").await.unwrap();
    assert_one_host_cookie(&browser).await;

    assert_eq!(browser.complaints().await.unwrap(), Vec::<String>::new());
    browser.close().await.unwrap();
    portal.stop().await.unwrap();
}
