//! What an agent sends, as the portal reads it: one meaning, and no more memory than its bytes.

use myrelay_node_protocol::{
    CheckAnswer, EnrolRequest, ObservedState, RenewRequest, UsageReport, period_end_ms,
    period_start_ms,
};
use serde::{Serialize, de::DeserializeOwned};

pub(crate) fn run(input: &[u8]) -> bool {
    let report = read::<UsageReport>(input);
    for record in report.iter().flat_map(|it| &it.records) {
        months(record.hour_ms);
    }
    // A request to join reads as no other message, and so on.
    let read = [
        read::<EnrolRequest>(input).is_some(),
        read::<RenewRequest>(input).is_some(),
        read::<CheckAnswer>(input).is_some(),
        read::<ObservedState>(input).is_some(),
        report.is_some(),
    ];
    let count = read.iter().filter(|it| **it).count();
    assert!(count <= 1, "one message has {count} meanings");
    count == 1
}

/// Reads a message and writes it again: that is the same message, and not much longer.
fn read<T: Serialize + DeserializeOwned>(input: &[u8]) -> Option<T> {
    let message: T = serde_json::from_slice(input).ok()?;
    let wire = serde_json::to_vec(&message).expect("what was read can be written");
    assert!(wire.len() <= 6 * input.len() + 1024, "{} bytes became {}", input.len(), wire.len());
    let again: T = serde_json::from_slice(&wire).expect("what was written can be read");
    assert_eq!(serde_json::to_vec(&again).ok(), Some(wire), "it reads back as it was");
    Some(message)
}

/// Whatever hour an agent names, the months of it are sound.
fn months(hour_ms: i64) {
    for day in [0, 1, 28, 31, 255] {
        let (start, end) = (period_start_ms(hour_ms, day), period_end_ms(hour_ms, day));
        assert!(start <= end, "{hour_ms}: {start} to {end}");
    }
}
