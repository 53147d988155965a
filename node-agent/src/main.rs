//! Runs the agent.

fn main() -> std::process::ExitCode {
    myrelay_agent::cli::main()
}
