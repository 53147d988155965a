//! Whether fail2ban guards SSH.

use std::collections::BTreeMap;

use myrelay_node_protocol::HardeningState;
use rustix::{io::Errno, process::Pid};

use super::{missing, ok, place::Place, unknown, weak};

const FOLDER: &str = "/etc/fail2ban";
const PID_FILE: &str = "/run/fail2ban/fail2ban.pid";
const SOCKET: &str = "/run/fail2ban/fail2ban.sock";
/// What systemd starts has a control group, which the kernel removes with the last process
/// (cgroup-v2.rst).
const GROUPS: &str = "/sys/fs/cgroup/cgroup.controllers";
const GROUP: &str = "/sys/fs/cgroup/system.slice/fail2ban.service/cgroup.events";

/// Whether it is there, guards SSH, and runs.
pub(super) fn inspect(place: &Place) -> HardeningState {
    if !place.has("/usr/bin/fail2ban-server") {
        return missing("fail2ban is not installed: run install.sh again");
    }
    match is_enabled(place) {
        Err(why) => return unknown(why),
        Ok(false) => return weak("fail2ban's jail sshd is switched off: run install.sh again"),
        Ok(true) => {}
    }
    match is_running(place) {
        Some(true) => ok("the jail sshd is on, and fail2ban runs"),
        Some(false) => weak("fail2ban does not run: journalctl -u fail2ban says why"),
        None => unknown("whether fail2ban runs cannot be read; fail2ban-client ping tells"),
    }
}

/// Whether the jail `sshd` is on, by all files in the order of jail.conf(5); the last value wins.
fn is_enabled(place: &Place) -> Result<bool, String> {
    let in_folder = place.names(&format!("{FOLDER}/jail.d")).map_err(|error| {
        format!("the agent may not look into {FOLDER}/jail.d ({})", error.kind())
    })?;
    let of = |ending: &'static str| in_folder.iter().filter(move |it| it.ends_with(ending));
    let files = [format!("{FOLDER}/jail.conf")]
        .into_iter()
        .chain(of(".conf").map(|it| format!("{FOLDER}/jail.d/{it}")))
        .chain([format!("{FOLDER}/jail.local")])
        .chain(of(".local").map(|it| format!("{FOLDER}/jail.d/{it}")));
    let mut enabled = BTreeMap::new();
    for file in files {
        let text = place
            .read(&file)
            .map_err(|error| format!("the agent may not read {file} ({})", error.kind()))?;
        collect(&text.unwrap_or_default(), &mut enabled);
    }
    let value = enabled.get("sshd").or(enabled.get("DEFAULT")).map_or("false", String::as_str);
    // What fail2ban takes for true (`_convert_to_boolean`).
    match value.to_ascii_lowercase().as_str() {
        "1" | "yes" | "true" | "on" => Ok(true),
        it if it.contains('%') => Err(format!("the jail sshd is enabled by a reference, {value}")),
        _ => Ok(false),
    }
}

