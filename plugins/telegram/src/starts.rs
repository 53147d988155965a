//! Who pressed Start, and with which code.

use myrelay_plugin_sdk::{
    error, kv,
    types::{Error, ErrorKind},
};
use serde_json::{Value, json};

use crate::api::{Api, Said};

/// How long somebody has to press Start.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Updates that are asked for at once, and how often: what they read and write stays below the 100
/// of a call.
const UPDATES: u64 = 30;

const ASKED: usize = 2;

/// Where the number of the next update is kept, for as long as Telegram keeps updates: the numbers
/// begin anywhere after a week in which nobody wrote.
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
    let mut next = read(NEXT)?.unwrap_or_default();
    for _ in 0..ASKED {
        // Asking beyond updates is what makes Telegram forget them.
        let updates = updates(api, next)?;
        let mut ours = false;
        for update in &updates {
            ours |= started(update)?;
        }
        let Some(last) = updates.iter().filter_map(|it| it["update_id"].as_i64()).max() else {
            break;
        };
        next = last + 1;
        kv::set(NEXT, next.to_string().as_bytes(), Some(DAY_MS)).map_err(failed)?;
        // Where this call fails, what it wrote is forgotten: then Telegram has to keep it.
        if ours {
            break;
        }
    }
    read(&key)
}

/// What people wrote to the bot from this number on, the oldest first.
fn updates(api: &Api, next: i64) -> Result<Vec<Value>, Error> {
    let asked = json!({ "offset": next, "limit": UPDATES, "allowed_updates": ["message"] });
    match api.call("getUpdates", &asked, true)? {
        Said::Yes(Value::Array(updates)) => Ok(updates),
        Said::Yes(_) => Ok(Vec::new()),
        // Another delivery asks at this very moment.
        Said::No(409, why) if why.contains("other getUpdates") => {
            Err(error(ErrorKind::Unavailable, why))
        }
        Said::No(_, why) => Err(error(ErrorKind::InvalidConfig, why)),
    }
}

/// Keeps the chat of an update, if it is a start with a code that is waited for; whether it was.
fn started(update: &Value) -> Result<bool, Error> {
    let text = update.pointer("/message/text").and_then(Value::as_str).unwrap_or_default();
    let chat = update.pointer("/message/chat/id").and_then(Value::as_i64);
    let code = text.strip_prefix("/start ").map(str::trim).filter(|it| is_code(it));
    let (Some(code), Some(chat)) = (code, chat) else { return Ok(false) };
    let waits = kv::get(&format!("code:{code}")).map_err(failed)?.is_some();
    if waits {
        kv::set(&format!("chat:{code}"), chat.to_string().as_bytes(), None).map_err(failed)?;
    }
    Ok(waits)
}
