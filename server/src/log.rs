//! The log: one line per fact on standard error, for people on a terminal and for programs else.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::{EnvFilter, fmt, prelude::*};

use crate::config::LogFormat;

/// What is said without being asked. Statements with their values stay silent, and so do the
/// libraries whose lines could carry what a client sent.
const FILTER: &str = "info,sqlx=warn,tower_sessions=error,tower_sessions_core=error,\
                      hyper=warn,rustls=warn,leptos=warn,tachys=warn";

/// Starts logging; `RUST_LOG` may ask for more of our own lines.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_unset| EnvFilter::new(FILTER));
    let json = match format {
        LogFormat::Auto => !stderr().is_terminal(),
        LogFormat::Json => true,
        LogFormat::Text => false,
    };
    let registry = tracing_subscriber::registry().with(filter);
    if json {
        let lines = fmt::layer().json().flatten_event(true).with_current_span(false);
        registry.with(lines.with_span_list(false).with_writer(stderr)).init();
    } else {
        registry.with(fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal())).init();
    }
}
