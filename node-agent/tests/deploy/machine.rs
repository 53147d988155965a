//! A machine in a folder, as a cloud image leaves it, and ways to run something in it.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Output,
};

use tempfile::TempDir;

use crate::programs::{command, said, told, unpacked};

/// What the portal's join line would hold.
pub(crate) const TOKEN: &str = "a-token-that-nobody-else-shall-see";

/// What stands for the agent's program: it joins, and writes down how it was called.
const AGENT: &str = r#"#!/bin/sh
[ "$1" = join ] || exit 0
{
    printf '%s\n' "$*"
    env
    stat -c '%a %U' "$4"
    id -un
} >/mnt/joined
cat "$4" >/mnt/redeemed
echo '{}' >/var/lib/myrelay-agent/identity.json
"#;

/// Services are started by what stands for systemd: it writes down what it was asked, and does what
/// the host firewall's unit says.
const SYSTEMCTL: &str = r#"#!/bin/sh
echo "systemctl $*" >>/mnt/log
case "$*" in
    *is-active\ ssh.service | *is-active\ fail2ban.service) exit 0 ;;
    *is-active* | *is-enabled*) exit 1 ;;
    *start\ myrelay-firewall.service) exec nft -f /etc/myrelay/host-firewall.nft ;;
    'stop myrelay-firewall.service') exec nft delete table inet myrelay_host ;;
esac
"#;

/// What stands for apt: it only writes down what it was asked.
const APT: &str = "#!/bin/sh\necho \"apt-get $*\" >>/mnt/log\n";

/// Folders that every machine has.
const FOLDERS: [&str; 9] =
    ["dev", "etc/alternatives", "etc/systemd/system", "media", "mnt", "run", "sys", "tmp", "usr"];

/// A cloud image's own wish to let passwords in.
pub(crate) const CLOUD_INIT: &str =
    "PasswordAuthentication yes\nKbdInteractiveAuthentication yes\n";

/// The prepared machine. It goes with this value.
pub(crate) struct Machine {
    folder: TempDir,
    programs: PathBuf,
}

