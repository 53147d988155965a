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

use anyhow::{Context as _, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, builder::PossibleValuesParser, value_parser};
use tokio::runtime;

use crate::{
    config::{Config, DEFAULT_FILE, Kind, SETTINGS, Values},
    database::Database,
    outbox::Event,
    vault,
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
            block_on(async {
                let config = kept(matches).await?;
                match act {
                    "show" => ca::show(config).await,
                    "rotate" => ca::rotate(config).await,
                    _ => ca::forget(config, matches.get_flag("anyway")).await,
                }
            })
        }
        Some(("node", matches)) => match matches.subcommand() {
            Some(("add", matches)) => block_on(async {
                node::add(served_portal(matches).await?, node::input(matches)).await
            }),
            _ => Ok(()),
        },
        Some(("plugin", matches)) => of_plugins(matches),
        Some(("operator", matches)) => match matches.subcommand() {
            Some(("invite", matches)) => {
                block_on(async { operator::invite(served_portal(matches).await?).await })
            }
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

fn of_plugins(matches: &ArgMatches) -> anyhow::Result<()> {
    match matches.subcommand() {
        Some(("install", matches)) => {
            let asked = plugin::asked(matches);
            block_on(async {
                // Whoever only looks need not say how the site is served.
                let config = match asked.is_granted() {
                    true => served_portal(matches).await?,
                    false => unserved(matches)?,
                };
                plugin::install(config, asked).await
            })
        }
        Some(("list", matches)) => block_on(async { plugin::list(kept(matches).await?).await }),
        // The version of before is told the address of its reports.
        Some((act @ "rollback", matches)) => {
            block_on(async { plugin::life::run(served_portal(matches).await?, act, matches).await })
        }
        Some((act @ ("remove" | "revoke" | "revoked"), matches)) => {
            block_on(async { plugin::life::run(kept(matches).await?, act, matches).await })
        }
        Some(("limits", matches)) => {
            block_on(async { plugin::limits::run(kept(matches).await?, matches).await })
        }
        Some(("dev", matches)) if plugin::dev::has_portal(matches) => {
            block_on(async { plugin::dev::run(served_portal(matches).await?, matches).await })
        }
        // All others are for authors, and know no portal.
        _ => myrelay_plugin_tools::run(matches, &Event::all_published()),
    }
}

/// The settings of a command that tells addresses of the site: those that the portal has.
fn served(matches: &ArgMatches) -> anyhow::Result<Config> {
    let config = Config::read(&values(matches)?);
    let config = config.context(
        "this needs the settings that `myrelay serve` has, with --config FILE or one by one",
    )?;
    crate::log::start(config.log_format);
    Ok(config)
}

/// The settings of a command that tells none.
fn unserved(matches: &ArgMatches) -> anyhow::Result<Config> {
    let config = Config::read_without_site(&values(matches)?)?;
    crate::log::start(config.log_format);
    Ok(config)
}

/// The settings of a command that works on what a portal keeps, which has to be there.
async fn kept(matches: &ArgMatches) -> anyhow::Result<Config> {
    let config = unserved(matches)?;
    ensure_portal(
        &config,
        "name its folder by --data-dir, and by --database-url its database where `myrelay serve` has \
         one; or both by the --config FILE that it has",
    )
    .await?;
    Ok(config)
}

/// The settings of a command that works on a portal and tells addresses of its site.
async fn served_portal(matches: &ArgMatches) -> anyhow::Result<Config> {
    let config = served(matches)?;
    ensure_portal(
        &config,
        "give this the settings that `myrelay serve` has, with --config FILE or one by one; a new \
         portal is made by `myrelay serve`",
    )
    .await?;
    Ok(config)
}

/// Whether a portal was served with these settings: looking makes none.
async fn ensure_portal(config: &Config, then: &str) -> anyhow::Result<()> {
    if !vault::is_in(&config.data_dir) {
        bail!("there is no portal in {}: {then}", config.data_dir.display());
    }
    if !Database::is_made(&config.database_url).await? {
        bail!("there is no portal in the database that database-url names: {then}");
    }
    Ok(())
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
