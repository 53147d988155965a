//! What the host does for a guest: one file for each interface that does more than answer.

pub(crate) mod http;
pub(crate) mod kv;
pub(crate) mod log;
pub(crate) mod secrets;
pub(crate) mod smtp;

use crate::{
    bindings::{clock, config, context, crypto, random},
    crypto as calculate,
    limits::{LABEL_BYTES, LimitName, RANDOM_BYTES},
    rights::hmac_right,
    state::{CallState, Stop, hex},
};

impl crate::bindings::types::Host for CallState {}
impl crate::bindings::billing_types::Host for CallState {}

impl config::Host for CallState {
    fn get(&mut self) -> wasmtime::Result<String> {
        Ok(self.request.config.clone())
    }
}

impl context::Host for CallState {
    fn current(&mut self) -> wasmtime::Result<context::Call> {
        Ok(context::Call {
            delivery_id: self.request.delivery_id.clone(),
            attempt: self.request.attempt,
            deadline: self.deadline_ms,
            installation_id: self.request.installation.clone(),
            test_mode: self.request.test_mode,
            trace_parent: self.request.trace_parent.clone(),
        })
    }

    fn idempotency_key(&mut self, label: String) -> wasmtime::Result<String> {
        if LABEL_BYTES < label.len() {
            return Err(Stop::limit(
                LimitName::Hostcall,
                format!("a label of {} bytes, and {LABEL_BYTES} are allowed", label.len()),
            ));
        }
        Ok(hex(&self.derived("idempotency", &[label.as_bytes()])))
    }
}

impl clock::Host for CallState {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.request.now_ms)
    }
}

impl random::Host for CallState {
    fn bytes(&mut self, len: u32) -> wasmtime::Result<Vec<u8>> {
        let length = usize::try_from(len)?;
        let (start, end) = (self.random.len(), self.random.len().saturating_add(length));
        if RANDOM_BYTES < end {
            return Err(Stop::limit(
                LimitName::Random,
                format!("{end} random bytes, and {RANDOM_BYTES} are allowed"),
            ));
        }
        // Block by block, so that it does not matter how many are asked for at once.
        let mut bytes = Vec::with_capacity(length);
        for block in start / 32..end.div_ceil(32) {
            let number = u64::try_from(block)?.to_be_bytes();
            bytes.extend_from_slice(&self.derived("random", &[&number]));
        }
        let skipped = start % 32;
        let bytes = bytes[skipped..skipped + length].to_vec();
        self.random.extend_from_slice(&bytes);
        Ok(bytes)
    }
}

impl CallState {
    /// A secret as a key for HMAC, where the plugin may use it so.
    fn hmac_key(
        &self,
        name: &str,
        encoding: crypto::KeyEncoding,
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, crypto::Error> {
        let unknown = || crypto::Error::UnknownSecret(name.to_owned());
        if !self.secret_names.contains(name) {
            return Err(unknown());
        }
        hmac_right(&self.prepared.manifest, &self.prepared.grants, name)
            .map_err(crypto::Error::Denied)?;
        let secret = self.request.secrets.get(name).ok_or_else(unknown)?;
        calculate::key(secret.expose(), encoding).ok_or(crypto::Error::BadKey)
    }
}

impl crypto::Host for CallState {
    fn hmac(
        &mut self,
        secret: String,
        encoding: crypto::KeyEncoding,
        hash: crypto::Hash,
        message: Vec<u8>,
    ) -> wasmtime::Result<Result<Vec<u8>, crypto::Error>> {
        let key = self.hmac_key(&secret, encoding);
        Ok(key.map(|key| calculate::hmac(&key, hash, &message)))
    }

    fn hmac_verify(
        &mut self,
        secret: String,
        encoding: crypto::KeyEncoding,
        hash: crypto::Hash,
        message: Vec<u8>,
        tag: Vec<u8>,
    ) -> wasmtime::Result<Result<bool, crypto::Error>> {
        let key = self.hmac_key(&secret, encoding);
        Ok(key.map(|key| calculate::hmac_verify(&key, hash, &message, &tag)))
    }

    fn ed25519_verify(
        &mut self,
        public_key: Vec<u8>,
        message: Vec<u8>,
        signature: Vec<u8>,
    ) -> wasmtime::Result<bool> {
        Ok(calculate::ed25519_verify(&public_key, &message, &signature))
    }

    fn digest(&mut self, hash: crypto::Hash, data: Vec<u8>) -> wasmtime::Result<Vec<u8>> {
        Ok(calculate::digest(hash, &data))
    }
}
