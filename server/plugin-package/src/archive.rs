//! The tar archive inside a package: the plain form of POSIX (ustar), regular files only, sorted,
//! with nothing in a header but name and size.

use std::collections::BTreeMap;

use crate::{
    contents::{self, ARCHIVE_BYTES, ENTRIES},
    error::{PackageError, about, whole},
};

const BLOCK: usize = 512;
/// Where the parts of a header stand.
const NAME: std::ops::Range<usize> = 0..100;
const SIZE: std::ops::Range<usize> = 124..136;
const CHECKSUM: std::ops::Range<usize> = 148..156;
const TYPE: usize = 156;

/// The files of a package by their names, which is the order they stand in.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// The only header there is for a file of this name and size.
fn header(name: &str, size: usize) -> [u8; BLOCK] {
    let mut header = [0; BLOCK];
    let mut put = |at: usize, text: &str| {
        header[at..at + text.len()].copy_from_slice(text.as_bytes());
    };
    put(NAME.start, name);
    put(100, "0000644");
    put(108, "0000000");
    put(116, "0000000");
    put(SIZE.start, &format!("{size:011o}"));
    put(136, "00000000000");
    put(CHECKSUM.start, "        ");
    put(TYPE, "0");
    put(257, "ustar\u{0}00");
    put(329, "0000000");
    put(337, "0000000");
    let sum: u32 = header.iter().map(|it| u32::from(*it)).sum();
    let sum = format!("{sum:06o}\u{0} ");
    header[CHECKSUM].copy_from_slice(sum.as_bytes());
    header
}

/// The archive of these files.
///
/// # Errors
/// When there are too many, or one has a name or a size that no package has.
pub(crate) fn write(files: &Files) -> Result<Vec<u8>, PackageError> {
    if ENTRIES < files.len() {
        return Err(too_many());
    }
    let mut tar = Vec::new();
    for (name, bytes) in files {
        contents::check_size(name, bytes.len())?;
        tar.extend_from_slice(&header(name, bytes.len()));
        tar.extend_from_slice(bytes);
        tar.resize(tar.len().next_multiple_of(BLOCK), 0);
    }
    tar.resize(tar.len() + 2 * BLOCK, 0);
    if ARCHIVE_BYTES < tar.len() {
        return Err(too_large());
    }
    Ok(tar)
}

fn too_many() -> PackageError {
    whole(format!("it has more than {ENTRIES} files"))
}

pub(crate) fn too_large() -> PackageError {
    whole(format!("it has more than {ARCHIVE_BYTES} bytes when it is unpacked"))
}

/// The files of an archive, if it is exactly what [`write`] makes of them.
///
/// # Errors
/// When it is anything else; the error names the file.
pub(crate) fn read(tar: &[u8]) -> Result<Files, PackageError> {
    if ARCHIVE_BYTES < tar.len() {
        return Err(too_large());
    }
    let cut = || whole("the archive in it ends before its end");
    let mut files = Files::new();
    let mut rest = tar;
    loop {
        let (head, after) = rest.split_at_checked(BLOCK).ok_or_else(cut)?;
        if head.iter().all(|it| *it == 0) {
            let end: &[u8] = &[0; BLOCK];
            return if after == end {
                Ok(files)
            } else {
                Err(whole("the archive in it goes on after its end"))
            };
        }
        let (name, size) = entry(head)?;
        if ENTRIES <= files.len() {
            return Err(too_many());
        }
        match files.last_key_value() {
            Some((last, _)) if *last == name => {
                return Err(about(name, "it stands in the package twice"));
            }
            Some((last, _)) if name < *last => {
                return Err(about(name, "the files are not in the order of their names"));
            }
            _ => {}
        }
        let (bytes, after) = after.split_at_checked(size).ok_or_else(cut)?;
        let padding = size.next_multiple_of(BLOCK) - size;
        let (padding, after) = after.split_at_checked(padding).ok_or_else(cut)?;
        if padding.iter().any(|it| *it != 0) {
            return Err(about(name, "something stands between this file and the next"));
        }
        files.insert(name, bytes.to_vec());
        rest = after;
    }
}

/// The name and the size that a header says, if it says nothing else.
fn entry(head: &[u8]) -> Result<(String, usize), PackageError> {
    let field = &head[NAME];
    let length = field.iter().position(|it| *it == 0).unwrap_or(field.len());
    let name = &field[..length];
    let what = match head[TYPE] {
        b'0' => None,
        b'1' | b'2' => Some("a link"),
        b'3' | b'4' => Some("a device"),
        b'5' => Some("a folder"),
        b'6' => Some("a pipe"),
        _ => Some("an extension"),
    };
    if let Some(what) = what {
        let rule = format!("it is {what}, and a package holds regular files only");
        return Err(about(name, rule));
    }
    let known = std::str::from_utf8(name).ok();
    let known = known.ok_or_else(|| about(name, "its name is not UTF-8"))?;
    contents::most_bytes(known)?;
    let size = size(&head[SIZE]).ok_or_else(|| about(name, "its size is no number"))?;
    contents::check_size(known, size)?;
    if head != header(known, size) {
        let rule = "its header says more than name and size: no owner, no time, mode 0644; \
                    `myrelay plugin pack` writes it so";
        return Err(about(name, rule));
    }
    Ok((known.to_owned(), size))
}

/// Eleven octal digits.
fn size(field: &[u8]) -> Option<usize> {
    let digits = field.strip_suffix(b"\0")?;
    let octal = digits.iter().all(|it| (b'0'..=b'7').contains(it));
    let digits = std::str::from_utf8(digits).ok().filter(|_| octal)?;
    usize::from_str_radix(digits, 8).ok()
}
