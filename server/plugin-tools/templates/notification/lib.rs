//! Hands every message to a service by HTTP, with a token.

mod service;
mod world {
    //! The bindings of the interface in wit/v1.
    myrelay_plugin_sdk::world!("notification-plugin", "wit/v1");
}

use myrelay_plugin_sdk::{
    error, log, tell_panics,
    types::{AccountRef, Error, ErrorKind},
};
use serde_json::{Value, json};

use crate::{
    service::{post, setting, wrong},
    world::exports::myrelay::plugin::notifier::{
        Destination, Guest as Notifier, Message, Outcome, Permanent, Receipt, Urgency, Verification,
    },
};

struct Plugin;

// As plugin.toml says: the host compares.
myrelay_plugin_sdk::lifecycle!(world, Plugin, "{{id}}", env!("CARGO_PKG_VERSION"), wrong, ready);

/// Whether it can do its work, for the operator.
fn ready() -> Result<String, Error> {
    Ok(format!("posts to {}", setting("endpoint")?))
}

impl Notifier for Plugin {
    fn begin_verification(_account: AccountRef, address: String) -> Result<Verification, Error> {
        if !address.contains('@') {
            // What the customer reads, in their language where the plugin has it: `account.locale`.
            let public_message = Some("A mail address has an @ in it".to_owned());
            let why = error(ErrorKind::InvalidInput, "an address without an @");
            return Err(Error { public_message, ..why });
        }
        let text = format!("A code comes to {address}: type it here.");
        Ok(Verification { text, link: None })
    }

    fn deliver(to: Destination, message: Message) -> Result<Outcome, Error> {
        tell_panics();
        if !to.address.contains('@') {
            return Ok(Outcome::Rejected(Permanent::InvalidAddress(to.address)));
        }
        let urgent = matches!(message.urgency, Urgency::High);
        let answer = post(&json!({
            "from": setting("from")?,
            "to": to.address,
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "urgent": urgent,
        }))?;
        log::log(log::Level::Info, "sent", &[("template".to_owned(), message.template)]);
        // The service's id of the message, where it answers with JSON that has one.
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        let provider_id = answer["id"].as_str().map(str::to_owned);
        Ok(Outcome::Sent(Receipt { provider_id }))
    }
}

world::export!(Plugin with_types_in world);
