//! Tells a service by HTTP of everything that this plugin listens to, and counts it.

mod service;
mod world {
    //! The bindings of the interface in wit/v1.
    myrelay_plugin_sdk::world!("event-plugin", "wit/v1");
}

use myrelay_plugin_sdk::{
    kv, log, tell_panics,
    types::{Error, ErrorKind},
};
use serde_json::{Value, json};

use crate::{
    service::{error, post},
    world::exports::myrelay::plugin::{
        events::{Event, Guest as Events},
        lifecycle::{ConfigProblem, Guest as Lifecycle, HealthReport, Info},
    },
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
        Ok(HealthReport { ok: true, detail: format!("{} events told", told()?) })
    }
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
