//! What happens in the browser: make a key, send its public half, wait, show.

use std::{sync::Arc, time::Duration};

use leptos::{prelude::*, task::spawn_local, web_sys::HtmlInputElement};
use myrelay_domain::names::Name;
use zeroize::Zeroizing;

use super::{
    calls, finished,
    island::{Flow, LAST_STEP, PLACE_NAMED, PLACE_READY, PLACE_SENT},
    texts,
};
use crate::{
    browser::{self, Placed, keys::PrivateKey},
    client_config,
    contract::{AddPeer, ClientConfig, PeerView, PortalError},
};

/// How long to wait before asking for a configuration again, at first and at most.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// A device that the portal has, and its private key, which only this page has.
struct Added {
    peer: PeerView,
    key: PrivateKey,
}

/// A configuration with the private key in it.
#[derive(Clone)]
pub(super) struct Finished {
    pub(super) peer: PeerView,
    pub(super) text: Arc<Zeroizing<String>>,
    /// `name.conf`.
    pub(super) file: String,
}

impl Flow {
    /// Makes a key and adds the device. A second press while the first is under way does nothing.
    pub(super) fn make(self, input: HtmlInputElement) {
        if self.busy.get_untracked() {
            return;
        }
        self.error.set(None);
        let name = input.value();
        if let Err(error) = Name::parse(&name) {
            self.refuse(PortalError::invalid("name", error), &input);
            return;
        }
        let Some(key) = PrivateKey::generate() else {
            self.refuse(
                PortalError::Unavailable { message: texts::NO_RANDOMNESS.to_owned() },
                &input,
            );
            return;
        };
        self.busy.set(true);
        spawn_local(async move {
            match self.add(name, key).await {
                Ok(()) => browser::focus(LAST_STEP),
                Err(error) => self.refuse(error, &input),
            }
            self.busy.set(false);
        });
    }

    fn refuse(self, error: PortalError, input: &HtmlInputElement) {
        self.error.set(Some(error));
        // A field that cannot be focused is no reason to stop.
        drop(input.focus());
    }

    async fn add(self, name: String, key: PrivateKey) -> Result<(), PortalError> {
        let public_key = key.public().ok_or_else(bad_answer)?.to_string();
        let input = AddPeer { pod: self.pod.get_value(), name, public_key };
        let call = calls::AddDeviceCall { input };
        let sent = serde_json::to_string(&call).ok().ok_or_else(bad_answer)?;
        let answer = calls::add_device(call.input).await?;
        let added = Added { peer: answer.peer, key };
        self.unsaved.set_value(true);
        browser::ask_before_leaving(move || self.unsaved.get_value());
        self.added.set(true);
        let named = texts::named(&added.peer.name);
        browser::place(PLACE_NAMED, || view! { <p>{named}</p> }).stay();
        browser::place(PLACE_SENT, || finished::sent(sent)).stay();
        match answer.config {
            Some(config) => self.show(added, &config),
            None => {
                let waiting = browser::place(PLACE_READY, move || finished::waiting(self));
                self.wait(added, waiting, FIRST_WAIT);
                Ok(())
            }
        }
    }

    /// Asks for the configuration until it is there.
    fn wait(self, mut added: Added, waiting: Placed, delay: Duration) {
        let ask = async move {
            let error = match calls::client_config(added.peer.id.to_string()).await {
                Ok(config) => {
                    waiting.remove();
                    // The node has answered since, and got the device with the same answer.
                    added.peer.applied = true;
                    self.show(added, &config).err()
                }
                Err(
                    PortalError::Unavailable { .. }
                    | PortalError::Busy { .. }
                    | PortalError::Unreachable
                    | PortalError::Internal { .. },
                ) => {
                    self.wait(added, waiting, LONGEST_WAIT.min(delay * 2));
                    None
                }
                // The notice stays, and the error says why nothing comes after it.
                Err(error) => {
                    waiting.stay();
                    Some(error)
                }
            };
            self.error.set(error);
        };
        set_timeout(move || spawn_local(ask), delay);
    }

    fn show(self, added: Added, config: &ClientConfig) -> Result<(), PortalError> {
        let Added { peer, key } = added;
        let text = client_config::render(config, Some(key.bytes())).ok().ok_or_else(bad_answer)?;
        let file = format!("{}.conf", client_config::tunnel_name(&peer.name));
        let finished = Finished { peer, text: Arc::new(text), file };
        browser::place(PLACE_READY, move || finished::ready(self, finished)).stay();
        Ok(())
    }

    /// The configuration is on its way to the device: the page may be left.
    pub(super) fn saved(self) {
        self.unsaved.set_value(false);
    }
}

/// There is one thing to say, whatever was wrong with the answer.
fn bad_answer() -> PortalError {
    PortalError::Unavailable { message: texts::BAD_ANSWER.to_owned() }
}
