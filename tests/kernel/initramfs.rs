//! What a machine finds on its disk: busybox, a few stock tools, kernel modules, our programs.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};

use crate::kernel::Kernel;
use crate::programs;

/// The stock tools that scripts use, besides busybox.
const TOOLS: &[&str] = &["ip", "nft", "tc", "wg"];

/// The parts of the kernel's modules that networking needs, and disks that are made up.
const MODULES: &[&str] = &[
    "arch",
    "crypto",
    "drivers/block/brd.ko",
    "drivers/md/dm-log-writes.ko",
    "drivers/md/dm-mod.ko",
    "drivers/net/dummy.ko",
    "drivers/net/ifb.ko",
    "drivers/net/tun.ko",
    "drivers/net/veth.ko",
    "drivers/net/wireguard",
    "lib",
    "net/bridge",
    "net/core",
    "net/ipv4",
    "net/ipv6",
    "net/llc",
    "net/netfilter",
    "net/sched",
];

/// The first program of the machine: sets up what any Linux has, runs the script, says how it
/// ended, switches off. busybox has an `ip` of its own, so scripts get iproute2's by a function.
const INIT: &str = r#"#!/bin/busybox sh
/bin/busybox mkdir -p /dev /proc /sys /run /tmp /var /etc /root
/bin/busybox --install -s /bin
mount -t devtmpfs none /dev
mount -t proc none /proc
mount -t sysfs none /sys
mount -t tmpfs none /run
mount -t tmpfs none /tmp
ln -s /run /var/run
export PATH=/tools:/bin HOME=/root
ip() { /tools/ip "$@"; }
ip link set lo up
cd /tmp
(set -e; . /script)
echo "@@ended with $?@@"
poweroff -f
"#;

/// Packs the files into an archive that the kernel unpacks as its first file system.
///
/// # Errors
/// When a tool is missing or something cannot be read.
pub(crate) fn pack(
    kernel: &Kernel,
    own: &[(PathBuf, String)],
    script: &str,
    archive: &Path,
) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let root = folder.path();
    for name in ["bin", "sbin", "tools", "programs"] {
        fs::create_dir_all(root.join(name))?;
    }
    fs::copy(find("busybox")?, root.join("bin/busybox"))?;
    // Where the kernel looks for it when somebody asks for a kind of link it has to load first.
    symlink("/bin/busybox", root.join("sbin/modprobe"))?;
    for tool in TOOLS {
        place(&find(tool)?, root, &Path::new("tools").join(tool))?;
    }
    for (program, name) in own {
        place(program, root, &Path::new("programs").join(name))?;
    }
    modules(kernel, root)?;
    fs::write(root.join("script"), script)?;
    fs::write(root.join("init"), INIT)?;
    fs::set_permissions(root.join("init"), fs::Permissions::from_mode(0o755))?;
    archive_of(root, archive)
}

/// Copies a program and the libraries it is linked with.
fn place(program: &Path, root: &Path, place: &Path) -> Result<()> {
    fs::copy(program, root.join(place))
        .with_context(|| format!("cannot copy {}", program.display()))?;
    let listed = programs::output(programs::command("ldd").arg(program))?;
    for word in listed.split_whitespace().filter(|word| word.starts_with('/')) {
        let copy = root.join(word.trim_start_matches('/'));
        if !copy.exists() {
            fs::create_dir_all(copy.parent().context("a library lies in a folder")?)?;
            fs::copy(word, &copy)?;
        }
    }
    Ok(())
}

fn modules(kernel: &Kernel, root: &Path) -> Result<()> {
    let target = root.join("lib/modules").join(&kernel.version);
    for part in MODULES {
        copy_all(&kernel.modules.join("kernel").join(part), &target.join("kernel").join(part))?;
    }
    for name in ["modules.builtin", "modules.builtin.modinfo", "modules.order"] {
        fs::copy(kernel.modules.join(name), target.join(name))?;
    }
    let mut depmod = programs::command(find("busybox")?);
    depmod.arg("depmod").arg("-b").arg(root).arg(&kernel.version);
    programs::output(&mut depmod).map(drop)
}

fn copy_all(from: &Path, to: &Path) -> Result<()> {
    if from.is_file() {
        fs::create_dir_all(to.parent().context("a module lies in a folder")?)?;
        fs::copy(from, to)?;
        return Ok(());
    }
    for entry in fs::read_dir(from).with_context(|| format!("no {}", from.display()))? {
        let entry = entry?;
        copy_all(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// A program of ours that is not necessarily on the path of an ordinary user.
fn find(name: &str) -> Result<PathBuf> {
    let folders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];
    let found =
        folders.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists());
    found.with_context(|| format!("no {name}: run cargo xtask setup"))
}

/// Writes the `newc` archive the kernel reads (Documentation/driver-api/early-userspace).
fn archive_of(root: &Path, archive: &Path) -> Result<()> {
    let mut names = BTreeSet::new();
    list(root, root, &mut names)?;
    let mut cpio = programs::command(find("busybox")?)
        .args(["cpio", "-o", "-H", "newc"])
        .current_dir(root)
        .stdin(Stdio::piped())
        .stdout(File::create(archive)?)
        .stderr(Stdio::null())
        .spawn()?;
    let names: Vec<String> = names.into_iter().collect();
    let mut input = cpio.stdin.take().context("cpio reads its list")?;
    input.write_all(names.join("\n").as_bytes())?;
    drop(input);
    let ended = cpio.wait()?;
    if !ended.success() {
        bail!("cpio ended with {ended}");
    }
    Ok(())
}

/// All paths below a folder, folders before what is in them.
fn list(root: &Path, folder: &Path, names: &mut BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        names.insert(path.strip_prefix(root)?.to_string_lossy().into_owned());
        if path.is_dir() && !path.is_symlink() {
            list(root, &path, names)?;
        }
    }
    Ok(())
}
