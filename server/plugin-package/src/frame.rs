//! The zstd frame around the archive: one, as long as it says, and never a bomb.

use std::io::Read as _;

use zstd::{bulk::Compressor, stream::read::Decoder};

use crate::{
    archive,
    contents::{ARCHIVE_BYTES, PACKAGE_BYTES},
    error::{PackageError, whole},
};

/// How hard to try. A level of its own would make another package of the same content.
const LEVEL: i32 = 12;
/// How far back a frame may look, as a power of two: 8 MiB, which is what has to be kept of it.
const WINDOW: u32 = 23;
const MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();

/// Packs an archive.
pub(crate) fn pack(tar: &[u8]) -> Result<Vec<u8>, PackageError> {
    let failed = |error: std::io::Error| whole(format!("it could not be packed: {error}"));
    let mut compressor = Compressor::new(LEVEL).map_err(failed)?;
    compressor.include_checksum(true).map_err(failed)?;
    compressor.include_contentsize(true).map_err(failed)?;
    let bytes = compressor.compress(tar).map_err(failed)?;
    if PACKAGE_BYTES < bytes.len() {
        return Err(too_large(bytes.len()));
    }
    Ok(bytes)
}

fn too_large(bytes: usize) -> PackageError {
    whole(format!("it has {bytes} bytes, and {PACKAGE_BYTES} are allowed"))
}

/// Unpacks one frame, of which nothing is left over.
pub(crate) fn unpack(bytes: &[u8]) -> Result<Vec<u8>, PackageError> {
    if PACKAGE_BYTES < bytes.len() {
        return Err(too_large(bytes.len()));
    }
    if !bytes.starts_with(&MAGIC) {
        return Err(whole("it is no plugin package: it does not begin as zstd does"));
    }
    let damaged = |error: std::io::Error| whole(format!("it is damaged: {error}"));
    let mut decoder = Decoder::with_buffer(bytes).map_err(damaged)?.single_frame();
    decoder.window_log_max(WINDOW).map_err(damaged)?;
    // One byte more shows that there is more, whatever the frame says of its length.
    let most = u64::try_from(ARCHIVE_BYTES).unwrap_or(u64::MAX);
    let mut tar = Vec::new();
    decoder.by_ref().take(most + 1).read_to_end(&mut tar).map_err(damaged)?;
    if ARCHIVE_BYTES < tar.len() {
        return Err(archive::too_large());
    }
    let left = decoder.finish();
    if !left.is_empty() {
        return Err(whole(format!("{} bytes follow after its end", left.len())));
    }
    Ok(tar)
}
