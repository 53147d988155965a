//! Security updates install themselves: apt itself says so, and the agent agrees.

use myrelay_agent::hardening::inspect;
use myrelay_node_protocol::{HardeningItem, HardeningState, Verdict};

use crate::{machine::Machine, programs::cannot_run};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// apt's own view of its settings.
fn settings(machine: &Machine) -> String {
    machine.run("apt-config dump APT::Periodic; apt-config dump Unattended-Upgrade")
}

/// What the agent says, so many days after the last run.
fn judged(machine: &Machine, days: i64) -> HardeningState {
    machine.write("usr/bin/unattended-upgrade", "");
    for timer in ["apt-daily", "apt-daily-upgrade"] {
        machine.write(&format!("etc/systemd/system/timers.target.wants/{timer}.timer"), "");
    }
    let stamp = "var/lib/apt/periodic/unattended-upgrades-stamp";
    machine.write(stamp, "");
    let written = machine.path(stamp).metadata().unwrap().modified().unwrap();
    let written = written.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let now = i64::try_from(written).unwrap() + days * DAY_MS;
    let state = inspect(&machine.root(), now).remove(&HardeningItem::UnattendedUpgrades).unwrap();
    std::fs::remove_dir_all(machine.path("usr/bin")).unwrap();
    state
}

#[test]
fn p21_security_updates_are_on_whatever_was_answered_before() {
    if cannot_run() {
        return;
    }
    for hostile in [
        "",
        "APT::Periodic::Enable \"0\";\n",
        "APT { Periodic { Unattended-Upgrade \"0\"; Update-Package-Lists \"0\"; }; };\n",
    ] {
        let machine = Machine::prepare();
        machine.write("etc/apt/apt.conf.d/99local", hostile);
        assert!(settings(&machine).contains("APT::Periodic::Unattended-Upgrade \"0\";"));
        assert_eq!(judged(&machine, 0).verdict, Verdict::Weak, "{hostile}");
        machine.run("/media/install.sh");
        let settings = settings(&machine);
        for line in [
            "APT::Periodic::Enable \"1\";",
            "APT::Periodic::Update-Package-Lists \"1\";",
            "APT::Periodic::Unattended-Upgrade \"1\";",
            "Unattended-Upgrade::Automatic-Reboot \"false\";",
        ] {
            assert!(settings.lines().any(|it| it == line), "{line}: {settings}");
        }
        assert!(settings.contains("label=Debian-Security"), "{settings}");
        let log = machine.noted("log");
        for timer in ["apt-daily.timer", "apt-daily-upgrade.timer"] {
            assert!(log.contains(&format!("systemctl start {timer}")), "{log}");
        }
        assert_eq!(judged(&machine, 0).verdict, Verdict::Ok, "{hostile}");
    }
}

#[test]
fn p21_updates_that_do_not_happen_are_told() {
    if cannot_run() {
        return;
    }
    let machine = Machine::prepare();
    machine.run("/media/install.sh");
    assert_eq!(judged(&machine, 1).verdict, Verdict::Ok);
    let late = judged(&machine, 9);
    assert_eq!(late.verdict, Verdict::Weak);
    assert!(late.detail.contains("9 days ago"), "{}", late.detail);
    machine.write("run/reboot-required", "*** System restart required ***\n");
    let due = judged(&machine, 0);
    assert_eq!(due.verdict, Verdict::Weak);
    assert!(due.detail.contains("restart of the machine"), "{}", due.detail);
    let masked = machine.path("etc/systemd/system/apt-daily-upgrade.timer");
    std::os::unix::fs::symlink("/dev/null", masked).unwrap();
    let off = judged(&machine, 0);
    assert!(off.detail.contains("apt-daily-upgrade.timer is off"), "{}", off.detail);
}
