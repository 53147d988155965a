//! What every plugin of a kind has to stand, whatever provider it speaks to.

pub(crate) mod billing;
pub(crate) mod channel;
pub(crate) mod provider;

use myrelay_fake_providers::{Fake, Fault};
use myrelay_plugin_host::{
    Answer, Call, Failure, Grants, KvWrite, Manifest, Outcome, billing_types::Effect, types,
};
use serde_json::Value;

use crate::stage::{Stage, component};

/// A plugin that is installed, its settings, and what nobody may ever read.
pub(crate) struct Rig {
    pub(crate) stage: Stage,
    pub(crate) config: String,
}

/// A provider of the test's own, and the plugin that speaks to it.
pub(crate) struct Story<F> {
    pub(crate) rig: Rig,
    pub(crate) fake: F,
}

/// What every story with a provider has, whatever it is about.
pub(crate) trait Told {
    fn rig(&self) -> &Rig;

    fn rig_mut(&mut self) -> &mut Rig;

    /// Goes wrong with the next request.
    fn fail(&self, fault: Fault);
}

impl<F: Fake> Told for Story<F> {
    fn rig(&self) -> &Rig {
        &self.rig
    }

    fn rig_mut(&mut self) -> &mut Rig {
        &mut self.rig
    }

    fn fail(&self, fault: Fault) {
        self.fake.fail(fault);
    }
}

/// The manifest of a plugin whose provider is on this machine.
pub(crate) fn beside(manifest: &str, hosts: &[&str], port: u16) -> String {
    hosts.iter().fold(manifest.to_owned(), |text, host| {
        let here = format!("\nscheme = \"http\"\nhost = \"127.0.0.1\"\nport = {port}\n");
        let moved = text.replace(&format!("\nhost = \"{host}\"\n"), &here);
        assert_ne!(moved, text, "the manifest names {host}");
        moved.replace(&format!("\"{host}\""), "\"127.0.0.1\"")
    })
}

/// The manifest of a plugin that asks for hosts which the operator names, on this machine.
pub(crate) fn anywhere(manifest: &str, port: u16) -> String {
    let here = format!("\nscheme = \"http\"\nhost = \"*\"\nport = {port}\n");
    manifest.replace("\nhost = \"*\"\n", &here)
}

/// All that a manifest asks for, with one port of loopback.
pub(crate) fn grants(manifest: &str, port: u16) -> Grants {
    let mut grants = Grants::all_asked(&Manifest::parse(manifest).unwrap());
    for grant in &mut grants.http {
        grant.any_host = grant.rule.host.is_any();
        grant.private = vec![format!("127.0.0.1/32:{port}").parse().unwrap()];
    }
    grants
}

impl Rig {
    /// Installs a plugin with all that it asks for; none where plugins were not built.
    pub(crate) async fn new(
        plugin: &str,
        manifest: &str,
        port: u16,
        config: Value,
        secrets: &[(&str, &str)],
    ) -> Option<Self> {
        let mut stage = Stage::that_keeps_code();
        for (name, text) in secrets {
            stage.secret(name, text);
        }
        let wasm = component(&format!("myrelay_plugin_{plugin}"))?;
        stage.install_wasm(wasm, manifest, grants(manifest, port)).await.unwrap();
        let rig = Self { stage, config: config.to_string() };
        assert_eq!(
            rig.answer(Call::ValidateConfig(rig.config.clone())).await,
            Answer::Problems(Vec::new())
        );
        Some(rig)
    }

    /// Calls it. Its secrets are in nothing that comes back, and what it remembers is remembered.
    pub(crate) async fn call(&self, call: Call) -> Outcome {
        let outcome = loop {
            let outcome = self.stage.call(call.clone(), &self.config).await;
            // A test is faster than a plugin is called: fifty times a second.
            if !matches!(outcome.result, Err(Failure::Busy(_))) {
                break outcome;
            }
        };
        let mut told = format!("{outcome:?}");
        for change in &outcome.kv {
            if let KvWrite::Put { value, .. } = &change.write {
                told += &String::from_utf8_lossy(value);
            }
        }
        for (name, secret) in &self.stage.secrets {
            assert!(!told.contains(secret.expose()), "{name} stands in {told}");
        }
        self.stage.store.apply(&outcome.kv);
        outcome
    }

    pub(crate) async fn answer(&self, call: Call) -> Answer {
        let outcome = self.call(call).await;
        outcome.result.unwrap_or_else(|failure| panic!("{failure:?}, after {:?}", outcome.http))
    }

    pub(crate) async fn effects(&self, call: Call) -> Vec<Effect> {
        let outcome = self.call(call).await;
        assert!(outcome.result.is_ok(), "{outcome:?}");
        outcome.effects().to_vec()
    }

    /// What it says went wrong. It remembers nothing then.
    pub(crate) async fn error(&self, call: Call) -> types::Error {
        let outcome = self.call(call).await;
        assert!(outcome.kv.is_empty());
        match outcome.result {
            Err(Failure::Reported(error)) => error,
            other => panic!("no error: {other:?}"),
        }
    }
}
