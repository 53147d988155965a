//! One address may ask so often, whatever it says about itself.

use std::{net::IpAddr, num::NonZeroU32};

use axum::{body::Body, http::Request};

use super::{Portal, Setup};
use crate::config::Rates;

fn few(any: u32, sign_in: u32) -> Setup {
    let number = |it| NonZeroU32::new(it).unwrap();
    let rates = Rates { any: number(any), sign_in: number(sign_in), enrol: number(2) };
    Setup { rates, ..Setup::default() }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_household_is_counted_once_and_told_when_to_come_back() {
    let portal = Portal::with(few(5, 5)).await;
    let mut browser = portal.browser();
    browser.ip = ip("2001:db8:1:2::1");
    for _ in 0..5 {
        assert_eq!(browser.get("/healthz").await.status, 200);
    }
    let refused = browser.get("/healthz").await;
    assert_eq!(refused.status, 429);
    let wait: u32 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");

    browser.ip = ip("2001:db8:1:2:ffff::9");
    assert_eq!(browser.get("/").await.status, 429, "the same /64");
    let spoofed = Request::get("/").header("x-forwarded-for", "198.51.100.1");
    let answer = browser.send(spoofed.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 429, "a header that nobody trusts");
    assert!(answer.text().contains("<h1"), "and it is a page");
    browser.ip = ip("2001:db8:1:3::1");
    assert_eq!(browser.get("/").await.status, 200, "the neighbour");
}

#[tokio::test]
async fn behind_a_trusted_proxy_its_clients_are_counted() {
    let mut setup = few(2, 2);
    setup.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    let portal = Portal::with(setup).await;
    let mut proxy = portal.browser();
    proxy.ip = ip("10.0.0.1");
    let from = |client: &str| {
        let request = Request::get("/healthz").header("x-forwarded-for", client);
        request.body(Body::empty()).unwrap()
    };
    for _ in 0..2 {
        assert_eq!(proxy.send(from("198.51.100.1")).await.status, 200);
    }
    assert_eq!(proxy.send(from("198.51.100.1")).await.status, 429);
    assert_eq!(proxy.send(from("203.0.113.7, 198.51.100.1")).await.status, 429, "it lied");
    assert_eq!(proxy.send(from("198.51.100.2")).await.status, 200);
}

#[tokio::test]
async fn passwords_and_tokens_can_be_tried_a_few_times_only() {
    let portal = Portal::with(few(1000, 3)).await;
    let mut browser = portal.browser();
    let form = [("email", "ana@example.org"), ("password", "wrong wrong wrong")];
    for _ in 0..3 {
        assert_eq!(browser.post("/sign-in", &form).await.status, 422);
    }
    for path in ["/sign-in", "/sign-up", "/operator/sign-in", "/operator/invite/x"] {
        let answer = browser.post(path, &form).await;
        assert_eq!(answer.status, 429, "{path}");
        assert!(!answer.header("retry-after").is_empty(), "{path}");
    }
    assert_eq!(browser.get("/operator/invite/x").await.status, 429);
    assert_eq!(browser.get("/sign-in").await.status, 200, "reading is another matter");
}
