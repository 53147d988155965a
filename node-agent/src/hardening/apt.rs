//! Whether security updates install themselves.

use std::collections::BTreeMap;

use myrelay_node_protocol::HardeningState;

use super::{missing, ok, place::Place, unknown, weak};

const FOLDER: &str = "/etc/apt/apt.conf.d";
const UNITS: &str = "/etc/systemd/system";
const STAMP: &str = "/var/lib/apt/periodic/unattended-upgrades-stamp";
/// They run daily; a machine may be off over a weekend.
const MAX_AGE_DAYS: i64 = 4;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Whether they are set up, due, and done.
pub(super) fn inspect(place: &Place, now_ms: i64) -> HardeningState {
    if !place.has("/usr/bin/unattended-upgrade") {
        return missing("unattended-upgrades is not installed: run install.sh again");
    }
    let settings = match Settings::read(place) {
        Ok(settings) => settings,
        Err(why) => return unknown(why),
    };
    if let Some(fault) = settings.fault().or_else(|| fault_of_timers(place)) {
        return weak(fault);
    }
    let age = place.written_ms(STAMP).map(|it| now_ms.saturating_sub(it) / DAY_MS);
    match age {
        Some(days) if MAX_AGE_DAYS <= days => weak(format!(
            "the last run was {days} days ago: systemctl status apt-daily-upgrade says why"
        )),
        _ if place.has("/run/reboot-required") => {
            weak("updates are installed, and need a restart of the machine")
        }
        Some(0) => ok("on; the last run was within a day"),
        Some(days) => ok(format!("on; the last run was {days} days ago")),
        None => ok("on; no run yet"),
    }
}

/// What systemd says of the two timers, by its links: which are started, and which are masked.
fn fault_of_timers(place: &Place) -> Option<String> {
    ["apt-daily", "apt-daily-upgrade"].iter().find_map(|name| {
        let masked = |kind: &str| {
            let link = place.link(&format!("{UNITS}/{name}.{kind}"));
            link.is_some_and(|it| it.as_os_str() == "/dev/null")
        };
        let on = place.has(&format!("{UNITS}/timers.target.wants/{name}.timer"));
        let fault = !on || masked("timer") || masked("service");
        fault.then(|| format!("{name}.timer is off: systemctl enable --now {name}.timer"))
    })
}

/// apt's settings: values by their names in lower case, and the items of lists.
#[derive(Default)]
struct Settings {
    values: BTreeMap<String, String>,
    items: Vec<(String, String)>,
}

impl Settings {
    /// Reads every file in the order of apt.conf(5); the last value wins.
    fn read(place: &Place) -> Result<Self, String> {
        let names = place
            .names(FOLDER)
            .map_err(|error| format!("the agent may not look into {FOLDER} ({})", error.kind()))?;
        let files = names.iter().filter(|it| is_read(it)).map(|it| format!("{FOLDER}/{it}"));
        let mut settings = Self::default();
        for file in files.chain(["/etc/apt/apt.conf".to_owned()]) {
            let text = place
                .read(&file)
                .map_err(|error| format!("the agent may not read {file} ({})", error.kind()))?;
            settings
                .add(&text.unwrap_or_default())
                .map_err(|why| format!("{file} cannot be judged: {why}"))?;
        }
        Ok(settings)
    }

    /// What keeps updates from installing themselves.
    fn fault(&self) -> Option<String> {
        let periodic = |name: &str| self.values.get(&format!("apt::periodic::{name}"));
        let off = |value: Option<&String>, default| {
            matches!(value.map_or(default, String::as_str).trim(), "" | "0")
        };
        for (name, default) in
            [("Enable", "1"), ("Update-Package-Lists", "0"), ("Unattended-Upgrade", "0")]
        {
            if off(periodic(&name.to_ascii_lowercase()), default) {
                return Some(format!("APT::Periodic::{name} is off: run install.sh again"));
            }
        }
        let security = self.items.iter().any(|(list, item)| is_security(list, item));
        (!security).then(|| {
            "no security archive among Unattended-Upgrade's origins: see \
             /etc/apt/apt.conf.d/50unattended-upgrades"
                .to_owned()
        })
    }

    /// Takes in the text of one file.
    fn add(&mut self, text: &str) -> Result<(), &'static str> {
        let mut scopes: Vec<String> = Vec::new();
        let mut name: Option<String> = None;
        let mut value: Option<String> = None;
        for piece in pieces(text)? {
            match piece {
                Piece::Word(word) if name.is_none() && value.is_none() => name = Some(word),
                Piece::Word(word) | Piece::Quoted(word) => value = Some(word),
                Piece::Open => scopes.push(name.take().unwrap_or_default()),
                Piece::Close => {
                    scopes.pop().ok_or("a } too many")?;
                    (name, value) = (None, None);
                }
                Piece::End => self.set(&scopes, name.take(), value.take()),
            }
        }
        if scopes.is_empty() { Ok(()) } else { Err("a } is missing") }
    }

    fn set(&mut self, scopes: &[String], name: Option<String>, value: Option<String>) {
        let is_item = name.as_ref().is_none_or(|it| it.ends_with("::"));
        let parts = scopes.iter().chain(&name).map(|it| it.trim_end_matches("::"));
        let path = parts.collect::<Vec<_>>().join("::").to_ascii_lowercase();
        match (path.strip_prefix("#clear"), value) {
            (Some(_), cleared) => {
                let cleared = cleared.unwrap_or_default().to_ascii_lowercase();
                let below = format!("{cleared}::");
                let goes = |it: &String| *it == cleared || it.starts_with(&below);
                self.values.retain(|it, _| !goes(it));
                self.items.retain(|(it, _)| !goes(it));
            }
            (None, Some(value)) if is_item => self.items.push((path, value)),
            (None, Some(value)) => {
                self.values.insert(path, value);
            }
            (None, None) => {}
        }
    }
}

