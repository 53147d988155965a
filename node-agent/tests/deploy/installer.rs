//! Installing, again, not at all, and away: what is on the machine afterwards.

use std::{collections::BTreeMap, fs, path::PathBuf};

use crate::{
    machine::{Machine, TOKEN},
    programs::{cannot_run, command, said, told, unpacked},
};

const JOIN: &str = "/media/install.sh --portal https://portal.example.org:8441 --token-file";

/// The paths at which two trees differ.
fn difference<T: PartialEq>(a: &BTreeMap<PathBuf, T>, b: &BTreeMap<PathBuf, T>) -> Vec<PathBuf> {
    let paths = a.keys().chain(b.keys());
    paths.filter(|path| a.get(*path) != b.get(*path)).cloned().collect()
}

#[test]
fn a_machine_becomes_a_node_and_a_second_run_changes_nothing() {
    if cannot_run() {
        return;
    }
    let machine = Machine::prepare();
    machine.run(&format!("{JOIN} /media/token"));
    let joined = machine.noted("joined");
    assert!(joined.starts_with("join https://portal.example.org:8441 --token-file /"), "{joined}");
    assert!(joined.ends_with("\n600 myrelay-agent\nmyrelay-agent\n"), "{joined}");
    let log = machine.noted("log");
    assert!(log.contains("systemctl restart myrelay-agent.service"), "{log}");
    assert!(!log.contains("apt-get"), "all packages were there: {log}");
    assert!(
        machine
            .path("etc/systemd/system/multi-user.target.wants/myrelay-agent.service")
            .is_symlink()
    );

    let before = machine.tree();
    let again = machine.run(&format!("{JOIN} /media/token"));
    assert!(again.contains("the token was not used"), "{again}");
    assert_eq!(difference(&before, &machine.tree()), <[PathBuf; 0]>::default());
    let news = machine.noted("log").split_off(log.len());
    for cut in ["systemctl restart", "systemctl reload"] {
        assert!(!news.contains(cut), "a run that changes nothing cuts nothing off: {news}");
    }
}

#[test]
fn p24_the_token_crosses_no_argument_and_stays_in_no_file() {
    if cannot_run() {
        return;
    }
    for (script, from) in [
        (format!("{JOIN} /media/token"), "a file"),
        (format!("cat /media/token | {JOIN} -"), "standard input"),
    ] {
        let machine = Machine::prepare();
        let told = machine.run(&script);
        assert_eq!(machine.noted("redeemed"), TOKEN, "{from}");
        for text in [told, machine.noted("joined"), machine.noted("log")] {
            assert!(!text.contains(TOKEN), "{from}: {text}");
        }
        for (path, (_, _, bytes)) in machine.tree() {
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains(TOKEN), "{from}: {} holds the token", path.display());
        }
    }
    // Who mistakes the installer for the agent's command finds the token nowhere either.
    let machine = Machine::prepare();
    let refused = machine.try_run(&format!("/media/install.sh --token {TOKEN}"));
    assert_eq!(refused.status.code(), Some(1));
    assert!(!told(&refused).contains(TOKEN), "{}", told(&refused));
}

#[test]
fn a_program_that_is_not_the_right_one_stops_before_anything_is_changed() {
    if cannot_run() {
        return;
    }
    let zeros = "0".repeat(64);
    let with_zeros = format!("/media/install.sh --sha256 {zeros}");
    let sums = |text: &str| format!("printf '{text}\\n' >/media/SHA256SUMS; /media/install.sh");
    for (script, why) in [
        (with_zeros.as_str(), "is not the program it should be"),
        ("echo more >>/media/myrelay-agent; /media/install.sh", "is not the program it should be"),
        ("rm /media/SHA256SUMS; /media/install.sh", "an unchecked program is not installed"),
        (&sums(&format!("{zeros}  another-agent")), "does not name myrelay-agent"),
        (&sums(&format!("{zeros}  myrelay-agent\\n{zeros}  myrelay-agent")), "given once"),
        ("/media/install.sh --sha256 abc", "64 hexadecimal digits"),
        ("rm /media/myrelay-agent; /media/install.sh", "--agent says where it is"),
        ("rm -r /media/hardening; /media/install.sh", "copy the whole folder"),
        ("echo ID=plan9 >/etc/os-release; /media/install.sh", "neither Debian nor Ubuntu"),
        ("/media/install.sh --ssh-port 70000", "a port is 1 to 65535"),
        ("/media/install.sh --portal http://x --token-file /media/token", "https://name:port"),
        ("/media/install.sh --portal https://x", "needs --token-file"),
        (
            ": >/media/token; /media/install.sh --portal https://x --token-file /media/token",
            "empty",
        ),
    ] {
        let machine = Machine::prepare();
        let before = machine.tree();
        let refused = machine.try_run(script);
        assert_eq!(refused.status.code(), Some(1), "{script}: {}", told(&refused));
        assert!(told(&refused).contains(why), "{script}: {}", told(&refused));
        let differ = difference(&before, &machine.tree());
        assert!(differ.iter().all(|it| it.ends_with("os-release")), "{script}: {differ:?}");
        assert_eq!(machine.noted("log"), "", "{script}");
    }
}

