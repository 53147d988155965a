//! What every answer has around it, and that reading changes nothing.

use std::collections::BTreeSet;

use axum::{body::Body, http::Request};

use super::{Answer, Browser, Portal, Setup, filled, form_request};
use crate::http::routes::{Route, node_routes, site_routes};

/// What must stand on an answer whatever it is; gives the policy's nonce.
fn assert_dressed(answer: &Answer, what: &str) -> String {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    ] {
        assert_eq!(answer.header(name), value, "{what}: {name}");
    }
    assert!(answer.header("permissions-policy").contains("camera=()"), "{what}");
    assert!(answer.header("x-request-id").starts_with("req_"), "{what}");
    let cached = answer.header("cache-control");
    assert!(cached == "no-store" || cached.contains("immutable"), "{what}: {cached}");

    let policy = answer.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    ] {
        assert!(policy.contains(part), "{what}: {part}");
    }
    assert!(!policy.contains("unsafe-inline"), "{what}");
    assert!(!policy.replace("'wasm-unsafe-eval'", "").contains("unsafe-eval"), "{what}");
    let (_, rest) = policy.split_once("'nonce-").unwrap();
    rest.split_once('\'').unwrap().0.to_owned()
}

/// Every script of a page carries the policy's nonce, and no element has a style or a handler.
fn assert_scripts(answer: &Answer, nonce: &str, what: &str) {
    if !answer.header("content-type").starts_with("text/html") {
        return;
    }
    let page = answer.text();
    assert!(page.starts_with("<!DOCTYPE html>"), "{what}");
    for script in page.split("<script").skip(1) {
        let tag = script.split('>').next().unwrap();
        assert!(tag.contains(&format!("nonce=\"{nonce}\"")), "{what}: <script{tag}>");
    }
    assert!(!page.contains(" style=\"") && !page.contains(" onclick="), "{what}");
}

async fn ask(browser: &mut Browser, route: &Route) -> Answer {
    let path = filled(route.path);
    match route.method.as_str() {
        "GET" => browser.get(&path).await,
        _ => browser.post(&path, &[]).await,
    }
}

#[tokio::test]
async fn every_answer_of_every_route_is_dressed_and_no_nonce_comes_twice() {
    let portal = Portal::open().await;
    portal.world.customer("ana").await;
    portal.world.operator("olga").await;
    let mut seen = BTreeSet::new();
    let mut check = |answer: &Answer, what: &str| {
        let nonce = assert_dressed(answer, what);
        assert_scripts(answer, &nonce, what);
        assert!(seen.insert(nonce), "{what}: the nonce of another answer");
    };
    let mut visitor = portal.browser();
    let mut ana = portal.signed_in("ana").await;
    let mut olga = portal.operator("olga").await;
    for route in site_routes() {
        for browser in [&mut visitor, &mut ana, &mut olga] {
            // Twice: nothing of an answer is kept for the next.
            for _ in 0..2 {
                let answer = ask(browser, &route).await;
                check(&answer, &format!("{} {}: {}", route.method, route.path, answer.status));
            }
        }
    }
    let mut agent = Browser::at(&portal.nodes);
    for route in node_routes() {
        let answer = ask(&mut agent, &route).await;
        check(&answer, route.path);
    }
    for (status, request) in [
        (404, Request::get("/nothing/here").body(Body::empty()).unwrap()),
        (405, form_request("/home", "")),
        (
            405,
            Request::delete("/sign-in")
                .header("sec-fetch-site", "none")
                .body(Body::empty())
                .unwrap(),
        ),
        (
            405,
            Request::builder()
                .method("TRACE")
                .uri("/")
                .header("sec-fetch-site", "none")
                .body(Body::empty())
                .unwrap(),
        ),
        (403, Request::post("/sign-in").body(Body::empty()).unwrap()),
        (413, form_request("/sign-in", vec![b'a'; 1024 * 1024 + 1])),
        (
            415,
            Request::post("/sign-in")
                .header("sec-fetch-site", "none")
                .body(Body::from("x"))
                .unwrap(),
        ),
        (422, form_request("/sign-in", "private_key=x")),
        (422, form_request("/sign-in", "email=a&password=b&role=admin")),
    ] {
        let what = format!("{} {}", request.method(), request.uri());
        let answer = visitor.send(request).await;
        assert_eq!(answer.status, status, "{what}");
        assert!(answer.text().contains("<h1"), "{what}: a page that somebody designed");
        check(&answer, &what);
    }
}

