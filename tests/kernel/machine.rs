//! A machine that boots in seconds, runs a script and switches itself off.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::kernel::{self, Kernel};
use crate::{initramfs, programs};

/// What a machine wrote on its console while it ran a script, and how the script ended.
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) code: i32,
}

/// A machine that is not started yet.
pub(crate) struct Machine {
    kernel: Kernel,
    programs: Vec<(PathBuf, String)>,
    arguments: String,
}

impl Machine {
    /// # Errors
    /// When there is no kernel to boot and none can be downloaded.
    pub(crate) fn new() -> Result<Self> {
        let arguments = "console=ttyS0 panic=-1 quiet".to_owned();
        Ok(Self { kernel: kernel::get()?, programs: Vec::new(), arguments })
    }

    /// Puts a program of the host, with its libraries, into the machine as `/programs/<name>`.
    pub(crate) fn with_program(mut self, program: &Path, name: &str) -> Self {
        self.programs.push((program.to_owned(), name.to_owned()));
        self
    }

    /// Boots the kernel with one more argument.
    pub(crate) fn with_argument(mut self, argument: &str) -> Self {
        self.arguments = format!("{} {argument}", self.arguments);
        self
    }

    /// Boots the machine and runs a shell script in it, up to the first command that fails.
    ///
    /// It has no network but what the script makes, and nothing of it is left afterwards.
    ///
    /// # Errors
    /// When it cannot be started, or has not switched itself off at the deadline; what it wrote
    /// until then is in the error.
    pub(crate) fn run(&self, script: &str, limit: Duration) -> Result<Said> {
        let folder = tempfile::tempdir()?;
        let initrd = folder.path().join("initrd");
        initramfs::pack(&self.kernel, &self.programs, script, &initrd)?;
        let console = folder.path().join("console");
        let mut qemu = self.qemu(&initrd);
        qemu.stdin(Stdio::null()).stdout(File::create(&console)?);
        qemu.stderr(File::options().append(true).open(&console)?);
        let mut qemu = Running(qemu.spawn().context("no QEMU: run cargo xtask setup")?);

        let deadline = Instant::now() + limit;
        while qemu.0.try_wait()?.is_none() {
            if Instant::now() >= deadline {
                bail!("the machine did not switch itself off: {}", read(&console));
            }
            sleep(Duration::from_millis(20));
        }
        let text = read(&console);
        let code = text
            .rsplit_once("@@ended with ")
            .and_then(|(_, rest)| rest.split_once("@@"))
            .and_then(|(code, _)| code.parse().ok())
            .with_context(|| format!("the machine did not reach its end: {text}"))?;
        Ok(Said { text, code })
    }

    /// Software emulation: it is the same on every host, and hosts with KVM may not let us have it.
    fn qemu(&self, initrd: &Path) -> Command {
        let mut qemu = programs::command("qemu-system-x86_64");
        qemu.args(["-accel", "tcg,thread=multi", "-smp", "2", "-m", "1024"])
            .args(["-cpu", "qemu64,+ssse3,+sse4.1,+sse4.2,+rdrand"])
            .args(["-nodefaults", "-no-user-config", "-no-reboot", "-nic", "none"])
            .args(["-display", "none", "-serial", "stdio"])
            .arg("-kernel")
            .arg(&self.kernel.image)
            .arg("-initrd")
            .arg(initrd)
            .args(["-append", &self.arguments]);
        qemu
    }
}

/// A machine that is on; dropping it pulls the plug.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The console so far: a terminal, so its lines end with a carriage return too.
fn read(console: &Path) -> String {
    String::from_utf8_lossy(&fs::read(console).unwrap_or_default()).replace('\r', "")
}
