//! Plugins against others: servers, names, secrets. What was not granted is not reached.

use std::{io::Write as _, thread, time::Duration};

use myrelay_plugin_host::{Grants, Refusal};
use serde_json::{Value, json};

use crate::{
    server::{Server, ok},
    stage::{Names, Stage, is_done, told},
};

const KEY: &str = "k3y/with:odd+chars";
const OTHER: &str = "another-secret-value";

fn manifest(port: u16) -> String {
    format!(
        r#"
manifest = 1
[plugin]
id = "dev.myrelay.sample-hostile"
name = "Hostile"
version = "0.1.0"
kind = ["event"]
api = "1.0"
[capabilities]
kv = {{}}
crypto = true
[[capabilities.http]]
scheme = "http"
host = "*"
port = {port}
methods = ["GET", "POST"]
reason = "To try"
[[secrets]]
name = "key"
use = [{{ host = "*", in = ["auth", "header", "query", "path", "body"] }}]
[[secrets]]
name = "signing"
generated = true
use = [{{ hmac = true }}]
[[secrets]]
name = "narrow"
use = [{{ host = "*", in = ["auth"] }}]
"#
    )
}

fn grants(port: u16, hosts: &[&str], private: bool) -> Grants {
    let private: Vec<String> =
        if private { vec![format!("127.0.0.1/32:{port}")] } else { Vec::new() };
    let http: Vec<Value> = hosts
        .iter()
        .map(|host| {
            json!({ "scheme": "http", "host": host, "port": port, "methods": ["GET", "POST"],
                "path_prefix": "/open/", "private": private })
        })
        .collect();
    let places = |places: &[&str]| json!({ "http": { "host": "127.0.0.1", "places": places } });
    serde_json::from_value(json!({
        "kv": true,
        "crypto": true,
        "http": http,
        "secrets": [
            { "name": "key", "allowed": places(&["auth", "header", "query", "path", "body"]) },
            { "name": "signing", "allowed": "hmac" },
        ],
    }))
    .unwrap()
}

async fn hostile(server: &Server) -> Option<Stage> {
    let port = server.address.port();
    let mut stage = Stage::new();
    stage.secret("key", KEY);
    stage.secret("narrow", OTHER);
    let grants = grants(port, &["127.0.0.1"], true);
    stage.install("hostile", &manifest(port), grants).await.unwrap().then_some(stage)
}

