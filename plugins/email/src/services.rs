//! The services: what each is sent, and what its answers mean.

use myrelay_plugin_sdk::{
    ask, context, error, failure, http, placeholder, text,
    types::{Error, ErrorKind},
};
use serde_json::{Map, Value, json};

use crate::{
    Settings,
    world::exports::myrelay::plugin::notifier::{Message, Permanent},
};

/// The id of a mail that was taken, or why this address never takes one.
pub(crate) type Sent = Result<Option<String>, Permanent>;

fn header(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

/// What is not there is left out: services take no null for it.
fn without_nulls(mut body: Value) -> Value {
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|_, it| !it.is_null());
    }
    body
}

fn reply_to(settings: &Settings) -> Option<&str> {
    Some(settings.reply_to.as_str()).filter(|it| !it.is_empty())
}

/// Where the reader ends such mails; none where they must arrive.
pub(crate) fn unsubscribe(message: &Message) -> Option<String> {
    let data: Value = serde_json::from_str(&message.data).ok()?;
    text(&data, "/unsubscribe_url").filter(|it| it.starts_with("https://"))
}

/// The headers that let a mail program end such mails by a button of its own (RFC 8058).
fn list_headers(message: &Message) -> Option<[(&'static str, String); 2]> {
    let link = unsubscribe(message)?;
    let post = "List-Unsubscribe=One-Click".to_owned();
    Some([("List-Unsubscribe", format!("<{link}>")), ("List-Unsubscribe-Post", post)])
}

/// Hands a mail to a service; `again` says that it drops what it has already.
fn hand(
    whom: (&str, &str, &str),
    mut headers: Vec<(String, String)>,
    auth: Option<http::Auth>,
    body: Value,
    again: bool,
) -> Result<(u16, Value), Error> {
    let (name, url, path) = whom;
    headers.push(header("Content-Type", "application/json"));
    headers.push(header("Accept", "application/json"));
    let request = http::Request {
        method: http::Method::Post,
        url: format!("{url}{path}"),
        headers,
        auth,
        body: Some(without_nulls(body).to_string().into_bytes()),
        timeout_ms: Some(10_000),
    };
    match ask(name, &request, again)? {
        (status @ 500.., _) => {
            Err(error(failure(status, again), format!("{name} answered {status}")))
        }
        said => Ok(said),
    }
}

fn url<'a>(settings: &'a Settings, own: &'a str) -> &'a str {
    if settings.api_url.is_empty() { own } else { &settings.api_url }
}

fn refused(name: &str, status: u16, code: String, why: &str) -> Error {
    let kind = match status {
        401 | 403 => ErrorKind::InvalidConfig,
        409 => ErrorKind::Unavailable,
        _ => ErrorKind::InvalidInput,
    };
    Error { provider_code: Some(code), ..error(kind, format!("{name} says {status}: {why}")) }
}

/// Postmark: a key in a header of its own, and codes of its own. It keeps no idempotency keys.
pub(crate) fn postmark(settings: &Settings, to: &str, message: &Message) -> Result<Sent, Error> {
    let headers = vec![header("X-Postmark-Server-Token", placeholder("api_key")?)];
    let list = list_headers(message)
        .map(|it| it.map(|(name, value)| json!({ "Name": name, "Value": value })));
    let body = json!({
        "From": settings.from,
        "To": to,
        "ReplyTo": reply_to(settings),
        "Subject": message.subject,
        "TextBody": message.text,
        "HtmlBody": message.html,
        "MessageStream": settings.stream,
        "Tag": message.template,
        "Headers": list,
    });
    let whom = ("Postmark", url(settings, "https://api.postmarkapp.com"), "/email");
    let (status, said) = hand(whom, headers, None, body, false)?;
    let why = text(&said, "/Message").unwrap_or_default();
    match (status, said["ErrorCode"].as_u64()) {
        (200..=299, Some(0)) => Ok(Ok(text(&said, "/MessageID"))),
        (_, Some(300)) if why.contains("'To'") => Ok(Err(Permanent::InvalidAddress(why))),
        // It bounced before, or its owner called us spam.
        (_, Some(406)) => Ok(Err(Permanent::Unreachable(why))),
        // The sender is none of the operator's addresses, or waits to be confirmed.
        (_, Some(code)) if [400, 401, 412].contains(&code) || why.contains("'From'") => {
            Err(Error {
                kind: ErrorKind::InvalidConfig,
                ..refused("Postmark", status, code.to_string(), &why)
            })
        }
        (_, code) => Err(refused("Postmark", status, code.unwrap_or_default().to_string(), &why)),
    }
}

/// Resend: a bearer token, and an idempotency key that makes it safe to try again.
pub(crate) fn resend(settings: &Settings, to: &str, message: &Message) -> Result<Sent, Error> {
    let headers = vec![header("Idempotency-Key", context::idempotency_key("mail"))];
    let auth = Some(http::Auth::Bearer("api_key".to_owned()));
    let list: Option<Map<String, Value>> = list_headers(message).map(|it| {
        it.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect()
    });
    let body = json!({
        "from": settings.from,
        "to": [to],
        "reply_to": reply_to(settings),
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "headers": list,
    });
    let whom = ("Resend", url(settings, "https://api.resend.com"), "/emails");
    let (status, said) = hand(whom, headers, auth, body, true)?;
    let why = text(&said, "/message").unwrap_or_default();
    match status {
        200..=299 => Ok(Ok(text(&said, "/id"))),
        422 if why.contains("`to`") => Ok(Err(Permanent::InvalidAddress(why))),
        status => {
            let code = text(&said, "/name").unwrap_or_default();
            let refused = refused("Resend", status, code, &why);
            // The sender is the operator's affair, as it is with Postmark.
            let ours = status == 422 && why.contains("`from`");
            Err(if ours { Error { kind: ErrorKind::InvalidConfig, ..refused } } else { refused })
        }
    }
}
