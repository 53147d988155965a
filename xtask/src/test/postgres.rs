//! A PostgreSQL for the tests: its own files, no network, gone afterwards.

use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::process;
use crate::setup;

/// A running server; dropping it ends it and removes its files.
pub(crate) struct Postgres {
    server: Child,
    folder: TempDir,
}

impl Postgres {
    /// Starts a server on a socket in a temporary folder, and waits until it answers.
    ///
    /// # Errors
    /// When PostgreSQL is not installed or does not come up; its log is in the error.
    pub(crate) fn start() -> Result<Self> {
        let programs = programs()?;
        let user = User::unprivileged()?;
        // The path of a socket has at most 107 bytes, so this lies directly below /tmp.
        let folder = TempDir::with_prefix_in("myrelay-postgres-", "/tmp")?;
        chown(folder.path(), user.id, user.group)?;
        let data = folder.path().join("data");

        let mut initdb = user.command(&programs.join("initdb"));
        initdb.current_dir(folder.path());
        initdb.arg("--pgdata").arg(&data);
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale"]);
        process::output(initdb.arg("--no-sync"))?;

        let log = File::create(folder.path().join("log"))?;
        let mut server = user.command(&programs.join("postgres"));
        server.current_dir(folder.path());
        server.arg("-D").arg(&data).arg("-k").arg(folder.path());
        // Nothing here outlives the tests, so nothing waits for the disk.
        for setting in ["listen_addresses=", "fsync=off", "max_connections=300"] {
            server.args(["-c", setting]);
        }
        server.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let server = server.spawn().context("cannot start PostgreSQL")?;
        let mut started = Self { server, folder };
        started.wait(&programs)?;
        Ok(started)
    }

    fn wait(&mut self, programs: &Path) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut ready = process::command(programs.join("pg_isready"));
        ready.arg("--quiet").arg("--host").arg(self.folder.path());
        while !ready.status()?.success() {
            let ended = process::wait_until(&mut self.server, Instant::now())?;
            if ended.is_some() || Instant::now() >= deadline {
                let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                bail!("PostgreSQL does not come up: {log}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Where tests reach it, as its superuser: each makes a database of its own.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@localhost/postgres?host={}", self.folder.path().display())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // What it has not written yet goes with its folder.
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// The folder of PostgreSQL's programs: Debian keeps `initdb` off the path, one folder a version.
fn programs() -> Result<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").context("PostgreSQL is not installed")?;
    let mut folders: Vec<PathBuf> = versions
        .filter_map(Result::ok)
        .map(|version| version.path().join("bin"))
        .filter(|folder| folder.join("initdb").is_file())
        .collect();
    folders.sort();
    folders.pop().context("PostgreSQL's server is not installed")
}

/// Who the server runs as: it refuses to run as root.
struct User {
    id: Option<u32>,
    group: Option<u32>,
}

impl User {
    /// The user that Debian's package made, where we are root; else ourselves.
    fn unprivileged() -> Result<Self> {
        if !setup::is_root() {
            return Ok(Self { id: None, group: None });
        }
        let users = fs::read_to_string("/etc/passwd")?;
        let line = users.lines().find(|line| line.starts_with("postgres:"));
        let mut fields = line.context("there is no user postgres")?.split(':').skip(2);
        let mut number = || fields.next().and_then(|text| text.parse().ok());
        Ok(Self { id: number(), group: number() })
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = process::command(program);
        if let (Some(id), Some(group)) = (self.id, self.group) {
            command.uid(id).gid(group);
        }
        command
    }
}
