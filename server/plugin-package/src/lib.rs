//! Plugin packages: the one file that a plugin is handed on in, and who signed it.
//!
//! A `.pplug` is a tar archive inside one zstd frame. The same content is the same bytes, and
//! whatever is not written as [`Package::pack`] writes it is refused: there is one form, so that
//! what was looked at, signed and installed is the same.

mod archive;
mod contents;
mod error;
mod frame;
mod package;
mod rotation;
mod schema;
mod servers;
mod signature;

pub use contents::{ARCHIVE_BYTES, ENTRIES, PACKAGE_BYTES};
pub use error::PackageError;
pub use package::Package;
pub use rotation::{ROTATION_BYTES, Rotation, RotationError};
pub use schema::{ConfigSchema, SettingsProblem};
pub use signature::{
    PublisherKey, SignatureError, Signed, SigningKey, keygen, peek_key_id, sign, verify,
};
