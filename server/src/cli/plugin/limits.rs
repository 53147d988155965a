//! `myrelay plugin limits`

#[cfg(test)]
mod tests;

use anyhow::bail;
use clap::{Arg, ArgAction, ArgMatches, Command};
use myrelay_app::contract::LimitKind;

use super::{life::found, say, started};
use crate::{
    cli::serve::Started,
    config::Config,
    context::Context,
    plugins::{self, Chosen},
};

/// What is typed where a limit is to be as usual.
const USUAL: &str = "default";

/// The command and what it asks for.
pub(super) fn command() -> Command {
    let limit = |kind: LimitKind| {
        let (unit, what) = match kind {
            LimitKind::Cpu => ("MS", "CPU time of a call, in milliseconds"),
            LimitKind::Wall => ("MS", "Time of a call by the clock, in milliseconds"),
            LimitKind::Memory => ("MIB", "Memory of a call, in MiB"),
            LimitKind::Requests => ("NUMBER", "Requests in a call"),
            LimitKind::Store => ("KIB", "What it remembers, in KiB"),
        };
        Arg::new(kind.name())
            .long(kind.name())
            .value_name(unit)
            .allow_hyphen_values(true)
            .help(format!("{what}; or {USUAL:?}"))
    };
    Command::new("limits")
        .about("Tell what a plugin may use, or set it; what is not named stays")
        .arg(
            Arg::new("plugin")
                .value_name("PLUGIN")
                .required(true)
                .help("What its publisher calls it, such as org.example.mail"),
        )
        .args(LimitKind::ALL.map(limit))
        .arg(
            Arg::new("defaults")
                .long("defaults")
                .action(ArgAction::SetTrue)
                .help("Have all be as usual that is not named"),
        )
}

/// Does what the command says. The portal may run meanwhile: the next call has it.
pub(crate) async fn run(config: Config, matches: &ArgMatches) -> anyhow::Result<()> {
    let Started { context, .. } = started(&config).await?;
    let done = done(&context, matches).await;
    context.database.close().await;
    say(&done?)
}

/// Does it, and answers what is to be said.
async fn done(context: &Context, matches: &ArgMatches) -> anyhow::Result<String> {
    let before = found(context, matches.get_one("plugin")).await?;
    let mut chosen =
        if matches.get_flag("defaults") { Chosen::default() } else { before.chosen()? };
    for kind in LimitKind::ALL {
        let Some(text) = matches.get_one::<String>(kind.name()) else { continue };
        let text = if text == USUAL { "" } else { text.as_str() };
        match plugins::read_limit(kind, text) {
            Ok(number) => chosen.set(kind, number),
            Err(why) => bail!("--{}: {why}", kind.name()),
        }
    }
    plugins::set_limits(context, &before, chosen).await?;
    let after = found(context, matches.get_one("plugin")).await?;
    Ok(format!("{} may use:\n{}", after.plugin, after.limits_told()?))
}
