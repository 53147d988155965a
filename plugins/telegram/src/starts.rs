//! Who pressed Start, and with which code.

use myrelay_plugin_sdk::{
    error, kv,
    types::{Error, ErrorKind},
};
use serde_json::{Value, json};

use crate::api::{Api, Said};

/// How long somebody has to press Start.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Updates in one call, so that what they write stays below what a call may write.
const UPDATES: u64 = 40;

/// Where the number of the next update is kept.
const NEXT: &str = "next-update";

/// Whether this is what a link to the bot may carry, and nothing that is a chat's number.
pub(crate) fn is_code(text: &str) -> bool {
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"-_".contains(&it);
    (16..=64).contains(&text.len())
        && text.bytes().all(plain)
        && text.bytes().any(|it| it.is_ascii_alphabetic())
}

fn failed(why: kv::Error) -> Error {
    let kind = match why {
        kv::Error::Unavailable => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    };
    error(kind, format!("the plugin's store: {why:?}"))
}

fn read(key: &str) -> Result<Option<i64>, Error> {
    let entry = kv::get(key).map_err(failed)?;
    Ok(entry.and_then(|it| String::from_utf8(it.value).ok()?.parse().ok()))
}

/// From now on a code means something. Codes that nobody waits for are not kept, so that no
/// stranger fills the store.
pub(crate) fn expect(code: &str) -> Result<(), Error> {
    kv::set(&format!("code:{code}"), b"", Some(DAY_MS)).map_err(failed)
}

/// The chat in which somebody pressed Start with this code; none where nobody did so far.
pub(crate) fn chat(api: &Api, code: &str) -> Result<Option<i64>, Error> {
    let key = format!("chat:{code}");
    if let Some(chat) = read(&key)? {
        return Ok(Some(chat));
    }
    let next = read(NEXT)?.unwrap_or_default();
    let asked = json!({ "offset": next, "limit": UPDATES, "allowed_updates": ["message"] });
    let updates = match api.call("getUpdates", &asked, true)? {
        Said::Yes(updates) => updates,
        // Another delivery asks at this very moment.
        Said::No(409, why) if why.contains("other getUpdates") => {
            return Err(error(ErrorKind::Unavailable, why));
        }
        Said::No(_, why) => return Err(error(ErrorKind::InvalidConfig, why)),
    };
    let updates = updates.as_array().map(Vec::as_slice).unwrap_or_default();
    for update in updates {
        started(update)?;
    }
    if let Some(last) = updates.iter().filter_map(|it| it["update_id"].as_i64()).max() {
        // Asking beyond them is what makes Telegram forget them.
        kv::set(NEXT, (last + 1).to_string().as_bytes(), None).map_err(failed)?;
    }
    read(&key)
}

/// Keeps the chat of an update, if it is a start with a code that is waited for.
fn started(update: &Value) -> Result<(), Error> {
    let text = update.pointer("/message/text").and_then(Value::as_str).unwrap_or_default();
    let chat = update.pointer("/message/chat/id").and_then(Value::as_i64);
    let code = text.strip_prefix("/start ").map(str::trim).filter(|it| is_code(it));
    let (Some(code), Some(chat)) = (code, chat) else { return Ok(()) };
    let waits = format!("code:{code}");
    if kv::get(&waits).map_err(failed)?.is_some() {
        kv::set(&format!("chat:{code}"), chat.to_string().as_bytes(), None).map_err(failed)?;
    }
    Ok(())
}
