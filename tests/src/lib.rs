//! What the end-to-end tests, the demo and the benchmarks share: real programs in namespaces, a
//! real browser, a stock WireGuard client.

pub mod browser;
pub mod capture;
pub mod network;
pub mod node;
pub mod portal;
pub mod program;
pub mod recorder;
pub mod story;
pub mod vpn_client;

use std::path::{Path, PathBuf};

/// The checkout's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// Where the build puts the programs: beside the program that runs this.
pub fn programs() -> PathBuf {
    let here = std::env::current_exe().unwrap_or_default();
    // A test stands one folder deeper, in `deps`.
    let folder = here.parent().map(Path::to_owned).unwrap_or_default();
    match folder.file_name() {
        Some(name) if name == "deps" => folder.parent().map(Path::to_owned).unwrap_or_default(),
        _ => folder,
    }
}
