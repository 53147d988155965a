//! What happens in the browser: make a key, send its public half, wait, show.

use std::{sync::Arc, time::Duration};

use leptos::{ev, prelude::*, task::spawn_local, web_sys::HtmlInputElement};
use myrelay_domain::names::Name;
use zeroize::Zeroizing;

use super::{
    calls,
    stage::{Flow, Stage},
    texts,
};
use crate::{
    browser::{self, keys::PrivateKey},
    client_config,
    contract::{AddPeer, ClientConfig, PeerView, PortalError},
};

/// How long to wait before asking for a configuration again, at first and at most.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// A device that the portal has, and its private key, which only this page has.
#[derive(Clone)]
pub(super) struct Added {
    pub(super) peer: PeerView,
    /// The body of the request that added it, as it was sent.
    pub(super) sent: String,
    key: Arc<PrivateKey>,
}

/// A configuration with the private key in it.
#[derive(Clone)]
pub(super) struct Finished {
    pub(super) text: Arc<Zeroizing<String>>,
    /// `name.conf`.
    pub(super) file: String,
    /// Whether it was copied, downloaded or said to be saved: until then leaving the page asks.
    pub(super) saved: RwSignal<bool>,
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
                Ok(()) => browser::focus("step-save"),
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
        let sent = serde_json::to_string(&call).map_err(|_| bad_answer())?;
        let added = calls::add_device(call.input).await?;
        let (peer, key) = (added.peer, Arc::new(key));
        let added_here = Added { peer, sent, key };
        browser::ask_before_leaving(move || self.is_unsaved());
        match added.config {
            Some(config) => self.show(added_here, &config),
            None => {
                self.stage.set(Stage::Waiting(added_here.clone()));
                self.wait(added_here, FIRST_WAIT);
                Ok(())
            }
        }
    }

    /// Asks for the configuration until it is there.
    fn wait(self, added: Added, delay: Duration) {
        let ask = async move {
            let error = match calls::client_config(added.peer.id.to_string()).await {
                Ok(config) => self.show(added, &config).err(),
                Err(
                    PortalError::Unavailable { .. }
                    | PortalError::Busy { .. }
                    | PortalError::Unreachable
                    | PortalError::Internal { .. },
                ) => {
                    self.wait(added, LONGEST_WAIT.min(delay * 2));
                    None
                }
                Err(error) => Some(error),
            };
            self.error.set(error);
        };
        set_timeout(move || spawn_local(ask), delay);
    }

    fn show(self, added: Added, config: &ClientConfig) -> Result<(), PortalError> {
        let text =
            client_config::render(config, Some(added.key.bytes())).map_err(|_| bad_answer())?;
        let file = format!("{}.conf", client_config::tunnel_name(&added.peer.name));
        let finished = Finished { text: Arc::new(text), file, saved: RwSignal::new(false) };
        self.stage.set(Stage::Ready(added, finished));
        Ok(())
    }

    /// Whether leaving the page would lose the key.
    fn is_unsaved(self) -> bool {
        match &*self.stage.read_untracked() {
            Stage::Naming => false,
            Stage::Waiting(_) => true,
            Stage::Ready(_, finished) => !finished.saved.get_untracked(),
        }
    }

    /// Forgets the key before the page is left.
    pub(super) fn finish(self, finished: &Finished) -> impl Fn(ev::MouseEvent) + use<> {
        let saved = finished.saved;
        move |_| {
            saved.set(true);
            self.stage.set(Stage::Naming);
        }
    }
}

fn bad_answer() -> PortalError {
    PortalError::Unavailable { message: texts::BAD_ANSWER.to_owned() }
}
