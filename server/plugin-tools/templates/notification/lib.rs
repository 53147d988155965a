//! Hands every message to a service by HTTP, with a token.

mod service;
mod world {
    //! The bindings of the interface in wit/v1.
    myrelay_plugin_sdk::world!("notification-plugin", "wit/v1");
}

use myrelay_plugin_sdk::{
    log, tell_panics,
    types::{AccountRef, Error},
};
use serde_json::{Value, json};

use crate::{
    service::{post, setting},
    world::exports::myrelay::plugin::{
        lifecycle::{ConfigProblem, Guest as Lifecycle, HealthReport, Info},
        notifier::{
            Destination, Guest as Notifier, Message, Outcome, Permanent, Receipt, Urgency,
            Verification,
        },
    },
};

struct Plugin;

impl Lifecycle for Plugin {
    /// As plugin.toml says: the host compares.
    fn describe() -> Info {
        Info {
            id: "{{id}}".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            api_version: "1.0".to_owned(),
        }
    }

    fn activate(_webhook_url: Option<String>) -> Result<(), Error> {
        Ok(())
    }

    fn deactivate() -> Result<(), Error> {
        Ok(())
    }

    /// What config.schema.json cannot say.
    fn validate_config(candidate: String) -> Result<Vec<ConfigProblem>, Error> {
        tell_panics();
        let candidate: Value = serde_json::from_str(&candidate).unwrap_or_default();
        let endpoint = candidate["endpoint"].as_str().unwrap_or_default();
        let problem = ConfigProblem {
            path: "/endpoint".to_owned(),
            message: "this is the example's address: name your service's".to_owned(),
        };
        Ok(if endpoint.contains("//api.example.com/") { vec![problem] } else { Vec::new() })
    }

    fn migrate(_from_version: String) -> Result<(), Error> {
        Ok(())
    }

    fn health() -> Result<HealthReport, Error> {
        tell_panics();
        Ok(HealthReport { ok: true, detail: format!("posts to {}", setting("endpoint")) })
    }
}

impl Notifier for Plugin {
    fn begin_verification(_account: AccountRef, address: String) -> Result<Verification, Error> {
        let text = format!("We wrote to {address}: follow the link in that message.");
        Ok(Verification { text, link: None })
    }

    fn deliver(to: Destination, message: Message) -> Result<Outcome, Error> {
        tell_panics();
        if !to.address.contains('@') {
            return Ok(Outcome::Rejected(Permanent::InvalidAddress(to.address)));
        }
        let urgent = matches!(message.urgency, Urgency::High);
        let answer = post(&json!({
            "from": setting("from"),
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
