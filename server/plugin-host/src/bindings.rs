//! What `plugins/wit/v1` says, as Rust.

/// One world with everything in it, so that every interface is made into types once. Which of the
/// exports a component has is asked of the component.
mod v1 {
    wasmtime::component::bindgen!({
        path: "../../plugins/wit/v1",
        inline: "
            package myrelay:host;
            world everything {
                include myrelay:plugin/notification-plugin@1.0.0;
                include myrelay:plugin/event-plugin@1.0.0;
                include myrelay:plugin/billing-plugin@1.0.0;
                include myrelay:plugin/invoicing-plugin@1.0.0;
                export myrelay:plugin/jobs@1.0.0;
                import myrelay:plugin/smtp@1.0.0;
            }
        ",
        world: "myrelay:host/everything",
        imports: {
            "myrelay:plugin/http": async | trappable,
            "myrelay:plugin/kv": async | trappable,
            "myrelay:plugin/smtp": async | trappable,
            default: trappable,
        },
        exports: { default: async },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
    });
}

pub(crate) use v1::exports::myrelay::plugin::jobs;
/// The interfaces that plugins implement.
pub use v1::exports::myrelay::plugin::{billing, events, invoicing, lifecycle, notifier, webhooks};
/// The interfaces that the host implements and whose types others read.
pub use v1::myrelay::plugin::{billing_types, log, types};
pub(crate) use v1::myrelay::plugin::{
    clock, config, context, crypto, http, kv, random, secrets, smtp,
};
