//! A node: the agent as a program of its own, in a namespace.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use tokio::process::Command;

use crate::{
    network::{End, Network},
    program::{Program, run, until},
};

/// A running `myrelay-agent run`.
#[derive(Debug)]
pub struct Node {
    options: Options,
    program: Program,
}

/// How an agent is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the programs are.
    pub programs: PathBuf,
    pub state: PathBuf,
    pub log: PathBuf,
    /// Whose namespace it runs in.
    pub end: End,
    /// Whether it says everything it can.
    pub verbose: bool,
}

impl Options {
    fn command(&self, network: &Network) -> Command {
        let program = self.programs.join("myrelay-agent");
        let mut command = network.command(self.end, &program.to_string_lossy());
        if self.verbose {
            command.env("MYRELAY_LOG", "trace");
        }
        command
    }

    fn run(&self, network: &Network) -> Result<Program> {
        let mut command = self.command(network);
        command.arg("run").arg("--state-dir").arg(&self.state);
        Program::start(command, &self.log)
    }
}

impl Node {
    /// Runs the join line, as an operator would on a new server, and then the agent.
    pub async fn join(network: &Network, options: Options, line: &str) -> Result<Self> {
        let words = line.strip_prefix("myrelay-agent ").context("not a join line")?;
        let mut command = options.command(network);
        command.args(words.split_whitespace()).arg("--state-dir").arg(&options.state);
        run(command).await?;
        let program = options.run(network)?;
        Ok(Self { options, program })
    }

    /// What `myrelay-agent status` says.
    pub async fn status(&self, network: &Network) -> Result<String> {
        let mut command = self.options.command(network);
        command.arg("status").arg("--state-dir").arg(&self.options.state);
        run(command).await
    }

    /// Everything it has written to its log.
    pub fn said(&self) -> String {
        self.program.said()
    }

    /// Its process id.
    pub fn id(&self) -> Option<u32> {
        self.program.id()
    }

    /// Kills it as a crash would, and starts it again on the same state.
    pub async fn crash_and_restart(&mut self, network: &Network) -> Result<()> {
        self.program.kill().await?;
        self.program = self.options.run(network)?;
        Ok(())
    }

    /// Waits until it has an interface of ours, and answers the names.
    pub async fn interfaces(&self, network: &Network) -> Result<Vec<String>> {
        until("the node to make an interface", Duration::from_secs(20), async || {
            let links = network.inside(self.options.end, "ip -brief link").await?;
            let names = links.lines().filter_map(|line| line.split_whitespace().next());
            let ours = names.filter(|it| it.starts_with("wg-")).map(str::to_owned);
            let ours: Vec<String> = ours.collect();
            Ok((!ours.is_empty()).then_some(ours))
        })
        .await
    }

    /// Stops it in good order.
    pub async fn stop(&mut self) -> Result<()> {
        self.program.stop().await.map(drop)
    }
}
