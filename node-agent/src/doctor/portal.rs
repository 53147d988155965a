//! The portal: whether it answers, whether it is the right one, and what its clock says.

use std::sync::Arc;

use jiff::Timestamp;

use super::Finding;
use crate::{
    identity::{Identity, IdentityError},
    link::{self, LinkError},
    system::System,
};

/// Certificates live 24 hours and are renewed at half of that.
const LATE_MS: i64 = 6 * 3_600_000;
/// The portal's clock comes in whole seconds, and some time after it was read.
const CLOSE_MS: i64 = 5_000;
const FAR_MS: i64 = 10 * 60_000;

pub(super) fn certificate(
    identity: &Result<Identity, IdentityError>,
    system: &dyn System,
) -> Finding {
    const NAME: &str = "certificate";
    let identity = match identity {
        Ok(identity) => identity,
        Err(error @ IdentityError::Damaged(_)) => {
            let advice = "Take a new join line from the portal and run it with `--again`.";
            return Finding::bad(NAME, error.to_string(), advice);
        }
        Err(_) => {
            let advice = "Run the join line that the portal shows, or this as root.";
            return Finding::unknown(NAME, "no certificate to look at", advice);
        }
    };
    let until_ms = identity.validity().not_after_ms;
    let left_ms = until_ms.saturating_sub(system.now_ms());
    let found = format!("the node's certificate ends at {}", time(until_ms));
    if left_ms <= 0 {
        let advice = "Check the clock. If it is right, take a new join line from the portal and run \
                      it with `--again`; pods stay meanwhile.";
        Finding::bad(NAME, found, advice)
    } else if left_ms < LATE_MS {
        let advice = "It should be renewed by now: see `portal`, and `myrelay-agent status`.";
        Finding::warn(NAME, found, advice)
    } else {
        Finding::ok(NAME, found)
    }
}

/// One connection, and one request that asks for nothing.
pub(super) async fn talk(
    identity: &Result<Identity, IdentityError>,
    system: &Arc<dyn System>,
) -> [Finding; 2] {
    const PORTAL: &str = "portal";
    const CLOCK: &str = "clock";
    let Ok(identity) = identity else {
        return [
            Finding::unknown(
                PORTAL,
                "this machine knows no portal",
                "Join it to one, or run this as root.",
            ),
            Finding::unknown(
                CLOCK,
                "there is no portal to compare with",
                "Check it with `timedatectl`.",
            ),
        ];
    };
    match link::greet(identity, system).await {
        Ok(greeting) => {
            let mut found = format!("{} answers", identity.portal);
            if let Some(until_ms) = greeting.certificate_until_ms {
                found = format!("{found}; its certificate ends at {}", time(until_ms));
            }
            [Finding::ok(PORTAL, found), clock(greeting.skew_ms)]
        }
        Err(error) => {
            let clock = match &error {
                LinkError::Clock(_) => Finding::bad(
                    CLOCK,
                    "one of both clocks is far off: no certificate is valid at this machine's time",
                    "Set the clock, and let it be kept: `timedatectl set-ntp true`.",
                ),
                _ => Finding::unknown(
                    CLOCK,
                    "the portal did not tell its time",
                    "Check it with `timedatectl`.",
                ),
            };
            let advice = "Pods go on without it. Check the network, a firewall in between, and that \
                          the portal runs.";
            [Finding::bad(PORTAL, error.to_string(), advice), clock]
        }
    }
}

fn clock(skew_ms: Option<i64>) -> Finding {
    const NAME: &str = "clock";
    let advice = "Let the clock be kept: `timedatectl set-ntp true`. Certificates and months depend \
                  on it.";
    let Some(skew_ms) = skew_ms else {
        return Finding::unknown(NAME, "the portal did not tell its time", advice);
    };
    let far = skew_ms.unsigned_abs();
    let found = match (far < CLOSE_MS.unsigned_abs(), 0 < skew_ms) {
        (true, _) => return Finding::ok(NAME, "as the portal's"),
        (false, true) => format!("{} s ahead of the portal's", far / 1000),
        (false, false) => format!("{} s behind the portal's", far / 1000),
    };
    if FAR_MS.unsigned_abs() <= far {
        Finding::bad(NAME, found, advice)
    } else {
        Finding::warn(NAME, found, advice)
    }
}

fn time(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| format!("{ms} ms"), |it| it.to_string())
}