/// Whether apt reads a file of this name (apt.conf(5)).
fn is_read(name: &str) -> bool {
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"-_.".contains(&it);
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    name.bytes().all(plain) && !name.starts_with('.') && ending.is_none_or(|it| it == "conf")
}

/// Whether an origin is the one of security updates, by Debian's or Ubuntu's name of it.
fn is_security(list: &str, item: &str) -> bool {
    match list {
        "unattended-upgrade::origins-pattern" => item.split(',').any(|part| {
            let (key, value) = part.split_once('=').unwrap_or_default();
            let (key, value) = (key.trim(), value.trim());
            match key {
                "l" | "label" => value == "Debian-Security",
                "a" | "archive" | "suite" | "n" | "codename" => value.ends_with("-security"),
                _ => false,
            }
        }),
        "unattended-upgrade::allowed-origins" => {
            item.split_once(':').is_some_and(|(_, archive)| archive.ends_with("-security"))
        }
        _ => false,
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Word(String),
    Quoted(String),
    Open,
    Close,
    End,
}

/// The pieces of a file: names, quoted values, `{`, `}` and `;`, without comments.
fn pieces(text: &str) -> Result<Vec<Piece>, &'static str> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let directive = ["#clear", "#include"].iter().any(|it| rest.starts_with(it));
        rest = if rest.starts_with("/*") {
            rest.split_once("*/").ok_or("a comment has no end")?.1
        } else if rest.starts_with("//") || (first == '#' && !directive) {
            rest.split_once('\n').unwrap_or_default().1
        } else if first == '"' {
            let (value, after) = rest[1..].split_once('"').ok_or("a quote has no end")?;
            found.push(Piece::Quoted(value.to_owned()));
            after
        } else if "{};".contains(first) {
            found.push(match first {
                '{' => Piece::Open,
                '}' => Piece::Close,
                _ => Piece::End,
            });
            &rest[1..]
        } else {
            let end = rest.find(|it: char| it.is_whitespace() || "{};\"".contains(it));
            let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
            if word == "#include" {
                return Err("it includes another");
            }
            found.push(Piece::Word(word.to_owned()));
            after
        }
        .trim_start();
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = include_str!("../../deploy/hardening/apt.conf");
    const DEBIAN: &str = "// comment\nUnattended-Upgrade::Origins-Pattern {\n  /* \"x\"; */\n  \
                          \"origin=Debian,codename=${distro_codename},label=Debian-Security\";\n};\n";
    const UBUNTU: &str = "Unattended-Upgrade::Allowed-Origins {\n \"${distro_id}:${distro_codename}\";\n \
                          \"${distro_id}:${distro_codename}-security\";\n};\n";

    fn fault(texts: &[&str]) -> Option<String> {
        let mut settings = Settings::default();
        for text in texts {
            settings.add(text).unwrap();
        }
        settings.fault()
    }

    #[test]
    fn p21_updates_are_on_only_where_every_switch_is() {
        for origins in [DEBIAN, UBUNTU] {
            assert_eq!(fault(&[origins, OURS]), None);
            let off = "APT { Periodic { Unattended-Upgrade \"0\"; }; };";
            assert!(fault(&[origins, OURS, off]).is_some(), "the last value wins");
            assert_eq!(fault(&[origins, off, OURS]), None);
            let off = "apt::periodic::enable \"0\";";
            assert!(fault(&[origins, OURS, off]).unwrap().contains("Enable"));
            assert!(fault(&[origins, OURS, "#clear APT::Periodic;"]).is_some());
            let none = "#clear Unattended-Upgrade;";
            assert!(fault(&[origins, OURS, none]).unwrap().contains("security"));
        }
        let comment = "# APT::Periodic::Unattended-Upgrade \"1\";\n";
        assert!(fault(&[DEBIAN, comment]).is_some());
        let other = "Unattended-Upgrade::Origins-Pattern:: \"origin=security,label=Debian\";";
        assert!(fault(&[other, OURS]).is_some());
    }

    #[test]
    fn what_cannot_be_read_is_not_guessed() {
        for broken in ["A {", "}", "A \"b", "/* ", "#include \"/x\";"] {
            assert!(Settings::default().add(broken).is_err(), "{broken}");
        }
        for (name, read) in [
            ("50unattended-upgrades", true),
            ("zz-myrelay.conf", true),
            ("20auto-upgrades.ucf-dist", false),
            ("20auto~", false),
            (".hidden", false),
        ] {
            assert_eq!(is_read(name), read, "{name}");
        }
    }
}
