//! What no plugin may answer, whatever its interface lets it.

use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::{
    bindings::{billing, notifier, types, webhooks},
    limits::{LimitName, OUTPUT_BYTES},
    manifest::Manifest,
    messages::{Answer, Call, Failure},
    scrub::Scrubber,
    text,
};

/// How long a text of an error may be.
const ERROR_BYTES: usize = 2000;

/// How many bytes a message is when it is written.
pub(crate) fn size(message: &impl Serialize) -> usize {
    struct Counter(usize);

    impl std::io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let mut counter = Counter(0);
    // What does not serialise is larger than any limit.
    serde_json::to_writer(&mut counter, message).map_or(usize::MAX, |()| counter.0)
}

/// How much a call hands to the guest. The bytes of a webhook's body are counted as they are.
pub(crate) fn input_size(call: &Call) -> usize {
    match call {
        Call::Webhook(request) => {
            let headers = request.headers.iter().map(|(name, value)| name.len() + value.len());
            request.body.len() + headers.sum::<usize>() + request.path.len() + request.query.len()
        }
        call => size(call),
    }
}

/// An error as people may read it.
pub(crate) fn cleaned(error: types::Error, scrubber: &Scrubber) -> types::Error {
    let clean = |it: String| text::line(&scrubber.text(&it), ERROR_BYTES);
    types::Error {
        kind: error.kind,
        message: clean(error.message),
        public_message: error.public_message.map(clean),
        retry_after_ms: error.retry_after_ms,
        provider_code: error.provider_code.map(clean),
    }
}

/// Whether an answer keeps the rules: its size, no text that would do something to the page or the
/// log around it, and customers sent nowhere but where the manifest says.
///
/// # Errors
/// [`Failure::Limit`] where it is too large, [`Failure::Refused`] with the rule that it breaks.
pub fn check(answer: &Answer, manifest: &Manifest) -> Result<(), Failure> {
    let bytes = size(answer);
    if OUTPUT_BYTES < bytes {
        let detail = format!("an answer of {bytes} bytes, and {OUTPUT_BYTES} are allowed");
        return Err(Failure::Limit { name: LimitName::Output, detail });
    }
    let value = serde_json::to_value(answer).map_err(|it| Failure::Refused(it.to_string()))?;
    if let Some(text) = hostile(&value) {
        let shown = text::line(text, 80);
        return Err(Failure::Refused(format!("a text with control characters: {shown}")));
    }
    match answer {
        Answer::Url(url) => checkout_url(url, manifest),
        Answer::Checkout(checkout) => step(&checkout.step, manifest),
        Answer::Verification(notifier::Verification { link: Some(link), .. }) => {
            https(link).map(drop)
        }
        Answer::Webhook(webhooks::Outcome::Accepted(accepted)) => {
            let status = accepted.status.unwrap_or(200);
            if !(200..=299).contains(&status) {
                return Err(Failure::Refused(format!("{status} for a request it accepted")));
            }
            if !(1..=255).contains(&accepted.event_id.len()) {
                return Err(Failure::Refused("an event's id of 1 to 255 bytes".to_owned()));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The first text that would do something to the page or the log around it.
fn hostile(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => (!text::is_sound(text)).then_some(text),
        Value::Array(values) => values.iter().find_map(hostile),
        Value::Object(fields) => fields.values().find_map(hostile),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

fn step(step: &billing::NextStep, manifest: &Manifest) -> Result<(), Failure> {
    match step {
        billing::NextStep::Redirect(url) => checkout_url(url, manifest),
        billing::NextStep::Crypto(instructions) => coin_uri(&instructions.uri),
        billing::NextStep::Instructions(_) | billing::NextStep::Done(_) => Ok(()),
    }
}

fn https(url: &str) -> Result<Url, Failure> {
    let shown = || Failure::Refused(format!("{} is no https:// address", text::line(url, 200)));
    let parsed = Url::parse(url).ok().ok_or_else(shown)?;
    let plain = parsed.username().is_empty() && parsed.password().is_none();
    let sound = parsed.scheme() == "https" && plain && url.starts_with("https://");
    if sound { Ok(parsed) } else { Err(shown()) }
}

/// Customers are sent only to where the manifest says.
fn checkout_url(url: &str, manifest: &Manifest) -> Result<(), Failure> {
    let parsed = https(url)?;
    let host = parsed.host_str().unwrap_or_default();
    if manifest.checkout_hosts().iter().any(|it| it.matches(host)) {
        return Ok(());
    }
    let shown = text::line(host, 100);
    Err(Failure::Refused(format!(
        "customers may not be sent to {shown}: plugin.toml needs it in checkout_hosts"
    )))
}

/// `bitcoin:…`, `monero:…`: what wallets read, and nothing that a browser runs.
fn coin_uri(uri: &str) -> Result<(), Failure> {
    let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
    let coin = (3..=20).contains(&scheme.len())
        && scheme.bytes().all(|it| it.is_ascii_lowercase())
        && ![
            "about",
            "blob",
            "data",
            "file",
            "ftp",
            "http",
            "https",
            "javascript",
            "mailto",
            "vbscript",
            "view",
            "wss",
        ]
        .contains(&scheme)
        && uri.len() <= 1000
        && uri.bytes().all(|it| it.is_ascii_graphic());
    let shown = || format!("{} is no address for coins", text::line(uri, 100));
    if coin { Ok(()) } else { Err(Failure::Refused(shown())) }
}
