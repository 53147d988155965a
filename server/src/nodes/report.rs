//! What a node says of itself: within bounds, and written down.

use myrelay_domain::ids::NodeId;
use myrelay_node_protocol::{MAX_FAULT_CHARS, MAX_FAULTS, ObservedState};

use super::{store, wanted_in};
use crate::{Error, Result, context::Context, database::Write};

/// The longest of the short words of a report, in characters.
const WORD_CHARS: usize = 64;
/// The longest name of an interface, in bytes (`IFNAMSIZ` less one, linux/if.h).
const INTERFACE_CHARS: usize = 15;

/// Writes down what a node says of itself. A report that is older than the last one, or that says
/// more than a report may, is refused whole.
pub(crate) async fn record_observed(
    context: &Context,
    tx: &mut Write,
    node: NodeId,
    observed: &ObservedState,
) -> Result<()> {
    ensure_bounds(observed)?;
    let wanted = wanted_in(tx, node).await?;
    if observed.epoch.0 == context.deployment.epoch.unsigned_abs() && wanted < observed.generation {
        return Err(Error::invalid("generation", "nobody has wanted this generation yet"));
    }
    if !store::record_observed(tx, node, observed, context.now()).await? {
        return Err(Error::invalid(
            "sequence",
            "a newer report of this node was taken already: two agents may run with one identity",
        ));
    }
    Ok(())
}

fn ensure_bounds(observed: &ObservedState) -> Result<()> {
    ensure_words("boot_id", &observed.boot_id, WORD_CHARS)?;
    ensure_words("agent_version", &observed.agent_version, WORD_CHARS)?;
    ensure_words("backend", &observed.backend, WORD_CHARS)?;
    for (field, list, chars) in [
        ("faults", &observed.faults, MAX_FAULT_CHARS),
        ("foreign", &observed.foreign, INTERFACE_CHARS),
    ] {
        if MAX_FAULTS < list.len() {
            return Err(Error::invalid(field, format!("at most {MAX_FAULTS}")));
        }
        list.iter().try_for_each(|it| ensure_words(field, it, chars))?;
    }
    observed.hardening.values().try_for_each(|it| {
        // Where all is well there is nothing to say.
        if it.detail.is_empty() {
            return Ok(());
        }
        ensure_words("hardening", &it.detail, MAX_FAULT_CHARS)
    })
}

/// Refuses a text of a report that is empty, long, or more than one line of words.
pub(crate) fn ensure_words(field: &'static str, text: &str, chars: usize) -> Result<()> {
    let fits = (1..=chars).contains(&text.chars().count());
    if fits && !text.chars().any(char::is_control) {
        return Ok(());
    }
    let message = format!("1 to {chars} characters, none of them control characters");
    Err(Error::invalid(field, message))
}
