//! A program that runs beside the test, with its output in a file, and ends with the test.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};

/// A running program. It is killed when this is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts a program whose output goes to a file, after what is there already.
    pub fn start(mut command: Command, log: &Path) -> Result<Self> {
        let out = File::options().create(true).append(true).open(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("start {command:?}"))?;
        Ok(Self { child, log: log.to_owned() })
    }

    /// Everything it has said.
    pub fn said(&self) -> String {
        std::fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Its process id.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Whether it still runs; what it said, if it does not.
    pub fn ensure_running(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("it ended with {status}; it said:\n{}", self.said());
        }
        Ok(())
    }

    /// Kills it without a word (SIGKILL), as a crash would.
    pub async fn kill(&mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Asks it to stop (SIGTERM) and waits until it has.
    pub async fn stop(&mut self) -> Result<ExitStatus> {
        self.end_by(Signal::TERM).await
    }

    /// Ends it as Ctrl-C does (SIGINT) and waits until it has.
    pub async fn interrupt(&mut self) -> Result<ExitStatus> {
        self.end_by(Signal::INT).await
    }

    async fn end_by(&mut self, signal: Signal) -> Result<ExitStatus> {
        let id = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        kill_process(id.context("it ended before")?, signal)?;
        let ended = tokio::time::timeout(Duration::from_secs(20), self.child.wait());
        Ok(ended.await.context("it did not stop")??)
    }
}

/// Runs a program to its end; an error carries what it said.
pub async fn run(mut command: Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = output.await.with_context(|| format!("start {command:?}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?} ended with {}: {said}{errors}", output.status);
    }
    Ok(said)
}

/// Runs a line of words.
pub async fn run_line(line: &str) -> Result<String> {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().context("an empty line")?);
    command.args(words);
    run(command).await
}

/// Asks again and again until the answer is there, at most so long.
pub async fn until<T>(
    what: &str,
    patience: Duration,
    mut ask: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let end = Instant::now() + patience;
    loop {
        let last = match ask().await {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        if end < Instant::now() {
            let error = last.unwrap_or_else(|| anyhow::anyhow!("it did not happen"));
            return Err(error.context(format!("waited {patience:?} for: {what}")));
        }
        sleep(Duration::from_millis(50)).await;
    }
}
