//! The portal as a program of its own.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use tokio::{net::TcpStream, process::Command};

use crate::program::{Program, run, until};

/// A running `myrelay serve`, with a folder for its data.
#[derive(Debug)]
pub struct Portal {
    options: Options,
    program: Program,
}

/// How a portal is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the programs are.
    pub programs: PathBuf,
    pub data: PathBuf,
    pub log: PathBuf,
    /// Where the site listens, on loopback.
    pub listen: SocketAddr,
    /// What people type. With `https` the portal makes itself a certificate; with `http` it speaks
    /// in the clear, and a recorder may stand between.
    pub public_url: String,
    pub node_listen: SocketAddr,
    pub node_url: String,
    /// More flags.
    pub flags: Vec<String>,
    /// Whether it says everything it can.
    pub verbose: bool,
}

impl Options {
    fn is_tls(&self) -> bool {
        self.public_url.starts_with("https:")
    }

    /// The program with these words and the options.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.programs.join("myrelay"));
        command.args(words).args([
            if self.is_tls() { "--tls-self-signed" } else { "--insecure-http" },
            "--data-dir",
            &self.data.to_string_lossy(),
            "--listen",
            &self.listen.to_string(),
            "--public-url",
            &self.public_url,
            "--node-listen",
            &self.node_listen.to_string(),
            "--node-url",
            &self.node_url,
        ]);
        command.args(&self.flags);
        if self.verbose {
            command.env("RUST_LOG", "trace");
        }
        command
    }
}

impl Portal {
    /// Starts a portal and waits until it is ready.
    pub async fn start(options: Options) -> Result<Self> {
        let program = Program::start(options.command(&["serve"]), &options.log)?;
        let mut portal = Self { options, program };
        portal.ready().await?;
        Ok(portal)
    }

    async fn ready(&mut self) -> Result<()> {
        let (address, is_tls) = (self.options.listen, self.options.is_tls());
        let (program, patience) = (&mut self.program, Duration::from_secs(30));
        until("the portal to be ready", patience, async || {
            program.ensure_running()?;
            if is_tls {
                // It listens when it is ready.
                return Ok(TcpStream::connect(address).await.is_ok().then_some(()));
            }
            Ok(get(address, "/readyz").await?.starts_with("HTTP/1.1 200").then_some(()))
        })
        .await
    }

    /// The one-time link that the first start printed.
    pub fn invite(&self) -> Result<String> {
        let said = self.program.said();
        let mut words = said.split_whitespace();
        let link = words.find(|word| word.contains("/operator/invite/"));
        Ok(link.context("the portal printed no one-time link")?.to_owned())
    }

    /// Adds a node by the command line; answers the line to run on it.
    pub async fn add_node(&self, name: &str, location: &str, endpoint: &str) -> Result<String> {
        let mut command = self.options.command(&["node", "add"]);
        command.args(["--name", name, "--location", location, "--endpoint", endpoint]);
        let said = run(command).await?;
        let line = said.lines().find(|line| line.contains("myrelay-agent join"));
        Ok(line.context("it printed no join line")?.trim().to_owned())
    }

    /// What the command line answers to these words, with the portal's own settings.
    pub async fn ask(&self, words: &[&str]) -> Result<String> {
        run(self.options.command(words)).await
    }

    /// Everything it has written to its log.
    pub fn said(&self) -> String {
        self.program.said()
    }

    /// Its process id.
    pub fn id(&self) -> Option<u32> {
        self.program.id()
    }

    /// Kills it as a crash would, and starts it again on the same data.
    pub async fn crash_and_restart(&mut self) -> Result<()> {
        self.program.kill().await?;
        self.program = Program::start(self.options.command(&["serve"]), &self.options.log)?;
        self.ready().await
    }

    /// Stops it in good order.
    pub async fn stop(&mut self) -> Result<()> {
        let status = self.program.stop().await?;
        anyhow::ensure!(status.success(), "it ended with {status}: {}", self.said());
        Ok(())
    }
}

/// The answer to a plain GET, head and body.
pub async fn get(address: SocketAddr, path: &str) -> Result<String> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    tokio::time::timeout(Duration::from_secs(5), read).await.context("no answer")??;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("0.0.0.0:0")?.local_addr()?.port())
}
