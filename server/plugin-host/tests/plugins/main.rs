//! Plugins against the host, as components that run: good ones, and ones that try everything.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod conformance;
mod firstparty;
mod happy;
mod machine;
mod mails;
mod outside;
mod recipes;
mod server;
mod stage;
mod structure;
mod wit;

use myrelay_plugin_host::{InProcess, Options, PluginHost};

/// The host that the stories are told to.
fn host(options: Options) -> Box<dyn PluginHost> {
    Box::new(InProcess::new(options).unwrap())
}
