//! The import `log`: bounded, cleaned, and counted beyond its bounds.

use crate::{
    bindings::log::{Host, Level},
    limits::{LOG_BYTES, LOG_FLOOD, LOG_LINE_BYTES, LOG_LINES, LimitName},
    messages::LogLine,
    state::{CallState, Stop},
    text,
};

/// How many named values a line keeps.
const FIELDS: usize = 16;
const NAME_BYTES: usize = 64;

/// What one call wrote.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) lines: Vec<LogLine>,
    bytes: usize,
    pub(crate) dropped: u64,
}

impl Log {
    fn push(&mut self, line: LogLine) {
        let fields = line.fields.iter().map(|(name, value)| name.len() + value.len());
        let bytes = line.message.len() + fields.sum::<usize>();
        if self.lines.len() == LOG_LINES || LOG_BYTES < self.bytes + bytes {
            self.dropped += 1;
        } else {
            self.bytes += bytes;
            self.lines.push(line);
        }
    }
}

impl Host for CallState {
    fn log(
        &mut self,
        level: Level,
        message: String,
        fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        if LOG_FLOOD <= self.log.dropped {
            return Err(Stop::limit(
                LimitName::Log,
                format!("{LOG_FLOOD} lines were dropped already"),
            ));
        }
        if self.log.lines.len() == LOG_LINES {
            self.log.dropped += 1;
            return Ok(());
        }
        let clean = |text: &str, most| text::line(&self.scrubber.text(text), most);
        let mut left = LOG_LINE_BYTES;
        let mut taken = |text: &str, most: usize| {
            let text = clean(text, most.min(left));
            left -= text.len().min(left);
            text
        };
        let message = taken(&message, LOG_LINE_BYTES);
        let fields = fields.iter().take(FIELDS);
        let fields = fields
            .map(|(name, value)| (taken(name, NAME_BYTES), taken(value, LOG_LINE_BYTES)))
            .collect();
        self.log.push(LogLine { level, message, fields });
        Ok(())
    }
}
