//! Changes bytes at random, the same way every time.

/// What stands at the edge of something.
const EDGES: [&[u8]; 20] = [
    b"0",
    b"-1",
    b"1",
    b"33",
    b"128",
    b"129",
    b"255",
    b"65536",
    b"4294967295",
    b"18446744073709551615",
    b"9223372036854775808",
    b"null",
    b"\"\"",
    b"[]",
    b"{}",
    b"\n",
    b"\0",
    b"::ffff:0.0.0.0/96",
    b"255.255.255.255",
    b"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
];
/// Nothing grows beyond this.
const LONGEST: usize = 64 * 1024;

/// Xorshift64* (Vigna 2016): small, and the same on every machine.
pub(crate) struct Mutator(u64);

impl Mutator {
    /// Made from a target's name, so that each has a path of its own.
    pub(crate) fn of(name: &str) -> Self {
        Self(name.bytes().fold(0x9e37_79b9_7f4a_7c15, |seed, byte| {
            (seed ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3) | 1
        }))
    }

    /// A number below `end`; 0 where there is none.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap_or_default().checked_rem(end).unwrap_or_default()
    }

    /// One to four changes of one input, with parts of another.
    pub(crate) fn change(&mut self, input: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = input.to_vec();
        for _ in 0..=self.below(4) {
            self.change_once(&mut bytes, other);
        }
        bytes.truncate(LONGEST);
        bytes
    }

    fn change_once(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let (start, end) = self.range(bytes.len());
        match self.below(9) {
            0 => bytes.truncate(start),
            1 => drop(bytes.drain(start..end)),
            2 => {
                let part = bytes[start..end].to_vec();
                bytes.splice(end..end, part);
            }
            3 => {
                let (from, to) = self.range(other.len());
                bytes.splice(start..end, other[from..to].iter().copied());
            }
            4 => {
                let bit = 1 << self.below(8);
                if let Some(byte) = bytes.get_mut(start) {
                    *byte ^= bit;
                }
            }
            5 => {
                let edge = EDGES[self.below(EDGES.len())];
                bytes.splice(start..start, edge.iter().copied());
            }
            6 => self.replace_word(bytes, start, u8::is_ascii_digit),
            7 => self.replace_word(bytes, start, u8::is_ascii_alphanumeric),
            _ => self.move_line(bytes),
        }
    }

    /// Another number or word in place of the next one: what a parser of text gets past.
    fn replace_word(&mut self, bytes: &mut Vec<u8>, start: usize, is_part: fn(&u8) -> bool) {
        let Some(first) = bytes[start..].iter().position(is_part).map(|it| start + it) else {
            return;
        };
        let length = bytes[first..].iter().take_while(|it| is_part(it)).count();
        let edge = EDGES[self.below(EDGES.len())];
        bytes.splice(first..first + length, edge.iter().copied());
    }

    /// A line again, or in another place.
    fn move_line(&mut self, bytes: &mut Vec<u8>) {
        let mut lines: Vec<&[u8]> = bytes.split(|it| *it == b'\n').collect();
        let (from, to) = (self.below(lines.len()), self.below(lines.len()));
        let line = if self.below(2) == 0 { lines[from] } else { lines.remove(from) };
        lines.insert(to.min(lines.len()), line);
        *bytes = lines.join(&b'\n');
    }

    /// Mostly short.
    fn range(&mut self, length: usize) -> (usize, usize) {
        let start = self.below(length);
        let longest = if self.below(4) == 0 { length } else { 16 };
        (start, length.min(start + self.below(longest)))
    }
}