#[tokio::test]
async fn in_clear_text_there_is_no_hsts_and_no_host_prefix() {
    let setup = Setup { url: "http://127.0.0.1:8440", ..Setup::default() };
    let portal = Portal::with(setup).await;
    portal.world.customer("ana").await;
    let ana = portal.signed_in("ana").await;
    assert!(ana.cookies.contains_key("myrelay_account"));
    let answer = portal.browser().get("/").await;
    assert_eq!(answer.header("strict-transport-security"), "");
    // Else browsers would not say where a form comes from: they send no Fetch Metadata there.
    assert_eq!(answer.header("referrer-policy"), "same-origin");
}

#[tokio::test]
async fn reading_changes_nothing() {
    let portal = Portal::open().await;
    portal.world.customer("ana").await;
    portal.world.operator("olga").await;
    let mut ana = portal.signed_in("ana").await;
    let mut olga = portal.operator("olga").await;
    // Counts what other connections wrote (https://sqlite.org/pragma.html#pragma_data_version).
    let mut watcher = portal.world.context.database.read().acquire().await.unwrap();
    let mut version = async || -> i64 {
        sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut *watcher).await.unwrap()
    };
    let before = version().await;
    for route in site_routes().iter().filter(|it| it.method == "GET") {
        for method in ["GET", "HEAD"] {
            for browser in [&mut ana, &mut olga] {
                let request = Request::builder().method(method).uri(filled(route.path));
                browser.send(request.body(Body::empty()).unwrap()).await;
                assert_eq!(version().await, before, "{method} {}", route.path);
            }
        }
    }
}

#[tokio::test]
async fn files_are_found_by_their_names_and_kept_for_ever() {
    let portal = Portal::open().await;
    let mut browser = portal.browser();
    let plain = browser.get("/assets/app.wasm").await;
    assert_eq!((plain.status, plain.header("content-type")), (200, "application/wasm"));
    assert_eq!(plain.text(), "app.wasm as it is");
    assert!(plain.header("cache-control").contains("immutable"));

    let ask = |name: &str, value: &str| {
        Request::get("/assets/app.wasm").header(name, value).body(Body::empty()).unwrap()
    };
    let small = browser.send(ask("accept-encoding", "gzip, br;q=0.9")).await;
    assert_eq!((small.header("content-encoding"), &*small.text()), ("br", "app.wasm made small"));
    let refused = browser.send(ask("accept-encoding", "gzip, br;q=0")).await;
    assert_eq!(refused.header("content-encoding"), "");
    let known = browser.send(ask("if-none-match", plain.header("etag"))).await;
    assert_eq!((known.status, known.body.len()), (304, 0));

    for path in ["/assets/manifest.json", "/assets/..%2fmanifest.json", "/assets/app.wasm.br"] {
        assert_eq!(browser.get(path).await.status, 404, "{path}");
    }
    assert_eq!(browser.get("/healthz").await.text(), "ok\n");
    assert_eq!(browser.get("/readyz").await.text(), "ok\n");
}

#[tokio::test]
async fn a_portal_without_its_database_is_up_and_not_ready() {
    let portal = Portal::open().await;
    portal.world.context.database.close().await;
    let mut browser = portal.browser();
    assert_eq!(browser.get("/healthz").await.status, 200);
    assert_eq!(browser.get("/readyz").await.status, 503);
    browser
        .cookies
        .insert("__Host-myrelay_account".to_owned(), "AAAAAAAAAAAAAAAAAAAAAA".to_owned());
    let page = browser.get("/home").await;
    assert!(matches!(page.status, 500 | 503), "{}", page.status);
    let words = page.text();
    assert!(words.contains("<h1") && !words.to_lowercase().contains("sql"), "{words}");
}
