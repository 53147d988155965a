//! Runs the portal.

use std::process::ExitCode;

fn main() -> ExitCode {
    match myrelay_server::cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(
                clippy::print_stderr,
                reason = "the one place where a command's error is told"
            )]
            {
                eprintln!("myrelay: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}
