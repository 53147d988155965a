//! Why a package is refused: which part of it, and by which rule.

/// What is wrong with a package.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{entry}: {rule}")]
pub struct PackageError {
    /// The file in the package, or `the package` where it is not about one.
    pub entry: String,
    /// What must be so.
    pub rule: String,
}

/// The most of an entry's name that is shown.
const SHOWN: usize = 120;

/// An error about one file. Its name is shown with every odd byte escaped.
pub(crate) fn about(entry: impl AsRef<[u8]>, rule: impl Into<String>) -> PackageError {
    let mut shown = entry.as_ref().escape_ascii().to_string();
    if shown.is_empty() {
        shown.push_str("a file without a name");
    }
    if SHOWN < shown.len() {
        shown.truncate(SHOWN);
        shown.push('…');
    }
    PackageError { entry: shown, rule: rule.into() }
}

/// An error about the package as a whole.
pub(crate) fn whole(rule: impl Into<String>) -> PackageError {
    about("the package", rule)
}
