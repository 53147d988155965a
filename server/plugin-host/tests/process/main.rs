//! The same plugins against the host that is a process of its own, and that process against the
//! machine.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "../plugins/happy.rs"]
mod happy;
#[path = "../plugins/machine.rs"]
mod machine;
#[path = "../plugins/mails.rs"]
mod mails;
#[path = "../plugins/outside.rs"]
mod outside;
#[path = "../plugins/server.rs"]
mod server;
#[path = "../plugins/stage.rs"]
#[expect(dead_code, reason = "the stories of our own plugins are told in one process")]
mod stage;

mod confined;
mod lives;

use std::{path::PathBuf, time::Duration};

use myrelay_plugin_host::{HostProcess, Options, PluginHost, Process};

/// The program as it is released, as whoever runs the tests.
fn how() -> HostProcess {
    HostProcess {
        program: PathBuf::from(env!("CARGO_BIN_EXE_myrelay-plugin-host")),
        user: None,
        patience: Duration::from_secs(20),
    }
}

/// The host that the stories are told to.
fn host(options: Options) -> Box<dyn PluginHost> {
    Box::new(Process::new(options, how()).unwrap())
}
