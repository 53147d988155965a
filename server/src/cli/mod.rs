//! The commands of `myrelay`.

mod ca;
mod node;
mod operator;
mod plugin;
mod serve;

use std::{
    collections::BTreeMap,
    env,
    io::{Write, stdout},
    path::PathBuf,
};

use anyhow::Context as _;
use clap::{Arg, ArgAction, ArgMatches, Command, builder::PossibleValuesParser, value_parser};
use tokio::runtime;

use crate::{
    config::{Config, DEFAULT_FILE, Kind, SETTINGS, Values},
    outbox::Event,
};

/// Does what the command line says.
///
/// # Errors
/// What stopped it, in words for whoever runs the portal.
pub fn run() -> anyhow::Result<()> {
    let matches = command().get_matches();
    match matches.subcommand() {
        Some(("serve", matches)) => {
            let config = Config::read(&values(matches)?)?;
            crate::log::start(config.log_format);
            block_on(serve::run(config))
        }
        Some(("config", matches)) => {
            let values = values(matches)?;
            say(&values.to_string())?;
            Config::read(&values)?;
            Ok(())
        }
        Some(("ca", matches)) => {
            let Some((act, matches)) = matches.subcommand() else { return Ok(()) };
            let config = Config::read(&values(matches)?)?;
            crate::log::start(config.log_format);
            match act {
                "show" => block_on(ca::show(config)),
                "rotate" => block_on(ca::rotate(config)),
                _ => block_on(ca::forget(config, matches.get_flag("anyway"))),
            }
        }
        Some(("node", matches)) => match matches.subcommand() {
            Some(("add", matches)) => {
                let config = Config::read(&values(matches)?)?;
                crate::log::start(config.log_format);
                block_on(node::add(config, node::input(matches)))
            }
            _ => Ok(()),
        },
        Some(("plugin", matches)) => match matches.subcommand() {
            Some((act @ ("install" | "list"), matches)) => {
                let config = Config::read(&values(matches)?)?;
                crate::log::start(config.log_format);
                match act {
                    "install" => block_on(plugin::install(config, plugin::asked(matches))),
                    _ => block_on(plugin::list(config)),
                }
            }
            Some((act @ ("rollback" | "remove" | "revoke" | "revoked"), matches)) => {
                let config = Config::read(&values(matches)?)?;
                crate::log::start(config.log_format);
                block_on(plugin::life::run(config, act, matches))
            }
            Some(("limits", matches)) => {
                let config = Config::read(&values(matches)?)?;
                crate::log::start(config.log_format);
                block_on(plugin::limits::run(config, matches))
            }
            Some(("dev", matches)) if plugin::dev::has_portal(matches) => {
                let config = Config::read(&values(matches)?)?;
                crate::log::start(config.log_format);
                block_on(plugin::dev::run(config, matches))
            }
            // All others are for authors, and know no portal.
            _ => myrelay_plugin_tools::run(matches, &Event::all_published()),
        },
        Some(("operator", matches)) => match matches.subcommand() {
            Some(("invite", matches)) => {
                let config = Config::read(&values(matches)?)?;
                crate::log::start(config.log_format);
                block_on(operator::invite(config))
            }
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Writes to standard output: what somebody asked to see.
fn say(text: &str) -> anyhow::Result<()> {
    let mut out = stdout();
    out.write_all(text.as_bytes())?;
    out.flush().context("write to standard output")
}

fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

fn command() -> Command {
    let operator = Command::new("operator")
        .about("Look after the people who run the service")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(configured(Command::new("invite").about(
            "Print a one-time link with which an operator sets a password; good for 30 minutes",
        )));
    let node = Command::new("node")
        .about("Look after nodes")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(configured(node::command()));
    let ca = Command::new("ca")
        .about("Look after the authority that vouches for nodes")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(ca::commands().map(configured));
    let plugin = myrelay_plugin_tools::command()
        .about("Look after plugins, and write them")
        .subcommands(plugin::commands().into_iter().map(configured))
        .mut_subcommand("dev", |it| configured(plugin::dev::options(it)));
    Command::new("myrelay")
        .version(env!("CARGO_PKG_VERSION"))
        .about("The MyRelay portal")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(configured(Command::new("serve").about("Serve the site and the nodes")))
        .subcommand(configured(
            Command::new("config").about("Print every setting and who said it; secrets are hidden"),
        ))
        .subcommand(ca)
        .subcommand(node)
        .subcommand(operator)
        .subcommand(plugin)
}

/// A command that reads the configuration: every setting is a flag.
fn configured(command: Command) -> Command {
    let file = Arg::new("config")
        .long("config")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help(format!("A TOML file with settings; default: {DEFAULT_FILE}, if it is there"));
    let flags = SETTINGS.iter().map(|setting| {
        let mut help = setting.help.to_owned();
        if !setting.default.is_empty() && setting.kind != Kind::Switch {
            help.push_str(&format!(" [default: {}]", setting.default));
        }
        let mut variables = setting.variable();
        if setting.kind == Kind::Secret {
            variables.push_str(&format!(", {}_FILE", setting.variable()));
        }
        help.push_str(&format!(" [env: {variables}]"));
        let flag = Arg::new(setting.name)
            .long(setting.name)
            .value_name(setting.value)
            .help(help)
            .action(ArgAction::Set);
        match setting.kind {
            Kind::Switch => flag
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .value_parser(PossibleValuesParser::new(["true", "false"])),
            Kind::Text | Kind::List | Kind::Secret => flag,
        }
    });
    command.arg(file).args(flags)
}

fn values(matches: &ArgMatches) -> anyhow::Result<Values> {
    let flags: BTreeMap<&'static str, String> = SETTINGS
        .iter()
        .filter_map(|it| Some((it.name, matches.get_one::<String>(it.name)?.clone())))
        .collect();
    let file = matches.get_one::<PathBuf>("config");
    Ok(Values::collect(&flags, file.map(PathBuf::as_path), &|name| env::var(name).ok())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        command().debug_assert();
    }

    #[test]
    fn a_switch_stands_alone_or_has_a_value() {
        let read = |line: &str| {
            let matches = command().try_get_matches_from(line.split(' ')).unwrap();
            let (_, serve) = matches.subcommand().unwrap();
            values(serve).unwrap().get("tls-self-signed").text
        };
        assert_eq!(read("myrelay serve --tls-self-signed --listen 127.0.0.1:1"), "true");
        assert_eq!(read("myrelay serve --tls-self-signed=false"), "false");
        assert_eq!(read("myrelay serve"), "false");
    }
}
