//! The import `secrets`: placeholders out, generated secrets in.

use crate::{
    bindings::secrets::{Error, Host},
    limits::SECRET_PUTS,
    messages::{CallRequest, SecretPut},
    secret::PluginSecret,
    state::{CallState, derived, hex},
    text,
};

/// What placeholders begin with: nothing that stands in a text by accident, and nothing that a
/// URL or a header would change.
pub(crate) const PLACEHOLDER: &str = "mrsecret0";

/// What stands for a secret in one try of one delivery.
pub(crate) fn placeholder(request: &CallRequest, name: &str) -> String {
    let attempt = request.attempt.to_be_bytes();
    let digits = hex(&derived(request, "placeholder", &[&attempt, name.as_bytes()]));
    format!("{PLACEHOLDER}{digits}")
}

impl Host for CallState {
    fn placeholder(&mut self, name: String) -> wasmtime::Result<Result<String, Error>> {
        if !self.secret_names.contains(&name) {
            return Ok(Err(Error::Unknown(text::line(&name, 80))));
        }
        Ok(Ok(placeholder(&self.request, &name)))
    }

    fn put(&mut self, name: String, value: String) -> wasmtime::Result<Result<(), Error>> {
        let Some(secret) = self.prepared.manifest.secret(&name) else {
            return Ok(Err(Error::Unknown(text::line(&name, 80))));
        };
        if !secret.generated {
            let rule = format!("plugin.toml: [[secrets]] {name} needs generated = true");
            return Ok(Err(Error::Denied(rule)));
        }
        let Some(value) = PluginSecret::new(value) else {
            return Ok(Err(Error::Denied("a secret has 1 to 8192 bytes".to_owned())));
        };
        self.scrubber.add(value.expose().as_bytes());
        self.secret_puts.retain(|it| it.name != name);
        if self.secret_puts.len() == SECRET_PUTS {
            return Ok(Err(Error::Denied(format!("{SECRET_PUTS} secrets in one call"))));
        }
        self.secret_puts.push(SecretPut { name, value });
        Ok(Ok(()))
    }
}
