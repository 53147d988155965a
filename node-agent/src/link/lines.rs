//! Lines out of a stream of bytes, none longer than a limit.

use std::time::Duration;

use myrelay_node_protocol::{MAX_MESSAGE_BYTES, StateMessage};
use tokio::time::timeout;

use super::{LinkError, connection::Stream};

/// Reads one message per line.
pub(crate) struct Lines {
    stream: Stream,
    buffer: LineBuffer,
}

impl Lines {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream, buffer: LineBuffer::default() }
    }

    /// The next message. Any byte is a sign of life; `silence` without one is an error, and so is
    /// the end of the stream.
    pub(crate) async fn next(&mut self, silence: Duration) -> Result<StateMessage, LinkError> {
        loop {
            if let Some(line) = self.buffer.take_line()? {
                return serde_json::from_slice(&line)
                    .map_err(|error| LinkError::Nonsense(error.to_string()));
            }
            match timeout(silence, self.stream.next()).await {
                Ok(bytes) => self.buffer.bytes.extend_from_slice(&bytes?.ok_or(LinkError::Closed)?),
                Err(_elapsed) => return Err(LinkError::Silent),
            }
        }
    }
}

#[derive(Default)]
struct LineBuffer {
    bytes: Vec<u8>,
    /// Up to here there is no end of line.
    searched: usize,
}

impl LineBuffer {
    fn take_line(&mut self) -> Result<Option<Vec<u8>>, LinkError> {
        let end = self.bytes[self.searched..].iter().position(|it| *it == b'\n');
        let length = end.map_or(self.bytes.len(), |it| self.searched + it);
        if MAX_MESSAGE_BYTES < length {
            return Err(LinkError::Nonsense(format!("a line above {MAX_MESSAGE_BYTES} bytes")));
        }
        if end.is_none() {
            self.searched = length;
            return Ok(None);
        }
        let rest = self.bytes.split_off(length + 1);
        let mut line = std::mem::replace(&mut self.bytes, rest);
        self.searched = 0;
        line.pop();
        Ok(Some(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_however_they_were_cut() {
        let text = b"one\n\ntwo\nthree\n";
        for size in 1..=text.len() {
            let mut buffer = LineBuffer::default();
            let mut lines = Vec::new();
            for piece in text.chunks(size) {
                buffer.bytes.extend_from_slice(piece);
                while let Some(line) = buffer.take_line().unwrap() {
                    lines.push(String::from_utf8(line).unwrap());
                }
            }
            assert_eq!(lines, ["one", "", "two", "three"]);
        }
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut buffer = LineBuffer { bytes: vec![b'x'; MAX_MESSAGE_BYTES], searched: 0 };
        assert!(buffer.take_line().unwrap().is_none());
        buffer.bytes.push(b'x');
        assert!(matches!(buffer.take_line(), Err(LinkError::Nonsense(_))));
    }
}
