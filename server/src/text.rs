//! Texts of others in pages and messages of ours.

/// A text of somebody else as part of a line of ours: no control characters, nothing invisible that
/// turns the direction of writing, no runs of spaces, at most so many characters.
pub(crate) fn plain(text: &str, most: usize) -> String {
    let invisible = |c: char| {
        matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
    };
    let visible: String = text
        .chars()
        .filter(|c| !invisible(*c))
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let words = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= most {
        return words;
    }
    let kept: String = words.chars().take(most.saturating_sub(1)).collect();
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_else_wrote_is_a_part_of_a_line() {
        assert_eq!(plain("a\r\nBcc: x@y\tz", 80), "a Bcc: x@y z");
        assert_eq!(plain("a\u{202e}b\u{200b}c\u{2066}\u{0}", 80), "abc");
        assert_eq!(plain("  many   words ", 6), "many …");
    }
}
