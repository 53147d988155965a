//! The pages about notifications, as a browser without JavaScript uses them.

use axum::{body::Body, http::Request};
use myrelay_app::contract::{AddChannel, ChannelContract, MessageKind};
use myrelay_plugin_host::types::ErrorKind;

use super::Portal;
use crate::{channels, messages, plugins::testing};

#[tokio::test]
async fn a_customer_adds_confirms_and_chooses_by_forms_and_a_stranger_follows_a_link() {
    let portal = Portal::open().await;
    portal.world.customer("ana").await;
    let mut ana = portal.signed_in("ana").await;
    let empty = ana.get("/notifications").await;
    assert_eq!(empty.status, 200);
    assert!(empty.text().contains("There is no way to reach you yet"));
    let plugin = portal.world.carrier("dev.example.mail").await.to_string();
    let page = ana.get("/notifications").await.text();
    assert!(page.contains("value=\"ana@example.org\""), "the account's address is proposed");

    let form = [("plugin", plugin.as_str()), ("address", "<nobody>")];
    let refused = ana.post("/notifications/channels", &form).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("value=\"&lt;nobody&gt;\""), "what was typed is still there");
    let form = [("plugin", plugin.as_str()), ("address", "ana@example.org")];
    let added = ana.post("/notifications/channels", &form).await;
    assert_eq!(added.status, 303);
    let channel = added.header("location").to_owned();
    let code = portal.world.host.code();

    let link = format!("{channel}/verify/{code}");
    let page = ana.get(&link).await.text();
    assert!(page.contains(&format!("value=\"{code}\"")) && page.contains("Not confirmed"));
    let wrong = ana.post(&format!("{channel}/verify"), &[("code", "AAAAA-AAAAA")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text().contains("This is not the code that was sent"));
    assert_eq!(portal.browser().get(&link).await.status, 303, "a stranger is sent to sign in");
    let verified = ana.post(&format!("{channel}/verify"), &[("code", &code)]).await;
    assert_eq!(verified.header("location"), channel);
    assert!(ana.get(&channel).await.text().contains("Confirmed"));

    let kinds = [("usage", "on"), ("billing", "on")];
    assert_eq!(ana.post(&format!("{channel}/kinds"), &kinds).await.status, 303);
    let page = ana.get("/notifications").await.text();
    assert!(page.contains("Security · Data that you use · Payments"), "{page}");
    let quiet = [("begins", "22:00"), ("ends", "late"), ("zone", "Europe/Oslo")];
    let refused = ana.post("/notifications/quiet", &quiet).await;
    assert!(refused.status == 422 && refused.text().contains("value=\"Europe/Oslo\""));

    let id = channel.rsplit('/').next().unwrap().parse().unwrap();
    let context = &portal.world.context;
    let url = channels::unsubscribe_url(context, id, MessageKind::Usage).unwrap();
    let link = url.strip_prefix(super::URL).unwrap();
    let mut stranger = portal.browser();
    assert!(stranger.get(link).await.text().contains("Stop these messages"));
    assert_eq!(stranger.post(link, &[]).await.header("location"), link);
    assert!(stranger.get(link).await.text().contains("They are stopped"));
    assert!(ana.get("/notifications").await.text().contains("Security · Payments"));

    // A mail program's own button: no page of ours, and no redirect.
    let url = channels::unsubscribe_url(context, id, MessageKind::Billing).unwrap();
    let link = url.strip_prefix(super::URL).unwrap();
    let one_click = |body: &'static str, kind: &str| {
        Request::post(link).header("content-type", kind).body(Body::from(body)).unwrap()
    };
    let form = "application/x-www-form-urlencoded";
    let parts = "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\n\
         One-Click\r\n--b--\r\n";
    for request in [
        one_click("List-Unsubscribe=One-Click", form),
        one_click(parts, "multipart/form-data; boundary=b"),
    ] {
        let done = portal.browser().send(request).await;
        assert!(done.status == 200 && done.text().contains("They are stopped"));
    }
    let forged = one_click("List-Unsubscribe=One-Click", form);
    let (mut parts, body) = forged.into_parts();
    parts.uri = format!("{link}x").parse().unwrap();
    assert_eq!(portal.browser().send(Request::from_parts(parts, body)).await.status, 404);
    assert!(!ana.get("/notifications").await.text().contains("Payments"));
    while messages::round(context).await.unwrap() {}

    assert!(ana.get(&format!("{channel}/remove")).await.text().contains("ana@example.org"));
    let removed = ana.post(&format!("{channel}/remove"), &[]).await;
    assert_eq!((removed.status, removed.header("location")), (303, "/notifications"));
    assert!(ana.get("/notifications").await.text().contains("No channels yet"));
}

#[tokio::test]
async fn an_operator_finds_what_did_not_arrive_and_sends_it_again() {
    const LIST: &str = "/operator/plugins/messages";
    let portal = Portal::open().await;
    portal.world.operator("olga").await;
    let ana = portal.world.customer("ana").await;
    let mut olga = portal.operator("olga").await;
    assert!(olga.get(LIST).await.text().contains("Every message arrived"));
    let plugin = portal.world.carrier("dev.example.mail").await.to_string();
    let context = &portal.world.context;
    for address in ["ada@post.example", "lovelace@post.example"] {
        while messages::round(context).await.unwrap() {}
        let input = AddChannel { plugin: plugin.clone(), address: address.to_owned() };
        let channel = ana.api().add_channel(input).await.unwrap().to_string();
        let code = portal.world.host.code();
        ana.api().verify_channel(&channel, &code).await.unwrap();
    }
    // The first channel was to hear of the second.
    portal.world.host.carries(|_| testing::failed(ErrorKind::Denied, None));
    while messages::round(context).await.unwrap() {}

    let page = olga.get(&format!("/operator/plugins/{plugin}")).await.text();
    let its = format!("{LIST}?plugin={plugin}");
    assert!(page.contains(&format!("href=\"{its}\"")), "{page}");
    assert!(olga.get(&its).await.text().contains("None is on its way."));
    let dead = format!("{LIST}?given_up=1&plugin={plugin}");
    let shown = olga.get(&dead).await.text();
    assert!(shown.contains("A channel was confirmed") && shown.contains("denied: the provider"));
    assert!(!shown.contains("post.example"), "{shown}");
    let again = shown.split("action=\"").find(|it| it.starts_with(&format!("{LIST}/dlv_")));
    let again = again.and_then(|it| it.split('"').next()).unwrap().to_owned();
    let done = olga.post(&again, &[("plugin", plugin.as_str())]).await;
    assert_eq!((done.status, done.header("location")), (303, dead.as_str()));
    assert_eq!(olga.post(&again, &[]).await.status, 404, "it is on its way");
    assert!(olga.get(&dead).await.text().contains("None was given up."));
    let all = olga.post(&format!("{LIST}/again"), &[]).await;
    assert_eq!(all.header("location"), format!("{LIST}?given_up=1"));
    assert_eq!(olga.post(&format!("{LIST}/again"), &[("what", "all")]).await.status, 422);
    assert_eq!(olga.get(&format!("{LIST}?after=nonsense")).await.status, 422);
    assert_eq!(olga.get(&format!("{LIST}?plugin=nonsense")).await.status, 404);
}
