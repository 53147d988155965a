//! `myrelay ca show`, `rotate` and `forget`

use clap::{Arg, ArgAction, Command};
use jiff::Timestamp;

use super::{
    say,
    serve::{Started, start_context},
};
use crate::{
    authority,
    config::{Config, Origin},
    context::Context,
    nodes,
};

/// The commands about the authority that vouches for nodes.
pub(super) fn commands() -> [Command; 3] {
    [
        Command::new("show").about("Show the authority, and which nodes do not know it yet"),
        Command::new("rotate").about(
            "Make a new authority; the old one is still believed, and in force it is from the \
             portal's next start on",
        ),
        Command::new("forget")
            .about("Believe the authorities of before no longer, from the portal's next start on")
            .arg(Arg::new("anyway").long("anyway").action(ArgAction::SetTrue).help(
                "Also when nodes do not know the new authority yet: those have to join again",
            )),
    ]
}

/// Shows since when the authority issues, and who does not know it yet.
pub(super) async fn show(config: Config) -> anyhow::Result<()> {
    let context = open(&config).await?;
    let behind = behind(&context).await;
    context.database.close().await;
    let (earlier, since) = (context.authority.believed().count() - 1, since(&context)?);
    say(&format!("the authority issues since {since}; {earlier} of before are believed\n"))?;
    say(&list("nodes that do not know it yet", &behind?))
}

/// Makes a new authority.
pub(super) async fn rotate(config: Config) -> anyhow::Result<()> {
    let context = open(&config).await?;
    context.database.close().await;
    let (id, clock, random) = (context.deployment.id, &*context.clock, &*context.random);
    let rotated = authority::rotate(&config.data_dir, id, clock, random)?;
    say(&format!(
        "A new authority is made; {} of before are believed.\n\n\
         1. Copy the files ca*.pem and ca.key to every other portal of this deployment.\n\
         2. Restart the portal. Nodes take the new authority in within 24 hours, each when it \
         renews; one that is offline does so when it comes back.\n\
         3. When `myrelay ca show` names no node any more: `myrelay ca forget`, and restart.\n",
        rotated.earlier
    ))
}

/// Believes the authorities of before no longer.
pub(super) async fn forget(config: Config, anyway: bool) -> anyhow::Result<()> {
    let context = open(&config).await?;
    let behind = behind(&context).await;
    context.database.close().await;
    let behind = behind?;
    if !behind.is_empty() && !anyway {
        let names = list("These nodes do not know the new authority yet", &behind);
        anyhow::bail!("{names}Nothing was changed. With --anyway they will have to join again.");
    }
    let forgotten = authority::forget_earlier(&config.data_dir)?;
    say(&format!("{forgotten} authorities are forgotten. Restart the portal.\n"))
}

async fn open(config: &Config) -> anyhow::Result<Context> {
    let origin = Origin::of_listener(true, config.node_listen);
    let Started { context, .. } = start_context(config, &origin, &origin).await?;
    Ok(context)
}

/// The names of nodes whose certificates an earlier authority issued.
async fn behind(context: &Context) -> crate::Result<Vec<String>> {
    if context.authority.believed().nth(1).is_none() {
        return Ok(Vec::new());
    }
    nodes::not_certified_since(context, context.authority.since_ms()).await
}

fn since(context: &Context) -> anyhow::Result<String> {
    Ok(format!("{:.0}", Timestamp::from_millisecond(context.authority.since_ms())?))
}

fn list(what: &str, names: &[String]) -> String {
    match names {
        [] => format!("{what}: none\n"),
        names => format!("{what}:\n  {}\n", names.join("\n  ")),
    }
}
