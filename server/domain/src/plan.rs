//! Plans: what is sold, and the limits that come with it.

use crate::limits::TrafficLimits;

/// What a plan allows one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanLimits {
    /// How many pods at once.
    pub pods: u32,
    /// How many devices in each pod.
    pub devices_per_pod: u32,
    /// How fast each pod is, and how much it may move in a month.
    pub traffic: TrafficLimits,
}

/// A limit of the plan was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    #[error("your plan has {0} locations; remove one to add another")]
    Pods(u32),
    #[error("your plan has {0} devices per location; remove one to add another")]
    Devices(u32),
}

impl PlanLimits {
    /// What the plan of a new account allows, until the operator makes plans of their own.
    pub const FREE: Self =
        Self { pods: 2, devices_per_pod: 5, traffic: TrafficLimits { speed: None, quota: None } };

    /// Whether one more pod fits beside this many.
    pub fn ensure_pod(self, existing: u32) -> Result<(), LimitError> {
        if existing < self.pods { Ok(()) } else { Err(LimitError::Pods(self.pods)) }
    }

    /// Whether one more device fits beside this many.
    pub fn ensure_device(self, existing: u32) -> Result<(), LimitError> {
        if existing < self.devices_per_pod {
            Ok(())
        } else {
            Err(LimitError::Devices(self.devices_per_pod))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_fits_and_the_next_does_not() {
        let limits = PlanLimits { pods: 1, devices_per_pod: 2, ..PlanLimits::FREE };
        assert_eq!(limits.ensure_pod(0), Ok(()));
        assert_eq!(limits.ensure_pod(1), Err(LimitError::Pods(1)));
        assert_eq!(limits.ensure_device(1), Ok(()));
        assert_eq!(limits.ensure_device(2), Err(LimitError::Devices(2)));
    }
}
