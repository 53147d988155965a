//! A disk that writes down what it is told in which order, and what a power cut leaves of that.
//!
//! The kernel's `dm-log-writes` stands between an ext4 and its disk. A write is on its record from
//! the moment in which it is really on the disk: when the cache behind it was emptied (`FLUSH`),
//! or when it went around the cache (`FUA`). So a beginning of the record is the worst that a cut
//! in that moment can leave: all that nobody had insisted on is lost.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::AsRawFd,
    path::Path,
};

use tempfile::TempDir;

use crate::world::{command, run};

const NAME: &str = "recorded";
const BYTES: usize = 16 << 20;
const SECTOR: usize = 512;

/// The record's format: drivers/md/dm-log-writes.c.
const MAGIC: u64 = 0x6a_7366_7773_6872;
const FLUSH: u64 = 1;
const FUA: u64 = 2;
const DISCARD: u64 = 4;
const MARK: u64 = 8;

/// `DM_TARGET_MSG`, and the bytes of a `struct dm_ioctl` without and with a message
/// (linux/dm-ioctl.h).
const MESSAGE: libc::Ioctl = 0xc138_fd0e;
const HEAD_BYTES: u32 = 312;
const MESSAGE_BYTES: u32 = 512;

/// Places of disks that may be overwritten.
struct Places {
    disk: String,
    record: String,
    /// Where a disk is laid down as a cut left it.
    cut: String,
}

/// A file system in its place; dropping it takes it away.
pub(crate) struct Mounted(TempDir);

impl Mounted {
    fn new(device: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        run("mount", &["-t", "ext4", device, folder.path().to_str().unwrap()], &[]);
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        drop(command("umount", &[self.path().to_str().unwrap()]).output());
    }
}

/// An ext4 whose disk keeps a record.
pub(crate) struct Disk {
    places: Places,
    /// The disk before it was mounted.
    empty: Vec<u8>,
    mounted: Mounted,
}

impl Disk {
    /// On the disks of `MYRELAY_DISKS`, if it names three.
    pub(crate) fn new() -> Option<Self> {
        let disks = std::env::var("MYRELAY_DISKS").ok()?;
        let mut disks = disks.split(' ').map(ToOwned::to_owned);
        let places = Places { disk: disks.next()?, record: disks.next()?, cut: disks.next()? };
        let whole = "lazy_itable_init=0,lazy_journal_init=0";
        let size = format!("{}K", BYTES >> 10);
        run("mkfs.ext4", &["-q", "-F", "-E", whole, &places.disk, &size], &[]);
        let mut empty = vec![0; BYTES];
        File::open(&places.disk).unwrap().read_exact(&mut empty).unwrap();
        let Places { disk, record, .. } = &places;
        let table = format!("0 {} log-writes {disk} {record}", BYTES / SECTOR);
        run("dmsetup", &["create", NAME, "--table", &table], &[]);
        let mounted = Mounted::new(&format!("/dev/mapper/{NAME}"));
        Some(Self { places, empty, mounted })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.mounted.path()
    }

    /// Writes a mark on the record: what is on the disk now comes before it. At once, and not by a
    /// program that has to be started first: the next write of anything may save what was forgotten.
    pub(crate) fn mark(&self) {
        let head: [u32; 10] = [4, 0, 0, MESSAGE_BYTES, HEAD_BYTES, 0, 0, 0, 0, 0];
        let mut message: Vec<u8> = head.into_iter().flat_map(u32::to_ne_bytes).collect();
        message.extend([0; 8]);
        message.extend(NAME.as_bytes());
        // A sector, and the message for what lies there.
        message.resize(usize::try_from(HEAD_BYTES).unwrap() + 8, 0);
        message.extend(b"mark here\0");
        message.resize(usize::try_from(MESSAGE_BYTES).unwrap(), 0);
        let control = File::options().read(true).write(true).open("/dev/mapper/control").unwrap();
        #[expect(unsafe_code, reason = "the device mapper takes messages in no other way")]
        // SAFETY: the message is as long as its head says, and lives through the call.
        let done = unsafe { libc::ioctl(control.as_raw_fd(), MESSAGE, message.as_mut_ptr()) };
        assert_eq!(done, 0, "{}", io::Error::last_os_error());
    }

