//! Runs plugins for the portal that started it, with no right but to compute.

use std::process::ExitCode;

fn main() -> ExitCode {
    myrelay_plugin_host::host_main(std::env::args().skip(1))
}
