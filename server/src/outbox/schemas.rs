//! What is told is what is published: every payload that a test records is held against its schema.

use std::{collections::BTreeMap, fs, path::Path, sync::LazyLock};

use myrelay_domain::ids::AccountId;
use myrelay_plugin_package::ConfigSchema;
use serde_json::{Value, json};

use super::Event;

static SCHEMAS: LazyLock<BTreeMap<&'static str, ConfigSchema>> = LazyLock::new(|| {
    let read = |it: &Event| {
        let schema = ConfigSchema::parse(it.schema());
        (it.name(), schema.unwrap_or_else(|why| panic!("{}: {why}", it.published())))
    };
    Event::ALL.iter().map(read).collect()
});

/// Stops the test where an event holds something else than its schema says.
pub(super) fn check(event: Event, account: Option<AccountId>, payload: &Value) {
    let problems = problems(event, account.is_some(), payload);
    assert!(
        problems.is_empty(),
        "{payload} is not what plugins/events/{}.json says: {}",
        event.published(),
        problems.join("; ")
    );
}

/// What is wrong with a payload. Plugins have to bear fields that they do not know; we do not tell
/// any that are not published.
fn problems(event: Event, has_account: bool, payload: &Value) -> Vec<String> {
    let schema = &SCHEMAS[event.name()];
    let found = schema.problems(payload);
    let mut problems: Vec<_> = found.iter().map(ToString::to_string).collect();
    let known = schema.value()["properties"].as_object().unwrap();
    for name in payload.as_object().into_iter().flatten().map(|(name, _)| name) {
        if !known.contains_key(name) {
            problems.push(format!("/{name}: no field of this event"));
        }
    }
    let is_of = schema.value()["x-of"].as_str().unwrap();
    if (is_of == "account") != has_account {
        problems.push(format!("it is of {is_of}, says x-of"));
    }
    problems
}

#[test]
fn every_schema_is_of_an_event() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/events");
    for entry in fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let Some(name) = file.strip_suffix(".json") else { continue };
        assert!(
            Event::ALL.iter().any(|it| it.published() == name),
            "nobody tells {name}: add a line to server/src/outbox/mod.rs"
        );
    }
}

#[test]
fn every_event_has_a_schema_of_its_own_name() {
    let mut before = "";
    for event in Event::ALL {
        let published = event.published();
        assert_eq!(SCHEMAS[event.name()].value()["title"], published);
        let by_rule = format!("{}.v", event.name().replace('_', "-"));
        assert!(published.starts_with(&by_rule), "{published} is told as {by_rule}1");
        assert!(before < published, "{published} stands after {before}");
        before = published;
    }
}

#[test]
fn a_payload_that_is_not_as_published_is_found() {
    let wrong = |has_account, payload| problems(Event::PodChanged, has_account, &payload);
    assert_eq!(wrong(true, json!({ "pod": "p", "devices_meet": true })), [""; 0]);
    let told = wrong(true, json!({ "pod": "p" })).join("\n");
    assert!(told.contains("devices_meet"), "{told}");
    let told = wrong(true, json!({ "pod": "p", "devices_meet": "yes" })).join("\n");
    assert!(told.contains("/devices_meet: "), "{told}");
    let told = wrong(true, json!({ "pod": "p", "devices_meet": true, "name": "home" })).join("\n");
    assert_eq!(told, "/name: no field of this event");
    let told = wrong(false, json!({ "pod": "p", "devices_meet": true })).join("\n");
    assert_eq!(told, "it is of account, says x-of");
}
