//! The forms about plugins, as a browser without JavaScript uses them.

use axum::{
    body::{Body, Bytes},
    http::{Request, header},
};
use futures::stream;
use myrelay_plugin_host::{Call, Limits, types::AccountRef};

use super::{Portal, form_request};
use crate::{
    http::{body::MAX_BODY, routes::UPLOAD},
    payments::tests::stage::Stage,
    plugins::{Input, install, testing, tests::uploads::package},
};

const SCHEMA: &str = r#"{
    "type": "object", "additionalProperties": false, "required": ["word"],
    "properties": {
        "word": { "type": "string", "title": "A word", "maxLength": 8 },
        "loud": { "type": "boolean" }
    }
}"#;

#[tokio::test]
async fn an_operator_changes_settings_by_a_form_that_keeps_what_was_typed_but_secrets() {
    let portal = Portal::open().await;
    portal.world.operator("olga").await;
    let first = testing::input("dev.example.one", &["account.created.v1"]);
    let settings = Some(r#"{"word":"one"}"#.to_owned());
    let input = Input { schema: Some(SCHEMA.to_owned()), settings, ..first };
    let (id, enabled) = install(&portal.world.context, input).await.unwrap();
    enabled.unwrap();
    let mut olga = portal.operator("olga").await;
    let page = format!("/operator/plugins/{id}");
    let path = format!("{page}/settings");
    assert!(olga.get(&page).await.text().contains(&path), "its page leads to its settings");

    let shown = olga.get(&path).await.text();
    assert!(shown.contains("value=\"one\"") && shown.contains("A word"), "{shown}");
    assert!(shown.contains("type=\"password\"") && !shown.contains("hush"));
    let form = [
        ("revision", "1"),
        ("setting-0", "<too> long"),
        ("setting-1", "on"),
        ("secret-0", "my-secret"),
    ];
    let refused = olga.post(&path, &form).await;
    assert_eq!(refused.status, 422);
    let text = refused.text();
    assert!(text.contains("<title>Error: "), "{text}");
    assert!(text.contains("href=\"#field-setting-0\"") && text.contains("At most 8 characters"));
    assert!(text.contains("value=\"&lt;too&gt; long\"") && text.contains(" checked"));
    assert!(!text.contains("my-secret"), "a secret is never shown again");

    let form = [("revision", "1"), ("setting-0", "two"), ("setting-1", "on"), ("secret-0", "")];
    let saved = olga.post(&path, &form).await;
    assert_eq!((saved.status, saved.header("location")), (303, page.as_str()));
    assert!(olga.get(&page).await.text().contains("{\"loud\":true,\"word\":\"two\"}"));
    // A box without a tick is not sent.
    let form = [("revision", "2"), ("setting-0", "two")];
    assert_eq!(olga.post(&path, &form).await.status, 303);
    assert!(olga.get(&page).await.text().contains("{\"loud\":false,\"word\":\"two\"}"));
    let late = olga.post(&path, &form).await;
    assert!(late.status == 422 && late.text().contains("Somebody changed this plugin"));
}

#[tokio::test]
async fn an_operator_sets_limits_by_a_form_that_keeps_what_was_typed() {
    let portal = Portal::open().await;
    portal.world.operator("olga").await;
    let id = portal.world.plugin("dev.example.one", &["account.created.v1"]).await;
    let mut olga = portal.operator("olga").await;
    let page = format!("/operator/plugins/{id}");
    let path = format!("{page}/limits");
    assert!(olga.get(&page).await.text().contains(&format!("href=\"{path}\"")));
    let shown = olga.get(&path).await.text();
    // The words are the app's, and the numbers are the host's.
    let usual = |call: &Call, name: &str| {
        let limits = Limits::default();
        let (cpu, wall) = (limits.cpu(call).as_millis(), limits.wall(call).as_millis());
        assert!(shown.contains(&format!("{wall} ms for {name}")), "{wall} {name}: {shown}");
        cpu
    };
    let look = Call::ValidateConfig(String::new());
    assert_eq!(usual(&look, "a look at settings"), 1000);
    assert_eq!(usual(&Call::Health, "everything else"), 1000);
    assert_eq!(Limits::default().cpu(&Call::Describe).as_millis(), 200);
    assert!(shown.contains("200 ms for prices and reports, and 1000 ms for everything else"));
    let account = AccountRef { id: String::new(), locale: "en".to_owned(), country: None };
    let waited_for = Call::CustomerPortalUrl { account, return_url: String::new() };
    let raised = Limits { wall_ms: Limits::CAPS.wall_ms, ..Limits::default() };
    let most = raised.wall(&waited_for).as_millis();
    assert!(shown.contains(&format!("get {most} ms at most")), "{most}: {shown}");

    let form = [("revision", "1"), ("cpu", "9999"), ("wall", "<soon>"), ("memory", "128")];
    let refused = olga.post(&path, &form).await;
    assert_eq!(refused.status, 422);
    let text = refused.text();
    assert!(text.contains("<title>Error: ") && text.contains("href=\"#field-cpu\""), "{text}");
    assert!(text.contains("CPU time of a call, in milliseconds: at most 5000"), "{text}");
    assert!(text.contains("value=\"&lt;soon&gt;\"") && text.contains("value=\"128\""), "{text}");
    let form = [("revision", "1"), ("cpu", "300"), ("wall", ""), ("memory", "128")];
    for _ in 0..2 {
        let saved = olga.post(&path, &form).await;
        assert_eq!((saved.status, saved.header("location")), (303, page.as_str()));
    }
    assert!(olga.get(&page).await.text().contains("128 MiB at most"));
    assert!(olga.get(&path).await.text().contains("Back to the defaults"));
    let back = olga.post(&path, &[("revision", "2")]).await;
    assert_eq!((back.status, back.header("location")), (303, page.as_str()));
    assert!(olga.get(&page).await.text().contains("It has the usual limits."));
    assert_eq!(olga.post(&path, &[("revision", "3"), ("other", "1")]).await.status, 422);
}

#[tokio::test]
async fn a_secret_that_is_called_private_key_can_be_typed() {
    let portal = Portal::open().await;
    portal.world.operator("olga").await;
    let first = testing::input("dev.example.one", &["account.created.v1"]);
    let manifest = first.manifest.clone()
        + "[[secrets]]\nname = \"private_key\"\nlabel = \"Private key\"\n\
           use = [{ hmac = true }]\n";
    let manifest = manifest.replace("kv = {}\n", "kv = {}\ncrypto = true\n");
    let read = myrelay_plugin_host::Manifest::parse(&manifest).unwrap();
    let grants = myrelay_plugin_host::Grants::all_asked(&read);
    let input = Input { manifest, grants, ..first };
    let (id, _) = install(&portal.world.context, input).await.unwrap();
    let mut olga = portal.operator("olga").await;
    let path = format!("/operator/plugins/{id}/settings");
    assert!(olga.get(&path).await.text().contains("There is none yet"));
    let form = [("revision", "1"), ("secret-1", "-----BEGIN PRIVATE KEY-----")];
    assert_eq!(olga.post(&path, &form).await.status, 303);
    assert!(!olga.get(&path).await.text().contains("There is none yet"));
}

/// A form with files, as browsers send it.
fn multipart(parts: &[(&str, Option<&str>, &[u8])]) -> Request<Body> {
    let mut body = Vec::new();
    for (name, file, bytes) in parts {
        let file = file.map(|it| format!("; filename=\"{it}\"")).unwrap_or_default();
        let head = format!("--line\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n");
        body.extend(head.into_bytes());
        body.extend(b"Content-Type: application/octet-stream\r\n\r\n");
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--line--\r\n");
    Request::post(UPLOAD)
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=line")
        .body(Body::from(body))
        .unwrap()
}

#[tokio::test]
async fn an_operator_sends_a_package_from_a_browser_and_installs_it() {
    let portal = Portal::open().await;
    portal.world.operator("olga").await;
    let mut olga = portal.operator("olga").await;
    let page = olga.get(UPLOAD).await.text();
    assert!(page.contains("enctype=\"multipart/form-data\""), "{page}");
    assert!(page.contains("takes plugins that nobody signed"));
    let manifest = testing::manifest("dev.example.one", &["account.created.v1"]);
    let package = package(&manifest);
    let nothing: &[u8] = b"";
    let parts = |package| {
        [
            ("package", Some("one.pplug"), package),
            ("signature", Some(""), nothing),
            ("publisher", None, b"RWbad".as_slice()),
        ]
    };
    let refused = olga.send(multipart(&parts(&package))).await;
    assert_eq!(refused.status, 422);
    let text = refused.text();
    assert!(
        text.contains("value=\"RWbad\"") && text.contains("href=\"#field-signature\""),
        "{text}"
    );
    let mut good = parts(&package);
    good[2].2 = nothing;
    let sent = olga.send(multipart(&good)).await;
    assert_eq!(sent.status, 303, "{}", sent.text());
    let path = sent.header("location").to_owned();
    let page = olga.get(&path).await.text();
    assert!(page.contains("Nobody signed this") && page.contains("POST https://api.example.org/"));
    assert!(page.contains("Do this first."));
    // The same operator at another browser does not find it.
    let mut elsewhere = portal.operator("olga").await;
    assert_eq!(elsewhere.get(&path).await.status, 404);
    let form = [("before", ""), ("private", "nowhere"), ("secret-0", "hush")];
    let refused = olga.post(&path, &form).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("href=\"#field-private\""), "{}", refused.text());
    let form = [("before", ""), ("private", ""), ("secret-0", "hush")];
    let done = olga.post(&path, &form).await;
    assert_eq!(done.status, 303);
    let plugin = done.header("location").to_owned();
    assert!(olga.get(&plugin).await.text().contains("Enabled"));
    assert_eq!(olga.get(&path).await.status, 404, "it waits no more");
    let sent = olga.send(multipart(&good)).await;
    let path = sent.header("location").to_owned();
    assert!(olga.get(&path).await.text().contains("which is installed already"));
    let gone = olga.post(&format!("{path}/discard"), &[]).await;
    assert_eq!((gone.status, gone.header("location")), (303, "/operator/plugins"));
    assert_eq!(olga.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_private_address_is_told_where_it_is_asked_for_and_granted_on_that_page() {
    let portal = Portal::open().await;
    portal.world.operator("olga").await;
    let mut olga = portal.operator("olga").await;
    let manifest = testing::manifest("dev.example.one", &["account.created.v1"]);
    let package = package(&manifest.replace("api.example.org", "10.1.2.3"));
    let sent = olga.send(multipart(&[("package", Some("one.pplug"), &package)])).await;
    assert_eq!(sent.status, 303, "{}", sent.text());
    let path = sent.header("location").to_owned();
    let told = "grant the private address 10.1.2.3/32:443 as well";
    let page = olga.get(&path).await.text();
    assert!(page.contains("POST https://10.1.2.3/") && page.contains(told), "{page}");
    // The secret is missing: what was typed stays, and is enough for the address.
    let form = [("before", ""), ("private", "10.1.2.3/32:443")];
    let refused = olga.post(&path, &form).await;
    assert_eq!(refused.status, 422);
    assert!(!refused.text().contains(told), "{}", refused.text());
    let form = [("before", ""), ("private", "10.1.2.3/32:443"), ("secret-0", "hush")];
    let done = olga.post(&path, &form).await;
    assert_eq!(done.status, 303, "{}", done.text());
    let shown = olga.get(done.header("location")).await.text();
    assert!(shown.contains("POST https://10.1.2.3/, also at 10.1.2.3/32:443"), "{shown}");
}

#[tokio::test]
async fn a_package_that_needs_a_later_portal_is_refused_with_both_versions() {
    let portal = Portal::open().await;
    portal.world.operator("olga").await;
    let mut olga = portal.operator("olga").await;
    let send = |needed: &str| {
        let manifest = testing::manifest("dev.example.one", &["account.created.v1"]);
        let needs = format!("api = \"1.0\"\nmin_portal = \"{needed}\"");
        let package = package(&manifest.replace("api = \"1.0\"", &needs));
        multipart(&[("package", Some("one.pplug"), &package)])
    };
    let refused = olga.send(send("99.0")).await;
    assert_eq!(refused.status, 422);
    let text = refused.text();
    let ours = format!("this is {}", env!("CARGO_PKG_VERSION"));
    assert!(text.contains("version 99.0 of the portal") && text.contains(&ours), "{text}");
    assert!(text.contains("href=\"#field-package\""), "{text}");
    for needed in ["0.0.1", env!("CARGO_PKG_VERSION")] {
        let sent = olga.send(send(needed)).await;
        assert_eq!(sent.status, 303, "{}", sent.text());
    }
}

#[tokio::test]
async fn a_package_is_larger_than_other_bodies_and_is_read_only_from_operators() {
    let portal = Portal::open().await;
    portal.world.operator("olga").await;
    let mut olga = portal.operator("olga").await;
    let large = vec![b'a'; 2 * MAX_BODY];
    let parts = [("package", Some("one.pplug"), large.as_slice())];
    assert_eq!(portal.browser().send(multipart(&parts)).await.status, 401);
    let refused = olga.send(multipart(&parts)).await;
    assert_eq!(refused.status, 422, "it is read, and it is no package");
    let announced = Request::post(UPLOAD)
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=line");
    let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from(vec![b'a'; 1 << 20])));
    let endless = announced.body(Body::from_stream(endless)).unwrap();
    assert_eq!(olga.send(endless).await.status, 413);
    for parts in [
        vec![("other", None, b"x".as_slice())],
        vec![("publisher", None, b"x".as_slice()), ("publisher", None, b"y".as_slice())],
    ] {
        assert_eq!(olga.send(multipart(&parts)).await.status, 422);
    }
    let plain = form_request(UPLOAD, "package=x");
    assert_eq!(olga.send(plain).await.status, 415);
    let broken = Request::post(UPLOAD)
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=line");
    assert_eq!(olga.send(broken.body(Body::from("--line\r\nX")).unwrap()).await.status, 422);
}

#[tokio::test]
async fn a_plugin_whose_provider_collects_is_removed_by_a_tick() {
    let portal = Portal::open().await;
    let stage = Stage::new(&portal.world).await;
    let ana = portal.world.customer("ana").await;
    stage.subscribes(&ana, "sub_1", "pi_1").await;
    let mut olga = portal.operator("olga").await;
    let path = format!("/operator/plugins/{}/remove", stage.plugin);
    let shown = olga.get(&path).await.text();
    assert!(shown.contains("name=\"leave\"") && shown.contains("collects for 1 subscription."));
    let refused = olga.post(&path, &[]).await;
    assert_eq!(refused.status, 422);
    let text = refused.text();
    assert!(text.contains("<title>Error: ") && text.contains("href=\"#field-leave\""), "{text}");
    assert!(text.contains("end the subscriptions first"), "{text}");
    assert_eq!(olga.post(&path, &[("leave", "on"), ("more", "x")]).await.status, 422);
    let removed = olga.post(&path, &[("leave", "on")]).await;
    assert_eq!((removed.status, removed.header("location")), (303, "/operator/plugins"));
    assert_eq!(olga.get(&path).await.status, 404);
}
