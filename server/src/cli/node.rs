//! `myrelay node add`

use clap::{Arg, ArgMatches, Command};
use jiff::Timestamp;
use myrelay_app::contract::AddNode;

use super::{
    say,
    serve::{Started, start_context},
};
use crate::{
    config::{Config, Origin, SiteTls},
    nodes,
};

/// The command and what it asks for.
pub(super) fn command() -> Command {
    let asked = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).required(true).help(help)
    };
    Command::new("add")
        .about("Add a node and print the line to run on it; the line is good for 10 minutes")
        .arg(asked("name", "NAME", "What operators call it, such as fra-1"))
        .arg(asked("location", "NAME", "What customers pick, such as Frankfurt; new ones are made"))
        .arg(asked("endpoint", "HOST", "The name or address that devices send their packets to"))
}

/// What was asked for.
pub(super) fn input(matches: &ArgMatches) -> AddNode {
    let text = |name| matches.get_one::<String>(name).cloned().unwrap_or_default();
    AddNode { name: text("name"), location: text("location"), endpoint: text("endpoint") }
}

/// Adds a node and prints its join line. The portal may run meanwhile.
pub(super) async fn add(config: Config, input: AddNode) -> anyhow::Result<()> {
    let secure = config.tls != SiteTls::Clear;
    let site =
        config.public_url.clone().unwrap_or_else(|| Origin::of_listener(secure, config.listen));
    let port = config.node_listen.port();
    let node =
        config.node_url.clone().unwrap_or_else(|| Origin::new(true, site.host.clone(), Some(port)));
    let Started { context, .. } = start_context(&config, &site, &node).await?;
    let join = nodes::add(&context, input).await;
    context.database.close().await;
    let join = join?;
    let end = Timestamp::from_millisecond(join.expires_at)?;
    say(&format!(
        "\nRun this line on the server; it works once, until {end:.0}:\n\n  {}\n\n",
        join.line
    ))
}
