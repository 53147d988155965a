//! SSH by key only, whatever else is configured: sshd itself says so, and the agent agrees.

use myrelay_agent::hardening::inspect;
use myrelay_node_protocol::{HardeningItem, Verdict};

use crate::{
    machine::Machine,
    programs::{cannot_run, told},
};

/// What sshd lets somebody do: `sshd -T`; whoever, when no user is named.
fn says(machine: &Machine, user: &str) -> Vec<String> {
    let who = if user.is_empty() {
        String::new()
    } else {
        format!("-C user={user},host=example.org,addr=203.0.113.9")
    };
    let all = machine.run(&format!("mkdir -p /run/sshd && sshd -T {who}"));
    let about = ["passwordauthentication", "kbdinteractiveauthentication", "permitrootlogin"];
    all.lines()
        .filter(|line| about.iter().any(|name| line.split(' ').next() == Some(*name)))
        .map(str::to_owned)
        .collect()
}

fn passwords_are_out(said: &[String]) -> bool {
    let has = |it: &str| said.iter().any(|line| line == it);
    has("passwordauthentication no") && has("kbdinteractiveauthentication no")
}

fn root_needs_a_key(said: &[String]) -> bool {
    said.iter().any(|line| line == "permitrootlogin without-password")
}

/// What the agent says of the same files.
fn verdicts(machine: &Machine) -> (Verdict, Verdict) {
    // The agent looks for the server where Debian has it.
    machine.write("usr/sbin/sshd", "");
    let report = inspect(&machine.root(), 0);
    std::fs::remove_dir_all(machine.path("usr/sbin")).unwrap();
    let verdict = |item| report[&item].verdict;
    (verdict(HardeningItem::SshPasswordLogin), verdict(HardeningItem::SshRootLogin))
}

/// What images and people leave in `/etc/ssh`.
const HOSTILE: [(&str, &str); 6] = [
    ("etc/ssh/sshd_config.d/50-cloud-init.conf", "PasswordAuthentication yes\n"),
    (
        "etc/ssh/sshd_config.d/60-cloudimg-settings.conf",
        "PasswordAuthentication=yes\npermitROOTlogin \"yes\"\nChallengeResponseAuthentication yes\n",
    ),
    (
        "etc/ssh/sshd_config.d/01-user.conf",
        "Match user debian,root\n  PasswordAuthentication yes\n  PermitRootLogin yes\n",
    ),
    (
        "etc/ssh/sshd_config.d/99-last.conf",
        "Match all\nPermitRootLogin yes\nPasswordAuthentication yes\nKbdInteractiveAuthentication yes\n",
    ),
    (
        "etc/ssh/sshd_config",
        "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\nPasswordAuthentication yes\n\
         Match address 203.0.113.0/24\n  PasswordAuthentication yes\n  PermitRootLogin yes\n",
    ),
    (
        "etc/ssh/sshd_config",
        "Include sshd_config.d/??-*.conf\nMatch all\nInclude more/*\nPermitRootLogin yes\n",
    ),
];

#[test]
fn p18_p19_keys_only_whatever_drop_in_files_say() {
    if cannot_run() {
        return;
    }
    for (path, text) in HOSTILE {
        let machine = Machine::prepare();
        machine.write("etc/ssh/more/any", "PasswordAuthentication yes\n");
        machine.write(path, text);
        let before = says(&machine, "root");
        assert!(!passwords_are_out(&before), "{path}: {before:?}");
        assert!(!root_needs_a_key(&before), "{path}: {before:?}");
        assert_eq!(verdicts(&machine), (Verdict::Weak, Verdict::Weak), "{path}");

        machine.run("/media/install.sh");
        for who in ["", "root", "debian", "nobody"] {
            let after = says(&machine, who);
            assert!(passwords_are_out(&after), "{path} for {who:?}: {after:?}");
            assert!(root_needs_a_key(&after), "{path} for {who:?}: {after:?}");
        }
        assert_eq!(verdicts(&machine), (Verdict::Ok, Verdict::Ok), "{path}");
    }
}

/// Against a file that comes first nothing helps but saying so.
#[test]
fn p18_what_cannot_be_won_is_said() {
    if cannot_run() {
        return;
    }
    for (path, text, weak) in [
        (
            "etc/ssh/sshd_config.d/00-first.conf",
            "Match user debian\n PasswordAuthentication yes\n",
            (Verdict::Weak, Verdict::Ok),
        ),
        (
            "etc/ssh/sshd_config",
            "PermitRootLogin yes\nMatch all\n PermitRootLogin yes\n PasswordAuthentication yes\n",
            (Verdict::Weak, Verdict::Weak),
        ),
    ] {
        let machine = Machine::prepare();
        machine.write(path, text);
        let installed = machine.try_run("/media/install.sh");
        assert_eq!(installed.status.code(), Some(3), "{}", told(&installed));
        assert!(told(&installed).contains("sshd still takes passwords"), "{}", told(&installed));
        assert_eq!(verdicts(&machine), weak, "{path}");
    }
}

