//! The forms about plugins, as a browser without JavaScript uses them.

use super::Portal;
use crate::plugins::{Input, install, testing};

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
