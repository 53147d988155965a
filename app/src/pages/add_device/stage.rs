//! How far the adding of a device has come.

use leptos::prelude::*;

use crate::contract::PortalError;
#[cfg(feature = "browser")]
use crate::pages::add_device::flow::{Added, Finished};

/// The three steps. All but the first happen in the browser only.
#[derive(Clone)]
pub(super) enum Stage {
    Naming,
    /// Added; the pod has no key yet.
    #[cfg(feature = "browser")]
    Waiting(Added),
    #[cfg(feature = "browser")]
    Ready(Added, Finished),
}

/// What the island's parts share.
#[derive(Clone, Copy)]
pub(super) struct Flow {
    pub(super) pod: StoredValue<String>,
    pub(super) stage: RwSignal<Stage>,
    /// Whether the browser runs this: until then nothing can be pressed.
    pub(super) awake: RwSignal<bool>,
    /// Whether an answer is awaited: until then nothing can be pressed twice.
    pub(super) busy: RwSignal<bool>,
    pub(super) error: RwSignal<Option<PortalError>>,
}

impl Flow {
    pub(super) fn new(pod: String) -> Self {
        Self {
            pod: StoredValue::new(pod),
            stage: RwSignal::new(Stage::Naming),
            awake: RwSignal::new(false),
            busy: RwSignal::new(false),
            error: RwSignal::new(None),
        }
    }

    pub(super) fn is_naming(self) -> bool {
        matches!(&*self.stage.read(), Stage::Naming)
    }
}
