//! A plugin that does what no plugin should, one misdeed for each name of an event.

mod machine;
mod outside;
mod world {
    //! The bindings.
    myrelay_plugin_sdk::world!("event-plugin", "../../wit/v1");
}

use myrelay_plugin_sdk::types::{Error, ErrorKind};

use crate::world::exports::myrelay::plugin::{
    events::{Event, Guest as Events},
    lifecycle::{ConfigProblem, Guest as Lifecycle, HealthReport, Info},
};

struct Hostile;

/// An error with this text, which is how a misdeed tells what it saw.
pub(crate) fn told(message: impl Into<String>) -> Error {
    Error {
        kind: ErrorKind::Internal,
        message: message.into(),
        public_message: None,
        retry_after_ms: None,
        provider_code: None,
    }
}

impl Events for Hostile {
    fn handle(event: Event) -> Result<(), Error> {
        match event.type_name.split_once(':') {
            Some(("machine", deed)) => machine::commit(deed, &event.data),
            Some(("outside", deed)) => outside::commit(deed, &event.data),
            _ => Err(told("no such misdeed")),
        }
    }
}

impl Lifecycle for Hostile {
    fn describe() -> Info {
        Info {
            id: "dev.myrelay.sample-hostile".to_owned(),
            version: "0.1.0".to_owned(),
            api_version: "1.0".to_owned(),
        }
    }

    fn activate(_webhook_url: Option<String>) -> Result<(), Error> {
        Ok(())
    }

    fn deactivate() -> Result<(), Error> {
        Ok(())
    }

    /// Answers with what would do something to a page or a log.
    fn validate_config(candidate: String) -> Result<Vec<ConfigProblem>, Error> {
        let message = match candidate.as_str() {
            "html" => "<script>alert(1)</script>".to_owned(),
            "control" => "a\u{1b}[31mb".to_owned(),
            "direction" => "a\u{202e}b".to_owned(),
            "long" => "x".repeat(2 << 20),
            _ => "y".repeat(5 << 20),
        };
        Ok(vec![ConfigProblem { path: String::new(), message }])
    }

    fn migrate(_from_version: String) -> Result<(), Error> {
        Ok(())
    }

    fn health() -> Result<HealthReport, Error> {
        Ok(HealthReport { ok: true, detail: String::new() })
    }
}

world::export!(Hostile with_types_in world);
