//! What a store holds for one call, and why it may end early.

use std::{
    collections::BTreeSet,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_lc_rs::hmac;
use wasmtime::{UpdateDeadline, component::HasSelf};

use crate::{
    egress::sender::Egress,
    imports::{kv::Store, log::Log},
    limits::LimitName,
    memory::Memory,
    messages::{CallRequest, HttpTrace, SecretPut},
    meter::Meter,
    runner::{Prepared, Work},
    scrub::Scrubber,
};

/// Why the host ends a call.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    pub(crate) name: LimitName,
    pub(crate) detail: String,
}

impl Stop {
    /// As an error that wasmtime carries through the guest.
    pub(crate) fn limit(name: LimitName, detail: String) -> wasmtime::Error {
        wasmtime::Error::new(Self { name, detail })
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} limit: {}", self.name, self.detail)
    }
}

impl std::error::Error for Stop {}

/// How the linker finds the state.
pub(crate) type Own = HasSelf<CallState>;

/// Everything that the imports of one call read and write.
pub(crate) struct CallState {
    pub(crate) prepared: Arc<Prepared>,
    pub(crate) request: Arc<CallRequest>,
    /// The secrets there are; not all of them need be here.
    pub(crate) secret_names: BTreeSet<String>,
    pub(crate) began: Instant,
    pub(crate) deadline: Instant,
    pub(crate) deadline_ms: u64,
    pub(crate) meter: Arc<Meter>,
    pub(crate) cpu: Duration,
    pub(crate) memory: Memory,
    pub(crate) log: Log,
    pub(crate) kv: Store,
    pub(crate) random: Vec<u8>,
    pub(crate) secret_puts: Vec<SecretPut>,
    pub(crate) egress: Box<dyn Egress>,
    pub(crate) http: Vec<HttpTrace>,
    pub(crate) http_sent: u32,
    pub(crate) scrubber: Scrubber,
}

impl CallState {
    pub(crate) fn new(prepared: Arc<Prepared>, work: Work, meter: Arc<Meter>) -> Self {
        let Work { request, secret_names, reader, egress } = work;
        let limits = prepared.limits;
        let wall = limits.wall(&request.call);
        let mut scrubber = Scrubber::default();
        for secret in request.secrets.values() {
            scrubber.add(secret.expose().as_bytes());
        }
        let began = Instant::now();
        let wall_ms = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
        Self {
            began,
            deadline: began + wall,
            deadline_ms: request.started_ms.saturating_add(wall_ms),
            cpu: limits.cpu(&request.call),
            memory: Memory::new(limits.memory_bytes),
            kv: Store::new(reader, request.started_ms, limits.kv_bytes),
            egress,
            secret_names,
            prepared,
            request,
            meter,
            log: Log::default(),
            random: Vec::new(),
            secret_puts: Vec::new(),
            http: Vec::new(),
            http_sent: 0,
            scrubber,
        }
    }

    /// Something that only this installation can make, the same in every try of a delivery.
    pub(crate) fn derived(&self, purpose: &str, more: &[&[u8]]) -> [u8; 32] {
        derived(&self.request, purpose, more)
    }

    /// The engine's clock ticked while the guest ran: others get their turn, or it ends here.
    pub(crate) fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        let used = self.meter.during_poll();
        if self.cpu < used {
            let (used, allowed) = (used.as_millis(), self.cpu.as_millis());
            return Err(Stop::limit(
                LimitName::Cpu,
                format!("{used} ms of CPU time, and {allowed} are allowed"),
            ));
        }
        Ok(UpdateDeadline::Yield(1))
    }
}

/// Something that only this installation can make, the same in every try of a delivery.
pub(crate) fn derived(request: &CallRequest, purpose: &str, more: &[&[u8]]) -> [u8; 32] {
    let secret = request.installation_key.expose().as_bytes();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mut context = hmac::Context::with_key(&key);
    for part in [purpose.as_bytes(), request.delivery_id.as_bytes()].iter().chain(more) {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        context.update(&length.to_be_bytes());
        context.update(part);
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.sign().as_ref());
    bytes
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}
