//! Bodies: within bounds, without private keys, without fields that nobody expects.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{Method, Request, header},
};
use futures::{StreamExt, stream};
use serde_json::json;
use tokio::time::timeout;

use super::{Browser, Portal, authorisation::certified, filled, form_request};
use crate::http::{
    body::{MAX_BODY, NODE_BODY},
    routes::{Route, UPLOAD, Who, node_routes, site_routes},
};

/// A body without an announced length, and how many bytes of it were taken.
fn endless() -> (Body, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let chunks = stream::repeat_with(move || {
        count.fetch_add(64 * 1024, Ordering::SeqCst);
        Ok::<_, std::io::Error>(Bytes::from(vec![b'a'; 64 * 1024]))
    });
    (Body::from_stream(chunks), taken)
}

fn request(route: &Route, body: Body) -> Request<Body> {
    Request::builder()
        .method(route.method.clone())
        .uri(filled(route.path))
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body)
        .unwrap()
}

#[tokio::test]
async fn p35_a_body_over_1_mb_gets_413_on_every_route_and_is_not_taken_in() {
    let portal = Portal::open().await;
    let mut browser = portal.browser();
    for route in site_routes() {
        if (route.path, &route.method) == (UPLOAD, &Method::POST) {
            // Packages are larger: nothing is read of them before it is known who sends them.
            let (chunked, taken) = endless();
            assert_eq!(browser.send(request(&route, chunked)).await.status, 401);
            assert_eq!(taken.load(Ordering::SeqCst), 0);
            continue;
        }
        let announced = Body::from(vec![b'a'; MAX_BODY + 1]);
        assert_eq!(browser.send(request(&route, announced)).await.status, 413, "{}", route.path);
        let (chunked, taken) = endless();
        assert_eq!(browser.send(request(&route, chunked)).await.status, 413, "{}", route.path);
        let taken = taken.load(Ordering::SeqCst);
        assert!(taken <= MAX_BODY + 2 * 64 * 1024, "{}: {taken} bytes taken", route.path);
    }
    let unknown = Request::post("/nothing").header("sec-fetch-site", "none");
    let unknown = unknown.body(Body::from(vec![b'a'; MAX_BODY + 1])).unwrap();
    assert_eq!(browser.send(unknown).await.status, 413);
    let exactly = form_request("/sign-in", vec![b'a'; MAX_BODY]);
    assert_eq!(browser.send(exactly).await.status, 422, "1 MB itself is read");
}

#[tokio::test]
async fn p35_a_body_over_1_mb_gets_413_on_every_node_route_and_is_not_taken_in() {
    let portal = Portal::open().await;
    let (_, certificate) = certified(&portal, "Berlin").await;
    for route in node_routes() {
        let reports = ["/v1/observed", "/v1/usage"].contains(&route.path);
        let max = if reports { MAX_BODY } else { NODE_BODY };
        let mut agent = Browser::at(&portal.nodes);
        if route.who == Who::Node {
            agent.certificate = Some(certificate.clone());
        }
        let announced = Body::from(vec![b'a'; max + 1]);
        assert_eq!(agent.send(request(&route, announced)).await.status, 413, "{}", route.path);
        let (chunked, taken) = endless();
        assert_eq!(agent.send(request(&route, chunked)).await.status, 413, "{}", route.path);
        let taken = taken.load(Ordering::SeqCst);
        assert!(taken <= max + 2 * 64 * 1024, "{}: {taken} bytes taken", route.path);
    }
}