/// What each section of one file says of `enabled`, as Python's configparser reads it.
fn collect(text: &str, enabled: &mut BTreeMap<String, String>) {
    let mut section = String::new();
    // A line that begins with a space goes on with the one before it.
    for line in text.lines().filter(|line| !line.starts_with([' ', '\t', '#', ';'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|it| it.split(']').next()) {
            name.clone_into(&mut section);
        } else if let Some((key, value)) = line.split_once(['=', ':'])
            && key.trim().eq_ignore_ascii_case("enabled")
        {
            let value = value.split(" ;").next().unwrap_or_default().trim();
            enabled.insert(section.clone(), value.to_owned());
        }
    }
}

/// Whether it has a process that lives, and listens where its client asks.
///
/// Its own note of the process's number is for root alone, so the control group is asked first.
fn is_running(place: &Place) -> Option<bool> {
    let lives = if place.has(GROUPS) {
        let events = place.read(GROUP).ok()?.unwrap_or_default();
        events.lines().any(|it| it == "populated 1")
    } else {
        let Some(text) = place.read(PID_FILE).ok()? else { return Some(false) };
        let pid = Pid::from_raw(text.trim().parse().ok()?)?;
        // Another user's process is there, and not ours to signal.
        matches!(rustix::process::test_kill_process(pid), Ok(()) | Err(Errno::PERM))
    };
    Some(lives && place.has(SOCKET))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    const OURS: &str = include_str!("../../deploy/hardening/fail2ban.local");

    #[test]
    fn the_last_file_says_whether_the_jail_is_on() {
        let on = |files: &[(&str, &str)]| is_enabled(&Place::new(machine(files).path()));
        assert_eq!(on(&[]), Ok(false));
        let off = "[DEFAULT]\nenabled = true\n[sshd]\nenabled = false\n[other]\nenabled = true\n";
        assert_eq!(on(&[("etc/fail2ban/jail.conf", off)]), Ok(false));
        assert_eq!(on(&[("etc/fail2ban/jail.conf", "[DEFAULT]\nEnabled: YES\n")]), Ok(true));
        let local = ("etc/fail2ban/jail.local", off);
        assert_eq!(on(&[("etc/fail2ban/jail.d/zz.conf", "[sshd]\nenabled=1\n"), local]), Ok(false));
        assert_eq!(on(&[("etc/fail2ban/jail.d/zz-myrelay.local", OURS), local]), Ok(true));
        for not in ["[sshd]\n#enabled = true\n", "[sshd]\nenabled = inactive\n", "[sshd]\nx=1\n"] {
            assert_eq!(on(&[("etc/fail2ban/jail.local", not)]), Ok(false), "{not}");
        }
        assert!(on(&[("etc/fail2ban/jail.local", "[sshd]\nenabled = %(x)s\n")]).is_err());
    }

    #[test]
    fn what_is_set_up_and_does_not_run_is_weak() {
        use myrelay_node_protocol::Verdict;
        let server = ("usr/bin/fail2ban-server", "");
        let jail = ("etc/fail2ban/jail.d/zz-myrelay.local", OURS);
        let own = std::process::id().to_string();
        let pid = ("run/fail2ban/fail2ban.pid", own.as_str());
        let socket = ("run/fail2ban/fail2ban.sock", "");
        let verdict = |files: &[(&str, &str)]| inspect(&Place::new(machine(files).path())).verdict;
        assert_eq!(verdict(&[jail, pid, socket]), Verdict::Missing);
        assert_eq!(verdict(&[server, pid, socket]), Verdict::Weak);
        assert_eq!(verdict(&[server, jail]), Verdict::Weak);
        assert_eq!(verdict(&[server, jail, pid]), Verdict::Weak);
        assert_eq!(verdict(&[server, jail, pid, socket]), Verdict::Ok);
        let dead = ("run/fail2ban/fail2ban.pid", "4194304\n");
        assert_eq!(verdict(&[server, jail, dead, socket]), Verdict::Weak);
        let nonsense = ("run/fail2ban/fail2ban.pid", "soon");
        assert_eq!(verdict(&[server, jail, nonsense, socket]), Verdict::Unknown);

        // Under systemd the control group knows, whatever an old note says.
        let systemd = ("sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
        let events = "sys/fs/cgroup/system.slice/fail2ban.service/cgroup.events";
        let (full, empty) = ((events, "populated 1\nfrozen 0\n"), (events, "populated 0\n"));
        assert_eq!(verdict(&[server, jail, systemd, pid, socket]), Verdict::Weak);
        assert_eq!(verdict(&[server, jail, systemd, empty, pid, socket]), Verdict::Weak);
        assert_eq!(verdict(&[server, jail, systemd, full]), Verdict::Weak);
        assert_eq!(verdict(&[server, jail, systemd, full, socket]), Verdict::Ok);
    }
}
