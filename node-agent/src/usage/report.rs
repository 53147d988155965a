//! Tells the portal what was counted.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use http::StatusCode;
use myrelay_node_protocol::UsageReport;
use tokio::time::{Instant, sleep};

use crate::{backoff::Backoff, faults::Part, link::LinkError, node::Node, system::jitter};

/// What was refused is offered again after this many usual pauses: an hour.
const OFFERED_AGAIN: u32 = 60;
/// After so many refusals in one go, what is refused is not looked at record by record.
const REFUSALS: usize = 100;

/// Reports whenever there is a stream to the portal. What is reported is on the disk before, and
/// may be reported twice.
pub(crate) async fn report_for_ever(node: Arc<Node>) -> Infallible {
    let mut contact = node.contact.subscribe();
    let mut backoff = Backoff::new(node.pace);
    let mut offered = Instant::now();
    loop {
        // The sender lives as long as the node.
        drop(contact.wait_for(|it| it.since_ms.is_some()).await);
        if node.pace.usage * OFFERED_AGAIN <= offered.elapsed() {
            node.usage.ledger.lock().await.offer_again();
            offered = Instant::now();
        }
        let pause = match report(&node).await {
            Ok(()) => {
                backoff = Backoff::new(node.pace);
                node.pace.usage
            }
            Err(error) => {
                tracing::warn!(%error, "the counted traffic did not reach the portal");
                backoff.pause(Duration::ZERO, jitter(node.system.as_ref()))
            }
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = node.usage.hurry.notified() => {}
        }
    }
}

/// One go: everything that the portal does not have now. A report that is refused is halved until
/// the record is found that the portal does not want; the others get there.
async fn report(node: &Arc<Node>) -> Result<(), LinkError> {
    // What is not on the disk is not reported.
    let Some(due) = node.usage.keep(node).await else { return Ok(()) };
    let mut due = VecDeque::from(due);
    let (mut refusals, mut last) = (0, None);
    while let Some(mut report) = due.pop_front() {
        match node.post::<_, ()>("/v1/usage", &report).await {
            Ok(()) => taken(node, &report).await,
            Err(error) if is_about_records(&error) => {
                refusals += 1;
                last = Some(error.to_string());
                let half = report.records.len() / 2;
                if half == 0 || REFUSALS < refusals {
                    node.usage.ledger.lock().await.refuse(&report);
                } else {
                    let records = report.records.split_off(half);
                    due.push_front(UsageReport { counter: report.counter.clone(), records });
                    due.push_front(report);
                }
            }
            Err(error) => {
                if matches!(error, LinkError::Refused { .. }) {
                    let fault = format!("the counted traffic is kept here: {error}");
                    node.faults.set(Part::UsageReport, Some(fault));
                }
                return Err(error);
            }
        }
    }
    let refused = node.usage.ledger.lock().await.refused();
    if refused == 0 {
        node.faults.set(Part::UsageReport, None);
    } else if let Some(last) = last {
        let fault = format!(
            "{refused} of the counted hours stay here, and are offered again in an hour: {last}"
        );
        node.faults.set(Part::UsageReport, Some(fault));
    }
    Ok(())
}

async fn taken(node: &Node, report: &UsageReport) {
    let mut ledger = node.usage.ledger.lock().await;
    ledger.taken(report);
    let (waiting, accepted_ms) = (ledger.waiting(), Some(node.system.now_ms()));
    node.usage.status.send_modify(|it| (it.waiting, it.accepted_ms) = (waiting, accepted_ms));
}

/// Whether the portal refused what the report says, and not the node or the moment.
fn is_about_records(error: &LinkError) -> bool {
    matches!(
        error,
        LinkError::Refused {
            status: StatusCode::BAD_REQUEST
                | StatusCode::PAYLOAD_TOO_LARGE
                | StatusCode::UNPROCESSABLE_ENTITY,
            ..
        }
    )
}
