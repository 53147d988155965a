//! The key pair of a device. The private half has no way out of the page but the configuration.

use zeroize::Zeroizing;

pub(crate) use crate::device_key::PrivateKey;

impl PrivateKey {
    /// 32 bytes of `crypto.getRandomValues`; none where the browser has no such thing.
    pub(crate) fn generate() -> Option<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        let crypto = leptos::prelude::window().crypto().ok()?;
        crypto.get_random_values_with_u8_array(&mut *bytes).ok()?;
        (*bytes != [0; 32]).then(|| Self::clamped(bytes))
    }
}
