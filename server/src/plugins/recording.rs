//! What is kept of a call, sealed: what it was asked, what it answered, and what its requests were
//! answered; so that operators see what it was about, and can make it once more.

use myrelay_app::contract::PluginLimits;
use myrelay_domain::ids::{CallId, InstallationId};
use myrelay_plugin_host::{Answer, Call, Failure, HttpTrace, Limits, Outcome, notifier, webhooks};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Ask, store::calls::Stored};
use crate::{Result, context::Context};

/// The most that is kept of one call, in bytes of JSON.
const KEPT_BYTES: usize = 256 * 1024;
/// The most that a page shows of an input or an answer, in bytes.
const SHOWN_BYTES: usize = 16 * 1024;
/// What stands where something is not shown.
const HIDDEN: &str = "(not shown)";
/// Names of what tells who somebody is, lets somebody in, or is a letter to somebody.
const PERSONAL: [&str; 28] = [
    "address",
    "authorization",
    "billing",
    "city",
    "code",
    "company",
    "cookie",
    "customer",
    "email",
    "first_name",
    "html",
    "ip",
    "last_name",
    "line1",
    "line2",
    "link",
    "name",
    "phone",
    "postal_code",
    "postcode",
    "query",
    "region",
    "secret",
    "source_ip",
    "subject",
    "text",
    "token",
    "vat_id",
];

/// Headers that are no secret and name nobody.
const OPEN_HEADERS: [&str; 5] =
    ["accept", "content-length", "content-type", "idempotency-key", "retry-after"];

/// A call as it can be made once more.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Recorded {
    pub(super) call: Call,
    pub(super) answer: Option<Answer>,
    /// Its requests with what they were answered.
    pub(super) http: Vec<HttpTrace>,
}

/// A call that was kept, with what it ran under.
pub(super) struct Kept {
    pub(super) stored: Stored,
    pub(super) recorded: Recorded,
}

/// What a call is sealed for.
fn place(plugin: InstallationId, call: CallId) -> String {
    format!("{plugin}/calls/{call}")
}

/// What is to be kept of a call, sealed. None: nothing ran, it is too long, or it holds what lets
/// somebody in.
pub(super) fn seal(
    context: &Context,
    (plugin, id): (InstallationId, CallId),
    ask: &Ask,
    outcome: &Outcome,
) -> Result<Option<String>> {
    let never_ran = matches!(
        outcome.result,
        Err(Failure::Busy(_) | Failure::Unknown | Failure::Invalid(_) | Failure::Host(_))
    );
    // Anybody can have a report refused: those are not what a next version has to stand.
    let is_refused = matches!(outcome.result, Ok(Answer::Webhook(webhooks::Outcome::Rejected(_))));
    if never_ran || is_refused || lets_in(&ask.call) {
        return Ok(None);
    }
    let recorded = Recorded {
        call: ask.call.clone(),
        answer: outcome.result.as_ref().ok().cloned(),
        http: outcome.http.clone(),
    };
    let Ok(text) = serde_json::to_string(&recorded) else { return Ok(None) };
    if KEPT_BYTES < text.len() {
        return Ok(None);
    }
    Ok(Some(context.vault.seal(&place(plugin, id), &text)?))
}

/// Whether a call holds a code or an address that is as good as a key, or is answered with one.
fn lets_in(call: &Call) -> bool {
    match call {
        Call::BeginVerification { .. } | Call::Activate { .. } | Call::CustomerPortalUrl { .. } => {
            true
        }
        Call::Deliver { message: notifier::Message { data, .. }, .. } => {
            let data: Option<Value> = serde_json::from_str(data).ok();
            data.is_none_or(|it| it.get("code").is_some())
        }
        _ => false,
    }
}

/// Opens what was kept of a call. None: nothing is.
pub(super) fn open(
    context: &Context,
    plugin: InstallationId,
    stored: Stored,
) -> Result<Option<Kept>> {
    let Some(sealed) = &stored.recorded else { return Ok(None) };
    let text = context.vault.open(&place(plugin, stored.row.id), sealed)?;
    // What another version of the portal wrote may read differently now: then it is not kept.
    let recorded = serde_json::from_str(&text).ok();
    Ok(recorded.map(|recorded| Kept { stored, recorded }))
}