#[test]
fn what_is_uninstalled_leaves_the_machine_as_it_was() {
    if cannot_run() {
        return;
    }
    let machine = Machine::prepare();
    // Files that somebody put where ours go, by hand and for reasons.
    machine.write("etc/sysctl.d/zz-myrelay.conf", "kernel.kptr_restrict = 2\n");
    machine.write("etc/systemd/system/myrelay-agent.service", "[Unit]\n");
    let before = machine.tree();
    machine.run(&format!("{JOIN} /media/token"));
    machine.run("/media/install.sh");
    let installed = machine.tree();
    assert!(15 < difference(&before, &installed).len());
    machine.run("myrelay-uninstall");
    let left = difference(&before, &machine.tree());
    // The kernel's own switches, as far as a folder of files can play them.
    assert_eq!(left, <[PathBuf; 0]>::default());
    assert!(machine.run("/media/uninstall.sh").contains("left nothing here"));
}

/// What the agent leaves in the kernel goes, and nothing of anybody else's.
#[test]
fn uninstalling_takes_pods_and_tables_down() {
    if cannot_run() {
        return;
    }
    let machine = Machine::prepare();
    machine.run("/media/install.sh");
    let left = machine.run(
        "ip link add wg-abc type ifb && ip link set wg-abc alias myrelay:pod_1
         ip link add wg-theirs type ifb
         nft add table inet myrelay && nft add table inet theirs
         nft -f /etc/myrelay/host-firewall.nft
         /media/uninstall.sh >/dev/null
         nft list tables
         ls /sys/class/net",
    );
    let left: Vec<&str> = left.lines().collect();
    assert_eq!(left, ["table inet theirs", "lo", "wg-theirs"]);
}

#[test]
fn a_node_keeps_its_identity_when_asked() {
    if cannot_run() {
        return;
    }
    let machine = Machine::prepare();
    machine.run(&format!("{JOIN} /media/token"));
    machine.run("myrelay-uninstall --keep-state");
    assert!(machine.path("var/lib/myrelay-agent/identity.json").is_file());
    assert!(machine.read("etc/passwd").contains("myrelay-agent"));
    assert!(!machine.path("etc/myrelay").exists());
}

#[test]
fn what_is_missing_is_installed_and_goes_again() {
    if cannot_run() {
        return;
    }
    let machine = Machine::prepare();
    machine.set_installed(&["nftables", "fail2ban-extra"]);
    machine.run("/media/install.sh");
    let log = machine.noted("log");
    let all = " install fail2ban python3-systemd unattended-upgrades";
    assert!(log.lines().any(|line| line.starts_with("apt-get ") && line.ends_with(all)), "{log}");
    machine.run("myrelay-uninstall");
    let log = machine.noted("log");
    let all = " purge unattended-upgrades python3-systemd fail2ban";
    assert!(log.lines().any(|line| line.starts_with("apt-get ") && line.ends_with(all)), "{log}");
}

#[test]
fn without_hardening_only_the_agent_comes() {
    if cannot_run() {
        return;
    }
    let machine = Machine::prepare();
    machine.run("/media/install.sh --no-hardening");
    for path in ["etc/ssh/sshd_config.d/00-myrelay.conf", "etc/sysctl.d", "etc/myrelay"] {
        assert!(!machine.path(path).exists(), "{path}");
    }
    assert!(machine.path("etc/systemd/system/myrelay-agent.service").exists());
    assert!(machine.read("etc/passwd").contains(":/var/lib/myrelay-agent:/usr/sbin/nologin"));
}

/// An image that machines start from is made ready by the same files, and nothing is started.
#[test]
fn a_folder_is_made_ready_from_outside() {
    if cannot_run() {
        return;
    }
    let machine = Machine::prepare();
    let before = machine.tree();
    // The machine itself, seen through another path.
    let image = "mkdir -p /tmp/image && mount --rbind / /tmp/image";
    let script = format!("{image} && /media/install.sh --root /tmp/image");
    machine.run(&script);
    assert!(machine.path("etc/ssh/sshd_config.d/00-myrelay.conf").is_file());
    assert!(machine.path("etc/myrelay/host-firewall.nft").is_file());
    assert_eq!(machine.noted("log"), "", "nothing is started");
    let ready = machine.tree();
    machine.run(&script);
    assert_eq!(difference(&ready, &machine.tree()), <[PathBuf; 0]>::default());
    machine.run(&format!("{image} && /media/uninstall.sh --root /tmp/image"));
    assert_eq!(difference(&before, &machine.tree()), <[PathBuf; 0]>::default());
}

#[test]
fn the_scripts_are_clean() {
    if cannot_run() {
        return;
    }
    let machine = Machine::prepare();
    let mut check = command(unpacked().join("usr/bin/shellcheck"));
    said(check.arg(machine.media("install.sh")).arg(machine.media("uninstall.sh")));
    let lines = fs::read_to_string(machine.media("install.sh")).unwrap().lines().count();
    assert!(lines <= 500, "install.sh has {lines} lines");
}
