//! A portal and a node that moves packets, in a namespace of its own.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use myrelay_tests::{
    network::{End, Network},
    node::{self, Node},
    portal::Portal,
    program::{Program, until},
    programs,
};
use tempfile::TempDir;

use crate::{
    cores::Cores,
    place::{Customer, NEAR, folder, options},
    resources::until_said,
};

/// A portal with one node, whose agent picks its backend itself.
pub(crate) struct RealPlace {
    network: Network,
    _portal: Portal,
    address: SocketAddr,
    node: Node,
    state: PathBuf,
    folder: TempDir,
    customers: usize,
}

impl RealPlace {
    /// Starts everything with an empty database.
    pub(crate) async fn start(cores: &Cores) -> Result<Self> {
        let network = Network::make("mrb", 28).await?;
        let folder = folder()?;
        let host = network.v4(End::Host).to_string();
        let options = options(folder.path(), &host)?;
        let portal = cores.for_portal(async || Portal::start(options.clone()).await).await?;
        let endpoint = network.v4(End::Node).to_string();
        let line = portal.add_node("near", NEAR, &endpoint).await?;
        let state = folder.path().join("node");
        let node_options = node::Options {
            end: End::Node,
            programs: programs(),
            state: state.clone(),
            log: folder.path().join("node.log"),
            verbose: false,
        };
        let node = Node::join(&network, node_options, &line).await?;
        until("the node to be in contact", Duration::from_secs(20), async || {
            Ok(node.said().contains("connected to the portal").then_some(()))
        })
        .await?;
        let address = options.listen;
        Ok(Self { network, _portal: portal, address, node, state, folder, customers: 0 })
    }

    /// A new customer with a pod on the node.
    pub(crate) async fn customer(&mut self) -> Result<Customer> {
        self.customers += 1;
        Customer::sign_up(self.address, self.customers, NEAR).await
    }

    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    /// How many pods the node has: one for each customer.
    pub(crate) fn pods(&self) -> usize {
        self.customers
    }

    /// What the agent makes its tunnels with.
    pub(crate) async fn backend(&self) -> Result<&'static str> {
        let status = self.node.status(&self.network).await?;
        Ok(if status.contains("userspace") { "userspace" } else { "kernel" })
    }

    /// The agent's process, for as long as it runs.
    pub(crate) fn agent(&self) -> Result<u32> {
        self.node.id().context("the agent has ended")
    }

    /// Restarts the agent this many times; answers how long each took to hear the portal and to
    /// have applied what it wants.
    pub(crate) async fn restart_agent(&mut self, times: usize) -> Result<Vec<Duration>> {
        self.node.stop().await?;
        let mut took = Vec::new();
        for run in 0..times {
            let log = self.folder.path().join(format!("agent-{run}.log"));
            let agent = programs().join("myrelay-agent");
            let mut command = self.network.command(End::Node, &agent.to_string_lossy());
            command.arg("run").arg("--state-dir").arg(&self.state);
            let started = std::time::Instant::now();
            let mut program = Program::start(command, &log)?;
            until_said(&mut program, &["connected to the portal", "\"applied\""]).await?;
            took.push(started.elapsed());
            program.stop().await?;
        }
        Ok(took)
    }
}
