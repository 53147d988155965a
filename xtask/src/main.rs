//! `cargo xtask`: sets the machine up, builds and tests the whole product.

mod bench;
mod build;
mod demo;
mod dist;
mod events;
mod plugins;
mod process;
mod promises;
mod report;
mod setup;
mod site;
mod test;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::workspace::{Profile, Workspace};

/// Builds and tests MyRelay.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Install what building and testing needs; does nothing where all of it is there
    Setup,
    /// Build what the browser loads: wasm, scripts, styles, pictures, and their manifest
    Site {
        /// Put it beside the release binaries
        #[arg(long)]
        release: bool,
    },
    /// Build the site and the programs
    Build {
        /// Build for use instead of for debugging
        #[arg(long)]
        release: bool,
    },
    /// Run a portal, a node and a place for a client on this machine, until Ctrl-C; needs root
    Demo {
        /// Walk the main job once with a real browser and a real client, print `demo ok`, end
        #[arg(long)]
        check: bool,
    },
    /// Build everything for release and measure it on this machine; needs root
    Bench {
        /// Write the numbers to this file too, one object for each metric
        #[arg(long)]
        json: Option<PathBuf>,
        /// Take the same ways, less often: to see that all of it runs
        #[arg(long)]
        quick: bool,
        /// What to measure, such as `page_ttfb`; none means everything
        names: Vec<String>,
    },
    /// Run the tests, all of them or the named levels
    Test {
        /// The levels to run; none means all
        #[arg(value_enum)]
        levels: Vec<test::Level>,
    },
    /// List the promises with their tests and last results, and write docs/promises.md
    Promises,
    /// Write what is made of plugins/events: the table in docs/plugins.md, the SDK's types, and the
    /// list of what is published, which only grows
    Events,
    /// Make a release: the programs, the site, a bill of materials, checksums
    Dist,
}

fn main() -> ExitCode {
    match run(Arguments::parse().action) {
        Ok(code) => code,
        Err(error) => {
            report::line(format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(action: Action) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    match action {
        Action::Setup => setup::run(&workspace).map(drop)?,
        Action::Site { release } => site::build(&workspace, Profile::of(release))?,
        Action::Build { release } => build::run(&workspace, Profile::of(release))?,
        Action::Demo { check } => demo::run(&workspace, check)?,
        Action::Bench { json, quick, names } => {
            bench::run(&workspace, json.as_ref(), quick, &names)?;
        }
        Action::Test { levels } => return test::run(&workspace, &levels),
        Action::Promises => promises::run(&workspace)?,
        Action::Events => events::run(&workspace)?,
        Action::Dist => dist::run(&workspace)?,
    }
    Ok(ExitCode::SUCCESS)
}
