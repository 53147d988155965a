//! Where the parts of the checkout and its build output are.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process;

/// What is built for wasm32 only, each with a command of its own.
pub(crate) const FOR_WASM: [&str; 11] = [
    "myrelay-browser",
    "myrelay-plugin-btcpay",
    "myrelay-plugin-email",
    "myrelay-plugin-manual",
    "myrelay-plugin-sdk",
    "myrelay-plugin-stripe",
    "myrelay-plugin-telegram",
    "myrelay-plugin-webhook",
    "myrelay-sample-hostile",
    "myrelay-sample-notifier",
    "myrelay-sample-recipes",
];

/// The arguments for every crate that is built for this machine.
pub(crate) fn for_this_machine() -> impl Iterator<Item = &'static str> {
    let others = FOR_WASM.into_iter().flat_map(|it| ["--exclude", it]);
    ["--workspace"].into_iter().chain(others)
}

/// Which of Cargo's profiles the programs are built with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Debug,
    Release,
}

impl Profile {
    pub(crate) fn of(release: bool) -> Self {
        if release { Self::Release } else { Self::Debug }
    }

    /// The name of Cargo's output folder for this profile.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }
}

/// A checkout of this repository.
#[derive(Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The checkout that this xtask was built from.
    ///
    /// # Errors
    /// When that folder has been moved or removed since.
    pub(crate) fn find() -> Result<Self> {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = package.parent().context("xtask lies in no workspace")?;
        let root = root.canonicalize().with_context(|| format!("{} is gone", root.display()))?;
        Ok(Self { root })
    }

    /// The checkout in another folder.
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's output folder for everything but the browser part.
    pub(crate) fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    /// Cargo's output folder for the browser part: one folder per compiler.
    pub(crate) fn target_wasm(&self) -> PathBuf {
        self.root.join("target-wasm")
    }

    /// Cargo itself, run in the root of the checkout.
    ///
    /// `cargo run` describes xtask's own package to us in the environment. A second Cargo below
    /// us must not see that: build scripts would be run again for it.
    pub(crate) fn cargo(&self) -> Command {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = process::command(cargo);
        command.current_dir(&self.root);
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&name);
            }
        }
        command
    }
}