#[test]
fn p19_a_host_that_lets_root_in_less_goes_on_doing_so() {
    if cannot_run() {
        return;
    }
    let machine = Machine::prepare();
    machine.write("etc/ssh/sshd_config.d/10-strict.conf", "PermitRootLogin no\n");
    for _ in 0..2 {
        machine.run("/media/install.sh");
        assert!(says(&machine, "root").contains(&"permitrootlogin no".to_owned()));
    }
    assert_eq!(verdicts(&machine), (Verdict::Ok, Verdict::Ok));
}

#[test]
fn who_would_lock_everybody_out_is_stopped() {
    if cannot_run() {
        return;
    }
    let machine = Machine::prepare();
    machine.write("home/debian/.ssh/authorized_keys", "# ssh-ed25519 AAAA a comment\n");
    let installed = machine.try_run("/media/install.sh");
    assert_eq!(installed.status.code(), Some(3), "{}", told(&installed));
    assert!(told(&installed).contains("no authorized key was found"), "{}", told(&installed));
    assert!(!machine.path("etc/ssh/sshd_config.d/00-myrelay.conf").exists());
    assert!(!machine.noted("log").contains("reload ssh"));
    // The rest is done, and SSH is still let in.
    assert!(machine.read("etc/myrelay/host-firewall.nft").contains("ssh_ports = { 22 }"));
    machine.run("/media/install.sh --without-key");
    assert!(passwords_are_out(&says(&machine, "debian")));
}

#[test]
fn ssh_is_reloaded_behind_a_firewall_that_lets_it_in() {
    if cannot_run() {
        return;
    }
    let machine = Machine::prepare();
    machine.write("etc/ssh/sshd_config.d/20-port.conf", "Port 2222\nPort 22\n");
    machine.run("SSH_CONNECTION='203.0.113.9 50000 192.0.2.1 2200' /media/install.sh");
    let rules = machine.read("etc/myrelay/host-firewall.nft");
    assert!(rules.contains("ssh_ports = { 22, 2200, 2222 }"), "{rules}");
    let log = machine.noted("log");
    let firewall = log.find("start myrelay-firewall.service").unwrap();
    assert!(firewall < log.find("reload ssh.service").unwrap(), "{log}");
}

/// A key of root's lets nobody in where root is kept out, and one that only runs a command never.
#[test]
fn a_key_that_lets_nobody_in_is_none() {
    if cannot_run() {
        return;
    }
    let machine = Machine::prepare();
    let key = machine.read("home/debian/.ssh/authorized_keys");
    machine.write("home/debian/.ssh/authorized_keys", &format!("command=\"echo no\" {key}"));
    machine.write("root/.ssh/authorized_keys", &key);
    machine.write("etc/ssh/sshd_config.d/70-root.conf", "PermitRootLogin no\n");
    let installed = machine.try_run("/media/install.sh");
    assert!(told(&installed).contains("no authorized key was found"), "{}", told(&installed));
    assert!(!machine.path("etc/ssh/sshd_config.d/00-myrelay.conf").exists());
}

/// A configuration that sshd refuses would end it at the next start.
#[test]
fn a_broken_sshd_is_left_alone() {
    if cannot_run() {
        return;
    }
    let machine = Machine::prepare();
    machine.write("etc/ssh/sshd_config.d/30-broken.conf", "Nonsense yes\n");
    let installed = machine.try_run("/media/install.sh");
    assert_eq!(installed.status.code(), Some(1), "{}", told(&installed));
    assert!(told(&installed).contains("sshd refuses its configuration"), "{}", told(&installed));
    assert!(!machine.path("etc/ssh/sshd_config.d/00-myrelay.conf").exists());
}

/// cloud-init writes its own file so that only root can read it.
#[test]
fn what_the_agent_may_not_read_is_unknown_unless_it_cannot_matter() {
    if cannot_run() {
        return;
    }
    let machine = Machine::prepare();
    let hidden = machine.path("etc/ssh/sshd_config.d/50-cloud-init.conf");
    // Root may read everything but a folder.
    std::fs::remove_file(&hidden).unwrap();
    std::fs::create_dir(&hidden).unwrap();
    assert_eq!(verdicts(&machine), (Verdict::Unknown, Verdict::Unknown));
    std::fs::remove_dir(&hidden).unwrap();
    machine.run("/media/install.sh");
    std::fs::create_dir(&hidden).unwrap();
    assert_eq!(verdicts(&machine), (Verdict::Ok, Verdict::Ok));
    machine.write("etc/default/ssh", "SSHD_OPTS=\"-o PasswordAuthentication=yes\"\n");
    assert_eq!(verdicts(&machine), (Verdict::Unknown, Verdict::Unknown));
}

/// A server that was not told goes on as before.
#[test]
fn a_server_that_has_not_read_its_files_again_is_weak() {
    if cannot_run() {
        return;
    }
    let machine = Machine::prepare();
    machine.write("run/sshd.pid", "1\n");
    let started = std::fs::File::open(machine.path("run/sshd.pid")).unwrap();
    machine.run("/media/install.sh");
    let written = machine.path("etc/ssh/sshd_config.d/00-myrelay.conf").metadata().unwrap();
    let written = written.modified().unwrap();
    let second = std::time::Duration::from_secs(1);
    started.set_modified(written - second).unwrap();
    assert_eq!(verdicts(&machine), (Verdict::Weak, Verdict::Weak));
    started.set_modified(written + second).unwrap();
    assert_eq!(verdicts(&machine), (Verdict::Ok, Verdict::Ok));
}