impl Recorded {
    /// What it was asked, as operators may read it.
    pub(super) fn shown_input(&self) -> Option<String> {
        shown(&self.call)
    }

    /// What it answered, as operators may read it.
    pub(super) fn shown_answer(&self) -> Option<String> {
        self.answer.as_ref().and_then(shown)
    }
}

/// What a call of an installation may use.
pub(super) fn allowed(limits: &Limits, call: &Call) -> PluginLimits {
    let us = |it: std::time::Duration| u64::try_from(it.as_micros()).unwrap_or(u64::MAX);
    PluginLimits {
        cpu_us: us(limits.cpu(call)),
        wall_us: us(limits.wall(call)),
        memory: u64::try_from(limits.memory_bytes).unwrap_or(u64::MAX),
        requests: limits.http_requests,
    }
}

/// As JSON for people, without what names people.
pub(super) fn shown(message: &impl Serialize) -> Option<String> {
    let value = without_people(serde_json::to_value(message).ok()?);
    let mut text = serde_json::to_string_pretty(&value).ok()?;
    if SHOWN_BYTES < text.len() {
        let end = (0..=SHOWN_BYTES).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push_str("\n…");
    }
    Some(text)
}

fn without_people(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let clean = |(name, value): (String, Value)| {
                let lower = name.to_ascii_lowercase();
                let hidden = PERSONAL.contains(&lower.as_str()) || lower.ends_with("url");
                let value = match value {
                    Value::Object(_) => without_people(value),
                    Value::String(_) | Value::Array(_) if hidden => Value::from(HIDDEN),
                    value => without_people(value),
                };
                (name, value)
            };
            Value::Object(fields.into_iter().map(clean).collect())
        }
        Value::Array(values) if is_private_pair(&values) => {
            Value::Array(values.into_iter().take(1).chain([Value::from(HIDDEN)]).collect())
        }
        Value::Array(values) => match bytes(&values) {
            Some(bytes) => match serde_json::from_slice::<Value>(&bytes) {
                Ok(inner @ Value::Object(_)) => without_people(inner),
                _ => Value::from(format!("({} bytes)", bytes.len())),
            },
            None => Value::Array(values.into_iter().map(without_people).collect()),
        },
        Value::String(text) => match serde_json::from_str::<Value>(&text) {
            Ok(inner @ Value::Object(_)) => without_people(inner),
            _ if text.contains('@') => Value::from(HIDDEN),
            _ => Value::String(text),
        },
        value => value,
    }
}

/// A header, or anything else with a name, whose value may let somebody in.
fn is_private_pair(values: &[Value]) -> bool {
    let [Value::String(name), Value::String(_)] = values else { return false };
    !OPEN_HEADERS.contains(&name.to_ascii_lowercase().as_str())
}

/// Bytes, which JSON writes as a list of numbers.
fn bytes(values: &[Value]) -> Option<Vec<u8>> {
    let byte = |it: &Value| it.as_u64().and_then(|it| u8::try_from(it).ok());
    if values.is_empty() { None } else { values.iter().map(byte).collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_names_people_is_not_shown() {
        let body = br#"{"type": "paid", "customer": {"email": "ana@example.org"}}"#;
        let value = json!({
            "to": { "address": "ana@example.org", "verified": true },
            "message": { "subject": "For Ana", "data": "{\"pod\":\"pod_1\",\"unsubscribe_url\":\"x\"}" },
            "note": "write to ana@example.org",
            "body": body.to_vec(),
            "raw": b"Ana".to_vec(),
            "Url": "https://pay.example.org/session",
            "source_ip": "192.0.2.7",
            "headers": [["X-Bot-Token", "tok_7"], ["content-type", "application/json"]],
        });
        let text = shown(&value).unwrap();
        for hidden in ["ana@", "Ana", "session", "\"x\"", "tok_7", "192.0.2.7"] {
            assert!(!text.contains(hidden), "{hidden}: {text}");
        }
        for shown in ["verified", "pod_1", "paid", "(3 bytes)", "X-Bot-Token", "application/json"] {
            assert!(text.contains(shown), "{shown}: {text}");
        }
        let long = shown(&json!({ "a": "é".repeat(SHOWN_BYTES) })).unwrap();
        assert!(long.len() <= SHOWN_BYTES + 4 && long.ends_with('…'));
    }
}
