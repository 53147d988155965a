//! Reading and writing files, with errors that name them.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    process,
};

use anyhow::{Context as _, Result, bail};

/// A file of at most so many bytes.
pub(crate) fn read(place: &Path, most: usize) -> Result<Vec<u8>> {
    let shown = place.display();
    let file = File::open(place).with_context(|| format!("cannot read {shown}"))?;
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).with_context(|| format!("cannot read {shown}"))?;
    if most < bytes.len() {
        bail!("{shown} has more than the {most} bytes that are allowed");
    }
    Ok(bytes)
}

/// A text of at most so many bytes.
pub(crate) fn read_text(place: &Path, most: usize) -> Result<String> {
    let text = String::from_utf8(read(place, most)?);
    text.with_context(|| format!("{} is not UTF-8", place.display()))
}

/// Writes a file anew, as a whole or not at all.
pub(crate) fn write(place: &Path, bytes: &[u8]) -> Result<()> {
    let beside = place.with_added_extension(format!("{}.new", process::id()));
    create(&beside, bytes, 0o644)?;
    let moved = fs::rename(&beside, place);
    if moved.is_err() {
        let _left = fs::remove_file(&beside);
    }
    moved.with_context(|| format!("cannot write {}", place.display()))
}

/// Writes a file where there was none.
pub(crate) fn create(place: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let shown = place.display();
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    let mut file = options.open(place).with_context(|| format!("cannot make {shown}"))?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        let _left = fs::remove_file(place);
    }
    written.with_context(|| format!("cannot write {shown}"))
}
