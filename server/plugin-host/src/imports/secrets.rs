//! The import `secrets`: placeholders out, generated secrets in.

use crate::{
    bindings::secrets::{Error, Host},
    limits::SECRET_PUTS,
    messages::SecretPut,
    secret::PluginSecret,
    state::{CallState, hex},
    text,
};

/// What placeholders begin with: nothing that stands in a text by accident, and nothing that a
/// URL or a header would change.
pub(crate) const PLACEHOLDER: &str = "mrsecret0";

impl Host for CallState {
    fn placeholder(&mut self, name: String) -> wasmtime::Result<Result<String, Error>> {
        if !self.request.secrets.contains_key(&name) {
            return Ok(Err(Error::Unknown(text::line(&name, 80))));
        }
        let attempt = self.request.attempt.to_be_bytes();
        let placeholder = hex(&self.derived("placeholder", &[&attempt, name.as_bytes()]));
        let placeholder = format!("{PLACEHOLDER}{placeholder}");
        self.placeholders.insert(placeholder.clone(), name);
        Ok(Ok(placeholder))
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
