//! Whether the kernel's settings are as the installer sets them.

use std::io;

use myrelay_node_protocol::HardeningState;

use super::{ok, place::Place, unknown, weak};

/// The very file that is installed says what is wanted.
const WANTED: &str = include_str!("../../deploy/hardening/sysctl.conf");

/// Every setting with the number that is wanted.
fn wanted() -> impl Iterator<Item = (&'static str, u32)> {
    let lines = WANTED.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| {
        let (name, value) = line.split_once('=')?;
        Some((name.trim(), value.trim().parse().ok()?))
    })
}

/// Compares every setting. A kernel that lacks one has nothing to guard there.
pub(super) fn inspect(place: &Place) -> HardeningState {
    let (mut wrong, mut hidden, mut right) = (Vec::new(), Vec::new(), 0);
    for (name, wanted) in wanted() {
        match read(place, name) {
            Ok(Some(value)) if is_enough(value, wanted) => right += 1,
            Ok(Some(value)) => wrong.push(format!("{name} is {value}, not {wanted}")),
            Ok(None) => {}
            Err(_) => hidden.push(name),
        }
    }
    if !wrong.is_empty() {
        return weak(format!("{}; run install.sh again", wrong.join(", ")));
    }
    if !hidden.is_empty() {
        return unknown(format!("the agent may not read {}", hidden.join(", ")));
    }
    if right == 0 {
        return unknown("there is no /proc/sys to read");
    }
    ok(format!("all {right} settings hold"))
}

fn read(place: &Place, name: &str) -> io::Result<Option<u32>> {
    let text = place.read(&format!("/proc/sys/{}", name.replace('.', "/")))?;
    text.map(|it| it.trim().parse().map_err(io::Error::other)).transpose()
}

/// What is to be off is off; what is to be on may be stricter.
fn is_enough(value: u32, wanted: u32) -> bool {
    if wanted == 0 { value == 0 } else { wanted <= value }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use myrelay_node_protocol::Verdict;

    use super::*;

    #[test]
    fn one_setting_that_is_off_is_named() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, value: &str| {
            let path = root.path().join("proc/sys").join(name.replace('.', "/"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, value).unwrap();
        };
        assert!(15 < wanted().count(), "the file was read");
        for (name, value) in wanted() {
            write(name, &format!("{value}\n"));
        }
        let place = Place::new(root.path());
        assert_eq!(inspect(&place).verdict, Verdict::Ok);
        write("kernel.kptr_restrict", "2\n");
        assert_eq!(inspect(&place).verdict, Verdict::Ok, "stricter is good");
        write("net.ipv4.conf.all.send_redirects", "1\n");
        let state = inspect(&place);
        assert_eq!(state.verdict, Verdict::Weak);
        assert!(state.detail.contains("send_redirects is 1, not 0"), "{}", state.detail);
        write("net.ipv4.conf.all.send_redirects", "?");
        assert_eq!(inspect(&place).verdict, Verdict::Unknown);
    }
}
