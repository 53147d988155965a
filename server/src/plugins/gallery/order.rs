//! The order of cards and of versions.

use std::cmp::Ordering;

use myrelay_app::contract::{GalleryRow, PackageCard, PackageSigner};
use semver::Version;

/// By name; of one plugin the later version first, and of one package the file that is signed.
/// What could not be read comes last.
pub(super) fn of_rows(one: &GalleryRow, other: &GalleryRow) -> Ordering {
    match (one, other) {
        (GalleryRow::Package(one), GalleryRow::Package(other)) => of_cards(one, other),
        (GalleryRow::Package(_), GalleryRow::Unreadable { .. }) => Ordering::Less,
        (GalleryRow::Unreadable { .. }, GalleryRow::Package(_)) => Ordering::Greater,
        (GalleryRow::Unreadable { file: one, .. }, GalleryRow::Unreadable { file: other, .. }) => {
            one.cmp(other)
        }
    }
}

fn of_cards(one: &PackageCard, other: &PackageCard) -> Ordering {
    let name = |it: &PackageCard| (it.name.to_lowercase(), it.plugin.clone());
    let is_unsigned = |it: &PackageCard| it.signer == PackageSigner::Nobody;
    name(one)
        .cmp(&name(other))
        .then_with(|| of_versions(&other.version, &one.version))
        .then_with(|| one.digest.cmp(&other.digest))
        .then_with(|| is_unsigned(one).cmp(&is_unsigned(other)))
        .then_with(|| one.file.cmp(&other.file))
}

/// Which of two versions is the later one (<https://semver.org/#spec-item-11>). Those that manifests
/// may have and semver has not, such as `1.0.0-01`, come before all others, in the order of letters.
pub(super) fn of_versions(one: &str, other: &str) -> Ordering {
    let read = |it: &str| Version::parse(it).ok();
    read(one).cmp(&read(other)).then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_in_the_order_of_semver() {
        let ascending = [
            "1.0.0-01",
            "0.9.9",
            "1.0.0-1",
            "1.0.0-2",
            "1.0.0-10",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0",
            "1.0.2",
            "1.0.10",
            "1.10.0",
            "10.0.0",
        ];
        for (index, one) in ascending.iter().enumerate() {
            for (at, other) in ascending.iter().enumerate() {
                assert_eq!(of_versions(one, other), index.cmp(&at), "{one} and {other}");
            }
        }
    }
}
