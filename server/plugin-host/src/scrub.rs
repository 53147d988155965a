//! Takes secrets out of what comes back.

use std::borrow::Cow;

/// Shorter texts are everywhere, and would tear holes into answers.
const SHORTEST: usize = 4;

/// What stands in a secret's place.
const MARK: &[u8] = b"[secret]";

/// The exact bytes to take out: secrets as they are, and in the forms they were sent in.
#[derive(Clone, Default)]
pub(crate) struct Scrubber {
    /// Longest first, so that a secret within another leaves nothing of it.
    needles: Vec<zeroize::Zeroizing<Vec<u8>>>,
}

impl Scrubber {
    pub(crate) fn add(&mut self, secret: &[u8]) {
        if SHORTEST <= secret.len() {
            self.needles.push(secret.to_vec().into());
            self.needles.sort_by_key(|it| std::cmp::Reverse(it.len()));
        }
    }

    pub(crate) fn bytes<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        let mut begins = [false; 256];
        for needle in &self.needles {
            begins[usize::from(needle[0])] = true;
        }
        let (mut clean, mut kept, mut at) = (Vec::new(), 0, 0);
        while at < text.len() {
            let found = begins[usize::from(text[at])]
                .then(|| self.needles.iter().find(|it| text[at..].starts_with(it)))
                .flatten();
            if let Some(needle) = found {
                clean.extend_from_slice(&text[kept..at]);
                clean.extend_from_slice(MARK);
                at += needle.len();
                kept = at;
            } else {
                at += 1;
            }
        }
        if kept == 0 {
            return Cow::Borrowed(text);
        }
        clean.extend_from_slice(&text[kept..]);
        Cow::Owned(clean)
    }

    pub(crate) fn text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.bytes(text.as_bytes())).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_goes_wherever_it_stands() {
        let mut scrubber = Scrubber::default();
        scrubber.add(b"sk_live_1");
        scrubber.add(b"sk_live_1_and_more");
        scrubber.add(b"abc");
        assert_eq!(scrubber.text("sk_live_1"), "[secret]");
        assert_eq!(scrubber.text("<sk_live_1_and_more>sk_live_1"), "<[secret]>[secret]");
        assert_eq!(scrubber.text("ssk_live_1k_live_1"), "s[secret]k_live_1");
        assert_eq!(scrubber.text("abc stays: it is too short"), "abc stays: it is too short");
        assert!(matches!(scrubber.bytes(b"nothing"), Cow::Borrowed(_)));
    }
}
