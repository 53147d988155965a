//! The agent, as it says that it is.

use super::Finding;
use crate::status::Status;

pub(super) fn runs(status: Option<&(Status, bool)>) -> Finding {
    const NAME: &str = "agent";
    let start = "Start it: `systemctl start myrelay-agent`, and look at `journalctl -u \
                 myrelay-agent`.";
    match status {
        None => Finding::unknown(NAME, "it has not run here, or its folder is closed", start),
        Some((_, false)) => {
            Finding::bad(NAME, "it does not run; tunnels of the kernel go on without it", start)
        }
        Some((status, true)) if status.retired => {
            let advice = "The portal retired this node: uninstall the agent, or join again.";
            Finding::bad(NAME, "it runs, and serves nothing: the node is retired", advice)
        }
        Some((status, true)) => {
            let Status { version, backend, pods, .. } = status;
            let found =
                format!("{version} runs with the {backend} backend and {} pods", pods.len());
            Finding::ok(NAME, found)
        }
    }
}

pub(super) fn privileges(status: Option<&(Status, bool)>) -> Finding {
    const NAME: &str = "privileges";
    let running = status.filter(|(_, running)| *running);
    let Some(held) = running.and_then(|(status, _)| status.privileges) else {
        return Finding::unknown(NAME, "no running agent tells", "See `agent`.");
    };
    if held.user != 0 && held.nothing_else && held.filtered {
        let found = format!("user {} with CAP_NET_ADMIN and nothing else", held.user);
        return Finding::ok(NAME, found);
    }
    let mut found = Vec::new();
    if held.user == 0 {
        found.push("it runs as root");
    }
    if !held.nothing_else {
        found.push("it has other capabilities beside CAP_NET_ADMIN");
    }
    if !held.filtered {
        found.push("it may use every system call");
    }
    let advice = "Run it by the unit that the installer sets up, as the user myrelay-agent.";
    Finding::warn(NAME, found.join("; "), advice)
}

pub(super) fn faults(status: Option<&(Status, bool)>) -> Finding {
    const NAME: &str = "faults";
    let Some((status, _)) = status.filter(|(_, running)| *running) else {
        return Finding::unknown(NAME, "no running agent tells", "See `agent`.");
    };
    let pods =
        status.pods.iter().filter_map(|(id, it)| Some(format!("{id}: {}", it.fault.as_ref()?)));
    let mut all = status.faults.iter().cloned().chain(pods);
    let Some(first) = all.next() else {
        return Finding::ok(NAME, "the agent has nothing to complain of");
    };
    let more = all.count();
    let found = if more == 0 { first } else { format!("{first} (and {more} more)") };
    Finding::bad(NAME, found, "`myrelay-agent status` shows all of them.")
}