    /// Takes the disk out.
    pub(crate) fn finish(self) -> Record {
        let Self { places, empty, mounted } = self;
        drop(mounted);
        run("dmsetup", &["remove", NAME], &[]);
        let entries = read(File::open(&places.record).unwrap());
        Record { place: places.cut, empty, entries }
    }
}

struct Entry {
    flags: u64,
    at: usize,
    bytes: Vec<u8>,
}

impl Entry {
    fn is(&self, flag: u64) -> bool {
        self.flags & flag != 0
    }
}

/// What happened to a disk.
pub(crate) struct Record {
    place: String,
    empty: Vec<u8>,
    entries: Vec<Entry>,
}

impl Record {
    /// Moments between the first mark and the last: so many of each kind, evenly spread. Some are
    /// right behind a mark, where all that was promised must be there and nothing came after it;
    /// the others are anywhere.
    pub(crate) fn moments(&self, count: usize) -> Vec<usize> {
        let all = self.entries.iter().enumerate();
        let marks: Vec<_> = all.filter(|(_, it)| it.is(MARK)).map(|(at, _)| at + 1).collect();
        let (last, marks) = marks.split_last().unwrap();
        let (first, entries) = (marks[0], last - 1 - marks[0]);
        let behind = (0..count).map(|it| marks[marks.len() * it / count]);
        let anywhere = (0..count).map(|it| first + entries * it / count);
        behind.chain(anywhere).collect()
    }

    /// How many marks come before a moment.
    pub(crate) fn marks(&self, moment: usize) -> usize {
        self.entries[..moment].iter().filter(|it| it.is(MARK)).count()
    }

    /// The disk as it is when the power went at this moment. Between two `FLUSH`es the cache
    /// writes in whatever order it likes: of what it had begun to write, half is there.
    pub(crate) fn cut(&self, moment: usize) -> Mounted {
        let before = &self.entries[..moment];
        let flushed = before.iter().rposition(|it| it.is(FLUSH)).map_or(0, |it| it + 1);
        let mut image = self.empty.clone();
        for (number, entry) in before.iter().enumerate() {
            if number < flushed || entry.is(FUA) || number % 2 == 0 {
                image[entry.at..][..entry.bytes.len()].copy_from_slice(&entry.bytes);
            }
        }
        let mut disk = File::options().write(true).open(&self.place).unwrap();
        disk.write_all(&image).and_then(|()| disk.sync_all()).unwrap();
        Mounted::new(&self.place)
    }
}

fn read(mut record: File) -> Vec<Entry> {
    let mut sector = [0; SECTOR];
    record.read_exact(&mut sector).unwrap();
    let [magic, version, count, size] = numbers(&sector);
    assert_eq!((magic, version, size), (MAGIC, 1, SECTOR.try_into().unwrap()));
    let entry = |_| {
        record.read_exact(&mut sector).unwrap();
        let [at, length, flags, _] = numbers(&sector).map(|it| usize::try_from(it).unwrap());
        let flags = u64::try_from(flags).unwrap();
        assert_eq!(flags & DISCARD, 0, "ext4 was not told to discard");
        let mut bytes = vec![0; length * SECTOR];
        record.read_exact(&mut bytes).unwrap();
        Entry { flags, at: at * SECTOR, bytes }
    };
    (0..count).map(entry).collect()
}

fn numbers(sector: &[u8; SECTOR]) -> [u64; 4] {
    std::array::from_fn(|it| u64::from_le_bytes(sector[it * 8..][..8].try_into().unwrap()))
}
