//! Another site cannot make a browser change anything here.

use axum::{body::Body, http::Request};

use super::{Portal, URL, filled};
use crate::http::routes::{HOOKS, UNSUBSCRIBE, Who, site_routes};

#[tokio::test]
async fn only_this_site_may_send_what_changes_something() {
    let portal = Portal::open().await;
    portal.world.customer("ana").await;
    let mut ana = portal.signed_in("ana").await;
    let cookies = ana.cookies.clone();
    // No browser adds what lets programs and providers in.
    let by_browsers = |path: &str, who: Who| {
        let by_others = [HOOKS, UNSUBSCRIBE].iter().any(|it| path.starts_with(it));
        who != Who::Token && !by_others
    };
    let routes = site_routes();
    let routes = routes.iter().filter(|it| it.method != "GET" && by_browsers(it.path, it.who));
    for route in routes {
        for (site, origin) in [
            (Some("cross-site"), None),
            (Some("cross-site"), Some(URL)),
            (Some("same-site"), Some(URL)),
            (Some("nonsense"), Some(URL)),
            (None, Some("https://evil.example")),
            (None, Some("http://vpn.example.org")),
            (None, Some("null")),
            (None, None),
        ] {
            let mut request = Request::post(filled(route.path));
            if let Some(site) = site {
                request = request.header("sec-fetch-site", site);
            }
            if let Some(origin) = origin {
                request = request.header("origin", origin);
            }
            let answer = ana.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, 403, "{} {site:?} {origin:?}", route.path);
            assert!(answer.text().contains("nothing was changed"), "{}", route.path);
        }
    }
    let untold = Request::post("/sign-out").body(Body::empty()).unwrap();
    let page = ana.send(untold).await.text();
    assert!(page.contains("This request was refused"), "{page}");
    assert!(!page.contains("A limit was reached"), "{page}");
    assert_eq!(ana.cookies, cookies, "still signed in");
    assert_eq!(ana.get("/home").await.status, 200);

    for (name, value) in [("sec-fetch-site", "same-origin"), ("origin", URL)] {
        let request = Request::post("/sign-out").header(name, value).body(Body::empty()).unwrap();
        assert_eq!(ana.send(request).await.status, 303, "{name}");
    }
}
