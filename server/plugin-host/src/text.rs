//! Texts that a plugin wrote and people read.

/// Whether a character would do something to the text around it: controls, and what turns its
/// direction.
pub(crate) fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One line of at most so many bytes, with a mark in place of every hostile character.
pub(crate) fn line(text: &str, most: usize) -> String {
    let mut line = String::new();
    for c in text.chars() {
        let c = if is_hostile(c) { '\u{fffd}' } else { c };
        if most < line.len() + c.len_utf8() + '…'.len_utf8() {
            line.push('…');
            return line;
        }
        line.push(c);
    }
    line
}

/// Whether a text may stand in an answer: several lines are fine, and nothing hostile.
pub(crate) fn is_sound(text: &str) -> bool {
    !text.chars().any(|c| is_hostile(c) && c != '\n' && c != '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_and_ends() {
        assert_eq!(
            line("a\r\nb\u{1b}[31m\u{202e}c", 100),
            "a\u{fffd}\u{fffd}b\u{fffd}[31m\u{fffd}c"
        );
        assert_eq!(line("ééééééé", 9), "ééé…");
        assert_eq!(line("short", 100), "short");
        assert!(is_sound("two\nlines") && !is_sound("a\0b") && !is_sound("\u{2066}"));
    }
}
