//! What a plugin in Rust is written with: the bindings of `plugins/wit/v1`, and a panic that is told.
//!
//! Name a world, implement its `Guest` traits, and export them. [`lifecycle!`] is for plugins whose
//! life has no turns of its own; [`ask`], [`unanswered`] and [`is_signed`] are for what goes wrong.
//!
//! ```ignore
//! mod world {
//!     myrelay_plugin_sdk::world!("notification-plugin", "../wit/v1");
//! }
//!
//! struct Plugin;
//! myrelay_plugin_sdk::lifecycle!(world, Plugin, "dev.example.mine", "1.0.0", problems, ready);
//! impl world::exports::myrelay::plugin::notifier::Guest for Plugin { /* … */ }
//! world::export!(Plugin with_types_in world);
//! ```

mod answers;
pub mod events;
mod form;
mod json;
mod scheme;
mod settings;
mod signed;

pub use answers::{error, failure, header, line, rate_limited, retry_after, unanswered, unusable};
pub use form::Form;
pub use json::{ask, placeholder, text};
pub use scheme::{Timed, hex};
pub use settings::{Problems, problems, settings, total};
pub use signed::is_signed;
pub use wit_bindgen;

/// What every plugin may import. Each world has the same interfaces with the same types.
pub mod host {
    wit_bindgen::generate!({ path: "../wit/v1", world: "base", generate_all });
}

/// The bindings of one world, by the folder of `wit/v1` as seen from the plugin's manifest. A
/// plugin that is of several kinds names a world of its own and writes it down as third.
#[macro_export]
macro_rules! world {
    ($name:literal, $wit:literal $(, $inline:literal)?) => {
        $crate::wit_bindgen::generate!({
            path: $wit,
            $(inline: $inline,)?
            world: $name,
            generate_all,
            runtime_path: "myrelay_plugin_sdk::wit_bindgen::rt",
            with: {
                "myrelay:plugin/types@1.0.0": myrelay_plugin_sdk::host::myrelay::plugin::types,
                "myrelay:plugin/log@1.0.0": myrelay_plugin_sdk::host::myrelay::plugin::log,
                "myrelay:plugin/config@1.0.0": myrelay_plugin_sdk::host::myrelay::plugin::config,
                "myrelay:plugin/context@1.0.0": myrelay_plugin_sdk::host::myrelay::plugin::context,
                "myrelay:plugin/clock@1.0.0": myrelay_plugin_sdk::host::myrelay::plugin::clock,
                "myrelay:plugin/random@1.0.0": myrelay_plugin_sdk::host::myrelay::plugin::random,
                "myrelay:plugin/kv@1.0.0": myrelay_plugin_sdk::host::myrelay::plugin::kv,
                "myrelay:plugin/secrets@1.0.0": myrelay_plugin_sdk::host::myrelay::plugin::secrets,
                "myrelay:plugin/crypto@1.0.0": myrelay_plugin_sdk::host::myrelay::plugin::crypto,
                "myrelay:plugin/http@1.0.0": myrelay_plugin_sdk::host::myrelay::plugin::http,
            },
        });
    };
}

pub use host::myrelay::plugin::{
    clock, config, context, crypto, http, kv, log, random, secrets, types,
};

/// Writes a panic to the plugin's log before the guest traps. Call it first in every export: it
/// does nothing the second time.
pub fn tell_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            log::log(log::Level::Error, &panic.to_string(), &[]);
        }));
    });
}
