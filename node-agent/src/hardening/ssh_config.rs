//! What sshd makes of its configuration: every file in its order, the first value wins
//! (sshd_config(5), and `servconf.c` of OpenSSH).

use std::{collections::BTreeMap, io};

use super::place::Place;

const FOLDER: &str = "/etc/ssh";
const MAIN: &str = "/etc/ssh/sshd_config";
/// How deep files include each other (`SERVCONF_MAX_DEPTH`).
const MAX_DEPTH: u8 = 16;

/// What is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Keyword {
    Passwords,
    KeyboardInteractive,
    Root,
}

impl Keyword {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "passwordauthentication" => Some(Self::Passwords),
            // Its older names mean the same.
            "kbdinteractiveauthentication"
            | "challengeresponseauthentication"
            | "skeyauthentication" => Some(Self::KeyboardInteractive),
            "permitrootlogin" => Some(Self::Root),
            _ => None,
        }
    }

    fn default(self) -> &'static str {
        match self {
            Self::Passwords | Self::KeyboardInteractive => "yes",
            Self::Root => "prohibit-password",
        }
    }
}

/// A value, in lower case, and the file that says it; none if it is sshd's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) value: String,
    pub(super) by: Option<String>,
}

/// To whom a line applies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    /// To everybody to whom no `Match` block says otherwise, wherever that stands.
    Rest,
    /// To everybody, by `Match all`.
    All,
    /// To some, by any other `Match`.
    Some,
}

/// The configuration as far as it was asked for.
#[derive(Default)]
pub(super) struct SshConfig {
    rest: BTreeMap<Keyword, Said>,
    all: BTreeMap<Keyword, Said>,
    some: Vec<(Keyword, Said)>,
    /// The first that could not be read, by what it could still have changed.
    unreadable: BTreeMap<Keyword, String>,
    /// When one of the files was last written, in milliseconds since 1970 UTC.
    pub(super) written_ms: Option<i64>,
}

impl SshConfig {
    /// Reads all of it, or says what is in the way.
    pub(super) fn read(place: &Place) -> Result<Self, String> {
        let mut config = Self::default();
        if !place.has(MAIN) {
            return Err(format!("there is no {MAIN}"));
        }
        config.file(place, MAIN, To::Rest, 0)?;
        Ok(config)
    }

    /// All values that somebody may meet: everybody's, and those of `Match` blocks that are not
    /// decided by an earlier `Match all`. An error names the file that could not be read.
    pub(super) fn values(&self, keyword: Keyword) -> Result<Vec<Said>, String> {
        if let Some(file) = self.unreadable.get(&keyword) {
            return Err(file.clone());
        }
        let usual = Said { value: keyword.default().to_owned(), by: None };
        let general = self.all.get(&keyword).or(self.rest.get(&keyword)).cloned();
        let some = self.some.iter().filter(|(it, _)| *it == keyword).map(|(_, said)| said.clone());
        Ok([general.unwrap_or(usual)].into_iter().chain(some).collect())
    }

    fn file(&mut self, place: &Place, path: &str, to: To, depth: u8) -> Result<(), String> {
        let text = match place.read(path) {
            Ok(Some(text)) => text,
            Ok(None) => return Ok(()),
            Err(_) => {
                self.cannot_read(path);
                return Ok(());
            }
        };
        self.written_ms = self.written_ms.max(place.written_ms(path));
        let outer = to;
        let mut to = to;
        for line in text.lines() {
            let words = words(line);
            let Some((keyword, values)) = words.split_first() else { continue };
            match keyword.to_ascii_lowercase().as_str() {
                "match" => to = matched(outer, values),
                "include" => {
                    for pattern in values {
                        self.include(place, pattern, to, depth)?;
                    }
                }
                keyword => self.line(keyword, values, to, path),
            }
        }
        Ok(())
    }

    fn line(&mut self, keyword: &str, values: &[String], to: To, path: &str) {
        let Some(keyword) = Keyword::parse(keyword) else { return };
        let value = values.first().map(|it| it.to_ascii_lowercase()).unwrap_or_default();
        let said = Said { value, by: Some(path.to_owned()) };
        match to {
            To::Rest => {
                self.rest.entry(keyword).or_insert(said);
            }
            To::All => {
                self.all.entry(keyword).or_insert(said);
            }
            To::Some if self.all.contains_key(&keyword) => {}
            To::Some => self.some.push((keyword, said)),
        }
    }

