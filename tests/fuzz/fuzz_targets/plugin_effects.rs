//! What a plugin answers, as the process of plugins writes it: whatever passes sends customers only
//! where the manifest says, and does nothing to a page or a log.

use myrelay_plugin_host::{Answer, Manifest, billing, judge_answer, webhooks};
use serde_json::Value;

const MANIFEST: &str = r#"
manifest = 1
[plugin]
id = "dev.example.fuzz"
name = "Fuzz"
version = "1.0.0"
kind = ["billing"]
api = "1.0"
[capabilities.webhooks]
path = "events"
checkout_hosts = ["pay.example.org"]
"#;

pub(crate) fn run(input: &[u8]) -> bool {
    let Ok(answer) = serde_json::from_slice::<Answer>(input) else { return false };
    let manifest = Manifest::parse(MANIFEST).expect("it is sound");
    if let Err(refused) = judge_answer(&answer, &manifest) {
        let shown = format!("{refused:?}");
        assert!(shown.len() < 2_000, "{shown}");
        return false;
    }
    let value = serde_json::to_value(&answer).expect("it was read");
    each_text(&value, &|text| {
        let odd = |it: char| {
            (it.is_control() && !"\t\n".contains(it)) || ('\u{202a}'..='\u{202e}').contains(&it)
        };
        assert!(!text.contains(odd), "{text:?}");
    });
    match &answer {
        Answer::Url(url) => leads_to_us(url),
        Answer::Checkout(billing::Checkout { step: billing::NextStep::Redirect(url), .. }) => {
            leads_to_us(url);
        }
        Answer::Webhook(webhooks::Outcome::Accepted(accepted)) => {
            assert!((1..=255).contains(&accepted.event_id.len()));
            assert!(accepted.status.is_none_or(|it| (200..300).contains(&it)));
        }
        _ => {}
    }
    // What it is read as, it is read as again.
    assert_eq!(serde_json::from_value::<Answer>(value).expect("it was written"), answer);
    true
}

fn leads_to_us(url: &str) {
    // However it is written, that host is meant.
    let read = url::Url::parse(url).expect("it was judged");
    assert_eq!((read.scheme(), read.host_str()), ("https", Some("pay.example.org")), "{url}");
    assert_eq!((read.username(), read.password()), ("", None), "{url}");
}

fn each_text(value: &Value, look: &impl Fn(&str)) {
    match value {
        Value::String(text) => look(text),
        Value::Array(values) => values.iter().for_each(|it| each_text(it, look)),
        Value::Object(fields) => fields.values().for_each(|it| each_text(it, look)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
