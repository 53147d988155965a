//! fail2ban guards SSH: the jail that is installed parses, and guessing leads to a ban.

use crate::{machine::Machine, programs::cannot_run};

#[test]
fn p20_the_jail_parses_whatever_came_before_it() {
    if cannot_run() {
        return;
    }
    let machine = Machine::prepare();
    machine.write("etc/fail2ban/jail.local", "[DEFAULT]\nenabled = false\nbanaction = dummy\n");
    machine.write("etc/fail2ban/jail.d/zz-late.conf", "[sshd]\nenabled = false\nmaxretry = 900\n");
    machine.run("/media/install.sh");
    machine.run("fail2ban-client --test");
    let dump = machine.run("fail2ban-client -d");
    let lines: Vec<&str> = dump.lines().collect();
    for line in [
        "['add', 'sshd', 'systemd']",
        "['set', 'sshd', 'addjournalmatch', '_SYSTEMD_UNIT=ssh.service', '+', '_COMM=sshd', '+', \
         '_COMM=sshd-session']",
        "['set', 'sshd', 'maxretry', 5]",
        "['set', 'sshd', 'findtime', '10m']",
        "['set', 'sshd', 'bantime', '1h']",
        "['set', 'sshd', 'bantime.increment', True]",
        "['set', 'sshd', 'addaction', 'nftables']",
        "['start', 'sshd']",
    ] {
        assert!(lines.contains(&line), "{line} in {dump}");
    }
}

/// The server itself, with the shipped jail and a log in the place of the journal, which a folder
/// does not have. It bans in the machine's own network namespace.
#[test]
fn p20_guessing_leads_to_a_ban() {
    if cannot_run() {
        return;
    }
    let machine = Machine::prepare();
    machine.run("/media/install.sh");
    machine.write(
        "etc/fail2ban/jail.d/zzz-log.local",
        "[sshd]\nbackend = polling\nlogpath = /var/log/auth.log\nusedns = no\n",
    );
    machine.write("var/log/auth.log", "");
    let ended = machine.run(
        r#"
        mkdir -p /run/fail2ban /var/lib/fail2ban
        guess() { # how often, from where, and the number of the first process
            for process in $(seq "$3" "$(($3 + $1 - 1))"); do
                echo "$(date '+%b %e %T') node sshd[$process]: Failed password for root from $2 port 999 ssh2"
            done >>/var/log/auth.log
        }
        guess 4 203.0.113.4 100
        guess 5 203.0.113.5 200
        guess 5 2001:db8::5 300
        fail2ban-server -xf start >/var/log/fail2ban.out 2>&1 &
        tries=0
        until nft list ruleset | grep -q 203.0.113.5 && nft list ruleset | grep -q 2001:db8::5; do
            tries=$((tries + 1))
            [ "$tries" -lt 300 ] || { cat /var/log/fail2ban.out /var/log/fail2ban.log; exit 1; }
            fail2ban-client ping >/dev/null 2>&1
        done
        nft list table inet f2b-table
        fail2ban-client status sshd
        "#,
    );
    assert!(!ended.contains("203.0.113.4"), "four guesses are not five: {ended}");
    assert!(ended.contains("Currently banned:\t2"), "{ended}");
    for rule in ["ip saddr @addr-set-sshd reject", "ip6 saddr @addr6-set-sshd reject"] {
        assert!(ended.contains(rule), "{ended}");
    }
    assert!(!ended.contains("dport"), "whatever port SSH is on: {ended}");
}