#[tokio::test]
async fn only_what_was_granted_is_reached_and_refusals_say_what_would_allow_it() {
    let server = Server::saying("open");
    let Some(stage) = hostile(&server).await else { return };
    let port = server.address.port();
    let outcome = stage.misdeed("outside:get", &server.url("/open/door")).await;
    assert!(told(&outcome).starts_with("200"), "{}", told(&outcome));
    let disguises = [
        (server.url("/closed"), "path_prefix = \"/closed\""),
        (server.url("/open/../closed"), "path_prefix"),
        (server.url("/open/%2e%2e/closed"), "path_prefix"),
        (server.url("/open/..%2fclosed"), "%2f"),
        (format!("https://127.0.0.1:{port}/open/"), "scheme = \\\"https\\\""),
        (format!("http://localhost:{port}/open/"), "localhost"),
        (format!("http://127.1:{port}/open/"), "127.0.0.1"),
        (format!("http://2130706433:{port}/open/"), "127.0.0.1"),
        (format!("http://0x7f000001:{port}/open/"), "127.0.0.1"),
        (format!("http://0177.0.0.1:{port}/open/"), "127.0.0.1"),
        (format!("http://[::ffff:127.0.0.1]:{port}/open/"), "::ffff:127.0.0.1"),
        (format!("http://[::1]:{port}/open/"), "::1"),
        (format!("http://127.0.0.1.:{port}/open/"), ""),
        (format!("http://user@127.0.0.1:{port}/open/"), "no user"),
        (format!("http://127.0.0.1:{port}\\@evil.example/open/"), "backslashes"),
        (format!("http://127.0.0.1:{}/open/", port.wrapping_add(1).max(1)), "port = "),
        ("http://169.254.169.254/open/".to_owned(), "169.254.169.254"),
        ("file:///etc/passwd".to_owned(), "https://"),
        ("gopher://127.0.0.1/".to_owned(), "https://"),
    ];
    for (url, why) in disguises {
        let outcome = stage.misdeed("outside:get", &url).await;
        let told = told(&outcome);
        assert!(told.starts_with("Denied("), "{url}: {told}");
        assert!(told.replace('\\', "").contains(&why.replace('\\', "")), "{url}: {told}");
        assert!(!outcome.http[0].sent && outcome.http[0].result.is_err());
        let rule = outcome.http[0].refusal.unwrap();
        // A rule would have to be another where the URL has one meaning.
        let is_rule = told.contains("[[capabilities.http]]") || told.contains("not granted");
        assert_eq!(rule != Refusal::Url, is_rule, "{url}: {rule:?}, {told}");
    }
    assert_eq!(server.asked().len(), 1, "{:?}", server.asked());
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_followed() {
    let server = Server::saying("inside");
    let port = server.address.port();
    // The second look-up would be a harmless address: it never happens. The third is mixed.
    let names =
        Names::of(&[&["127.0.0.1"], &["10.0.0.1", "::ffff:127.0.0.1"], &["198.20.0.9"], &[]]);
    let stage = Stage::with_names(names);
    let manifest = manifest(port);
    if !stage.install("hostile", &manifest, grants(port, &["rebind.example"], false)).await.unwrap()
    {
        return;
    }
    let url = format!("http://rebind.example:{port}/open/");
    for why in ["loopback", "127.0.0.1 is", "own", "has no address", "no such name"] {
        let outcome = stage.misdeed("outside:get", &url).await;
        let why = why.trim_start_matches("127.0.0.1 is").trim();
        let told = told(&outcome);
        assert!(told.starts_with("BlockedAddress(") || told.starts_with("Dns("), "{told}");
        assert!(told.contains(why), "{told}");
        let blocked = told.starts_with("BlockedAddress(").then_some(Refusal::Address);
        assert_eq!(outcome.http[0].refusal, blocked, "{told}");
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn the_address_that_was_checked_is_the_one_that_is_reached() {
    let server = Server::saying("checked");
    let port = server.address.port();
    // Only the first answer may be used: a second look-up fails.
    let stage = Stage::with_names(Names::of(&[&["10.9.9.9", "127.0.0.1"]]));
    let manifest = manifest(port);
    if !stage.install("hostile", &manifest, grants(port, &["home.example"], true)).await.unwrap() {
        return;
    }
    let url = format!("http://home.example:{port}/open/");
    let outcome = stage.misdeed("outside:get", &url).await;
    assert!(told(&outcome).ends_with("checked"), "{}", told(&outcome));
    assert!(server.asked()[0].contains(&format!("host: home.example:{port}\r\n")));
}

#[tokio::test]
async fn answers_are_bounded_in_size_and_time_and_never_followed() {
    let server = Server::start(|request, stream| {
        let path = request.split(' ').nth(1).unwrap();
        match path {
            "/open/redirect" => stream.write_all(
                b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\n\
                  set-cookie: a=b\r\ncontent-length: 0\r\n\r\n",
            ),
            "/open/claims" => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n")
            }
            "/open/endless" => {
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
                loop {
                    stream.write_all(&[b'x'; 65536])?;
                }
            }
            "/open/headers" => {
                stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
                for number in 0..200 {
                    stream.write_all(format!("x-{number}: y\r\n").as_bytes())?;
                }
                stream.write_all(b"content-length: 0\r\n\r\n")
            }
            "/open/long-header" => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nx: ")?;
                stream.write_all(&[b'y'; 100_000])
            }
            "/open/slow" => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")?;
                // A byte now and then, until the other side hangs up.
                loop {
                    stream.write_all(b"x")?;
                    thread::sleep(Duration::from_millis(50));
                }
            }
            "/open/nonsense" => stream.write_all(b"SMTP ready\r\n\r\n"),
            _ => Ok(()),
        }
    });
    let Some(stage) = hostile(&server).await else { return };
    for (path, expected) in [
        ("redirect", "302"),
        ("claims", "TooLarge(4194304)"),
        ("endless", "TooLarge(4194304)"),
        ("headers", "Protocol("),
        ("long-header", "Protocol("),
        ("slow", "Timeout"),
        ("nonsense", "Protocol("),
        ("nothing", "Interrupted("),
    ] {
        let outcome = stage.misdeed("outside:get", &server.url(&format!("/open/{path}"))).await;
        assert!(told(&outcome).starts_with(expected), "{path}: {}", told(&outcome));
        assert!(outcome.http[0].sent, "{path}");
    }
    assert_eq!(server.asked().len(), 8, "nothing was followed or tried again");
    let outcome = stage.misdeed("outside:many", &server.url("/open/redirect")).await;
    assert!(told(&outcome).contains("10 requests in one call"), "{}", told(&outcome));
    assert_eq!(outcome.used.http_requests, 10);
    let smuggled = format!("{} a\r\nHost: evil", server.url("/open/"));
    let outcome = stage.misdeed("outside:header", &smuggled).await;
    assert!(told(&outcome).starts_with("Invalid("), "{}", told(&outcome));
}