    fn include(&mut self, place: &Place, pattern: &str, to: To, depth: u8) -> Result<(), String> {
        if MAX_DEPTH <= depth {
            return Err("files include each other too deeply".to_owned());
        }
        let pattern = if pattern.starts_with('/') {
            pattern.to_owned()
        } else {
            format!("{FOLDER}/{pattern}")
        };
        if pattern.contains(['[', '{', '\\', '~']) {
            return Err(format!("Include {pattern} is a pattern that the agent does not read"));
        }
        match expand(place, &pattern) {
            Ok(paths) => paths.iter().try_for_each(|path| self.file(place, path, to, depth + 1)),
            Err(_) => {
                self.cannot_read(&pattern);
                Ok(())
            }
        }
    }

    /// What `Match all` said before cannot be changed by any file any more.
    fn cannot_read(&mut self, path: &str) {
        for keyword in [Keyword::Passwords, Keyword::KeyboardInteractive, Keyword::Root] {
            if !self.all.contains_key(&keyword) {
                self.unreadable.entry(keyword).or_insert_with(|| path.to_owned());
            }
        }
    }
}

/// To whom the lines after this `Match` apply.
fn matched(outer: To, criteria: &[String]) -> To {
    match criteria {
        [all] if all.eq_ignore_ascii_case("all") && outer != To::Some => To::All,
        _ => To::Some,
    }
}

/// The words of a line: `Keyword value …` or `Keyword=value`, a value perhaps in quotes; what
/// follows a `#` is a comment.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while let Some(first) = rest.chars().next() {
        if first == '#' {
            break;
        }
        let (word, after) = match first {
            '"' | '\'' => rest[1..].split_once(first).unwrap_or((&rest[1..], "")),
            _ => {
                let ends = |it: char| it.is_whitespace() || (words.is_empty() && it == '=');
                rest.split_at(rest.find(ends).unwrap_or(rest.len()))
            }
        };
        words.push(word.to_owned());
        rest = after.trim_start();
        if words.len() == 1 {
            rest = rest.strip_prefix('=').unwrap_or(rest).trim_start();
        }
    }
    words
}

/// The paths that a pattern with `*` and `?` means, sorted (glob(7)).
fn expand(place: &Place, pattern: &str) -> io::Result<Vec<String>> {
    let mut found = vec![String::new()];
    for part in pattern.split('/').filter(|it| !it.is_empty()) {
        let mut next = Vec::new();
        for folder in found {
            if part.contains(['*', '?']) {
                let names = place.names(&folder)?;
                let hits = names.iter().filter(|name| {
                    (part.starts_with('.') || !name.starts_with('.'))
                        && fits(part.as_bytes(), name.as_bytes())
                });
                next.extend(hits.map(|name| format!("{folder}/{name}")));
            } else {
                next.push(format!("{folder}/{part}"));
            }
        }
        found = next;
    }
    found.sort();
    Ok(found)
}

/// Whether a name fits a pattern. Linear but for what follows the last `*`.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut in_name, mut star) = (0, 0, None);
    while in_name < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, in_name));
                at += 1;
            }
            Some(it) if *it == b'?' || *it == name[in_name] => {
                at += 1;
                in_name += 1;
            }
            _ => {
                let Some((of_star, from)) = star else { return false };
                star = Some((of_star, from + 1));
                at = of_star + 1;
                in_name = from + 1;
            }
        }
    }
    pattern[at..].iter().all(|it| *it == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_read_as_sshd_reads_them() {
        for (line, read) in [
            ("PasswordAuthentication no", vec!["PasswordAuthentication", "no"]),
            ("  PasswordAuthentication\t=  \"no\"  # why", vec!["PasswordAuthentication", "no"]),
            ("PasswordAuthentication=no", vec!["PasswordAuthentication", "no"]),
            ("#PasswordAuthentication no", vec![]),
            ("Include 'a b' c", vec!["Include", "a b", "c"]),
            ("Match user=x", vec!["Match", "user=x"]),
            ("Match \"unclosed", vec!["Match", "unclosed"]),
            ("", vec![]),
        ] {
            assert_eq!(words(line), read, "{line}");
        }
    }

    #[test]
    fn patterns_fit_as_in_a_shell() {
        for (pattern, name, fit) in [
            ("*.conf", "50-cloud-init.conf", true),
            ("*.conf", "50-cloud-init.conf.bak", false),
            ("*", "", true),
            ("a?c*", "abc", true),
            ("a?c*", "ac", false),
            ("*a*b", "aabab", true),
            ("*a*b", "aaba", false),
        ] {
            assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), fit, "{pattern} {name}");
        }
    }
}