#[tokio::test]
async fn p35_many_large_bodies_at_once_share_one_budget() {
    let portal = Portal::open().await;
    // Each sends most of its megabyte and then stays silent.
    let mut senders: Vec<_> = (0..100)
        .map(|_| {
            let mut browser = portal.browser();
            let first = stream::iter([Ok::<_, std::io::Error>(Bytes::from(vec![b'a'; 1_000_000]))]);
            let body = Body::from_stream(first.chain(stream::pending()));
            Box::pin(async move { browser.send(form_request("/sign-in", body)).await.status })
        })
        .collect();
    let mut refused = 0;
    let refusals = async {
        while refused < 30 {
            let mut waiting = Vec::new();
            for mut sender in senders.drain(..) {
                match futures::poll!(&mut sender) {
                    Poll::Ready(status) => {
                        assert_eq!(status, 503);
                        refused += 1;
                    }
                    Poll::Pending => waiting.push(sender),
                }
            }
            senders = waiting;
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), refusals).await.unwrap();
    assert!(senders.len() > 60, "the others are still being read");
    let form = [("email", "ana@example.org"), ("password", "wrong wrong wrong")];
    assert_eq!(portal.browser().post("/sign-in", &form).await.status, 422, "and forms go on");
}

#[tokio::test]
async fn p05_a_request_that_carries_a_private_key_is_refused_with_an_explanation() {
    const KEY: &str = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
    let portal = Portal::open().await;
    portal.world.customer("ana").await;
    let mut ana = portal.signed_in("ana").await;
    let path = "/pods/pod_00000000000000000000000000000001/devices/new";
    for form in [
        vec![("name", "phone"), ("private_key", KEY)],
        vec![("name", "phone"), ("PrivateKey", KEY), ("public_key", "x")],
        vec![("name", "phone"), ("public_key", "[Interface]\nPrivateKey = yAnz5TF=\n")],
        vec![("wg[private-key]", KEY)],
    ] {
        let answer = ana.post(path, &form).await;
        assert_eq!(answer.status, 422, "{form:?}");
        let page = answer.text();
        assert!(page.contains("never leaves your device"), "{page}");
        assert!(!page.contains("yAnz5TF"), "it is not said back");
    }
    for input in [
        json!({ "input": { "pod": "x", "name": "y", "public_key": "z", "private_key": KEY } }),
        json!({ "input": { "pod": "x", "name": "y", "public_key": "z" }, "privateKey": KEY }),
        json!([{ "PRIVATE KEY": KEY }]),
    ] {
        let answer = ana.call("/call/add_device", &input).await;
        assert_eq!(answer.status, 422, "{input}");
        assert_eq!(answer.json()["field"], "private_key", "{input}");
        assert!(!answer.text().contains("yAnz5TF"));
    }
    assert_eq!(ana.get(&format!("/home?private_key={KEY}")).await.status, 422);
    let stored = portal.database_bytes();
    assert!(!stored.windows(7).any(|part| part == b"yAnz5TF"), "nothing of it was kept");
}

#[tokio::test]
async fn a_field_that_nobody_expects_is_refused() {
    let portal = Portal::open().await;
    portal.world.customer("ana").await;
    let mut ana = portal.signed_in("ana").await;
    for (path, form) in [
        ("/sign-up", "email=b@example.org&password=correct+horse+battery&plan=unlimited"),
        ("/pods", "location=x&account=y"),
        ("/pods/x/devices/new", "name=a&public_key=b&addresses=10.64.0.9"),
        ("/sign-out", "next=https://evil.example"),
        ("/pods", "location=x&location=y"),
    ] {
        let answer = ana.send(form_request(path, form)).await;
        assert_eq!(answer.status, 422, "{path} {form}");
    }
    let input = json!({ "input": { "pod": "x", "name": "y", "public_key": "z", "host": 9 } });
    for input in [&input, &json!({}), &json!({ "input": 7 }), &json!([])] {
        let refused = ana.call("/call/add_device", input).await;
        assert_eq!((refused.status, &refused.json()["code"]), (422, &json!("invalid")), "{input}");
    }
    let plain = Request::post("/call/add_device")
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "text/plain");
    let plain = plain.body(Body::from(input.to_string())).unwrap();
    assert_eq!(ana.send(plain).await.status, 415);
    assert_eq!(ana.get("/home").await.status, 200, "still signed in");
}
