//! Messages by a Telegram bot, to chats or to whoever pressed Start with a code.

mod api;
mod starts;

mod world {
    //! The bindings.
    myrelay_plugin_sdk::world!("notification-plugin", "../wit/v1");
}

use myrelay_plugin_sdk::{
    Problems, error, problems, settings, tell_panics, text,
    types::{AccountRef, Error, ErrorKind},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    api::{Api, Said},
    world::exports::myrelay::plugin::notifier::{
        Destination, Guest as Notifier, Message, Outcome, Permanent, Receipt, Urgency, Verification,
    },
};

/// The longest message, in the units of UTF-16 that Telegram counts.
const MESSAGE: usize = 4096;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The bot's name, without the @.
    bot: String,
    #[serde(default = "telegrams")]
    api_url: String,
}

fn telegrams() -> String {
    "https://api.telegram.org".to_owned()
}

struct Plugin;

myrelay_plugin_sdk::lifecycle!(world, Plugin, "dev.myrelay.telegram", "0.1.0", wrong, ready);

fn wrong(candidate: &str) -> Problems {
    problems(candidate, |it: &Settings| {
        let plain = |it: u8| it.is_ascii_alphanumeric() || it == b'_';
        let sound = (5..=32).contains(&it.bot.len()) && it.bot.bytes().all(plain);
        let advice = "the bot's name without the @, such as example_vpn_bot";
        if sound { Vec::new() } else { vec![("/bot", advice.to_owned())] }
    })
}

fn ready() -> Result<String, Error> {
    match Api::load()?.call("getMe", &json!({}), true)? {
        Said::Yes(bot) => {
            Ok(format!("it is the bot {}", text(&bot, "/username").unwrap_or_default()))
        }
        Said::No(_, why) => Err(error(ErrorKind::InvalidConfig, why)),
    }
}

/// The first so many units of UTF-16, or fewer where a character would be cut.
fn cut(text: &str, most: usize) -> &str {
    let mut units = 0;
    for (at, c) in text.char_indices() {
        units += c.len_utf16();
        if most < units {
            return &text[..at];
        }
    }
    text
}

/// Where it goes: a chat's number, the name of a channel, or the code that somebody started with.
fn chat(address: &str) -> Result<Option<Value>, Error> {
    if let Ok(number) = address.parse::<i64>() {
        return Ok(Some(json!(number)));
    }
    if address.starts_with('@') {
        return Ok(Some(json!(address)));
    }
    if !starts::is_code(address) {
        return Ok(None);
    }
    let waits = "nobody has pressed Start with this code yet";
    let chat = starts::chat(&Api::load()?, address)?;
    chat.map(|it| Some(json!(it))).ok_or_else(|| error(ErrorKind::NotFound, waits))
}

impl Notifier for Plugin {
    fn begin_verification(_account: AccountRef, address: String) -> Result<Verification, Error> {
        tell_panics();
        let settings: Settings = settings()?;
        if !starts::is_code(&address) {
            let rule = "a code of 16 to 64 letters, digits, - and _, not all of them digits";
            return Err(error(ErrorKind::InvalidInput, rule));
        }
        starts::expect(&address)?;
        Ok(Verification {
            text: format!("Open the chat with @{} in Telegram and press Start.", settings.bot),
            link: Some(format!("https://t.me/{}?start={address}", settings.bot)),
        })
    }

    fn deliver(to: Destination, message: Message) -> Result<Outcome, Error> {
        tell_panics();
        let Some(chat) = chat(&to.address)? else {
            return Ok(Outcome::Rejected(Permanent::InvalidAddress(
                "the number of a chat, @ and a channel, or a code of ours".to_owned(),
            )));
        };
        // Where the text has the link already, once is enough.
        let link = message.action_url.filter(|it| !message.text.contains(it.as_str()));
        let link = link.map(|it| format!("\n\n{it}")).unwrap_or_default();
        let room = MESSAGE.saturating_sub(link.encode_utf16().count());
        let text = format!("{}\n\n{}", message.subject, message.text);
        let body = json!({
            "chat_id": chat,
            "text": format!("{}{link}", cut(&text, room)),
            "disable_notification": message.urgency == Urgency::Low,
            "link_preview_options": { "is_disabled": true },
        });
        match Api::load()?.call("sendMessage", &body, false)? {
            Said::Yes(sent) => {
                let provider_id = sent["message_id"].as_i64().map(|it| it.to_string());
                Ok(Outcome::Sent(Receipt { provider_id }))
            }
            // They blocked the bot, or left.
            Said::No(403, why) => Ok(Outcome::Rejected(Permanent::Unreachable(why))),
            Said::No(_, why) if why.contains("chat not found") => {
                Ok(Outcome::Rejected(Permanent::InvalidAddress(why)))
            }
            Said::No(_, why) => Err(error(ErrorKind::InvalidInput, why)),
        }
    }
}

world::export!(Plugin with_types_in world);