impl Machine {
    /// A Debian whose image lets passwords and root in.
    pub(crate) fn prepare() -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap(), programs: unpacked() };
        for folder in ["tree", "local/bin", "local/sbin", "mnt", "media"] {
            fs::create_dir_all(machine.folder.path().join(folder)).unwrap();
        }
        for folder in FOLDERS {
            fs::create_dir_all(machine.path(folder)).unwrap();
        }
        for link in ["bin", "lib", "lib64", "sbin"] {
            symlink(format!("usr/{link}"), machine.path(link)).unwrap();
        }
        fs::create_dir_all(machine.path("var")).unwrap();
        symlink("/run", machine.path("var/run")).unwrap();
        machine.write_system();
        machine.write_ssh();
        machine.write_services();
        machine.write_release();
        machine
    }

    fn write_system(&self) {
        self.write("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n");
        self.write(
            "etc/passwd",
            "root:x:0:0:root:/root:/bin/sh\nsshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n\
             debian:x:1000:1000::/home/debian:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/sh\n",
        );
        self.write("etc/group", "root:x:0:\ndebian:x:1000:\nnogroup:x:65534:\n");
        self.write("etc/shadow", "root:*:19000:0:99999:7:::\ndebian:*:19000:0:99999:7:::\n");
        self.write("etc/gshadow", "root:*::\ndebian:!::\n");
        self.write("etc/login.defs", "USERGROUPS_ENAB yes\n");
        let shipped = include_str!("../../deploy/hardening/sysctl.conf");
        for line in shipped.lines().filter(|line| !line.starts_with('#')) {
            if let Some((key, _)) = line.split_once(" = ") {
                self.write(&format!("proc/sys/{}", key.replace('.', "/")), "0\n");
            }
        }
        self.set_installed(&["fail2ban", "nftables", "python3-systemd", "unattended-upgrades"]);
    }

    fn write_ssh(&self) {
        let shipped = fs::read_to_string(self.programs.join("usr/share/openssh/sshd_config"));
        self.write("etc/ssh/sshd_config", &(shipped.unwrap() + "\nPermitRootLogin yes\n"));
        self.write("etc/ssh/sshd_config.d/50-cloud-init.conf", CLOUD_INIT);
        let key = self.path("etc/ssh/ssh_host_ed25519_key");
        said(command("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key));
        let public = fs::read_to_string(key.with_extension("pub")).unwrap();
        self.write("home/debian/.ssh/authorized_keys", &public);
    }

    fn write_services(&self) {
        fs::create_dir_all(self.path("etc/fail2ban")).unwrap();
        let shipped = self.programs.join("etc/fail2ban/.");
        said(command("cp").arg("-a").arg(shipped).arg(self.path("etc/fail2ban")));
        let shipped = self.programs.join("usr/share/unattended-upgrades");
        fs::create_dir_all(self.path("etc/apt/apt.conf.d")).unwrap();
        fs::copy(
            shipped.join("50unattended-upgrades"),
            self.path("etc/apt/apt.conf.d/50unattended-upgrades"),
        )
        .unwrap();
        // Somebody answered the package's question with no.
        fs::copy(
            shipped.join("20auto-upgrades-disabled"),
            self.path("etc/apt/apt.conf.d/20auto-upgrades"),
        )
        .unwrap();
    }

    /// What a release brings, in the folder that the machine sees as /media, and what stands for
    /// systemd and apt, in the folder it sees as /mnt.
    fn write_release(&self) {
        let media = self.folder.path().join("media");
        let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/.");
        said(command("cp").arg("-a").arg(deploy).arg(&media));
        let mnt = self.folder.path().join("mnt");
        fs::set_permissions(&mnt, fs::Permissions::from_mode(0o1777)).unwrap();
        for (place, text) in [
            (media.join("myrelay-agent"), AGENT),
            (mnt.join("systemctl"), SYSTEMCTL),
            (mnt.join("apt-get"), APT),
        ] {
            fs::write(&place, text).unwrap();
            fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::write(media.join("token"), TOKEN).unwrap();
        let sums = said(command("sha256sum").arg("myrelay-agent").current_dir(&media));
        fs::write(media.join("SHA256SUMS"), sums).unwrap();
    }

    /// Says which packages the machine has.
    pub(crate) fn set_installed(&self, packages: &[&str]) {
        let status = packages
            .iter()
            .map(|name| format!("Package: {name}\nStatus: install ok installed\nVersion: 1\n\n"));
        self.write("var/lib/dpkg/status", &status.collect::<String>());
    }

    /// Where something of the machine is.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join("tree").join(path)
    }

    /// The machine's own root folder.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("tree")
    }

    /// Where something of the release is.
    pub(crate) fn media(&self, name: &str) -> PathBuf {
        self.folder.path().join("media").join(name)
    }

    /// Writes a file of the machine.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A file of the machine; empty when there is none.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_default()
    }

    /// What the agent, systemd and apt wrote down.
    pub(crate) fn noted(&self, name: &str) -> String {
        let path = self.folder.path().join("mnt").join(name);
        fs::read_to_string(path).unwrap_or_default()
    }

    /// Runs a shell script in the machine, in namespaces that end with it.
    pub(crate) fn try_run(&self, script: &str) -> Output {
        let outside = r#"
            set -e
            mount -t overlay overlay -o "lowerdir=$PROGRAMS/usr:/usr" "$MACHINE/tree/usr"
            mount --bind "$MACHINE/local" "$MACHINE/tree/usr/local"
            mount --bind "$MACHINE/mnt" "$MACHINE/tree/mnt"
            mount --bind "$MACHINE/media" "$MACHINE/tree/media"
            mount --rbind /dev "$MACHINE/tree/dev"
            mount --bind /etc/alternatives "$MACHINE/tree/etc/alternatives"
            mount -t sysfs none "$MACHINE/tree/sys"
            mount -t tmpfs none "$MACHINE/tree/tmp"
            ip link set lo up
            exec chroot "$MACHINE/tree" /bin/sh -c "$SCRIPT"
        "#;
        let mut unshare = command("unshare");
        unshare.args(["--mount", "--net", "--pid", "--fork", "--kill-child"]);
        unshare.args(["--propagation", "private", "/bin/sh", "-c", outside]);
        unshare.env_clear().env("PATH", "/mnt:/usr/local/sbin:/usr/sbin:/usr/bin");
        unshare.env("MACHINE", self.folder.path()).env("PROGRAMS", &self.programs);
        unshare.env("SCRIPT", script).output().unwrap()
    }

    /// Runs a script that has to work, and returns what it wrote on standard output.
    pub(crate) fn run(&self, script: &str) -> String {
        let output = self.try_run(script);
        assert!(output.status.success(), "{script}: {}", told(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Every file of the machine: its mode, its owner and what is in it.
    pub(crate) fn tree(&self) -> BTreeMap<PathBuf, (u32, u32, Vec<u8>)> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.root(), self.folder.path().join("local")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let about = fs::symlink_metadata(&path).unwrap();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                // What the tools for users and for mounts leave beside what they change.
                let spare =
                    name.ends_with('-') || name == ".pwd.lock" || path.ends_with("run/mount");
                let text = if about.is_symlink() {
                    fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
                } else if about.is_dir() {
                    folders.push(path.clone());
                    Vec::new()
                } else {
                    fs::read(&path).unwrap()
                };
                if !spare {
                    found.insert(path, (about.mode(), about.uid(), text));
                }
            }
        }
        found
    }
}
