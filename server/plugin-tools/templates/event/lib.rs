//! Tells a service by HTTP of everything that this plugin listens to, and counts it.

mod service;
mod world {
    //! The bindings of the interface in wit/v1.
    myrelay_plugin_sdk::world!("event-plugin", "wit/v1");
}

use myrelay_plugin_sdk::{
    error, kv, log, tell_panics,
    types::{Error, ErrorKind},
};
use serde_json::{Value, json};

use crate::{
    service::{post, wrong},
    world::exports::myrelay::plugin::events::{Event, Guest as Events},
};

/// Where the number of events stands.
const TOLD: &str = "told";

struct Plugin;

/// How many events were told so far.
fn told() -> Result<u64, Error> {
    let entry = kv::get(TOLD).map_err(|why| error(ErrorKind::Internal, format!("{why:?}")))?;
    let text = entry.and_then(|it| String::from_utf8(it.value).ok());
    Ok(text.and_then(|it| it.parse().ok()).unwrap_or_default())
}

// As plugin.toml says: the host compares.
myrelay_plugin_sdk::lifecycle!(world, Plugin, "{{id}}", env!("CARGO_PKG_VERSION"), wrong, ready);

/// Whether it can do its work, for the operator.
fn ready() -> Result<String, Error> {
    Ok(format!("{} events told", told()?))
}

impl Events for Plugin {
    fn handle(event: Event) -> Result<(), Error> {
        tell_panics();
        let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
        post(&json!({
            "id": event.id,
            "event": event.type_name,
            "account": event.account,
            "at": event.occurred_at,
            "data": data,
        }))?;
        // It counts once this call returned ok, and not otherwise.
        let count = (told()? + 1).to_string();
        kv::set(TOLD, count.as_bytes(), None)
            .map_err(|why| error(ErrorKind::Internal, format!("{why:?}")))?;
        log::log(log::Level::Info, "told", &[("event".to_owned(), event.type_name)]);
        Ok(())
    }
}

world::export!(Plugin with_types_in world);