#[tokio::test]
async fn an_operator_sets_how_many_requests_a_call_makes() {
    let server = Server::saying("fine");
    let Some(mut stage) = hostile(&server).await else { return };
    let port = server.address.port();
    stage.limits.http_requests = 2;
    let granted = grants(port, &["127.0.0.1"], true);
    assert!(stage.install("hostile", &manifest(port), granted).await.unwrap());
    let outcome = stage.misdeed("outside:many", &server.url("/open/")).await;
    assert!(told(&outcome).contains("2 requests in one call"), "{}", told(&outcome));
    assert_eq!((outcome.used.http_requests, server.asked().len()), (2, 2));
}

#[tokio::test]
async fn a_secret_goes_only_where_both_sides_say() {
    let server = Server::saying("fine");
    let Some(stage) = hostile(&server).await else { return };
    let sent = [
        ("auth", "authorization: Bearer k3y/with:odd+chars\r\n"),
        ("user", "authorization: Basic azN5L3dpdGg6b2RkK2NoYXJzOg==\r\n"),
        ("header", "x-key: k3y/with:odd+chars\r\n"),
        ("query", "GET /open/?key=k3y%2Fwith%3Aodd%2Bchars HTTP"),
        ("path", "GET /open/k3y%2Fwith:odd%2Bchars HTTP"),
        ("body", "\r\n\r\nk3y/with:odd+chars"),
    ];
    for (place, expected) in sent {
        let data = format!("{place} key {}", server.url("/open/"));
        let outcome = stage.misdeed("outside:place", &data).await;
        assert!(told(&outcome).starts_with("200"), "{place}: {}", told(&outcome));
        let asked = server.asked().pop().unwrap();
        assert!(asked.contains(expected), "{place}: {asked}");
    }
    let before = server.asked().len();
    for (place, why) in [("auth", "operator has not granted"), ("header", "[[secrets]] narrow")] {
        let data = format!("{place} narrow {}", server.url("/open/"));
        let outcome = stage.misdeed("outside:place", &data).await;
        let told = told(&outcome);
        assert!(told.starts_with("Denied(") && told.contains(why), "{place}: {told}");
        assert_eq!(outcome.http[0].refusal, Some(Refusal::Secret), "{place}");
    }
    assert_eq!(server.asked().len(), before);
    // Another installation's secret is no secret here.
    let outcome = stage.misdeed("outside:placeholder", "stripe_key").await;
    assert!(told(&outcome).contains("Unknown"), "{}", told(&outcome));
    let outcome = stage.misdeed("outside:hmac", "key").await;
    assert!(told(&outcome).contains("Denied") && told(&outcome).contains("hmac = true"));
}

#[tokio::test]
async fn a_secret_that_is_sent_back_is_taken_out_everywhere() {
    let server = Server::start(|request, stream| {
        let seen = request.lines().find(|it| it.starts_with("authorization: ")).unwrap();
        let encoded = seen.rsplit(' ').next().unwrap();
        let body = format!("{KEY} {encoded} {OTHER}");
        let head = format!("HTTP/1.1 200 OK\r\nx-seen: {KEY} {encoded}\r\n");
        stream.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes())
    });
    let Some(stage) = hostile(&server).await else { return };
    for path in ["/open/keep", "/open/fail"] {
        let outcome = stage.misdeed("outside:echo", &format!("key {}", server.url(path))).await;
        assert_eq!(is_done(&outcome), path == "/open/keep");
        let kept = outcome.kv.iter().map(|it| format!("{:?}", it.write)).collect::<String>();
        let everything = format!("{outcome:?}{kept}");
        for secret in [KEY, OTHER, "dXNlcjprM3kvd2l0aDpvZGQrY2hhcnM="] {
            assert!(!everything.contains(secret), "{secret}: {everything}");
            let bytes = format!("{:?}", secret.as_bytes());
            let bytes = bytes.trim_matches(['[', ']']);
            assert!(!everything.contains(bytes), "{secret} in the store");
        }
        assert!(outcome.logs[0].message.contains("[secret]"));
    }
}

#[tokio::test]
async fn only_generated_secrets_are_put_away_and_only_at_a_good_end() {
    let server = Server::saying(ok("").leak());
    let Some(stage) = hostile(&server).await else { return };
    let outcome = stage.misdeed("outside:put", "signing whsec_abcdefgh").await;
    assert!(is_done(&outcome), "{:?}", outcome.result);
    let [put] = &outcome.secret_puts[..] else { panic!("{:?}", outcome.secret_puts) };
    assert_eq!((put.name.as_str(), put.value.expose()), ("signing", "whsec_abcdefgh"));
    assert!(!format!("{outcome:?}").contains("whsec"));
    for (data, why) in
        [("key x", "generated = true"), ("nothing x", "Unknown"), ("signing ", "1 to")]
    {
        let outcome = stage.misdeed("outside:put", data).await;
        assert!(told(&outcome).contains(why), "{}", told(&outcome));
        assert!(outcome.secret_puts.is_empty());
    }
}
