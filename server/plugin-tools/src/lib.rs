//! `myrelay plugin …`: what authors of plugins work with, from a new folder to a signed package.

mod build;
mod call;
mod cases;
mod check;
mod conformance;
mod dev;
mod files;
mod inspect;
mod interface;
mod keys;
mod new;
mod record;
mod report;
mod store;
mod test;
mod trial;

use std::{
    io::{Write, stdout},
    path::PathBuf,
};

use clap::{Arg, ArgMatches, Command, value_parser};

pub use dev::{Portal, dev, interrupted};

/// The command and all that stands below it.
#[must_use]
pub fn command() -> Command {
    Command::new("plugin")
        .about("Make, try, pack and sign plugins")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([
            new::command(),
            build::command(),
            check::command(),
            call::command(),
            test::command(),
            dev::command(),
            inspect::pack_command(),
            keys::keygen_command(),
            keys::sign_command(),
            keys::verify_command(),
            keys::rotate_command(),
            inspect::command(),
        ])
}

/// Does what the command line says, and writes to standard output what came of it. `events` are the
/// names of those that the portal tells.
///
/// # Errors
/// What stopped it, in words for the plugin's author.
pub fn run(matches: &ArgMatches, events: &[String]) -> anyhow::Result<()> {
    run_to(matches, events, &mut stdout().lock())
}

/// The same with another place to write to.
///
/// # Errors
/// As [`run`], and when nothing can be written there.
pub fn run_to(matches: &ArgMatches, events: &[String], out: &mut dyn Write) -> anyhow::Result<()> {
    match matches.subcommand() {
        Some(("new", matches)) => new::run(matches, out),
        Some(("build", matches)) => build::run(matches, out),
        Some(("check", matches)) => check::run(matches, events, out),
        Some(("call", matches)) => call::run(matches, out),
        Some(("test", matches)) => test::run(matches, events, out),
        Some(("dev", matches)) => dev::run(matches, events, out),
        Some(("pack", matches)) => inspect::pack(matches, out),
        Some(("keygen", matches)) => keys::keygen(matches, out),
        Some(("sign", matches)) => keys::sign(matches, out),
        Some(("verify", matches)) => keys::verify(matches, out),
        Some(("rotate", matches)) => keys::rotate(matches, out),
        Some(("inspect", matches)) => inspect::run(matches, out),
        _ => Ok(()),
    }?;
    out.flush()?;
    Ok(())
}

/// The argument for a plugin's folder.
fn folder_argument() -> Arg {
    Arg::new("folder")
        .value_name("FOLDER")
        .value_parser(value_parser!(PathBuf))
        .default_value(".")
        .help("The plugin's folder, with plugin.toml in it")
}

/// An option that names a file.
fn file_option(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name("FILE").value_parser(value_parser!(PathBuf)).help(help)
}

/// A path that is there by default or because it is required.
fn path(matches: &ArgMatches, name: &str) -> PathBuf {
    matches.get_one::<PathBuf>(name).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_holds_together() {
        super::command().debug_assert();
    }
}
