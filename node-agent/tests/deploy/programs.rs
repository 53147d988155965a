//! The programs that judge, from Debian's packages, unpacked and not installed: nothing of them
//! ever runs as a service of the machine that tests.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Mutex, PoisonError},
};

const PACKAGES: [&str; 7] = [
    "fail2ban",
    "libwrap0",
    "openssh-server",
    "python3-systemd",
    "python3-yaml",
    "shellcheck",
    "unattended-upgrades",
];

/// A command that is not run yet.
#[expect(clippy::disallowed_methods, reason = "what an installer does shows in other programs")]
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

/// What a command that worked wrote on standard output.
pub(crate) fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", told(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// All that a command wrote, for whoever looks why a test failed.
pub(crate) fn told(output: &Output) -> String {
    let (out, error) = (&output.stdout, &output.stderr);
    format!("{}\n{}{}", output.status, String::from_utf8_lossy(out), String::from_utf8_lossy(error))
}

/// The folder with the unpacked packages, downloaded the first time.
pub(crate) fn unpacked() -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let folder = target.join("deploy-programs");
    if !folder.join("usr/sbin/sshd").is_file() {
        download(&target, &folder);
    }
    folder.canonicalize().unwrap()
}

fn download(target: &Path, folder: &Path) {
    let work = tempfile::tempdir_in(target).unwrap();
    let mut apt = command("apt-get");
    said(apt.current_dir(work.path()).args(["download", "--quiet=2"]).args(PACKAGES));
    let root = work.path().join("root");
    for entry in fs::read_dir(work.path()).unwrap() {
        let archive = entry.unwrap().path();
        if archive.extension().is_some_and(|it| it == "deb") {
            said(command("dpkg-deb").arg("-x").arg(archive).arg(&root));
        }
    }
    // A Debian of today has /lib in /usr.
    said(command("cp").arg("-a").arg(root.join("lib")).arg(root.join("usr")));
    fs::remove_dir_all(root.join("lib")).unwrap();
    if folder.exists() {
        fs::remove_dir_all(folder).unwrap();
    }
    fs::rename(&root, folder).unwrap();
}

/// Why the tests cannot run here, printed as the harness of the tests reads it.
#[expect(clippy::print_stdout, reason = "what cannot run here says so")]
pub(crate) fn cannot_run() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        println!("skipped: needs root for a machine of its own");
    }
    !root
}
