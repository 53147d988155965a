//! Who may sign in over SSH, and how.

use myrelay_node_protocol::HardeningState;

use super::{
    ok,
    place::Place,
    ssh_config::{Keyword, Said, SshConfig},
    unknown, weak,
};

const PID_FILE: &str = "/run/sshd.pid";

/// Whether passwords are taken, and whether root's is.
pub(super) fn inspect(place: &Place) -> (HardeningState, HardeningState) {
    if !place.has("/usr/sbin/sshd") {
        return (ok("no SSH server is installed"), ok("no SSH server is installed"));
    }
    if has_options(place) {
        let state = unknown(
            "sshd is started with options of its own (SSHD_OPTS in /etc/default/ssh), which go \
             before its files; `sshd -T` shows what holds",
        );
        return (state.clone(), state);
    }
    let config = match SshConfig::read(place) {
        Ok(config) => config,
        Err(why) => {
            let state = unknown(format!("sshd's configuration cannot be judged: {why}"));
            return (state.clone(), state);
        }
    };
    let password =
        judge(&config, &[Keyword::Passwords, Keyword::KeyboardInteractive], |it| it == "no");
    let root = judge(&config, &[Keyword::Root], |it| {
        ["no", "prohibit-password", "without-password", "forced-commands-only"].contains(&it)
    });
    let (password, root) = (
        password.map(|()| "keys only; passwords and keyboard-interactive are refused"),
        root.map(|()| "root signs in with a key or not at all"),
    );
    let finish = |judged: Result<&str, HardeningState>| match judged {
        Ok(_) if is_stale(place, &config) => {
            weak("sshd has not read its configuration since it was changed: systemctl reload ssh")
        }
        Ok(good) => ok(good),
        Err(state) => state,
    };
    (finish(password), finish(root))
}

/// Whether every value that somebody may meet is a good one.
fn judge(
    config: &SshConfig,
    keywords: &[Keyword],
    good: impl Fn(&str) -> bool,
) -> Result<(), HardeningState> {
    for keyword in keywords {
        let values = config.values(*keyword).map_err(|file| {
            unknown(format!("the agent may not read {file}, which could say otherwise"))
        })?;
        if let Some(bad) = values.iter().find(|it| !good(&it.value)) {
            return Err(weak(told(*keyword, bad)));
        }
    }
    Ok(())
}

fn told(keyword: Keyword, said: &Said) -> String {
    let name = match keyword {
        Keyword::Passwords => "PasswordAuthentication",
        Keyword::KeyboardInteractive => "KbdInteractiveAuthentication",
        Keyword::Root => "PermitRootLogin",
    };
    let by = match &said.by {
        Some(file) => format!("{file} says {name} {}", said.value),
        None => format!("{name} is not set, which means {}", said.value),
    };
    format!(
        "{by}; run install.sh again, and let no file of sshd_config.d come before 00-myrelay.conf"
    )
}

/// Whether the server is started with options, which go before every file.
fn has_options(place: &Place) -> bool {
    let Ok(Some(text)) = place.read("/etc/default/ssh") else { return false };
    let last = text.lines().filter_map(|it| it.trim().strip_prefix("SSHD_OPTS=")).next_back();
    last.is_some_and(|it| !it.trim().trim_matches(['"', '\'']).trim().is_empty())
}

/// Whether a file is newer than the server, which writes its number down when it reads its files.
/// A server that systemd starts by a socket writes none before somebody signs in.
fn is_stale(place: &Place, config: &SshConfig) -> bool {
    place.written_ms(PID_FILE).is_some_and(|started| Some(started) < config.written_ms)
}
