//! A set of names with all that is below them, small enough to hold a long block list.

use std::{
    borrow::Borrow,
    fs::File,
    hash::{BuildHasher, RandomState},
    io::{self, BufRead, BufReader, Read},
    net::IpAddr,
    path::Path,
};

use hickory_proto::rr::Name;
use myrelay_node_protocol::DomainName;

/// The most names of a block list.
const MAX_NAMES: usize = 1_000_000;
/// The longest block list, in bytes.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;
/// The longest line that is read, in bytes.
const MAX_LINE_BYTES: u64 = 4096;

/// A name as it stands in messages (RFC 1035 section 3.1), in lower case and without the root.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Wire(Box<[u8]>);

/// Names by their hashes: eight bytes for each, whatever its length. The hash has a random key, so
/// nobody can make names that meet; two that meet by chance are one in billions of lists.
#[derive(Debug, Default)]
pub(super) struct Names {
    key: RandomState,
    hashes: Vec<u64>,
}

/// Why a block list is not used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ListError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("it is longer than {} MiB", MAX_FILE_BYTES / 1024 / 1024)]
    TooLong,
    #[error("it has more than {MAX_NAMES} names")]
    TooMany,
    #[error("there is no name in it; a line reads `ads.example.org` or `0.0.0.0 ads.example.org`")]
    Empty,
}

impl Wire {
    /// The wire form of a name that a message held.
    pub(super) fn of(name: &Name) -> Self {
        let mut wire = Vec::with_capacity(64);
        for label in name.iter() {
            push(&mut wire, label);
        }
        Self(wire.into())
    }

    /// Its length in bytes.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// This name, the one above it, and so on, without the root.
    fn suffixes(&self) -> impl Iterator<Item = &[u8]> {
        let rest = |from: &[u8]| from.get(1 + usize::from(*from.first()?)..).map(<[u8]>::len);
        let mut next = Some(&*self.0);
        std::iter::from_fn(move || {
            let suffix = next.filter(|it| !it.is_empty())?;
            next = rest(suffix).map(|left| &suffix[suffix.len() - left..]);
            Some(suffix)
        })
    }
}

impl From<&DomainName> for Wire {
    fn from(name: &DomainName) -> Self {
        let mut wire = Vec::with_capacity(64);
        for label in name.as_str().split('.') {
            push(&mut wire, label.as_bytes());
        }
        Self(wire.into())
    }
}

fn push(wire: &mut Vec<u8>, label: &[u8]) {
    // A label has at most 63 bytes (RFC 1035 section 2.3.4).
    wire.push(u8::try_from(label.len()).unwrap_or(u8::MAX));
    wire.extend(label.iter().map(u8::to_ascii_lowercase));
}

impl Names {
    /// These names.
    pub(super) fn new(names: impl IntoIterator<Item = impl Borrow<DomainName>>) -> Self {
        let mut set = Self::default();
        for name in names {
            set.add(name.borrow());
        }
        set.settle();
        set
    }

    /// Reads a file with a name on each line, or an address and names as in hosts(5). What follows
    /// a `#` is a remark. Lines with neither are skipped.
    pub(super) fn read(path: &Path) -> Result<Self, ListError> {
        let file = File::open(path)?;
        if MAX_FILE_BYTES < file.metadata()?.len() {
            return Err(ListError::TooLong);
        }
        let mut set = Self::default();
        let (mut lines, mut line) = (BufReader::new(file), Vec::new());
        loop {
            line.clear();
            if lines.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            set.add_line(&line);
            if MAX_NAMES < set.hashes.len() {
                return Err(ListError::TooMany);
            }
        }
        if set.hashes.is_empty() {
            return Err(ListError::Empty);
        }
        set.settle();
        Ok(set)
    }

    /// Whether a name or one above it is in the set.
    pub(super) fn have(&self, name: &Wire) -> bool {
        name.suffixes().any(|it| self.hashes.binary_search(&self.key.hash_one(it)).is_ok())
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.hashes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    fn add_line(&mut self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let mut words = text.split('#').next().unwrap_or_default().split_ascii_whitespace();
        let Some(first) = words.next() else { return };
        let hosts = first.parse::<IpAddr>().is_ok();
        let names = std::iter::once(first).filter(|_| !hosts).chain(words.filter(|_| hosts));
        for name in names.filter_map(|it| DomainName::parse(it).ok()) {
            // A hosts file names the machine itself with single words; to block all of `com` is
            // a mistake that nobody would find.
            if name.as_str().contains('.') {
                self.add(&name);
            }
        }
    }

    fn add(&mut self, name: &DomainName) {
        self.hashes.push(self.key.hash_one(&*Wire::from(name).0));
    }

    fn settle(&mut self) {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        self.hashes.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn wire(name: &str) -> Wire {
        Wire::of(&Name::from_ascii(name).unwrap())
    }

    fn list(text: &str) -> Result<Names, ListError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        Names::read(file.path())
    }

    #[test]
    fn a_name_is_there_with_all_below_it() {
        let names = Names::new(&["ads.example.org".parse().unwrap()]);
        for name in ["ads.example.org.", "ADS.Example.Org.", "a.b.c.ads.example.org."] {
            assert!(names.have(&wire(name)), "{name}");
        }
        for name in [".", "org.", "example.org.", "bads.example.org.", "ads.example.org.uk."] {
            assert!(!names.have(&wire(name)), "{name}");
        }
        assert!(!Names::default().have(&wire("example.org.")));
    }

    #[test]
    fn both_forms_of_a_list_are_read() {
        let names = list(
            "# a list\r\n127.0.0.1 localhost\n0.0.0.0 ads.example.org track.example.org # why\r\n\
             ::1 ip6-localhost\n\nplain.example.net\n||adblock.example.net^\nwrong name.example\n\
             com\n\tlast.example.net",
        )
        .unwrap();
        let blocked =
            ["ads.example.org.", "track.example.org.", "plain.example.net.", "last.example.net."];
        for name in blocked {
            assert!(names.have(&wire(name)), "{name}");
        }
        for name in ["localhost.", "example.com.", "adblock.example.net.", "name.example."] {
            assert!(!names.have(&wire(name)), "{name}");
        }
    }

    #[test]
    fn a_list_that_cannot_be_meant_is_refused_and_a_strange_one_is_read() {
        assert!(matches!(list("# nothing\n"), Err(ListError::Empty)));
        assert!(matches!(Names::read(Path::new("/nowhere")), Err(ListError::Io(_))));
        let long = "a".repeat(100_000);
        assert!(
            list(&format!("{long}\n\0\u{fffd}\nads.example.org\n"))
                .unwrap()
                .have(&wire("ads.example.org."))
        );
    }
}
