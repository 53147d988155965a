//! What a plugin in Rust is written with: the bindings of `plugins/wit/v1`, and a panic that is told.
//!
//! Pick the world's module, implement its `Guest` traits, and export them:
//!
//! ```ignore
//! use myrelay_plugin_sdk::notification::{self, exports::myrelay::plugin::{lifecycle, notifier}};
//!
//! struct Plugin;
//! impl lifecycle::Guest for Plugin { /* … */ }
//! impl notifier::Guest for Plugin { /* … */ }
//! notification::export!(Plugin with_types_in notification);
//! ```

/// What every plugin may import. Each world has the same interfaces with the same types.
pub mod host {
    wit_bindgen::generate!({ path: "../wit/v1", world: "base", generate_all });
}

macro_rules! world {
    ($name:literal) => {
        wit_bindgen::generate!({
            path: "../wit/v1",
            world: $name,
            pub_export_macro: true,
            default_bindings_module: "self",
            with: {
                "myrelay:plugin/types@1.0.0": crate::host::myrelay::plugin::types,
                "myrelay:plugin/log@1.0.0": crate::host::myrelay::plugin::log,
                "myrelay:plugin/config@1.0.0": crate::host::myrelay::plugin::config,
                "myrelay:plugin/context@1.0.0": crate::host::myrelay::plugin::context,
                "myrelay:plugin/clock@1.0.0": crate::host::myrelay::plugin::clock,
                "myrelay:plugin/random@1.0.0": crate::host::myrelay::plugin::random,
                "myrelay:plugin/kv@1.0.0": crate::host::myrelay::plugin::kv,
                "myrelay:plugin/secrets@1.0.0": crate::host::myrelay::plugin::secrets,
                "myrelay:plugin/crypto@1.0.0": crate::host::myrelay::plugin::crypto,
                "myrelay:plugin/http@1.0.0": crate::host::myrelay::plugin::http,
            },
        });
    };
}

/// The world `notification-plugin`.
pub mod notification {
    world!("notification-plugin");
}

/// The world `event-plugin`.
pub mod event {
    world!("event-plugin");
}

/// The world `billing-plugin`.
pub mod billing {
    world!("billing-plugin");
}

/// The world `invoicing-plugin`.
pub mod invoicing {
    world!("invoicing-plugin");
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
