//! How numbers are told.

/// `812 B`, `84.2 KiB`, `1.1 MiB`.
pub(crate) fn bytes(bytes: usize) -> String {
    let (whole, unit) = match bytes {
        0..1024 => return format!("{bytes} B"),
        1024..0x0010_0000 => (1024, "KiB"),
        _ => (0x0010_0000, "MiB"),
    };
    format!("{}.{} {unit}", bytes / whole, bytes % whole * 10 / whole)
}

/// `3.1 ms`.
pub(crate) fn microseconds(us: u64) -> String {
    format!("{}.{} ms", us / 1000, us % 1000 / 100)
}

/// Whether more than four fifths of a limit are used.
pub(crate) fn is_near(used: u64, limit: u64) -> bool {
    limit.saturating_mul(4) < used.saturating_mul(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_as_people_read_them() {
        assert_eq!(bytes(812), "812 B");
        assert_eq!(bytes(86_220), "84.1 KiB");
        assert_eq!(bytes(1 << 20), "1.0 MiB");
        assert_eq!(microseconds(3_149), "3.1 ms");
        assert!(!is_near(80, 100) && is_near(81, 100) && is_near(1, 0) && !is_near(0, 0));
    }
}
