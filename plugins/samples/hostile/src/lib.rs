//! A plugin that does what no plugin should, one misdeed for each name of an event.

mod machine;
mod outside;
mod world {
    //! The bindings.
    myrelay_plugin_sdk::world!("event-plugin", "../../wit/v1");
}

use myrelay_plugin_sdk::{
    Problems, config, error,
    types::{Error, ErrorKind},
};

use crate::world::exports::myrelay::plugin::events::{Event, Guest as Events};

struct Hostile;

/// An error with this text, which is how a misdeed tells what it saw.
pub(crate) fn told(message: impl Into<String>) -> Error {
    error(ErrorKind::Internal, message)
}

impl Events for Hostile {
    fn handle(event: Event) -> Result<(), Error> {
        match event.type_name.split_once(':') {
            Some(("machine", deed)) => machine::commit(deed, &event.data),
            Some(("outside", deed)) => outside::commit(deed, &event.data),
            // In a portal its settings say what it does: {"deed":"spin"}.
            _ => machine::commit(config::get().split('"').nth(3).unwrap_or_default(), &event.data),
        }
    }
}

myrelay_plugin_sdk::lifecycle!(world, Hostile, "dev.myrelay.sample-hostile", "0.1.0", wrong, ready);

/// Answers with what would do something to a page or a log.
fn wrong(candidate: &str) -> Problems {
    let message = match candidate {
        "html" => "<script>alert(1)</script>".to_owned(),
        "control" => "a\u{1b}[31mb".to_owned(),
        "direction" => "a\u{202e}b".to_owned(),
        "long" => "x".repeat(2 << 20),
        settings if settings.starts_with('{') => return Vec::new(),
        _ => "y".repeat(5 << 20),
    };
    vec![("", message)]
}

fn ready() -> Result<String, Error> {
    Ok(String::new())
}

world::export!(Hostile with_types_in world);
