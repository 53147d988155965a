//! Compiles one component from standard input to standard output, under limits of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    myrelay_plugin_host::compile_main(std::env::args().skip(1))
}
