//! The header that says who sent a webhook, as plugins in Rust read it.

#[expect(unreachable_pub, reason = "a file of the SDK, where these are for plugins")]
#[path = "../../../plugins/sdk/src/scheme.rs"]
mod scheme;

use scheme::{Timed, hex};

pub(crate) fn run(input: &[u8]) -> bool {
    let Ok(header) = std::str::from_utf8(input) else { return false };
    if let Some(bytes) = hex(header) {
        assert_eq!(bytes.len() * 2, header.len());
        let written: String = bytes.iter().map(|it| format!("{it:02x}")).collect();
        assert!(written.eq_ignore_ascii_case(header), "{header}");
    }
    let Some(Timed { stamp, seconds, tags }) = Timed::read(header) else { return false };
    assert_eq!(stamp.parse(), Ok(seconds));
    assert!(stamp.bytes().all(|it| it.is_ascii_digit()), "{stamp}");
    // What is signed begins with the stamp: there is one, and it stands in the header.
    assert!(header.contains(&format!("t={stamp}")), "{header}");
    assert!(tags.len() <= 8, "{header}");
    let longest = tags.iter().map(Vec::len).max().unwrap_or_default();
    assert!(longest * 2 <= header.len());
    !tags.is_empty()
}
